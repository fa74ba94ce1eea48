#include "daemon/unsaid.h"

#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/dustd.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/quality.h"
#include "daemon/judging.h"
#include "daemon/required.h"

#include <string.h>

struct unsaid_event {
    struct judge_event event;
    struct quality_finding finding; /* JUDGE_QUALITY */
    struct mean mean;               /* JUDGE_WINDOW: of its point */
};

static bool is_same_window(const struct judge_event *a, const struct judge_event *b)
{
    bool same_point = a->point == b->point || (a->limit && a->limit->over == OVER_MAX);
    return a->kind == b->kind && a->kind != JUDGE_QUALITY && a->limit == b->limit &&
           a->start_ms == b->start_ms && a->length_ms == b->length_ms && same_point;
}

/* The place of the word before on this window, of which the journal has not heard; else a new one. */
static struct unsaid_event *place_for(struct unsaid *u, const struct judge_event *event)
{
    for (size_t i = 0; i < u->n; i++)
        if (is_same_window(&u->list[i].event, event))
            return &u->list[i];
    u->list = mem_resize(u->list, u->n + 1, sizeof *u->list);
    struct unsaid_event *new = &u->list[u->n++];
    *new = (struct unsaid_event){.event = *event};
    return new;
}

bool unsaid_keep(struct dustd *d, const struct judge_event *event)
{
    bool again = event->corrects || event->late || event->kind == JUDGE_QUALITY;
    if (!d->shed.refused || !again || event->running)
        return false;
    struct unsaid_event *kept = place_for(&d->unsaid, event);
    struct judge_event first = kept->event;
    kept->event = *event;
    kept->event.corrects = first.corrects; /* what the journal has is that which the first one corrects */
    kept->event.late = first.late;
    kept->event.was = first.was;
    if (event->kind == JUDGE_QUALITY)
        kept->finding = *event->finding;
    if (event->kind == JUDGE_WINDOW)
        kept->mean = event->means[event->point];
    return true;
}

static void say(struct dustd *d, struct unsaid_event *u)
{
    if (u->event.late && u->event.verdict == VERDICT_VOID)
        return; /* never said, and taken back */
    struct mean *means = mem_array((size_t)d->config->npoints, sizeof *means);
    if (u->event.kind == JUDGE_WINDOW)
        means[u->event.point] = u->mean;
    u->event.means = means;
    u->event.finding = &u->finding;
    judging_say(d, &u->event);
    mem_free(means);
}

void unsaid_say(struct dustd *d)
{
    struct unsaid u = d->unsaid;
    d->unsaid = (struct unsaid){0};
    d->shed.refused = false; /* what is said now has room */
    for (size_t i = 0; i < u.n; i++)
        say(d, &u.list[i]);
    unsaid_finish(&u);
    required_catch_up(d);
}

static const struct limit *limit_after(const struct config *is, const struct limit *was)
{
    for (int i = 0; was && i < is->nlimits; i++)
        if (strcmp(is->limits[i].id, was->id) == 0)
            return &is->limits[i];
    return NULL;
}

static int point_after(const struct config *is, int was, const int *before)
{
    for (int i = 0; i < is->npoints; i++)
        if (before[i] == was)
            return i;
    return -1;
}

void unsaid_carry(struct dustd *d, const struct config *is, const int *before)
{
    struct unsaid *u = &d->unsaid;
    size_t kept = 0;
    for (size_t i = 0; i < u->n; i++) {
        struct unsaid_event e = u->list[i];
        const struct limit *limit = limit_after(is, e.event.limit);
        int point = e.event.point < 0 ? -1 : point_after(is, e.event.point, before);
        if ((e.event.limit && !limit) || (e.event.point >= 0 && point < 0))
            continue;
        e.event.limit = limit;
        e.event.point = e.finding.point = point;
        u->list[kept++] = e;
    }
    u->n = kept;
}

void unsaid_finish(struct unsaid *u)
{
    mem_free(u->list);
    *u = (struct unsaid){0};
}
