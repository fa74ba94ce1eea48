/* Limits of a calendar year, for who restores a judge and who shows what runs. Main thread. */
#ifndef DUST_ANNUAL_H
#define DUST_ANNUAL_H

#include "daemon/judge/judge.h"

#include <stdbool.h>
#include <stdint.h>

struct limit;

/* Whether the judge has any. */
bool annual_wanted(const struct judge *j);

/* A closed hour of a point; `corrects`: it replaces the one before. Restart, after the minutes: those of the
 * journal's hour rows in their order, from the start of the year that YEARS_HOURS_DAYS (years.h) before the
 * newest minute fall in. Of a year whose next one has hours the verdict has been told. Does nothing when no
 * limit is annual. */
void annual_hour(struct judge *j, int point, int64_t start_ms, const struct mean *hour, bool corrects);

/* Then: these were all, and the journal has a verdict on the year that started at told_ms (INT64_MIN: none).
 */
void annual_restored(struct judge *j, int64_t told_ms);

/* The mean of the days so far of the year that runs, `of` all its days, as if it ended now; false: none does.
 */
bool annual_running(const struct judge *j, int point, const struct limit *limit, int64_t *start_ms,
                    int64_t *length_ms, struct mean *so_far);

#endif
