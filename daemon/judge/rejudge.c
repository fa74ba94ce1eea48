/* Windows that are judged once more, because of an input that came late or minutes that turned out to be no
 * measurement: from the first that it changes on, in order, so that what a limit remembers from window to
 * window is what it would have been. What says something else now than what was told is told, `corrects`. */
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/inside.h"
#include "daemon/sample.h"

#include <math.h>

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

/* Whether a row of the one would say what a row of the other does. */
static bool says_the_same(const struct said *a, const struct judge_event *b)
{
    return a->verdict == b->verdict && a->point == b->point && a->n == b->mean.n &&
           same_number(a->compared, b->compared) && same_number(a->mean, b->mean.mean);
}

bool tell_corrected(struct judge *j, const struct said *before, struct judge_event *after, struct report to)
{
    const struct limit *l = after->limit;
    struct judging with = judging_of(j, states_of(j, (int)(l - j->config->limits)), to.sink, to.arg);
    if (before->told && says_the_same(before, after))
        return false;
    after->corrects = before->told;
    after->late = !before->told;
    after->was = (enum verdict)before->verdict;
    to.sink(after, to.arg);
    if (l->allowed && before->told)
        limit_recount(&with, l, (enum verdict)before->verdict, after);
    return true;
}

void pending_void(struct judge *j, const struct pending *p, const struct said *was, struct report to)
{
    struct judge_event e = {.kind = JUDGE_VERDICT,
                            .start_ms = p->start_ms,
                            .length_ms = p->length_ms,
                            .limit = &j->config->limits[p->limit],
                            .point = was->point,
                            .verdict = VERDICT_VOID,
                            .mean = {NAN, NAN, NAN, 0, 0, QUALITY_NORMAL, 0},
                            .compared = NAN,
                            .background = NAN,
                            .stage = p->stage,
                            .why = "the limit is not for this stage of the work",
                            .corrects = true,
                            .was = (enum verdict)was->verdict};
    to.sink(&e, to.arg);
}

struct verdicts {
    const struct judge *j;
    struct judge_event *list; /* by slot */
    bool *is;
};

static void keep_verdict(const struct judge_event *e, void *arg)
{
    struct verdicts *v = arg;
    if (e->kind != JUDGE_VERDICT || e->count.of)
        return;
    size_t slot = pending_slot(v->j, e);
    v->list[slot] = *e;
    v->is[slot] = true;
}

/* `states`: what the limit remembers before this window, afterwards what after it. */
static void judge_once_more(struct judge *j, struct pending *p, struct limit_state *states, struct report to)
{
    size_t n = pending_slots(j, p->limit);
    struct verdicts now = {j, mem_array(n, sizeof *now.list), mem_array(n, sizeof *now.is)};
    struct judging with = judging_of(j, states, keep_verdict, &now);
    struct judge_event event = {.start_ms = p->start_ms, .length_ms = p->length_ms, .means = j->scratch};
    pending_look(j, p);
    for (size_t i = 0; i < n; i++)
        p->said[i].in_force = states[pending_point(j, p->limit, i)].in_force;
    pending_means(j, p, j->scratch);
    limit_judge(&with, &j->config->limits[p->limit], &event);
    for (size_t i = 0; i < n; i++) {
        if (now.is[i] && tell_corrected(j, &p->said[i], &now.list[i], to))
            said_note(&p->said[i], &now.list[i]);
        if (!now.is[i] && p->said[i].told)
            pending_void(j, p, &p->said[i], to);
        p->said[i].told = now.is[i];
    }
    mem_free(now.list);
    mem_free(now.is);
}

void pending_again(struct judge *j, size_t from, struct report to)
{
    int limit = j->pending[from].limit;
    struct limit_state *states = mem_array(npoints(j) + 1, sizeof *states), *live = states_of(j, limit);
    for (size_t i = 0; i < pending_slots(j, limit); i++)
        states[pending_point(j, limit, i)].in_force = j->pending[from].said[i].in_force;
    for (size_t i = from; i < j->npending; i++)
        if (j->pending[i].limit == limit && j->pending[i].judged && !j->pending[i].day)
            judge_once_more(j, &j->pending[i], states, to);
    for (size_t i = 0; i <= npoints(j); i++)
        live[i].in_force = states[i].in_force;
    mem_free(states);
}

void judge_late(struct judge *j, judge_sink sink, void *arg)
{
    for (int limit = 0; limit < j->config->nlimits; limit++)
        for (size_t i = 0; i < j->npending; i++)
            if (j->pending[i].limit == limit && pending_differs(j, &j->pending[i])) {
                pending_again(j, i, (struct report){sink, arg});
                break;
            }
}
