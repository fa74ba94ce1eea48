#include "daemon/judge/judge.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/judge/limit.h"
#include "daemon/judge/window.h"

#include <stdlib.h>
#include <string.h>

/* One length of window: at any time one of it is open, for all points together. */
struct window {
    int64_t length_ms, start_ms;
    bool open;
    int64_t latest_ms;     /* start of its latest minute */
    uint32_t again;        /* minutes that came again after the clock stepped back within it */
    struct tally *tallies; /* one a point */
};

struct closed { /* closed while there was no sink */
    int64_t start_ms, length_ms;
    struct mean *means;
};

struct known { /* told before the restart */
    int64_t start_ms, length_ms;
    bool settled; /* the closing that it was has come */
};

struct judge {
    const struct config *config;
    struct tally *minute; /* one a point */
    struct window *windows;
    int nwindows; /* shortest first */
    struct mean *scratch;
    struct closed *waiting;
    struct known *known;
    size_t nwaiting, nknown;
    size_t known_at_feed; /* of nknown, at the last feed */
};

struct report {
    judge_sink sink;
    void *arg;
};

static size_t npoints(const struct judge *j)
{
    return (size_t)j->config->npoints;
}

static int shorter_first(const void *a, const void *b)
{
    const struct window *x = a, *y = b;
    return (x->length_ms > y->length_ms) - (x->length_ms < y->length_ms);
}

static void add_length(struct judge *j, int64_t length_ms)
{
    for (int i = 0; i < j->nwindows; i++)
        if (j->windows[i].length_ms == length_ms)
            return;
    j->windows[j->nwindows++] =
        (struct window){.length_ms = length_ms, .tallies = mem_array(npoints(j), sizeof(struct tally))};
}

struct judge *judge_create(const struct config *c)
{
    struct judge *j = mem_new(struct judge);
    j->config = c;
    j->minute = mem_array(npoints(j), sizeof *j->minute);
    j->scratch = mem_array(npoints(j), sizeof *j->scratch);
    j->windows = mem_array((size_t)c->nlimits + 2, sizeof *j->windows);
    add_length(j, CLOCK_HOUR_MS);
    add_length(j, CLOCK_DAY_MS);
    for (int i = 0; i < c->nlimits; i++)
        add_length(j, c->limits[i].window_ms);
    qsort(j->windows, (size_t)j->nwindows, sizeof *j->windows, shorter_first);
    return j;
}

void judge_destroy(struct judge *j)
{
    if (!j)
        return;
    for (int i = 0; i < j->nwindows; i++)
        mem_free(j->windows[i].tallies);
    for (size_t i = 0; i < j->nwaiting; i++)
        mem_free(j->waiting[i].means);
    mem_free(j->windows);
    mem_free(j->waiting);
    mem_free(j->known);
    mem_free(j->scratch);
    mem_free(j->minute);
    mem_free(j);
}

void judge_sample(struct judge *j, const struct sample *s)
{
    if (s->point < j->config->npoints)
        tally_sample(&j->minute[s->point], s);
}

void judge_minute(struct judge *j, struct mean *means)
{
    for (int i = 0; i < j->config->npoints; i++) {
        uint32_t due = minute_due(point_period_ms(j->config->points[i].device, j->config->points[i].point));
        uint32_t came = j->minute[i].came;
        means[i] = tally_mean(&j->minute[i], came > due ? came : due);
    }
    memset(j->minute, 0, npoints(j) * sizeof *j->minute);
}

