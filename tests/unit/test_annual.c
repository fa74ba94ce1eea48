/* Limits of a calendar year: the mean of its days, judged when it ends in the zone of the site. */
#include "daemon/judge/annual.h"
#include "daemon/judge/years.h"
#include "tests/unit/a_limit.h"

static const int64_t year_2026 = 1767196800000; /* 2026-01-01T00:00+08:00 */
static const int64_t year_2027 = 1798732800000, year_2028 = 1830268800000, year_2029 = 1861891200000;
enum { DAYS_2027 = 365, DAYS_2028 = 366 };

static void make_annual(struct site *s)
{
    s->limit.window_ms = LIMIT_YEAR_MS;
    s->limit.hours_needed = 20;
    s->limit.days_needed = 324;
    s->limit.month_days_needed = 27;
    s->limit.february_days_needed = 25;
    s->limit.value = 70;
    s->limit.round = 1;
    s->next_ms = year_2027;
    open_judge(s);
}

static void hours(struct site *s, int n, double mean)
{
    for (; n > 0; n--, s->next_ms += HOUR) {
        struct mean m = {mean, mean, mean, isnan(mean) ? 0 : 60, 60, isnan(mean) ? 'B' : 'N', 0};
        annual_hour(s->judge, 0, s->next_ms, &m, false);
    }
}

static void days(struct site *s, int n, double mean)
{
    hours(s, n * 24, mean);
}

static void correct_hour(struct site *s, int64_t at_ms, double mean)
{
    struct mean m = {mean, mean, mean, 60, 60, isnan(mean) ? 'D' : 'N', 0};
    annual_hour(s->judge, 0, at_ms, &m, true);
}

static void turn(struct site *s, int64_t now_ms)
{
    judge_advance(s->judge, now_ms, hear, s);
}

/* The one verdict that the end of the year tells. */
static const struct judge_event *verdict_of(struct site *s, int64_t end_ms)
{
    turn(s, end_ms - 1);
    assert_int_equal(s->nheard, 0);
    turn(s, end_ms);
    turn(s, end_ms + DAY);
    assert_int_equal(s->nheard, 1);
    return last(s);
}

static void a_year_is_judged_on_the_mean_of_its_days_at_midnight_of_1_january(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 364, 70);
    hours(s, 20, 435); /* a day of 20 hours weighs as one of 24 */
    hours(s, 4, NAN);
    const struct judge_event *e = verdict_of(s, year_2028);
    assert_int_equal(e->verdict, VERDICT_BREACH);
    assert_true(e->start_ms == year_2027 && e->length_ms == DAYS_2027 * (int64_t)DAY);
    assert_true(e->compared == 71 && e->mean.mean == 71 && e->mean.min == 70 && e->mean.max == 435);
    assert_int_equal(e->mean.n, 365);
    assert_int_equal(e->mean.of, 365);
}

static void an_hour_belongs_to_the_year_of_the_sites_zone(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 365, 70);
    hours(s, 1, 9999); /* 00:00 of 1 January, which is 16:00 of 31 December in Greenwich */
    turn(s, year_2028 + HOUR);
    assert_int_equal(s->nheard, 0); /* an hour of the next year without a verdict before: known, told */
    days(s, 365, 50);
    hours(s, 23, 50);
    const struct judge_event *e = verdict_of(s, year_2029);
    assert_true(e->start_ms == year_2028 && e->mean.max > 400);
}

static void a_leap_year_has_366_days_and_its_february_29(void **state)
{
    struct site *s = *state;
    make_annual(s);
    s->limit.days_needed = 0; /* 75 % */
    s->next_ms = year_2028;
    days(s, 31, 60);
    days(s, 4, NAN);
    days(s, 25, 60); /* to 29 February */
    days(s, 306, 60);
    const struct judge_event *e = verdict_of(s, year_2029);
    assert_int_equal(e->verdict, VERDICT_PASS);
    assert_int_equal(e->mean.n, 362);
    assert_int_equal(e->mean.of, 366);
    assert_true(e->length_ms == DAYS_2028 * (int64_t)DAY);
}

static void a_mean_is_rounded_to_the_even_number_before_it_is_compared(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 365, 70.5);
    assert_int_equal(verdict_of(s, year_2028)->verdict, VERDICT_PASS);
    assert_true(last(s)->compared == 70);
}

