/* From samples to verdicts: windows, limits, restart. */
#include "daemon/judge/judge.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/sample.h"
#include "drivers/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { POINTS = 3, LIMITS = 4, MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS, DAY = CLOCK_DAY_MS };
enum { QUARTER = 15 * MINUTE, EVENTS_MAX = 40000 };

/* 2026-03-14T00:00+08:00: a midnight of the site, 16:00 UTC */
static const int64_t midnight = 1773417600000;

/* A site of three points: two PM10 meters and one wind; limits are set by the test. */
struct site {
    struct device device;
    struct point pm10, wind;
    struct config_point points[POINTS];
    struct limit limits[LIMITS];
    struct config config;
    struct judge *judge;
};

struct heard {
    struct judge_event events[EVENTS_MAX];
    struct mean means[EVENTS_MAX][POINTS];
    int n;
};

static struct heard heard; /* of the running test; its setup empties it */

static void hear(const struct judge_event *event, void *arg)
{
    struct heard *h = arg;
    assert_true(h->n < EVENTS_MAX);
    h->events[h->n] = *event;
    if (event->means)
        memcpy(h->means[h->n], event->means, sizeof h->means[0]);
    h->n++;
}

static struct limit a_limit(int64_t window_ms, enum limit_compare compare, double value, enum limit_over over)
{
    return (struct limit){.id = "test/limit",
                          .role = "pm10",
                          .window_ms = window_ms,
                          .compare = compare,
                          .value = value,
                          .unit = "ug/m3",
                          .over = over,
                          .informs = true, /* test_ahead.c looks at windows that run */
                          .valid_from_ms = INT64_MIN,
                          .valid_to_ms = INT64_MAX};
}

static void open_judge(struct site *s)
{
    judge_destroy(s->judge);
    s->judge = judge_create(&s->config);
}

static int setup(void **state)
{
    struct site *s = mem_new(struct site);
    s->device = (struct device){.name = "gate", .period_ms = 1000};
    s->pm10 = (struct point){.name = "pm10", .role = "pm10", .unit = "ug/m3"};
    s->wind = (struct point){.name = "wind", .role = "wind_speed", .unit = "m/s"};
    s->points[0] = (struct config_point){&s->device, &s->pm10, "gate/pm10"};
    s->points[1] = (struct config_point){&s->device, &s->wind, "gate/wind"};
    s->points[2] = (struct config_point){&s->device, &s->pm10, "yard/pm10"};
    s->config.points = s->points;
    s->config.npoints = POINTS;
    s->config.limits = s->limits;
    s->config.site.zone_min = 480;
    heard.n = 0;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct site *s = *state;
    judge_destroy(s->judge);
    mem_free(s);
    return 0;
}

static void with_limit(struct site *s, struct limit limit)
{
    s->limits[s->config.nlimits++] = limit;
    open_judge(s);
}

static struct mean valid(double mean)
{
    return (struct mean){.mean = mean, .min = mean, .max = mean, .n = 60, .of = 60, .quality = 'N'};
}

static struct mean failed(enum quality quality)
{
    return (struct mean){.mean = NAN, .min = NAN, .max = NAN, .of = 60, .quality = (uint8_t)quality};
}

static void feed(struct site *s, int64_t start_ms, struct mean gate, struct mean yard)
{
    const struct mean means[POINTS] = {gate, valid(2), yard};
    judge_feed(s->judge, start_ms, means, hear, &heard);
}

/* `minutes` minutes from start, the same of both meters. */
static void feed_run(struct site *s, int64_t start_ms, int minutes, struct mean both)
{
    for (int i = 0; i < minutes; i++)
        feed(s, start_ms + (int64_t)i * MINUTE, both, both);
}

static int count(enum judge_event_kind kind, int64_t length_ms)
{
    int n = 0;
    for (int i = 0; i < heard.n; i++)
        n += heard.events[i].kind == kind && heard.events[i].length_ms == length_ms;
    return n;
}

static const struct judge_event *verdict(int which)
{
    for (int i = 0; i < heard.n; i++)
        if (heard.events[i].kind == JUDGE_VERDICT && which-- == 0)
            return &heard.events[i];
    fail_msg("no such verdict");
    return NULL;
}

