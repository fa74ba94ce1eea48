/* Air quality sub-index of particulate matter, HJ 633: for information, no limit of a site. Breakpoints of
 * the 2012 edition until 2026-02-28, of the 2026 edition from 2026-03-01 (read as full text),
 * chosen by the day of measurement. Pure; any thread. */
#ifndef DUST_AQI_H
#define DUST_AQI_H

#include <stdint.h>

/* IAQI of a mean in ug/m3 of the role "pm10" or "pm25" (an hour counts by the daily table) measured at that
 * time: the mean is rounded to a whole number by GB/T 8170, the index rounded up; over the table it is 500.
 * -1 for another role, for no value and for a value below 0. `zone_min` east of UTC says which day it was. */
int aqi_sub(const char *role, double mean_ugm3, int64_t at_ms, int zone_min);

/* The level of an index, HJ 633 table 2: its names, and its colour as 0xRRGGBB. The first for -1 too. */
struct aqi_level {
    int to; /* the highest index of it */
    const char *zh, *en;
    unsigned colour;
};
const struct aqi_level *aqi_level(int index);

#endif
