#include "daemon/rate.h"

#include "daemon/base/err.h"

#include <stdbool.h>
#include <stdio.h>

/* A page (of rows, of samples) costs the store at most 20 ms and is asked for one after the other, so that an
 * export must not be slowed by more than that; what a person looks at or does needs no such pace. */
static const struct {
    const char *what;
    struct rate client, user;
} rates[RATE__COUNT] = {
    [RATE_READ] = {"requests", {20, 40}, {50, 100}},
    [RATE_PAGE] = {"pages", {200, 400}, {400, 800}},
    [RATE_WRITE] = {"steps", {5, 10}, {10, 20}},
};

enum { SECOND_US = 1000000, ENTRIES = sizeof((struct rate_book){0}).users / sizeof(struct rate_entry) };

int64_t bucket_wait_us(const struct bucket *b, struct rate r, int64_t now_us)
{
    int64_t wait_us = b->full_us - now_us - (int64_t)(r.burst - 1) * SECOND_US / r.per_s;
    return wait_us > 0 ? wait_us : 0;
}

void bucket_take(struct bucket *b, struct rate r, int64_t now_us)
{
    b->full_us = (b->full_us > now_us ? b->full_us : now_us) + SECOND_US / r.per_s;
}

static int64_t quiet_since(const struct rate_entry *e)
{
    int64_t latest = 0;
    for (int i = 0; i < RATE__COUNT; i++)
        latest = e->buckets[i].full_us > latest ? e->buckets[i].full_us : latest;
    return latest;
}

static struct rate_entry *find(struct rate_entry *entries, uint64_t key)
{
    struct rate_entry *oldest = &entries[0];
    for (int i = 0; i < ENTRIES; i++) {
        if (entries[i].key == key)
            return &entries[i];
        if (quiet_since(&entries[i]) < quiet_since(oldest))
            oldest = &entries[i];
    }
    *oldest = (struct rate_entry){.key = key};
    return oldest;
}

int rate_ask(struct rate_book *book, enum rate_class class, const struct rate_asker *who,
             struct rate_refusal *why)
{
    struct bucket *mine = &find(book->clients, who->client)->buckets[class];
    struct bucket *ours = &find(book->users, (uint64_t)who->uid + 1)->buckets[class];
    int64_t client_us = bucket_wait_us(mine, rates[class].client, who->now_us);
    int64_t user_us = bucket_wait_us(ours, rates[class].user, who->now_us);
    bool by_client = client_us >= user_us;
    why->wait_us = by_client ? client_us : user_us;
    if (why->wait_us) {
        snprintf(why->text, sizeof why->text, "busy: more than %d %s a second of one %s: ask again in %d ms",
                 by_client ? rates[class].client.per_s : rates[class].user.per_s, rates[class].what,
                 by_client ? "client" : "user", (int)(why->wait_us / 1000) + 1);
        return ERR_FULL;
    }
    bucket_take(mine, rates[class].client, who->now_us);
    bucket_take(ours, rates[class].user, who->now_us);
    return ERR_OK;
}