/* One hour: `enough` minutes of `both`, the rest without communication; the first verdict. */
static enum verdict hour_of(struct site *s, struct mean gate, int minutes)
{
    heard.n = 0;
    open_judge(s);
    for (int i = 0; i < 60; i++) {
        struct mean m = i < minutes ? gate : failed(QUALITY_NO_COMMUNICATION);
        feed(s, midnight + (int64_t)i * MINUTE, m, valid(1));
    }
    return verdict(0)->verdict;
}

static void samples_become_a_minute_and_the_next_one_starts_empty(void **state)
{
    struct site *s = *state;
    struct mean means[POINTS];
    open_judge(s);
    for (int i = 0; i < 60; i++) {
        judge_sample(s->judge, &(struct sample){.point = 0, .quality = 'N', .value = 100 + i % 2});
        judge_sample(s->judge, &(struct sample){.point = 2, .quality = 'B', .value = NAN});
    }
    judge_minute(s->judge, means);
    assert_float_equal(means[0].mean, 100.5, 0);
    assert_int_equal(means[0].quality, 'N');
    assert_int_equal(means[1].n, 0);
    assert_int_equal(means[1].quality, 'D');
    assert_int_equal(means[2].quality, 'B');
    judge_minute(s->judge, means);
    assert_int_equal(means[0].n, 0);
}

static void more_samples_than_due_raise_what_is_due(void **state)
{
    struct site *s = *state;
    struct mean means[POINTS];
    s->device.period_ms = 2000;
    open_judge(s);
    for (int i = 0; i < 40; i++)
        judge_sample(s->judge, &(struct sample){.point = 0, .quality = i < 29 ? 'N' : 'B', .value = 1});
    for (int i = 0; i < 23; i++)
        judge_sample(s->judge, &(struct sample){.point = 2, .quality = 'N', .value = 1});
    judge_minute(s->judge, means);
    assert_int_equal(means[0].of, 40);
    assert_int_equal(means[0].n, 29);
    assert_int_equal(means[0].quality, 'B');
    assert_int_equal(means[2].of, 30);
    assert_int_equal(means[2].quality, 'N');
}

static void a_sample_of_an_unknown_point_is_dropped(void **state)
{
    struct site *s = *state;
    open_judge(s);
    judge_sample(s->judge, &(struct sample){.point = POINTS, .quality = 'N', .value = 1});
    struct mean means[POINTS];
    judge_minute(s->judge, means);
    for (int i = 0; i < POINTS; i++)
        assert_int_equal(means[i].n, 0);
}

static void an_hour_is_told_with_its_last_minute_and_a_day_with_its_last_hour(void **state)
{
    struct site *s = *state;
    open_judge(s);
    feed_run(s, midnight, 59, valid(10));
    assert_int_equal(heard.n, 0);
    feed(s, midnight + 59 * MINUTE, valid(10), valid(10));
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.events[0].kind, JUDGE_WINDOW);
    assert_int_equal(heard.events[0].length_ms, HOUR);
    assert_int_equal(heard.events[0].start_ms, midnight);
    feed_run(s, midnight + HOUR, 23 * 60, valid(10));
    assert_int_equal(heard.n, 25);
    assert_int_equal(heard.events[24].length_ms, DAY);
    assert_int_equal(heard.means[24][0].n, 1440);
    assert_int_equal(heard.means[24][0].of, 1440);
}

static void a_day_is_cut_at_the_sites_midnight(void **state)
{
    struct site *s = *state;
    s->config.site.zone_min = 0; /* the same minutes where midnight is 8 hours later */
    open_judge(s);
    feed_run(s, midnight, 24 * 60, valid(10));
    assert_int_equal(count(JUDGE_WINDOW, DAY), 1);
    for (int i = 0; i < heard.n; i++)
        if (heard.events[i].length_ms == DAY)
            assert_int_equal(heard.events[i].start_ms, midnight - 16 * HOUR);
}

