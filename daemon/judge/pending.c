/* Windows of limits on the difference to a background wait for it, in order, so that what a limit remembers
 * from window to window does not depend on when the background came. */
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/judge/inside.h"

#include <math.h>
#include <string.h>

void pending_add(struct judge *j, const struct pending *p)
{
    j->pending = mem_resize(j->pending, j->npending + 1, sizeof *j->pending);
    struct pending *copy = &j->pending[j->npending++];
    *copy = *p;
    if (!p->means)
        return;
    copy->means = mem_array(npoints(j), sizeof *copy->means);
    memcpy(copy->means, p->means, npoints(j) * sizeof *copy->means);
}

/* Whether it can be judged now: an earlier one of its limit must not wait. */
static bool is_ready(const struct judge *j, const struct pending *p, size_t earlier, int64_t now_ms)
{
    const struct limit *l = &j->config->limits[p->limit];
    for (size_t i = 0; i < earlier; i++)
        if (j->pending[i].limit == p->limit)
            return false;
    return p->told || p->day || now_ms - l->background_wait_ms >= p->start_ms + p->length_ms ||
           !isnan(facts_background(j->facts, l->role, p->start_ms, p->length_ms));
}

static void settle(struct judge *j, const struct pending *p, struct report to)
{
    struct judging with = {j->config, j->facts, states_of(j, p->limit), to.sink, to.arg};
    struct judge_event event = {.start_ms = p->start_ms, .length_ms = p->length_ms, .means = p->means};
    if (p->told)
        with.sink = judge_mute;
    if (p->day)
        limit_judge_day(&with, &j->config->limits[p->limit], p->start_ms);
    else
        limit_judge(&with, &j->config->limits[p->limit], &event);
    mem_free(p->means);
}

void pending_turn(struct judge *j, int64_t now_ms, struct report to)
{
    size_t kept = 0;
    for (size_t i = 0; to.sink && i < j->npending; i++) {
        struct pending p = j->pending[i];
        if (is_ready(j, &p, kept, now_ms))
            settle(j, &p, to);
        else
            j->pending[kept++] = p;
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
        if (j->pending[i].limit == limit && j->pending[i].start_ms == start_ms)
            return true;
    return false;
}
