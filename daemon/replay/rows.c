/* What dustd writes itself, JSON lines: an export of dustctl (its rows, or its raw samples, which are behind
 * them), or rows as they are published and as --replay --json prints them. Taken are minutes, samples, and
 * what came in beside Modbus; whatever dustd has decided from these is decided anew. */
#include "daemon/replay/recording.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/replay/format.h"
#include "daemon/replay/scan.h"
#include "daemon/replay/stamp.h"
#include "daemon/replay/text.h"
#include "daemon/sample.h"
#include "drivers/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rows {
    struct recording source; /* first */
    const struct config *config;
    struct reading *readings; /* config.npoints */
    bool export;              /* ends with a line {"end":true,…} */
    bool ended, began;        /* the samples have begun */
    char *first;              /* the file's first line, until it is taken */
    int point;                /* the last that was looked up */
};

/* What a line came to. */
enum taken { TAKEN, SKIPPED, STRANGE, REFUSED };

/* --- points --- */

static void note_unknown(struct rows *r, struct span name)
{
    char *ignored = r->source.columns.ignored, text[64];
    size_t n = strlen(ignored);
    snprintf(text, sizeof text, "%.*s", (int)(name.length < 60 ? name.length : 60), name.text);
    if (!strstr(ignored, text))
        snprintf(ignored + n, sizeof r->source.columns.ignored - n, "%s%s", n ? ", " : "", text);
}

/* Points come in the order of the configuration as a rule. */
static int find_point(struct rows *r, struct span name)
{
    for (int k = 0; k < r->config->npoints; k++) {
        int i = (r->point + k) % r->config->npoints;
        if (span_is(name, r->config->points[i].name)) {
            r->point = i;
            return i;
        }
    }
    note_unknown(r, name);
    return -1;
}

/* --- minutes --- */

static bool scan_mean(const char *at, struct mean *m)
{
    struct span key, value;
    enum scanned is;
    *m = (struct mean){NAN, NAN, NAN, 0, 0, QUALITY_FAULT, 0};
    while ((is = scan_member(&at, &key, &value)) == SCAN_MEMBER) {
        if (span_is(key, "mean"))
            m->mean = span_number(value);
        else if (span_is(key, "min"))
            m->min = span_number(value);
        else if (span_is(key, "max"))
            m->max = span_number(value);
        else if (span_is(key, "n"))
            m->n = (uint32_t)span_integer(value);
        else if (span_is(key, "of"))
            m->of = (uint32_t)span_integer(value);
        else if (span_is(key, "q"))
            m->quality = (uint8_t)value.text[0];
    }
    if (isnan(m->mean) || isnan(m->min) || isnan(m->max))
        m->n = 0; /* no value: none is made of it */
    return is == SCAN_END && strchr("NTFMSDCB", m->quality);
}

static bool scan_points(struct rows *r, struct span points, struct recorded *out)
{
    struct span key, value;
    enum scanned is;
    const char *at = points.text;
    while ((is = scan_member(&at, &key, &value)) == SCAN_MEMBER) {
        int point = find_point(r, key);
        if (*value.text != '{')
            return false;
        if (point < 0 || out->n == r->config->npoints)
            continue;
        struct reading *to = &r->readings[out->n];
        *to = (struct reading){.point = point};
        if (!scan_mean(value.text, &to->mean))
            return false;
        out->n++;
    }
    return is == SCAN_END;
}

static enum taken scan_minute(struct rows *r, const char *at, struct recorded *out)
{
    struct span key, value, points = {0};
    enum scanned is;
    bool removed = false;
    *out = (struct recorded){.kind = RECORDED_MEANS, .readings = r->readings};
    while ((is = scan_member(&at, &key, &value)) == SCAN_MEMBER) {
        removed = removed || span_is(key, "removed"); /* of points that went: the minute itself went on */
        if (span_is(key, "ts"))
            out->at_ms = span_integer(value);
        else if (span_is(key, "points"))
            points = value;
    }
    if (is != SCAN_END || !points.text || !clock_is_dated(out->at_ms) || out->at_ms % CLOCK_MINUTE_MS)
        return STRANGE;
    if (removed)
        return SKIPPED;
    out->until_ms = out->at_ms + CLOCK_MINUTE_MS;
    return scan_points(r, points, out) ? TAKEN : STRANGE;
}

/* The body of an exported row, its escapes undone where they stand; NULL: it has none, or not such. */
static char *unescape_body(char *line)
{
    static const char member[] = "\"body\":\"";
    char *from = strstr(line, member), *to;
    if (!from)
        return NULL;
    from = to = from + sizeof member - 1;
    for (char *c = from; *c && *c != '"'; c++) {
        if (*c == '\\' && *++c != '"' && *c != '\\' && *c != '/')
            return NULL;
        *to++ = *c;
    }
    *to = 0;
    return from;
}

