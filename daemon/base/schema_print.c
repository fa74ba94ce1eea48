#include "daemon/base/buf.h"
#include "daemon/base/mem.h"
#include "daemon/base/schema.h"
#include "daemon/base/schema_value.h"

#include <inttypes.h>
#include <string.h>

static void print_title(const void *field, struct buf *out)
{
    const char *text[2];
    memcpy(text, field, sizeof(text));
    buf_text(out, "{zh: ");
    print_text(text[0], out);
    buf_text(out, ", en: ");
    print_text(text[1], out);
    buf_text(out, "}");
}

static void print_set(const struct setting *row, const void *field, struct buf *out)
{
    int64_t set = field_int(row, field);
    const char *comma = "";
    buf_text(out, "[");
    for (const struct word *w = row->words; w->text; w++) {
        if (set & w->value) {
            buf_printf(out, "%s%s", comma, w->text);
            comma = ", ";
        }
    }
    buf_text(out, "]");
}

static void print_texts(const void *field, int count, struct buf *out)
{
    const char *const *texts;
    memcpy(&texts, field, sizeof(texts));
    for (int i = 0; i < count; i++) {
        buf_text(out, i ? ", " : "[");
        print_text(texts[i], out);
    }
    buf_text(out, "]");
}

static void print_raws(const void *field, int count, struct buf *out)
{
    for (int i = 0; i < count; i++) {
        uint64_t raw;
        memcpy(&raw, (const char *)field + (size_t)i * sizeof(raw), sizeof(raw));
        buf_printf(out, "%s%" PRIu64, i ? ", " : "[", raw);
    }
    buf_text(out, "]");
}

/* A block of rows below "key:" or "- "; "{}" when all its values are absent ones. */
static void print_block(const struct schema *schema, const void *object, int indent, const char *before,
                        struct buf *out)
{
    struct buf block = {0};
    schema_print(schema, object, indent, &block);
    bool item = before[0] == '-'; /* its first row stands in the line of the dash */
    if (!block.length)
        buf_printf(out, "%s {}\n", before);
    else if (item)
        buf_printf(out, "%s %s", before, block.data + indent);
    else
        buf_printf(out, "%s\n%s", before, block.data);
    buf_finish(&block);
}

static void print_entries(const struct setting *row, const char *field, int count, int indent,
                          struct buf *out)
{
    const struct schema *sub = row->sub;
    const char *entries;
    memcpy(&entries, field, sizeof(entries));
    buf_printf(out, "%*s%s:\n", indent, "", row->key);
    for (int i = 0; i < count; i++) {
        const char *entry = entries + (size_t)i * sub->size;
        buf_printf(out, "%*s", indent + 2, "");
        if (row->type == SETTING_LIST) {
            print_block(sub, entry, indent + 4, "-", out);
            continue;
        }
        const char *name = "";
        for (const struct setting *key = sub->rows; key->key; key++)
            if (key->type == SETTING_KEY)
                memcpy(&name, entry + key->offset, sizeof(name));
        char *head = mem_printf("%s:", name);
        print_block(sub, entry, indent + 4, head, out);
        mem_free(head);
    }
}

static void print_row(const struct setting *row, const char *object, int indent, struct buf *out)
{
    const char *field = object + row->offset;
    int count = 0;
    if (row->count)
        memcpy(&count, object + row->count, sizeof(count));
    bool many = row->type == SETTING_TEXTS || row->type == SETTING_RAWS || row->type == SETTING_LIST ||
                row->type == SETTING_KEYED;
    if (many ? !count : !row->absent && !row->required && value_is_blank(row, field))
        return;
    if (row->type == SETTING_LIST || row->type == SETTING_KEYED) {
        print_entries(row, field, count, indent, out);
        return;
    }
    buf_printf(out, "%*s%s:", indent, "", row->key);
    if (row->type == SETTING_MAP) {
        print_block(row->sub, field, indent + 2, "", out);
        return;
    }
    buf_text(out, " ");
    switch (row->type) {
    case SETTING_TITLE: print_title(field, out); break;
    case SETTING_SET: print_set(row, field, out); break;
    case SETTING_TEXTS: print_texts(field, count, out); break;
    case SETTING_RAWS: print_raws(field, count, out); break;
    default: value_types[row->type].print(row, field, out);
    }
    buf_text(out, "\n");
}

void schema_print(const struct schema *schema, const void *object, int indent, struct buf *out)
{
    unsigned chosen = ~0u;
    if (schema->selector)
        chosen = 1u << field_int(schema->selector, (const char *)object + schema->selector->offset);
    for (const struct setting *row = schema->rows; row->key; row++)
        if (row->type != SETTING_KEY && (!row->only || row->only & chosen))
            print_row(row, object, indent, out);
}