static void other_lengths_are_told_only_as_verdicts(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(QUARTER, COMPARE_REACHES, 250, OVER_EACH));
    feed_run(s, midnight, 60, valid(10));
    assert_int_equal(count(JUDGE_WINDOW, QUARTER), 0);
    assert_int_equal(count(JUDGE_VERDICT, QUARTER), 8); /* 4 windows of 2 points */
    assert_int_equal(count(JUDGE_WINDOW, HOUR), 1);
}

static void shorter_windows_come_first(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 250, OVER_EACH));
    with_limit(s, a_limit(QUARTER, COMPARE_REACHES, 250, OVER_EACH));
    feed_run(s, midnight, 24 * 60, valid(10));
    int64_t last[] = {QUARTER, QUARTER, HOUR, HOUR, HOUR, DAY};
    for (int i = 0; i < 6; i++)
        assert_int_equal(heard.events[heard.n - 6 + i].length_ms, last[i]);
    assert_int_equal(heard.events[heard.n - 4].kind, JUDGE_WINDOW);
}

static void reached_is_a_breach_of_a_limit_that_must_not_be_reached(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 250, OVER_EACH));
    assert_int_equal(hour_of(s, valid(249.9999), 60), VERDICT_PASS);
    assert_int_equal(hour_of(s, valid(250), 60), VERDICT_BREACH);
    assert_int_equal(hour_of(s, valid(250.0001), 60), VERDICT_BREACH);
}

static void reached_is_no_breach_of_a_limit_that_must_not_be_exceeded(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_OVER, 250, OVER_EACH));
    assert_int_equal(hour_of(s, valid(250), 60), VERDICT_PASS);
    assert_int_equal(hour_of(s, valid(250.0001), 60), VERDICT_BREACH);
}

/* 1.005 * 1000 is 1004.9999999999999: the limit is rounded like the mean before they are compared. */
static void no_binary_noise_decides_at_the_limit(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_OVER, 1.005 * 1000, OVER_EACH));
    assert_int_equal(hour_of(s, valid(1005), 60), VERDICT_PASS);
    s->limits[0] = a_limit(HOUR, COMPARE_REACHES, 70, OVER_EACH);
    for (int i = 0; i < 60; i++) { /* tenths that add up to 60 times 70 */
        double value = i % 2 ? 69.9 : 70.1;
        feed(s, midnight + HOUR + (int64_t)i * MINUTE, valid(value), valid(1));
    }
    assert_int_equal(verdict(2)->verdict, VERDICT_BREACH);
    assert_float_equal(verdict(2)->mean.mean, 70, 0);
}

static void below_three_quarters_there_is_neither_pass_nor_breach(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 250, OVER_EACH));
    assert_int_equal(hour_of(s, valid(900), 45), VERDICT_BREACH);
    assert_int_equal(hour_of(s, valid(900), 44), VERDICT_UNKNOWN);
    assert_int_equal(hour_of(s, valid(10), 45), VERDICT_PASS);
    assert_int_equal(hour_of(s, valid(10), 44), VERDICT_UNKNOWN);
    assert_int_equal(hour_of(s, valid(10), 0), VERDICT_UNKNOWN);
}

static void over_range_proves_a_breach_but_never_compliance(void **state)
{
    struct site *s = *state;
    struct mean top = valid(300);
    top.quality = 'T';
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 250, OVER_EACH));
    assert_int_equal(hour_of(s, top, 60), VERDICT_BREACH);
    s->limits[0].value = 400;
    assert_int_equal(hour_of(s, top, 60), VERDICT_UNKNOWN);
    s->limits[0].value = 300;
    s->limits[0].compare = COMPARE_OVER;
    assert_int_equal(hour_of(s, top, 60), VERDICT_UNKNOWN);
}

static void each_gives_one_verdict_for_every_point_with_the_role(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 250, OVER_EACH));
    for (int i = 0; i < 60; i++)
        feed(s, midnight + (int64_t)i * MINUTE, valid(300), valid(100));
    assert_int_equal(count(JUDGE_VERDICT, HOUR), 2);
    assert_int_equal(verdict(0)->point, 0);
    assert_int_equal(verdict(0)->verdict, VERDICT_BREACH);
    assert_int_equal(verdict(1)->point, 2);
    assert_int_equal(verdict(1)->verdict, VERDICT_PASS);
}

