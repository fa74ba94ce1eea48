/* What turns out to be no measurement is taken out of the windows it went into: the open ones are summed
 * again, of those that have ended what changed is told again, naming what it corrects. */
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/history.h"
#include "daemon/judge/inside.h"
#include "daemon/judge/quality.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

struct correction {
    struct judge *j;
    int point;
    struct report to;
    struct closed was;           /* of one window that has ended: as it was told */
    const struct limit *limit;   /* the one that is compared */
    struct judge_event first[2]; /* its verdict on the point (or the site), before and after */
    bool has[2];
    int which;
};

/* The mean over the hours of a day, as add_hour has summed it. */
static struct mean mean_of_hours(const struct judge *j, int point, int64_t day_ms)
{
    struct tally day = {0};
    for (int64_t ms = day_ms; ms < day_ms + CLOCK_DAY_MS; ms += CLOCK_HOUR_MS) {
        uint32_t again;
        struct tally hour = history_tally(j->history, point, ms, ms + CLOCK_HOUR_MS, 0, &again);
        struct mean m = tally_mean(&hour, CLOCK_HOUR_MS / CLOCK_MINUTE_MS + again);
        if (hour.came)
            tally_minute(&day, &m);
    }
    return tally_mean(&day, CLOCK_DAY_MS / CLOCK_HOUR_MS);
}

static void fill(const struct judge *j, int point, struct closed *w)
{
    uint32_t again;
    struct tally t = history_tally(j->history, point, w->start_ms, w->start_ms + w->length_ms, 0, &again);
    w->means[point] = tally_mean(&t, (uint32_t)(w->length_ms / CLOCK_MINUTE_MS) + again);
    if (w->hourly)
        w->hourly[point] = mean_of_hours(j, point, w->start_ms);
}

static void sum_again(struct judge *j, struct window *w, int point)
{
    w->tallies[point] =
        history_tally(j->history, point, w->start_ms, w->start_ms + w->length_ms, w->since, NULL);
    if (!w->hourly)
        return;
    struct window *hour = window_of(j, CLOCK_HOUR_MS);
    struct tally day = {0};
    for (int64_t ms = w->start_ms; ms < w->start_ms + w->length_ms; ms += CLOCK_HOUR_MS) {
        uint32_t again;
        struct tally t = history_tally(j->history, point, ms, ms + CLOCK_HOUR_MS, w->since, &again);
        struct mean m = tally_mean(&t, CLOCK_HOUR_MS / CLOCK_MINUTE_MS + again);
        if (t.came && !(hour->open && hour->start_ms == ms))
            tally_minute(&day, &m);
    }
    w->hourly[point] = day;
}

static void hear(const struct judge_event *e, void *arg)
{
    struct correction *c = arg;
    bool about = e->limit->over == OVER_EACH ? e->point == c->point : true;
    if (e->kind != JUDGE_VERDICT || !about)
        return;
    c->first[c->which] = *e;
    c->has[c->which] = true;
}

static void compare(struct correction *c, int limit, int which, const struct closed *w)
{
    struct judge *j = c->j;
    struct judging with = judging_of(j, NULL, hear, c);
    struct judge_event event = {.start_ms = w->start_ms,
                                .length_ms = w->length_ms,
                                .means = means_for(j, &j->config->limits[limit], w)};
    c->which = which;
    c->has[which] = false;
    limit_judge(&with, &j->config->limits[limit], &event);
}

/* The verdict again, if what it says has changed. */
static void correct_limit(struct correction *c, int limit, const struct closed *is)
{
    struct judge *j = c->j;
    const struct limit *l = &j->config->limits[limit];
    bool about = limit_is_about(j->config, l, c->point) && limit_holds(j->config, l, is->start_ms);
    if (!about || pending_keeps(l)) /* is judged again in its order, afterwards */
        return;
    compare(c, limit, 0, &c->was);
    compare(c, limit, 1, is);
    if (!c->has[0] || !c->has[1])
        return;
    struct said before = said_by(&c->first[0]);
    tell_corrected(j, &before, &c->first[1], c->to);
}

static void correct_closed(struct correction *c, const struct closed *is)
{
    struct judge *j = c->j;
    struct judge_event event = {.kind = JUDGE_WINDOW,
                                .start_ms = is->start_ms,
                                .length_ms = is->length_ms,
                                .means = is->means,
                                .point = c->point,
                                .corrects = true};
    if (is->length_ms == CLOCK_HOUR_MS || is->length_ms == CLOCK_DAY_MS)
        c->to.sink(&event, c->to.arg);
    for (int i = 0; i < j->config->nlimits; i++)
        if (j->config->limits[i].window_ms == is->length_ms)
            correct_limit(c, i, is);
}

