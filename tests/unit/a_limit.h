/* A site of one point and one limit, judged minute by minute. */
#ifndef DUST_TEST_A_LIMIT_H
#define DUST_TEST_A_LIMIT_H

#include "daemon/judge/limit.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/judge.h"
#include "drivers/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS, DAY = CLOCK_DAY_MS, QUARTER = 15 * MINUTE };
enum { EVENTS_MAX = 1000 };
static const int64_t midnight = 1773417600000; /* 2026-03-14T00:00+08:00 */

struct site {
    struct device device;
    struct point pm10;
    struct config_point points[1];
    struct limit limit;
    struct config config;
    struct facts *facts;
    struct judge *judge;
    int64_t next_ms;
    struct judge_event heard[EVENTS_MAX];
    int nheard;
};

static inline void hear(const struct judge_event *e, void *arg)
{
    struct site *s = arg;
    if (e->kind == JUDGE_WINDOW)
        return;
    assert_true(s->nheard < EVENTS_MAX);
    s->heard[s->nheard++] = *e;
}

static inline int setup(void **state)
{
    struct site *s = mem_new(struct site);
    s->device = (struct device){.name = "gate", .period_ms = 1000};
    s->pm10 = (struct point){.name = "pm10", .role = "pm10", .unit = "ug/m3"};
    s->points[0] = (struct config_point){&s->device, &s->pm10, "gate/pm10"};
    s->limit = (struct limit){.id = "test/limit",
                              .role = "pm10",
                              .window_ms = HOUR,
                              .compare = COMPARE_OVER,
                              .value = 80,
                              .unit = "ug/m3",
                              .informs = true,
                              .valid_from_ms = INT64_MIN,
                              .valid_to_ms = INT64_MAX};
    s->config = (struct config){.points = s->points, .npoints = 1, .limits = &s->limit, .nlimits = 1};
    s->config.site.zone_min = 480;
    s->facts = facts_create();
    s->next_ms = midnight;
    *state = s;
    return 0;
}

static inline int teardown(void **state)
{
    struct site *s = *state;
    judge_destroy(s->judge);
    facts_destroy(s->facts);
    mem_free(s);
    return 0;
}

static inline void open_judge(struct site *s)
{
    judge_destroy(s->judge);
    s->judge = judge_create(&s->config);
    judge_know(s->judge, s->facts);
}

/* As many minutes of that mean; NaN: no communication. */
static inline void feed(struct site *s, int minutes, double mean)
{
    if (!s->judge)
        open_judge(s);
    for (; minutes > 0; minutes--, s->next_ms += MINUTE) {
        struct mean m = {mean, mean, mean, 60, 60, isnan(mean) ? 'B' : 'N', 0};
        m.n = isnan(mean) ? 0 : 60;
        judge_feed(s->judge, s->next_ms, &m, hear, s);
    }
}

static inline const struct judge_event *last(const struct site *s)
{
    assert_true(s->nheard > 0);
    return &s->heard[s->nheard - 1];
}

/* The verdict of one window of that mean. */
static inline enum verdict of(struct site *s, double mean)
{
    feed(s, (int)(s->limit.window_ms / MINUTE), mean);
    return last(s)->verdict;
}

static inline int told(const struct site *s, enum judge_event_kind kind, int64_t length_ms)
{
    int n = 0;
    for (int i = 0; i < s->nheard; i++)
        n += s->heard[i].kind == kind && s->heard[i].length_ms == length_ms;
    return n;
}

static inline void make_difference(struct site *s)
{
    s->limit.minus = true;
    s->limit.cap = 150;
    s->limit.background_wait_ms = 2 * HOUR;
}

#endif
