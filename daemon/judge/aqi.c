#include "daemon/judge/aqi.h"

#include "daemon/base/clock.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { BREAKPOINTS = 8 };

static const int indexes[BREAKPOINTS] = {0, 50, 100, 150, 200, 300, 400, 500};

/* HJ 633-2012 table 1 and HJ 633-2026 table 1, ug/m3. `from` is a day of the site's calendar: ms of its
 * midnight as if it were UTC. */
static const struct edition {
    int64_t from;
    const char *role;
    int at[BREAKPOINTS];
} editions[] = {
    {1772323200000, "pm10", {0, 50, 120, 250, 350, 420, 500, 600}}, /* 2026-03-01 */
    {1772323200000, "pm25", {0, 35, 60, 115, 150, 250, 350, 500}},
    {INT64_MIN, "pm10", {0, 50, 150, 250, 350, 420, 500, 600}},
    {INT64_MIN, "pm25", {0, 35, 75, 115, 150, 250, 350, 500}},
};

static const struct edition *edition_of(const char *role, int64_t day)
{
    for (size_t i = 0; i < sizeof editions / sizeof *editions; i++)
        if (strcmp(editions[i].role, role) == 0 && day >= editions[i].from)
            return &editions[i];
    return NULL;
}

/* Between two breakpoints in whole numbers, rounded up. */
static int between(const struct edition *e, int value, int upper)
{
    int low = e->at[upper - 1], width = e->at[upper] - low;
    int rise = (indexes[upper] - indexes[upper - 1]) * (value - low);
    return indexes[upper - 1] + (rise + width - 1) / width;
}

int aqi_sub(const char *role, double mean_ugm3, int64_t at_ms, int zone_min)
{
    const struct edition *e = edition_of(role, at_ms + zone_min * (int64_t)CLOCK_MINUTE_MS);
    if (!e || !(mean_ugm3 >= 0))
        return -1;
    if (mean_ugm3 >= e->at[BREAKPOINTS - 1])
        return indexes[BREAKPOINTS - 1];
    int value = (int)rint(mean_ugm3), upper = 1; /* a tie goes to the even number */
    while (value > e->at[upper])
        upper++;
    return between(e, value, upper);
}

const struct aqi_level *aqi_level(int index)
{
    static const struct aqi_level levels[] = {
        {50, "优", "good", 0x00E400},
        {100, "良", "moderate", 0xFFFF00},
        {150, "轻度污染", "lightly polluted", 0xFF7E00},
        {200, "中度污染", "moderately polluted", 0xFF0000},
        {300, "重度污染", "heavily polluted", 0x99004C},
        {500, "严重污染", "severely polluted", 0x7E0023},
    };
    size_t i = 0;
    while (i + 1 < sizeof levels / sizeof *levels && index > levels[i].to)
        i++;
    return &levels[i];
}