static void a_year_of_fewer_days_than_the_standard_asks_for_is_unknown_never_passed(void **state)
{
    struct site *s = *state;
    for (int short_of = 0; short_of <= 1; short_of++) {
        make_annual(s);
        s->limit.month_days_needed = s->limit.february_days_needed = 0;
        days(s, 324 - short_of, 10);
        days(s, 41 + short_of, NAN);
        s->nheard = 0;
        const struct judge_event *e = verdict_of(s, year_2028);
        assert_int_equal(e->verdict, short_of ? VERDICT_UNKNOWN : VERDICT_PASS);
        assert_string_equal(e->why, short_of ? "too few valid days" : "");
    }
}

static void a_year_of_which_one_month_is_too_short_is_unknown_and_says_so(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 31, 10);
    days(s, 4, NAN); /* February needs 25 */
    days(s, 330, 10);
    const struct judge_event *e = verdict_of(s, year_2028);
    assert_int_equal(e->verdict, VERDICT_UNKNOWN);
    assert_int_equal(e->mean.n, 361);
    assert_string_equal(e->why, "too few valid days in one of its months");
}

static void a_day_of_too_few_hours_is_none_of_the_year(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 364, 50);
    hours(s, 19, 9999);
    hours(s, 5, NAN);
    assert_int_equal(verdict_of(s, year_2028)->mean.n, 364);
    assert_true(last(s)->mean.max == 50);
}

static void a_year_without_a_measurement_is_not_reported_and_one_of_another_point_is_unknown(void **state)
{
    struct site *s = *state;
    make_annual(s);
    turn(s, year_2028);
    assert_int_equal(s->nheard, 0);
    days(s, 365, NAN);
    assert_int_equal(verdict_of(s, year_2028)->verdict, VERDICT_UNKNOWN);
    assert_int_equal(last(s)->mean.n, 0);
}

static void values_over_the_meters_range_make_the_year_a_lower_bound(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 364, 60);
    for (int h = 0; h < 24; h++, s->next_ms += HOUR)
        annual_hour(s->judge, 0, s->next_ms, &(struct mean){60, 60, 60, 60, 60, 'T', 0}, false);
    assert_int_equal(verdict_of(s, year_2028)->verdict, VERDICT_UNKNOWN);
    assert_string_equal(last(s)->why, "values over the meter's range");
}

static void the_standard_that_is_in_force_when_the_year_begins_judges_it(void **state)
{
    struct site *s = *state;
    make_annual(s);
    s->limit.valid_to_ms = year_2026 + 59 * (int64_t)DAY; /* to 28 February 2026 */
    s->next_ms = year_2026;
    days(s, 365, 71);
    assert_int_equal(verdict_of(s, year_2027)->verdict, VERDICT_BREACH);
    s->nheard = 0;
    days(s, 365, 71);
    turn(s, year_2028);
    assert_int_equal(s->nheard, 0); /* judged by nothing any more */
}

/* --- corrections --- */

static void an_hour_that_is_corrected_while_the_year_runs_counts_as_it_is_at_the_end(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 100, 50);
    int64_t at_ms = s->next_ms - 3 * DAY;
    correct_hour(s, at_ms, 500);
    correct_hour(s, at_ms, 50 + 24);
    days(s, 265, 50);
    const struct judge_event *e = verdict_of(s, year_2028);
    assert_true(e->mean.max == 51 && !e->corrects);
    assert_true(e->mean.mean == rint((364 * 50 + 51) / 365.0 * 1e4) / 1e4);
}

static void an_hour_that_is_corrected_after_the_year_tells_it_again_if_it_says_something_else(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 365, 70);
    verdict_of(s, year_2028);
    hours(s, 5, 10);
    correct_hour(s, year_2028 - HOUR, 70 + 24 * 400);
    turn(s, year_2028 + DAY);
    assert_int_equal(s->nheard, 2);
    assert_true(last(s)->corrects && last(s)->was == VERDICT_PASS && last(s)->verdict == VERDICT_BREACH);
    assert_true(last(s)->start_ms == year_2027 && last(s)->length_ms == DAYS_2027 * (int64_t)DAY);
    correct_hour(s, year_2028 - HOUR, 70 + 24 * 400);
    turn(s, year_2028 + DAY);
    assert_int_equal(s->nheard, 2); /* the same again */
}

