/* What the table of inputs and its reader share. Nobody else includes it. */
#ifndef DUST_INPUT_INSIDE_H
#define DUST_INPUT_INSIDE_H

#include "daemon/config/input_kind.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INPUT_WORDS = 8, INPUT_FIELDS = 6, INPUT_COMMON = 2, INPUT_PLAN_DAYS = 366 };

enum field_type { FIELD_TEXT, FIELD_WORD, FIELD_STAMP, FIELD_NUMBER, FIELD_PLATE };

struct field {
    const char *key; /* NULL ends the list */
    enum field_type type;
    bool required;
    size_t offset, size;
    double low, high;
    const char *words[INPUT_WORDS + 1];
};

enum length { MOMENT, SPAN, OPEN }; /* has no length; ends; may be open */

struct input_shape {
    unsigned roles;
    bool machine; /* a source that is nobody's may say it */
    enum length length;
    bool planned; /* may lie ahead, by INPUT_PLAN_DAYS at most */
    int64_t longest_ms;
    struct field fields[INPUT_FIELDS];
};

extern const struct input_shape input_shapes[INPUT__KINDS];
extern const struct field input_common[INPUT_COMMON]; /* of every kind */

#endif