static void max_is_one_verdict_and_a_breach_if_one_point_is(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 250, OVER_MAX));
    for (int i = 0; i < 60; i++)
        feed(s, midnight + (int64_t)i * MINUTE, failed(QUALITY_FAULT), valid(300));
    assert_int_equal(count(JUDGE_VERDICT, HOUR), 1);
    assert_int_equal(verdict(0)->verdict, VERDICT_BREACH);
    assert_int_equal(verdict(0)->point, 2);
    assert_int_equal(hour_of(s, failed(QUALITY_FAULT), 60), VERDICT_UNKNOWN);
    assert_int_equal(verdict(0)->point, 0);
    assert_int_equal(hour_of(s, valid(20), 60), VERDICT_PASS);
    assert_float_equal(verdict(0)->mean.mean, 20, 0);
}

static void mean_is_one_verdict_on_the_mean_of_the_points(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 200, OVER_MEAN));
    for (int i = 0; i < 60; i++)
        feed(s, midnight + (int64_t)i * MINUTE, valid(300), valid(100));
    assert_int_equal(count(JUDGE_VERDICT, HOUR), 1);
    assert_int_equal(verdict(0)->verdict, VERDICT_BREACH);
    assert_int_equal(verdict(0)->point, -1);
    assert_float_equal(verdict(0)->mean.mean, 200, 0);
    assert_int_equal(verdict(0)->mean.n, 2);
    assert_int_equal(hour_of(s, failed(QUALITY_NO_COMMUNICATION), 60), VERDICT_UNKNOWN);
}

static void the_limit_is_that_of_the_time_of_measurement(void **state)
{
    struct site *s = *state;
    struct limit old = a_limit(HOUR, COMPARE_REACHES, 250, OVER_MAX), new = old;
    old.valid_to_ms = new.valid_from_ms = midnight + HOUR;
    new.value = 150;
    with_limit(s, old);
    with_limit(s, new);
    feed_run(s, midnight, 120, valid(200));
    assert_int_equal(count(JUDGE_VERDICT, HOUR), 2);
    assert_int_equal(verdict(0)->verdict, VERDICT_PASS);
    assert_ptr_equal(verdict(0)->limit, &s->limits[0]);
    assert_int_equal(verdict(1)->verdict, VERDICT_BREACH);
    assert_ptr_equal(verdict(1)->limit, &s->limits[1]);
}

static void a_limit_whose_role_no_point_has_says_nothing(void **state)
{
    struct site *s = *state;
    for (int over = OVER_EACH; over <= OVER_MAX; over++) {
        struct limit limit = a_limit(HOUR, COMPARE_REACHES, 1, (enum limit_over)over);
        limit.role = "tsp";
        with_limit(s, limit);
    }
    feed_run(s, midnight, 60, valid(200));
    assert_int_equal(count(JUDGE_VERDICT, HOUR), 0);
}

static void a_window_whose_last_minute_never_came_is_closed_by_the_time(void **state)
{
    struct site *s = *state;
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 250, OVER_MAX));
    feed_run(s, midnight, 50, valid(300));
    judge_advance(s->judge, midnight + HOUR - 1, hear, &heard);
    assert_int_equal(heard.n, 0);
    judge_advance(s->judge, midnight + HOUR, hear, &heard);
    assert_int_equal(verdict(0)->verdict, VERDICT_BREACH);
    assert_int_equal(verdict(0)->mean.n, 50);
    judge_advance(s->judge, midnight + 2 * HOUR, hear, &heard);
    assert_int_equal(heard.n, 2);
}

static void a_minute_after_a_gap_first_closes_what_ended_before_it(void **state)
{
    struct site *s = *state;
    open_judge(s);
    feed_run(s, midnight, 30, valid(10));
    feed(s, midnight + 5 * HOUR, valid(99), valid(99));
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.means[0][0].n, 30);
    assert_float_equal(heard.means[0][0].mean, 10, 0);
    assert_int_equal(heard.means[0][0].quality, 'D');
}