/* Of the last hour of the year, which is flagged in the first of the next. */
static void a_sensor_that_was_stuck_over_the_new_year_corrects_the_year_that_ended(void **state)
{
    struct site *s = *state;
    s->config.quality.zero_ms = 2 * HOUR;
    s->config.quality.hole_ms = 10 * MINUTE;
    s->config.quality.night = "";
    make_annual(s);
    days(s, 364, 50);
    hours(s, 23, 50);
    feed(s, 60, 0);
    const struct judge_event *e = last(s);
    assert_true(e->kind == JUDGE_VERDICT && e->mean.n == 365 && e->mean.min < 50);
    s->nheard = 0;
    feed(s, 61, 0);
    int corrected = 0;
    for (int i = 0; i < s->nheard; i++)
        if (s->heard[i].kind == JUDGE_VERDICT) {
            corrected++;
            assert_true(s->heard[i].corrects && s->heard[i].start_ms == year_2027);
            assert_true(s->heard[i].mean.min == 50 && s->heard[i].mean.n == 365);
        }
    assert_int_equal(corrected, 1);
}

/* --- minutes, restarts, reloads --- */

static void minutes_become_hours_and_the_year_is_told_with_its_last_minute(void **state)
{
    struct site *s = *state;
    make_annual(s);
    s->limit.days_needed = 324;
    days(s, 363, 50);
    feed(s, 2 * 1440 - 1, 50);
    assert_int_equal(s->nheard, 0);
    feed(s, 1, 50);
    assert_int_equal(s->nheard, 1);
    assert_int_equal(last(s)->mean.n, 365);
    feed(s, 1440, 50);
    assert_int_equal(s->nheard, 1);
}

/* The hours of a journal into a new judge, as a restart has them. */
static void restart(struct site *s, int64_t from_ms, int64_t to_ms, int64_t told_ms)
{
    make_annual(s);
    for (s->next_ms = from_ms; s->next_ms < to_ms;)
        hours(s, 1, 50 + (double)(s->next_ms / HOUR % 7));
    annual_restored(s->judge, told_ms);
}

static void a_restart_in_the_middle_of_the_year_or_after_it_tells_it_once(void **state)
{
    static const struct {
        int64_t after_ms; /* of the year's end, that it happens */
        bool told;
        int verdicts;
    } cuts[] = {{-200 * (int64_t)DAY, false, 1},
                {-HOUR, false, 1},
                {0, false, 1},
                {0, true, 0},
                {HOUR, false, 0},
                {9 * DAY, false, 0}};
    struct site *s = *state;
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        int64_t cut_ms = year_2028 + cuts[i].after_ms;
        restart(s, year_2027, cut_ms, cuts[i].told ? year_2027 : INT64_MIN);
        while (s->next_ms < year_2028 + 20 * (int64_t)DAY) {
            turn(s, s->next_ms);
            hours(s, 1, 50 + (double)(s->next_ms / HOUR % 7));
        }
        assert_int_equal(s->nheard, cuts[i].verdicts);
        if (cuts[i].verdicts)
            assert_true(s->heard[0].mean.n == 365 && s->heard[0].mean.mean == 53);
        s->nheard = 0;
    }
}

static void after_a_restart_what_the_journal_corrected_already_is_not_told_again(void **state)
{
    struct site *s = *state;
    restart(s, year_2027, year_2028 + HOUR, INT64_MIN);
    correct_hour(s, year_2028 - HOUR, 700);
    annual_restored(s->judge, INT64_MIN);
    turn(s, year_2028 + DAY);
    assert_int_equal(s->nheard, 0);
    correct_hour(s, year_2028 - HOUR, 50);
    turn(s, year_2028 + DAY);
    assert_int_equal(s->nheard, 1);
    assert_true(last(s)->corrects);
}

static void a_reload_carries_the_year_that_runs_and_what_was_said_of_the_last(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 365, 50);
    verdict_of(s, year_2028);
    days(s, 1, 50);
    struct judge *was = s->judge;
    s->judge = judge_carry(was, &s->config, (const int[]){0});
    judge_destroy(was);
    correct_hour(s, year_2028 - HOUR, 74);
    turn(s, year_2028 + DAY);
    assert_int_equal(s->nheard, 2);
    assert_true(last(s)->corrects && last(s)->mean.max == 51);
    s->nheard = 0;
    days(s, 365, 50);
    assert_int_equal(verdict_of(s, year_2029)->mean.n, 366);
}

