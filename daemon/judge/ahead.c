#include "daemon/judge/ahead.h"

#include "daemon/base/clock.h"
#include "daemon/base/level.h"
#include "daemon/base/scalar.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/inside.h"
#include "daemon/judge/window.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

static const double scale = 1e4;

struct ahead limit_ahead(const struct limit *limit, const struct so_far *w)
{
    struct ahead a;
    double compared, whole = limit->level ? level_energy(limit->value) : limit->value;
    double least = limit->level ? w->sum / w->n : w->sum / w->n / scale - w->background;
    double may = (whole - least) / w->rest;
    if (limit->level)
        may = may > 1 ? level_of(may) : 0;
    a.may = may > 0 ? may : 0;
    a.used = least / whole;
    a.lost = limit_exceeded(limit, w->sum, w->n, w->background, &compared);
    return a;
}

/* The most that can be taken off: the background, or its cap while nobody told it. NaN: anything can. */
static double most_background(const struct judge *j, const struct limit *l, int64_t start_ms)
{
    double value = NAN;
    double ugm3 = facts_background(j->facts, l->role, start_ms, l->window_ms);
    if (!l->minus)
        return 0;
    if (isnan(ugm3) || unit_convert(ugm3, "ug/m3", l->unit, &value))
        return l->cap > 0 ? l->cap : NAN;
    return l->cap > 0 && value > l->cap ? l->cap : value;
}

/* Only what a person answers for, and at its first window over. */
static bool looks_ahead(const struct judge *j, const struct limit *l, int64_t start_ms)
{
    bool applies = !l->stages || l->stages & (unsigned)facts_stage(j->facts, start_ms);
    return !l->informs && !l->allowed && !l->hours_needed && l->value > 0 && applies &&
           limit_holds(j->config, l, start_ms);
}

struct looking {
    struct judge *j;
    const struct limit *limit;
    struct limit_state *states;
    const struct window *window;
    uint32_t rest; /* minutes */
    double background;
    struct report to;
};

/* Once a window each. */
static bool is_new(int64_t *told_ms, int64_t start_ms)
{
    bool is = *told_ms != start_ms + 1; /* + 1: zeroed is no window */
    *told_ms = start_ms + 1;
    return is;
}

static void tell(const struct looking *k, int slot, struct judge_event e, const struct so_far *so_far)
{
    struct limit_state *s = &k->states[slot < 0 ? k->j->config->npoints : slot];
    struct ahead a = limit_ahead(k->limit, so_far);
    e.kind = a.lost ? JUDGE_VERDICT : JUDGE_WARNING;
    e.verdict = VERDICT_BREACH;
    e.start_ms = k->window->start_ms;
    e.length_ms = k->window->length_ms;
    e.limit = k->limit;
    e.compared = NAN;
    e.background = k->limit->minus ? k->background : NAN;
    e.stage = k->limit->stages ? facts_stage(k->j->facts, e.start_ms) : STAGE_UNKNOWN;
    e.why = a.lost ? "the limit cannot be kept any more" : "";
    e.may = a.may;
    e.used = a.used;
    e.running = true;
    bool warns = k->limit->warn_share > 0 && a.used >= k->limit->warn_share;
    if (a.lost ? is_new(&s->lost_ms, e.start_ms) : warns && is_new(&s->warned_ms, e.start_ms))
        k->to.sink(&e, k->to.arg);
}

static bool is_of(const struct looking *k, int point)
{
    return strcmp(k->j->config->points[point].point->role, k->limit->role) == 0;
}

/* Of n minutes, the rest nothing: what the site's mean will take of a point then. */
static double as_it_would_end(const struct tally *t, uint32_t n)
{
    return t->level ? level_energy(round4(level_of(t->sum / n))) : rint(t->sum / n);
}

/* A point without a valid minute yet keeps everything open. */
static void look_at_site(const struct looking *k)
{
    struct so_far so_far = {.background = k->background};
    struct tally site = {.level = k->limit->level};
    for (int i = 0; i < k->j->config->npoints; i++) {
        const struct tally *t = &k->window->tallies[i];
        if (!is_of(k, i))
            continue;
        if (!t->n)
            return;
        struct mean m = tally_mean(t, t->n);
        tally_minute(&site, &m);
        so_far.sum += as_it_would_end(t, t->n + k->rest);
        so_far.rest += (double)k->rest / (t->n + k->rest);
        so_far.n++;
    }
    if (!so_far.n)
        return;
    so_far.rest /= so_far.n;
    tell(k, -1, (struct judge_event){.point = -1, .mean = tally_mean(&site, so_far.n)}, &so_far);
}

static void look_at_points(const struct looking *k)
{
    uint32_t came = minutes_to(k->window, k->window->latest_ms + CLOCK_MINUTE_MS);
    for (int i = 0; i < k->j->config->npoints; i++) {
        const struct tally *t = &k->window->tallies[i];
        if (!t->n || !is_of(k, i))
            continue;
        struct so_far so_far = {t->sum, t->n + k->rest, (double)k->rest / (t->n + k->rest), k->background};
        tell(k, k->limit->over == OVER_EACH ? i : -1,
             (struct judge_event){.point = i, .mean = tally_mean(t, came)}, &so_far);
    }
}

static void look_at(struct judge *j, int limit, struct report to)
{
    const struct limit *l = &j->config->limits[limit];
    const struct window *w = window_of(j, l->window_ms);
    if (!w)
        return; /* a year's: its minutes are in no tally, and half a year without dust would still keep it
                   open */
    int64_t end_ms = w->start_ms + w->length_ms, now_ms = w->latest_ms + CLOCK_MINUTE_MS;
    if (!w->open || now_ms >= end_ms || !looks_ahead(j, l, w->start_ms))
        return;
    struct looking k = {j,
                        l,
                        states_of(j, limit),
                        w,
                        (uint32_t)((end_ms - now_ms) / CLOCK_MINUTE_MS),
                        most_background(j, l, w->start_ms),
                        {to.sink ? to.sink : judge_mute, to.arg}};
    if (isnan(k.background))
        return;
    if (l->over == OVER_MEAN)
        look_at_site(&k);
    else
        look_at_points(&k);
}

void look_ahead(struct judge *j, struct report to)
{
    for (int i = 0; i < j->config->nlimits; i++)
        look_at(j, i, to);
}
