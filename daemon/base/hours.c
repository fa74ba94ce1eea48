#include "daemon/base/hours.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"

#include <stdio.h>

enum { DAY_MIN = 1440 };

/* "HH:MM" at `text`; what follows it, or NULL. */
static const char *read_time(const char *text, int *minutes)
{
    int hour = 0, minute = 0, n = 0;
    if (sscanf(text, "%2d:%2d%n", &hour, &minute, &n) != 2 || n != 5)
        return NULL;
    *minutes = hour * 60 + minute;
    bool legal = text[0] >= '0' && text[3] >= '0' && minute < 60 && *minutes <= DAY_MIN;
    return legal ? text + n : NULL;
}

int hours_parse(const char *text, struct hours *out)
{
    struct hours h;
    const char *rest = read_time(text, &h.from_min);
    rest = rest && *rest == '-' ? read_time(rest + 1, &h.to_min) : NULL;
    if (!rest || *rest || h.from_min == DAY_MIN)
        return ERR_FORMAT;
    if (h.from_min == h.to_min)
        return ERR_RANGE;
    *out = h;
    return ERR_OK;
}

char *hours_text(const struct hours *h, char text[static 16])
{
    snprintf(text, 16, "%02u:%02u-%02u:%02u", (unsigned)h->from_min / 60 % 100, (unsigned)h->from_min % 60,
             (unsigned)h->to_min / 60 % 100, (unsigned)h->to_min % 60);
    return text;
}

int hours_minutes(const struct hours *h)
{
    int minutes = h->to_min - h->from_min;
    return minutes > 0 ? minutes : minutes + DAY_MIN;
}

bool hours_hold(const struct hours *h, int minute)
{
    if (h->from_min < h->to_min)
        return minute >= h->from_min && minute < h->to_min;
    return minute >= h->from_min || minute < h->to_min;
}

static bool any_holds(const char *const *texts, int n, int minute)
{
    struct hours h;
    for (int i = 0; i < n; i++)
        if (hours_parse(texts[i], &h) == ERR_OK && hours_hold(&h, minute))
            return true;
    return false;
}

static int minute_of_day(int64_t at_ms, int zone_min)
{
    return (int)((at_ms - clock_window_start(at_ms, CLOCK_DAY_MS, zone_min)) / CLOCK_MINUTE_MS);
}

bool hours_hold_at(const struct hours *h, int64_t at_ms, int zone_min)
{
    return h->from_min == h->to_min || hours_hold(h, minute_of_day(at_ms, zone_min));
}

int64_t hours_until(const char *const *texts, int n, int zone_min, int64_t from_ms, int64_t to_ms,
                    bool *inside)
{
    int64_t at_ms = clock_window_start(from_ms, CLOCK_MINUTE_MS, 0);
    *inside = any_holds(texts, n, minute_of_day(from_ms, zone_min));
    for (int i = 0; i < DAY_MIN && at_ms < to_ms; i++) {
        if (any_holds(texts, n, minute_of_day(at_ms, zone_min)) != *inside)
            return at_ms;
        at_ms += CLOCK_MINUTE_MS;
    }
    return to_ms; /* a day later it would have changed */
}
