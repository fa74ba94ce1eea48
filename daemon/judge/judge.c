#include "daemon/base/clock.h"
#include "daemon/base/level.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/history.h"
#include "daemon/judge/inside.h"
#include "daemon/judge/quality.h"
#include "daemon/judge/spike.h"
#include "drivers/device.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int shorter_first(const void *a, const void *b)
{
    const struct window *x = a, *y = b;
    return (x->length_ms > y->length_ms) - (x->length_ms < y->length_ms);
}

struct window *window_of(const struct judge *j, int64_t length_ms)
{
    for (int i = 0; i < j->nwindows; i++)
        if (j->windows[i].length_ms == length_ms)
            return &j->windows[i];
    return NULL;
}

/* One a point, empty; the point's unit says whether it is of levels. */
static struct tally *create_tallies(const struct judge *j)
{
    struct tally *tallies = mem_array(npoints(j), sizeof *tallies);
    for (size_t i = 0; i < npoints(j); i++)
        tallies[i].level = unit_is_level(j->config->points[i].point->unit);
    return tallies;
}

static void clear_tallies(const struct judge *j, struct tally *tallies)
{
    for (size_t i = 0; i < npoints(j); i++)
        tally_clear(&tallies[i]);
}

static void add_length(struct judge *j, int64_t length_ms)
{
    if (window_of(j, length_ms))
        return;
    struct window *w = &j->windows[j->nwindows++];
    *w = (struct window){.length_ms = length_ms, .tallies = create_tallies(j)};
    if (length_ms == CLOCK_DAY_MS)
        w->hourly = create_tallies(j);
}

static struct history *create_history(const struct judge *j)
{
    bool *kept = mem_array(npoints(j), sizeof *kept);
    for (size_t i = 0; i < npoints(j); i++)
        kept[i] = quality_looks_back(j->doubts, (int)i);
    struct history *h = history_create(quality_minutes(j->config), npoints(j), kept);
    mem_free(kept);
    return h;
}

struct judge *judge_create(const struct config *c)
{
    struct judge *j = mem_new(struct judge);
    j->config = c;
    j->minute = create_tallies(j);
    j->scratch = mem_array(npoints(j), sizeof *j->scratch);
    j->scratch_hourly = mem_array(npoints(j), sizeof *j->scratch_hourly);
    j->states = mem_array((size_t)c->nlimits * (npoints(j) + 1), sizeof *j->states);
    j->windows = mem_array((size_t)c->nlimits + 2, sizeof *j->windows);
    j->doubts = quality_create(c);
    j->spikes = mem_array(npoints(j), sizeof *j->spikes);
    j->floors = mem_array(npoints(j), sizeof *j->floors);
    j->fed = mem_array(npoints(j), sizeof *j->fed);
    j->due = mem_array(npoints(j), sizeof *j->due);
    for (int i = 0; i < c->npoints; i++)
        j->due[i] = minute_due(point_period_ms(c->points[i].device, c->points[i].point));
    for (size_t i = 0; i < npoints(j); i++)
        j->floors[i] = quality_spike_floor(j->doubts, (int)i);
    j->history = create_history(j);
    add_length(j, CLOCK_HOUR_MS);
    add_length(j, CLOCK_DAY_MS);
    for (int i = 0; i < c->nlimits; i++)
        if (!limit_is_annual(&c->limits[i]))
            add_length(j, c->limits[i].window_ms);
    annual_create(j);
    qsort(j->windows, (size_t)j->nwindows, sizeof *j->windows, shorter_first);
    return j;
}

void judge_destroy(struct judge *j)
{
    if (!j)
        return;
    for (int i = 0; i < j->nwindows; i++) {
        mem_free(j->windows[i].tallies);
        mem_free(j->windows[i].hourly);
    }
    for (size_t i = 0; i < j->nwaiting; i++) {
        mem_free(j->waiting[i].means);
        mem_free(j->waiting[i].hourly);
    }
    for (size_t i = 0; i < j->npending; i++)
        pending_free(&j->pending[i]);
    mem_free(j->windows);
    mem_free(j->waiting);
    mem_free(j->known);
    mem_free(j->pending);
    mem_free(j->states);
    mem_free(j->scratch);
    mem_free(j->scratch_hourly);
    mem_free(j->minute);
    mem_free(j->due);
    mem_free(j->spikes);
    mem_free(j->floors);
    mem_free(j->fed);
    annual_destroy(j);
    history_destroy(j->history);
    quality_destroy(j->doubts);
    mem_free(j);
}

void judge_know(struct judge *j, const struct facts *facts)
{
    j->facts = facts;
}

void judge_due(struct judge *j, int point, uint32_t due)
{
    j->due[point] = due;
}

void judge_setting(struct judge *j, int point, double value, int64_t at_ms)
{
    quality_setting(j->doubts, point, value, at_ms);
}

static void use(const struct sample *s, void *tally)
{
    tally_sample(tally, s);
}

bool judge_sample(struct judge *j, const struct sample *s)
{
    if (s->point >= j->config->npoints)
        return false;
    struct spike *spike = &j->spikes[s->point];
    uint32_t before = spike->found;
    if (isnan(j->floors[s->point]))
        tally_sample(&j->minute[s->point], s);
    else
        spike_sample(spike, s, j->config->quality.spike_factor, j->floors[s->point], use,
                     &j->minute[s->point]);
    return spike->found != before;
}

