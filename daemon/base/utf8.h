/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. Pure. */
#ifndef DUST_UTF8_H
#define DUST_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the first code point of `text` (1 to 4 bytes), which goes to `code`; 0 when it is not one. */
size_t utf8_next(const char *text, size_t length, uint32_t *code);

/* Whether it may stand in text that people read: tab, line feed, no other control character, no byte order
 * mark, no line separators that only some programs take for line ends (U+0085, U+2028, U+2029). */
bool utf8_printable(uint32_t code);

/* The longest prefix of `text` of at most `most` bytes that ends at a code point's end. */
size_t utf8_cut(const char *text, size_t length, size_t most);

#endif
