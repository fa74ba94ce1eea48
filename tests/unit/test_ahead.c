/* Within a running window: the warning before the breach, and the finding when it is certain. */
#include "daemon/judge/ahead.h"

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

#include <cmocka.h>

enum { MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS };
static const int64_t midnight = 1773417600000; /* 2026-03-14T00:00+08:00 */

struct site {
    struct device device;
    struct point pm10;
    struct config_point points[2];
    struct limit limit;
    struct config config;
    struct facts *facts;
    struct judge *judge;
    struct judge_event warning, lost, end;
    int minute, nwarnings, nlost, warned_at, lost_at; /* minutes */
};

static void hear(const struct judge_event *e, void *arg)
{
    struct site *s = arg;
    if (e->kind == JUDGE_WARNING) {
        s->warning = *e;
        s->nwarnings++;
        s->warned_at = s->minute;
    } else if (e->kind == JUDGE_VERDICT && e->running) {
        s->lost = *e;
        s->nlost++;
        s->lost_at = s->minute;
    } else if (e->kind == JUDGE_VERDICT) {
        s->end = *e;
    }
}

static int setup(void **state)
{
    struct site *s = mem_new(struct site);
    s->device = (struct device){.name = "gate", .period_ms = 1000};
    s->pm10 = (struct point){.name = "pm10", .role = "pm10", .unit = "ug/m3"};
    s->points[0] = (struct config_point){&s->device, &s->pm10, "gate/pm10"};
    s->points[1] = (struct config_point){&s->device, &s->pm10, "yard/pm10"};
    s->limit = (struct limit){.id = "test/limit",
                              .role = "pm10",
                              .window_ms = HOUR,
                              .compare = COMPARE_REACHES,
                              .value = 250,
                              .unit = "ug/m3",
                              .warn_share = 0.8,
                              .valid_from_ms = INT64_MIN,
                              .valid_to_ms = INT64_MAX};
    s->config = (struct config){.points = s->points, .npoints = 1, .limits = &s->limit, .nlimits = 1};
    s->config.site.zone_min = 480;
    s->facts = facts_create();
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct site *s = *state;
    judge_destroy(s->judge);
    facts_destroy(s->facts);
    mem_free(s);
    return 0;
}

/* Minutes of these means of the two points. */
static void feed(struct site *s, int minutes, double gate, double yard)
{
    if (!s->judge) {
        s->judge = judge_create(&s->config);
        judge_know(s->judge, s->facts);
    }
    for (; minutes > 0; minutes--) {
        struct mean m[2] = {{gate, gate, gate, 60, 60, isnan(gate) ? 'B' : 'N', 0},
                            {yard, yard, yard, 60, 60, isnan(yard) ? 'B' : 'N', 0}};
        int64_t at_ms = midnight + s->minute++ * (int64_t)MINUTE;
        judge_feed(s->judge, at_ms, m, hear, s);
    }
}

static void it_warns_once_at_the_share_and_says_what_the_rest_may_have(void **state)
{
    struct site *s = *state;
    feed(s, 60, 240, 0);
    assert_int_equal(s->nwarnings, 1);
    assert_int_equal(s->warned_at, 50); /* 240 x 50 is 80 % of 250 x 60 */
    assert_true(s->warning.may == 300); /* (15000 - 12000) / 10 */
    assert_true(fabs(s->warning.used - 0.8) < 1e-12);
    assert_int_equal(s->nlost, 0);
    assert_int_equal(s->end.verdict, VERDICT_PASS);
}

static void it_finds_the_breach_in_the_minute_in_which_it_is_certain(void **state)
{
    struct site *s = *state;
    feed(s, 60, 300, 0);
    assert_int_equal(s->warned_at, 40);
    assert_int_equal(s->nlost, 1);
    assert_int_equal(s->lost_at, 50); /* 300 x 50 reaches 250 x 60 */
    assert_int_equal(s->lost.verdict, VERDICT_BREACH);
    assert_int_equal(s->end.verdict, VERDICT_BREACH);
    assert_false(s->end.running);
}

