/* The arithmetic of a mean: what counts, what is enough, how it is rounded. */
#include "daemon/judge/window.h"
#include "daemon/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void add(struct tally *t, enum quality quality, double value, int times)
{
    struct sample s = {.quality = (uint8_t)quality, .value = value};
    for (int i = 0; i < times; i++)
        tally_sample(t, &s);
}

static void add_minutes(struct tally *t, enum quality quality, double mean, int times)
{
    struct mean m = {.mean = mean, .min = mean - 1, .max = mean + 1, .n = 60, .of = 60};
    m.quality = (uint8_t)quality;
    for (int i = 0; i < times; i++)
        tally_minute(t, &m);
}

static void assert_mean(struct mean m, double mean, double min, double max)
{
    assert_float_equal(m.mean, mean, 0);
    assert_float_equal(m.min, min, 0);
    assert_float_equal(m.max, max, 0);
}

static void a_mean_is_that_of_its_normal_samples(void **state)
{
    (void)state;
    struct tally t = {0};
    add(&t, QUALITY_NORMAL, 80, 20);
    add(&t, QUALITY_NORMAL, 82.5, 20);
    add(&t, QUALITY_NORMAL, 90.2, 20);
    struct mean m = tally_mean(&t, 60);
    assert_mean(m, 84.2333, 80, 90.2);
    assert_int_equal(m.n, 60);
    assert_int_equal(m.of, 60);
    assert_int_equal(m.quality, 'N');
}

static void nothing_is_no_number_and_never_zero(void **state)
{
    (void)state;
    struct tally t = {0};
    struct mean m = tally_mean(&t, 60);
    assert_true(isnan(m.mean) && isnan(m.min) && isnan(m.max));
    assert_int_equal(m.n, 0);
    assert_int_equal(m.quality, 'D');
}

static void a_failed_read_enters_no_mean(void **state)
{
    (void)state;
    struct tally t = {0};
    add(&t, QUALITY_NORMAL, 100, 50);
    add(&t, QUALITY_NO_COMMUNICATION, NAN, 5);
    add(&t, QUALITY_FAULT, 0, 5);
    assert_mean(tally_mean(&t, 60), 100, 100, 100);
}

static void maintenance_calibration_stopped_and_typed_values_are_not_averaged(void **state)
{
    (void)state;
    static const enum quality letters[] = {QUALITY_MAINTENANCE, QUALITY_CALIBRATION,      QUALITY_FAULT,
                                           QUALITY_STOPPED,     QUALITY_NO_COMMUNICATION, QUALITY_MANUAL};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        struct tally t = {0};
        add(&t, QUALITY_NORMAL, 10, 45);
        add(&t, letters[i], 1000, 15);
        assert_mean(tally_mean(&t, 60), 10, 10, 10);
        add(&t, letters[i], 1000, 1);
        assert_int_equal(tally_mean(&t, 61).quality, letters[i]);
    }
}

static void three_quarters_are_enough_and_one_less_is_not(void **state)
{
    (void)state;
    static const uint32_t of[] = {4, 15, 30, 60, 1440}, least[] = {3, 12, 23, 45, 1080};
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        struct tally t = {0};
        add(&t, QUALITY_NORMAL, 1, (int)least[i] - 1);
        assert_int_equal(tally_mean(&t, of[i]).quality, 'D');
        add(&t, QUALITY_NORMAL, 1, 1);
        assert_int_equal(tally_mean(&t, of[i]).quality, 'N');
    }
}

static void too_few_samples_still_show_their_mean_but_as_invalid(void **state)
{
    (void)state;
    struct tally t = {0};
    add(&t, QUALITY_NORMAL, 40, 44);
    struct mean m = tally_mean(&t, 60);
    assert_float_equal(m.mean, 40, 0);
    assert_false(mean_valid(&m));
}

static void over_range_counts_as_the_top_and_makes_the_mean_a_lower_bound(void **state)
{
    (void)state;
    struct tally t = {0};
    add(&t, QUALITY_NORMAL, 100, 30);
    add(&t, QUALITY_OVER_RANGE, 300, 30);
    struct mean m = tally_mean(&t, 60);
    assert_mean(m, 200, 100, 300);
    assert_int_equal(m.quality, 'T');
    assert_int_equal(m.n, 60);
}

static void an_invalid_mean_carries_the_letter_of_most_of_what_failed(void **state)
{
    (void)state;
    struct tally silent = {0}, mixed = {0}, gone = {0};
    add(&silent, QUALITY_NORMAL, 1, 10);
    add(&silent, QUALITY_NO_COMMUNICATION, NAN, 45);
    add(&silent, QUALITY_FAULT, NAN, 5);
    assert_int_equal(tally_mean(&silent, 60).quality, 'B');
    add(&mixed, QUALITY_NO_COMMUNICATION, NAN, 30);
    add(&mixed, QUALITY_MAINTENANCE, NAN, 30);
    assert_int_equal(tally_mean(&mixed, 60).quality, 'D');
    add(&gone, QUALITY_NO_COMMUNICATION, NAN, 20); /* and 40 never came */
    assert_int_equal(tally_mean(&gone, 60).quality, 'D');
}

