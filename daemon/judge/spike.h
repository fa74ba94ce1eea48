/* A single sample far off: its neighbours on both sides agree, it does not. It is kept raw, but is in no mean
 * ([proposal]: more than 5 times the MAD of 30 min, and not repeated). */
#ifndef DUST_SPIKE_H
#define DUST_SPIKE_H

#include "daemon/sample.h"

#include <stdbool.h>

enum { SPIKE_KEPT = 64, SPIKE_EVERY_MS = 28000 }; /* every 28 s one: half an hour */

struct spike { /* of one point; zeroed: nothing seen yet */
    double kept[SPIKE_KEPT];
    int nkept, at;
    int64_t next_ms;    /* the next to keep is at or after this */
    double before;      /* the last sample that was no spike */
    struct sample held; /* not told yet: far from the one before, the next one will say */
    bool has_before, holding;
    uint32_t found; /* since the last spike_minute */
};

/* Takes a sample; calls `use` with each that may go into the mean, in order: none, one or two; those that are
 * not N come at once. `far` is the factor on the median absolute deviation, `floor` the least distance. What
 * is no spike is told with the next sample at the latest. */
void spike_sample(struct spike *s, const struct sample *sample, double far, double floor,
                  void (*use)(const struct sample *, void *), void *arg);

/* The minute ends: what is held belongs to it, nothing speaks against it yet. */
void spike_minute(struct spike *s, void (*use)(const struct sample *, void *), void *arg);

#endif