static enum taken take_minute(struct rows *r, char *line, struct recorded *out)
{
    if (!r->export)
        return scan_minute(r, line, out);
    if (!strstr(line, "\"body\":"))
        return SKIPPED; /* retention has deleted it */
    char *body = unescape_body(line);
    return body && *body == '{' ? scan_minute(r, body, out) : STRANGE;
}

/* --- what came in beside Modbus --- */

/* Times may be written as people do. */
static void read_stamps(json_t *body, int zone_min)
{
    static const char *const members[] = {"at", "from", "to", "ts"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        int64_t at_ms;
        const char *text = json_string_value(json_object_get(body, members[i]));
        if (text && stamp_read(text, zone_min, &at_ms) == ERR_OK)
            json_object_set_new(body, members[i], json_integer(at_ms));
    }
}

static enum taken take_body(struct rows *r, enum input_kind kind, json_t *body, struct recorded *out)
{
    read_stamps(body, r->config->site.zone_min);
    if (input_restore(kind, body, &out->input) != ERR_OK)
        return STRANGE;
    const json_t *ts = json_object_get(body, "ts");
    const char *by = json_string_value(json_object_get(body, "by"));
    out->kind = RECORDED_INPUT;
    out->at_ms = json_is_integer(ts) ? json_integer_value(ts) : out->input.from_ms;
    snprintf(out->by, sizeof out->by, "%s", by ? by : "");
    return TAKEN;
}

static enum taken take_input(struct rows *r, enum input_kind kind, const char *line, struct recorded *out)
{
    *out = (struct recorded){0};
    json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *text = json_string_value(json_object_get(row, "body"));
    json_t *body = r->export && text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : json_incref(row);
    enum taken taken = json_is_object(body) ? take_body(r, kind, body, out) : STRANGE;
    json_decref(body);
    json_decref(row);
    return taken;
}

/* --- lines --- */

static bool kind_of(const char *line, char kind[static 32])
{
    static const char member[] = "\"kind\":\"";
    const char *from = strstr(line, member);
    size_t n = from ? strcspn(from + sizeof member - 1, "\"") : 0;
    if (n == 0 || n > 31)
        return false;
    memcpy(kind, from + sizeof member - 1, n);
    kind[n] = 0;
    return true;
}

/* The rows are over: with the samples, or with the export. */
static bool is_after_rows(struct rows *r, const char *line)
{
    bool sample = strstr(line, "\"point\":\"") != NULL && strstr(line, "\"q\":\"") != NULL;
    bool end = strncmp(line, "{\"end\":true,", 12) == 0;
    r->ended = r->ended || sample || end;
    return r->export && (sample || end);
}

static enum taken take_row(struct rows *r, char *line, struct recorded *out, struct complaint *why);

/* A row with blanks in it, as other programs and people write JSON. */
static enum taken take_spaced(struct rows *r, const char *line, struct recorded *out, struct complaint *why)
{
    json_t *row = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    bool is_row = !r->export && json_is_string(json_object_get(row, "kind"));
    char *text = is_row ? json_dumps(row, JSON_COMPACT) : NULL;
    enum taken taken = text && kind_of(text, (char[32]){0}) ? take_row(r, text, out, why) : STRANGE;
    mem_free(text);
    json_decref(row);
    return taken;
}

static enum taken take_row(struct rows *r, char *line, struct recorded *out, struct complaint *why)
{
    char kind[32];
    enum input_kind input;
    enum taken taken = SKIPPED;
    if (line[0] != '{' || !kind_of(line, kind)) {
        if (is_after_rows(r, line))
            return SKIPPED;
        taken = take_spaced(r, line, out, why);
        if (taken != STRANGE)
            return taken;
        text_complain(r->source.text, 1, why,
                      "found \"%.40s\"; allowed is a row of dustd: {\"seq\":…,\"kind\":…}", line);
        return REFUSED;
    }
    if (strcmp(kind, "minute") == 0)
        taken = take_minute(r, line, out);
    else if (input_kind_parse(kind, &input) == ERR_OK)
        taken = take_input(r, input, line, out);
    if (taken != STRANGE)
        return taken;
    text_complain(r->source.text, 1, why,
                  "a row of kind %s that dustd does not write so: it is damaged, or not its own", kind);
    return REFUSED;
}

