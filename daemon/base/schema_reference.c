/* The tables as people read them: a line for the example's comments, roff for the manual. */
#include "daemon/base/buf.h"
#include "daemon/base/mem.h"
#include "daemon/base/schema.h"
#include "daemon/base/schema_value.h"

#include <ctype.h>
#include <string.h>

/* Text of a roff line: a backslash, and what would be a request at the start of a line, are escaped; a minus
 * stays one. */
static void roff_text(const char *text, struct buf *out)
{
    if (text[0] == '.' || text[0] == '\'')
        buf_text(out, "\\&");
    for (; *text; text++) {
        if (*text == '\\')
            buf_text(out, "\\e");
        else if (*text == '-')
            buf_text(out, "\\-");
        else
            buf_add(out, text, 1);
    }
}

/* A line that begins as a sentence does. */
static void roff_sentence(const char *text, struct buf *out)
{
    char *copy = mem_string(text);
    copy[0] = (char)toupper((unsigned char)copy[0]);
    roff_text(copy, out);
    mem_free(copy);
}

static bool has_words_or_range(const struct setting *row)
{
    return row->words || row->low || row->high || row->check || row->type == SETTING_REF;
}

/* What a value may be; `brief`: without the noun that says what kind of value it is. */
static void add_allowed(const struct setting *row, bool brief, struct buf *out)
{
    struct buf all = {0};
    const char *noun = value_types[row->type].noun;
    if (row->check)
        buf_text(&all, row->check("\x01"));
    else if (row->type == SETTING_REF)
        buf_printf(&all, "a name in %s", row->of);
    else
        value_allowed(row, &all); /* "noun, range" */
    size_t skip = brief && !row->words && strncmp(all.data, noun, strlen(noun)) == 0 ? strlen(noun) : 0;
    buf_text(out, all.data + skip + (skip ? strspn(all.data + skip, ", ") : 0));
    buf_finish(&all);
}

void schema_brief(const struct setting *row, struct buf *out)
{
    const char *comma = "";
    if (has_words_or_range(row)) {
        add_allowed(row, true, out);
        comma = ", ";
    }
    if (row->required)
        buf_printf(out, "%sneeded", comma);
    else if (row->absent)
        buf_printf(out, "%sdefault %s", comma, row->absent);
}

/* "Only with transport rtu tcp." */
static void add_condition(const struct schema *schema, const struct setting *row, struct buf *out)
{
    if (!row->only)
        return;
    buf_printf(out, "Only with %s", schema->selector->key);
    for (const struct word *w = schema->selector->words; w->text; w++)
        if (row->only & 1u << w->value)
            buf_printf(out, " %s", w->text);
    buf_text(out, ".\n");
}

static void add_item(const struct schema *schema, const struct setting *row, struct buf *out)
{
    struct buf text = {0};
    add_allowed(row, false, &text);
    if (row->required)
        buf_text(&text, "; needed");
    else if (row->absent)
        buf_printf(&text, "; default %s", row->absent);
    buf_printf(out, ".TP\n.B %s\n", row->key);
    if (row->meaning) {
        roff_sentence(row->meaning, out);
        buf_text(out, ".\n.br\n");
    }
    buf_text(out, "Allowed: ");
    roff_text(text.data, out);
    buf_text(out, ".\n");
    add_condition(schema, row, out);
    buf_finish(&text);
}

static bool is_block(const struct setting *row)
{
    return row->type == SETTING_MAP || row->type == SETTING_LIST || row->type == SETTING_KEYED;
}

static void add_schema(const struct schema *schema, const char *path, struct buf *out)
{
    for (const struct setting *row = schema->rows; row->key; row++)
        if (row->type != SETTING_KEY && !is_block(row))
            add_item(schema, row, out);
    for (const struct setting *row = schema->rows; row->key; row++) {
        if (!is_block(row))
            continue;
        const char *below = row->type == SETTING_MAP ? "" : row->type == SETTING_KEYED ? ": NAME" : ": \\-";
        char *here = mem_printf("%s%s%s", path, row->key, below);
        buf_printf(out, ".SS %s:\n", here);
        roff_sentence(row->meaning, out);
        buf_text(out, row->required ? "; at least one.\n" : ".\n");
        char *next = mem_printf("%s: ", here);
        add_schema(row->sub, next, out);
        mem_free(next);
        mem_free(here);
    }
}

void schema_reference(const struct schema *schema, struct buf *out)
{
    add_schema(schema, "", out);
}
