/* Which issues somebody wants to see. Pure. */
#ifndef DUST_FILTER_H
#define DUST_FILTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct issue;

struct issue_filter {
    bool open;           /* neither closed nor dismissed */
    const char *state;   /* each NULL: any */
    const char *kind;    /* "limit" */
    const char *subject; /* the limit, requirement, category or device */
    const char *person;  /* who is responsible */
    const char *light;   /* "red": of those that are open */
    const char *level;   /* "critical" */
    const char *text;    /* in the number, the title, the subject, the place; capitals do not matter */
    int64_t due_ms;      /* open, and to be rectified by then; 0: any */
};

/* Reads the members of these names ("due" for due_ms). Strings live as long as `object`. ERR_FORMAT with
 * `why`: a word that no issue can have, and which ones there are. */
int filter_read(const json_t *object, struct issue_filter *f, char *why, size_t why_size);

/* Whether the issue is one of these as it stands at `now_ms` (its light and what is due change with time). */
bool filter_takes(const struct issue_filter *f, const struct issue *i, int64_t now_ms);

#endif