static void a_limit_that_is_only_certain_at_its_end_is_found_at_its_end(void **state)
{
    struct site *s = *state;
    feed(s, 60, 250, 0);
    assert_int_equal(s->nlost, 0);
    assert_int_equal(s->end.verdict, VERDICT_BREACH);
}

static void minutes_that_failed_leave_less_to_spread_it_over(void **state)
{
    struct site *s = *state;
    feed(s, 10, NAN, 0);
    feed(s, 50, 260, 0); /* of 50: 250 x 50 / 260 is 48.1 minutes */
    assert_int_equal(s->lost_at, 59);
}

static void what_has_no_value_is_no_warning(void **state)
{
    struct site *s = *state;
    feed(s, 60, NAN, 0);
    assert_int_equal(s->nwarnings + s->nlost, 0);
    assert_int_equal(s->end.verdict, VERDICT_UNKNOWN);
}

static void the_sites_mean_is_certain_when_its_points_together_are(void **state)
{
    struct site *s = *state;
    s->limit.over = OVER_MEAN;
    s->config.npoints = 2;
    feed(s, 60, 400, 200);
    assert_int_equal(s->lost.point, -1);
    assert_int_equal(s->lost_at, 50); /* as one of 300 */
}

static void before_its_background_is_known_only_its_cap_makes_it_certain(void **state)
{
    struct site *s = *state;
    s->limit.minus = true;
    s->limit.cap = 150;
    s->limit.value = 150;
    feed(s, 60, 400, 0); /* 400 x 45 reaches (150 + 150) x 60 */
    assert_int_equal(s->lost_at, 45);
    s->limit.cap = 0;
    s->nlost = 0;
    feed(s, 60, 400, 0);
    assert_int_equal(s->nlost, 0);
    facts_set_background(s->facts, "pm10", midnight + 2 * (int64_t)HOUR, HOUR, 50);
    feed(s, 60, 400, 0); /* 400 x 30 reaches (150 + 50) x 60 */
    assert_int_equal(s->lost_at, 150);
}

static void what_only_informs_does_not_warn(void **state)
{
    struct site *s = *state;
    s->limit.informs = true;
    feed(s, 60, 300, 0);
    assert_int_equal(s->nwarnings + s->nlost, 0);
}

/* Whatever the rest is: after a finding no window passes, and before one every window still can. */
static void a_finding_and_a_pass_exclude_each_other(void **state)
{
    struct site *s = *state;
    uint32_t random = 20261126;
    int found = 0, passed = 0;
    for (int hour = 0; hour < 400; hour++) {
        s->nlost = 0;
        double level = 150 + hour % 200;
        for (int m = 0; m < 60; m++) {
            random = random * 1664525u + 1013904223u;
            double noise = (random >> 16) % 300;
            feed(s, 1, s->nlost ? 0 : (random >> 8) % 10 == 0 ? NAN : level + noise - 150, 0);
        }
        found += s->nlost;
        passed += s->end.verdict == VERDICT_PASS;
        assert_false(s->nlost && s->end.verdict == VERDICT_PASS);
        assert_true(s->nlost <= 1);
    }
    assert_true(found > 50 && passed > 50);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(it_warns_once_at_the_share_and_says_what_the_rest_may_have),
        EACH(it_finds_the_breach_in_the_minute_in_which_it_is_certain),
        EACH(a_limit_that_is_only_certain_at_its_end_is_found_at_its_end),
        EACH(minutes_that_failed_leave_less_to_spread_it_over),
        EACH(what_has_no_value_is_no_warning),
        EACH(the_sites_mean_is_certain_when_its_points_together_are),
        EACH(before_its_background_is_known_only_its_cap_makes_it_certain),
        EACH(what_only_informs_does_not_warn),
        EACH(a_finding_and_a_pass_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
