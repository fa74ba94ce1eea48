/* The hours of work of a day of the site. They are the same each day (the zone has no summer time), so
 * whoever judges by them has them worked out once, for a configuration. Pure. */
#ifndef DUST_WORKDAY_H
#define DUST_WORKDAY_H

#include <stdbool.h>
#include <stdint.h>

enum { WORKDAY_MIN = 1440 };

struct workday {
    int next[WORKDAY_MIN + 1]; /* of a minute: the first from it on that is worked; WORKDAY_MIN: none */
    int end[WORKDAY_MIN + 1];  /* the first from it on that is not */
};

/* `hours` as in the configuration, "06:00-20:00"; none: round the clock. */
void workday_fill(struct workday *w, const char *const *hours, int n);

/* Whether the time, so long after the day began, is worked; before and after the day nobody works. */
bool workday_is_worked(const struct workday *w, int64_t after_ms);

/* The stretch of hours that a time of the day is in, or the next one: from then, or its beginning, to its
 * end. Looked at minute by minute from after_ms on: what is no whole minute stays so. False: there is none.
 */
bool workday_stretch(const struct workday *w, int64_t after_ms, int64_t *from_ms, int64_t *to_ms);

#endif
