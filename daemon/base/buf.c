#include "daemon/base/buf.h"

#include "daemon/base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void buf_reserve(struct buf *b, size_t more)
{
    if (b->data && b->length + more + 1 <= b->room)
        return;
    size_t room = b->room ? b->room : 64;
    while (room < b->length + more + 1)
        room *= 2;
    b->data = mem_resize(b->data, room, 1);
    b->room = room;
}

void buf_add(struct buf *b, const void *bytes, size_t length)
{
    buf_reserve(b, length);
    if (length)
        memcpy(b->data + b->length, bytes, length);
    b->length += length;
    b->data[b->length] = 0;
}

void buf_text(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_printf(struct buf *b, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n > 0) {
        buf_reserve(b, (size_t)n);
        vsnprintf(b->data + b->length, (size_t)n + 1, format, again);
        b->length += (size_t)n;
    }
    va_end(again);
}

void buf_varint(struct buf *b, uint64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (uint8_t)(value & 0x7f);
        value >>= 7;
        if (value)
            bytes[n] |= 0x80;
        n++;
    } while (value);
    buf_add(b, bytes, n);
}

void buf_zigzag(struct buf *b, int64_t value)
{
    buf_varint(b, ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0));
}

void buf_clear(struct buf *b)
{
    b->length = 0;
    if (b->data)
        b->data[0] = 0;
}

char *buf_take(struct buf *b)
{
    buf_reserve(b, 0);
    b->data[b->length] = 0;
    char *data = b->data;
    *b = (struct buf){0};
    return data;
}

void buf_finish(struct buf *b)
{
    mem_free(b->data);
    *b = (struct buf){0};
}
