#include "daemon/base/yaml.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

enum { BYTES_MAX = 256 * 1024, DEPTH_MAX = 16, BRACKETS_MAX = 32 };

struct yaml_doc {
    char *file;
    struct yaml_node root;
};

/* What the recursion carries along. */
struct build {
    yaml_parser_t parser;
    struct yaml_doc *doc;
    struct complaint *why;
};

/* Ends a text that did not fit with a whole word and "…"; without blanks with a whole character. */
static void cut_short(char *text, size_t room)
{
    static const char more[] = " …";
    size_t end = utf8_cut(text, room - 1, room - sizeof more), word = end;
    while (word > end / 2 && text[word] != ' ')
        word--;
    end = text[word] == ' ' ? word : end;
    memcpy(text + end, more, sizeof more);
}

int yaml_complain(const struct yaml_doc *doc, const struct yaml_node *at, struct complaint *why,
                  const char *format, ...)
{
    size_t room = sizeof(why->text);
    int length = snprintf(why->text, room, "%s:%d:%d: ", doc->file, at->line, at->column);
    if (length > 0 && (size_t)length < room) {
        va_list ap;
        va_start(ap, format);
        length += vsnprintf(why->text + length, room - (size_t)length, format, ap);
        va_end(ap);
    }
    if (length > 0 && (size_t)length >= room)
        cut_short(why->text, room);
    for (char *p = why->text; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            *p = '?';
    return ERR_FORMAT;
}

/* --- before libyaml sees it: what its parser would be slow or lenient about --- */

static int check_character(struct yaml_doc *doc, const char *text, size_t length, const struct yaml_node *at,
                           size_t *size, struct complaint *why)
{
    uint32_t code;
    *size = utf8_next(text, length, &code);
    if (!*size)
        return yaml_complain(doc, at, why, "found the byte 0x%02X, not UTF-8; allowed: UTF-8 text",
                             (unsigned char)*text);
    if (code == '\r' && length > 1 && text[1] == '\n')
        return ERR_OK;
    if (!utf8_printable(code))
        return yaml_complain(doc, at, why, "found the control character U+%04X; allowed: printable text",
                             (unsigned)code);
    return ERR_OK;
}

static int check_text(struct yaml_doc *doc, const char *text, size_t length, struct complaint *why)
{
    struct yaml_node at = {.line = 1, .column = 1};
    if (length > BYTES_MAX)
        return yaml_complain(doc, &at, why, "found more than 256 KiB; allowed: at most %d bytes", BYTES_MAX);
    int brackets = 0;
    for (size_t i = 0, size; i < length; i += size) {
        int error = check_character(doc, text + i, length - i, &at, &size, why);
        if (error)
            return error;
        if (text[i] == '[' || text[i] == '{')
            brackets++;
        if (brackets > BRACKETS_MAX)
            return yaml_complain(doc, &at, why, "found more than %d '[' or '{' in a line; allowed: %d",
                                 BRACKETS_MAX, BRACKETS_MAX);
        at.column++;
        if (text[i] == '\n') {
            at.line++;
            at.column = 1;
            brackets = 0;
        }
    }
    return ERR_OK;
}

/* --- events to tree --- */

static void set_place(struct yaml_node *node, yaml_mark_t mark)
{
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
}

static int next_event(struct build *b, yaml_event_t *event)
{
    if (yaml_parser_parse(&b->parser, event))
        return ERR_OK;
    if (b->parser.error == YAML_MEMORY_ERROR)
        mem_exhausted(); /* nothing is wrong with the text */
    struct yaml_node at;
    set_place(&at, b->parser.problem_mark);
    const char *problem = b->parser.problem, *context = b->parser.context;
    return yaml_complain(b->doc, &at, b->why,
                         "found bad YAML (%s%s%s); allowed: maps, lists and values, indented with spaces",
                         problem ? problem : "no reason given", context ? " " : "", context ? context : "");
}

static int refuse_extras(struct build *b, const struct yaml_node *at, const yaml_char_t *anchor,
                         const yaml_char_t *tag)
{
    if (anchor)
        return yaml_complain(b->doc, at, b->why, "found an anchor (&); allowed: plain values only");
    if (tag)
        return yaml_complain(b->doc, at, b->why, "found a tag (!); allowed: plain values only");
    return ERR_OK;
}

static int build_scalar(struct build *b, const yaml_event_t *event, struct yaml_node *node)
{
    int error = refuse_extras(b, node, event->data.scalar.anchor, event->data.scalar.tag);
    if (error)
        return error;
    node->kind = YAML_SCALAR;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    const char *text = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    node->text = mem_string_n(text, length);
    for (size_t i = 0, size; i < length && !error; i += size) /* escapes can make anything */
        error = check_character(b->doc, text + i, length - i, node, &size, b->why);
    return error;
}

static int build_node(struct build *b, const yaml_event_t *event, struct yaml_node *node, int depth);

/* One more entry, zeroed, at the end of a map or list whose arrays hold a power of two. */
static void add_entry(struct yaml_node *node)
{
    size_t n = node->count;
    if (!(n & (n - 1))) {
        size_t room = n ? 2 * n : 1;
        node->items = mem_resize(node->items, room, sizeof(*node->items));
        memset(node->items + n, 0, (room - n) * sizeof(*node->items));
        if (node->kind == YAML_MAP) {
            node->keys = mem_resize(node->keys, room, sizeof(*node->keys));
            memset(node->keys + n, 0, (room - n) * sizeof(*node->keys));
        }
    }
    node->count = n + 1;
}

static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *x = *(const struct yaml_node *const *)a, *y = *(const struct yaml_node *const *)b;
    int order = strcmp(x->text, y->text);
    if (order)
        return order;
    return x->line != y->line ? (x->line > y->line) - (x->line < y->line)
                              : (x->column > y->column) - (x->column < y->column);
}

