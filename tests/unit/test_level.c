/* Levels in decibels: means are those of the energies, computed here by hand from L = 10 lg (1/n x sum of
 * 10^(0.1 Li)). */
#include "daemon/base/level.h"

#include "daemon/judge/window.h"
#include "daemon/sample.h"
#include "tests/unit/a_limit.h"

static const struct hours by_night = {1320, 360};

static int setup_noise(void **state)
{
    setup(state);
    struct site *s = *state;
    s->pm10 = (struct point){.name = "noise", .role = "noise", .unit = "dB(A)"};
    s->points[0].name = "gate/noise";
    s->limit.role = "noise";
    s->limit.unit = "dB(A)";
    s->limit.level = true;
    s->limit.window_ms = 20 * MINUTE;
    s->limit.value = 70;
    return 0;
}

/* To the last of four decimals. */
static void assert_db(double is, double wanted)
{
    if (is != wanted)
        fail_msg("%.10g dB, not %.10g", is, wanted);
}

static double mean_of(const double *levels, int n)
{
    struct tally t = {.level = true};
    for (int i = 0; i < n; i++)
        tally_sample(&t, &(struct sample){.quality = QUALITY_NORMAL, .value = levels[i]});
    return tally_mean(&t, (uint32_t)n).mean;
}

/* --- the mean --- */

static void the_mean_of_levels_is_that_of_their_energies(void **state)
{
    (void)state;
    assert_db(mean_of((const double[]){60, 70}, 2), 67.4036);     /* 10 lg 5.5e6 */
    assert_db(mean_of((const double[]){50, 60, 70}, 3), 65.6820); /* 10 lg 3.7e6 */
    assert_db(mean_of((const double[]){60, 60, 60, 80}, 4), 74.1078);
    assert_db(mean_of((const double[]){0, 10}, 2), 7.4036);
    assert_db(mean_of((const double[]){30, 30, 30, 130}, 4), 123.9794); /* a quarter of it */
}

static void equal_levels_have_exactly_their_own_mean(void **state)
{
    (void)state;
    for (int k = 1; k < 1400; k++) {
        struct tally t = {.level = true};
        struct mean m = {
            .mean = k / 10.0, .min = k / 10.0, .max = k / 10.0, .n = 60, .quality = QUALITY_NORMAL};
        for (int i = 0; i < 1440; i++)
            tally_minute(&t, &m);
        assert_db(tally_mean(&t, 1440).mean, k / 10.0);
    }
}

static void the_lowest_and_the_highest_stay_the_levels_that_were_read(void **state)
{
    (void)state;
    struct tally t = {.level = true};
    tally_minute(&t, &(struct mean){.mean = 60, .min = 48.3, .max = 91.2, .quality = QUALITY_NORMAL});
    tally_minute(&t, &(struct mean){.mean = 60, .min = 51, .max = 60, .quality = QUALITY_NORMAL});
    assert_db(tally_mean(&t, 2).min, 48.3);
    assert_db(tally_mean(&t, 2).max, 91.2);
}

static void what_can_be_no_level_is_a_fault(void **state)
{
    (void)state;
    static const double wrong[] = {1000, -1000, 1e15, 1e300, NAN, INFINITY, -INFINITY};
    struct tally t = {.level = true};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        tally_sample(&t, &(struct sample){.quality = QUALITY_NORMAL, .value = wrong[i]});
    struct mean m = tally_mean(&t, 7);
    assert_int_equal(m.n, 0);
    assert_int_equal(m.quality, 'D');
    assert_true(isnan(m.mean));
}

static void the_unit_decides_and_nothing_else(void **state)
{
    (void)state;
    assert_true(unit_is_level("dB"));
    assert_true(unit_is_level("dB(A)"));
    assert_false(unit_is_level("ug/m3"));
    assert_false(unit_is_level(""));
}

/* --- in the judge --- */

static struct mean minute_of(struct site *s, double a, double b)
{
    struct mean m;
    for (int i = 0; i < 60; i++)
        judge_sample(s->judge, &(struct sample){.at_ms = s->next_ms + i * 1000,
                                                .quality = QUALITY_NORMAL,
                                                .value = i % 2 ? a : b});
    judge_minute(s->judge, &m);
    return m;
}

