/* Windows of limits on the difference to a background wait for it, in order, so that what a limit remembers
 * from window to window does not depend on when the background came. One that was judged is kept for as long
 * as a background may still come, or come otherwise: then it is judged again. */
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/judge/inside.h"

#include <math.h>
#include <string.h>

/* --- their means: only of the points that the limit is about --- */

static size_t count_points(const struct judge *j, int limit)
{
    size_t n = 0;
    for (int i = 0; i < j->config->npoints; i++)
        n += limit_is_about(j->config, &j->config->limits[limit], i);
    return n;
}

static void gather(const struct judge *j, struct pending *p, const struct mean *all)
{
    size_t n = 0;
    for (int i = 0; i < j->config->npoints; i++)
        if (limit_is_about(j->config, &j->config->limits[p->limit], i))
            p->means[n++] = all[i];
}

void pending_means(const struct judge *j, const struct pending *p, struct mean *all)
{
    size_t n = 0;
    for (int i = 0; i < j->config->npoints; i++)
        all[i] = limit_is_about(j->config, &j->config->limits[p->limit], i)
                     ? p->means[n++]
                     : tally_mean(&(struct tally){0}, 1);
}

void pending_correct(struct judge *j, struct pending *p, const struct mean *all)
{
    gather(j, p, all);
}

void pending_add(struct judge *j, const struct pending *p)
{
    j->pending = mem_resize(j->pending, j->npending + 1, sizeof *j->pending);
    struct pending *copy = &j->pending[j->npending++];
    *copy = *p;
    if (p->day)
        return;
    copy->means = mem_array(count_points(j, p->limit), sizeof *copy->means);
    gather(j, copy, p->means);
}

/* --- their turn --- */

static double background_of(const struct judge *j, const struct pending *p)
{
    return facts_background(j->facts, j->config->limits[p->limit].role, p->start_ms, p->length_ms);
}

/* Whether it can be judged now: an earlier one of its limit must not wait. */
static bool is_ready(const struct judge *j, const struct pending *p, size_t earlier, int64_t now_ms)
{
    for (size_t i = 0; i < earlier; i++)
        if (j->pending[i].limit == p->limit && !j->pending[i].judged)
            return false;
    return p->told || p->day ||
           now_ms - j->config->limits[p->limit].background_wait_ms >= p->start_ms + p->length_ms ||
           !isnan(background_of(j, p));
}

static void settle(struct judge *j, struct pending *p, struct report to)
{
    struct judging with = judging_of(j, states_of(j, p->limit), p->told ? judge_mute : to.sink, to.arg);
    const struct limit *l = &j->config->limits[p->limit];
    p->judged = true;
    if (p->day) {
        limit_judge_day(&with, l, p->start_ms);
        return;
    }
    p->background = background_of(j, p);
    pending_means(j, p, j->scratch);
    struct judge_event event = {.start_ms = p->start_ms, .length_ms = p->length_ms, .means = j->scratch};
    limit_judge(&with, l, &event);
}

/* A day's count is kept by its limit; and nothing comes later than INPUT_LATE_DAYS. */
static bool is_over(const struct pending *p, int64_t now_ms)
{
    return p->judged &&
           (p->day || now_ms - INPUT_LATE_DAYS * (int64_t)CLOCK_DAY_MS > p->start_ms + p->length_ms);
}

void pending_turn(struct judge *j, int64_t now_ms, struct report to)
{
    size_t kept = 0;
    for (size_t i = 0; to.sink && i < j->npending; i++) {
        struct pending *p = &j->pending[i];
        if (!p->judged && is_ready(j, p, kept, now_ms))
            settle(j, p, to);
        if (is_over(p, now_ms))
            mem_free(p->means);
        else if (kept++ != i)
            j->pending[kept - 1] = *p;
    }
    if (to.sink)
        j->npending = kept;
}

bool pending_told(struct judge *j, int64_t start_ms, int64_t length_ms, const char *limit)
{
    for (size_t i = 0; i < j->npending; i++) {
        struct pending *p = &j->pending[i];
        if (p->start_ms == start_ms && p->length_ms == length_ms && !p->told &&
            strcmp(j->config->limits[p->limit].id, limit) == 0)
            return p->told = true;
    }
    return false;
}

bool pending_has(const struct judge *j, int limit, int64_t start_ms)
{
    for (size_t i = 0; i < j->npending; i++)
        if (j->pending[i].limit == limit && j->pending[i].start_ms == start_ms && !j->pending[i].judged)
            return true;
    return false;
}

/* --- once more --- */

struct verdicts {
    struct judge_event *list; /* room for one a point, and the site's */
    size_t n;
};

static void keep_verdict(const struct judge_event *e, void *arg)
{
    struct verdicts *v = arg;
    v->list[v->n++] = *e;
}

/* What a limit remembers of the windows before takes no part: it was in force when the others were told. */
static void judge_with(struct judge *j, const struct pending *p, const double *background, struct verdicts *v)
{
    struct judging with = judging_of(j, NULL, keep_verdict, v);
    struct judge_event event = {.start_ms = p->start_ms, .length_ms = p->length_ms, .means = j->scratch};
    with.background = background;
    limit_judge(&with, &j->config->limits[p->limit], &event);
}

static void judge_again(struct judge *j, struct pending *p, double background, struct report to)
{
    struct verdicts before = {mem_array(npoints(j) + 1, sizeof *before.list), 0};
    struct verdicts after = {mem_array(npoints(j) + 1, sizeof *after.list), 0};
    pending_means(j, p, j->scratch);
    judge_with(j, p, &p->background, &before);
    judge_with(j, p, &background, &after);
    p->background = background;
    for (size_t i = 0; i < before.n && i < after.n; i++)
        tell_corrected(j, p->limit, &before.list[i], &after.list[i], to);
    mem_free(before.list);
    mem_free(after.list);
}

void judge_late(struct judge *j, judge_sink sink, void *arg)
{
    for (size_t i = 0; i < j->npending; i++) {
        struct pending *p = &j->pending[i];
        double background = p->judged && !p->day ? background_of(j, p) : NAN;
        if (!isnan(background) && background != p->background)
            judge_again(j, p, background, (struct report){sink, arg});
    }
}
