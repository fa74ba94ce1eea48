#include "daemon/base/scalar.h"

#include "daemon/base/err.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int scalar_bool(const char *text, bool *out)
{
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return ERR_FORMAT;
    *out = yes;
    return ERR_OK;
}

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of "0" or of the digits that do not start with 0; 0 when there is none. */
static size_t whole_length(const char *text)
{
    size_t n = 0;
    if (text[0] == '0')
        return 1; /* a digit behind it is then left over */
    while (digit(text[n]))
        n++;
    return n;
}

int scalar_int(const char *text, int64_t *out)
{
    bool minus = text[0] == '-';
    size_t n = whole_length(text + minus);
    if (!n || text[minus + n] || (minus && text[1] == '0'))
        return ERR_FORMAT;
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno)
        return ERR_RANGE;
    *out = value;
    return ERR_OK;
}

int scalar_raw(const char *text, uint64_t *out)
{
    bool hex = text[0] == '0' && text[1] == 'x';
    size_t n = hex ? 2 + strspn(text + 2, "0123456789abcdefABCDEF") : whole_length(text);
    if (!n || (hex && n == 2) || text[n])
        return ERR_FORMAT;
    errno = 0;
    unsigned long long value = strtoull(text, NULL, hex ? 16 : 10);
    if (errno)
        return ERR_RANGE;
    *out = value;
    return ERR_OK;
}

/* Length of the number at the start of `text`, 0 for none. */
static size_t number_length(const char *text)
{
    size_t n = text[0] == '-', whole = whole_length(text + n);
    if (!whole)
        return 0;
    n += whole;
    if (text[n] == '.') {
        if (!digit(text[n + 1]))
            return 0;
        for (n++; digit(text[n]);)
            n++;
    }
    if (text[n] == 'e' || text[n] == 'E') {
        n += text[n + 1] == '-' || text[n + 1] == '+' ? 2 : 1;
        if (!digit(text[n]))
            return 0;
        while (digit(text[n]))
            n++;
    }
    return n;
}

static int read_number(const char *text, size_t length, double *out)
{
    if (!length)
        return ERR_FORMAT;
    errno = 0;
    double value = strtod(text, NULL);
    if (errno || !isfinite(value))
        return ERR_RANGE;
    *out = value + 0.0; /* no negative zero */
    return ERR_OK;
}

int scalar_number(const char *text, double *out)
{
    size_t n = number_length(text);
    return text[n] ? ERR_FORMAT : read_number(text, n, out);
}

/* A whole number of something larger: the largest first. */
struct multiple {
    const char *name;
    int64_t of;
};
static const struct multiple durations[] = {{"d", 86400000}, {"h", 3600000}, {"min", 60000},
                                            {"s", 1000},     {"ms", 1},      {0}};
static const struct multiple sizes[] = {{" GB", 1000000000}, {" MB", 1000000}, {" kB", 1000}, {0}};

static int read_multiple(const struct multiple *all, const char *text, int64_t *out)
{
    size_t n = whole_length(text);
    for (const struct multiple *m = all; n && m->name; m++) {
        if (strcmp(text + n, m->name) != 0)
            continue;
        errno = 0;
        long long count = strtoll(text, NULL, 10);
        if (errno || count > INT64_MAX / m->of)
            return ERR_RANGE;
        *out = count * m->of;
        return ERR_OK;
    }
    return ERR_FORMAT;
}

static char *multiple_text(const struct multiple *all, int64_t value, char text[static 32])
{
    while (all[1].name && value % all->of != 0)
        all++;
    snprintf(text, 32, "%lld%s", (long long)(value / all->of), all->name);
    return text;
}

int scalar_duration(const char *text, int64_t *ms)
{
    return read_multiple(durations, text, ms);
}

char *duration_text(int64_t ms, char text[static 32])
{
    if (ms)
        return multiple_text(durations, ms, text);
    snprintf(text, 32, "0s");
    return text;
}

int scalar_size(const char *text, int64_t *bytes)
{
    return read_multiple(sizes, text, bytes);
}

char *size_text(int64_t bytes, char text[static 32])
{
    return multiple_text(sizes, bytes, text);
}

