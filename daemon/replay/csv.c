/* CSV with a header. A line stands for its moment when lines come more often than once a minute; else for the
 * minutes until the next line, but no longer than lines are apart as a rule. */
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
#include <string.h>

struct cells {
    char *text[COLUMNS_MAX];
    size_t at[COLUMNS_MAX]; /* column in the line, from 1 */
    int n;
};

struct csv {
    struct recording source; /* first */
    char separator;
    int zone_min;
    struct cells cells;
    struct reading *readings[2]; /* of the line that is given, and of the next */
    int64_t at_ms[2];
    bool has[2]; /* there is such a line */
    int which;   /* the one that is given next */
};

/* --- cells --- */

/* A cell in quotes, "" in it a quote, in its place; returns behind it, NULL when it does not end. */
static char *unquote(char *from)
{
    char *to = from;
    for (char *c = from + 1; *c; c++) {
        if (*c == '"' && c[1] != '"') {
            *to = 0;
            return c + 1;
        }
        c += *c == '"';
        *to++ = *c;
    }
    return NULL;
}

static int split(const struct csv *s, const struct text *t, char *line, struct cells *out,
                 struct complaint *why)
{
    char *at = line;
    for (out->n = 0;; out->n++) {
        if (out->n == COLUMNS_MAX)
            return text_complain(t, (size_t)(at - line) + 1, why, "more than %d cells", COLUMNS_MAX);
        out->text[out->n] = at;
        out->at[out->n] = (size_t)(at - line) + 1;
        bool quoted = *at == '"';
        char *end = quoted ? unquote(at) : strchr(at, s->separator);
        if (quoted && !end)
            return text_complain(t, out->at[out->n], why, "a quote that does not end in its line");
        at = end ? end : at + strlen(at);
        char found = *at;
        if (found && found != s->separator)
            return text_complain(t, (size_t)(at - line) + 1, why,
                                 "found '%c' behind a quoted cell; allowed is '%c'", found, s->separator);
        *at++ = 0;
        if (!found) {
            out->n++;
            return ERR_OK;
        }
    }
}

static void trim(char **text)
{
    *text += strspn(*text, " ");
    for (size_t n = strlen(*text); n && (*text)[n - 1] == ' '; n--)
        (*text)[n - 1] = 0;
}

/* The one that parts the most cells of the header. */
static char separator_of(const char *header)
{
    static const char candidates[] = ",;\t";
    size_t most = 0;
    char best = ',';
    for (const char *c = candidates; *c; c++) {
        size_t n = 0;
        for (const char *h = header; *h; h++)
            n += *h == *c;
        if (n > most) {
            most = n;
            best = *c;
        }
    }
    return best;
}

/* --- lines --- */

static int read_time(struct csv *s, const struct text *t, int64_t *at_ms, struct complaint *why)
{
    int cell = s->source.columns.time;
    trim(&s->cells.text[cell]);
    if (stamp_read(s->cells.text[cell], s->zone_min, at_ms) == ERR_OK)
        return ERR_OK;
    return text_complain(t, s->cells.at[cell], why, "found \"%.40s\"; allowed is " STAMP_ALLOWED,
                         s->cells.text[cell]);
}

/* Cells of the next line that is not blank. */
static int next_cells(struct csv *s, struct text *t, struct complaint *why)
{
    char *line;
    int rc;
    do
        rc = text_next(t, &line, why);
    while (rc == ERR_OK && !line[strspn(line, " \t")]);
    if (rc == ERR_OK)
        rc = split(s, t, line, &s->cells, why);
    if (rc == ERR_OK && s->cells.n != s->source.columns.ncells)
        rc = text_complain(t, 1, why, "found %d cells; the header has %d", s->cells.n,
                           s->source.columns.ncells);
    return rc;
}

static int read_cell(struct csv *s, const struct column *c, struct reading *out, struct complaint *why)
{
    double value = NAN;
    char **text = &s->cells.text[c->cell];
    trim(text);
    bool missing = format_is_missing(s->source.format, *text);
    if (!missing && number_read(*text, &value) != ERR_OK)
        return text_complain(
            s->source.text, s->cells.at[c->cell], why,
            "found \"%.40s\"; allowed is a number, or nothing, NA, NaN, null, - where there is none", *text);
    value = missing ? NAN : column_value(c, value);
    *out = (struct reading){
        .point = c->point, .quality = missing ? QUALITY_NO_COMMUNICATION : QUALITY_NORMAL, .value = value};
    out->mean = (struct mean){value, value, value, !missing, 1, out->quality, 0};
    return ERR_OK;
}

