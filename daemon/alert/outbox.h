/* Who must still be told what: one queue a person and channel, one message at a time on a channel.
 *
 * Urgent alerts (critical ones, and tests) go first, each by itself, unless more of them wait than there are
 * places left in this minute: then all that waits for that person goes in one. The others of a person are
 * merged into one message, not before `alerts.gather` has passed since his last one; general ones wait while
 * it is quiet. In no 60 s does a channel get more than `per_minute` messages, tries that failed among them,
 * and the last fifth of these is kept for urgent ones.
 *
 * Pure: time is an argument, rows are given. What waits is what alert rows say and no alerted row settles, so
 * a restart that gives both kinds of row has the same outbox. Main thread. */
#ifndef DUST_OUTBOX_H
#define DUST_OUTBOX_H

#include "daemon/alert/robot.h"
#include "daemon/config/duty.h"

#include <jansson.h>

struct config;

enum {
    OUTBOX_MOST = 32768,    /* (person, channel, alert) that wait; beyond it the oldest not urgent go */
    OUTBOX_LETTER = 500,    /* alerts in one message: their numbers fit in one row */
    OUTBOX_TRIES = 3,       /* an alert that is refused as often for good is given up */
    OUTBOX_TEXT_MOST = 2000 /* bytes kept of an alert's text */
};

struct outbox;

struct outbox_time {
    int64_t site_ms, wire_ms; /* wire: what a channel takes, back-off, gather; site: age and quiet hours */
    int64_t committed;        /* alert rows beyond it are not sent yet */
};

/* An empty one, the caller's (outbox_free). `c` must outlive it, or be replaced. */
struct outbox *outbox_create(const struct config *c);
void outbox_free(struct outbox *o); /* NULL ok */

/* Another configuration: queues and channels go on by name. What waits for a person or channel that is no
 * more is forgotten. `restarted[i]`: what was on its way to channel i of `is` waits again. */
void outbox_configure(struct outbox *o, const struct config *is, const bool *restarted);

/* A row of kind alert: ERR_FORMAT when it is none. In the order of seq. Persons that are not configured and
 * those without channels are passed over. */
int outbox_alert(struct outbox *o, int64_t seq, const json_t *body);

/* A row of kind alerted, at start, after the alert rows. */
void outbox_alerted(struct outbox *o, const json_t *body);

/* A message to be sent now; everything in it is good until the next call. */
struct outbox_letter {
    const struct person *person;
    const struct alert_text *list; /* the gravest first */
    const int64_t *rows;           /* of these alerts, ascending */
    int n;
    enum level level; /* the highest */
};

/* Takes the next message for channel `channel` (index in the configuration). False: nothing to be sent now.
 * True: outbox_answer must follow before the next one. */
bool outbox_next(struct outbox *o, int channel, struct outbox_time now, struct outbox_letter *out);

/* What has become of alerts, to be said in an alerted row. Good until the next call. */
struct outbox_verdict {
    const char *person, *channel;
    const int64_t *rows; /* ascending, at most OUTBOX_LETTER */
    int nrows;
    bool ok;
    char why[ALERT_WHY_SIZE]; /* "" when ok */
};

/* What the far end said to the message that is on its way. True: that settles alerts. */
bool outbox_answer(struct outbox *o, int channel, struct outbox_time now, const struct robot_reply *said,
                   struct outbox_verdict *out);

/* Alerts that are given up for their age or for want of room; call until false. */
bool outbox_give_up(struct outbox *o, struct outbox_time now, struct outbox_verdict *out);

/* How a channel is. */
struct outbox_channel {
    int waiting, urgent;     /* alerts, those on their way too */
    int64_t oldest_ms;       /* of these, site time; 0: none waits */
    uint64_t taken, refused; /* messages since the start */
    int failed;              /* tries in a row that were not taken */
    int64_t next_ms;         /* wire time of the next try while failed */
    bool sending;
    char why[ALERT_WHY_SIZE]; /* of the last that was not taken; "" once one is */
};
struct outbox_channel outbox_channel(const struct outbox *o, int channel);

/* One queue: `i` from 0; false: there is no such. */
struct outbox_queue {
    const char *person, *channel;
    int waiting, urgent;
    int64_t oldest_ms; /* 0: none waits */
};
bool outbox_queue(const struct outbox *o, int i, struct outbox_queue *out);

#endif
