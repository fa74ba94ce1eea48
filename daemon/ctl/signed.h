/* The signed heads of a journal that is being walked: whether each signs for the row before it, and by whose
 * key. Pure. */
#ifndef DUST_SIGNED_H
#define DUST_SIGNED_H

#include "daemon/base/sign.h"

#include <stdbool.h>

struct journal;
struct row;

/* A key that has signed. */
struct signing_key {
    char fingerprint[FINGERPRINT_SIZE];
    int64_t first, last; /* its heads' rows */
    bool wanted;
};

struct signed_heads {
    char (*wanted)[FINGERPRINT_SIZE]; /* whose signature counts; none given: nobody's */
    int nwanted;
    struct signing_key *keys; /* in the order of their first head */
    int nkeys;
    int64_t count;                      /* heads that verify */
    int64_t seq, at_ms;                 /* the newest: signs for the rows up to `seq` */
    char fingerprint[FINGERPRINT_SIZE]; /* its key */
    int64_t stranger;                   /* row of the first head by a key that is not wanted; 0 none */
};

/* Reads "FINGERPRINT[,FINGERPRINT…]". ERR_FORMAT. */
int signed_want(struct signed_heads *s, const char *list);

/* A row of kind "head" that follows from `before`. ERR_DAMAGED: it does not sign for that, or its signature
 * is false. One without body is passed over. */
int signed_take(struct signed_heads *s, const struct journal *before, const struct row *row);

void signed_finish(struct signed_heads *s);

#endif
