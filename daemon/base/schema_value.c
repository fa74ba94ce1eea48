#include "daemon/base/schema_value.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 2000, NAME_BYTES_MAX = 31 };

/* --- fields --- */

static bool is_unsigned(const struct setting *row)
{
    return row->type == SETTING_ADDRESS || row->type == SETTING_SET || (row->low && row->low[0] != '-');
}

int64_t field_int(const struct setting *row, const void *field)
{
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        int64_t i64;
    } v = {.i64 = 0};
    memcpy(&v, field, row->size);
    bool plus = is_unsigned(row);
    switch (row->size) {
    case 1: return plus ? v.u8 : (int8_t)v.u8;
    case 2: return plus ? v.u16 : (int16_t)v.u16;
    case 4: return plus ? (int64_t)v.u32 : (int32_t)v.u32;
    default: return v.i64;
    }
}

int field_set_int(const struct setting *row, void *field, int64_t value)
{
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        int64_t i64;
    } v = {.i64 = 0};
    switch (row->size) {
    case 1: v.u8 = (uint8_t)value; break;
    case 2: v.u16 = (uint16_t)value; break;
    case 4: v.u32 = (uint32_t)value; break;
    default: v.i64 = value;
    }
    if (field_int(row, &v) != value)
        return ERR_RANGE;
    memcpy(field, &v, row->size);
    return ERR_OK;
}

static const char *field_text(const void *field)
{
    const char *text;
    memcpy(&text, field, sizeof(text));
    return text;
}

static double field_number(const void *field)
{
    double value;
    memcpy(&value, field, sizeof(value));
    return value;
}

static int keep_text(void *field, const char *text)
{
    char *copy = mem_string(text);
    memcpy(field, &copy, sizeof(copy));
    return ERR_OK;
}

/* --- words --- */

const struct word *word_find(const struct word *words, const char *text)
{
    for (; words->text; words++)
        if (strcmp(words->text, text) == 0)
            return words;
    return NULL;
}

