/* Where rows and samples come from: the running daemon, or a copy of a database (--db). */
#ifndef DUST_SOURCE_H
#define DUST_SOURCE_H

#include "daemon/base/sign.h"
#include "daemon/store/journal.h"

#include <jansson.h>

struct ctl;
struct source;

struct span {
    const char *kind;       /* of rows; "" any */
    int64_t after;          /* seq > after */
    int64_t from_ms, to_ms; /* from_ms <= at < to_ms; INT64_MIN, INT64_MAX: open */
};

struct source_about {
    struct journal head; /* when it was opened */
    json_t *site;        /* of the status, or of the last settings row; NULL: not told */
    int64_t now_ms;      /* site time; of the last row in a database */
    bool simulated;
    char key[2 * SIGN_KEY_SIZE + 1]; /* the gateway's public key, hex digits; "" not known */
    char fingerprint[FINGERPRINT_SIZE];
};

/* Asks the daemon, or copies the database. Complains itself. */
int source_open(struct ctl *c, struct source **out);
const struct source_about *source_about(const struct source *s);

/* Each row, in the order of seq. `each` ends it early by not returning ERR_OK, which is returned; else
 * ERR_OK, or after a complaint why it broke off. */
typedef int (*source_row)(const struct row *row, void *arg);
int source_rows(struct source *s, const struct span *span, source_row each, void *arg);

/* The same as JSON lines (row_line); from a daemon its own, as they are. */
typedef int (*source_line)(const char *line, void *arg);
int source_row_lines(struct source *s, const struct span *span, source_line each, void *arg);

/* Each raw sample as its JSON line; from a database also the running minute's. */
int source_samples(struct source *s, const struct span *span, source_line each, void *arg);

/* Each raw block; ERR_STATE from a daemon, which does not hand them out. */
typedef int (*source_block)(int64_t seq, const void *data, size_t length, void *arg);
int source_blocks(struct source *s, const struct span *span, source_block each, void *arg);

/* NULL ok. */
void source_close(struct source *s);

/* Puts --from and --to into the span, where they were given. EXIT_OK, or EXIT_USAGE after a complaint. */
int source_range(const struct ctl *c, const struct source *s, struct span *span);

#endif
