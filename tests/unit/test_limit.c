/* The shapes of limits: rounding, exceedances a day, background, stage of work, release, hours of a day. */
#include "daemon/judge/limit.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/judge/judge.h"

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

static void hear(const struct judge_event *e, void *arg)
{
    struct site *s = arg;
    if (e->kind == JUDGE_WINDOW)
        return;
    assert_true(s->nheard < EVENTS_MAX);
    s->heard[s->nheard++] = *e;
}

static int setup(void **state)
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

static int teardown(void **state)
{
    struct site *s = *state;
    judge_destroy(s->judge);
    facts_destroy(s->facts);
    mem_free(s);
    return 0;
}

static void open_judge(struct site *s)
{
    judge_destroy(s->judge);
    s->judge = judge_create(&s->config);
    judge_know(s->judge, s->facts);
}

/* As many minutes of that mean; NaN: no communication. */
static void feed(struct site *s, int minutes, double mean)
{
    if (!s->judge)
        open_judge(s);
    for (; minutes > 0; minutes--, s->next_ms += MINUTE) {
        struct mean m = {mean, mean, mean, 60, 60, isnan(mean) ? 'B' : 'N', 0};
        m.n = isnan(mean) ? 0 : 60;
        judge_feed(s->judge, s->next_ms, &m, hear, s);
    }
}

static const struct judge_event *last(const struct site *s)
{
    assert_true(s->nheard > 0);
    return &s->heard[s->nheard - 1];
}

/* The verdict of one window of that mean. */
static enum verdict of(struct site *s, double mean)
{
    feed(s, (int)(s->limit.window_ms / MINUTE), mean);
    return last(s)->verdict;
}

/* --- rounding --- */

static void a_mean_is_rounded_to_the_even_whole_number_before_it_is_compared(void **state)
{
    struct site *s = *state;
    s->limit.round = 1;
    s->limit.value = 250;
    s->limit.compare = COMPARE_REACHES;
    assert_int_equal(of(s, 249.5), VERDICT_BREACH); /* 250 is even */
    assert_true(last(s)->compared == 250);
    assert_int_equal(of(s, 249.4999), VERDICT_PASS);
    s->limit.value = 251;
    assert_int_equal(of(s, 250.5), VERDICT_PASS); /* to 250, not up to 251 */
    assert_int_equal(of(s, 250.5001), VERDICT_BREACH);
}

/* 120.50004 is 120.5 when it is rounded to 4 decimals first, and then 120: GB/T 8170 forbids to round twice.
 */
static void a_mean_is_never_rounded_twice(void **state)
{
    struct site *s = *state;
    double compared;
    s->limit.round = 1;
    s->limit.value = 120;
    assert_true(limit_exceeded(&s->limit, 25 * 1205000 + 1, 25, 0, &compared));
    assert_true(compared == 121);
    assert_false(limit_exceeded(&s->limit, 25 * 1205000, 25, 0, &compared));
    assert_true(compared == 120);
}

static void a_difference_below_nothing_is_rounded_as_well(void **state)
{
    struct site *s = *state;
    double compared;
    s->limit.round = 1;
    limit_exceeded(&s->limit, 10000 * 49.5, 1, 52, &compared);
    assert_true(compared == -2); /* -2.5 */
    limit_exceeded(&s->limit, 10000 * 49.5, 1, 53, &compared);
    assert_true(compared == -4); /* -3.5 */
}

/* --- exceedances a day --- */

static int told(const struct site *s, enum judge_event_kind kind, int64_t length_ms)
{
    int n = 0;
    for (int i = 0; i < s->nheard; i++)
        n += s->heard[i].kind == kind && s->heard[i].length_ms == length_ms;
    return n;
}

static void a_day_may_have_as_many_exceedances_as_the_standard_allows(void **state)
{
    struct site *s = *state;
    s->limit.allowed = 2;
    feed(s, 120, 81);
    feed(s, 22 * 60, 80);
    assert_int_equal(s->heard[0].verdict, VERDICT_EXCEEDED);
    assert_int_equal(last(s)->length_ms, DAY);
    assert_int_equal(last(s)->verdict, VERDICT_PASS);
    assert_int_equal(last(s)->count.exceeded, 2);
    assert_int_equal(last(s)->count.of, 24);
    assert_int_equal(told(s, JUDGE_WARNING, DAY), 1); /* with the second: the next is one too many */
}

static void the_exceedance_that_is_too_many_is_a_breach_at_once_and_at_the_days_end(void **state)
{
    struct site *s = *state;
    s->limit.allowed = 2;
    feed(s, 180, 81);
    assert_int_equal(last(s)->length_ms, DAY);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    assert_true(last(s)->running);
    feed(s, 21 * 60, 81);
    assert_int_equal(told(s, JUDGE_VERDICT, DAY), 2);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    assert_false(last(s)->running);
    assert_int_equal(last(s)->count.exceeded, 24);
}

