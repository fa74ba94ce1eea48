#include "daemon/base/json_text.h"

#include "daemon/base/utf8.h"

#include <stddef.h>
#include <string.h>

static void add_escape(struct buf *out, unsigned char c)
{
    static const char plain[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: what, the letter after the backslash */
    for (size_t i = 0; i < sizeof plain - 1; i += 2)
        if ((unsigned char)plain[i] == c) {
            buf_add(out, (const char[]){'\\', plain[i + 1]}, 2);
            return;
        }
    buf_printf(out, "\\u%04X", c);
}

/* Bytes at the start of `text` that stand for themselves; -1: it goes on with what is no UTF-8. */
static ptrdiff_t plain_length(const char *text)
{
    size_t n = 0;
    uint32_t code;
    while ((unsigned char)text[n] >= ' ' && text[n] != '"' && text[n] != '\\') {
        size_t step = (unsigned char)text[n] < 0x80 ? 1 : utf8_next(text + n, strnlen(text + n, 4), &code);
        if (step == 0)
            return -1;
        n += step;
    }
    return (ptrdiff_t)n;
}

void json_text_string(struct buf *out, const char *text)
{
    size_t before = out->length;
    buf_add(out, "\"", 1);
    for (;;) {
        ptrdiff_t n = plain_length(text);
        if (n < 0) {
            out->length = before;
            buf_add(out, "null", 4);
            return;
        }
        buf_add(out, text, (size_t)n);
        text += n;
        if (!*text)
            break;
        add_escape(out, (unsigned char)*text++);
    }
    buf_add(out, "\"", 1);
}

void json_text_key(struct buf *out, const char *key)
{
    if (out->length && out->data[out->length - 1] != '{')
        buf_add(out, ",", 1);
    buf_add(out, "\"", 1);
    buf_text(out, key);
    buf_add(out, "\":", 2);
}

void json_text_add(struct buf *out, const char *key, const char *text)
{
    json_text_key(out, key);
    json_text_string(out, text);
}

void json_text_add_integer(struct buf *out, const char *key, int64_t value)
{
    char digits[24];
    char *end = digits + sizeof digits, *c = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do
        *--c = (char)('0' + rest % 10);
    while ((rest /= 10) != 0);
    if (value < 0)
        *--c = '-';
    json_text_key(out, key);
    buf_add(out, c, (size_t)(end - c));
}

void json_text_add_bool(struct buf *out, const char *key, bool value)
{
    json_text_key(out, key);
    buf_text(out, value ? "true" : "false");
}
