/* HJ 633: sub-index of particulate matter by the edition of the day of measurement. */
#include "daemon/judge/aqi.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* 2026-03-01T00:00+08:00, the first moment of HJ 633-2026 */
static const int64_t first = 1772294400000;

static void the_vectors_of_both_editions_hold(void **state)
{
    static const struct {
        const char *role;
        double mean;
        int of_2026, of_2012;
    } vectors[] = {
        {"pm10", 50, 50, 50},    {"pm10", 51, 51, 51},    {"pm10", 120, 100, 85},   {"pm10", 121, 101, 86},
        {"pm10", 150, 112, 100}, {"pm10", 168, 119, 109}, {"pm10", 250, 150, 150},  {"pm10", 251, 151, 151},
        {"pm10", 420, 300, 300}, {"pm10", 600, 500, 500}, {"pm10", 5000, 500, 500}, {"pm25", 50, 80, 69},
        {"pm25", 51, 82, 70},    {"pm25", 120, 158, 158}, {"pm10", 0, 0, 0},        {"pm25", 500, 500, 500},
    };
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        assert_int_equal(aqi_sub(vectors[i].role, vectors[i].mean, first, 480), vectors[i].of_2026);
        assert_int_equal(aqi_sub(vectors[i].role, vectors[i].mean, first - 1, 480), vectors[i].of_2012);
    }
}

static void the_mean_is_rounded_to_the_even_whole_number_first(void **state)
{
    (void)state;
    assert_int_equal(aqi_sub("pm10", 50.5, first, 480), 50);
    assert_int_equal(aqi_sub("pm10", 50.51, first, 480), 51);
    assert_int_equal(aqi_sub("pm10", 599.9, first, 480), 500);
}

static void the_edition_begins_with_the_sites_day(void **state)
{
    (void)state;
    assert_int_equal(aqi_sub("pm10", 120, first, 360), 85); /* still 2026-02-28 in Urumqi */
}

static void what_has_no_index_has_none(void **state)
{
    (void)state;
    assert_int_equal(aqi_sub("tsp", 50, first, 480), -1);
    assert_int_equal(aqi_sub("pm10", NAN, first, 480), -1);
    assert_int_equal(aqi_sub("pm10", -1, first, 480), -1);
}

static void an_index_has_a_level_with_the_colour_of_the_standard(void **state)
{
    (void)state;
    assert_string_equal(aqi_level(50)->zh, "优");
    assert_string_equal(aqi_level(51)->zh, "良");
    assert_int_equal(aqi_level(51)->colour, 0xFFFF00);
    assert_string_equal(aqi_level(301)->zh, "严重污染");
    assert_int_equal(aqi_level(300)->colour, 0x99004C);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_both_editions_hold),
        cmocka_unit_test(the_mean_is_rounded_to_the_even_whole_number_first),
        cmocka_unit_test(the_edition_begins_with_the_sites_day),
        cmocka_unit_test(what_has_no_index_has_none),
        cmocka_unit_test(an_index_has_a_level_with_the_colour_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