static void a_day_is_unknown_while_its_holes_could_make_it_a_breach(void **state)
{
    struct site *s = *state;
    s->limit.allowed = 2;
    feed(s, 60, 81);
    feed(s, 60, NAN);
    feed(s, 22 * 60, 80);
    assert_int_equal(last(s)->verdict, VERDICT_PASS); /* at most 2, whatever the hole was */
    feed(s, 60, 81);
    feed(s, 120, NAN);
    feed(s, 21 * 60, 80);
    assert_int_equal(last(s)->verdict, VERDICT_UNKNOWN);
    feed(s, 1, 80);
    s->next_ms += 4 * HOUR; /* windows that never came are holes too */
    feed(s, 20 * 60 - 1, 80);
    assert_int_equal(last(s)->length_ms, DAY);
    assert_int_equal(last(s)->verdict, VERDICT_UNKNOWN);
    assert_int_equal(last(s)->count.unknown, 4);
}

static void a_new_day_counts_anew(void **state)
{
    struct site *s = *state;
    s->limit.allowed = 2;
    feed(s, 22 * 60, 80);
    feed(s, 240, 81); /* two before midnight, two after */
    feed(s, 22 * 60, 80);
    for (int i = 0; i < s->nheard; i++)
        assert_false(s->heard[i].kind == JUDGE_VERDICT && s->heard[i].verdict == VERDICT_BREACH);
    assert_int_equal(told(s, JUDGE_WARNING, DAY), 2);
}

/* --- background --- */

static void make_difference(struct site *s)
{
    s->limit.minus = true;
    s->limit.cap = 150;
    s->limit.background_wait_ms = 2 * HOUR;
}

static void the_background_of_the_same_hour_is_taken_off(void **state)
{
    struct site *s = *state;
    make_difference(s);
    facts_set_background(s->facts, "pm10", midnight, HOUR, 60);
    assert_int_equal(of(s, 140), VERDICT_PASS);
    assert_true(last(s)->compared == 80);
    facts_set_background(s->facts, "pm10", midnight + HOUR, HOUR, 59);
    assert_int_equal(of(s, 140), VERDICT_BREACH);
}

static void a_background_over_its_cap_counts_as_the_cap(void **state)
{
    struct site *s = *state;
    make_difference(s);
    facts_set_background(s->facts, "pm10", midnight, HOUR, 400);
    assert_int_equal(of(s, 231), VERDICT_BREACH);
    assert_true(last(s)->background == 150);
}

static void a_window_waits_for_its_background_and_keeps_the_order(void **state)
{
    struct site *s = *state;
    make_difference(s);
    feed(s, 60, 200);
    facts_set_background(s->facts, "pm10", midnight + HOUR, HOUR, 60);
    feed(s, 60, 100);
    assert_int_equal(s->nheard, 0);
    facts_set_background(s->facts, "pm10", midnight, HOUR, 60);
    feed(s, 1, 100);
    assert_int_equal(s->nheard, 2);
    assert_int_equal(s->heard[0].verdict, VERDICT_BREACH);
    assert_int_equal(s->heard[0].start_ms, midnight);
    assert_int_equal(s->heard[1].verdict, VERDICT_PASS);
}

static void without_its_background_a_window_is_unknown_never_passed(void **state)
{
    struct site *s = *state;
    make_difference(s);
    feed(s, 180, 10);
    assert_int_equal(s->nheard, 1);
    assert_int_equal(s->heard[0].verdict, VERDICT_UNKNOWN);
    assert_string_equal(s->heard[0].why, "background missing");
}

static void the_day_of_differences_is_counted_after_its_last_one(void **state)
{
    struct site *s = *state;
    make_difference(s);
    s->limit.allowed = 2;
    for (int h = 0; h < 23; h++)
        facts_set_background(s->facts, "pm10", midnight + h * (int64_t)HOUR, HOUR, 60);
    feed(s, 24 * 60, 100);
    assert_int_equal(told(s, JUDGE_VERDICT, DAY), 0);
    facts_set_background(s->facts, "pm10", midnight + 23 * (int64_t)HOUR, HOUR, 60);
    feed(s, 1, 100);
    assert_int_equal(told(s, JUDGE_VERDICT, DAY), 1);
    assert_int_equal(last(s)->verdict, VERDICT_PASS);
}

/* --- background that comes late --- */

/* Hours that were judged without their background; the next minute is in the hour after them. */
static void feed_without_background(struct site *s, int hours, double mean)
{
    feed(s, hours * 60 + 121, mean);
    s->nheard = 0;
}

