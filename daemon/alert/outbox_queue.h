/* Between the files of the outbox: alerts are shared by the queues they wait in. */
#ifndef DUST_OUTBOX_QUEUE_H
#define DUST_OUTBOX_QUEUE_H

#include "daemon/alert/message.h"
#include "daemon/alert/outbox.h"

struct alert {
    int64_t seq, at_ms;
    enum level level;
    bool urgent;
    int refs; /* queues it waits in */
    char subject[48];
    char *title, *text;
};

struct entry {
    struct alert *alert;
    uint8_t tries;
    bool flying; /* in the message that is on its way */
    bool over;   /* for want of room: to be given up */
};

struct queue {
    const struct person *person;
    int channel;
    struct entry *list; /* by seq */
    int n, room, urgent;
    int64_t sent_ms; /* wire time of the last message; INT64_MIN: none yet */
};

/* The alert of a row's body, without refs; NULL when it is none. `keep_text`: else its title alone. */
struct alert *alert_make(int64_t seq, const json_t *body, bool zh, bool keep_text);
void alert_drop(struct alert *a); /* one queue less; the last frees it */

/* At the end of the queue, once. */
void queue_add(struct queue *q, struct alert *a);

/* Takes out the entries that `out_of(entry, arg)` says; their numbers go to `rows` while there is room for
 * `most`: what has none stays. How many. */
int queue_take(struct queue *q, bool (*out_of)(const struct entry *e, const void *arg), const void *arg,
               int64_t *rows, int most);

void queue_finish(struct queue *q);

enum { OUTBOX_RATE_MOST = 20 }; /* per_minute is at most that */

/* What a channel is doing. */
struct lane {
    int64_t sent_ms[OUTBOX_RATE_MOST]; /* wire times of the last messages, a ring: of the answer once it is
                                          there */
    int nsent;                         /* ever, for the ring's place */
    int64_t next_ms;                   /* wire time: not before */
    int flying;                        /* queue of the message that is on its way; -1: none */
    int failed;
    uint64_t taken, refused;
    char why[ALERT_WHY_SIZE];
};

struct outbox {
    const struct config *config;
    struct queue *queues;
    int nqueues;
    struct lane *lanes; /* one a channel of the configuration */
    int entries, over;  /* in all queues; of these, to be given up */
    size_t text_bytes;  /* given since it was empty */
    struct alert_text texts[OUTBOX_LETTER];
    int64_t rows[OUTBOX_LETTER];
};

/* Nothing of it is on its way any more. */
void queue_land(struct queue *q);

/* Counts anew what waits. */
void outbox_count(struct outbox *o);

#endif
