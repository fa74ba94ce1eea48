#include "daemon/judge/limit.h"

#include "daemon/judge/window.h"

#include <string.h>

static bool has_role(const struct config *c, int point, const struct limit *limit)
{
    return strcmp(c->points[point].point->role, limit->role) == 0;
}

static enum verdict compare(const struct limit *limit, const struct mean *m)
{
    if (!mean_valid(m))
        return VERDICT_UNKNOWN;
    double value = round4(limit->value); /* a converted unit brings noise: 0.8 mg/m3 is 800 ug/m3 */
    if (limit->compare == COMPARE_REACHES ? m->mean >= value : m->mean > value)
        return VERDICT_BREACH;
    return m->quality == QUALITY_OVER_RANGE ? VERDICT_UNKNOWN : VERDICT_PASS;
}

static void tell(struct judge_event *event, int point, const struct mean *m, judge_sink sink, void *arg)
{
    event->point = point;
    event->mean = *m;
    event->verdict = compare(event->limit, m);
    sink(event, arg);
}

static void judge_each(const struct config *c, struct judge_event *event, judge_sink sink, void *arg)
{
    for (int i = 0; i < c->npoints; i++)
        if (has_role(c, i, event->limit))
            tell(event, i, &event->means[i], sink, arg);
}

/* Breach before unknown before pass; among equals the higher mean. */
static bool weighs_more(const struct limit *limit, const struct mean *a, const struct mean *b)
{
    static const int weight[] = {[VERDICT_PASS] = 0, [VERDICT_UNKNOWN] = 1, [VERDICT_BREACH] = 2};
    int x = weight[compare(limit, a)], y = weight[compare(limit, b)];
    return x != y ? x > y : a->mean > b->mean;
}

static void judge_max(const struct config *c, struct judge_event *event, judge_sink sink, void *arg)
{
    int top = -1;
    for (int i = 0; i < c->npoints; i++)
        if (has_role(c, i, event->limit) &&
            (top < 0 || weighs_more(event->limit, &event->means[i], &event->means[top])))
            top = i;
    if (top >= 0)
        tell(event, top, &event->means[top], sink, arg);
}

static void judge_mean(const struct config *c, struct judge_event *event, judge_sink sink, void *arg)
{
    struct tally site = {0};
    uint32_t of = 0;
    for (int i = 0; i < c->npoints; i++) {
        if (!has_role(c, i, event->limit))
            continue;
        tally_minute(&site, &event->means[i]);
        of++;
    }
    struct mean m = tally_mean(&site, of);
    if (of > 0)
        tell(event, -1, &m, sink, arg);
}

void limit_judge(const struct config *c, const struct limit *limit, const struct judge_event *window,
                 judge_sink sink, void *arg)
{
    static void (*const rules[])(const struct config *, struct judge_event *, judge_sink, void *) = {
        [OVER_EACH] = judge_each, [OVER_MEAN] = judge_mean, [OVER_MAX] = judge_max};
    struct judge_event event = *window;
    event.kind = JUDGE_VERDICT;
    event.limit = limit;
    rules[limit->over](c, &event, sink, arg);
}

const char *verdict_str(enum verdict v)
{
    static const char *const names[] = {
        [VERDICT_PASS] = "pass", [VERDICT_BREACH] = "breach", [VERDICT_UNKNOWN] = "unknown"};
    return names[v];
}
