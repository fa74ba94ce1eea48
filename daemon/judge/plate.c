#include "daemon/judge/plate.h"

#include "daemon/base/utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { KEPT = 3, SHORTEST = 6 }; /* characters shown at the start; of a plate of which any are */

/* Bytes of the first `n` characters; fewer when it ends, or is no UTF-8. */
static size_t bytes_of(const char *text, int n)
{
    size_t at = 0, length = strlen(text), step = 1;
    uint32_t code;
    for (int i = 0; i < n && at < length && step; i++) {
        step = utf8_next(text + at, length - at, &code);
        at += step;
    }
    return at;
}

static size_t last_character(const char *text)
{
    size_t at = strlen(text);
    while (at > 0 && ((unsigned char)text[--at] & 0xC0) == 0x80) {
        /* inside a character */
    }
    return at;
}

void plate_mask(const char *plate, char *out, size_t out_size)
{
    size_t all = strlen(plate);
    if (bytes_of(plate, SHORTEST - 1) >= all)
        snprintf(out, out_size, "%s", all ? "***" : "");
    else
        snprintf(out, out_size, "%.*s***%s", (int)bytes_of(plate, KEPT), plate,
                 plate + last_character(plate));
}

bool plate_known(const char *plate)
{
    size_t head = bytes_of(plate, 1), rest = strlen(plate) - head;
    return head == 3 && rest >= 6 && rest <= 7 &&
           strspn(plate + head, "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789") == rest && plate[head] > '9';
}
