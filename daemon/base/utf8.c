#include "daemon/base/utf8.h"

size_t utf8_next(const char *text, size_t length, uint32_t *code)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    if (!length)
        return 0;
    const unsigned char *p = (const unsigned char *)text;
    size_t n = p[0] < 0x80             ? 1
               : (p[0] & 0xe0) == 0xc0 ? 2
               : (p[0] & 0xf0) == 0xe0 ? 3
               : (p[0] & 0xf8) == 0xf0 ? 4
                                       : 0;
    if (!n || n > length)
        return 0;
    uint32_t c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return n;
}

bool utf8_printable(uint32_t code)
{
    if (code < 0x20)
        return code == '\t' || code == '\n';
    if (code == 0x2028 || code == 0x2029 || code == 0xfeff || code == 0xfffe || code == 0xffff)
        return false;
    return code < 0x7f || code >= 0xa0;
}

size_t utf8_cut(const char *text, size_t length, size_t most)
{
    size_t end = 0;
    while (end < length) {
        uint32_t code;
        size_t n = utf8_next(text + end, length - end, &code);
        if (!n || end + n > most)
            break;
        end += n;
    }
    return end;
}
