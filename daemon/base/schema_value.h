/* The scalar types of the schema tables, one row of operations each: schema.c's and schema_print.c's own. */
#ifndef DUST_SCHEMA_VALUE_H
#define DUST_SCHEMA_VALUE_H

#include "daemon/base/schema.h"

#include <stdint.h>

struct buf;

struct value_type {
    const char *noun; /* "a whole number" */
    bool no_quotes;   /* a quoted scalar is text and nothing else */
    bool owned;       /* the field is a string of ours */
    /* The text into the field: ERR_FORMAT, ERR_RANGE. NULL: not a scalar. */
    int (*read)(const struct setting *row, const char *text, void *field);
    void (*print)(const struct setting *row, const void *field, struct buf *out);
};

extern const struct value_type value_types[SETTING__COUNT];

/* Reads and checks: also the row's range and its own check. */
int value_read(const struct setting *row, const char *text, void *field);

/* What is allowed, in words: "a whole number, 1 to 247". */
void value_allowed(const struct setting *row, struct buf *out);

/* The value of an absent setting without default, and whether a field holds it. */
void value_blank(const struct setting *row, void *field);
bool value_is_blank(const struct setting *row, const void *field);

/* The word of `words` with this text, NULL for none; their texts as a NULL-ended list (mem_free). */
const struct word *word_find(const struct word *words, const char *text);
const char **word_names(const struct word *words);

/* Integer fields of any size. */
int64_t field_int(const struct setting *row, const void *field);
int field_set_int(const struct setting *row, void *field, int64_t value);

void print_text(const char *text, struct buf *out); /* in double quotes */

#endif
