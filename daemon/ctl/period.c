#include "daemon/ctl/period.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"

#include <stddef.h>
#include <string.h>
#include <time.h>

enum { DAYS_OF_WEEK = 7, SECOND_HALF = 16, MONTHS = 12 };

static const char *const names[PERIOD__KINDS] = {
    [PERIOD_WEEKLY] = "weekly", [PERIOD_HALF_MONTH] = "half-month"};

int period_parse(const char *word, enum period_kind *kind)
{
    for (int i = 0; i < PERIOD__KINDS; i++)
        if (strcmp(names[i], word) == 0) {
            *kind = (enum period_kind)i;
            return ERR_OK;
        }
    return ERR_FORMAT;
}

const char *period_str(enum period_kind kind)
{
    return names[kind];
}

/* The site's day that holds `at_ms`, as a calendar's. */
static struct tm day_of(int64_t at_ms, int zone_min)
{
    struct tm tm;
    int64_t local_ms = at_ms + (int64_t)zone_min * CLOCK_MINUTE_MS;
    time_t s = (time_t)((local_ms - (local_ms % CLOCK_DAY_MS + CLOCK_DAY_MS) % CLOCK_DAY_MS) / 1000);
    gmtime_r(&s, &tm);
    return tm;
}

/* Its midnight in the site's zone; months from 0, of which the 12th is the next year's first. */
static int64_t midnight(int year, int month, int day, int zone_min)
{
    struct tm tm = {.tm_year = year + month / MONTHS, .tm_mon = month % MONTHS, .tm_mday = day};
    return (int64_t)timegm(&tm) * 1000 - (int64_t)zone_min * CLOCK_MINUTE_MS;
}

struct period period_of(enum period_kind kind, int64_t at_ms, int zone_min)
{
    struct tm day = day_of(at_ms, zone_min);
    if (kind == PERIOD_WEEKLY) { /* tm_wday: Sunday is 0 */
        int64_t today_ms = midnight(day.tm_year, day.tm_mon, day.tm_mday, zone_min);
        int64_t monday_ms =
            today_ms - (int64_t)((day.tm_wday + DAYS_OF_WEEK - 1) % DAYS_OF_WEEK) * CLOCK_DAY_MS;
        return (struct period){monday_ms, monday_ms + (int64_t)DAYS_OF_WEEK * CLOCK_DAY_MS};
    }
    if (day.tm_mday < SECOND_HALF)
        return (struct period){midnight(day.tm_year, day.tm_mon, 1, zone_min),
                               midnight(day.tm_year, day.tm_mon, SECOND_HALF, zone_min)};
    return (struct period){midnight(day.tm_year, day.tm_mon, SECOND_HALF, zone_min),
                           midnight(day.tm_year, day.tm_mon + 1, 1, zone_min)};
}

struct period period_last(enum period_kind kind, int64_t now_ms, int zone_min)
{
    return period_of(kind, period_of(kind, now_ms, zone_min).from_ms - 1, zone_min);
}
