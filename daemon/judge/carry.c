/* Reload: what is known of the points and limits that stay goes over to a judge of another configuration. */
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/history.h"
#include "daemon/judge/inside.h"
#include "daemon/judge/quality.h"
#include "daemon/judge/spike.h"

#include <string.h>

static void carry_tallies(struct tally *to, const struct tally *from, const struct config *c,
                          const int *before)
{
    for (int i = 0; to && i < c->npoints; i++)
        if (before[i] >= 0)
            to[i] = from[before[i]];
}

static void carry_window(struct window *to, const struct window *from, const struct config *c,
                         const int *before)
{
    struct window kept = *to;
    *to = *from;
    to->tallies = kept.tallies;
    to->hourly = kept.hourly;
    carry_tallies(to->tallies, from->tallies, c, before);
    carry_tallies(to->hourly, from->hourly, c, before);
}

/* Means in the new order of points; NULL stays NULL. The caller frees them. */
static struct mean *carry_means(const struct judge *j, const struct mean *from, const int *before)
{
    struct mean *means = from ? mem_array(npoints(j), sizeof *means) : NULL;
    for (int i = 0; means && i < j->config->npoints; i++)
        means[i] = before[i] >= 0 ? from[before[i]] : tally_mean(&(struct tally){0}, 1);
    return means;
}

/* What waits for a sink. */
static void carry_closed(struct judge *j, const struct closed *from, const int *before)
{
    struct closed w = *from;
    w.means = carry_means(j, from->means, before);
    w.hourly = carry_means(j, from->hourly, before);
    wait_for_sink(j, &w);
    mem_free(w.means);
    mem_free(w.hourly);
}

/* The limit of that id, -1 when it is no more. */
static int limit_after(const struct config *c, const char *id)
{
    for (int i = 0; i < c->nlimits; i++)
        if (strcmp(c->limits[i].id, id) == 0)
            return i;
    return -1;
}

static void carry_limit(struct judge *j, int limit, const struct judge *was, int from, const int *before)
{
    struct limit_state *to = states_of(j, limit), *of = states_of(was, from);
    to[npoints(j)] = of[npoints(was)];
    for (int i = 0; i < j->config->npoints; i++)
        if (before[i] >= 0)
            to[i] = of[before[i]];
}

/* A limit that is another now is that of the windows to come: those that were judged are not judged again. */
bool same_limit(const struct limit *a, const struct limit *b)
{
    return a->window_ms == b->window_ms && a->compare == b->compare && a->over == b->over &&
           a->value == b->value && a->round == b->round && a->cap == b->cap && a->release == b->release &&
           a->stages == b->stages && a->uncovered == b->uncovered && a->minus == b->minus &&
           a->allowed == b->allowed && a->hours.from_min == b->hours.from_min &&
           a->hours.to_min == b->hours.to_min && strcmp(a->role, b->role) == 0;
}

static int point_after(const struct judge *j, int was, const int *before)
{
    for (int i = 0; i < j->config->npoints; i++)
        if (before[i] == was)
            return i;
    return -1;
}

struct said *carry_said(const struct judge *j, int limit, const struct judge *was, const struct pending *from,
                        const int *before)
{
    size_t n = pending_slots(j, limit);
    struct said *said = from->said ? mem_array(n, sizeof *said) : NULL;
    for (size_t i = 0; said && i < pending_slots(was, from->limit); i++) {
        size_t at = pending_point(was, from->limit, i);
        for (size_t k = 0; k < n; k++) {
            size_t point = pending_point(j, limit, k);
            if (at == npoints(was) ? point == npoints(j) : point < npoints(j) && before[point] == (int)at) {
                said[k] = from->said[i];
                said[k].point = said[k].point < 0 ? -1 : point_after(j, said[k].point, before);
            }
        }
    }
    return said;
}

static void carry_pending(struct judge *j, int limit, const struct judge *was, const struct pending *from,
                          const int *before)
{
    struct pending p = *from;
    if (p.judged && !same_limit(&was->config->limits[p.limit], &j->config->limits[limit]))
        return;
    if (!p.day)
        pending_means(was, from, was->scratch);
    p.limit = limit;
    p.means = carry_means(j, p.day ? NULL : was->scratch, before);
    p.said = carry_said(j, limit, was, from, before);
    pending_add(j, &p);
    pending_free(&p);
}

static void carry_limits(struct judge *j, const struct judge *was, const int *before)
{
    for (int i = 0; i < was->config->nlimits; i++) {
        int limit = limit_after(j->config, was->config->limits[i].id);
        if (limit >= 0)
            carry_limit(j, limit, was, i, before);
    }
    for (size_t i = 0; i < was->npending; i++) {
        int limit = limit_after(j->config, was->config->limits[was->pending[i].limit].id);
        if (limit >= 0)
            carry_pending(j, limit, was, &was->pending[i], before);
    }
}

struct judge *judge_carry(const struct judge *was, const struct config *c, const int *before)
{
    struct judge *j = judge_create(c);
    j->facts = was->facts;
    carry_tallies(j->minute, was->minute, c, before);
    for (int i = 0; i < j->nwindows; i++) {
        const struct window *from = window_of(was, j->windows[i].length_ms);
        if (from)
            carry_window(&j->windows[i], from, c, before);
    }
    for (size_t i = 0; i < was->nwaiting; i++)
        carry_closed(j, &was->waiting[i], before);
    carry_limits(j, was, before);
    annual_carry(j, was, before);
    history_carry(j->history, was->history, before);
    quality_carry(j->doubts, was->doubts, before);
    for (int i = 0; i < c->npoints; i++)
        if (before[i] >= 0)
            j->spikes[i] = was->spikes[before[i]];
    j->known = mem_array(was->nknown, sizeof *j->known);
    if (was->nknown)
        memcpy(j->known, was->known, was->nknown * sizeof *j->known);
    j->nknown = was->nknown;
    j->known_at_feed = was->known_at_feed;
    return j;
}