static void tell_background(struct site *s, int hour, double ugm3)
{
    facts_set_background(s->facts, "pm10", midnight + hour * (int64_t)HOUR, HOUR, ugm3);
    judge_late(s->judge, hear, s);
}

static void a_background_that_comes_late_judges_its_window_again(void **state)
{
    struct site *s = *state;
    make_difference(s);
    feed_without_background(s, 2, 200);
    tell_background(s, 1, 60);
    assert_int_equal(s->nheard, 1);
    assert_int_equal(s->heard[0].start_ms, midnight + HOUR);
    assert_int_equal(s->heard[0].verdict, VERDICT_BREACH);
    assert_int_equal(s->heard[0].was, VERDICT_UNKNOWN);
    assert_true(s->heard[0].corrects && s->heard[0].compared == 140 && s->heard[0].background == 60);
    tell_background(s, 0, 130);
    assert_int_equal(s->nheard, 2);
    assert_int_equal(s->heard[1].start_ms, midnight);
    assert_int_equal(s->heard[1].verdict, VERDICT_PASS);
}

static void a_background_that_comes_otherwise_withdraws_the_breach(void **state)
{
    struct site *s = *state;
    make_difference(s);
    facts_set_background(s->facts, "pm10", midnight, HOUR, 60);
    feed(s, 61, 200);
    assert_int_equal(s->heard[0].verdict, VERDICT_BREACH);
    tell_background(s, 0, 60);
    assert_int_equal(s->nheard, 1); /* it says what it said */
    tell_background(s, 0, 140);
    assert_int_equal(s->nheard, 2);
    assert_int_equal(s->heard[1].verdict, VERDICT_PASS);
    assert_int_equal(s->heard[1].was, VERDICT_BREACH);
    assert_true(s->heard[1].corrects);
}

static void a_background_does_not_help_a_window_of_too_few_values(void **state)
{
    struct site *s = *state;
    make_difference(s);
    feed(s, 30, NAN);
    feed_without_background(s, 1, 200);
    tell_background(s, 0, 60);
    assert_int_equal(s->nheard, 0);
}

static void a_week_late_it_still_counts_and_not_later(void **state)
{
    struct site *s = *state;
    make_difference(s);
    feed_without_background(s, 7 * 24 - 1, 200);
    tell_background(s, 0, 60); /* seven days after its end, to the minute */
    assert_int_equal(s->nheard, 0);
    tell_background(s, 1, 60);
    assert_int_equal(s->nheard, 1);
}

static void a_day_is_counted_anew_when_its_backgrounds_come_days_late(void **state)
{
    struct site *s = *state;
    make_difference(s);
    s->limit.allowed = 2;
    feed_without_background(s, 4 * 24, 200);
    for (int h = 0; h < 2; h++)
        tell_background(s, h, 60);
    assert_int_equal(told(s, JUDGE_VERDICT, DAY), 2); /* unknown as it was, of other numbers */
    assert_int_equal(last(s)->verdict, VERDICT_UNKNOWN);
    assert_int_equal(last(s)->count.exceeded, 2);
    assert_int_equal(last(s)->count.unknown, 22);
    tell_background(s, 2, 60);
    assert_int_equal(last(s)->length_ms, DAY);
    assert_int_equal(last(s)->start_ms, midnight);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    assert_int_equal(last(s)->was, VERDICT_UNKNOWN);
    assert_true(last(s)->corrects);
    tell_background(s, 2, 150);
    assert_int_equal(last(s)->count.exceeded, 2);
    assert_int_equal(last(s)->was, VERDICT_BREACH);
}

static void the_running_day_breaks_when_what_comes_late_is_one_too_many(void **state)
{
    struct site *s = *state;
    make_difference(s);
    s->limit.allowed = 2;
    feed_without_background(s, 3, 200);
    tell_background(s, 0, 60);
    assert_int_equal(told(s, JUDGE_WARNING, DAY), 0);
    tell_background(s, 1, 60);
    assert_int_equal(told(s, JUDGE_WARNING, DAY), 1);
    tell_background(s, 2, 60);
    assert_int_equal(told(s, JUDGE_VERDICT, DAY), 1);
    assert_true(last(s)->running && !last(s)->corrects);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
}

/* Stuck minutes that are taken out, and the background after that: both count. */
static void what_waits_for_its_background_knows_what_was_flagged(void **state)
{
    struct site *s = *state;
    make_difference(s);
    s->limit.background_wait_ms = 10 * MINUTE;
    s->config.quality.flat_ms = 2 * HOUR;
    s->config.quality.hole_ms = 10 * MINUTE;
    s->config.quality.night = "";
    feed(s, 50, 300);
    feed(s, 121, 200); /* stuck since 00:50, which is sure at 02:50 */
    s->nheard = 0;
    tell_background(s, 0, 60);
    assert_int_equal(s->nheard, 1);
    assert_int_equal(last(s)->mean.n, 50);
    assert_true(last(s)->compared == 240);
}

