/* Lines of text as wide as a terminal: what a screen shows, before anything of a screen is known. Each line
 * is pieces with a tint, of exact width: two columns for a Chinese character. Pure; widths need
 * setlocale(LC_CTYPE, "C.UTF-8"). Data with an owner: sheet_finish. */
#ifndef DUST_SHEET_H
#define DUST_SHEET_H

#include <stdbool.h>
#include <stddef.h>

enum tint { TINT_PLAIN, TINT_STRONG, TINT_FAINT, TINT_GOOD, TINT_WARN, TINT_BAD, TINT_BAR, TINT__COUNT };

struct piece {
    char *text; /* safe to print */
    enum tint tint;
};

struct line {
    struct piece *pieces;
    int npieces, width;
};

struct sheet {
    int columns;
    bool ascii; /* nothing beyond ASCII is put: for a terminal that cannot show it */
    struct line *lines;
    int nlines;
};

/* Begins the next line. */
void sheet_line(struct sheet *s);

/* Puts text at the end of the line: left-aligned in `width` columns, right-aligned in -width, or as wide as
 * it is (0). What does not fit there, or on the line, is cut and ends with "…". */
void sheet_put(struct sheet *s, enum tint tint, int width, const char *text);
void sheet_printf(struct sheet *s, enum tint tint, int width, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts text that may go on in up to `lines` further lines, each after `indent` blanks; cut only at the end.
 */
void sheet_flow(struct sheet *s, enum tint tint, int indent, int lines, const char *text);

/* Blanks up to `columns` from the right end of the line, where the next piece of that width ends with it. */
void sheet_skip(struct sheet *s, enum tint tint, int columns);

/* Columns that are left on the line. */
int sheet_left(const struct sheet *s);

/* Columns that a text takes when put. */
int sheet_width(const struct sheet *s, const char *text);

/* Keeps `columns` and `ascii`. */
void sheet_clear(struct sheet *s);
void sheet_finish(struct sheet *s);

#endif