static void minutes_lived_twice_count_and_are_due_twice(void **state)
{
    struct site *s = *state;
    open_judge(s);
    feed_run(s, midnight, 50, valid(10));
    feed_run(s, midnight + 10 * MINUTE, 50, valid(30)); /* 40 of them again */
    assert_int_equal(heard.n, 1);
    assert_int_equal(heard.means[0][0].n, 100);
    assert_int_equal(heard.means[0][0].of, 100);
    assert_float_equal(heard.means[0][0].mean, 20, 0);
}

static void minutes_lived_twice_do_not_stand_for_missing_ones(void **state)
{
    struct site *s = *state;
    open_judge(s);
    feed_run(s, midnight, 30, valid(10));
    feed_run(s, midnight, 30, valid(10));
    judge_advance(s->judge, midnight + HOUR, hear, &heard);
    assert_int_equal(heard.means[0][0].n, 60);
    assert_int_equal(heard.means[0][0].of, 90);
    assert_int_equal(heard.means[0][0].quality, 'D');
}

static void a_clock_that_stepped_back_into_an_hour_that_was_told_leaves_both(void **state)
{
    struct site *s = *state;
    open_judge(s);
    feed_run(s, midnight, 70, valid(10));
    feed_run(s, midnight + 50 * MINUTE, 20, valid(30));
    static const int64_t starts[] = {0, HOUR, 0};
    static const uint32_t n[] = {60, 10, 10};
    assert_int_equal(heard.n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(heard.events[i].start_ms, midnight + starts[i]);
        assert_int_equal(heard.means[i][0].n, n[i]);
        assert_int_equal(heard.means[i][0].of, 60);
    }
    assert_float_equal(heard.means[2][0].mean, 30, 0);
}

static void the_running_window_can_be_looked_at(void **state)
{
    struct site *s = *state;
    struct mean m;
    int64_t start;
    open_judge(s);
    assert_false(judge_running(s->judge, 0, HOUR, &start, &m));
    feed_run(s, midnight + HOUR, 20, valid(10));
    assert_true(judge_running(s->judge, 0, HOUR, &start, &m));
    assert_int_equal(start, midnight + HOUR);
    assert_float_equal(m.mean, 10, 0);
    assert_int_equal(m.of, 20);
    assert_false(judge_running(s->judge, 0, QUARTER, &start, &m));
}

/* --- against a naive recomputation, and across restarts --- */

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

struct minute {
    int64_t start_ms;
    struct mean means[POINTS];
};

enum { MINUTES = 4 * 1440 };

/* Three days around the limit, with failures, over-range minutes, gaps of minutes to hours, and, when asked,
 * a clock that steps back. */
static int make_minutes(struct minute *minutes, uint32_t seed, bool steps_back)
{
    int n = 0;
    int outage[POINTS] = {0};
    for (int64_t t = midnight; t < midnight + 3 * DAY && n < MINUTES; t += MINUTE) {
        if (random_next(&seed) % 400 == 0)
            t += (int64_t)(random_next(&seed) % 100) * MINUTE;
        if (steps_back && random_next(&seed) % 200 == 0)
            t -= (int64_t)(random_next(&seed) % 80) * MINUTE;
        struct minute *m = &minutes[n++];
        m->start_ms = t;
        for (int p = 0; p < POINTS; p++) {
            if (outage[p] == 0 && random_next(&seed) % 150 == 0)
                outage[p] = (int)(random_next(&seed) % 40);
            outage[p] -= outage[p] > 0;
            m->means[p] = valid((double)(2300000 + random_next(&seed) % 400000) / 1e4);
            if (outage[p])
                m->means[p] = failed(QUALITY_NO_COMMUNICATION);
            else if (random_next(&seed) % 300 == 0)
                m->means[p].quality = 'T';
        }
    }
    return n;
}

