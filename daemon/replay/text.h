/* A recording as lines of text, plain or gzip. Memory does not depend on its length. Main thread. */
#ifndef DUST_REPLAY_TEXT_H
#define DUST_REPLAY_TEXT_H

#include <stddef.h>

struct complaint;

enum { TEXT_LINE_MAX = 256 * 1024 }; /* a row's body in an export, each byte of it escaped, and more */

struct text;

/* ERR_IO or ERR_FORMAT with `why`: the file cannot be opened, or is empty. */
int text_open(const char *file, struct text **out, struct complaint *why);

/* The same from memory, which must outlive it; `name` stands for the file in messages. */
int text_of_memory(const char *name, const char *bytes, size_t length, struct text **out,
                   struct complaint *why);

/* The next line without its end, zero-terminated and the caller's to write into until the next call; a byte
 * order mark at the beginning of the file is dropped. ERR_NOT_FOUND at the end of the file; ERR_FORMAT with
 * `why`: damaged gzip, a line longer than TEXT_LINE_MAX, a NUL byte. */
int text_next(struct text *t, char **line, struct complaint *why);

const char *text_name(const struct text *t);
int text_line(const struct text *t); /* number of the line that text_next gave last, from 1 */

/* Fills `why` with file:line:column (from 1; 0: none) and the printed text; returns ERR_FORMAT. */
int text_complain(const struct text *t, size_t column, struct complaint *why, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

void text_close(struct text *t); /* accepts NULL */

#endif
