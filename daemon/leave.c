/* Points that a reload takes out of the configuration end in rows of their own, marked `removed`: their part
 * of the running minute with its raw samples, and every window of theirs, judged as it stands, the rest of
 * its time counted as missing. The other points go on, in the judge that takes over from this one. */
#include "daemon/dustd.h"

#include "daemon/base/buf.h"
#include "daemon/base/mem.h"

#include <string.h>

/* A limit on the mean or the highest of a site's points is judged on all of them as it stands, so that nobody
 * takes out the point that breaches. */
static bool is_about_gone(const struct dustd *d, const struct judge_event *event)
{
    if (event->kind == JUDGE_WINDOW)
        return true; /* its row leaves the others out */
    if (event->limit->over == OVER_EACH)
        return d->gone[event->point];
    for (int i = 0; i < d->config->npoints; i++)
        if (d->gone[i] && strcmp(d->config->points[i].point->role, event->limit->role) == 0)
            return true;
    return false;
}

static void judged(const struct judge_event *event, void *dustd)
{
    if (is_about_gone(dustd, event))
        pipeline_judged(event, dustd);
}

/* All that is held of them into the batch as a raw block; the judge gets the running minute of all points. */
static void last_block(struct dustd *d, char hex[static 65])
{
    struct sample *of = mem_array(d->nsamples, sizeof *of);
    size_t n = 0, rest = 0;
    for (size_t i = 0; i < d->nsamples; i++) {
        const struct sample s = d->samples[i];
        if (s.at_ms >= d->minute_ms && s.at_ms < d->minute_ms + CLOCK_MINUTE_MS)
            judge_sample(d->judge, &s);
        if (d->gone[s.point])
            of[n++] = s;
        else
            d->samples[rest++] = s;
    }
    struct buf block = {0};
    uint8_t hash[HASH_SIZE];
    d->nsamples = rest;
    pipeline_take_out(d, of, n, &block);
    mem_free(of);
    hash_bytes(block.data, block.length, hash);
    hash_hex(hash, hex);
    d->batch.raw_length = block.length;
    d->batch.raw = buf_take(&block);
}

void leave_points(struct dustd *d, const bool *gone)
{
    char hex[65];
    batch_flush(d);
    d->gone = gone;
    last_block(d, hex);
    judge_minute(d->judge, d->means);
    d->batch.raw_seq = row_minute(d, d->minute_ms, d->means, hex);
    judge_end(d->judge, d->minute_ms, d->means, judged, d);
    d->gone = NULL;
    batch_flush(d);
}
