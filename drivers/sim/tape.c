#include "drivers/sim/tape.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { LINE_MAX_BYTES = 4096, FIELDS_MAX = 128 };

struct tape {
    const struct tape_setup *setup;
    gzFile file;
    int zone_min;
    int64_t from_ms, to_ms;
    int nfields; /* CSV: columns of the head */
    int time;    /* CSV: field with the stamp, -1 none */
    int *field;  /* of each setup column */
    long number; /* of the line read last */
    int held;    /* polls the present line has served */
    struct tape_line line;
    double *values;
};

/* The fields of a raw line in their order: what stands before the number, and what one count means. */
static const struct raw_field {
    const char *name;
    char lead;
    double scale;
} raw_fields[] = {
    {"wind_adc", 'A', 1},   {"wind_deg", 'B', 1},   {"wind_hz", 'C', 1},    {"wind", 'D', 10},
    {"wind_1min", 'E', 10}, {"wind_5min", 'F', 10}, {"rain_count", 'G', 1}, {"rain_total", 'H', 1},
    {"rain_1min", 'I', 10}, {"rain_1h", 'J', 10},   {"rain_24h", 'K', 10},  {"temperature", 'L', 10},
    {"humidity", 'M', 10},  {"pressure", 'N', 10},  {"pm1_cf", ',', 1},     {"pm25_cf", ',', 1},
    {"pm10_cf", ',', 1},    {"pm1", ',', 1},        {"pm25", ',', 1},       {"pm10", ',', 1},
};
enum { RAW_FIELDS = sizeof raw_fields / sizeof *raw_fields };

int tape_stamp(const char *text, int zone_min, int64_t *at_ms)
{
    char whole[48];
    if (strlen(text) > 32)
        return ERR_FORMAT;
    snprintf(whole, sizeof whole, "%s", text);
    if (strlen(whole) > 10 && whole[10] == ' ')
        whole[10] = 'T';
    if (clock_parse(whole, at_ms) == ERR_OK)
        return ERR_OK;
    size_t length = strlen(whole);
    int zone = zone_min < 0 ? -zone_min : zone_min;
    snprintf(whole + length, sizeof whole - length, "%c%02d:%02d", zone_min < 0 ? '-' : '+', zone / 60 % 24,
             zone % 60);
    return clock_parse(whole, at_ms);
}

/* Cuts a CSV line in place at its commas; quotes are taken off. Returns how many fields, -1 for too many. */
static int split(char *line, const char **fields)
{
    int n = 0;
    for (char *p = line;; p++) {
        if (n == FIELDS_MAX)
            return -1;
        char *write = p;
        bool quoted = *p == '"';
        fields[n++] = write;
        for (p += quoted; *p && (quoted || *p != ','); p++) {
            if (*p == '"' && quoted)
                quoted = false;
            else
                *write++ = *p;
        }
        bool last = *p == 0;
        *write = 0;
        if (last)
            return n;
    }
}

static int field_named(const char **fields, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(fields[i], name) == 0)
            return i;
    return -1;
}

/* The next line without its end; false at the end of the file. A line too long for us is read as several,
 * none of which has the right shape. */
static bool read_line(struct tape *r, char text[static LINE_MAX_BYTES])
{
    if (!gzgets(r->file, text, LINE_MAX_BYTES))
        return false;
    text[strcspn(text, "\r\n")] = 0;
    r->number++;
    return true;
}

/* A field's number; false when there is something else in it. */
static bool read_value(const char *text, double *value)
{
    *value = NAN;
    return *text == 0 || scalar_number(text, value) == ERR_OK;
}

static bool selected(const struct tape *r, const char *stamp)
{
    int64_t at_ms;
    if (r->from_ms == INT64_MIN && r->to_ms == INT64_MAX)
        return true;
    return tape_stamp(stamp, r->zone_min, &at_ms) == ERR_OK && at_ms >= r->from_ms && at_ms < r->to_ms;
}

/* Both readers: true when the line is to be played. */
static bool read_csv(struct tape *r, char *text)
{
    const char *fields[FIELDS_MAX];
    int n = split(text, fields);
    r->line.damaged = n != r->nfields;
    if (r->time >= 0 && (r->time >= n || !selected(r, fields[r->time])))
        return false;
    for (int i = 0; i < r->setup->ncolumns && !r->line.damaged; i++)
        r->line.damaged = !read_value(fields[r->field[i]], &r->values[i]);
    return true;
}

