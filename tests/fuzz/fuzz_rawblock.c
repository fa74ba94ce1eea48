/* A foreign raw block, and a foreign inside of one: read within bounds or refused; a value is finite or
 * absent. */
#include "daemon/store/rawblock.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <zlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth)
        __builtin_trap();
}

static void look(const struct raw_sample *s, void *arg)
{
    size_t *count = arg;
    bool valued = s->sample.quality == QUALITY_NORMAL || s->sample.quality == QUALITY_OVER_RANGE;
    demand(valued ? isfinite(s->sample.value) : isnan(s->sample.value));
    demand(s->sample.nreg <= SAMPLE_REGISTERS_MAX && s->sample.why < WHY__COUNT);
    demand(memchr(s->name, 0, 513) && memchr(s->unit, 0, 513));
    ++*count;
}

/* The bytes as the inside of a block with a right sum and length. */
static void look_inside(const uint8_t *data, size_t size)
{
    struct buf block = {0};
    uLongf length = compressBound(size);
    Bytef *packed = mem_array(length, 1);
    size_t count = 0;
    demand(compress2(packed, &length, data, size, 1) == Z_OK);
    buf_text(&block, "DR1");
    buf_varint(&block, size);
    buf_add(&block, packed, length);
    (void)rawblock_decode(block.data, block.length, look, &count);
    demand(count <= 1 << 20);
    mem_free(packed);
    buf_finish(&block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    (void)rawblock_decode(data, size, look, &count);
    look_inside(data, size);
    return 0;
}
