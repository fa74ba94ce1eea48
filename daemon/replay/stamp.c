#include "daemon/replay/stamp.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/scalar.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Between `least` and `most` digits; the cursor moves behind them. */
static bool read_digits(const char **at, int least, int most, int *value)
{
    int n = 0;
    *value = 0;
    for (; n < most && is_digit(**at); n++, (*at)++)
        *value = *value * 10 + (**at - '0');
    return n >= least;
}

static bool read_char(const char **at, char c)
{
    bool is = **at == c;
    *at += is;
    return is;
}

/* Days since 1970 of the proleptic Gregorian calendar. */
static int64_t days_of(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = year - 1;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int64_t days = y * 365 + y / 4 - y / 100 + y / 400 - 719162;
    return days + before[month - 1] + (leap && month > 2) + day - 1;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (leap && month == 2);
}

static bool read_date(const char **at, int64_t *days)
{
    int year, month, day;
    if (!read_digits(at, 4, 4, &year) || (**at != '-' && **at != '/'))
        return false;
    char parting = *(*at)++;
    if (!read_digits(at, 1, 2, &month) || !read_char(at, parting) || !read_digits(at, 1, 2, &day))
        return false;
    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    *days = days_of(year, month, day);
    return true;
}

static bool read_fraction(const char **at, int *ms)
{
    int scale = 100, n = 0;
    for (; is_digit(**at); (*at)++, n++, scale /= 10)
        *ms += (**at - '0') * scale;
    return n > 0;
}

/* "T08:00:00.5", " 8:00", or nothing. */
static bool read_time(const char **at, int64_t *of_day_ms)
{
    int hour, minute, second = 0, ms = 0;
    *of_day_ms = 0;
    if (!read_char(at, 'T') && !read_char(at, ' '))
        return true;
    if (!read_digits(at, 1, 2, &hour) || !read_char(at, ':') || !read_digits(at, 2, 2, &minute))
        return false;
    if (read_char(at, ':') && !read_digits(at, 2, 2, &second))
        return false;
    if (read_char(at, '.') && !read_fraction(at, &ms))
        return false;
    *of_day_ms = ((hour * 60 + minute) * 60 + second) * (int64_t)CLOCK_SECOND_MS + ms;
    return hour < 24 && minute < 60 && second < 60;
}

static bool read_zone(const char **at, int *zone_min)
{
    int hours, minutes;
    if (!**at)
        return true;
    if (read_char(at, 'Z')) {
        *zone_min = 0;
        return true;
    }
    char sign = **at;
    if (sign != '+' && sign != '-')
        return false;
    (*at)++;
    if (!read_digits(at, 2, 2, &hours))
        return false;
    read_char(at, ':');
    if (!read_digits(at, 2, 2, &minutes) || hours > 14 || minutes > 59)
        return false;
    *zone_min = (hours * 60 + minutes) * (sign == '-' ? -1 : 1);
    return true;
}

static int read_count(const char *text, size_t digits, int64_t *at_ms)
{
    int64_t value = 0;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (text[i] - '0');
    *at_ms = digits == 10 ? value * CLOCK_SECOND_MS : value;
    return ERR_OK;
}

int stamp_read(const char *text, int zone_min, int64_t *at_ms)
{
    int64_t days, of_day_ms;
    size_t digits = strspn(text, "0123456789");
    if ((digits == 10 || digits == 13) && !text[digits])
        return read_count(text, digits, at_ms);
    if (!read_date(&text, &days) || !read_time(&text, &of_day_ms) || !read_zone(&text, &zone_min) || *text)
        return ERR_FORMAT;
    *at_ms = days * CLOCK_DAY_MS + of_day_ms - zone_min * (int64_t)CLOCK_MINUTE_MS;
    return ERR_OK;
}

/* Up to 15 digits are a whole number that a double holds, and so is the power of ten: their quotient is the
 * nearest double. */
int number_read(const char *text, double *value)
{
    static const double tens[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    const char *at = text + (*text == '-');
    int64_t whole = 0;
    int digits = 0, decimals = 0;
    bool leading = at[0] == '0' && is_digit(at[1]);
    for (; is_digit(*at) && digits < 15; at++, digits++)
        whole = whole * 10 + (*at - '0');
    if (digits && *at == '.')
        for (at++; is_digit(*at) && digits < 15; at++, digits++, decimals++)
            whole = whole * 10 + (*at - '0');
    if (*at || !digits || leading || at[-1] == '.')
        return scalar_number(text, value);
    *value = (*text == '-' ? -(double)whole : (double)whole) / tens[decimals];
    return ERR_OK;
}
