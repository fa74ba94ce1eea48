/* What a back-test finds, as people read it (zh or en) or as JSON lines. Main thread. */
#ifndef DUST_REPLAY_FOUND_H
#define DUST_REPLAY_FOUND_H

#include <stdbool.h>
#include <stdio.h>

struct config;
struct feed_counts;
struct found;
struct mean;
struct recording;

/* `json`: a line is a row as the daemon would have it, with its number. */
struct found *found_create(const struct config *c, bool json, FILE *out);
void found_destroy(struct found *f); /* accepts NULL */

/* What it listens with; `arg` of the minute hook is the same. */
const struct hearing *found_hearing(const struct found *f);
void found_minute(const struct mean *means, void *found);

/* What of the files was not used, before anything is found. */
void found_recording(struct found *f, const struct recording *s);

/* After the last minute: how much each limit, requirement and point comes to. */
void found_end(struct found *f, const struct feed_counts *counts);

#endif
