/* What the judge says of windows that are over, again or late, while the disk takes nothing: unlike the first
 * word on a window, which is dropped and counted when there is no room, nobody would find it again. So it
 * waits here, the last word on each window, and becomes rows, and steps of issues, when the disk takes
 * batches, in the very batch that waited. Main thread. */
#ifndef DUST_UNSAID_H
#define DUST_UNSAID_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct dustd;
struct judge_event;
struct unsaid_event;

struct unsaid { /* zeroed: empty */
    struct unsaid_event *list;
    size_t n;
};

/* Takes a copy of a correction, of a first verdict that came late, or of a finding of data quality while the
 * disk takes nothing. False: nothing to keep, the caller says it. */
bool unsaid_keep(struct dustd *d, const struct judge_event *event);

/* The disk takes a batch: says all of it (judging_heard), into that batch; and the days of requirements that
 * wait are judged. */
void unsaid_say(struct dustd *d);

/* Reload: limits and points by their new numbers; before[i] is what point i was, -1 new. Of what is no more
 * nothing is said. */
void unsaid_carry(struct dustd *d, const struct config *is, const int *before);

void unsaid_finish(struct unsaid *u);

#endif
