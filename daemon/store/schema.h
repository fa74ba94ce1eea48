/* What is in the file: tables, versions, marks. */
#ifndef DUST_SCHEMA_H
#define DUST_SCHEMA_H

#include "daemon/store/journal.h"

#include <stdbool.h>

struct db;

/* What a new database is told about itself, and what an old one says. */
struct birth {
    bool simulated;
    char id[JOURNAL_ID_SIZE];
    struct journal predecessor; /* id "": none */
    char last_issue[32];        /* the predecessor's, "" unknown */
    char aside[256];            /* where the predecessor's file lies, "" unknown */
};

/* Brings an opened database to the newest version, in one transaction, and prepares its statements. An empty
 * file is made a database as `wanted` says, with a new random id. Then fills `is`. With `copy` an older
 * version is first copied to <file>.before-<the version after its own>. ERR_VERSION: made by a newer program,
 * which is said; ERR_FULL: no room for the copy, which is said too; ERR_DAMAGED: not ours, or not whole. */
int schema_open(struct db *d, const struct birth *wanted, bool copy, struct birth *is);

/* The hash of row 1, kept apart from it: a foreign page in its place does not pass for the journal's
 * beginning. */
int schema_note_first(struct db *d, const uint8_t hash[static HASH_SIZE]);
bool schema_is_first(struct db *d, const uint8_t hash[static HASH_SIZE]);

/* The last row as the head; `id` is kept. last_at_ms as in struct store_opened. */
int schema_head(struct db *d, struct journal *head, int64_t *last_at_ms);

#endif
