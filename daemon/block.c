/* Samples leave as a raw block; those of the running minute go to the judge on the way. */
#include "daemon/dustd.h"

#include "daemon/base/buf.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/block.h"
#include "daemon/config/config.h"
#include "daemon/judge/judge.h"
#include "daemon/store/rawblock.h"

#include <math.h>
#include <string.h>

/* A chunk that a full store still refuses would come too late: its samples are in the block or in what stays.
 */
void pipeline_take_out(struct dustd *d, const struct sample *of, size_t n, struct buf *block)
{
    rawblock_encode(d->config, of, n, block);
    d->chunked = 0;
    mem_free(d->batch.chunk);
    d->batch.chunk = NULL;
    batch_chunk(d);
}

/* The sample of the running minute to the judge; a spike that it shows is marked where it is kept. `last` is
 * the point's good sample before, NULL: none in this minute. */
static void judge_kept(struct dustd *d, struct sample *s, struct sample **last)
{
    if (judge_sample(d->judge, s) && *last) {
        (*last)->quality = QUALITY_FAULT;
        (*last)->why = WHY_SPIKE;
        (*last)->value = NAN;
    }
    if (s->quality == QUALITY_NORMAL)
        *last = s;
}

void pipeline_block(struct dustd *d, int64_t from_ms, int64_t end_ms, bool judged, struct buf *block)
{
    struct sample *of = mem_array(d->nsamples, sizeof *of);
    struct sample **last = mem_array((size_t)d->config->npoints, sizeof *last);
    size_t n = 0, rest = 0;
    for (size_t i = 0; i < d->nsamples; i++) {
        if (d->samples[i].at_ms >= from_ms && d->samples[i].at_ms < end_ms) {
            of[n] = d->samples[i];
            if (judged && of[n].at_ms >= d->minute_ms)
                judge_kept(d, &of[n], &last[of[n].point]);
            n++;
        } else {
            d->samples[rest++] = d->samples[i];
        }
    }
    d->nsamples = rest;
    pipeline_take_out(d, of, n, block);
    mem_free(last);
    mem_free(of);
}