static void a_minute_is_the_mean_energy_of_its_samples_in_both_units(void **state)
{
    struct site *s = *state;
    static const char *const units[] = {"dB(A)", "dB", "ug/m3"};
    static const double means[] = {67.4036, 67.4036, 65};
    for (int i = 0; i < 3; i++) {
        s->pm10.unit = units[i];
        open_judge(s);
        assert_db(minute_of(s, 60, 70).mean, means[i]);
        assert_db(minute_of(s, 60, 70).mean, means[i]); /* the next minute is empty and as before */
    }
}

static void one_loud_minute_makes_a_breach_of_what_the_plain_mean_would_pass(void **state)
{
    struct site *s = *state;
    feed(s, 19, 60);
    feed(s, 1, 84);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    assert_db(last(s)->compared, 71.3064); /* 10 lg ((19e6 + 10^8.4) / 20), the plain mean is 61.2 */
    feed(s, 19, 60);
    feed(s, 1, 82);
    assert_int_equal(last(s)->verdict, VERDICT_PASS); /* 69.4 */
}

static void a_level_is_rounded_once_and_a_tie_goes_to_the_even_number(void **state)
{
    struct site *s = *state;
    s->limit.round = 1;
    assert_int_equal(of(s, 70.5), VERDICT_PASS);
    assert_true(last(s)->compared == 70);
    assert_int_equal(of(s, 70.5001), VERDICT_BREACH);
    assert_true(last(s)->compared == 71);
    s->limit.value = 71;
    assert_int_equal(of(s, 71.5), VERDICT_BREACH);
    double compared;
    s->limit.value = 70;
    assert_true(
        limit_exceeded(&s->limit, level_energy(70.50000001), 1, 0, &compared)); /* not by way of 70.5000 */
}

static void hours_and_days_are_means_of_energies_too(void **state)
{
    struct site *s = *state;
    s->limit.window_ms = DAY;
    s->limit.hours_needed = 20;
    feed(s, 12 * 60, 60);
    feed(s, 12 * 60, 70);
    assert_db(last(s)->mean.mean, 67.4036);
    s->limit.hours_needed = 0;
    feed(s, 12 * 60, 60);
    feed(s, 12 * 60, 70);
    assert_db(last(s)->mean.mean, 67.4036);
}

static void the_running_window_is_so_far_the_mean_of_its_energies(void **state)
{
    struct site *s = *state;
    int64_t start_ms;
    struct mean m;
    feed(s, 1, 60);
    feed(s, 1, 70);
    assert_true(judge_running(s->judge, 0, 20 * MINUTE, &start_ms, &m));
    assert_db(m.mean, 67.4036);
}

/* Of 20 minutes at 70 dB, 5 at 76 use 5 x 10^7.6 / (20 x 10^7) = 99.5 %. */
static void a_warning_tells_the_share_of_the_energy_and_the_level_that_is_left(void **state)
{
    struct site *s = *state;
    s->limit.informs = false;
    s->limit.warn_share = 0.8;
    feed(s, 4, 76);
    assert_int_equal(s->nheard, 0); /* 79.6 % */
    feed(s, 1, 76);
    assert_int_equal(s->nheard, 1);
    assert_int_equal(last(s)->kind, JUDGE_WARNING);
    assert_true(fabs(last(s)->used - 0.9953) < 1e-4);
    assert_true(fabs(last(s)->may - 48.0) < 0.1); /* 10 lg ((1e7 - 0.9953e7) / 0.75) */
    feed(s, 1, 76);
    assert_int_equal(last(s)->kind, JUDGE_VERDICT);
    assert_true(last(s)->running);
    assert_true(last(s)->may == 0);
    feed(s, 14, 20);
    assert_int_equal(last(s)->verdict, VERDICT_BREACH);
    assert_false(last(s)->running);
}

static void by_night_another_level_holds(void **state)
{
    struct site *s = *state;
    s->limit.hours = by_night;
    s->limit.value = 55;
    feed(s, 24 * 60, 56);
    assert_int_equal(s->nheard, 24);
    for (int i = 0; i < s->nheard; i++)
        assert_int_equal(s->heard[i].verdict, VERDICT_BREACH);
}

/* --- several points --- */