/* Reads all numbers of a raw line behind its stamp; false when shape or checksum is wrong. */
static bool read_raw_fields(const char *body, double numbers[static RAW_FIELDS])
{
    const char *p = body;
    unsigned sum = 0x1A, want = 0;
    int n = 0;
    for (int i = 0; i < RAW_FIELDS; i++) {
        int value = 0;
        if (*p++ != raw_fields[i].lead)
            return false;
        size_t digits = strspn(p, "-0123456789");
        if (digits < 1 || digits > 6 || sscanf(p, "%6d%n", &value, &n) != 1)
            return false;
        numbers[i] = value / raw_fields[i].scale;
        p += n;
    }
    if (strncmp(p, ",*", 2) != 0 || strlen(p) != 4 || sscanf(p + 2, "%2x", &want) != 1)
        return false;
    for (const char *c = body; c < p + 1; c++)
        sum ^= (uint8_t)*c;
    return sum == want;
}

static bool read_raw(struct tape *r, char *text)
{
    double numbers[RAW_FIELDS];
    char *body = strchr(text, ' ');
    if (body)
        *body++ = 0;
    if (!selected(r, text))
        return false;
    r->line.damaged = !body || !read_raw_fields(body, numbers);
    for (int i = 0; i < r->setup->ncolumns && !r->line.damaged; i++)
        r->values[i] = numbers[r->field[i]];
    return true;
}

static void next_line(struct tape *r)
{
    static bool (*const readers[])(struct tape *,
                                   char *) = {[TAPE_CSV] = read_csv, [TAPE_GUANGDONG_RAW] = read_raw};
    char text[LINE_MAX_BYTES];
    r->held = 0;
    while (read_line(r, text)) {
        if (readers[r->setup->format](r, text)) {
            r->line.number = r->number;
            return;
        }
    }
    r->line = (struct tape_line){.values = r->values};
}

static int rewind_file(struct tape *r)
{
    char text[LINE_MAX_BYTES];
    r->number = 0;
    if (gzrewind(r->file) != 0)
        return ERR_IO;
    return r->setup->format != TAPE_CSV || read_line(r, text) ? ERR_OK : ERR_FORMAT;
}

void tape_advance(struct tape *r)
{
    if (r->held >= r->setup->hold) {
        next_line(r);
        if (r->line.number == 0 && r->setup->repeat && rewind_file(r) == ERR_OK)
            next_line(r);
    }
    r->held++;
}

struct tape_line tape_line(const struct tape *r)
{
    return r->line;
}

/* Finds the fields of all wanted columns. */
static int find_columns(struct tape *r, const char **which)
{
    char text[LINE_MAX_BYTES];
    const char *fields[FIELDS_MAX];
    bool raw = r->setup->format == TAPE_GUANGDONG_RAW;
    r->time = -1;
    if (raw) {
        for (int i = 0; i < RAW_FIELDS; i++)
            fields[i] = raw_fields[i].name;
        r->nfields = RAW_FIELDS;
    } else {
        if (!read_line(r, text))
            return ERR_FORMAT;
        r->nfields = split(text, fields);
    }
    for (int i = 0; i < r->setup->ncolumns; i++) {
        *which = r->setup->columns[i].column;
        r->field[i] = field_named(fields, r->nfields, *which);
        if (r->field[i] < 0)
            return ERR_NOT_FOUND;
    }
    if (raw || (r->from_ms == INT64_MIN && r->to_ms == INT64_MAX))
        return ERR_OK;
    *which = r->setup->time;
    r->time = field_named(fields, r->nfields, *which);
    return r->time < 0 ? ERR_NOT_FOUND : ERR_OK;
}

static int read_range(struct tape *r, const char **which)
{
    r->from_ms = INT64_MIN;
    r->to_ms = INT64_MAX;
    *which = r->setup->from;
    if (**which && tape_stamp(*which, r->zone_min, &r->from_ms) != ERR_OK)
        return ERR_NOT_FOUND;
    *which = r->setup->to;
    if (**which && tape_stamp(*which, r->zone_min, &r->to_ms) != ERR_OK)
        return ERR_NOT_FOUND;
    return ERR_OK;
}

int tape_open(const struct tape_setup *setup, const char *file, int zone_min, struct tape **out,
              const char **which)
{
    struct tape *r = mem_new(struct tape);
    r->setup = setup;
    r->zone_min = zone_min;
    r->field = mem_array((size_t)setup->ncolumns + 1, sizeof *r->field);
    r->values = mem_array((size_t)setup->ncolumns + 1, sizeof *r->values);
    r->line.values = r->values;
    r->file = gzopen(file, "rb");
    int rc = r->file ? read_range(r, which) : ERR_IO;
    if (rc == ERR_OK)
        rc = find_columns(r, which);
    if (rc != ERR_OK) {
        tape_close(r);
        return rc;
    }
    next_line(r);
    *out = r;
    return ERR_OK;
}

void tape_close(struct tape *r)
{
    if (!r)
        return;
    if (r->file)
        gzclose(r->file);
    mem_free(r->field);
    mem_free(r->values);
    mem_free(r);
}