static void a_reload_carries_what_may_be_judged_again(void **state)
{
    struct site *s = *state;
    make_difference(s);
    feed_without_background(s, 1, 200);
    struct config same = s->config;
    struct judge *after = judge_carry(s->judge, &same, (const int[]){0});
    judge_destroy(s->judge);
    s->judge = after;
    tell_background(s, 0, 60);
    assert_int_equal(s->nheard, 1);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
}

/* --- stage, release, hours --- */

static void a_limit_of_a_stage_is_judged_in_that_stage_only(void **state)
{
    struct site *s = *state;
    s->limit.stages = STAGE_DEMOLITION | STAGE_EARTHWORK;
    assert_int_equal(of(s, 100), VERDICT_UNKNOWN); /* nobody told the stage */
    assert_string_equal(last(s)->why, "stage of the work not known");
    facts_set_stage(s->facts, s->next_ms, STAGE_EARTHWORK);
    assert_int_equal(of(s, 100), VERDICT_BREACH);
    facts_set_stage(s->facts, s->next_ms, STAGE_STRUCTURE);
    int before = s->nheard;
    feed(s, 60, 100);
    assert_int_equal(s->nheard, before);
}

static void once_over_it_stays_a_breach_until_it_is_below_the_release(void **state)
{
    struct site *s = *state;
    s->limit.value = 200;
    s->limit.release = 150;
    assert_int_equal(of(s, 180), VERDICT_PASS);
    assert_int_equal(of(s, 201), VERDICT_BREACH);
    assert_int_equal(of(s, 180), VERDICT_BREACH);
    assert_string_equal(last(s)->why, "not yet below the value that ends it");
    assert_int_equal(of(s, NAN), VERDICT_UNKNOWN);
    assert_int_equal(of(s, 150), VERDICT_BREACH);
    assert_int_equal(of(s, 149), VERDICT_PASS);
    assert_int_equal(of(s, 180), VERDICT_PASS);
}

static void a_day_of_hours_is_their_mean_and_needs_as_many_as_the_standard_says(void **state)
{
    struct site *s = *state;
    s->limit.window_ms = DAY;
    s->limit.hours_needed = 20;
    s->limit.value = 50;
    feed(s, 20 * 60, 50);
    feed(s, 45, 100); /* an hour of 45 minutes weighs as one of 60 */
    feed(s, 15 + 180, NAN);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    assert_int_equal(last(s)->mean.n, 21);
    assert_true(last(s)->mean.mean == rint((20 * 50 + 100) / 21.0 * 1e4) / 1e4);
    feed(s, 19 * 60, 50);
    feed(s, 5 * 60, NAN);
    assert_int_equal(last(s)->verdict, VERDICT_UNKNOWN);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(a_mean_is_rounded_to_the_even_whole_number_before_it_is_compared),
        EACH(a_mean_is_never_rounded_twice),
        EACH(a_difference_below_nothing_is_rounded_as_well),
        EACH(a_day_may_have_as_many_exceedances_as_the_standard_allows),
        EACH(the_exceedance_that_is_too_many_is_a_breach_at_once_and_at_the_days_end),
        EACH(a_day_is_unknown_while_its_holes_could_make_it_a_breach),
        EACH(a_new_day_counts_anew),
        EACH(the_background_of_the_same_hour_is_taken_off),
        EACH(a_background_over_its_cap_counts_as_the_cap),
        EACH(a_window_waits_for_its_background_and_keeps_the_order),
        EACH(without_its_background_a_window_is_unknown_never_passed),
        EACH(a_background_that_comes_late_judges_its_window_again),
        EACH(a_background_that_comes_otherwise_withdraws_the_breach),
        EACH(a_background_does_not_help_a_window_of_too_few_values),
        EACH(a_week_late_it_still_counts_and_not_later),
        EACH(a_day_is_counted_anew_when_its_backgrounds_come_days_late),
        EACH(the_running_day_breaks_when_what_comes_late_is_one_too_many),
        EACH(what_waits_for_its_background_knows_what_was_flagged),
        EACH(a_reload_carries_what_may_be_judged_again),
        EACH(the_day_of_differences_is_counted_after_its_last_one),
        EACH(a_limit_of_a_stage_is_judged_in_that_stage_only),
        EACH(once_over_it_stays_a_breach_until_it_is_below_the_release),
        EACH(a_day_of_hours_is_their_mean_and_needs_as_many_as_the_standard_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
