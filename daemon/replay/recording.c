#include "daemon/replay/recording.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/replay/format.h"
#include "daemon/replay/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a file's bytes come from, as often as they are wanted; and what is made of them. */
struct opening {
    const char *file;
    const struct bytes *bytes; /* NULL: of the file */
    const struct recording_site *site;
    struct recording **out;
    int *n;
};

static int open_text(const struct opening *o, struct text **out, struct complaint *why)
{
    if (o->bytes)
        return text_of_memory(o->bytes->name, o->bytes->data, o->bytes->length, out, why);
    return text_open(o->file, out, why);
}

/* A fresh text with its first line. */
static int open_first(const struct opening *o, struct text **out, char **line, struct complaint *why)
{
    int rc = open_text(o, out, why);
    if (rc != ERR_OK)
        return rc;
    rc = text_next(*out, line, why);
    if (rc == ERR_NOT_FOUND) /* a byte order mark and nothing else */
        rc = text_complain(*out, 0, why, "the file is empty");
    if (rc != ERR_OK)
        text_close(*out);
    return rc;
}

static int no_format(const struct text *t, const char *line, struct complaint *why)
{
    return text_complain(t, 1, why,
                         "found \"%.40s\"; allowed is an export of dustctl, rows of dustd as JSON lines, CSV "
                         "with a header, or the serial log of a weather station, plain or gzip",
                         line);
}

/* Both recordings of an export, or of rows as published: these have no samples. */
static int open_rows(const struct opening *o, struct text *text, char *line, struct complaint *why)
{
    struct text *again;
    char *first;
    bool export = strncmp(line, "{\"export\":", 10) == 0;
    int rc = rows_recording(text, o->site, line, &o->out[0], why);
    if (rc != ERR_OK)
        return rc;
    *o->n = 1;
    if (!export)
        return ERR_OK;
    rc = open_first(o, &again, &first, why);
    if (rc == ERR_OK)
        rc = samples_recording(again, o->site, first, &o->out[1], why);
    *o->n += rc == ERR_OK;
    return rc;
}

static int open_lines(const struct opening *o, struct text *text, char *line, struct complaint *why)
{
    struct text *ahead;
    bool csv = format_of(line)->shape == FORMAT_CSV;
    int rc = open_text(o, &ahead, why);
    if (rc != ERR_OK) {
        text_close(text);
        return rc;
    }
    rc = csv ? csv_recording(text, ahead, o->site, line, o->out, why)
             : station_recording(text, ahead, o->site, line, o->out, why);
    text_close(ahead);
    *o->n = rc == ERR_OK;
    return rc;
}

static int open_any(const struct opening *o, struct complaint *why)
{
    struct text *text;
    char *line;
    *o->n = 0;
    int rc = open_first(o, &text, &line, why);
    if (rc != ERR_OK)
        return rc;
    const struct format *f = format_of(line);
    if (!f) {
        rc = no_format(text, line, why);
        text_close(text);
    } else if (f->shape == FORMAT_ROWS) {
        rc = open_rows(o, text, line, why);
    } else {
        rc = open_lines(o, text, line, why);
    }
    while (rc != ERR_OK && *o->n)
        recording_close(o->out[--*o->n]);
    return rc;
}

int recording_open(const char *file, const struct recording_site *site,
                   struct recording *out[RECORDINGS_PER_FILE], int *n, struct complaint *why)
{
    return open_any(&(struct opening){file, NULL, site, out, n}, why);
}

int recording_of_memory(const struct bytes *bytes, const struct recording_site *site,
                        struct recording *out[RECORDINGS_PER_FILE], int *n, struct complaint *why)
{
    return open_any(&(struct opening){bytes->name, bytes, site, out, n}, why);
}

int recording_next(struct recording *s, struct recorded *out, struct complaint *why)
{
    return s->next(s, out, why);
}

void recording_close(struct recording *s)
{
    if (!s)
        return;
    text_close(s->text);
    mem_free(s->columns.list);
    s->close(s);
}

static int smaller_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int64_t recording_step(int64_t *times, int n)
{
    if (n < 2)
        return 0;
    for (int i = 0; i + 1 < n; i++)
        times[i] = times[i + 1] - times[i];
    qsort(times, (size_t)n - 1, sizeof *times, smaller_first);
    return times[(n - 1) / 2];
}

void recording_leave_out(struct recording *s, const char *why)
{
    if (s->left_out++)
        return;
    s->first_left_out = text_line(s->text);
    s->why_left_out = why;
}
