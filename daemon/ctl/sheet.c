#include "daemon/ctl/sheet.h"

#include "daemon/base/buf.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

/* What stands for a character beyond ASCII. */
static const char *plain(wchar_t c)
{
    static const struct {
        wchar_t c;
        const char *ascii;
    } table[] = {
        {L'—', "-"}, {L'…', "~"}, {L'μ', "u"}, {L'µ', "u"},  {L'³', "3"}, {L'²', "2"},
        {L'°', ""},  {L'℃', "C"}, {L'→', ">"}, {L'≥', ">="}, {L'·', "-"}, {L'×', "x"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].c == c)
            return table[i].ascii;
    return "?";
}

/* The text, safe to print and, where that is asked, in ASCII. */
static char *shown(const struct sheet *s, const char *text)
{
    char *clean = text_clean(text);
    if (!s->ascii)
        return clean;
    struct buf ascii = {0};
    for (const char *at = clean; *at;) {
        wchar_t c;
        mbstate_t state = {0};
        size_t n = mbrtowc(&c, at, strlen(at), &state);
        n = n == 0 || n > 4 ? 1 : n;
        if (n == 1)
            buf_add(&ascii, at, 1);
        else
            buf_text(&ascii, plain(c));
        at += n;
    }
    mem_free(clean);
    return buf_take(&ascii);
}

/* Bytes of clean text that fit into so many columns, and the columns they take. */
static size_t prefix(const char *text, int columns, int *width)
{
    size_t length = 0;
    *width = 0;
    while (text[length]) {
        wchar_t c;
        mbstate_t state = {0};
        size_t n = mbrtowc(&c, text + length, strlen(text + length), &state);
        int w = n == 0 || n > 4 ? 1 : wcwidth(c);
        if (*width + w > columns)
            break;
        *width += w;
        length += n == 0 || n > 4 ? 1 : n;
    }
    return length;
}

/* Clean text in exactly so many columns. */
static char *fitted(const struct sheet *s, const char *text, int columns, bool right)
{
    struct buf out = {0};
    int width = text_width(text);
    size_t length = strlen(text);
    bool cut = width > columns;
    if (cut)
        length = prefix(text, columns - 1, &width);
    int blanks = columns - width - cut;
    buf_printf(&out, "%*s", right ? blanks : 0, "");
    buf_add(&out, text, length);
    if (cut)
        buf_text(&out, s->ascii ? "~" : "…");
    buf_printf(&out, "%*s", right ? 0 : blanks, "");
    return buf_take(&out);
}

void sheet_line(struct sheet *s)
{
    s->lines = mem_resize(s->lines, (size_t)s->nlines + 1, sizeof *s->lines);
    s->lines[s->nlines++] = (struct line){0};
}

int sheet_left(const struct sheet *s)
{
    return s->columns - s->lines[s->nlines - 1].width;
}

int sheet_width(const struct sheet *s, const char *text)
{
    char *put = shown(s, text);
    int width = text_width(put);
    mem_free(put);
    return width;
}

void sheet_put(struct sheet *s, enum tint tint, int width, const char *text)
{
    struct line *line = &s->lines[s->nlines - 1];
    char *put = shown(s, text);
    int columns = width < 0 ? -width : width ? width : text_width(put);
    if (columns > sheet_left(s))
        columns = sheet_left(s);
    if (columns > 0) {
        line->pieces = mem_resize(line->pieces, (size_t)line->npieces + 1, sizeof *line->pieces);
        line->pieces[line->npieces++] = (struct piece){fitted(s, put, columns, width < 0), tint};
        line->width += columns;
    }
    mem_free(put);
}

void sheet_printf(struct sheet *s, enum tint tint, int width, const char *format, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    sheet_put(s, tint, width, text);
}

void sheet_flow(struct sheet *s, enum tint tint, int indent, int lines, const char *text)
{
    char *all = shown(s, text), *rest = all;
    for (; lines > 0 && text_width(rest) > sheet_left(s) && sheet_left(s) > 2; lines--) {
        int width;
        size_t length = prefix(rest, sheet_left(s), &width);
        char *part = mem_string_n(rest, length);
        sheet_put(s, tint, 0, part);
        mem_free(part);
        rest += length;
        sheet_line(s);
        sheet_put(s, TINT_PLAIN, indent, "");
    }
    sheet_put(s, tint, 0, rest);
    mem_free(all);
}

void sheet_skip(struct sheet *s, enum tint tint, int columns)
{
    if (sheet_left(s) > columns)
        sheet_put(s, tint, sheet_left(s) - columns, "");
}

void sheet_clear(struct sheet *s)
{
    for (int i = 0; i < s->nlines; i++) {
        for (int k = 0; k < s->lines[i].npieces; k++)
            mem_free(s->lines[i].pieces[k].text);
        mem_free(s->lines[i].pieces);
    }
    mem_free(s->lines);
    s->lines = NULL;
    s->nlines = 0;
}

void sheet_finish(struct sheet *s)
{
    sheet_clear(s);
    *s = (struct sheet){0};
}
