/* The simulator's made-up world: courses, bursts, steps, switches, schedules of faults. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "drivers/sim/fault.h"
#include "drivers/sim/model.h"
#include "drivers/sim/switch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka compares floats only. */
#define assert_near(a, b, by) assert_true(fabs((a) - (b)) <= (by))

enum { ZONE = 480 };
static const struct model_effect none = {0, 0};

/* So many hours after midnight of a day in the site's zone. */
static int64_t at_hour(double hour)
{
    int64_t midnight = 0;
    assert_int_equal(clock_parse("2026-05-01T00:00+08:00", &midnight), ERR_OK);
    return midnight + (int64_t)(hour * CLOCK_HOUR_MS);
}

static struct day_time hour(int h)
{
    return (struct day_time){"", h * (int64_t)CLOCK_HOUR_MS};
}

static void the_daily_course_is_highest_at_its_peak_of_the_sites_day(void **state)
{
    (void)state;
    struct model m = {.constant = 60, .daily = {20, hour(9)}};
    assert_near(model_course(&m, 1, at_hour(9), ZONE), 80, 1e-9);
    assert_near(model_course(&m, 1, at_hour(21), ZONE), 40, 1e-9);
    assert_near(model_course(&m, 1, at_hour(9 + 24), ZONE), 80, 1e-9);
}

static void bursts_come_in_working_hours_only_and_differ_by_seed(void **state)
{
    (void)state;
    struct model m = {.bursts = {100, 30 * CLOCK_MINUTE_MS, 5 * CLOCK_MINUTE_MS, hour(8), hour(18)}};
    double day = 0, night = 0, other = 0;
    for (double h = 0; h < 24; h += 1.0 / 60) {
        double value = model_course(&m, 1, at_hour(h), ZONE);
        assert_true(value >= 0 && value <= 300);
        if (h < 8 || h > 18.2)
            night += value;
        else
            day += value;
        other += fabs(value - model_course(&m, 2, at_hour(h), ZONE));
    }
    assert_true(day > 1000);
    assert_near(night, 0, 0);
    assert_true(other > 1000);
}

static void a_step_holds_from_begin_to_end_whatever_else_there_is(void **state)
{
    (void)state;
    struct model_step steps[] = {{hour(9), hour(10), 320}, {hour(23), hour(1), 5}};
    struct model m = {.constant = 60, .daily = {20, hour(9)}, .steps = steps, .nsteps = 2};
    assert_near(model_course(&m, 1, at_hour(9), ZONE), 320, 0);
    assert_near(model_course(&m, 1, at_hour(10) - 1, ZONE), 320, 0);
    assert_true(model_course(&m, 1, at_hour(10), ZONE) < 100);
    assert_near(model_course(&m, 1, at_hour(23.5), ZONE), 5, 0);
    assert_near(model_course(&m, 1, at_hour(24.5), ZONE), 5, 0);
}

static void drift_is_smooth_and_stays_in_its_band(void **state)
{
    (void)state;
    struct model m = {.constant = 3, .wander = {2, 10 * CLOCK_MINUTE_MS}};
    double last = model_course(&m, 1, at_hour(0), ZONE), least = last, most = last;
    for (int s = 1; s < 6 * 3600; s++) {
        double value = model_course(&m, 1, at_hour(0) + s * 1000, ZONE);
        assert_true(fabs(value - last) < 0.05);
        least = fmin(least, value);
        most = fmax(most, value);
        last = value;
    }
    assert_true(least >= 1 && most <= 5 && most - least > 1.5);
}

static void noise_has_its_deviation_and_is_the_same_within_a_second(void **state)
{
    (void)state;
    struct model m = {.noise = 4};
    double sum = 0, squares = 0;
    for (int s = 0; s < 10000; s++) {
        double value = model_finish(&m, 100, 7, at_hour(0) + s * 1000, none, NAN);
        assert_near(value, model_finish(&m, 100, 7, at_hour(0) + s * 1000 + 999, none, NAN), 0);
        sum += value;
        squares += (value - 100) * (value - 100);
    }
    assert_near(sum / 10000, 100, 0.2);
    assert_near(sqrt(squares / 10000), 4, 0.2);
}

static void a_value_never_falls_below_its_floor_and_a_direction_stays_on_the_circle(void **state)
{
    (void)state;
    struct model m = {0};
    assert_near(model_finish(&m, -3, 1, at_hour(0), none, 0), 0, 0);
    assert_near(model_finish(&m, -3, 1, at_hour(0), none, NAN), -3, 0);
    m.wrap = 360;
    assert_near(model_finish(&m, -10, 1, at_hour(0), none, 0), 350, 1e-9);
    assert_near(model_finish(&m, 725, 1, at_hour(0), none, 0), 5, 1e-9);
}

static void a_switch_nears_its_state_with_its_time_constant_and_counts_hours(void **state)
{
    (void)state;
    struct sim_switch *s = switch_create(60000, 0);
    switch_set(s, true, 0);
    assert_near(switch_effect(s, 60000).level, 1 - exp(-1), 1e-9);
    assert_near(switch_effect(s, CLOCK_HOUR_MS).level, 1, 1e-9);
    assert_near(switch_effect(s, CLOCK_HOUR_MS).hours, 1 - 1.0 / 60, 1e-9);
    switch_set(s, false, CLOCK_HOUR_MS);
    assert_near(switch_effect(s, CLOCK_HOUR_MS + 60000).level, exp(-1), 1e-9);
    assert_near(switch_effect(s, 3 * CLOCK_HOUR_MS).hours, 1, 1e-9);
    switch_destroy(s);
}