char *number_text(double value, char text[static 32])
{
    for (int precision = 6; precision <= 17; precision++) {
        snprintf(text, 32, "%.*g", precision, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return text;
}

/* value in the base unit of its kind = value * factor + offset. The first spelling of a unit is its name;
 * further rows with the same name are other spellings people's keyboards make. */
static const struct unit {
    const char *spelling, *name, *kind;
    double factor, offset;
} units[] = {
    {"", "", "number", 1, 0},
    {"%", "%", "percent", 1, 0},
    {"ug/m3", "ug/m3", "concentration", 1, 0},
    {"µg/m³", "ug/m3", "concentration", 1, 0}, /* U+00B5 */
    {"μg/m³", "ug/m3", "concentration", 1, 0}, /* U+03BC */
    {"ug/m³", "ug/m3", "concentration", 1, 0},
    {"mg/m3", "mg/m3", "concentration", 1000, 0},
    {"mg/m³", "mg/m3", "concentration", 1000, 0},
    {"ng/m3", "ng/m3", "concentration", 0.001, 0},
    {"ng/m³", "ng/m3", "concentration", 0.001, 0},
    {"m/s", "m/s", "speed", 1, 0},
    {"km/h", "km/h", "speed", 1 / 3.6, 0},
    {"degC", "degC", "temperature", 1, 0},
    {"℃", "degC", "temperature", 1, 0},
    {"°C", "degC", "temperature", 1, 0},
    {"K", "K", "temperature", 1, -273.15},
    {"Pa", "Pa", "pressure", 1, 0},
    {"hPa", "hPa", "pressure", 100, 0},
    {"kPa", "kPa", "pressure", 1000, 0},
    {"MPa", "MPa", "pressure", 1000000, 0},
    {"bar", "bar", "pressure", 100000, 0},
    {"deg", "deg", "angle", 1, 0},
    {"°", "deg", "angle", 1, 0},
    {"dB", "dB", "level", 1, 0},
    {"dB(A)", "dB(A)", "A-weighted level", 1, 0}, /* no dB: which weighting a meter has is never assumed */
    {"dBA", "dB(A)", "A-weighted level", 1, 0},
    {"lx", "lx", "illuminance", 1, 0},
    {"mm", "mm", "length", 0.001, 0},
    {"m", "m", "length", 1, 0},
    {"m3", "m3", "volume", 1, 0},
    {"m³", "m3", "volume", 1, 0},
    {"L", "L", "volume", 0.001, 0},
    {"m3/h", "m3/h", "flow", 1 / 3600.0, 0},
    {"m³/h", "m3/h", "flow", 1 / 3600.0, 0},
    {"L/s", "L/s", "flow", 0.001, 0},
    {"L/min", "L/min", "flow", 1 / 60000.0, 0},
    {"A", "A", "current", 1, 0},
    {"V", "V", "voltage", 1, 0},
    {"kW", "kW", "power", 1000, 0},
    {"W", "W", "power", 1, 0},
    {"kWh", "kWh", "energy", 1, 0},
    {"Hz", "Hz", "frequency", 1, 0},
    {"s", "s", "time", 1, 0},
    {"min", "min", "time", 60, 0},
    {"h", "h", "time", 3600, 0},
};

static const struct unit *unit_find(const char *text)
{
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (strcmp(units[i].spelling, text) == 0)
            return &units[i];
    return NULL;
}

const char *unit_name(const char *text)
{
    const struct unit *u = unit_find(text);
    return u ? u->name : NULL;
}

const char *const unit_names[] = {"ug/m3", "mg/m3", "ng/m3", "%",    "m/s", "km/h",  "degC",  "K",  "Pa",
                                  "hPa",   "kPa",   "MPa",   "bar",  "deg", "dB",    "dB(A)", "lx", "mm",
                                  "m",     "m3",    "L",     "m3/h", "L/s", "L/min", "A",     "V",  "kW",
                                  "W",     "kWh",   "Hz",    "s",    "min", "h",     NULL};

const char *unit_shown(const char *unit)
{
    static const char *const spellings[][2] = {
        {"degC", "℃"}, {"m3", "m³"}, {"m3/h", "m³/h"}, {"mg/m3", "mg/m³"}, {"ug/m3", "μg/m³"},
    };
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++)
        if (strcmp(spellings[i][0], unit) == 0)
            return spellings[i][1];
    return unit;
}

int unit_convert(double value, const char *from, const char *to, double *out)
{
    const struct unit *a = unit_find(from), *b = unit_find(to);
    if (!a || !b || strcmp(a->kind, b->kind) != 0)
        return ERR_RANGE;
    if (a->factor == b->factor && a->offset == b->offset)
        *out = value; /* exactly */
    else if (a->offset != 0 || b->offset != 0)
        *out = (value * a->factor + a->offset - b->offset) / b->factor;
    else if (a->factor > b->factor)
        *out = value * (a->factor / b->factor);
    else
        *out = value / (b->factor / a->factor);
    return ERR_OK;
}

int scalar_quantity(const char *text, const char *unit, double *out)
{
    double value;
    size_t n = number_length(text);
    if (!unit[0])
        return scalar_number(text, out);
    if (!n || text[n] != ' ' || !unit_find(text + n + 1) || !text[n + 1])
        return ERR_FORMAT;
    int error = read_number(text, n, &value);
    return error ? error : unit_convert(value, text + n + 1, unit, out);
}