static void a_normal_sample_that_is_no_number_counts_as_a_fault(void **state)
{
    (void)state;
    struct tally t = {0};
    add(&t, QUALITY_NORMAL, NAN, 1);
    add(&t, QUALITY_NORMAL, INFINITY, 1);
    add(&t, QUALITY_NORMAL, 1e300, 1);
    assert_int_equal(tally_mean(&t, 3).n, 0);
    assert_int_equal(tally_mean(&t, 3).quality, 'D');
}

static void means_have_four_decimals_and_a_tie_goes_to_the_even_digit(void **state)
{
    (void)state;
    assert_float_equal(round4(1.00004999), 1.0, 0);
    assert_float_equal(round4(1.00005001), 1.0001, 0);
    assert_float_equal(round4(0.03125), 0.0312, 0);
    assert_float_equal(round4(0.09375), 0.0938, 0);
    assert_float_equal(round4(-0.03125), -0.0312, 0);
    assert_float_equal(round4(800.0000000001), 800, 0);
    assert_false(signbit(round4(-0.00001)));
}

/* 0.1 is no binary number: a plain sum of ten of them is 0.9999999999999999. */
static void a_window_of_equal_minutes_has_exactly_their_mean(void **state)
{
    (void)state;
    for (int k = 1; k < 20000; k += 7) {
        struct tally t = {0};
        double value = k / 10.0;
        add_minutes(&t, QUALITY_NORMAL, value, 1440);
        assert_float_equal(tally_mean(&t, 1440).mean, value, 0);
    }
}

static void a_window_is_rounded_like_a_minute(void **state)
{
    (void)state;
    struct tally thirds = {0}, tie = {0}, odd_tie = {0};
    add_minutes(&thirds, QUALITY_NORMAL, 1, 2);
    add_minutes(&thirds, QUALITY_NORMAL, 0, 1);
    assert_float_equal(tally_mean(&thirds, 3).mean, 0.6667, 0);
    add_minutes(&tie, QUALITY_NORMAL, 10.0002, 1);
    add_minutes(&tie, QUALITY_NORMAL, 10.0003, 1);
    assert_float_equal(tally_mean(&tie, 2).mean, 10.0002, 0);
    add_minutes(&odd_tie, QUALITY_NORMAL, 10.0003, 1);
    add_minutes(&odd_tie, QUALITY_NORMAL, 10.0004, 1);
    assert_float_equal(tally_mean(&odd_tie, 2).mean, 10.0004, 0);
}

static void a_window_keeps_the_lowest_and_the_highest_sample_of_its_minutes(void **state)
{
    (void)state;
    struct tally t = {0};
    add_minutes(&t, QUALITY_NORMAL, 50, 30);
    add_minutes(&t, QUALITY_NORMAL, 70, 30);
    assert_mean(tally_mean(&t, 60), 60, 49, 71);
}

static void an_invalid_minute_enters_no_window(void **state)
{
    (void)state;
    struct tally t = {0};
    add_minutes(&t, QUALITY_NORMAL, 50, 45);
    add_minutes(&t, QUALITY_NO_COMMUNICATION, 900, 15);
    assert_mean(tally_mean(&t, 60), 50, 49, 51);
    assert_int_equal(tally_mean(&t, 60).n, 45);
}

static void one_minute_over_range_makes_the_window_a_lower_bound(void **state)
{
    (void)state;
    struct tally t = {0};
    add_minutes(&t, QUALITY_NORMAL, 50, 59);
    add_minutes(&t, QUALITY_OVER_RANGE, 300, 1);
    assert_int_equal(tally_mean(&t, 60).quality, 'T');
}

static void a_minute_is_owed_what_fits_into_it_and_at_least_one(void **state)
{
    (void)state;
    assert_int_equal(minute_due(1000), 60);
    assert_int_equal(minute_due(2000), 30);
    assert_int_equal(minute_due(7000), 8);
    assert_int_equal(minute_due(100), 600);
    assert_int_equal(minute_due(60000), 1);
    assert_int_equal(minute_due(90000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mean_is_that_of_its_normal_samples),
        cmocka_unit_test(nothing_is_no_number_and_never_zero),
        cmocka_unit_test(a_failed_read_enters_no_mean),
        cmocka_unit_test(maintenance_calibration_stopped_and_typed_values_are_not_averaged),
        cmocka_unit_test(three_quarters_are_enough_and_one_less_is_not),
        cmocka_unit_test(too_few_samples_still_show_their_mean_but_as_invalid),
        cmocka_unit_test(over_range_counts_as_the_top_and_makes_the_mean_a_lower_bound),
        cmocka_unit_test(an_invalid_mean_carries_the_letter_of_most_of_what_failed),
        cmocka_unit_test(a_normal_sample_that_is_no_number_counts_as_a_fault),
        cmocka_unit_test(means_have_four_decimals_and_a_tie_goes_to_the_even_digit),
        cmocka_unit_test(a_window_of_equal_minutes_has_exactly_their_mean),
        cmocka_unit_test(a_window_is_rounded_like_a_minute),
        cmocka_unit_test(a_window_keeps_the_lowest_and_the_highest_sample_of_its_minutes),
        cmocka_unit_test(an_invalid_minute_enters_no_window),
        cmocka_unit_test(one_minute_over_range_makes_the_window_a_lower_bound),
        cmocka_unit_test(a_minute_is_owed_what_fits_into_it_and_at_least_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
