/* A growing byte buffer, always followed by a zero byte so that text can be used as a string. Data with an
 * owner: buf_finish frees it, buf_take hands the bytes over. One thread at a time. */
#ifndef DUST_BUF_H
#define DUST_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
    char *data; /* NULL while empty; data[length] == 0 otherwise */
    size_t length, room;
};

/* Copy something to the end: bytes, a text without its zero, what printf would print. Memory: mem.h. */
void buf_add(struct buf *b, const void *bytes, size_t length);
void buf_text(struct buf *b, const char *text);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Unsigned LEB128, and zigzag for signed: the numbers of the raw block. */
void buf_varint(struct buf *b, uint64_t value);
void buf_zigzag(struct buf *b, int64_t value);

/* Empties without freeing. */
void buf_clear(struct buf *b);

/* Hands the bytes to the caller (mem_free), never NULL, and leaves the buffer empty. */
char *buf_take(struct buf *b);

void buf_finish(struct buf *b);

#endif
