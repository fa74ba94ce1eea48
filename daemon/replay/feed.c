#include "daemon/replay/feed.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/dustd.h"
#include "daemon/judge/window.h"
#include "daemon/judging.h"
#include "daemon/replay/recording.h"
#include "daemon/required.h"
#include "daemon/rows.h"
#include "daemon/sample.h"
#include "daemon/uplink_now.h"
#include "drivers/device.h"

#include <string.h>

enum { JUMP_MS = 10 * CLOCK_MINUTE_MS }; /* a hole that is longer has no minutes, as in pipeline.c */

/* What a recording says of a point's minutes. */
struct minutes_told {
    int64_t from_ms, until_ms;
    struct mean mean;
};

struct feed {
    struct dustd d;
    void (*minute)(const struct mean *means, void *arg);
    struct minutes_told *held; /* one a point */
    bool *sampled;             /* a point: the running minute has samples of it */
    int64_t minute_ms;         /* the running minute; 0: none yet */
    int64_t covered_ms;        /* until then the recordings say something, if only that there is nothing */
    struct feed_counts counts;
};

struct feed *feed_create(struct config *c, const struct hearing *hearing,
                         void (*minute)(const struct mean *means, void *arg))
{
    struct feed *f = mem_new(struct feed);
    f->d.config = c;
    f->d.hearing = hearing;
    f->minute = minute;
    judging_open(&f->d);
    f->d.uplinks = mem_array((size_t)c->nmqtt + 1, sizeof *f->d.uplinks);
    f->held = mem_array((size_t)c->npoints + 1, sizeof *f->held);
    f->sampled = mem_array((size_t)c->npoints + 1, sizeof *f->sampled);
    return f;
}

void feed_destroy(struct feed *f)
{
    if (!f)
        return;
    judging_close(&f->d);
    again_finish(&f->d.again);
    clean_finish(&f->d.clean);
    mem_free(f->d.uplinks);
    mem_free(f->held);
    mem_free(f->sampled);
    mem_free(f);
}

void feed_pace(struct feed *f, const struct columns *columns, int64_t step_ms)
{
    const struct config *c = f->d.config;
    for (int i = 0; i < columns->n; i++) {
        int point = columns->list[i].point;
        int64_t period_ms = point_period_ms(c->points[point].device, c->points[point].point);
        if (step_ms * 4 > period_ms * 5) /* not for a jitter */
            judge_due(f->d.judge, point, minute_due(step_ms));
    }
}

/* A sample goes before what another recording says of the whole minute. */
static void fill_means(struct feed *f)
{
    struct dustd *d = &f->d;
    judge_minute(d->judge, d->means);
    for (int i = 0; i < d->config->npoints; i++) {
        const struct minutes_told *h = &f->held[i];
        if (!f->sampled[i] && h->from_ms <= f->minute_ms && f->minute_ms < h->until_ms)
            d->means[i] = h->mean;
    }
    memset(f->sampled, 0, (size_t)d->config->npoints * sizeof *f->sampled);
}

static void close_minute(struct feed *f)
{
    struct dustd *d = &f->d;
    fill_means(f);
    clock_stand(f->minute_ms + CLOCK_MINUTE_MS);
    judge_check(d->judge, f->minute_ms, d->means);
    if (f->minute)
        f->minute(d->means, d->hearing->arg);
    judging_minute(d, f->minute_ms);
    f->minute_ms += CLOCK_MINUTE_MS;
}

static void jump(struct feed *f, int64_t to_ms)
{
    int64_t next_ms = clock_window_start(to_ms, CLOCK_MINUTE_MS, 0);
    f->counts.holes++;
    f->counts.missing_ms += next_ms - f->minute_ms;
    f->minute_ms = next_ms;
    clock_stand(next_ms);
    judge_advance(f->d.judge, next_ms, judging_heard, &f->d);
}

/* Ends the minutes that are over by then. */
static void advance(struct feed *f, int64_t to_ms)
{
    while (f->minute_ms && f->minute_ms + CLOCK_MINUTE_MS <= to_ms) {
        close_minute(f);
        if (f->minute_ms >= f->covered_ms && to_ms - f->minute_ms > JUMP_MS)
            jump(f, to_ms);
    }
}

static void take_input(struct feed *f, const struct recorded *r)
{
    const struct person *p = r->by[0] ? config_person(f->d.config, r->by) : NULL;
    advance(f, r->at_ms);
    clock_stand(r->at_ms);
    required_input(&f->d, &r->input, config_roles(f->d.config, p));
}

static void take_sample(struct feed *f, const struct recorded *r, const struct reading *reading)
{
    f->sampled[reading->point] = true;
    judge_sample(f->d.judge, &(struct sample){.at_ms = r->at_ms,
                                              .point = (uint16_t)reading->point,
                                              .quality = reading->quality,
                                              .value = reading->value});
}

static void take_values(struct feed *f, const struct recorded *r)
{
    int64_t minute_ms = clock_window_start(r->at_ms, CLOCK_MINUTE_MS, 0);
    int64_t until_ms = r->kind == RECORDED_MEANS ? r->until_ms : minute_ms + CLOCK_MINUTE_MS;
    if (r->at_ms < f->minute_ms) {
        f->counts.left_out += r->n;
        return;
    }
    if (!f->minute_ms)
        f->minute_ms = f->counts.from_ms = minute_ms;
    advance(f, r->at_ms);
    for (int i = 0; i < r->n; i++)
        if (r->kind == RECORDED_SAMPLES)
            take_sample(f, r, &r->readings[i]);
        else
            f->held[r->readings[i].point] = (struct minutes_told){r->at_ms, r->until_ms, r->readings[i].mean};
    f->covered_ms = until_ms > f->covered_ms ? until_ms : f->covered_ms;
}

void feed_take(struct feed *f, const struct recorded *r)
{
    if (r->kind == RECORDED_INPUT)
        take_input(f, r);
    else
        take_values(f, r);
}

void feed_end(struct feed *f)
{
    struct dustd *d = &f->d;
    advance(f, f->covered_ms);
    if (!f->minute_ms)
        return;
    judge_settle(d->judge, judging_heard, d);
    required_end(d, f->minute_ms);
}

struct feed_counts feed_counted(const struct feed *f)
{
    struct feed_counts c = f->counts;
    c.to_ms = f->covered_ms;
    return c;
}