const char **word_names(const struct word *words)
{
    size_t n = 0;
    while (words[n].text)
        n++;
    const char **names = mem_array(n + 1, sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = words[i].text;
    return names;
}

/* --- one reader and one printer a type --- */

static int read_text(const struct setting *row, const char *text, void *field)
{
    int64_t most = TEXT_BYTES_MAX;
    if (row->high)
        scalar_int(row->high, &most);
    return strlen(text) > (size_t)most ? ERR_RANGE : keep_text(field, text);
}

static int read_name(const struct setting *row, const char *text, void *field)
{
    (void)row;
    static const char legal[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t length = strlen(text);
    if (!length || length > NAME_BYTES_MAX || strspn(text, legal) != length || strchr("_-", text[0]))
        return ERR_FORMAT;
    return keep_text(field, text);
}

static int read_bool(const struct setting *row, const char *text, void *field)
{
    (void)row;
    return scalar_bool(text, field);
}

static int in_range(const struct setting *row, int64_t value, int (*read)(const char *text, int64_t *out))
{
    int64_t low = INT64_MIN, high = INT64_MAX;
    if (row->low)
        read(row->low, &low);
    if (row->high)
        read(row->high, &high);
    return value < low || value > high ? ERR_RANGE : ERR_OK;
}

static int read_int(const struct setting *row, const char *text, void *field)
{
    int64_t value;
    int error = scalar_int(text, &value);
    if (!error)
        error = in_range(row, value, scalar_int);
    return error ? error : field_set_int(row, field, value);
}

static int read_address(const struct setting *row, const char *text, void *field)
{
    uint64_t value;
    int error = scalar_raw(text, &value);
    if (!error && value > INT64_MAX)
        error = ERR_RANGE;
    if (!error)
        error = in_range(row, (int64_t)value, scalar_int);
    return error ? error : field_set_int(row, field, (int64_t)value);
}

static int read_duration(const struct setting *row, const char *text, void *field)
{
    int64_t value;
    int per = row->per ? row->per : 1;
    int error = scalar_duration(text, &value);
    if (!error)
        error = value % per ? ERR_RANGE : in_range(row, value, scalar_duration);
    return error ? error : field_set_int(row, field, value / per);
}

static int read_size(const struct setting *row, const char *text, void *field)
{
    int64_t value;
    int error = scalar_size(text, &value);
    if (!error)
        error = in_range(row, value, scalar_size);
    return error ? error : field_set_int(row, field, value);
}

static int read_quantity(const struct setting *row, const char *text, void *field)
{
    const char *unit = row->type == SETTING_QUANTITY ? row->unit : "";
    double value, low = -HUGE_VAL, high = HUGE_VAL;
    int error = scalar_quantity(text, unit, &value);
    if (error)
        return error;
    if (row->low)
        scalar_quantity(row->low, unit, &low);
    if (row->high)
        scalar_quantity(row->high, unit, &high);
    if (value < low || value > high)
        return ERR_RANGE;
    memcpy(field, &value, sizeof(value));
    return ERR_OK;
}

static int read_unit(const struct setting *row, const char *text, void *field)
{
    (void)row;
    const char *name = unit_name(text);
    if (!name)
        return ERR_FORMAT;
    memcpy(field, &name, sizeof(name));
    return ERR_OK;
}

static int read_word(const struct setting *row, const char *text, void *field)
{
    const struct word *w = word_find(row->words, text);
    if (!w)
        return ERR_FORMAT;
    memcpy(field, &w->text, sizeof(w->text));
    return ERR_OK;
}

static int read_choice(const struct setting *row, const char *text, void *field)
{
    const struct word *w = word_find(row->words, text);
    return w ? field_set_int(row, field, w->value) : ERR_FORMAT;
}

/* The reader takes so many brackets in a line only (yaml.c), in texts too: a folded text is one line here. */
static bool is_bracket_too_many(char c, int *before)
{
    enum { IN_A_TEXT = 2 };
    return (c == '{' || c == '[') && ++*before > IN_A_TEXT;
}

void print_text(const char *text, struct buf *out)
{
    int brackets = 0;
    buf_text(out, "\"");
    for (const char *p = text; *p; p++) {
        if (is_bracket_too_many(*p, &brackets))
            buf_printf(out, "\\x%02X", (unsigned char)*p);
        else if (*p == '\n' || *p == '\r' || *p == '\t')
            buf_text(out, *p == '\n' ? "\\n" : *p == '\r' ? "\\r" : "\\t");
        else if (*p == '"' || *p == '\\')
            buf_printf(out, "\\%c", *p);
        else
            buf_add(out, p, 1);
    }
    buf_text(out, "\"");
}

static void print_quoted(const struct setting *row, const void *field, struct buf *out)
{
    (void)row;
    print_text(field_text(field), out);
}

static void print_name(const struct setting *row, const void *field, struct buf *out)
{
    (void)row;
    buf_text(out, field_text(field));
}

static void print_bool(const struct setting *row, const void *field, struct buf *out)
{
    (void)row;
    bool value;
    memcpy(&value, field, sizeof(value));
    buf_text(out, value ? "true" : "false");
}

static void print_int(const struct setting *row, const void *field, struct buf *out)
{
    buf_printf(out, "%" PRId64, field_int(row, field));
}

static void print_number(const struct setting *row, const void *field, struct buf *out)
{
    char text[32];
    buf_text(out, number_text(field_number(field), text));
    if (row->type == SETTING_QUANTITY && row->unit[0])
        buf_printf(out, " %s", row->unit);
}

static void print_duration(const struct setting *row, const void *field, struct buf *out)
{
    char text[32];
    buf_text(out, duration_text(field_int(row, field) * (row->per ? row->per : 1), text));
}

static void print_size(const struct setting *row, const void *field, struct buf *out)
{
    char text[32];
    buf_text(out, size_text(field_int(row, field), text));
}

static void print_choice(const struct setting *row, const void *field, struct buf *out)
{
    int64_t value = field_int(row, field);
    for (const struct word *w = row->words; w->text; w++) {
        if (w->value == value) {
            buf_text(out, w->text);
            return;
        }
    }
}

const struct value_type value_types[SETTING__COUNT] = {
    [SETTING_TEXT] = {"text", false, true, read_text, print_quoted},
    [SETTING_NAME] = {"a name of at most 31 of a-z 0-9 _ -", false, true, read_name, print_name},
    [SETTING_KEY] = {"a name of at most 31 of a-z 0-9 _ -", false, true, read_name, print_name},
    [SETTING_REF] = {"one of", false, true, read_name, print_name},
    [SETTING_TITLE] = {.noun = "{zh: …, en: …}"},
    [SETTING_BOOL] = {"true or false", true, false, read_bool, print_bool},
    [SETTING_INT] = {"a whole number", true, false, read_int, print_int},
    [SETTING_ADDRESS] = {"a whole number, decimal or 0x hexadecimal", true, false, read_address, print_int},
    [SETTING_NUMBER] = {"a number", true, false, read_quantity, print_number},
    [SETTING_QUANTITY] = {"a number, a space and a unit", false, false, read_quantity, print_number},
    [SETTING_DURATION] = {"a whole number with ms, s, min, h or d", false, false, read_duration,
                          print_duration},
    [SETTING_SIZE] = {"a whole number, a space and kB, MB or GB", false, false, read_size, print_size},
    [SETTING_UNIT] = {"a unit:", false, false, read_unit, print_quoted},
    [SETTING_WORD] = {"one of", false, false, read_word, print_name},
    [SETTING_CHOICE] = {"one of", false, false, read_choice, print_choice},
    [SETTING_SET] = {.noun = "a list of"},
    [SETTING_TEXTS] = {.noun = "a list of texts"},
    [SETTING_RAWS] = {.noun = "a list of whole numbers, decimal or 0x hexadecimal"},
    [SETTING_MAP] = {.noun = "a map"},
    [SETTING_LIST] = {.noun = "a list of maps"},
    [SETTING_KEYED] = {.noun = "a map of names, each with a map"},
};

int value_read(const struct setting *row, const char *text, void *field)
{
    if (row->check && row->check(text))
        return ERR_FORMAT;
    return value_types[row->type].read(row, text, field);
}

void value_allowed(const struct setting *row, struct buf *out)
{
    buf_text(out, value_types[row->type].noun);
    for (const struct word *w = row->words; w && w->text; w++)
        buf_printf(out, " %s", w->text);
    for (const char *const *unit = unit_names; row->type == SETTING_UNIT && *unit; unit++)
        buf_printf(out, " %s", *unit);
    const char *unit = row->unit && row->type != SETTING_QUANTITY ? row->unit : "";
    const char *space = unit[0] ? " " : "";
    if (row->type == SETTING_TEXT)
        buf_printf(out, " of at most %s bytes", row->high ? row->high : "2000");
    else if (row->low && row->high)
        buf_printf(out, ", %s to %s%s%s", row->low, row->high, space, unit);
    else if (row->low || row->high)
        buf_printf(out, ", at %s %s%s%s", row->low ? "least" : "most", row->low ? row->low : row->high, space,
                   unit);
    else if (row->type == SETTING_QUANTITY)
        buf_printf(out, " such as %s", row->unit);
}

void value_blank(const struct setting *row, void *field)
{
    double nan = NAN;
    const char *none = "";
    if (value_types[row->type].owned)
        keep_text(field, "");
    else if (row->type == SETTING_NUMBER || row->type == SETTING_QUANTITY)
        memcpy(field, &nan, sizeof(nan));
    else if (row->type == SETTING_UNIT || row->type == SETTING_WORD)
        memcpy(field, &none, sizeof(none));
    else if (row->type == SETTING_TITLE) {
        keep_text(field, "");
        keep_text((char *)field + sizeof(char *), "");
    }
}

bool value_is_blank(const struct setting *row, const void *field)
{
    switch (row->type) {
    case SETTING_TITLE: return !field_text(field)[0] && !field_text((const char *)field + sizeof(char *))[0];
    case SETTING_NUMBER:
    case SETTING_QUANTITY: return isnan(field_number(field));
    case SETTING_WORD:
    case SETTING_UNIT: return !field_text(field)[0];
    case SETTING_BOOL:
    case SETTING_INT:
    case SETTING_ADDRESS:
    case SETTING_DURATION:
    case SETTING_SIZE:
    case SETTING_CHOICE:
    case SETTING_SET: return field_int(row, field) == 0;
    default: return value_types[row->type].owned && !field_text(field)[0];
    }
}