/* Into place `i`. */
static int read_line(struct csv *s, int i, struct complaint *why)
{
    const struct columns *c = &s->source.columns;
    int rc = next_cells(s, s->source.text, why);
    s->has[i] = rc == ERR_OK;
    if (rc == ERR_NOT_FOUND)
        return ERR_OK;
    if (rc == ERR_OK)
        rc = read_time(s, s->source.text, &s->at_ms[i], why);
    for (int k = 0; k < c->n && rc == ERR_OK; k++)
        rc = read_cell(s, &c->list[k], &s->readings[i][k], why);
    if (rc == ERR_OK && s->has[1 - i] && s->at_ms[i] <= s->at_ms[1 - i]) {
        char before[32];
        rc = text_complain(s->source.text, s->cells.at[c->time], why,
                           "found \"%.40s\", which is not after the line above (%s); allowed are rising "
                           "times: sort the file, "
                           "and leave no time twice",
                           s->cells.text[c->time], clock_text(s->at_ms[1 - i], s->zone_min, before));
    }
    return rc;
}

/* Whole minutes: from the one it was written in until the next line's, or as many as a step has. */
static void span_of(const struct csv *s, int64_t *from_ms, int64_t *until_ms)
{
    int64_t minutes = (s->source.step_ms + CLOCK_MINUTE_MS - 1) / CLOCK_MINUTE_MS;
    *from_ms = clock_window_start(s->at_ms[s->which], CLOCK_MINUTE_MS, 0);
    *until_ms = *from_ms + minutes * CLOCK_MINUTE_MS;
    if (!s->has[1 - s->which])
        return;
    int64_t next_ms = clock_window_start(s->at_ms[1 - s->which], CLOCK_MINUTE_MS, 0);
    *until_ms = next_ms < *until_ms ? next_ms : *until_ms;
}

static int next_line(struct recording *source, struct recorded *out, struct complaint *why)
{
    struct csv *s = (struct csv *)source;
    int i = s->which;
    if (!s->has[i])
        return ERR_NOT_FOUND;
    int rc = read_line(s, 1 - i, why);
    if (rc != ERR_OK) {
        s->has[0] = s->has[1] = false;
        return rc;
    }
    *out = (struct recorded){
        .kind = RECORDED_SAMPLES, .at_ms = s->at_ms[i], .readings = s->readings[i], .n = source->columns.n};
    if (source->step_ms >= CLOCK_MINUTE_MS) {
        out->kind = RECORDED_MEANS;
        span_of(s, &out->at_ms, &out->until_ms);
    }
    s->which = 1 - i;
    return ERR_OK;
}

static void close_csv(struct recording *source)
{
    struct csv *s = (struct csv *)source;
    mem_free(s->readings[0]);
    mem_free(s->readings[1]);
    mem_free(s);
}

/* --- opening --- */

/* How far apart its lines are. What cannot be read here is refused when its turn comes. */
static int64_t look_ahead(struct csv *s, struct text *ahead)
{
    int64_t times[RECORDING_AHEAD];
    struct complaint ignored;
    char *line;
    int n = 0;
    if (text_next(ahead, &line, &ignored) != ERR_OK)
        return 0;
    while (n < RECORDING_AHEAD && next_cells(s, ahead, &ignored) == ERR_OK &&
           read_time(s, ahead, &times[n], &ignored) == ERR_OK)
        n++;
    return recording_step(times, n);
}

static int begin(struct csv *s, struct text *ahead, const struct recording_site *site, char *line,
                 struct complaint *why)
{
    struct recording *source = &s->source;
    s->separator = separator_of(line);
    int rc = split(s, source->text, line, &s->cells, why);
    for (int i = 0; rc == ERR_OK && i < s->cells.n; i++)
        trim(&s->cells.text[i]);
    if (rc == ERR_OK)
        rc = columns_find(site, source->format, &(struct header){s->cells.text, s->cells.at, s->cells.n},
                          source->text, &source->columns, why);
    if (rc != ERR_OK)
        return rc;
    bool site_zone = source->format->zone_min == FORMAT_SITE_ZONE;
    s->zone_min = source->columns.utc ? 0
                  : site_zone         ? site->config->site.zone_min
                                      : source->format->zone_min;
    s->readings[0] = mem_array((size_t)source->columns.n, sizeof *s->readings[0]);
    s->readings[1] = mem_array((size_t)source->columns.n, sizeof *s->readings[1]);
    source->step_ms = look_ahead(s, ahead);
    rc = read_line(s, 0, why);
    if (rc == ERR_OK && !s->has[0])
        rc = text_complain(source->text, 0, why, "a header and nothing below it");
    return rc;
}

int csv_recording(struct text *text, struct text *ahead, const struct recording_site *site, char *first_line,
                  struct recording **out, struct complaint *why)
{
    struct csv *s = mem_new(struct csv);
    s->source = (struct recording){
        .format = format_of(first_line), .text = text, .next = next_line, .close = close_csv};
    int rc = begin(s, ahead, site, first_line, why);
    if (rc == ERR_OK)
        *out = &s->source;
    else
        recording_close(&s->source);
    return rc;
}
