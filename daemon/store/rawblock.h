/* A minute's samples of all points in one block: registers, times, qualities; columns delta-coded, then
 * deflated. A block describes itself (point names, types, word orders, scales), so it can be read when the
 * configuration has long changed. Pure. */
#ifndef DUST_RAWBLOCK_H
#define DUST_RAWBLOCK_H

#include "daemon/sample.h"

#include <stddef.h>

struct buf;
struct config;

/* Appends the block of `n` samples, in any order, to `out`. Ten points at 1 Hz fit in 1.9 kB a minute. */
void rawblock_encode(const struct config *c, const struct sample *samples, size_t n, struct buf *out);

/* A sample as the block tells it. The strings belong to the reader and last until the next call. */
struct raw_sample {
    const char *name; /* "<device>/<point>" */
    const char *unit;
    int decimals;
    struct sample sample; /* .point counts within the block; .value is decoded again from the registers */
};

/* Calls `sink` for each sample, by point, then by time. ERR_DAMAGED (nothing or a part sunk) when the block
 * cannot be what rawblock_encode made; never reads outside it. */
int rawblock_decode(const void *data, size_t length, void (*sink)(const struct raw_sample *s, void *arg),
                    void *arg);

#endif
