/* The minutes that are looked back at: nothing that a check or a window compares is lost in 16 bytes. */
#include "daemon/judge/history.h"

#include "daemon/base/clock.h"
#include "daemon/sample.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MINUTE = CLOCK_MINUTE_MS, POINTS = 3 };
static const int64_t midnight = 1773417600000; /* 2026-03-14T00:00+08:00 */
static const bool first_and_last[POINTS] = {true, false, true};

static struct mean valued(double mean, double min, double max)
{
    return (struct mean){mean, min, max, 60, 60, QUALITY_NORMAL, 0};
}

static void add_one(struct history *h, int64_t start_ms, struct mean m)
{
    struct mean means[POINTS] = {m, m, m};
    history_add(h, start_ms, means);
}

static uint64_t seed_of_run(void)
{
    const char *text = getenv("DUST_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 10) : (uint64_t)clock_wire_us();
    printf("DUST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void every_number_of_a_minute_row_comes_back_as_the_same_double(void **state)
{
    (void)state;
    uint64_t random = seed_of_run();
    struct history *h = history_create(1, POINTS, first_and_last);
    for (int i = 0; i < 20000; i++) {
        double mean = round4((double)next_random(&random) / 1e4 - 5000), min = mean - 0.3, max = mean + 1.7;
        add_one(h, midnight, valued(mean, round4(min), round4(max)));
        struct mean m;
        assert_true(history_minute(h, 2, midnight, &m));
        assert_true(m.mean == mean && m.min == round4(min) && m.max == round4(max));
        assert_int_equal(m.n, 1);
        assert_int_equal(m.quality, 'N');
    }
    history_destroy(h);
}

static void a_number_that_no_dust_meter_shows_keeps_nine_digits(void **state)
{
    (void)state;
    static const double large[] = {214748.3646, 214748.3647, 214748.3648, 4294967295, -99999999999.5, 9.9e14};
    struct history *h = history_create(1, POINTS, first_and_last);
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        struct mean m;
        add_one(h, midnight, valued(large[i], large[i], large[i]));
        assert_true(history_minute(h, 0, midnight, &m));
        assert_true(fabs(m.mean - large[i]) <= fabs(large[i]) * 5e-9);
    }
    history_destroy(h);
}

static void what_is_no_number_has_no_values_and_keeps_its_letter(void **state)
{
    (void)state;
    struct history *h = history_create(4, POINTS, first_and_last);
    struct mean m;
    add_one(h, midnight, (struct mean){NAN, NAN, NAN, 0, 60, 'B', 0});
    add_one(h, midnight + MINUTE, valued(1e15, 1e15, 1e15));
    add_one(h, midnight + 2 * MINUTE, valued(80, NAN, 90));
    assert_true(history_minute(h, 0, midnight, &m));
    assert_int_equal(m.n, 0);
    assert_int_equal(m.quality, 'B');
    assert_true(history_minute(h, 0, midnight + MINUTE, &m));
    assert_int_equal(m.n, 0);
    assert_int_equal(m.quality, 'D'); /* no window counts it either */
    assert_true(history_minute(h, 0, midnight + 2 * MINUTE, &m));
    assert_int_equal(m.n, 0); /* no minute of ours */
    struct tally t = history_tally(h, 0, midnight, midnight + 3 * MINUTE, 0, NULL);
    assert_int_equal(t.came, 3);
    assert_int_equal(t.n, 0);
    history_destroy(h);
}

static void a_point_that_nothing_looks_back_at_has_no_minutes(void **state)
{
    (void)state;
    struct history *h = history_create(10, POINTS, first_and_last);
    struct mean m;
    add_one(h, midnight, valued(80, 79, 81));
    assert_true(history_keeps(h, 0));
    assert_false(history_keeps(h, 1));
    assert_false(history_minute(h, 1, midnight, &m));
    assert_int_equal(history_tally(h, 1, midnight, midnight + MINUTE, 0, NULL).came, 0);
    assert_int_equal(history_flag(h, 1, midnight, midnight + MINUTE, 'D'), 0);
    history_destroy(h);
}

static void a_flagged_minute_keeps_its_numbers_and_counts_no_more(void **state)
{
    (void)state;
    struct history *h = history_create(3, POINTS, first_and_last);
    struct mean m;
    for (int i = 0; i < 5; i++) /* the first two leave the ring */
        add_one(h, midnight + i * (int64_t)MINUTE, valued(80 + i, 79, 91));
    assert_true(history_reaches(h, midnight + 2 * MINUTE));
    assert_false(history_reaches(h, midnight + MINUTE));
    assert_int_equal(history_flag(h, 0, midnight, midnight + 4 * MINUTE, 'D'), 2);
    assert_int_equal(history_flag(h, 0, midnight, midnight + 4 * MINUTE, 'D'), 0);
    assert_true(history_minute(h, 0, midnight + 3 * MINUTE, &m));
    assert_int_equal(m.quality, 'D');
    assert_true(m.mean == 83 && m.n == 1);
    struct tally t = history_tally(h, 0, midnight, midnight + 5 * MINUTE, 0, NULL);
    assert_int_equal(t.n, 1);
    assert_true(t.sum == 840000);
    assert_int_equal(history_tally(h, 2, midnight, midnight + 5 * MINUTE, 0, NULL).n, 3);
    assert_int_equal(history_fed(h), 5);
    assert_int_equal(history_tally(h, 2, midnight, midnight + 5 * MINUTE, 4, NULL).n, 1); /* the last */
    history_destroy(h);
}

static void a_reload_carries_the_minutes_of_the_points_that_stay(void **state)
{
    (void)state;
    static const bool all[POINTS] = {true, true, true};
    static const int before[POINTS] = {2, 1, -1}; /* what is 1 now was not kept */
    struct history *was = history_create(3, POINTS, first_and_last), *h = history_create(3, POINTS, all);
    struct mean m;
    history_add(was, midnight, (struct mean[POINTS]){valued(1, 1, 1), valued(2, 2, 2), valued(3, 2, 4)});
    history_carry(h, was, before);
    assert_true(history_minute(h, 0, midnight, &m));
    assert_true(m.mean == 3 && m.min == 2 && m.max == 4);
    for (int i = 1; i < POINTS; i++) {
        assert_true(history_minute(h, i, midnight, &m));
        assert_int_equal(m.n, 0);
    }
    history_destroy(was);
    history_destroy(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_a_minute_row_comes_back_as_the_same_double),
        cmocka_unit_test(a_number_that_no_dust_meter_shows_keeps_nine_digits),
        cmocka_unit_test(what_is_no_number_has_no_values_and_keeps_its_letter),
        cmocka_unit_test(a_point_that_nothing_looks_back_at_has_no_minutes),
        cmocka_unit_test(a_flagged_minute_keeps_its_numbers_and_counts_no_more),
        cmocka_unit_test(a_reload_carries_the_minutes_of_the_points_that_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
