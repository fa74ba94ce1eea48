#include "daemon/replay/tally.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/input.h"
#include "daemon/judge/window.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

/* How long the last word on a window or a limit's day is known, without and with a background that may come
 * late; and the same of a requirement's day. */
enum { TOLD_HOURS = 52, TOLD_LATE_HOURS = (INPUT_LATE_DAYS + 2) * 24, TOLD_DAYS = 16 };

struct told_word {
    int64_t start_ms; /* 0: none */
    enum verdict verdict;
};

/* A ring: the windows of all points, one beside the other. */
struct told_words {
    struct told_word *list;
    int64_t length_ms;
    size_t n;
};

struct told_day {
    int64_t day_ms; /* 0: none */
    enum verdict verdict;
    int64_t met, of, unknown;
};

static struct told_words words_create(const struct config *c, int64_t length_ms, int64_t reach_ms)
{
    size_t n = (size_t)(reach_ms / length_ms + 3) * ((size_t)c->npoints + 1);
    return (struct told_words){mem_array(n, sizeof(struct told_word)), length_ms, n};
}

struct tallies *tallies_create(const struct config *c)
{
    struct tallies *t = mem_new(struct tallies);
    t->config = c;
    t->limits = mem_array((size_t)c->nlimits + 1, sizeof *t->limits);
    t->requirements = mem_array((size_t)c->requirements.n + 1, sizeof *t->requirements);
    t->valid = mem_array((size_t)c->npoints + 1, sizeof *t->valid);
    t->told = mem_array((size_t)c->nlimits + 1, sizeof *t->told);
    t->told_days = mem_array((size_t)c->nlimits + 1, sizeof *t->told_days);
    for (int i = 0; i < c->nlimits; i++) {
        bool asks = c->limits[i].minus || c->limits[i].stages;
        int64_t reach_ms = (asks ? TOLD_LATE_HOURS : TOLD_HOURS) * (int64_t)CLOCK_HOUR_MS;
        t->told[i] = words_create(c, c->limits[i].window_ms, reach_ms);
        t->told_days[i] = words_create(c, CLOCK_DAY_MS, reach_ms);
    }
    t->days = mem_array((size_t)c->requirements.n * TOLD_DAYS + 1, sizeof *t->days);
    return t;
}

void tallies_destroy(struct tallies *t)
{
    if (!t)
        return;
    mem_free(t->limits);
    mem_free(t->requirements);
    mem_free(t->valid);
    for (int i = 0; i < t->config->nlimits; i++) {
        mem_free(t->told[i].list);
        mem_free(t->told_days[i].list);
    }
    mem_free(t->told);
    mem_free(t->told_days);
    mem_free(t->days);
    mem_free(t);
}

static struct told_word *place_of(const struct tallies *t, const struct judge_event *e)
{
    size_t limit = (size_t)(e->limit - t->config->limits);
    const struct told_words *w = e->count.of ? &t->told_days[limit] : &t->told[limit];
    size_t number = (size_t)(e->start_ms / w->length_ms) * ((size_t)t->config->npoints + 1);
    return &w->list[(number + (size_t)(e->point + 1)) % w->n];
}

bool tallies_event(struct tallies *t, const struct judge_event *e)
{
    struct limit_tally *of = &t->limits[e->limit - t->config->limits];
    if (e->kind == JUDGE_WARNING)
        of->warnings++;
    if (e->kind != JUDGE_VERDICT || e->running)
        return true;
    int64_t *counts = e->count.of ? of->days : of->windows;
    struct told_word *was = place_of(t, e);
    bool known = was->start_ms == e->start_ms;
    bool anew = !known || was->verdict != e->verdict;
    if (known)
        counts[was->verdict]--;
    of->corrected += known && anew;
    *was = (struct told_word){0};
    if (e->verdict == VERDICT_VOID) /* nothing is said of it any more */
        return anew;
    counts[e->verdict]++;
    *was = (struct told_word){e->start_ms, e->verdict};
    return anew;
}

void tallies_minute(struct tallies *t, const struct mean *means)
{
    t->minutes++;
    for (int i = 0; i < t->config->npoints; i++)
        t->valid[i] += mean_valid(&means[i]);
}

