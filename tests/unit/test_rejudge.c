/* Windows that are judged once more: background and stage of the work that come late, minutes that turned out
 * to be no measurement, and what a limit remembers from window to window. */
#include "daemon/judge/facts.h"
#include "tests/unit/a_limit.h"

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

/* --- a stage that is told late --- */

static void tell_stage(struct site *s, int hour, enum stage stage)
{
    facts_set_stage(s->facts, midnight + hour * (int64_t)HOUR, stage);
    judge_late(s->judge, hear, s);
}

/* Hours of that mean which are over, in a stage that nobody told. */
static void feed_without_stage(struct site *s, int hours, double mean)
{
    s->limit.stages = STAGE_DEMOLITION | STAGE_EARTHWORK;
    feed(s, hours * 60 + 1, mean);
    assert_int_equal(s->nheard, hours);
    assert_int_equal(last(s)->verdict, VERDICT_UNKNOWN);
    s->nheard = 0;
}

static void a_stage_that_is_told_late_judges_the_windows_since_then_again(void **state)
{
    struct site *s = *state;
    feed_without_stage(s, 3, 100);
    tell_stage(s, 1, STAGE_EARTHWORK);
    assert_int_equal(s->nheard, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(s->heard[i].start_ms, midnight + (i + 1) * (int64_t)HOUR);
        assert_int_equal(s->heard[i].verdict, VERDICT_BREACH);
        assert_int_equal(s->heard[i].was, VERDICT_UNKNOWN);
        assert_int_equal(s->heard[i].stage, STAGE_EARTHWORK);
        assert_true(s->heard[i].corrects);
    }
    tell_stage(s, 1, STAGE_EARTHWORK);
    assert_int_equal(s->nheard, 2); /* once is enough */
}

static void a_verdict_of_a_limit_that_was_not_for_that_stage_is_taken_back(void **state)
{
    struct site *s = *state;
    s->limit.stages = STAGE_DEMOLITION | STAGE_EARTHWORK;
    facts_set_stage(s->facts, midnight, STAGE_EARTHWORK);
    feed(s, 121, 100);
    s->nheard = 0;
    tell_stage(s, 1, STAGE_STRUCTURE);
    assert_int_equal(s->nheard, 1);
    assert_int_equal(last(s)->start_ms, midnight + HOUR);
    assert_int_equal(last(s)->verdict, VERDICT_VOID);
    assert_int_equal(last(s)->was, VERDICT_BREACH);
    assert_true(last(s)->corrects);
    tell_stage(s, 1, STAGE_DEMOLITION);
    assert_int_equal(s->nheard, 2);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
}

static void a_window_that_the_limit_was_not_for_is_judged_for_the_first_time(void **state)
{
    struct site *s = *state;
    s->limit.stages = STAGE_DEMOLITION | STAGE_EARTHWORK;
    facts_set_stage(s->facts, midnight, STAGE_STRUCTURE);
    feed(s, 61, 100);
    assert_int_equal(s->nheard, 0);
    tell_stage(s, 0, STAGE_EARTHWORK);
    assert_int_equal(s->nheard, 1);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    assert_false(last(s)->corrects);
}

static void a_breach_told_while_the_window_ran_is_taken_back_when_the_limit_is_not_for_it(void **state)
{
    struct site *s = *state;
    s->limit.stages = STAGE_DEMOLITION | STAGE_EARTHWORK;
    s->limit.informs = false;
    facts_set_stage(s->facts, midnight, STAGE_EARTHWORK);
    feed(s, 50, 100);
    assert_true(last(s)->running);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    tell_stage(s, 0, STAGE_STRUCTURE);
    feed(s, 10, 100);
    assert_int_equal(last(s)->verdict, VERDICT_VOID);
    assert_int_equal(last(s)->was, VERDICT_BREACH);
}

static void a_stage_a_week_late_changes_nothing_before_that_week(void **state)
{
    struct site *s = *state;
    feed_without_stage(s, 7 * 24 + 2, 100);
    tell_stage(s, 0, STAGE_EARTHWORK);
    assert_in_range(s->nheard, 7 * 24, 7 * 24 + 1);
    assert_true(s->heard[0].start_ms > midnight);
}

