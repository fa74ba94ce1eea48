/* The shapes of limits: rounding, exceedances a day, background, stage of work, release, a day of hours,
 * hours of the day. */
#include "daemon/judge/facts.h"
#include "tests/unit/a_limit.h"

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

static void in_a_stage_that_no_rule_of_the_file_is_for_it_is_unknown_and_says_so(void **state)
{
    struct site *s = *state;
    s->limit.stages = STAGE_EARTHWORK;
    s->limit.uncovered = STAGE_SUSPENDED;
    facts_set_stage(s->facts, s->next_ms, STAGE_STRUCTURE); /* another rule judges it */
    feed(s, 60, 100);
    assert_int_equal(s->nheard, 0);
    facts_set_stage(s->facts, s->next_ms, STAGE_SUSPENDED);
    assert_int_equal(of(s, 10), VERDICT_UNKNOWN);
    assert_string_equal(last(s)->why, "no rule of the file is for this stage of the work");
    assert_int_equal(last(s)->stage, STAGE_SUSPENDED);
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

/* --- hours of the day --- */

static const struct hours by_day = {360, 1320}, by_night = {1320, 360};

/* Its only verdicts are those of the windows that start in [from_ms, to_ms), one each. */
static void assert_judged(const struct site *s, int *next, int64_t from_ms, int64_t to_ms)
{
    for (int64_t ms = from_ms; ms < to_ms; ms += s->limit.window_ms)
        assert_true(s->heard[(*next)++].start_ms == ms);
}

static void a_window_outside_its_hours_is_neither_judged_nor_unknown(void **state)
{
    struct site *s = *state;
    int next = 0;
    s->limit.hours = by_day;
    feed(s, 7 * 60, 90);
    feed(s, 60, NAN); /* at seven, in its hours */
    feed(s, 15 * 60, 90);
    feed(s, 60, NAN); /* at eleven at night */
    assert_judged(s, &next, midnight + 6 * (int64_t)HOUR, midnight + 22 * (int64_t)HOUR);
    assert_int_equal(s->nheard, next);
    assert_int_equal(s->heard[0].verdict, VERDICT_BREACH);
    assert_int_equal(s->heard[1].verdict, VERDICT_UNKNOWN);
}

static void hours_over_midnight_are_the_end_and_the_beginning_of_a_day(void **state)
{
    struct site *s = *state;
    int next = 0;
    s->limit.hours = by_night;
    s->limit.window_ms = 20 * MINUTE;
    feed(s, 2 * 1440, 60);
    assert_judged(s, &next, midnight, midnight + 6 * (int64_t)HOUR);
    assert_judged(s, &next, midnight + 22 * (int64_t)HOUR, midnight + 30 * (int64_t)HOUR);
    assert_judged(s, &next, midnight + 46 * (int64_t)HOUR, midnight + 48 * (int64_t)HOUR);
    assert_int_equal(s->nheard, next);
}

static void hours_are_those_of_the_sites_zone(void **state)
{
    struct site *s = *state;
    s->limit.hours = by_day;
    s->config.site.zone_min = 360; /* Urumqi: midnight is ten at night there */
    feed(s, 24 * 60, 60);
    assert_true(s->heard[0].start_ms == midnight + 8 * (int64_t)HOUR);
    assert_int_equal(s->nheard, 16);
}

/* As GB 12523 has it: by day one value, by night another. */
static void of_two_limits_for_day_and_night_each_window_has_one(void **state)
{
    struct site *s = *state;
    struct limit both[2] = {s->limit, s->limit};
    both[0].hours = by_day;
    both[1].hours = by_night;
    both[1].value = 65;
    s->config.limits = both;
    s->config.nlimits = 2;
    feed(s, 24 * 60, 70);
    assert_int_equal(s->nheard, 24);
    for (int i = 0; i < s->nheard; i++) {
        bool day = i >= 6 && i < 22;
        assert_ptr_equal(s->heard[i].limit, &both[!day]);
        assert_int_equal(s->heard[i].verdict, day ? VERDICT_PASS : VERDICT_BREACH);
    }
}

static void nobody_is_warned_of_a_window_outside_the_hours(void **state)
{
    struct site *s = *state;
    s->limit.informs = false;
    s->limit.warn_share = 0.8;
    s->limit.hours = by_day;
    feed(s, 6 * 60, 200);
    assert_int_equal(s->nheard, 0);
    feed(s, 59, 200);
    assert_int_equal(told(s, JUDGE_WARNING, HOUR), 1);
}

static void a_correction_judges_no_window_outside_the_hours_either(void **state)
{
    struct site *s = *state;
    s->limit.hours = by_day;
    s->config.quality.zero_ms = 10 * MINUTE;
    s->config.quality.hole_ms = 10 * MINUTE;
    feed(s, 5 * 60 + 55, 60);
    feed(s, 20, 0); /* from five to six on: told when the hour before is over */
    assert_int_equal(told(s, JUDGE_QUALITY, 10 * MINUTE), 1);
    for (int i = 0; i < s->nheard; i++)
        assert_int_not_equal(s->heard[i].kind, JUDGE_VERDICT);
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
        EACH(the_day_of_differences_is_counted_after_its_last_one),
        EACH(a_limit_of_a_stage_is_judged_in_that_stage_only),
        EACH(in_a_stage_that_no_rule_of_the_file_is_for_it_is_unknown_and_says_so),
        EACH(once_over_it_stays_a_breach_until_it_is_below_the_release),
        EACH(a_day_of_hours_is_their_mean_and_needs_as_many_as_the_standard_says),
        EACH(a_window_outside_its_hours_is_neither_judged_nor_unknown),
        EACH(hours_over_midnight_are_the_end_and_the_beginning_of_a_day),
        EACH(hours_are_those_of_the_sites_zone),
        EACH(of_two_limits_for_day_and_night_each_window_has_one),
        EACH(nobody_is_warned_of_a_window_outside_the_hours),
        EACH(a_correction_judges_no_window_outside_the_hours_either),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