static enum verdict verdict_of(const char *text)
{
    for (int v = 0; text && v < TALLY_VERDICTS; v++)
        if (strcmp(verdict_str((enum verdict)v), text) == 0)
            return (enum verdict)v;
    return VERDICT_UNKNOWN;
}

static int requirement_of(const struct config *c, const char *name)
{
    for (int i = 0; i < c->requirements.n; i++)
        if (strcmp(c->requirements.list[i].name, name) == 0)
            return i;
    return -1;
}

static void add_day(struct requirement_tally *to, const struct told_day *day, int sign)
{
    to->days[day->verdict] += sign;
    to->met += sign * day->met;
    to->of += sign * day->of;
    to->unknown += sign * day->unknown;
}

void tallies_requirement(struct tallies *t, const char *name, const json_t *body)
{
    int i = requirement_of(t->config, name);
    if (i < 0)
        return;
    struct told_day day = {.day_ms = json_integer_value(json_object_get(body, "ts")),
                           .verdict = verdict_of(json_string_value(json_object_get(body, "verdict"))),
                           .met = json_integer_value(json_object_get(body, "num")),
                           .of = json_integer_value(json_object_get(body, "den")),
                           .unknown = json_integer_value(json_object_get(body, "unknown"))};
    struct told_day *was = &t->days[(int64_t)i * TOLD_DAYS + day.day_ms / CLOCK_DAY_MS % TOLD_DAYS];
    if (was->day_ms == day.day_ms)
        add_day(&t->requirements[i], was, -1);
    add_day(&t->requirements[i], &day, 1);
    *was = day;
}

/* --- JSON --- */

static json_t *verdicts_json(const int64_t *counts)
{
    json_t *j = json_object();
    for (int v = 0; v < TALLY_VERDICTS; v++)
        if (counts[v] || v < VERDICT_EXCEEDED)
            json_object_set_new(j, verdict_str((enum verdict)v), json_integer(counts[v]));
    return j;
}

static json_t *limits_json(const struct tallies *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->config->nlimits; i++) {
        const struct limit_tally *l = &t->limits[i];
        json_t *j = json_pack("{s:s,s:o,s:I,s:I}", "limit", t->config->limits[i].id, "windows",
                              verdicts_json(l->windows), "warnings", (json_int_t)l->warnings, "corrected",
                              (json_int_t)l->corrected);
        if (t->config->limits[i].allowed)
            json_object_set_new(j, "days", verdicts_json(l->days));
        json_array_append_new(list, j);
    }
    return list;
}

static json_t *requirements_json(const struct tallies *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->config->requirements.n; i++) {
        const struct requirement_tally *r = &t->requirements[i];
        json_array_append_new(list, json_pack("{s:s,s:o,s:I,s:I,s:I}", "requirement",
                                              t->config->requirements.list[i].name, "days",
                                              verdicts_json(r->days), "num", (json_int_t)r->met, "den",
                                              (json_int_t)r->of, "unknown", (json_int_t)r->unknown));
    }
    return list;
}

static json_t *points_json(const struct tallies *t)
{
    json_t *list = json_array();
    for (int i = 0; i < t->config->npoints; i++)
        if (!t->config->points[i].point->watch)
            json_array_append_new(list,
                                  json_pack("{s:s,s:I,s:I}", "point", t->config->points[i].name, "valid",
                                            (json_int_t)t->valid[i], "of", (json_int_t)t->minutes));
    return list;
}

static json_t *unjudged_json(const struct config *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->nunjudged; i++)
        json_array_append_new(
            list, json_pack("{s:s,s:s}", "limit", c->unjudged[i].id, "role", c->unjudged[i].role));
    return list;
}

json_t *tallies_json(const struct tallies *t)
{
    return json_pack("{s:I,s:I,s:I,s:o,s:o,s:o,s:o}", "minutes", (json_int_t)t->minutes, "issues",
                     (json_int_t)t->issues, "findings", (json_int_t)t->findings, "limits", limits_json(t),
                     "requirements", requirements_json(t), "points", points_json(t), "unjudged",
                     unjudged_json(t->config));
}