static void report_window(const struct judge *j, const struct closed *w, struct report to)
{
    struct judge_event event = {.start_ms = w->start_ms, .length_ms = w->length_ms, .means = w->means};
    if (w->length_ms == CLOCK_HOUR_MS || w->length_ms == CLOCK_DAY_MS) {
        event.kind = JUDGE_WINDOW;
        event.point = -1;
        to.sink(&event, to.arg);
    }
    for (int i = 0; i < j->config->nlimits; i++) {
        const struct limit *limit = &j->config->limits[i];
        /* the limit of the time of measurement, not of today */
        if (limit->window_ms == w->length_ms && limit->valid_from_ms <= w->start_ms &&
            w->start_ms < limit->valid_to_ms)
            limit_judge(j->config, limit, &event, to.sink, to.arg);
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

static void wait_for_sink(struct judge *j, const struct closed *w)
{
    struct closed copy = *w;
    copy.means = mem_array(npoints(j), sizeof *copy.means);
    memcpy(copy.means, w->means, npoints(j) * sizeof *copy.means);
    j->waiting = mem_resize(j->waiting, j->nwaiting + 1, sizeof *j->waiting);
    j->waiting[j->nwaiting++] = copy;
}

/* Minutes due from its start to end_ms: also those lived twice, so that they cannot stand for a hole. */
static uint32_t minutes_to(const struct window *w, int64_t end_ms)
{
    return (uint32_t)((end_ms - w->start_ms) / CLOCK_MINUTE_MS) + w->again;
}

static void close_window(struct judge *j, struct window *w, struct report to)
{
    struct closed closed = {.start_ms = w->start_ms, .length_ms = w->length_ms, .means = j->scratch};
    for (size_t i = 0; i < npoints(j); i++)
        closed.means[i] = tally_mean(&w->tallies[i], minutes_to(w, w->start_ms + w->length_ms));
    w->open = false;
    if (take_known(j, w->start_ms, w->length_ms))
        return;
    if (to.sink)
        report_window(j, &closed, to);
    else
        wait_for_sink(j, &closed);
}

/* The first call with a sink after a restart: tells what the journal lacks. */
static void report_waiting(struct judge *j, struct report to)
{
    for (size_t i = 0; i < j->nwaiting; i++) {
        report_window(j, &j->waiting[i], to);
        mem_free(j->waiting[i].means);
    }
    j->nwaiting = 0;
}

static void add_minute(struct judge *j, struct window *w, int64_t start_ms, const struct mean *means)
{
    if (!w->open) {
        w->start_ms = clock_window_start(start_ms, w->length_ms, j->config->site.zone_min);
        w->latest_ms = w->start_ms - 1;
        w->again = 0;
        w->open = true;
        memset(w->tallies, 0, npoints(j) * sizeof *w->tallies);
    }
    w->again += start_ms <= w->latest_ms;
    w->latest_ms = start_ms > w->latest_ms ? start_ms : w->latest_ms;
    for (size_t i = 0; i < npoints(j); i++)
        tally_minute(&w->tallies[i], &means[i]);
}

void judge_feed(struct judge *j, int64_t start_ms, const struct mean *means, judge_sink sink, void *arg)
{
    struct report to = {sink, arg};
    j->known_at_feed = j->nknown;
    if (sink)
        report_waiting(j, to);
    for (int i = 0; i < j->nwindows; i++) {
        struct window *w = &j->windows[i];
        bool inside = start_ms >= w->start_ms && start_ms < w->start_ms + w->length_ms;
        if (w->open && !inside)
            close_window(j, w, to);
    }
    for (int i = 0; i < j->nwindows; i++)
        add_minute(j, &j->windows[i], start_ms, means);
    judge_advance(j, start_ms + CLOCK_MINUTE_MS, sink, arg);
}

void judge_advance(struct judge *j, int64_t now_ms, judge_sink sink, void *arg)
{
    struct report to = {sink, arg};
    if (sink)
        report_waiting(j, to);
    for (int i = 0; i < j->nwindows; i++) {
        struct window *w = &j->windows[i];
        if (w->open && w->start_ms + w->length_ms <= now_ms)
            close_window(j, w, to);
    }
    if (sink)
        j->nknown = j->known_at_feed = 0; /* the past is settled */
}

/* A window that closed while nobody listened was told: drops the first of that start. */
static bool take_waiting(struct judge *j, int64_t start_ms, int64_t length_ms)
{
    for (size_t i = 0; i < j->nwaiting; i++) {
        struct closed *w = &j->waiting[i];
        if (w->start_ms == start_ms && w->length_ms == length_ms) {
            mem_free(w->means);
            memmove(w, w + 1, (--j->nwaiting - i) * sizeof *w);
            return true;
        }
    }
    return false;
}

void judge_known(struct judge *j, int64_t start_ms, int64_t length_ms)
{
    for (size_t i = j->known_at_feed; i < j->nknown; i++)
        if (is_known(&j->known[i], start_ms, length_ms))
            return; /* an hour's row and each of its verdicts say the same */
    bool settled = take_waiting(j, start_ms, length_ms);
    j->known = mem_resize(j->known, j->nknown + 1, sizeof *j->known);
    j->known[j->nknown++] = (struct known){start_ms, length_ms, settled};
}

/* --- reload --- */

static void carry_window(struct window *to, const struct window *from, const struct config *c,
                         const int *before)
{
    struct tally *tallies = to->tallies;
    *to = *from;
    to->tallies = tallies;
    for (int i = 0; i < c->npoints; i++)
        if (before[i] >= 0)
            tallies[i] = from->tallies[before[i]];
}

/* What waits for a sink, in the new order of points. */
static void carry_closed(struct judge *j, const struct closed *from, const int *before)
{
    struct closed w = *from;
    w.means = j->scratch;
    for (int i = 0; i < j->config->npoints; i++)
        w.means[i] = before[i] >= 0 ? from->means[before[i]] : tally_mean(&(struct tally){0}, 1);
    wait_for_sink(j, &w);
}

struct judge *judge_carry(const struct judge *was, const struct config *c, const int *before)
{
    struct judge *j = judge_create(c);
    for (int i = 0; i < c->npoints; i++)
        if (before[i] >= 0)
            j->minute[i] = was->minute[before[i]];
    for (int i = 0; i < j->nwindows; i++)
        for (int k = 0; k < was->nwindows; k++)
            if (j->windows[i].length_ms == was->windows[k].length_ms)
                carry_window(&j->windows[i], &was->windows[k], c, before);
    for (size_t i = 0; i < was->nwaiting; i++)
        carry_closed(j, &was->waiting[i], before);
    j->known = mem_array(was->nknown, sizeof *j->known);
    if (was->nknown)
        memcpy(j->known, was->known, was->nknown * sizeof *j->known);
    j->nknown = was->nknown;
    j->known_at_feed = was->known_at_feed;
    return j;
}

void judge_end(struct judge *j, int64_t start_ms, const struct mean *means, judge_sink sink, void *arg)
{
    for (int i = 0; i < j->nwindows; i++) {
        struct window *w = &j->windows[i];
        if (!w->open || (start_ms >= w->start_ms && start_ms < w->start_ms + w->length_ms))
            add_minute(j, w, start_ms, means);
        close_window(j, w, (struct report){sink, arg});
    }
}

bool judge_running(const struct judge *j, int point, int64_t length_ms, int64_t *start_ms,
                   struct mean *so_far)
{
    for (int i = 0; i < j->nwindows; i++) {
        const struct window *w = &j->windows[i];
        if (w->length_ms != length_ms || !w->open)
            continue;
        *start_ms = w->start_ms;
        *so_far = tally_mean(&w->tallies[point], minutes_to(w, w->latest_ms + CLOCK_MINUTE_MS));
        return true;
    }
    return false;
}
