/* JSON written as text, member after member, where a list is long: building a tree to print it, and taking it
 * apart again, costs ten times as much. The text is what jansson would print with JSON_COMPACT. Objects are
 * begun and ended by the caller's own braces. One thread at a time. */
#ifndef DUST_JSON_TEXT_H
#define DUST_JSON_TEXT_H

#include "daemon/base/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* A string with its quotation marks, escaped as RFC 8259 section 7 asks; null where `text` is no UTF-8. */
void json_text_string(struct buf *out, const char *text);

/* "key": with a comma before it, unless it is the first of its object. `key` is ours: it needs no escape. */
void json_text_key(struct buf *out, const char *key);

/* Members. */
void json_text_add(struct buf *out, const char *key, const char *text);
void json_text_add_integer(struct buf *out, const char *key, int64_t value);
void json_text_add_bool(struct buf *out, const char *key, bool value);

#endif
