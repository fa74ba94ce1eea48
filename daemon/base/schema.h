/* YAML into structs by a table: a setting is one row (key, type, field, range, default, unit, meaning). The
 * same table reads, checks, prints, documents and frees; nothing else in the code mentions a setting's text.
 * Refused, with file:line:column, what was found and what is allowed: an unknown key (with a suggestion), a
 * missing one, a wrong type, a value out of range, a reference to nothing. Main thread.
 *
 *     static const struct setting unit_rows[] = {
 *         {"name", SETTING_KEY, FIELD(struct unit, name), .meaning = "name of the unit"},
 *         {"unit_id", SETTING_INT, FIELD(struct unit, id), .low = "1", .high = "247", .required = true,
 *          .meaning = "Modbus address"},
 *         {0}};
 *     static const struct schema unit_schema = {.what = "unit", .size = sizeof(struct unit), .rows =
 * unit_rows}; …  {"units", SETTING_KEYED, FIELD(struct site, units), COUNT(struct site, nunits), .sub =
 * &unit_schema},
 */
#ifndef DUST_SCHEMA_H
#define DUST_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct complaint;
struct yaml_doc;
struct yaml_node;

enum setting_type {
    SETTING_TEXT,     /* const char *: any scalar but null; `high` most bytes (default 2000) */
    SETTING_NAME,     /* const char *: [a-z0-9][a-z0-9_-]*, at most 31 characters */
    SETTING_KEY,      /* the same, taken from the key of the SETTING_KEYED map this struct is in */
    SETTING_REF,      /* const char *: one of the keys of the root's map `of` */
    SETTING_TITLE,    /* two adjacent const char *: {zh: …, en: …}, both needed */
    SETTING_BOOL,     /* bool */
    SETTING_INT,      /* signed or unsigned integer of any size: decimal */
    SETTING_ADDRESS,  /* the same, not negative: decimal or 0x hexadecimal; printed decimal */
    SETTING_NUMBER,   /* double; NaN when absent without default */
    SETTING_QUANTITY, /* double in `unit`, written with a unit that fits: "250 ug/m3" */
    SETTING_DURATION, /* integer, milliseconds (or `per` ms): "30s" */
    SETTING_SIZE,     /* integer, bytes: "500 MB" */
    SETTING_UNIT,     /* const char *: canonical name, static, not owned */
    SETTING_WORD,     /* const char *: a word of `words`, static, not owned */
    SETTING_CHOICE,   /* integer: a word of `words` */
    SETTING_SET,      /* integer: list of words of `words`, or-ed */
    SETTING_TEXTS,    /* const char ** and count: list of texts */
    SETTING_RAWS,     /* uint64_t array in the struct and count: list of decimal or 0x values */
    SETTING_MAP,      /* struct in the struct, by `sub`; absent is the same as {}. A mere group of settings:
                         offset 0, and the sub's rows count from the same struct, its size is 0 */
    SETTING_LIST,     /* pointer to structs and count, by `sub` */
    SETTING_KEYED,    /* the same as a map: the key fills the sub's SETTING_KEY */
    SETTING__COUNT
};

/* A table of words ends with {0}. */
struct word {
    const char *text;
    long value;
};

struct schema;
struct setting {
    const char *key; /* NULL ends the table */
    enum setting_type type;
    size_t offset, size;    /* FIELD */
    size_t count;           /* COUNT: offset of the int that counts */
    bool secret;            /* messages do not repeat what was found: people type passwords there */
    bool required;          /* a list: at least one entry */
    const char *absent;     /* default, as it would be written; NULL: "", NaN, 0, false, no entry */
    const char *low, *high; /* legal range, as it would be written; NULL: no such end */
    const char *unit;       /* of a quantity; else for the message only */
    const char *meaning;    /* one line */
    const struct word *words;
    const char *of;           /* SETTING_REF: key in the root whose keys are meant */
    const struct schema *sub; /* map, list, keyed */
    int per;                  /* SETTING_DURATION: stored in units of this many ms; 0: 1 */
    unsigned only;            /* applies only to these values of the selector: bit 1 << value; 0: all */
    const char *(*check)(const char *text); /* of a scalar: NULL if fine, else what is allowed;
                                               a control character never is */
};

struct schema {
    const char *what; /* "device", for messages */
    size_t size;      /* of the struct */
    const struct setting *rows;
    const struct setting *selector; /* a SETTING_CHOICE row for `only`; read first; NULL: none */
    /* What no row can say, once all rows are read; yaml_complain about yaml_get(map, key). NULL: nothing. */
    int (*check)(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                 struct complaint *why);
};

#define FIELD(type, member) .offset = offsetof(type, member), .size = sizeof(((type *)0)->member)
#define COUNT(type, member) .count = offsetof(type, member)

/* Reads `map` into `object` (schema->size bytes, overwritten). ERR_FORMAT with `why`: `object` is then all
 * zero. */
int schema_read(const struct schema *schema, const struct yaml_doc *doc, const struct yaml_node *map,
                void *object, struct complaint *why);

/* yaml_load and schema_read of the root. `doc` (or NULL when not wanted) becomes the caller's. */
int schema_load(const struct schema *schema, const char *file, void *object, struct yaml_doc **doc,
                struct complaint *why);

/* Appends `object` as YAML that reads to the same, `indent` spaces in; absent values are left out. */
void schema_print(const struct schema *schema, const void *object, int indent, struct buf *out);

/* Appends what is allowed and the default as one phrase, for the comment of an example: "100ms to 60s,
 * default 1s"; nothing for a plain text without default. */
void schema_brief(const struct setting *row, struct buf *out);

/* Appends the table as the reference of a manual page, man(7): an item a setting, a subsection a map. */
void schema_reference(const struct schema *schema, struct buf *out);

/* Frees what the object's fields own (not the object) and zeroes it. */
void schema_finish(const struct schema *schema, void *object);

/* The entry of `names` (NULL-ended) nearest to `found`, NULL when none is near: for "did you mean". Capitals
 * are as good as small letters. */
const char *schema_suggest(const char *found, const char *const *names);

/* A text in quotes for a message, cut to at most 60 bytes; returns `shown`. */
char *schema_shown(const char *text, char shown[static 72]);

#endif
