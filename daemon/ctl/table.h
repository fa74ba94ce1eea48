/* Text for terminals: safe to print, and columns that stand in line with Chinese in them. Widths need
 * setlocale(LC_CTYPE, "C.UTF-8") before the first call. */
#ifndef DUST_TABLE_H
#define DUST_TABLE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* `text` with each control character, escape, text-direction mark and invalid byte shown as '?': nothing in
 * it can move the cursor. NULL reads as "". The caller frees (mem_free). */
char *text_clean(const char *text);

/* Columns that cleaned text takes on a terminal: 2 for a Chinese character. */
int text_width(const char *text);

/* Rows of `columns` cells, filled from left to right. Data with an owner: table_finish. */
struct table {
    int columns;
    uint32_t right; /* bit n: column n (from 0) stands at the right */
    char **cells;
    size_t ncells, room;
};

/* Adds the next cell, cleaned. */
void table_cell(struct table *t, const char *text);
void table_printf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints the rows, two blanks between columns, none at the end of a line; the first row is the heading. */
void table_print(const struct table *t, FILE *out);

void table_finish(struct table *t);

#endif