static int refuse_double_keys(struct build *b, const struct yaml_node *map)
{
    const struct yaml_node **sorted = mem_array(map->count, sizeof(*sorted)), *first = NULL, *again = NULL;
    for (size_t i = 0; i < map->count; i++)
        sorted[i] = &map->keys[i];
    qsort(sorted, map->count, sizeof(*sorted), compare_keys);
    for (size_t i = 1; i < map->count; i++) {
        if (strcmp(sorted[i]->text, sorted[i - 1]->text) == 0 && (!again || sorted[i] < again)) {
            first = sorted[i - 1];
            again = sorted[i];
        }
    }
    mem_free(sorted);
    if (!again)
        return ERR_OK;
    return yaml_complain(b->doc, again, b->why,
                         "found the key \"%.*s\" twice (first in line %d); allowed: once",
                         (int)utf8_cut(again->text, strlen(again->text), 60), again->text, first->line);
}

static int build_key(struct build *b, const yaml_event_t *event, struct yaml_node *key)
{
    set_place(key, event->start_mark);
    if (event->type == YAML_ALIAS_EVENT)
        return yaml_complain(b->doc, key, b->why, "found an alias (*); allowed: plain values only");
    if (event->type != YAML_SCALAR_EVENT)
        return yaml_complain(b->doc, key, b->why, "found a map or list as a key; allowed: a name");
    int error = build_scalar(b, event, key);
    if (!error && !key->text[0])
        return yaml_complain(b->doc, key, b->why, "found an empty key; allowed: a name");
    return error;
}

static int build_children(struct build *b, struct yaml_node *node, yaml_event_type_t end, int depth)
{
    if (depth >= DEPTH_MAX)
        return yaml_complain(b->doc, node, b->why, "found nesting deeper than %d; allowed: %d", DEPTH_MAX,
                             DEPTH_MAX);
    for (;;) {
        yaml_event_t event;
        int error = next_event(b, &event);
        if (error)
            return error;
        bool done = event.type == end;
        if (!done) {
            add_entry(node);
            struct yaml_node *item = &node->items[node->count - 1];
            if (node->kind == YAML_MAP) {
                error = build_key(b, &event, &node->keys[node->count - 1]);
                yaml_event_delete(&event);
                if (!error)
                    error = next_event(b, &event);
                if (error)
                    return error;
            }
            error = build_node(b, &event, item, depth + 1);
        }
        yaml_event_delete(&event);
        if (error || done)
            return error;
    }
}

