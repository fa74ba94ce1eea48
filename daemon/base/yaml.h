/* A YAML file as a tree that remembers where everything stood. Every scalar stays a string until a strict
 * parser that knows units has read it (scalar.h). Refused: anchors, aliases, tags, several documents, a key
 * twice, more than 256 KiB, nesting deeper than 16, more than 32 '[' or '{' in a line, NUL bytes, invalid
 * UTF-8. Main thread. */
#ifndef DUST_YAML_H
#define DUST_YAML_H

#include <stdbool.h>
#include <stddef.h>

/* The one message about bad input: "file:line:column: what was found; what is allowed". */
struct complaint {
    char text[1024]; /* ends with " …" when it was longer */
};

enum yaml_kind { YAML_SCALAR, YAML_MAP, YAML_LIST };

struct yaml_node {
    enum yaml_kind kind;
    bool quoted;             /* a scalar in quotes: text, whatever it looks like */
    const char *text;        /* scalar */
    struct yaml_node *keys;  /* map: `count` scalars */
    struct yaml_node *items; /* map: the values; list: the items */
    size_t count;
    int line, column; /* from 1 */
};

struct yaml_doc;

/* ERR_IO (cannot be read) or ERR_FORMAT with `why` filled. An empty file is an empty map. */
int yaml_load(const char *file, struct yaml_doc **doc, struct complaint *why);

/* The same from memory; `name` stands for the file in messages. */
int yaml_parse(const char *name, const char *text, size_t length, struct yaml_doc **doc,
               struct complaint *why);

/* The document's first node, and the name it was read by; both live as long as the document. */
const struct yaml_node *yaml_root(const struct yaml_doc *doc);
const char *yaml_file(const struct yaml_doc *doc);

/* The value of a key, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* Fills `why` with file:line:column of `at` and the printed text; returns ERR_FORMAT. */
int yaml_complain(const struct yaml_doc *doc, const struct yaml_node *at, struct complaint *why,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Accepts NULL. Strings of the tree die with it. (Not yaml_free: libyaml exports that name for its own use.)
 */
void yaml_close(struct yaml_doc *doc);

#endif
