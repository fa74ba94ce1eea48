/* A manual's example frames, replayed: the request must be what dustd would send, the response must decode to
 * what the manual says. Whoever copies a map wrongly is told when the profile is read. Pure. */
#ifndef DUST_EXAMPLE_H
#define DUST_EXAMPLE_H

#include <stdint.h>

struct example;
struct profile;

/* What is wrong with an example: the key, of a list the item (else -1), and "found …; allowed: …". */
struct example_fault {
    const char *key;
    int item;
    char text[200];
};

/* ERR_FORMAT with `fault` when the example is none of this profile, whose addresses count from 0. */
int example_check(const struct profile *p, const struct example *e, struct example_fault *fault);

/* Hexadecimal bytes with single spaces between into `out`; returns how many, -1 when it is anything else or
 * more than `max`. */
int example_bytes(const char *text, uint8_t *out, int max);

/* The point that a line of `values` is about, and its value in the point's unit (NaN for "-"); NULL when it
 * is no such line. */
const struct point *example_value(const struct profile *p, const char *line, double *value);

#endif
