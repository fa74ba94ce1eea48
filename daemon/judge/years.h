/* What a limit of a calendar year looks at: of each of its points the newest hours, and of the days of a year
 * and a little more what their hours come to. A day is the mean of its valid hours, a year that of its days
 * (GB 3095-2012 table 3, GB 3095-2026). Kept by their numbers, so that an hour that comes twice counts once,
 * and of a fixed size: some 12 KiB a point. Pure, main thread. */
#ifndef DUST_YEARS_H
#define DUST_YEARS_H

#include "daemon/judge/judge.h"

#include <stddef.h>
#include <stdint.h>

enum { YEARS_HOURS_DAYS = 16 }; /* as many days are summed again when an hour of them changes */

struct limit;
struct years;

/* kept[npoints]: of which points. The caller's (years_destroy, which accepts NULL). */
struct years *years_create(size_t npoints, const bool *kept, int zone_min);
void years_destroy(struct years *y);

/* The hour that starts then has this mean. Of one that comes twice (the clock was set back) that with more
 * minutes counts, but what `corrects` replaces it. A point that is not kept, or a time too long ago, is
 * passed over. */
void years_hour(struct years *y, int point, int64_t start_ms, const struct mean *hour, bool corrects);

/* The mean of the point's days in the year that starts at year_ms: n of them valid, by the limit's
 * hours_needed, `of` in the year; min and max are its lowest and highest day. Valid with as many days as the
 * limit asks for, in the year and in each month; without such a number with 75 % of the days. */
struct mean years_mean(const struct years *y, int point, int64_t year_ms, const struct limit *limit);

/* Reload: the same with the points of another configuration; before[i] is what point i was, -1 new. */
void years_carry(struct years *to, const struct years *from, const int *before);

#endif
