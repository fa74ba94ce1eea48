#include "daemon/judge/years.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/limits.h"
#include "daemon/judge/window.h"
#include "daemon/sample.h"

#include <math.h>

enum { DAY_HOURS = 24, MONTHS = 12, FEBRUARY = 1, LEAP_YEAR = 366 };
enum { HOURS = YEARS_HOURS_DAYS * DAY_HOURS, DAYS = LEAP_YEAR + YEARS_HOURS_DAYS };

static const double scale = 1e4;

/* An hour, or the sum of the hours of a day; counted in the site's zone. */
struct slot {
    double sum;        /* in ten-thousandths: of an hour its mean, of a day of its valid hours */
    uint32_t number;   /* of the hour or day since 1970; 0: none */
    uint16_t n, lower; /* of an hour: minutes, 0 when it is not valid, and whether it is a lower bound; of a
                          day: hours, and how many are a lower bound */
};

struct years {
    size_t npoints;
    int64_t shift_ms;
    uint32_t newest;             /* hour that came last, but for corrections */
    struct slot **hours, **days; /* of each point HOURS and DAYS of them; NULL: not kept */
};

struct years *years_create(size_t npoints, const bool *kept, int zone_min)
{
    struct years *y = mem_new(struct years);
    y->npoints = npoints;
    y->shift_ms = zone_min * (int64_t)CLOCK_MINUTE_MS;
    y->hours = mem_array(npoints, sizeof *y->hours);
    y->days = mem_array(npoints, sizeof *y->days);
    for (size_t i = 0; i < npoints; i++)
        if (kept[i]) {
            y->hours[i] = mem_array(HOURS, sizeof **y->hours);
            y->days[i] = mem_array(DAYS, sizeof **y->days);
        }
    return y;
}

void years_destroy(struct years *y)
{
    if (!y)
        return;
    for (size_t i = 0; i < y->npoints; i++) {
        mem_free(y->hours[i]);
        mem_free(y->days[i]);
    }
    mem_free(y->hours);
    mem_free(y->days);
    mem_free(y);
}

static struct slot sum_day(const struct slot *hours, uint32_t day)
{
    struct slot sum = {.number = day};
    for (uint32_t number = day * DAY_HOURS; number < (day + 1) * DAY_HOURS; number++) {
        const struct slot *hour = &hours[number % HOURS];
        if (hour->number != number || !hour->n)
            continue;
        sum.sum += hour->sum;
        sum.lower += hour->lower;
        sum.n++;
    }
    return sum;
}

/* Whether not all hours of the day are here any more. */
static bool is_too_old(const struct years *y, uint32_t day)
{
    return day * DAY_HOURS + HOURS <= y->newest;
}

void years_hour(struct years *y, int point, int64_t start_ms, const struct mean *hour, bool corrects)
{
    struct slot *hours = y->hours[point];
    uint32_t number = (uint32_t)((start_ms + y->shift_ms) / CLOCK_HOUR_MS), day = number / DAY_HOURS;
    if (!corrects)
        y->newest = number;
    if (!hours || is_too_old(y, day))
        return;
    struct slot *is = &hours[number % HOURS];
    uint16_t n = mean_valid(hour) ? (uint16_t)(hour->n < UINT16_MAX ? hour->n : UINT16_MAX) : 0;
    if (is->number == number && !corrects && n < is->n)
        return;
    *is = (struct slot){n ? rint(hour->mean * scale) : 0, number, n, hour->quality == QUALITY_OVER_RANGE};
    y->days[point][day % DAYS] = sum_day(hours, day);
}

/* A day with enough hours into the year's tally. */
static bool take_day(struct tally *year, const struct slot *day, const struct limit *limit)
{
    if (!day->n || day->n < limit->hours_needed)
        return false;
    double mean = rint(day->sum / day->n) / scale;
    uint8_t quality = day->lower ? QUALITY_OVER_RANGE : QUALITY_NORMAL;
    tally_minute(year, &(struct mean){.mean = mean, .min = mean, .max = mean, .quality = quality});
    return true;
}

struct mean years_mean(const struct years *y, int point, int64_t year_ms, const struct limit *limit)
{
    static const uint8_t lengths[MONTHS] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t next_ms =
        clock_year_start(year_ms + LEAP_YEAR * (int64_t)CLOCK_DAY_MS, (int)(y->shift_ms / CLOCK_MINUTE_MS));
    uint32_t of = (uint32_t)((next_ms - year_ms) / CLOCK_DAY_MS);
    uint32_t number = (uint32_t)((year_ms + y->shift_ms) / CLOCK_DAY_MS);
    const struct slot *days = y->days[point];
    struct tally year = {0};
    bool months = true;
    for (int month = 0; days && month < MONTHS; month++) {
        int n = 0, need = month == FEBRUARY ? limit->february_days_needed : limit->month_days_needed;
        for (int day = lengths[month] + (month == FEBRUARY && of == LEAP_YEAR); day > 0; day--, number++) {
            const struct slot *is = &days[number % DAYS];
            n += is->number == number && take_day(&year, is, limit);
        }
        months = months && n >= need;
    }
    struct mean m = tally_mean(&year, of);
    if (!months || m.n < (uint32_t)limit->days_needed)
        m.quality = QUALITY_FAULT;
    return m;
}

void years_carry(struct years *to, const struct years *from, const int *before)
{
    to->newest = from->newest;
    for (size_t i = 0; i < to->npoints; i++) {
        if (before[i] < 0 || !to->hours[i] || !from->hours[before[i]])
            continue;
        for (int k = 0; k < HOURS; k++)
            to->hours[i][k] = from->hours[before[i]][k];
        for (int k = 0; k < DAYS; k++)
            to->days[i][k] = from->days[before[i]][k];
    }
}
