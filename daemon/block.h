/* Samples leave main as raw blocks (store/rawblock.h). Main thread. */
#ifndef DUST_BLOCK_H
#define DUST_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct dustd;
struct sample;

/* The samples in [from_ms, end_ms) leave as a raw block, appended to `block`; of the running minute the judge
 * gets them, if asked. The block's transaction empties the sample table: what stays goes into it again with
 * the same one. */
void pipeline_block(struct dustd *d, int64_t from_ms, int64_t end_ms, bool judged, struct buf *block);

/* The same for `n` that have left d->samples already. */
void pipeline_take_out(struct dustd *d, const struct sample *of, size_t n, struct buf *block);

#endif
