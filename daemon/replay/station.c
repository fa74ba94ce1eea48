/* The serial log of a weather and dust station, a line every one to three seconds:
 *
 *     2021-01-17T00:00:09 A2527B225C0000D0000…L0198M683N10158,051,080,091,034,052,069,*05
 *
 * B wind direction, D wind now in 0.1 m/s, L temperature in 0.1 C, M humidity in 0.1 %, N pressure in 0.1
 * hPa, then PM1, PM2.5, PM10 of the factory's particles and of ambient air, in ug/m3. Behind '*' stands the
 * XOR of the characters from A up to it, and of 0x1A. A line that fails it was heard and cannot be read: its
 * values are missing. */
#include "daemon/replay/recording.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/config.h"
#include "daemon/replay/format.h"
#include "daemon/replay/stamp.h"
#include "daemon/replay/text.h"
#include "daemon/sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TIME_LENGTH = 19, CHECK = 0x1A, NUMBERS = 6 };

/* As the columns of its format are called; the number behind a letter, or the n-th of those behind commas. */
static const struct {
    const char *name;
    char letter; /* 0: */
    int nth;
    double parts; /* of the unit */
} values[] = {{"pm1", 0, 3, 1},           {"pm25", 0, 4, 1},
              {"pm10", 0, 5, 1},          {"wind_direction", 'B', 0, 1},
              {"wind_speed", 'D', 0, 10}, {"temperature", 'L', 0, 10},
              {"humidity", 'M', 0, 10},   {"pressure", 'N', 0, 10}};

enum { VALUES = sizeof values / sizeof *values };

struct station {
    struct recording source; /* first */
    int zone_min;
    int64_t last_ms; /* of the line before; 0: none */
    char *first;     /* the file's first line, until it is taken */
    struct reading readings[VALUES];
};

/* Whole or NAN; `end` behind it. */
static double whole_number(const char *text, const char **end)
{
    char *behind;
    bool starts = (*text >= '0' && *text <= '9') || (*text == '-' && text[1] >= '0' && text[1] <= '9');
    long value = starts ? strtol(text, &behind, 10) : 0;
    *end = starts ? behind : text;
    return starts ? (double)value : (double)NAN;
}

static bool check_sum_holds(const char *from, const char *star)
{
    unsigned sum = CHECK;
    char *end;
    for (const char *c = from; c < star; c++)
        sum ^= (unsigned char)*c;
    unsigned long told = strtoul(star + 1, &end, 16);
    return end > star + 1 && told == sum && !end[strspn(end, " ")];
}

static double nth_number(const char *body, int nth)
{
    const char *at = strchr(body, ','), *end;
    for (int i = 0; at && i < nth; i++)
        at = strchr(at + 1, ',');
    double value = at ? whole_number(at + 1, &end) : (double)NAN;
    return at && *end == ',' ? value : (double)NAN;
}

static double lettered(const char *body, char letter)
{
    const char *at = strchr(body, letter), *end;
    return at ? whole_number(at + 1, &end) : (double)NAN;
}

static double value_of(const char *body, const char *name)
{
    for (int i = 0; i < VALUES; i++)
        if (strcmp(values[i].name, name) == 0)
            return (values[i].letter ? lettered(body, values[i].letter) : nth_number(body, values[i].nth)) /
                   values[i].parts;
    return NAN;
}

/* False: the line has no time, or goes back in it. */
static bool take_line(struct station *s, char *line, int64_t *at_ms)
{
    char *body = line + TIME_LENGTH + 1;
    bool long_enough = strlen(line) > TIME_LENGTH && line[TIME_LENGTH] == ' ';
    if (long_enough)
        line[TIME_LENGTH] = 0;
    if (!long_enough || stamp_read(line, s->zone_min, at_ms) != ERR_OK) {
        recording_leave_out(&s->source, "no time at its beginning");
        return false;
    }
    if (*at_ms < s->last_ms) {
        recording_leave_out(&s->source, "its time is before the line above");
        return false;
    }
    s->last_ms = *at_ms;
    const char *star = strchr(body, '*');
    bool holds = star && check_sum_holds(body, star);
    for (int i = 0; i < s->source.columns.n; i++) {
        const struct column *c = &s->source.columns.list[i];
        double value =
            holds ? column_value(c, value_of(body, s->source.format->columns[c->cell].header)) : (double)NAN;
        bool missing = isnan(value);
        s->readings[i] = (struct reading){.point = c->point,
                                          .quality = missing ? QUALITY_NO_COMMUNICATION : QUALITY_NORMAL,
                                          .value = value};
    }
    return true;
}

static int next_line(struct recording *source, struct recorded *out, struct complaint *why)
{
    struct station *s = (struct station *)source;
    char *line;
    int64_t at_ms;
    for (;;) {
        bool taken = false;
        if (s->first) {
            taken = take_line(s, s->first, &at_ms);
            mem_free(s->first);
            s->first = NULL;
        } else {
            int rc = text_next(source->text, &line, why);
            if (rc != ERR_OK)
                return rc;
            taken = take_line(s, line, &at_ms);
        }
        if (!taken)
            continue;
        *out = (struct recorded){
            .kind = RECORDED_SAMPLES, .at_ms = at_ms, .readings = s->readings, .n = source->columns.n};
        return ERR_OK;
    }
}

static void close_station(struct recording *source)
{
    mem_free(((struct station *)source)->first);
    mem_free(source);
}

/* The mean over the first lines: they come every one to three seconds. */
static int64_t look_ahead(const struct station *s, struct text *ahead)
{
    int64_t first_ms = 0, last_ms = 0, at_ms;
    struct complaint ignored;
    char *line;
    int n = 0;
    while (n < RECORDING_AHEAD && text_next(ahead, &line, &ignored) == ERR_OK) {
        if (strlen(line) < TIME_LENGTH)
            continue;
        line[TIME_LENGTH] = 0;
        if (stamp_read(line, s->zone_min, &at_ms) != ERR_OK || at_ms < last_ms)
            continue;
        first_ms = n++ ? first_ms : at_ms;
        last_ms = at_ms;
    }
    return n > 1 ? (last_ms - first_ms) / (n - 1) : 0;
}

/* The cells that columns_find is asked about are the names of the format's columns. */
static int begin(struct station *s, struct text *ahead, const struct recording_site *site,
                 struct complaint *why)
{
    char *names[VALUES];
    size_t at[VALUES] = {0};
    const struct format *f = s->source.format;
    for (int i = 0; i < VALUES; i++)
        names[i] = mem_string(f->columns[i].header);
    int rc =
        columns_find(site, f, &(struct header){names, at, VALUES}, s->source.text, &s->source.columns, why);
    for (int i = 0; i < VALUES; i++)
        mem_free(names[i]);
    s->zone_min = f->zone_min == FORMAT_SITE_ZONE ? site->config->site.zone_min : f->zone_min;
    s->source.step_ms = rc == ERR_OK ? look_ahead(s, ahead) : 0;
    return rc;
}

int station_recording(struct text *text, struct text *ahead, const struct recording_site *site,
                      char *first_line, struct recording **out, struct complaint *why)
{
    struct station *s = mem_new(struct station);
    s->first = mem_string(first_line);
    s->source = (struct recording){
        .format = format_of(first_line), .text = text, .next = next_line, .close = close_station};
    int rc = begin(s, ahead, site, why);
    if (rc == ERR_OK)
        *out = &s->source;
    else
        recording_close(&s->source);
    return rc;
}
