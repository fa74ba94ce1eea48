/* Walks the journal's hash chain, checks its signed heads, and compares it with heads that somebody else
 * noted down. Pure. */
#ifndef DUST_CHAIN_H
#define DUST_CHAIN_H

#include "daemon/store/journal.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* A head noted elsewhere: row `seq` of journal `journal` had this hash. */
struct noted {
    char journal[JOURNAL_ID_SIZE];
    int64_t seq;
    uint8_t hash[HASH_SIZE];
    int line; /* of its file */
};

struct noted_list {
    struct noted *items; /* sorted by seq once read */
    int count, room;
};

/* Reads JSON lines with "journal", "seq" and "hash" (or "head_seq" and "head_hash"); other members are
 * ignored, empty lines too. ERR_FORMAT with the bad line's number in `bad_line`. */
int noted_read(FILE *in, struct noted_list *list, int *bad_line);
void noted_finish(struct noted_list *list);

enum { CHAIN_WHY_SIZE = 160 };

struct chain {
    struct journal head; /* of what was walked; its id is that of the journal */
    int64_t rows, without_body;
    int64_t last_without; /* the last row without a body, 0 none */
    int64_t named;        /* up to here rows `retention` say that bodies of minutes were deleted */
    int64_t damaged;      /* first damaged row, 0 none */
    const char *why_zh, *why_en;
    struct signed_heads *heads;     /* NULL: signatures are not looked at */
    const struct noted_list *noted; /* NULL: none given */
    int next;                       /* of noted: not reached yet */
    int agreed, differed, foreign;
    int64_t first_differing; /* seq, 0 none */
};

void chain_begin(struct chain *c, const char *journal, const struct noted_list *noted,
                 struct signed_heads *heads);

/* The next row. ERR_DAMAGED: `damaged` and why are set; no more rows can be judged. */
int chain_row(struct chain *c, const struct row *row);

/* After the last row: noted heads beyond it differ, for those rows are missing; a body that is gone though no
 * row `retention` says so is damage. */
void chain_end(struct chain *c);

#endif
