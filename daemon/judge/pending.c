/* Windows of limits that look at more than their own minutes: at a background, at the stage of the work, at
 * the windows before. They are judged in order, each when what it waits for has come, so that what a limit
 * remembers does not depend on when that was; and kept for as long as what was told of that time may change.
 * Then they are judged again from there on (rejudge.c). */
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/inside.h"
#include "daemon/judge/window.h"

#include <math.h>
#include <string.h>

bool pending_keeps(const struct limit *l)
{
    return l->minus || l->stages || l->release > 0;
}

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
    if (j->npending == j->pending_room) {
        j->pending_room = j->pending_room ? j->pending_room * 2 : 64;
        j->pending = mem_resize(j->pending, j->pending_room, sizeof *j->pending);
    }
    struct pending *copy = &j->pending[j->npending++];
    *copy = *p;
    if (p->day)
        return;
    copy->means = mem_array(count_points(j, p->limit), sizeof *copy->means);
    gather(j, copy, p->means);
    copy->said = mem_array(pending_slots(j, p->limit), sizeof *copy->said);
    if (p->said)
        memcpy(copy->said, p->said, pending_slots(j, p->limit) * sizeof *copy->said);
}

/* --- what was said of them: of each of those points, or of the site --- */

size_t pending_slots(const struct judge *j, int limit)
{
    return j->config->limits[limit].over == OVER_EACH ? count_points(j, limit) : 1;
}

/* The point of that slot, the site (npoints) of a limit over several. */
size_t pending_point(const struct judge *j, int limit, size_t slot)
{
    const struct limit *l = &j->config->limits[limit];
    for (size_t i = 0; i < npoints(j) && l->over == OVER_EACH; i++)
        if (limit_is_about(j->config, l, (int)i) && slot-- == 0)
            return i;
    return npoints(j);
}

size_t pending_slot(const struct judge *j, const struct judge_event *e)
{
    size_t slot = 0;
    for (int i = 0; e->limit->over == OVER_EACH && i < e->point; i++)
        slot += limit_is_about(j->config, e->limit, i);
    return slot;
}

struct said said_by(const struct judge_event *e)
{
    return (struct said){.told = true,
                         .verdict = (uint8_t)e->verdict,
                         .point = e->point,
                         .n = e->mean.n,
                         .compared = e->compared,
                         .mean = e->mean.mean};
}

void said_note(struct said *s, const struct judge_event *e)
{
    bool in_force = s->in_force;
    *s = said_by(e);
    s->in_force = in_force;
}

/* --- their turn --- */

static double background_of(const struct judge *j, const struct pending *p)
{
    const struct limit *l = &j->config->limits[p->limit];
    return l->minus ? facts_background(j->facts, l->role, p->start_ms, p->length_ms) : NAN;
}

static enum stage stage_of(const struct judge *j, const struct pending *p)
{
    return j->config->limits[p->limit].stages ? facts_stage(j->facts, p->start_ms) : STAGE_UNKNOWN;
}

void pending_look(const struct judge *j, struct pending *p)
{
    p->background = background_of(j, p);
    p->stage = stage_of(j, p);
}

bool pending_differs(const struct judge *j, const struct pending *p)
{
    double background = background_of(j, p);
    return p->judged && !p->day &&
           (stage_of(j, p) != p->stage || (!isnan(background) && background != p->background));
}

/* Whether it can be judged now: an earlier one of its limit must not wait. */
static bool is_ready(const struct judge *j, const struct pending *p, size_t earlier, int64_t now_ms)
{
    const struct limit *l = &j->config->limits[p->limit];
    for (size_t i = j->nsettled; i < earlier; i++)
        if (j->pending[i].limit == p->limit && !j->pending[i].judged)
            return false;
    return p->told || p->day || !l->minus || now_ms - l->background_wait_ms >= p->start_ms + p->length_ms ||
           !isnan(background_of(j, p));
}

struct settling {
    struct judge *j;
    struct pending *p;
    struct report to;
};

static void hear(const struct judge_event *e, void *arg)
{
    struct settling *s = arg;
    if (e->kind == JUDGE_VERDICT && !e->count.of)
        said_note(&s->p->said[pending_slot(s->j, e)], e);
    s->to.sink(e, s->to.arg);
}

/* That the limit could not be kept was told while the window ran, and since then that it is not for this
 * stage of the work. */
static void take_back(struct judge *j, struct pending *p, struct report to)
{
    for (size_t i = 0; i < pending_slots(j, p->limit); i++) {
        size_t at = pending_point(j, p->limit, i);
        struct said lost = {.verdict = VERDICT_BREACH, .point = at < npoints(j) ? (int)at : -1};
        if (!p->said[i].told && states_of(j, p->limit)[at].lost_ms == p->start_ms + 1)
            pending_void(j, p, &lost, to);
    }
}

static void settle(struct judge *j, struct pending *p, struct report to)
{
    struct settling s = {j, p, {p->told ? judge_mute : to.sink, to.arg}};
    struct judging with = judging_of(j, states_of(j, p->limit), hear, &s);
    const struct limit *l = &j->config->limits[p->limit];
    p->judged = true;
    if (p->day) {
        limit_judge_day(&with, l, p->start_ms);
        return;
    }
    pending_look(j, p);
    for (size_t i = 0; i < pending_slots(j, p->limit); i++)
        p->said[i].in_force = with.states[pending_point(j, p->limit, i)].in_force;
    pending_means(j, p, j->scratch);
    struct judge_event event = {.start_ms = p->start_ms, .length_ms = p->length_ms, .means = j->scratch};
    limit_judge(&with, l, &event);
    take_back(j, p, s.to);
}

/* A day's count is kept by its limit; and nothing comes later than INPUT_LATE_DAYS. */
static bool is_over(const struct pending *p, int64_t now_ms)
{
    return p->judged &&
           (p->day || now_ms - INPUT_LATE_DAYS * (int64_t)CLOCK_DAY_MS > p->start_ms + p->length_ms);
}

void pending_free(struct pending *p)
{
    mem_free(p->means);
    mem_free(p->said);
}

/* Once an hour: most are kept for days. */
static void forget(struct judge *j, int64_t now_ms)
{
    size_t kept = 0;
    if (now_ms < j->forget_ms)
        return;
    j->forget_ms = now_ms < INT64_MAX - CLOCK_HOUR_MS ? now_ms + CLOCK_HOUR_MS : now_ms;
    for (size_t i = 0; i < j->npending; i++) {
        if (is_over(&j->pending[i], now_ms))
            pending_free(&j->pending[i]);
        else
            j->pending[kept++] = j->pending[i];
    }
    j->npending = kept;
    j->nsettled = 0;
}

void pending_turn(struct judge *j, int64_t now_ms, struct report to)
{
    if (!to.sink)
        return;
    for (size_t i = j->nsettled; i < j->npending; i++)
        if (!j->pending[i].judged && is_ready(j, &j->pending[i], i, now_ms))
            settle(j, &j->pending[i], to);
    forget(j, now_ms);
    while (j->nsettled < j->npending && j->pending[j->nsettled].judged)
        j->nsettled++;
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
