#include "daemon/base/schema.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/base/schema_value.h"
#include "daemon/base/utf8.h"
#include "daemon/base/yaml.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct reading {
    const struct yaml_doc *doc;
    struct complaint *why;
};

static int read_map(const struct reading *r, const struct schema *schema, const struct yaml_node *map,
                    const struct yaml_node *key, char *object);

/* --- messages --- */

char *schema_shown(const char *text, char shown[static 72])
{
    size_t length = strlen(text), cut = utf8_cut(text, length, 60);
    snprintf(shown, 72, "\"%.*s%s\"", (int)cut, text, cut < length ? "…" : "");
    return shown;
}

static const char *kind_found(const struct yaml_node *node, char shown[static 72])
{
    if (node->kind != YAML_SCALAR)
        return node->kind == YAML_MAP ? "a map" : "a list";
    if (!node->quoted && (!node->text[0] || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0))
        return "nothing";
    return schema_shown(node->text, shown);
}

/* "found X for KEY (did you mean …?); allowed: …". `names`: what a word could have been meant, or NULL. */
static int refuse(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                  const char *const *names)
{
    char shown[72];
    const char *near = names && node->kind == YAML_SCALAR ? schema_suggest(node->text, names) : NULL;
    const char *rule = row->check && node->kind == YAML_SCALAR ? row->check(node->text) : NULL;
    struct buf allowed = {0};
    if (rule)
        buf_text(&allowed, rule);
    else
        value_allowed(row, &allowed);
    for (; names && row->type == SETTING_REF && *names; names++)
        buf_printf(&allowed, " %s", *names);
    yaml_complain(r->doc, node, r->why, "found %s for %s%s%s%s; allowed: %s",
                  row->secret && node->kind == YAML_SCALAR ? "something else" : kind_found(node, shown),
                  row->key, near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "",
                  allowed.data);
    buf_finish(&allowed);
    return ERR_FORMAT;
}

static bool applies(const struct setting *row, unsigned chosen)
{
    return row->type != SETTING_KEY && (!row->only || row->only & chosen);
}

/* A setting that there is, but not with what the selector says. */
static int refuse_elsewhere(const struct reading *r, const struct schema *schema, const struct setting *row,
                            const struct yaml_node *key, unsigned chosen)
{
    struct buf with = {0};
    const char *is = "";
    for (const struct word *w = schema->selector->words; w->text; w++) {
        if (1u << w->value == chosen)
            is = w->text;
        if (row->only & 1u << w->value)
            buf_printf(&with, " %s", w->text);
    }
    yaml_complain(r->doc, key, r->why, "found %s with %s %s; allowed: only with%s", row->key,
                  schema->selector->key, is, with.data);
    buf_finish(&with);
    return ERR_FORMAT;
}

static int refuse_unknown_keys(const struct reading *r, const struct schema *schema,
                               const struct yaml_node *map, unsigned chosen)
{
    const struct yaml_node *unknown = NULL;
    for (size_t i = 0; i < map->count && !unknown; i++) {
        const struct setting *row = schema->rows;
        while (row->key && (!applies(row, chosen) || strcmp(row->key, map->keys[i].text) != 0))
            row++;
        if (!row->key)
            unknown = &map->keys[i];
    }
    if (!unknown)
        return ERR_OK;
    for (const struct setting *row = schema->rows; schema->selector && row->key; row++)
        if (row->only && strcmp(row->key, unknown->text) == 0)
            return refuse_elsewhere(r, schema, row, unknown, chosen);
    size_t nrows = 0, n = 0;
    while (schema->rows[nrows].key)
        nrows++;
    const char **names = mem_array(nrows + 1, sizeof(*names));
    struct buf list = {0};
    for (size_t i = 0; i < nrows; i++) {
        if (applies(&schema->rows[i], chosen)) {
            names[n++] = schema->rows[i].key;
            buf_printf(&list, " %s", schema->rows[i].key);
        }
    }
    const char *near = schema_suggest(unknown->text, names);
    char shown[72];
    yaml_complain(r->doc, unknown, r->why, "found the unknown key %s in %s%s%s%s; allowed:%s",
                  schema_shown(unknown->text, shown), schema->what, near ? " (did you mean \"" : "",
                  near ? near : "", near ? "\"?)" : "", list.data ? list.data : " none");
    mem_free(names);
    buf_finish(&list);
    return ERR_FORMAT;
}

/* --- values --- */

/* The keys of the map that a SETTING_REF row refers to, as a NULL-ended list (mem_free). */
static const char **reference_names(const struct reading *r, const struct setting *row)
{
    const struct yaml_node *of = yaml_get(yaml_root(r->doc), row->of);
    size_t n = of && of->kind == YAML_MAP ? of->count : 0;
    const char **names = mem_array(n + 1, sizeof(*names));
    for (size_t i = 0; i < n; i++)
        names[i] = of->keys[i].text;
    return names;
}

