#include "daemon/replay/recording.h"

#include "daemon/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a file's bytes come from, as often as they are wanted. */
struct opening {
    const char *file; /* NULL: */
    const struct bytes *bytes;
};

static int open_text(const struct opening *from, struct text **out, struct complaint *why)
{
    if (from->file)
        return text_open(from->file, out, why);
    return text_of_memory(from->bytes->name, from->bytes->data, from->bytes->length, out, why);
}

/* A fresh text with its first line. */
static int open_first(const struct opening *from, struct text **out, char **line, struct complaint *why)
{
    int rc = open_text(from, out, why);
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
                         "with a header, or "
                         "the serial log of a weather station, plain or gzip",
                         line);
}

/* Both sources of an export, or of rows as published: these have no samples. */
static int open_rows(const struct opening *from, struct text *text, const struct recording_site *site,
                     char *line, struct recording **out, int *n, struct complaint *why)
{
    struct text *again;
    char *first;
    bool export = strncmp(line, "{\"export\":", 10) == 0;
    int rc = rows_recording(text, site, line, &out[0], why);
    if (rc != ERR_OK)
        return rc;
    *n = 1;
    if (!export)
        return ERR_OK;
    rc = open_first(from, &again, &first, why);
    if (rc == ERR_OK)
        rc = samples_recording(again, site, first, &out[1], why);
    *n += rc == ERR_OK;
    return rc;
}

static int open_lines(const struct opening *from, struct text *text, const struct format *f,
                      const struct recording_site *site, char *line, struct recording **out, int *n,
                      struct complaint *why)
{
    struct text *ahead;
    int rc = open_text(from, &ahead, why);
    if (rc != ERR_OK) {
        text_close(text);
        return rc;
    }
    rc = f->shape == FORMAT_CSV ? csv_recording(text, ahead, site, line, out, why)
                                : station_recording(text, ahead, site, line, out, why);
    text_close(ahead);
    *n = rc == ERR_OK;
    return rc;
}

static int open_any(const struct opening *from, const struct recording_site *site, struct recording **out,
                    int *n, struct complaint *why)
{
    struct text *text;
    char *line;
    *n = 0;
    int rc = open_first(from, &text, &line, why);
    if (rc != ERR_OK)
        return rc;
    const struct format *f = format_of(line);
    if (!f) {
        rc = no_format(text, line, why);
        text_close(text);
    } else if (f->shape == FORMAT_ROWS) {
        rc = open_rows(from, text, site, line, out, n, why);
    } else {
        rc = open_lines(from, text, f, site, line, out, n, why);
    }
    while (rc != ERR_OK && *n)
        recording_close(out[--*n]);
    return rc;
}

int recording_open(const char *file, const struct recording_site *site,
                   struct recording *out[RECORDINGS_PER_FILE], int *n, struct complaint *why)
{
    return open_any(&(struct opening){.file = file}, site, out, n, why);
}

int recording_of_memory(const struct bytes *bytes, const struct recording_site *site,
                        struct recording *out[RECORDINGS_PER_FILE], int *n, struct complaint *why)
{
    return open_any(&(struct opening){.bytes = bytes}, site, out, n, why);
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
