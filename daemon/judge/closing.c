/* Windows that end: their means, and which of their verdicts are told. */
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/inside.h"
#include "daemon/judge/window.h"
#include "daemon/sample.h"

#include <string.h>

void judge_mute(const struct judge_event *event, void *arg)
{
    (void)event;
    (void)arg;
}

/* GB 3095: a day is the mean of its hours, and some of them are enough. */
const struct mean *means_for(const struct judge *j, const struct limit *l, const struct closed *w)
{
    if (!l->hours_needed || !w->hourly)
        return w->means;
    for (size_t i = 0; i < npoints(j); i++) {
        j->scratch_hourly[i] = w->hourly[i];
        if (w->hourly[i].n < (uint32_t)l->hours_needed)
            j->scratch_hourly[i].quality = QUALITY_FAULT;
    }
    return j->scratch_hourly;
}

static void judge_limit(struct judge *j, int limit, const struct closed *w, struct report to)
{
    const struct limit *l = &j->config->limits[limit];
    struct judging with = judging_of(j, states_of(j, limit), to.sink, to.arg);
    struct judge_event event = {
        .start_ms = w->start_ms, .length_ms = w->length_ms, .means = means_for(j, l, w)};
    if (pending_keeps(l))
        pending_add(j, &(struct pending){.limit = limit,
                                         .start_ms = w->start_ms,
                                         .length_ms = w->length_ms,
                                         .means = (struct mean *)event.means});
    else
        limit_judge(&with, l, &event);
}

static void judge_day(struct judge *j, int limit, int64_t day_ms, struct report to)
{
    const struct limit *l = &j->config->limits[limit];
    struct judging with = judging_of(j, states_of(j, limit), to.sink, to.arg);
    if (l->minus)
        pending_add(
            j, &(struct pending){.limit = limit, .start_ms = day_ms, .length_ms = CLOCK_DAY_MS, .day = true});
    else
        limit_judge_day(&with, l, day_ms);
}

static void report_window(struct judge *j, const struct closed *w, struct report to)
{
    struct judge_event event = {.kind = JUDGE_WINDOW,
                                .start_ms = w->start_ms,
                                .length_ms = w->length_ms,
                                .means = w->means,
                                .point = -1};
    if (w->length_ms == CLOCK_HOUR_MS || w->length_ms == CLOCK_DAY_MS)
        to.sink(&event, to.arg);
    for (int i = 0; i < j->config->nlimits; i++) {
        const struct limit *l = &j->config->limits[i];
        if (!limit_holds(j->config, l, w->start_ms)) /* the limit of the time of measurement, not of today */
            continue;
        if (l->window_ms == w->length_ms)
            judge_limit(j, i, w, to);
        if (l->allowed && w->length_ms == CLOCK_DAY_MS)
            judge_day(j, i, w->start_ms, to);
    }
}

static bool is_known(const struct known *k, int64_t start_ms, int64_t length_ms)
{
    return k->start_ms == start_ms && k->length_ms == length_ms;
}

static bool take_known(struct judge *j, int64_t start_ms, int64_t length_ms)
{
    for (size_t i = 0; i < j->nknown; i++)
        if (is_known(&j->known[i], start_ms, length_ms) && !j->known[i].settled)
            return j->known[i].settled = true;
    return false;
}

static struct mean *copy_means(const struct judge *j, const struct mean *means)
{
    struct mean *copy = means ? mem_array(npoints(j), sizeof *copy) : NULL;
    if (copy)
        memcpy(copy, means, npoints(j) * sizeof *copy);
    return copy;
}

void wait_for_sink(struct judge *j, const struct closed *w)
{
    struct closed copy = *w;
    copy.means = copy_means(j, w->means);
    copy.hourly = copy_means(j, w->hourly);
    j->waiting = mem_resize(j->waiting, j->nwaiting + 1, sizeof *j->waiting);
    j->waiting[j->nwaiting++] = copy;
}

/* An hour becomes part of its day. */
static void add_hour(struct judge *j, const struct closed *hour)
{
    struct window *day = window_of(j, CLOCK_DAY_MS);
    if (!day->open || hour->start_ms < day->start_ms || hour->start_ms >= day->start_ms + CLOCK_DAY_MS)
        return;
    for (size_t i = 0; i < npoints(j); i++)
        tally_minute(&day->hourly[i], &hour->means[i]);
}

void close_window(struct judge *j, struct window *w, struct report to)
{
    struct mean *hourly = w->hourly ? mem_array(npoints(j), sizeof *hourly) : NULL;
    struct closed closed = {w->start_ms, w->length_ms, j->scratch, hourly};
    for (size_t i = 0; i < npoints(j); i++) {
        closed.means[i] = tally_mean(&w->tallies[i], minutes_to(w, w->start_ms + w->length_ms));
        if (hourly)
            hourly[i] = tally_mean(&w->hourly[i], CLOCK_DAY_MS / CLOCK_HOUR_MS);
    }
    w->open = false;
    if (w->length_ms == CLOCK_HOUR_MS) {
        add_hour(j, &closed);
        annual_hours(j, w->start_ms, closed.means);
    }
    if (take_known(j, w->start_ms, w->length_ms))
        report_window(j, &closed, (struct report){judge_mute, NULL}); /* remembered, not told */
    else if (to.sink)
        report_window(j, &closed, to);
    else
        wait_for_sink(j, &closed);
    mem_free(hourly);
}

static void report_closed(struct judge *j, struct closed *w, struct report to)
{
    report_window(j, w, to);
    mem_free(w->means);
    mem_free(w->hourly);
}

/* The first call with a sink after a restart: tells what the journal lacks. */
void report_waiting(struct judge *j, struct report to)
{
    if (!to.sink)
        return;
    for (size_t i = 0; i < j->nwaiting; i++)
        report_closed(j, &j->waiting[i], to);
    j->nwaiting = 0;
}

/* A window that closed while nobody listened was told: drops the first of that start. */
static bool take_waiting(struct judge *j, int64_t start_ms, int64_t length_ms)
{
    for (size_t i = 0; i < j->nwaiting; i++) {
        struct closed w = j->waiting[i];
        if (w.start_ms == start_ms && w.length_ms == length_ms) {
            memmove(&j->waiting[i], &j->waiting[i + 1], (--j->nwaiting - i) * sizeof w);
            report_closed(j, &w, (struct report){judge_mute, NULL});
            return true;
        }
    }
    return false;
}

void judge_known(struct judge *j, int64_t start_ms, int64_t length_ms, const char *limit)
{
    if (limit && pending_told(j, start_ms, length_ms, limit))
        return;
    for (size_t i = j->known_at_feed; i < j->nknown; i++)
        if (is_known(&j->known[i], start_ms, length_ms))
            return; /* an hour's row and each of its verdicts say the same */
    bool settled = take_waiting(j, start_ms, length_ms);
    j->known = mem_resize(j->known, j->nknown + 1, sizeof *j->known);
    j->known[j->nknown++] = (struct known){start_ms, length_ms, settled};
    if (limit && settled)
        pending_told(j, start_ms, length_ms, limit);
}