/* The mean of one point over [start, start + length), in whole ten-thousandths and half-even by hand. */
static enum verdict naive(const struct minute *minutes, int n, int point, int64_t start, int64_t length,
                          int64_t limit)
{
    int64_t sum = 0, valid_minutes = 0;
    bool lower = false;
    for (int i = 0; i < n; i++) {
        const struct mean *m = &minutes[i].means[point];
        bool inside = minutes[i].start_ms >= start && minutes[i].start_ms < start + length;
        if (!inside || (m->quality != 'N' && m->quality != 'T'))
            continue;
        sum += llround(m->mean * 1e4);
        valid_minutes++;
        lower |= m->quality == 'T';
    }
    if (valid_minutes * 100 < length / MINUTE * 75)
        return VERDICT_UNKNOWN;
    int64_t mean = sum / valid_minutes, twice = sum % valid_minutes * 2;
    mean += twice > valid_minutes || (twice == valid_minutes && mean % 2);
    if (mean >= limit)
        return VERDICT_BREACH;
    return lower ? VERDICT_UNKNOWN : VERDICT_PASS;
}

static void three_limits(struct site *s)
{
    with_limit(s, a_limit(QUARTER, COMPARE_REACHES, 250, OVER_EACH));
    with_limit(s, a_limit(HOUR, COMPARE_REACHES, 250, OVER_EACH));
    with_limit(s, a_limit(DAY, COMPARE_REACHES, 250, OVER_EACH));
}

static void verdicts_are_those_of_a_naive_recomputation(void **state)
{
    struct site *s = *state;
    struct minute *minutes = mem_array(MINUTES, sizeof *minutes);
    int seen[3] = {0};
    three_limits(s);
    for (uint32_t seed = 1; seed <= 20; seed++) {
        int n = make_minutes(minutes, seed, false);
        heard.n = 0;
        open_judge(s);
        for (int i = 0; i < n; i++)
            judge_feed(s->judge, minutes[i].start_ms, minutes[i].means, hear, &heard);
        judge_advance(s->judge, midnight + 4 * DAY, hear, &heard);
        for (int i = 0; i < heard.n; i++) {
            const struct judge_event *e = &heard.events[i];
            if (e->kind != JUDGE_VERDICT)
                continue;
            enum verdict expected = naive(minutes, n, e->point, e->start_ms, e->length_ms, 2500000);
            assert_int_equal(e->verdict, expected);
            seen[expected]++;
        }
    }
    for (int i = 0; i < 3; i++)
        assert_true(seen[i] > 100); /* all three answers were asked for */
    mem_free(minutes);
}

/* The journal of a run: each minute, and which windows were told with it. */
struct told {
    int64_t start_ms, length_ms;
    int with; /* index of its minute */
};

static struct told told[EVENTS_MAX]; /* of the restart test */

static bool same_mean(const struct mean *a, const struct mean *b)
{
    bool same = a->n == b->n && a->of == b->of && a->quality == b->quality;
    return same && (a->n == 0 || (a->mean == b->mean && a->min == b->min && a->max == b->max));
}

static bool same_event(int a, int b)
{
    const struct judge_event *x = &heard.events[a], *y = &heard.events[b];
    if (x->kind != y->kind || x->start_ms != y->start_ms || x->length_ms != y->length_ms)
        return false;
    for (int p = 0; x->kind == JUDGE_WINDOW && p < POINTS; p++)
        if (!same_mean(&heard.means[a][p], &heard.means[b][p]))
            return false;
    if (x->kind == JUDGE_WINDOW)
        return true;
    return same_mean(&x->mean, &y->mean) && x->limit == y->limit && x->point == y->point &&
           x->verdict == y->verdict;
}

/* What the journal says was told with minute i: an hour's row, and its verdicts say it again. */
static void tell_known(struct site *s, int i, int64_t from, int ntold)
{
    for (int k = 0; k < ntold; k++)
        for (int twice = 0; told[k].with == i && told[k].start_ms >= from && twice < 2; twice++)
            judge_known(s->judge, told[k].start_ms, told[k].length_ms, NULL);
}

/* A judge that died after minute `dead` was committed and gets the journal: the minutes of this day and the
 * day before. A reader may feed a minute before it has read what was told with it, or after. */
static void restart(struct site *s, const struct minute *minutes, int dead, int ntold, bool known_first)
{
    int64_t from = clock_window_start(minutes[dead].start_ms, DAY, 480) - DAY;
    open_judge(s);
    for (int i = 0; i <= dead; i++) {
        if (known_first)
            tell_known(s, i, from, ntold);
        if (minutes[i].start_ms >= from)
            judge_feed(s->judge, minutes[i].start_ms, minutes[i].means, NULL, NULL);
        if (!known_first)
            tell_known(s, i, from, ntold);
    }
}

