/* A table as Excel opens it by a double click: UTF-8 with BOM, RFC 4180 quoting, CRLF. A cell that a
 * spreadsheet would take for a formula gets an apostrophe in front: what somebody wrote in a note is never
 * executed. Pure. */
#ifndef DUST_CSV_H
#define DUST_CSV_H

struct buf;

/* The byte order mark that tells Excel that the file is UTF-8. */
void csv_begin(struct buf *b);

/* One line of `n` cells; NULL is an empty one. */
void csv_line(struct buf *b, const char *const *cells, int n);

#endif
