/* Points that a reload takes out of the configuration end in rows of their own, marked `removed`: their part
 * of the running minute with its raw samples, and every window of theirs, judged as it stands, the rest of
 * its time counted as missing. The other points go on. */
#include "daemon/dustd.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/block.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/judge.h"
#include "daemon/judging.h"
#include "daemon/leave.h"
#include "daemon/rows.h"
#include "daemon/sample.h"
#include "drivers/device.h"

#include <string.h>

/* A limit on the mean or the highest of a site's points is judged on all of them as it stands, so that nobody
 * takes out the point that breaches. */
static bool is_about_gone(const struct dustd *d, const struct judge_event *event)
{
    if (event->kind == JUDGE_WINDOW)
        return true; /* its row leaves the others out */
    if (event->kind == JUDGE_QUALITY || event->limit->over == OVER_EACH)
        return d->gone[event->point];
    for (int i = 0; i < d->config->npoints; i++)
        if (d->gone[i] && strcmp(d->config->points[i].point->role, event->limit->role) == 0)
            return true;
    return false;
}

static void judged(const struct judge_event *event, void *dustd)
{
    if (is_about_gone(dustd, event))
        judging_heard(event, dustd);
}

/* The judge of the others must not notice: the end is judged by another one that stands where it does. */
static struct judge *judge_of_the_end(const struct dustd *d)
{
    int *same = mem_array((size_t)d->config->npoints, sizeof *same);
    for (int i = 0; i < d->config->npoints; i++)
        same[i] = i;
    struct judge *judge = judge_carry(d->judge, d->config, same);
    mem_free(same);
    return judge;
}

/* All that is held of them into the batch as a raw block; `judge` gets the running minute of all points. */
static void last_block(struct dustd *d, struct judge *judge, char hex[static 65])
{
    struct sample *of = mem_array(d->nsamples, sizeof *of);
    size_t n = 0, rest = 0;
    for (size_t i = 0; i < d->nsamples; i++) {
        const struct sample s = d->samples[i];
        if (s.at_ms >= d->minute_ms && s.at_ms < d->minute_ms + CLOCK_MINUTE_MS)
            judge_sample(judge, &s);
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
    struct judge *judge = judge_of_the_end(d);
    batch_flush(d);
    d->gone = gone;
    last_block(d, judge, hex);
    judge_minute(judge, d->means);
    d->batch.raw_seq = row_minute(d, d->minute_ms, d->means, hex);
    judge_end(judge, d->minute_ms, d->means, judged, d);
    d->gone = NULL;
    judge_destroy(judge);
    batch_flush(d);
}
