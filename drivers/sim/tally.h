/* What a bus has counted since the start. One thread counts, any thread reads. */
#ifndef DUST_SIM_TALLY_H
#define DUST_SIM_TALLY_H

#include <stdbool.h>
#include <stdint.h>

struct buf;

enum tally_what {
    TALLY_POLLS,      /* requests to a unit of ours */
    TALLY_ANSWERS,    /* sent whole and unspoilt, exceptions included */
    TALLY_EXCEPTIONS, /* of them */
    TALLY_SILENT,     /* polls left without an answer */
    TALLY_SPOILT,     /* answers sent broken */
    TALLY_FAULTS,     /* polls with a fault, or a damaged line of a recording */
    TALLY_BROADCASTS,
    TALLY_FOREIGN, /* requests to units we do not have */
    TALLY_GARBLED, /* bytes that were no request: CRC, shape, wrong speed */
    TALLY_HASTY,   /* requests inside the 3.5 characters of silence, or into an answer */
    TALLY_LOST,    /* answers nobody took */
    TALLY__N
};

struct tally {
    _Atomic uint64_t counts[TALLY__N];
};

void tally_add(struct tally *t, enum tally_what what);
uint64_t tally_of(const struct tally *t, enum tally_what what);

/* Appends all counts, for people ("polls 12, answers 11, ...") or as JSON members ("polls":12,...). */
void tally_print(const struct tally *t, bool json, struct buf *out);

#endif