static int build_node(struct build *b, const yaml_event_t *event, struct yaml_node *node, int depth)
{
    set_place(node, event->start_mark);
    int error;
    switch (event->type) {
    case YAML_SCALAR_EVENT: return build_scalar(b, event, node);
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAML_LIST;
        error = refuse_extras(b, node, event->data.sequence_start.anchor, event->data.sequence_start.tag);
        return error ? error : build_children(b, node, YAML_SEQUENCE_END_EVENT, depth);
    case YAML_MAPPING_START_EVENT:
        node->kind = YAML_MAP;
        error = refuse_extras(b, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        if (!error)
            error = build_children(b, node, YAML_MAPPING_END_EVENT, depth);
        return error ? error : refuse_double_keys(b, node);
    default: return yaml_complain(b->doc, node, b->why, "found an alias (*); allowed: plain values only");
    }
}

/* Where the document starts: `found` is false for an empty file. */
static int start_document(struct build *b, bool *found)
{
    yaml_event_t event;
    int error = next_event(b, &event); /* stream start */
    if (error)
        return error;
    yaml_event_delete(&event);
    error = next_event(b, &event);
    if (error)
        return error;
    struct yaml_node at;
    set_place(&at, event.start_mark);
    *found = event.type == YAML_DOCUMENT_START_EVENT;
    if (*found &&
        (event.data.document_start.version_directive ||
         event.data.document_start.tag_directives.start != event.data.document_start.tag_directives.end))
        error = yaml_complain(b->doc, &at, b->why, "found a directive (%%); allowed: none");
    yaml_event_delete(&event);
    return error;
}

static int end_document(struct build *b)
{
    for (;;) {
        yaml_event_t event;
        int error = next_event(b, &event);
        if (error)
            return error;
        bool done = event.type == YAML_STREAM_END_EVENT;
        struct yaml_node at;
        set_place(&at, event.start_mark);
        if (event.type == YAML_DOCUMENT_START_EVENT)
            error = yaml_complain(b->doc, &at, b->why, "found a second document; allowed: one in a file");
        yaml_event_delete(&event);
        if (error || done)
            return error;
    }
}

static int build_root(struct build *b)
{
    struct yaml_node *root = &b->doc->root;
    *root = (struct yaml_node){.kind = YAML_MAP, .line = 1, .column = 1};
    bool found;
    int error = start_document(b, &found);
    if (error || !found)
        return error;
    yaml_event_t event;
    error = next_event(b, &event);
    if (error)
        return error;
    error = build_node(b, &event, root, 0);
    yaml_event_delete(&event);
    if (!error && root->kind == YAML_SCALAR && !root->quoted && !root->text[0])
        root->kind = YAML_MAP; /* "---" and nothing else */
    return error ? error : end_document(b);
}

int yaml_parse(const char *name, const char *text, size_t length, struct yaml_doc **doc,
               struct complaint *why)
{
    struct build b = {.doc = mem_new(struct yaml_doc), .why = why};
    b.doc->file = mem_string(name);
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) { /* what Windows editors put in front */
        text += 3;
        length -= 3;
    }
    int error = check_text(b.doc, text, length, why);
    if (!error) {
        if (!yaml_parser_initialize(&b.parser))
            mem_exhausted();
        yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
        yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, length);
        error = build_root(&b);
        yaml_parser_delete(&b.parser);
    }
    if (error) {
        yaml_close(b.doc);
        return error;
    }
    *doc = b.doc;
    return ERR_OK;
}

int yaml_load(const char *file, struct yaml_doc **doc, struct complaint *why)
{
    struct buf text = {0};
    char part[4096];
    FILE *f = fopen(file, "re");
    if (!f && errno == ENOMEM)
        mem_exhausted();
    size_t n;
    while (f && text.length <= BYTES_MAX && (n = fread(part, 1, sizeof(part), f)) > 0)
        buf_add(&text, part, n);
    int error;
    if (!f || ferror(f)) {
        snprintf(why->text, sizeof(why->text), "%s:1:1: cannot be read: %s; allowed: a readable file", file,
                 strerror(errno));
        error = ERR_IO;
    } else {
        error = yaml_parse(file, text.data ? text.data : "", text.length, doc, why);
    }
    if (f)
        fclose(f);
    buf_finish(&text);
    return error;
}

const struct yaml_node *yaml_root(const struct yaml_doc *doc)
{
    return &doc->root;
}

const char *yaml_file(const struct yaml_doc *doc)
{
    return doc->file;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i].text, key) == 0)
            return &map->items[i];
    return NULL;
}

static void free_node(struct yaml_node *node)
{
    mem_free((char *)node->text);
    for (size_t i = 0; i < node->count; i++) {
        if (node->keys)
            free_node(&node->keys[i]);
        free_node(&node->items[i]);
    }
    mem_free(node->keys);
    mem_free(node->items);
}

void yaml_close(struct yaml_doc *doc)
{
    if (!doc)
        return;
    free_node(&doc->root);
    mem_free(doc->file);
    mem_free(doc);
}