static int read_reference(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                          char *field)
{
    const char **names = reference_names(r, row);
    size_t i = 0;
    while (node->kind == YAML_SCALAR && names[i] && strcmp(names[i], node->text) != 0)
        i++;
    int error = node->kind == YAML_SCALAR && names[i] ? value_read(row, node->text, field) : ERR_NOT_FOUND;
    if (error)
        error = refuse(r, row, node, names);
    mem_free(names);
    return error;
}

static int read_scalar(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                       char *field)
{
    static const char *const bools[] = {"true", "false", NULL};
    char shown[72];
    if (row->type == SETTING_REF)
        return read_reference(r, row, node, field);
    bool text = node->kind == YAML_SCALAR && strcmp(kind_found(node, shown), "nothing") != 0;
    if (text && !(node->quoted && value_types[row->type].no_quotes) &&
        value_read(row, node->text, field) == 0)
        return ERR_OK;
    if (row->type == SETTING_BOOL || row->type == SETTING_UNIT)
        return refuse(r, row, node, row->type == SETTING_BOOL ? bools : unit_names);
    const char **names = row->words ? word_names(row->words) : NULL;
    int error = refuse(r, row, node, names);
    mem_free(names);
    return error;
}

static int read_title(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                      char *field)
{
    static const struct setting rows[] = {
        {"zh", SETTING_TEXT, 0, sizeof(char *), .required = true, .meaning = "in Chinese"},
        {"en", SETTING_TEXT, sizeof(char *), sizeof(char *), .required = true, .meaning = "in English"},
        {0}};
    static const struct schema title = {.what = "title", .size = 2 * sizeof(char *), .rows = rows};
    return node->kind == YAML_MAP ? read_map(r, &title, node, node, field) : refuse(r, row, node, NULL);
}

static int read_set(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                    char *field)
{
    int64_t set = 0;
    if (node->kind != YAML_LIST)
        return refuse(r, row, node, NULL);
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->items[i];
        const struct word *w = item->kind == YAML_SCALAR ? word_find(row->words, item->text) : NULL;
        if (!w) {
            const char **names = word_names(row->words);
            int error = refuse(r, row, item, names);
            mem_free(names);
            return error;
        }
        set |= w->value;
    }
    return field_set_int(row, field, set);
}

static void set_count(const struct setting *row, char *object, size_t n)
{
    int count = (int)n;
    memcpy(object + row->count, &count, sizeof(count));
}

static int read_texts(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                      char *object)
{
    if (node->kind != YAML_LIST)
        return refuse(r, row, node, NULL);
    char **texts = mem_array(node->count, sizeof(*texts));
    memcpy(object + row->offset, &texts, sizeof(texts));
    set_count(row, object, node->count);
    struct setting one = *row;
    one.type = SETTING_TEXT;
    int error = ERR_OK;
    for (size_t i = 0; i < node->count && !error; i++)
        error = read_scalar(r, &one, &node->items[i], (char *)&texts[i]);
    return error;
}

static int read_raws(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                     char *object)
{
    if (node->kind != YAML_LIST)
        return refuse(r, row, node, NULL);
    size_t room = row->size / sizeof(uint64_t);
    if (node->count > room)
        return yaml_complain(r->doc, node, r->why, "found %zu values for %s; allowed: at most %zu",
                             node->count, row->key, room);
    set_count(row, object, node->count);
    struct setting one = *row;
    one.type = SETTING_ADDRESS;
    one.size = sizeof(uint64_t);
    int error = ERR_OK;
    for (size_t i = 0; i < node->count && !error; i++)
        error = read_scalar(r, &one, &node->items[i], object + row->offset + i * sizeof(uint64_t));
    return error;
}

static int read_entries(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                        char *object)
{
    bool keyed = row->type == SETTING_KEYED;
    if (node->kind != (keyed ? YAML_MAP : YAML_LIST))
        return refuse(r, row, node, NULL);
    if (!node->count && row->required)
        return yaml_complain(r->doc, node, r->why, "found no entry in %s; allowed: at least one %s", row->key,
                             row->sub->what);
    char *entries = mem_array(node->count, row->sub->size);
    memcpy(object + row->offset, &entries, sizeof(entries));
    set_count(row, object, node->count);
    int error = ERR_OK;
    for (size_t i = 0; i < node->count && !error; i++)
        error = read_map(r, row->sub, &node->items[i], keyed ? &node->keys[i] : &node->items[i],
                         entries + i * row->sub->size);
    return error;
}

static int read_setting(const struct reading *r, const struct setting *row, const struct yaml_node *node,
                        const struct yaml_node *key, char *object)
{
    char *field = object + row->offset;
    switch (row->type) {
    case SETTING_TITLE: return read_title(r, row, node, field);
    case SETTING_SET: return read_set(r, row, node, field);
    case SETTING_TEXTS: return read_texts(r, row, node, object);
    case SETTING_RAWS: return read_raws(r, row, node, object);
    case SETTING_MAP: return read_map(r, row->sub, node, key, field);
    case SETTING_LIST:
    case SETTING_KEYED: return read_entries(r, row, node, object);
    default: return read_scalar(r, row, node, field);
    }
}

/* --- maps --- */

