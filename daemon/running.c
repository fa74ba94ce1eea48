/* The limits' running windows: what each comes to so far, by the arithmetic that will judge it. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/annual.h"
#include "daemon/judge/limit.h"
#include "daemon/required.h"
#include "daemon/running.h"
#include "daemon/sample.h"

static json_t *window_json(const struct dustd *d, const struct judge_event *e)
{
    const struct limit *l = e->limit;
    json_t *j =
        json_pack("{s:s,s:{s:s,s:s},s:I,s:s,s:f,s:s}", "limit", l->id, "title", "zh", l->title_zh, "en",
                  l->title_en, "window_s", (json_int_t)(e->length_ms / CLOCK_SECOND_MS), "compare",
                  l->compare == COMPARE_REACHES ? ">=" : ">", "value", l->value, "unit", l->unit);
    if (e->point >= 0)
        json_object_set_new(j, "point", json_string(d->config->points[e->point].name));
    if (!e->start_ms)
        return j;
    json_object_set_new(j, "start", json_integer(e->start_ms));
    json_object_set_new(j, "verdict", json_string(verdict_str(e->verdict)));
    if (e->why && e->why[0])
        json_object_set_new(j, "why", json_string(e->why));
    if (e->mean.n) {
        json_object_set_new(j, "mean", json_real(e->mean.mean));
        json_object_set_new(j, "min", json_real(e->mean.min));
        json_object_set_new(j, "max", json_real(e->mean.max));
    }
    json_object_set_new(j, "n", json_integer(e->mean.n));
    json_object_set_new(j, "of", json_integer(e->mean.of));
    json_object_set_new(j, "q", json_stringn((const char[]){(char)e->mean.quality}, 1));
    return j;
}

struct into {
    const struct dustd *d;
    json_t *list;
};

static void add_window(const struct judge_event *e, void *arg)
{
    struct into *into = arg;
    json_array_append_new(into->list, window_json(into->d, e));
}

static bool running(const struct judge *j, int point, const struct limit *limit, struct judge_event *window,
                    struct mean *so_far)
{
    if (limit_is_annual(limit))
        return annual_running(j, point, limit, &window->start_ms, &window->length_ms, so_far);
    return judge_running(j, point, limit->window_ms, &window->start_ms, so_far);
}

/* The limit's window so far; without a start where no minute of it has been closed yet. */
static void add_limit(struct into *into, const struct limit *limit, struct mean *means)
{
    const struct config *c = into->d->config;
    struct judge_event window = {.length_ms = limit->window_ms, .means = means};
    for (int i = 0; i < c->npoints; i++)
        if (!running(into->d->judge, i, limit, &window, &means[i]))
            means[i] = (struct mean){.quality = QUALITY_FAULT};
    int64_t at_ms = window.start_ms ? window.start_ms : into->d->minute_ms;
    struct judging with = {
        .config = c, .facts = required_facts(into->d->required), .sink = add_window, .arg = into};
    if (limit_holds(c, limit, at_ms))
        limit_judge(&with, limit, &window);
}

json_t *running_json(const struct dustd *d)
{
    struct mean *means = mem_array((size_t)d->config->npoints, sizeof *means);
    struct into into = {d, json_array()};
    for (int i = 0; i < d->config->nlimits; i++)
        add_limit(&into, &d->config->limits[i], means);
    mem_free(means);
    return into.list;
}
