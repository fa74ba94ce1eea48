#include "daemon/ctl/when.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Reads exactly `digits` digits; false leaves the cursor anywhere. */
static bool number(const char **at, int digits, int *value)
{
    *value = 0;
    for (; digits; digits--, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        *value = *value * 10 + (**at - '0');
    }
    return true;
}

static bool mark(const char **at, char c)
{
    return **at == c ? (++*at, true) : false;
}

/* HH:MM[:SS[.f…]] in ms since midnight. */
static bool clock_part(const char **at, int64_t *ms)
{
    int hour, minute, second = 0, fraction = 0, unit = 100;
    if (!number(at, 2, &hour) || !mark(at, ':') || !number(at, 2, &minute))
        return false;
    if (mark(at, ':') && !number(at, 2, &second))
        return false;
    if (**at == '.' && isdigit((unsigned char)(*at)[1]))
        for (++*at; isdigit((unsigned char)**at); ++*at, unit /= 10)
            fraction += (**at - '0') * unit;
    *ms = ((int64_t)hour * 60 + minute) * CLOCK_MINUTE_MS + (int64_t)second * CLOCK_SECOND_MS + fraction;
    return hour < 24 && minute < 60 && second < 60;
}

/* YYYY-MM-DD as midnight UTC; false for a day that is not in the calendar. */
static bool date_part(const char **at, int64_t *ms)
{
    struct tm tm = {0};
    int year, month, day;
    if (!number(at, 4, &year) || !mark(at, '-') || !number(at, 2, &month) || !mark(at, '-') ||
        !number(at, 2, &day))
        return false;
    tm.tm_year = year - 1900;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    *ms = (int64_t)timegm(&tm) * 1000;
    return year >= 1970 && tm.tm_mon == month - 1 && tm.tm_mday == day;
}

/* Z, +HH:MM or -HH:MM, or the end: the site's zone. */
static bool zone_part(const char **at, int *zone_min)
{
    int hours, minutes, sign = **at == '-' ? -1 : 1;
    if (**at == 0)
        return true;
    if (mark(at, 'Z')) {
        *zone_min = 0;
        return true;
    }
    if (**at != '+' && **at != '-')
        return false;
    ++*at;
    if (!number(at, 2, &hours) || !mark(at, ':') || !number(at, 2, &minutes) || hours > 14 || minutes > 59)
        return false;
    *zone_min = sign * (hours * 60 + minutes);
    return true;
}

/* "-2h" and the like. */
static bool parse_ago(const char *text, int64_t now_ms, int64_t *at_ms)
{
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {{'s', CLOCK_SECOND_MS}, {'m', CLOCK_MINUTE_MS}, {'h', CLOCK_HOUR_MS}, {'d', CLOCK_DAY_MS}};
    int64_t count = 0;
    const char *at = text + 1;
    if (text[0] != '-' || !isdigit((unsigned char)*at))
        return false;
    for (; isdigit((unsigned char)*at) && count < 1000000; at++)
        count = count * 10 + (*at - '0');
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (at[0] == units[i].letter && at[1] == 0) {
            *at_ms = now_ms - count * units[i].ms;
            return true;
        }
    return false;
}

int when_parse(const char *text, int64_t now_ms, int zone_min, int64_t *at_ms)
{
    int64_t day = 0, time_of_day = 0;
    const char *at = text;
    if (strcmp(text, "now") == 0) {
        *at_ms = now_ms;
        return ERR_OK;
    }
    if (parse_ago(text, now_ms, at_ms))
        return ERR_OK;
    if (clock_part(&at, &time_of_day) && *at == 0) {
        *at_ms = clock_window_start(now_ms, CLOCK_DAY_MS, zone_min) + time_of_day;
        return ERR_OK;
    }
    at = text;
    time_of_day = 0;
    if (!date_part(&at, &day))
        return ERR_FORMAT;
    bool has_time = mark(&at, 'T') || mark(&at, ' ');
    if (has_time && (!clock_part(&at, &time_of_day) || !zone_part(&at, &zone_min)))
        return ERR_FORMAT;
    if (*at)
        return ERR_FORMAT;
    *at_ms = day + time_of_day - (int64_t)zone_min * CLOCK_MINUTE_MS;
    return ERR_OK;
}

char *when_text(int64_t at_ms, int zone_min, char text[static 32])
{
    if (at_ms <= 0)
        return memcpy(text, "—", sizeof "—");
    clock_text(at_ms, zone_min, text);
    text[10] = ' ';
    text[19] = 0;
    return text;
}

char *when_span(int64_t ms, bool zh, char text[static 48])
{
    static const struct {
        int64_t ms;
        const char *zh, *en;
    } units[] = {
        {CLOCK_DAY_MS, "天", "d"},
        {CLOCK_HOUR_MS, "小时", "h"},
        {CLOCK_MINUTE_MS, "分钟", "min"},
        {CLOCK_SECOND_MS, "秒", "s"},
    };
    enum { LAST = sizeof units / sizeof *units - 1 };
    int i = 0;
    while (i < LAST && ms < units[i].ms)
        i++;
    int64_t whole = ms / units[i].ms, rest = i < LAST ? ms % units[i].ms / units[i + 1].ms : 0;
    int n = snprintf(text, 48, "%lld %s", (long long)whole, zh ? units[i].zh : units[i].en);
    if (rest)
        snprintf(text + n, (size_t)(48 - n), " %lld %s", (long long)rest,
                 zh ? units[i + 1].zh : units[i + 1].en);
    return text;
}
