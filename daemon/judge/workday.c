#include "daemon/judge/workday.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/hours.h"

static void mark(bool *worked, const char *text)
{
    struct hours h;
    if (hours_parse(text, &h) != ERR_OK)
        return; /* the configuration has been checked */
    for (int m = 0; m < WORKDAY_MIN; m++)
        worked[m] = worked[m] || hours_hold(&h, m);
}

void workday_fill(struct workday *w, const char *const *hours, int n)
{
    bool worked[WORKDAY_MIN] = {false};
    for (int i = 0; i < n; i++)
        mark(worked, hours[i]);
    w->next[WORKDAY_MIN] = w->end[WORKDAY_MIN] = WORKDAY_MIN;
    for (int m = WORKDAY_MIN - 1; m >= 0; m--) {
        bool is = n == 0 || worked[m];
        w->next[m] = is ? m : w->next[m + 1];
        w->end[m] = is ? w->end[m + 1] : m;
    }
}

bool workday_is_worked(const struct workday *w, int64_t after_ms)
{
    int64_t minute = after_ms / CLOCK_MINUTE_MS;
    return minute >= 0 && minute < WORKDAY_MIN && w->next[minute] == minute;
}

bool workday_stretch(const struct workday *w, int64_t after_ms, int64_t *from_ms, int64_t *to_ms)
{
    int64_t minute = after_ms / CLOCK_MINUTE_MS, rest_ms = after_ms % CLOCK_MINUTE_MS;
    if (minute < 0 || minute >= WORKDAY_MIN || w->next[minute] == WORKDAY_MIN)
        return false;
    *from_ms = w->next[minute] * (int64_t)CLOCK_MINUTE_MS + rest_ms;
    *to_ms = w->end[w->next[minute]] * (int64_t)CLOCK_MINUTE_MS + rest_ms;
    return true;
}
