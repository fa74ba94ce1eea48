/* Times and numbers as recordings write them. Pure. */
#ifndef DUST_REPLAY_STAMP_H
#define DUST_REPLAY_STAMP_H

#include <stdint.h>

#define STAMP_ALLOWED \
    "a time such as 2026-03-05T08:00:00+08:00, 2026-03-05 08:00, 2026/3/5 8:00, or seconds or ms since 1970"

/* All of `text`: a date with or without a time of day, parted by - or /, with or without fraction and zone
 * ("Z", "+08:00", "-0300"); without one it is `zone_min` minutes east of UTC. Or 10 digits, seconds since
 * 1970; or 13, milliseconds. ERR_FORMAT otherwise, and for days that no month has. */
int stamp_read(const char *text, int zone_min, int64_t *at_ms);

/* A finite decimal number, all of `text`: as scalar_number, and quickly where it has up to 15 digits.
 * ERR_FORMAT, ERR_RANGE. */
int number_read(const char *text, double *value);

#endif