/* Feeds minute i live and notes what it told. */
static int feed_and_note(struct site *s, const struct minute *minutes, int i, int ntold)
{
    int before = heard.n;
    judge_feed(s->judge, minutes[i].start_ms, minutes[i].means, hear, &heard);
    for (int k = before; k < heard.n; k++) {
        const struct judge_event *e = &heard.events[k];
        bool seen = ntold > 0 && told[ntold - 1].with == i && told[ntold - 1].start_ms == e->start_ms &&
                    told[ntold - 1].length_ms == e->length_ms;
        if (!seen)
            told[ntold++] = (struct told){e->start_ms, e->length_ms, i};
    }
    return ntold;
}

static void a_run_killed_at_random_minutes_tells_what_an_uninterrupted_one_tells(void **state)
{
    struct site *s = *state;
    struct minute *minutes = mem_array(MINUTES, sizeof *minutes);
    three_limits(s);
    for (uint32_t seed = 100; seed < 110; seed++) {
        int n = make_minutes(minutes, seed, seed % 2), whole = 0, ntold = 0;
        uint32_t r = seed;
        heard.n = 0;
        open_judge(s);
        for (int i = 0; i < n; i++)
            judge_feed(s->judge, minutes[i].start_ms, minutes[i].means, hear, &heard);
        whole = heard.n;
        open_judge(s);
        for (int i = 0; i < n; i++) {
            int mark = heard.n;
            int told_mark = ntold;
            ntold = feed_and_note(s, minutes, i, ntold);
            if (random_next(&r) % 40)
                continue;
            /* the minute is on the disk, its windows are not: cannot be, where both are one transaction */
            bool rows_lost = random_next(&r) % 2 && seed % 2 == 0;
            if (rows_lost) {
                heard.n = mark;
                ntold = told_mark;
            }
            restart(s, minutes, i, ntold, random_next(&r) % 2);
        }
        judge_advance(s->judge, minutes[n - 1].start_ms + 1, hear, &heard);
        assert_int_equal(heard.n, 2 * whole);
        for (int i = 0; i < whole; i++)
            assert_true(same_event(i, whole + i));
    }
    mem_free(minutes);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(samples_become_a_minute_and_the_next_one_starts_empty),
        TEST(more_samples_than_due_raise_what_is_due),
        TEST(a_sample_of_an_unknown_point_is_dropped),
        TEST(an_hour_is_told_with_its_last_minute_and_a_day_with_its_last_hour),
        TEST(a_day_is_cut_at_the_sites_midnight),
        TEST(other_lengths_are_told_only_as_verdicts),
        TEST(shorter_windows_come_first),
        TEST(reached_is_a_breach_of_a_limit_that_must_not_be_reached),
        TEST(reached_is_no_breach_of_a_limit_that_must_not_be_exceeded),
        TEST(no_binary_noise_decides_at_the_limit),
        TEST(below_three_quarters_there_is_neither_pass_nor_breach),
        TEST(over_range_proves_a_breach_but_never_compliance),
        TEST(each_gives_one_verdict_for_every_point_with_the_role),
        TEST(max_is_one_verdict_and_a_breach_if_one_point_is),
        TEST(mean_is_one_verdict_on_the_mean_of_the_points),
        TEST(the_limit_is_that_of_the_time_of_measurement),
        TEST(a_limit_whose_role_no_point_has_says_nothing),
        TEST(a_window_whose_last_minute_never_came_is_closed_by_the_time),
        TEST(a_minute_after_a_gap_first_closes_what_ended_before_it),
        TEST(minutes_lived_twice_count_and_are_due_twice),
        TEST(minutes_lived_twice_do_not_stand_for_missing_ones),
        TEST(a_clock_that_stepped_back_into_an_hour_that_was_told_leaves_both),
        TEST(the_running_window_can_be_looked_at),
        TEST(verdicts_are_those_of_a_naive_recomputation),
        TEST(a_run_killed_at_random_minutes_tells_what_an_uninterrupted_one_tells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