/* The export's own end has not come: it is cut. */
static int at_the_end(struct rows *r, struct complaint *why)
{
    if (!r->export || r->ended)
        return ERR_NOT_FOUND;
    r->ended = true;
    return text_complain(r->source.text, 0, why,
                         "the export ends here, without its last line: it is not whole");
}

static int next_row(struct recording *source, struct recorded *out, struct complaint *why)
{
    struct rows *r = (struct rows *)source;
    while (!(r->export && r->ended)) {
        char *line, *first = r->first;
        r->first = NULL;
        int rc = first ? ERR_OK : text_next(source->text, &line, why);
        enum taken taken = rc == ERR_OK ? take_row(r, first ? first : line, out, why) : SKIPPED;
        mem_free(first);
        if (rc == ERR_NOT_FOUND)
            return at_the_end(r, why);
        if (rc != ERR_OK || taken == REFUSED)
            return ERR_FORMAT;
        if (taken == TAKEN)
            return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

/* --- samples --- */

static enum taken take_sample(struct rows *r, const char *at, struct recorded *out)
{
    struct span key, value, name = {0};
    enum scanned is;
    struct reading *to = r->readings;
    *to = (struct reading){.value = NAN};
    *out = (struct recorded){.kind = RECORDED_SAMPLES, .readings = to, .n = 1};
    while ((is = scan_member(&at, &key, &value)) == SCAN_MEMBER) {
        if (span_is(key, "at"))
            out->at_ms = span_integer(value);
        else if (span_is(key, "point"))
            name = value;
        else if (span_is(key, "q") && value.length == 1)
            to->quality = (uint8_t)value.text[0];
        else if (span_is(key, "v"))
            to->value = span_number(value);
    }
    if (is != SCAN_END || !name.text || !to->quality || !strchr("NTFMSDCB", to->quality) ||
        !clock_is_dated(out->at_ms))
        return STRANGE;
    to->point = find_point(r, name);
    return to->point < 0 || r->config->points[to->point].point->watch ? SKIPPED : TAKEN;
}

/* Rows come before the samples, and are the other source's. */
static enum taken take_line(struct rows *r, const char *line, struct recorded *out, struct complaint *why)
{
    bool end = strncmp(line, "{\"end\":true,", 12) == 0;
    r->ended = r->ended || end;
    if (end || (!r->began && strstr(line, "\"kind\":\"")))
        return SKIPPED;
    r->began = true;
    enum taken taken = line[0] == '{' ? take_sample(r, line, out) : STRANGE;
    if (taken == STRANGE)
        text_complain(r->source.text, 1, why,
                      "found \"%.40s\"; allowed is a sample: {\"seq\":…,\"at\":…,\"point\":…,\"q\":…}", line);
    return taken;
}

static int next_sample(struct recording *source, struct recorded *out, struct complaint *why)
{
    struct rows *r = (struct rows *)source;
    while (!r->ended) {
        char *line;
        int rc = text_next(source->text, &line, why);
        if (rc == ERR_NOT_FOUND)
            return at_the_end(r, why);
        enum taken taken = rc == ERR_OK ? take_line(r, line, out, why) : STRANGE;
        if (taken == STRANGE)
            return ERR_FORMAT;
        if (taken == TAKEN)
            return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

/* --- opening --- */

static void close_rows(struct recording *source)
{
    struct rows *r = (struct rows *)source;
    mem_free(r->readings);
    mem_free(r->first);
    mem_free(r);
}

static int open_lines(struct text *text, const struct recording_site *site, const char *first_line,
                      int (*next)(struct recording *, struct recorded *, struct complaint *),
                      struct recording **out, struct complaint *why)
{
    struct rows *r = mem_new(struct rows);
    r->source =
        (struct recording){.format = format_of(first_line), .text = text, .next = next, .close = close_rows};
    r->config = site->config;
    r->readings = mem_array((size_t)site->config->npoints + 1, sizeof *r->readings);
    r->export = strncmp(first_line, "{\"export\":", 10) == 0;
    if (!r->export)
        r->first = mem_string(first_line);
    *out = &r->source;
    if (!r->export || strncmp(first_line + 10, "1,", 2) == 0)
        return ERR_OK;
    int rc = text_complain(text, 1, why, "an export of another version than 1");
    recording_close(&r->source);
    return rc;
}

int rows_recording(struct text *text, const struct recording_site *site, char *first_line,
                   struct recording **out, struct complaint *why)
{
    return open_lines(text, site, first_line, next_row, out, why);
}

int samples_recording(struct text *text, const struct recording_site *site, char *first_line,
                      struct recording **out, struct complaint *why)
{
    return open_lines(text, site, first_line, next_sample, out, why);
}