static void how_often_a_switch_is_asked_changes_nothing(void **state)
{
    (void)state;
    struct sim_switch *often = switch_create(60000, 0), *once = switch_create(60000, 0);
    switch_set(often, true, 1000);
    switch_set(once, true, 1000);
    for (int64_t at = 1000; at < 200000; at += 137)
        switch_effect(often, at);
    assert_near(switch_effect(often, 200000).level, switch_effect(once, 200000).level, 1e-9);
    assert_near(switch_effect(often, 200000).hours, switch_effect(once, 200000).hours, 1e-9);
    switch_destroy(often);
    switch_destroy(once);
}

static void a_switch_lowers_and_adds_by_its_level(void **state)
{
    (void)state;
    struct model m = {.lowers = 0.8, .adds = 10, .adds_per_h = 4};
    struct model_effect half = {0.5, 2};
    assert_near(model_finish(&m, 100, 1, 0, half, NAN), 100 * 0.6 + 5 + 8, 1e-9);
}

static bool holds(const struct fault *f, int64_t site_ms, int64_t poll)
{
    struct fault_moment now = {site_ms, at_hour(0), (site_ms - at_hour(0)) / 60, poll};
    return fault_active(f, &now, (uint64_t)poll);
}

static struct fault prepared(enum fault_clock clock, const char *from, const char *to)
{
    const char *which;
    struct fault f = {.kind = FAULT_CRC, .clock = clock, .from = from, .to = to, .probability = 1};
    assert_int_equal(fault_prepare(&f, at_hour(0), &which), ERR_OK);
    return f;
}

static void a_fault_holds_from_its_begin_up_to_its_end_on_each_clock(void **state)
{
    (void)state;
    struct fault f = prepared(FAULT_SITE, "60min", "2026-05-01T02:00+08:00");
    assert_false(holds(&f, at_hour(1) - 1, 1));
    assert_true(holds(&f, at_hour(1), 1));
    assert_true(holds(&f, at_hour(2) - 1, 1));
    assert_false(holds(&f, at_hour(2), 1));
    f = prepared(FAULT_WIRE, "1min", "2min"); /* here the wire is 60 times slower */
    assert_false(holds(&f, at_hour(1) - 1, 1));
    assert_true(holds(&f, at_hour(1), 1));
    f = prepared(FAULT_POLLS, "3", "5");
    for (int64_t poll = 1; poll < 8; poll++)
        assert_int_equal(holds(&f, at_hour(0), poll), poll >= 3 && poll <= 5);
    f = prepared(FAULT_SITE, "", "");
    assert_true(holds(&f, at_hour(1000), 1));
}

static void a_periodic_fault_comes_again(void **state)
{
    (void)state;
    struct fault f = prepared(FAULT_SITE, "10min", "12min");
    f.every_ms = CLOCK_HOUR_MS;
    assert_true(holds(&f, at_hour(0) + 11 * CLOCK_MINUTE_MS, 1));
    assert_false(holds(&f, at_hour(0) + 13 * CLOCK_MINUTE_MS, 1));
    assert_true(holds(&f, at_hour(5) + 11 * CLOCK_MINUTE_MS, 1));
    assert_false(holds(&f, at_hour(5) + 9 * CLOCK_MINUTE_MS, 1));
}

static void a_probability_hits_its_share_of_the_polls_and_the_same_ones_each_time(void **state)
{
    (void)state;
    struct fault f = prepared(FAULT_POLLS, "", "");
    f.probability = 0.1;
    int hits = 0;
    for (int64_t poll = 1; poll <= 10000; poll++) {
        hits += holds(&f, at_hour(0), poll);
        assert_int_equal(holds(&f, at_hour(0), poll), holds(&f, at_hour(3), poll));
    }
    assert_in_range(hits, 900, 1100);
}

static void times_that_do_not_suit_the_clock_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum fault_clock clock;
        const char *from, *to;
    } cases[] = {
        {FAULT_SITE, "10", ""},   {FAULT_WIRE, "2026-05-01T02:00+08:00", ""},
        {FAULT_POLLS, "10s", ""}, {FAULT_SITE, "10s", "10s"},
        {FAULT_POLLS, "5", "4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *which;
        struct fault f = {.clock = cases[i].clock, .from = cases[i].from, .to = cases[i].to};
        assert_int_equal(fault_prepare(&f, at_hour(0), &which), ERR_FORMAT);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_daily_course_is_highest_at_its_peak_of_the_sites_day),
        cmocka_unit_test(bursts_come_in_working_hours_only_and_differ_by_seed),
        cmocka_unit_test(a_step_holds_from_begin_to_end_whatever_else_there_is),
        cmocka_unit_test(drift_is_smooth_and_stays_in_its_band),
        cmocka_unit_test(noise_has_its_deviation_and_is_the_same_within_a_second),
        cmocka_unit_test(a_value_never_falls_below_its_floor_and_a_direction_stays_on_the_circle),
        cmocka_unit_test(a_switch_nears_its_state_with_its_time_constant_and_counts_hours),
        cmocka_unit_test(how_often_a_switch_is_asked_changes_nothing),
        cmocka_unit_test(a_switch_lowers_and_adds_by_its_level),
        cmocka_unit_test(a_fault_holds_from_its_begin_up_to_its_end_on_each_clock),
        cmocka_unit_test(a_periodic_fault_comes_again),
        cmocka_unit_test(a_probability_hits_its_share_of_the_polls_and_the_same_ones_each_time),
        cmocka_unit_test(times_that_do_not_suit_the_clock_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
