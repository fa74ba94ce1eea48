/* How often a client and a user may ask. A token bucket each: `burst` at once, then `per_s` a second. Pure;
 * `now_us` is wire time. */
#ifndef DUST_RATE_H
#define DUST_RATE_H

#include <stdint.h>

struct rate {
    int per_s, burst;
};

/* A full bucket is zeroed: it holds the time at which it will be full again. */
struct bucket {
    int64_t full_us;
};

/* 0 when one may be taken now, else how long that will not be so. Takes nothing. */
int64_t bucket_wait_us(const struct bucket *b, struct rate r, int64_t now_us);

/* Takes one; only after bucket_wait_us has said 0. */
void bucket_take(struct bucket *b, struct rate r, int64_t now_us);

/* What a request is for. */
enum rate_class { RATE_READ, RATE_PAGE, RATE_WRITE, RATE__COUNT };

/* Who has asked lately. Whoever has not asked for longest makes room for somebody new: his bucket is full
 * again anyhow. */
struct rate_book {
    struct rate_entry {
        uint64_t key; /* client id, or uid + 1; 0: free */
        struct bucket buckets[RATE__COUNT];
    } clients[64], users[64];
};

struct rate_asker {
    uint64_t client;
    uint32_t uid; /* of the client's user */
    int64_t now_us;
};

struct rate_refusal {
    char text[256];  /* "busy: ..." */
    int64_t wait_us; /* until it is worth asking again */
};

/* ERR_OK, and the request is counted; or ERR_FULL with `why`: then it is not. */
int rate_ask(struct rate_book *book, enum rate_class class, const struct rate_asker *who,
             struct rate_refusal *why);

#endif