static void a_reload_with_another_value_leaves_the_judged_windows_as_they_are(void **state)
{
    struct site *s = *state;
    feed_without_stage(s, 2, 100);
    struct config other = s->config;
    struct limit limit = s->limit;
    limit.value = 120;
    other.limits = &limit;
    struct judge *after = judge_carry(s->judge, &other, (const int[]){0});
    judge_destroy(s->judge);
    s->judge = after;
    tell_stage(s, 0, STAGE_EARTHWORK);
    assert_int_equal(s->nheard, 0);
    feed(s, 59, 130);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
}

/* --- what a limit remembers --- */

/* The values that put it in force turn out to be stuck: nothing is in force any more. */
static void what_stuck_values_put_in_force_ends_with_them(void **state)
{
    struct site *s = *state;
    s->limit.value = 200;
    s->limit.release = 150;
    s->config.quality.flat_ms = 2 * HOUR;
    s->config.quality.hole_ms = 10 * MINUTE;
    s->config.quality.night = "";
    for (int m = 0; m < 60; m++)
        feed(s, 1, 100 + m % 2);
    feed(s, 121, 210);
    int breaches = 0, unknowns = 0;
    for (int i = 0; i < s->nheard; i++) {
        breaches += s->heard[i].kind == JUDGE_VERDICT && s->heard[i].verdict == VERDICT_BREACH;
        unknowns += s->heard[i].corrects && s->heard[i].verdict == VERDICT_UNKNOWN;
    }
    assert_int_equal(breaches, 1); /* the second hour ends when it is known */
    assert_int_equal(unknowns, 1);
    for (int m = 0; m < 59; m++)
        feed(s, 1, 180 + m % 2);
    assert_int_equal(last(s)->kind, JUDGE_VERDICT);
    assert_int_equal(last(s)->verdict, VERDICT_PASS);
}

/* In force by the second hour; its background comes and takes it below: the third rested on it alone. */
static void a_breach_that_rested_on_a_window_that_was_corrected_is_corrected_too(void **state)
{
    struct site *s = *state;
    make_difference(s);
    s->limit.value = 200;
    s->limit.release = 150;
    for (int h = 0; h < 4; h++)
        facts_set_background(s->facts, "pm10", midnight + h * (int64_t)HOUR, HOUR, 20);
    feed(s, 60, 120);
    feed(s, 60, 230); /* 210: over */
    feed(s, 60, 200); /* 180: still */
    feed(s, 61, 200);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    s->nheard = 0;
    tell_background(s, 1, 40);
    assert_int_equal(s->nheard, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s->heard[i].start_ms, midnight + (i + 1) * (int64_t)HOUR);
        assert_int_equal(s->heard[i].verdict, VERDICT_PASS);
        assert_true(s->heard[i].corrects);
    }
    facts_set_background(s->facts, "pm10", midnight + 4 * (int64_t)HOUR, HOUR, 20);
    feed(s, 59, 200);
    assert_int_equal(last(s)->verdict, VERDICT_PASS); /* nothing is in force any more */
    s->nheard = 0;
    tell_background(s, 1, 20);
    assert_int_equal(s->nheard, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(s->heard[i].verdict, VERDICT_BREACH);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(a_background_that_comes_late_judges_its_window_again),
        EACH(a_background_that_comes_otherwise_withdraws_the_breach),
        EACH(a_background_does_not_help_a_window_of_too_few_values),
        EACH(a_week_late_it_still_counts_and_not_later),
        EACH(a_day_is_counted_anew_when_its_backgrounds_come_days_late),
        EACH(the_running_day_breaks_when_what_comes_late_is_one_too_many),
        EACH(what_waits_for_its_background_knows_what_was_flagged),
        EACH(a_reload_carries_what_may_be_judged_again),
        EACH(a_stage_that_is_told_late_judges_the_windows_since_then_again),
        EACH(a_verdict_of_a_limit_that_was_not_for_that_stage_is_taken_back),
        EACH(a_window_that_the_limit_was_not_for_is_judged_for_the_first_time),
        EACH(a_breach_told_while_the_window_ran_is_taken_back_when_the_limit_is_not_for_it),
        EACH(a_stage_a_week_late_changes_nothing_before_that_week),
        EACH(a_reload_with_another_value_leaves_the_judged_windows_as_they_are),
        EACH(what_stuck_values_put_in_force_ends_with_them),
        EACH(a_breach_that_rested_on_a_window_that_was_corrected_is_corrected_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