static void feed_two(struct site *s, int minutes, double a, double b)
{
    for (; minutes > 0; minutes--, s->next_ms += MINUTE) {
        struct mean m[2] = {{a, a, a, 60, 60, 'N', 0}, {b, b, b, 60, 60, 'N', 0}};
        judge_feed(s->judge, s->next_ms, m, hear, s);
    }
}

static void the_sites_level_is_that_of_the_mean_energy_of_its_points(void **state)
{
    struct site *s = *state;
    struct config_point points[2] = {s->points[0], s->points[0]};
    s->config.points = points;
    s->config.npoints = 2;
    s->limit.over = OVER_MEAN;
    s->limit.informs = false;
    open_judge(s);
    feed_two(s, 20, 60, 70);
    assert_db(last(s)->mean.mean, 67.4036);
    assert_int_equal(last(s)->verdict, VERDICT_PASS);
    feed_two(s, 20, 60, 74); /* 10 lg 1.306e7, certain before the end */
    assert_int_equal(told(s, JUDGE_VERDICT, 20 * MINUTE), 3);
    assert_true(s->heard[1].running);
    assert_db(last(s)->mean.mean, 71.1592);
    s->limit.over = OVER_MAX;
    feed_two(s, 20, 60, 74);
    assert_db(last(s)->mean.mean, 74);
    assert_int_equal(last(s)->point, 1);
}

/* 19 of 20 minutes at 70.2228 dB are 70.00004 dB, which is 70 when the window ends. */
static void what_will_be_rounded_down_to_the_limit_is_not_lost(void **state)
{
    struct site *s = *state;
    struct config_point points[2] = {s->points[0], s->points[0]};
    s->config.points = points;
    s->config.npoints = 2;
    s->limit.informs = false;
    for (int over = OVER_EACH; over <= OVER_MAX; over++) {
        s->limit.over = (enum limit_over)over;
        open_judge(s);
        s->nheard = 0;
        feed_two(s, 19, 70.2228, 70.2228);
        feed_two(s, 1, -100, -100);
        for (int i = 0; i < s->nheard; i++)
            assert_int_equal(s->heard[i].verdict, VERDICT_PASS);
        assert_int_equal(s->nheard, over == OVER_EACH ? 2 : 1);
    }
}

/* --- across a reload --- */

static void after_a_reload_old_and_new_points_are_still_of_levels(void **state)
{
    struct site *s = *state;
    struct config_point points[2] = {s->points[0], s->points[0]};
    struct config more = s->config;
    more.points = points;
    more.npoints = 2;
    feed(s, 10, 60);
    struct judge *next = judge_carry(s->judge, &more, (const int[]){-1, 0});
    judge_destroy(s->judge);
    s->judge = next;
    feed_two(s, 10, 70, 70); /* the first is new: half its window is missing */
    assert_int_equal(s->heard[0].verdict, VERDICT_UNKNOWN);
    assert_db(s->heard[1].mean.mean, 67.4036);
    feed_two(s, 10, 60, 60);
    feed_two(s, 10, 70, 70);
    assert_db(s->heard[2].mean.mean, 67.4036);
    assert_db(s->heard[3].mean.mean, 67.4036);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup_noise, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_of_levels_is_that_of_their_energies),
        cmocka_unit_test(equal_levels_have_exactly_their_own_mean),
        cmocka_unit_test(the_lowest_and_the_highest_stay_the_levels_that_were_read),
        cmocka_unit_test(what_can_be_no_level_is_a_fault),
        cmocka_unit_test(the_unit_decides_and_nothing_else),
        EACH(a_minute_is_the_mean_energy_of_its_samples_in_both_units),
        EACH(one_loud_minute_makes_a_breach_of_what_the_plain_mean_would_pass),
        EACH(a_level_is_rounded_once_and_a_tie_goes_to_the_even_number),
        EACH(hours_and_days_are_means_of_energies_too),
        EACH(the_running_window_is_so_far_the_mean_of_its_energies),
        EACH(a_warning_tells_the_share_of_the_energy_and_the_level_that_is_left),
        EACH(by_night_another_level_holds),
        EACH(the_sites_level_is_that_of_the_mean_energy_of_its_points),
        EACH(what_will_be_rounded_down_to_the_limit_is_not_lost),
        EACH(after_a_reload_old_and_new_points_are_still_of_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
