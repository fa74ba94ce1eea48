#include "daemon/replay/text.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

enum { CHUNK = 64 * 1024, ROOM = TEXT_LINE_MAX + CHUNK };

struct text {
    char *name;
    gzFile gz;          /* NULL: from memory */
    const char *memory; /* what of it is left */
    size_t left;
    char *bytes; /* ROOM and a zero byte: [from, to) has not been given yet */
    size_t from, to;
    bool ended;
    int line;
};

static struct text *new_text(const char *name)
{
    struct text *t = mem_new(struct text);
    t->name = mem_string(name);
    t->bytes = mem_array(ROOM + 1, 1);
    return t;
}

static int complain_of_file(const char *file, struct complaint *why, const char *what)
{
    snprintf(why->text, sizeof why->text, "%s: %s", file, what);
    return ERR_IO;
}

/* More bytes behind those that wait; the number, 0 at the end, negative when they cannot be read. */
static int read_more(struct text *t)
{
    size_t want = ROOM - t->to < CHUNK ? ROOM - t->to : CHUNK;
    if (t->gz)
        return gzread(t->gz, t->bytes + t->to, (unsigned)want);
    size_t n = want < t->left ? want : t->left;
    memcpy(t->bytes + t->to, t->memory, n);
    t->memory += n;
    t->left -= n;
    return (int)n;
}

/* What is cut off tells itself only at its end. */
static bool gz_failed(const struct text *t, struct complaint *why)
{
    int code;
    const char *what = gzerror(t->gz, &code);
    if (code == Z_MEM_ERROR)
        mem_exhausted();
    if (code == Z_OK || code == Z_STREAM_END)
        return false;
    text_complain(t, 0, why, "cannot be read further: %s; allowed is text, or gzip that is whole",
                  code == Z_ERRNO ? strerror(errno) : what);
    return true;
}

static int fill(struct text *t, struct complaint *why)
{
    memmove(t->bytes, t->bytes + t->from, t->to - t->from);
    t->to -= t->from;
    t->from = 0;
    int n = read_more(t);
    if (n <= 0 && t->gz && gz_failed(t, why))
        return ERR_FORMAT;
    t->to += (size_t)n;
    t->ended = n == 0;
    return ERR_OK;
}

static int begin(struct text *t, struct text **out, struct complaint *why)
{
    int rc = fill(t, why);
    if (rc == ERR_OK && t->to == 0)
        rc = text_complain(t, 0, why, "the file is empty");
    if (t->to >= 3 && memcmp(t->bytes, "\xef\xbb\xbf", 3) == 0)
        t->from = 3;
    if (rc != ERR_OK)
        text_close(t);
    else
        *out = t;
    return rc;
}

int text_open(const char *file, struct text **out, struct complaint *why)
{
    errno = 0;
    gzFile gz = gzopen(file, "rbe");
    if (!gz && errno == 0)
        mem_exhausted();
    if (!gz)
        return complain_of_file(file, why, strerror(errno));
    gzbuffer(gz, CHUNK);
    struct text *t = new_text(file);
    t->gz = gz;
    return begin(t, out, why);
}

int text_of_memory(const char *name, const char *bytes, size_t length, struct text **out,
                   struct complaint *why)
{
    struct text *t = new_text(name);
    t->memory = bytes;
    t->left = length;
    return begin(t, out, why);
}

/* The line [from, end) is given. */
static int give(struct text *t, char *end, char **line, struct complaint *why)
{
    char *start = t->bytes + t->from;
    t->from = (size_t)(end - t->bytes) + (end < t->bytes + t->to);
    *end = 0;
    if (end > start && end[-1] == '\r')
        *--end = 0;
    t->line++;
    size_t length = strlen(start);
    if (length < (size_t)(end - start))
        return text_complain(t, length + 1, why, "a NUL byte; allowed is text");
    *line = start;
    return ERR_OK;
}

int text_next(struct text *t, char **line, struct complaint *why)
{
    size_t looked = 0;
    for (;;) {
        size_t n = t->to - t->from;
        char *end = memchr(t->bytes + t->from + looked, '\n', n - looked);
        if (!end && t->ended && n)
            end = t->bytes + t->to;
        if (end)
            return give(t, end, line, why);
        if (t->ended)
            return ERR_NOT_FOUND;
        looked = n;
        t->line += n >= TEXT_LINE_MAX;
        if (n >= TEXT_LINE_MAX)
            return text_complain(t, 0, why, "a line of more than %d bytes; no recording has such",
                                 TEXT_LINE_MAX);
        int rc = fill(t, why);
        if (rc != ERR_OK)
            return rc;
    }
}

const char *text_name(const struct text *t)
{
    return t->name;
}

int text_line(const struct text *t)
{
    return t->line;
}

int text_complain(const struct text *t, size_t column, struct complaint *why, const char *format, ...)
{
    va_list ap;
    int at = snprintf(why->text, sizeof why->text, "%s:%d:", t->name, t->line);
    if (column)
        at += snprintf(why->text + at, sizeof why->text - (size_t)at, "%zu:", column);
    if (at >= (int)sizeof why->text)
        return ERR_FORMAT; /* such a path */
    va_start(ap, format);
    why->text[at++] = ' ';
    vsnprintf(why->text + at, sizeof why->text - (size_t)at, format, ap);
    va_end(ap);
    return ERR_FORMAT;
}

void text_close(struct text *t)
{
    if (!t)
        return;
    if (t->gz)
        gzclose(t->gz);
    mem_free(t->name);
    mem_free(t->bytes);
    mem_free(t);
}