static void the_year_so_far_counts_the_days_that_are_over(void **state)
{
    struct site *s = *state;
    int64_t start_ms, length_ms;
    struct mean so_far;
    make_annual(s);
    assert_false(annual_running(s->judge, 0, &s->limit, &start_ms, &length_ms, &so_far));
    days(s, 10, 50);
    hours(s, 3, 900);
    assert_true(annual_running(s->judge, 0, &s->limit, &start_ms, &length_ms, &so_far));
    assert_true(start_ms == year_2027 && length_ms == DAYS_2027 * (int64_t)DAY);
    assert_true(so_far.n == 10 && so_far.of == 365 && so_far.mean == 50);
    assert_int_equal(so_far.quality, 'D');
}

/* --- a clock that is set back --- */

static void an_hour_that_comes_twice_counts_once_and_with_more_minutes(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 10, 50);
    struct mean few = {900, 900, 900, 2, 60, 'D', 0}, all = {74, 74, 74, 60, 60, 'N', 0};
    int64_t start_ms, length_ms;
    struct mean so_far;
    annual_hour(s->judge, 0, s->next_ms - HOUR, &few, false);
    annual_hour(s->judge, 0, s->next_ms - 2 * HOUR, &all, false);
    annual_running(s->judge, 0, &s->limit, &start_ms, &length_ms, &so_far);
    assert_true(so_far.n == 10 && so_far.max == 51);
}

static void a_clock_that_was_years_ahead_leaves_the_year_to_be_told_when_it_ends(void **state)
{
    struct site *s = *state;
    make_annual(s);
    days(s, 100, 50);
    s->next_ms += 900 * (int64_t)DAY;
    turn(s, s->next_ms);
    assert_int_equal(last(s)->verdict, VERDICT_UNKNOWN); /* as it stands */
    hours(s, 3, 50);
    s->next_ms -= 900 * (int64_t)DAY;
    s->nheard = 0;
    hours(s, 21, 50);
    turn(s, s->next_ms);
    days(s, 264, 50);
    assert_int_equal(verdict_of(s, year_2028)->verdict, VERDICT_PASS);
    assert_in_range(last(s)->mean.n, 363, 365);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(a_year_is_judged_on_the_mean_of_its_days_at_midnight_of_1_january),
        EACH(an_hour_belongs_to_the_year_of_the_sites_zone),
        EACH(a_leap_year_has_366_days_and_its_february_29),
        EACH(a_mean_is_rounded_to_the_even_number_before_it_is_compared),
        EACH(a_year_of_fewer_days_than_the_standard_asks_for_is_unknown_never_passed),
        EACH(a_year_of_which_one_month_is_too_short_is_unknown_and_says_so),
        EACH(a_day_of_too_few_hours_is_none_of_the_year),
        EACH(a_year_without_a_measurement_is_not_reported_and_one_of_another_point_is_unknown),
        EACH(values_over_the_meters_range_make_the_year_a_lower_bound),
        EACH(the_standard_that_is_in_force_when_the_year_begins_judges_it),
        EACH(an_hour_that_is_corrected_while_the_year_runs_counts_as_it_is_at_the_end),
        EACH(an_hour_that_is_corrected_after_the_year_tells_it_again_if_it_says_something_else),
        EACH(a_sensor_that_was_stuck_over_the_new_year_corrects_the_year_that_ended),
        EACH(minutes_become_hours_and_the_year_is_told_with_its_last_minute),
        EACH(a_restart_in_the_middle_of_the_year_or_after_it_tells_it_once),
        EACH(after_a_restart_what_the_journal_corrected_already_is_not_told_again),
        EACH(a_reload_carries_the_year_that_runs_and_what_was_said_of_the_last),
        EACH(the_year_so_far_counts_the_days_that_are_over),
        EACH(an_hour_that_comes_twice_counts_once_and_with_more_minutes),
        EACH(a_clock_that_was_years_ahead_leaves_the_year_to_be_told_when_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
