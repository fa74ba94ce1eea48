/* Hours of the day that return daily: "22:00-06:00". Pure. */
#ifndef DUST_HOURS_H
#define DUST_HOURS_H

#include <stdbool.h>
#include <stdint.h>

/* Minutes after midnight, 0 to 1440; `to_min` is not past `from_min` when the hours go over midnight. Zeroed:
 * the whole day. */
struct hours {
    int from_min, to_min;
};

/* Two times of the day and a hyphen, "24:00" is the end of the day. ERR_FORMAT; ERR_RANGE when both are the
 * same time. */
int hours_parse(const char *text, struct hours *out);

/* As hours_parse reads them; returns `text`. */
char *hours_text(const struct hours *h, char text[static 16]);

/* How many minutes of a day they are: 1440 of the whole day. */
int hours_minutes(const struct hours *h);

/* Whether that minute of the day, 0 to 1439, is in the hours; whether a time is, in a zone `zone_min` minutes
 * east of UTC. */
bool hours_hold(const struct hours *h, int minute);
bool hours_hold_at(const struct hours *h, int64_t at_ms, int zone_min);

/* Where in [from_ms, to_ms) it changes first whether one of the `n` texts (each parses) holds, in a zone
 * `zone_min` minutes east of UTC; to_ms when it does not. `inside` says whether from_ms is in one of them. */
int64_t hours_until(const char *const *texts, int n, int zone_min, int64_t from_ms, int64_t to_ms,
                    bool *inside);

#endif