/* As it is in the ring now; the caller frees it. */
static struct closed closed_of(const struct judge *j, int64_t start_ms, int64_t length_ms)
{
    bool day = length_ms == CLOCK_DAY_MS;
    struct closed w = {start_ms, length_ms, mem_array(npoints(j), sizeof *w.means),
                       day ? mem_array(npoints(j), sizeof *w.hourly) : NULL};
    for (int i = 0; i < j->config->npoints; i++)
        if (history_keeps(j->history, i))
            fill(j, i, &w);
    return w;
}

static void closed_free(struct closed *w)
{
    mem_free(w->means);
    mem_free(w->hourly);
}

/* What nobody has heard of yet is put right in its place. */
static bool correct_waiting(struct judge *j, int point, int64_t start_ms, int64_t length_ms)
{
    for (size_t i = 0; i < j->nwaiting; i++)
        if (j->waiting[i].start_ms == start_ms && j->waiting[i].length_ms == length_ms) {
            fill(j, point, &j->waiting[i]);
            return true;
        }
    return false;
}

/* The windows of one limit that waits or remembers, and those after them. */
static void correct_kept(struct judge *j, int limit, const struct quality_finding *f, struct report to)
{
    size_t first = j->npending;
    for (size_t i = j->npending; i > 0; i--) {
        struct pending *p = &j->pending[i - 1];
        if (p->limit != limit || p->day || p->start_ms >= f->to_ms ||
            p->start_ms + p->length_ms <= f->from_ms || !history_reaches(j->history, p->start_ms))
            continue;
        struct closed w = closed_of(j, p->start_ms, p->length_ms);
        pending_means(j, p, j->scratch);
        j->scratch[f->point] = means_for(j, &j->config->limits[limit], &w)[f->point];
        closed_free(&w);
        pending_correct(j, p, j->scratch);
        first = p->judged ? i - 1 : first;
    }
    if (first < j->npending)
        pending_again(j, first, to);
}

/* Windows of one length that have ended and hold some of the time: as they were, then as they are. */
static void correct_ended(struct correction *c, const struct window *w, const struct quality_finding *f,
                          struct closed **was, size_t *nwas)
{
    int64_t ms = clock_window_start(f->from_ms, w->length_ms, c->j->config->site.zone_min);
    for (; ms < f->to_ms; ms += w->length_ms) {
        if ((w->open && w->start_ms == ms) || !history_reaches(c->j->history, ms))
            continue;
        *was = mem_resize(*was, *nwas + 1, sizeof **was);
        (*was)[(*nwas)++] = closed_of(c->j, ms, w->length_ms);
    }
}

void correct(struct judge *j, const struct quality_finding *f, struct report to)
{
    struct correction c = {.j = j, .point = f->point, .to = to};
    struct closed *was = NULL;
    size_t nwas = 0;
    for (int i = 0; i < j->nwindows; i++)
        correct_ended(&c, &j->windows[i], f, &was, &nwas);
    size_t flagged = history_flag(j->history, f->point, f->from_ms, f->to_ms, (uint8_t)f->check->flag);
    for (int i = 0; i < j->nwindows && flagged; i++)
        if (j->windows[i].open && j->windows[i].start_ms < f->to_ms &&
            history_reaches(j->history, j->windows[i].start_ms))
            sum_again(j, &j->windows[i], f->point);
    for (size_t i = 0; i < nwas; i++) {
        struct closed is = closed_of(j, was[i].start_ms, was[i].length_ms);
        c.was = was[i];
        bool changed = is.means[f->point].n != was[i].means[f->point].n;
        if (changed && is.length_ms == CLOCK_HOUR_MS)
            annual_hour(j, f->point, is.start_ms, &is.means[f->point], true);
        if (changed && !correct_waiting(j, f->point, is.start_ms, is.length_ms))
            correct_closed(&c, &is);
        closed_free(&is);
        closed_free(&was[i]);
    }
    mem_free(was);
    for (int i = 0; i < j->config->nlimits && flagged; i++)
        if (limit_is_about(j->config, &j->config->limits[i], f->point))
            correct_kept(j, i, f, to);
}
