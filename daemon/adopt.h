/* dustd --adopt FILE: a new gateway takes over a replaced one's export (dustctl export), so that no issue is
 * lost with the box. The new journal begins with a row that names the old one's id, last row, hash and key,
 * and the steps of all its issues; numbers go on. Before the daemon's threads, in their stead. */
#ifndef DUST_ADOPT_H
#define DUST_ADOPT_H

#include "daemon/base/sign.h"
#include "daemon/store/journal.h"

#include <stdio.h>

struct config;
struct options;

/* What an export holds of a ledger, once all of it has been checked. */
struct adopted {
    struct journal head;                /* the last row */
    char fingerprint[FINGERPRINT_SIZE]; /* of the key that signed its newest head, "" not signed */
    int64_t signed_seq;                 /* rows up to here are covered by that */
    int64_t until_ms; /* end of the last minute in it; of the last row, where there is none */
    bool simulated;
    struct row *steps; /* rows of kind "issue", in order */
    int nsteps;
};

/* Reads and checks all of an export, called `name` in `why`: form, chain, signatures, ends. ERR_FORMAT or
 * ERR_DAMAGED with one line in `why` that says where and what. adopted_finish is due in any case. */
int adopted_read(FILE *in, const char *name, struct adopted *a, char *why, size_t why_size);
void adopted_finish(struct adopted *a);

/* Returns an exit code. In one transaction, or nothing; refused where the state directory has a journal with
 * rows. */
int adopt_run(const struct options *o, struct config *c);

#endif
