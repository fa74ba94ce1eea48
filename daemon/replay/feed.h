/* From what a recording says to the minutes that the daemon's own judge is given (judging.c), in virtual
 * time: site time stands where the recording is. Main thread; one at a time, for there is one clock. */
#ifndef DUST_REPLAY_FEED_H
#define DUST_REPLAY_FEED_H

#include <stdint.h>

struct columns;
struct config;
struct feed;
struct hearing;
struct mean;
struct recorded;

/* `hearing` hears what is found, and `minute`, if not NULL, each minute once its quality was looked at. Both
 * are given hearing->arg, and outlive the feed. */
struct feed *feed_create(struct config *c, const struct hearing *hearing,
                         void (*minute)(const struct mean *means, void *arg));
void feed_destroy(struct feed *f); /* accepts NULL */

/* The samples of these points come step_ms apart, which counts where the site's device is read clearly more
 * often. */
void feed_pace(struct feed *f, const struct columns *columns, int64_t step_ms);

/* What comes next in time. What belongs to a minute that is over is left out and counted. */
void feed_take(struct feed *f, const struct recorded *r);

/* The recordings end: what waits is judged as it stands. Windows and days that they do not end are not. */
void feed_end(struct feed *f);

struct feed_counts {
    int64_t from_ms, to_ms;    /* of the minutes; both 0: none */
    int64_t holes, missing_ms; /* longer than ten minutes, and their length: no minutes there */
    int64_t left_out;          /* values and minutes of a time that was over */
};
struct feed_counts feed_counted(const struct feed *f);

#endif