void judge_minute(struct judge *j, struct mean *means)
{
    for (int i = 0; i < j->config->npoints; i++) {
        spike_minute(&j->spikes[i], use, &j->minute[i]);
        quality_spiked(j->doubts, i, j->spikes[i].found);
        j->spikes[i].found = 0;
        uint32_t came = j->minute[i].came;
        means[i] = tally_mean(&j->minute[i], came > j->due[i] ? came : j->due[i]);
    }
    clear_tallies(j, j->minute);
}

/* Minutes due from its start to end_ms: also those lived twice, so that they cannot stand for a hole. */
uint32_t minutes_to(const struct window *w, int64_t end_ms)
{
    return (uint32_t)((end_ms - w->start_ms) / CLOCK_MINUTE_MS) + w->again;
}

/* With the minute that was fed last. */
static void open_window(const struct judge *j, struct window *w, int64_t start_ms)
{
    uint64_t fed = history_fed(j->history);
    w->start_ms = clock_window_start(start_ms, w->length_ms, j->config->site.zone_min);
    w->latest_ms = w->start_ms - 1;
    w->again = 0;
    w->since = fed ? fed - 1 : 0;
    w->open = true;
    clear_tallies(j, w->tallies);
    if (w->hourly)
        clear_tallies(j, w->hourly);
}

static void add_minute(struct judge *j, struct window *w, int64_t start_ms, const struct mean *means)
{
    if (!w->open)
        open_window(j, w, start_ms);
    w->again += start_ms <= w->latest_ms;
    w->latest_ms = start_ms > w->latest_ms ? start_ms : w->latest_ms;
    for (size_t i = 0; i < npoints(j); i++)
        tally_minute(&w->tallies[i], &means[i]);
}

void judge_check(struct judge *j, int64_t start_ms, struct mean *means)
{
    quality_minute(j->doubts, j->facts, j->history, start_ms, means);
    j->checked = true;
}

/* What the last minute's checks found; a flag that begins reaches back. */
static void tell_findings(struct judge *j, struct report to)
{
    const struct quality_finding *f;
    if (!to.sink)
        to.sink = judge_mute;
    for (size_t i = 0; (f = quality_finding(j->doubts, i)); i++) {
        struct judge_event e = {.kind = JUDGE_QUALITY,
                                .start_ms = f->from_ms,
                                .length_ms = f->to_ms - f->from_ms,
                                .point = f->point,
                                .why = f->why,
                                .finding = f};
        to.sink(&e, to.arg);
        if (f->check->flag && !f->ended)
            correct(j, f, to);
    }
}

void judge_feed(struct judge *j, int64_t start_ms, const struct mean *means, judge_sink sink, void *arg)
{
    struct report to = {sink, arg};
    if (!j->checked) {
        memcpy(j->fed, means, npoints(j) * sizeof *means);
        judge_check(j, start_ms, j->fed);
        means = j->fed;
    }
    j->checked = false;
    j->known_at_feed = j->nknown;
    report_waiting(j, to);
    for (int i = 0; i < j->nwindows; i++) {
        struct window *w = &j->windows[i];
        bool inside = start_ms >= w->start_ms && start_ms < w->start_ms + w->length_ms;
        if (w->open && !inside)
            close_window(j, w, to);
    }
    tell_findings(j, to);
    history_add(j->history, start_ms, means);
    for (int i = 0; i < j->nwindows; i++)
        add_minute(j, &j->windows[i], start_ms, means);
    look_ahead(j, to);
    judge_advance(j, start_ms + CLOCK_MINUTE_MS, sink, arg);
}

void judge_advance(struct judge *j, int64_t now_ms, judge_sink sink, void *arg)
{
    struct report to = {sink, arg};
    report_waiting(j, to);
    for (int i = 0; i < j->nwindows; i++) {
        struct window *w = &j->windows[i];
        if (w->open && w->start_ms + w->length_ms <= now_ms)
            close_window(j, w, to);
    }
    pending_turn(j, now_ms, to);
    annual_turn(j, now_ms, to);
    if (sink)
        j->nknown = j->known_at_feed = 0; /* the past is settled */
}

void judge_past(struct judge *j, int64_t start_ms, const struct mean *means)
{
    judge_feed(j, start_ms, means, judge_mute, NULL);
    for (size_t i = 0; i < j->npending; i++)
        j->pending[i].told = true;
}

void judge_settle(struct judge *j, judge_sink sink, void *arg)
{
    pending_turn(j, INT64_MAX, (struct report){sink, arg});
}

void judge_end(struct judge *j, int64_t start_ms, const struct mean *means, judge_sink sink, void *arg)
{
    for (int i = 0; i < j->nwindows; i++) {
        struct window *w = &j->windows[i];
        if (!w->open || (start_ms >= w->start_ms && start_ms < w->start_ms + w->length_ms))
            add_minute(j, w, start_ms, means);
        close_window(j, w, (struct report){sink, arg});
    }
    pending_turn(j, INT64_MAX, (struct report){sink, arg});
}

bool judge_running(const struct judge *j, int point, int64_t length_ms, int64_t *start_ms,
                   struct mean *so_far)
{
    const struct window *w = window_of(j, length_ms);
    if (!w || !w->open)
        return false;
    *start_ms = w->start_ms;
    *so_far = tally_mean(&w->tallies[point], minutes_to(w, w->latest_ms + CLOCK_MINUTE_MS));
    return true;
}
