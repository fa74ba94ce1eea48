#include "daemon/ctl/table.h"

#include "daemon/base/buf.h"
#include "daemon/base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

/* Length of the character at `text` and what it is; 1 and L'?' for what must not reach a terminal. */
static size_t next_char(const char *text, wchar_t *c)
{
    mbstate_t state = {0};
    size_t n = mbrtowc(c, text, strlen(text), &state);
    if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
        *c = L'?';
        return 1;
    }
    /* direction marks and overrides, line and paragraph separators, byte order mark */
    bool moves = (*c >= 0x200e && *c <= 0x200f) || (*c >= 0x2028 && *c <= 0x202e) ||
                 (*c >= 0x2066 && *c <= 0x2069) || *c == 0x061c || *c == 0xfeff;
    if (moves || wcwidth(*c) < 0)
        *c = L'?';
    return n;
}

char *text_clean(const char *text)
{
    struct buf clean = {0};
    while (text && *text) {
        wchar_t c;
        size_t n = next_char(text, &c);
        if (c == L'?')
            buf_text(&clean, "?");
        else
            buf_add(&clean, text, n);
        text += n;
    }
    return buf_take(&clean);
}

int text_width(const char *text)
{
    int width = 0;
    while (*text) {
        wchar_t c;
        text += next_char(text, &c);
        width += wcwidth(c);
    }
    return width;
}

static void add_owned(struct table *t, char *cell)
{
    if (t->ncells == t->room) {
        t->room = t->room ? t->room * 2 : 64;
        t->cells = mem_resize(t->cells, t->room, sizeof *t->cells);
    }
    t->cells[t->ncells++] = cell;
}

void table_cell(struct table *t, const char *text)
{
    add_owned(t, text_clean(text));
}

void table_printf(struct table *t, const char *format, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    table_cell(t, text);
}

static int column_width(const struct table *t, int column)
{
    int width = 0;
    for (size_t i = (size_t)column; i < t->ncells; i += (size_t)t->columns) {
        int w = text_width(t->cells[i]);
        width = w > width ? w : width;
    }
    return width;
}

static void add_blanks(struct buf *line, int n)
{
    buf_printf(line, "%*s", n, "");
}

static void add_cell(struct buf *line, const char *cell, int width, bool right)
{
    int blanks = width - text_width(cell);
    add_blanks(line, right ? blanks : 0);
    buf_text(line, cell);
    add_blanks(line, right ? 0 : blanks);
}

void table_print(const struct table *t, FILE *out)
{
    int *widths = mem_array((size_t)t->columns, sizeof *widths);
    struct buf line = {0};
    for (int i = 0; i < t->columns; i++)
        widths[i] = column_width(t, i);
    for (size_t i = 0; i < t->ncells; i++) {
        int column = (int)(i % (size_t)t->columns);
        add_blanks(&line, column ? 2 : 0);
        add_cell(&line, t->cells[i], widths[column], (t->right >> column) & 1);
        if (column < t->columns - 1)
            continue;
        while (line.length && line.data[line.length - 1] == ' ')
            line.data[--line.length] = 0;
        fprintf(out, "%s\n", line.length ? line.data : "");
        buf_clear(&line);
    }
    buf_finish(&line);
    mem_free(widths);
}

void table_finish(struct table *t)
{
    for (size_t i = 0; i < t->ncells; i++)
        mem_free(t->cells[i]);
    mem_free(t->cells);
    *t = (struct table){0};
}