/* The default of a set: words with blanks between. */
static void set_default(const struct setting *row, void *field)
{
    int64_t value = 0;
    for (const struct word *w = row->words; w->text; w++) {
        size_t length = strlen(w->text);
        for (const char *at = strstr(row->absent, w->text); at; at = strstr(at + 1, w->text))
            if ((at == row->absent || at[-1] == ' ') && (!at[length] || at[length] == ' '))
                value |= w->value;
    }
    field_set_int(row, field, value);
}

static int read_absent(const struct reading *r, const struct schema *schema, const struct setting *row,
                       const struct yaml_node *at, char *object)
{
    if (row->required)
        return yaml_complain(r->doc, at, r->why, "found no %s in %s; allowed: only with %s, %s", row->key,
                             schema->what, row->key, row->meaning);
    if (row->type == SETTING_MAP) {
        struct yaml_node empty = {.kind = YAML_MAP, .line = at->line, .column = at->column};
        return read_map(r, row->sub, &empty, &empty, object + row->offset);
    }
    if (!row->absent) {
        value_blank(row, object + row->offset);
        return ERR_OK;
    }
    if (row->type == SETTING_SET) {
        set_default(row, object + row->offset);
        return ERR_OK;
    }
    int error = value_read(row, row->absent, object + row->offset);
    assert(!error && "a default of a schema table that its own row refuses");
    return error;
}

static int read_rows(const struct reading *r, const struct schema *schema, const struct yaml_node *map,
                     const struct yaml_node *key, unsigned chosen, char *object)
{
    int error = ERR_OK;
    for (const struct setting *row = schema->rows; row->key && !error; row++) {
        const struct yaml_node *node = yaml_get(map, row->key);
        if (row->type == SETTING_KEY)
            error = read_scalar(r, row, key, object + row->offset);
        else if (row == schema->selector)
            continue;
        else if (!applies(row, chosen))
            value_blank(row, object + row->offset);
        else if (node)
            error = read_setting(r, row, node, node, object);
        else
            error = read_absent(r, schema, row, key, object);
    }
    return error;
}

/* `key` is where messages about the whole map point to, and what a SETTING_KEY row takes. */
static int read_map(const struct reading *r, const struct schema *schema, const struct yaml_node *map,
                    const struct yaml_node *key, char *object)
{
    char shown[72];
    if (map->kind != YAML_MAP)
        return yaml_complain(r->doc, map, r->why,
                             "found %s for the %s; allowed: a map, \"key: value\" in each line",
                             kind_found(map, shown), schema->what);
    unsigned chosen = ~0u;
    const struct setting *selector = schema->selector;
    if (selector) {
        const struct yaml_node *node = yaml_get(map, selector->key);
        char *field = object + selector->offset;
        int error =
            node ? read_scalar(r, selector, node, field) : read_absent(r, schema, selector, key, object);
        if (error)
            return error;
        chosen = 1u << field_int(selector, field);
    }
    int error = refuse_unknown_keys(r, schema, map, chosen);
    if (!error)
        error = read_rows(r, schema, map, key, chosen, object);
    if (!error && schema->check)
        error = schema->check(r->doc, map, object, r->why);
    return error;
}

int schema_read(const struct schema *schema, const struct yaml_doc *doc, const struct yaml_node *map,
                void *object, struct complaint *why)
{
    struct reading r = {doc, why};
    memset(object, 0, schema->size);
    int error = read_map(&r, schema, map, map, object);
    if (error)
        schema_finish(schema, object);
    return error;
}

int schema_load(const struct schema *schema, const char *file, void *object, struct yaml_doc **doc,
                struct complaint *why)
{
    struct yaml_doc *loaded = NULL;
    int error = yaml_load(file, &loaded, why);
    if (!error)
        error = schema_read(schema, loaded, yaml_root(loaded), object, why);
    if (!error && doc)
        *doc = loaded;
    else
        yaml_close(loaded);
    return error;
}

/* --- the end --- */

static void finish_entries(const struct setting *row, char *object, int count)
{
    char *entries;
    memcpy(&entries, object + row->offset, sizeof(entries));
    for (int i = 0; i < count; i++) {
        if (row->type == SETTING_TEXTS)
            mem_free(((char **)(void *)entries)[i]);
        else
            schema_finish(row->sub, entries + (size_t)i * row->sub->size);
    }
    mem_free(entries);
}

void schema_finish(const struct schema *schema, void *object)
{
    for (const struct setting *row = schema->rows; row->key; row++) {
        char *text[2] = {NULL, NULL};
        int count = 0;
        if (row->count)
            memcpy(&count, (char *)object + row->count, sizeof(count));
        if (row->type == SETTING_MAP)
            schema_finish(row->sub, (char *)object + row->offset);
        else if (row->type == SETTING_LIST || row->type == SETTING_KEYED || row->type == SETTING_TEXTS)
            finish_entries(row, object, count);
        else if (row->type == SETTING_TITLE)
            memcpy(text, (char *)object + row->offset, sizeof(text));
        else if (value_types[row->type].owned)
            memcpy(&text[0], (char *)object + row->offset, sizeof(text[0]));
        mem_free(text[0]);
        mem_free(text[1]);
    }
    memset(object, 0, schema->size);
}
