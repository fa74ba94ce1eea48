/* What the far end said, and what is given up. */
#include "daemon/alert/outbox_queue.h"
#include "daemon/config/config.h"
#include "daemon/config/person.h"

#include <stdio.h>

enum { FIRST_MS = 2000, MOST_MS = 300000 }; /* back-off */

static bool is_flying(const struct entry *e, const void *arg)
{
    (void)arg;
    return e->flying;
}

static bool is_lost(const struct entry *e, const void *arg)
{
    (void)arg;
    return e->flying && e->tries >= OUTBOX_TRIES;
}

/* Twice as long each time, and not all channels at the same moment. */
static int64_t back_off_ms(int failed, int64_t now_ms)
{
    int64_t base = failed < 8 ? (int64_t)FIRST_MS << failed : MOST_MS;
    base = base > MOST_MS ? MOST_MS : base;
    return base + (int64_t)((uint64_t)now_ms * 2654435761u % (uint64_t)(base / 4));
}

static void fail(struct lane *l, struct queue *q, int64_t now_ms, const struct robot_reply *said)
{
    int64_t wait_ms = back_off_ms(l->failed++, now_ms);
    l->next_ms = now_ms + (said->wait_s * 1000 > wait_ms ? said->wait_s * 1000 : wait_ms);
    for (int i = 0; i < q->n && said->answer == ALERT_NEVER; i++)
        q->list[i].tries = (uint8_t)(q->list[i].tries + q->list[i].flying);
}

bool outbox_answer(struct outbox *o, int channel, struct outbox_time now, const struct robot_reply *said,
                   struct outbox_verdict *out)
{
    struct lane *l = &o->lanes[channel];
    if (l->flying < 0)
        return false;
    struct queue *q = &o->queues[l->flying];
    bool ok = said->answer == ALERT_TAKEN;
    l->sent_ms[(l->nsent - 1) % OUTBOX_RATE_MOST] =
        now.wire_ms; /* the far end counts it by now at the latest */
    if (ok) {
        q->sent_ms = now.wire_ms;
        l->failed = 0;
        l->taken++;
    } else {
        fail(l, q, now.wire_ms, said);
    }
    snprintf(l->why, sizeof l->why, "%s", ok ? "" : said->why);
    *out = (struct outbox_verdict){.person = q->person->name, .channel = o->config->channels[channel].name};
    out->ok = ok;
    out->rows = o->rows;
    out->nrows = queue_take(q, ok ? is_flying : is_lost, NULL, o->rows, OUTBOX_LETTER);
    snprintf(out->why, sizeof out->why, "%s", l->why);
    l->refused += !ok && out->nrows;
    l->flying = -1;
    queue_land(q);
    outbox_count(o);
    return out->nrows > 0;
}

static bool is_over(const struct entry *e, const void *arg)
{
    (void)arg;
    return e->over && !e->flying;
}

static bool is_old(const struct entry *e, const void *before_ms)
{
    return e->alert->at_ms < *(const int64_t *)before_ms && !e->flying;
}

bool outbox_give_up(struct outbox *o, struct outbox_time now, struct outbox_verdict *out)
{
    int64_t before_ms = now.site_ms - o->config->alerts.keep_ms;
    for (int i = 0; i < o->nqueues; i++) {
        struct queue *q = &o->queues[i];
        int n = o->over ? queue_take(q, is_over, NULL, o->rows, OUTBOX_LETTER) : 0;
        const char *why = "too many wait: there is no room for more";
        if (!n && q->n && is_old(&q->list[0], &before_ms)) {
            n = queue_take(q, is_old, &before_ms, o->rows, OUTBOX_LETTER);
            why = "too old: it was not taken in time";
        }
        if (!n)
            continue;
        *out = (struct outbox_verdict){
            q->person->name, o->config->channels[q->channel].name, o->rows, n, false, ""};
        snprintf(out->why, sizeof out->why, "%s", why);
        o->lanes[q->channel].refused++;
        outbox_count(o);
        return true;
    }
    return false;
}
