/* Which profile explains what a unit answers. */
#include "daemon/sample.h"
#include "drivers/match.h"
#include "drivers/scan_plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { POINTS = 6 };

static struct point points[POINTS];
static struct sample samples[POINTS];
static struct profile profile;
static const struct scan_setting at = {9600, 'N', 1};

/* A point of that role with that value; NaN: the unit refuses its register. */
static void add(const char *role, const char *unit, double value)
{
    int i = profile.npoints++;
    bool read = !isnan(value);
    points[i] = (struct point){.name = role,
                               .role = role,
                               .unit = unit,
                               .table = TABLE_HOLDING,
                               .type = TYPE_U16,
                               .bit = -1,
                               .scale = 1,
                               .low = NAN,
                               .high = NAN,
                               .usual_low = NAN,
                               .usual_high = NAN};
    samples[i] = (struct sample){.quality = (uint8_t)(read ? QUALITY_NORMAL : QUALITY_FAULT),
                                 .why = (uint8_t)(read ? WHY_NONE : WHY_EXCEPTION),
                                 .nreg = read,
                                 .value = value};
}

static int setup(void **state)
{
    (void)state;
    profile = (struct profile){.name = "p", .points = points, .parity = ""};
    return 0;
}

static struct match score(void)
{
    return match_profile(&profile, samples, &at, 1);
}

static void values_that_can_be_make_a_profile_likely(void **state)
{
    (void)state;
    add("temperature", "degC", 19);
    add("humidity", "%", 52);
    add("pressure", "kPa", 101.3);
    assert_int_equal(score().fits, 3);
    assert_true(score().score >= MATCH_LIKELY);
}

static void values_that_cannot_be_rule_it_out(void **state)
{
    (void)state;
    add("temperature", "degC", 4096);
    add("humidity", "%", 400);
    add("pressure", "kPa", 101.3);
    assert_int_equal(score().wrong, 2);
    assert_int_equal(score().score, 0);
}

static void the_range_holds_in_other_units_too(void **state)
{
    (void)state;
    add("pressure", "hPa", 1013);
    assert_int_equal(score().fits, 1);
    setup(NULL);
    add("pressure", "hPa", 101);
    assert_int_equal(score().wrong, 1);
}

static void what_the_profile_calls_usual_goes_before_what_can_be(void **state)
{
    (void)state;
    add("pm10", "ug/m3", 4000);
    assert_int_equal(score().fits, 1);
    points[0].usual_low = 5;
    points[0].usual_high = 2000;
    assert_int_equal(score().wrong, 1);
}

static void registers_that_are_not_there_count_against_it(void **state)
{
    (void)state;
    add("temperature", "degC", 19);
    add("humidity", "%", 52);
    int with_both = score().score;
    add("wind_speed", "m/s", NAN);
    add("noise", "dB", NAN);
    assert_int_equal(score().missing, 2);
    assert_true(score().score < with_both && score().score < MATCH_LIKELY);
}

/* Every map has some number at some address. */
static void one_value_proves_little_and_zeros_hardly_anything(void **state)
{
    (void)state;
    add("wind_speed", "m/s", 2.8);
    assert_true(score().score < MATCH_LIKELY);
    setup(NULL);
    for (int i = 0; i < POINTS; i++)
        add("pm10", "ug/m3", 0);
    assert_int_equal(score().weak, POINTS);
    assert_true(score().score < MATCH_LIKELY / 2 + 1);
}

static void fine_dust_cannot_exceed_coarse_dust(void **state)
{
    (void)state;
    add("pm25", "ug/m3", 40);
    add("pm10", "ug/m3", 81);
    int right = score().score;
    setup(NULL);
    add("pm25", "ug/m3", 81);
    add("pm10", "ug/m3", 40);
    assert_int_equal(score().wrong, 1);
    assert_true(score().score < right);
}

static void an_invalid_value_of_the_profile_is_neither_for_nor_against(void **state)
{
    (void)state;
    add("pm10", "ug/m3", 81);
    samples[0].why = WHY_INVALID;
    samples[0].value = NAN;
    assert_int_equal(score().weak, 1);
    assert_int_equal(score().wrong, 0);
}

static void the_factory_setting_decides_between_equals(void **state)
{
    (void)state;
    add("temperature", "degC", 19);
    add("humidity", "%", 52);
    int without = score().score;
    profile.baud = 9600;
    profile.parity = "8N1";
    int speed = score().score;
    profile.unit_id = 1;
    assert_true(speed > without);
    assert_true(score().score > speed);
    assert_in_range(score().score - without, 1, MATCH_CLEAR);
}

/* The same ten registers from 500 on, read by the two families that start there: only one makes sense. Wrong
 * addresses are how the last installer got pressure for wind. */
static void two_families_at_the_same_address_are_told_apart_by_their_values(void **state)
{
    (void)state;
    add("wind_speed", "m/s", 2.8);
    add("wind_direction", "deg", 300);
    add("humidity", "%", 52);
    add("temperature", "degC", 19);
    int right = score().score;
    setup(NULL);
    add("humidity", "%", 2.8);
    add("temperature", "degC", 0.2);
    add("noise", "dB", 0.6);
    add("pressure", "kPa", 52);
    assert_true(right - score().score >= MATCH_CLEAR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(values_that_can_be_make_a_profile_likely, setup),
        cmocka_unit_test_setup(values_that_cannot_be_rule_it_out, setup),
        cmocka_unit_test_setup(the_range_holds_in_other_units_too, setup),
        cmocka_unit_test_setup(what_the_profile_calls_usual_goes_before_what_can_be, setup),
        cmocka_unit_test_setup(registers_that_are_not_there_count_against_it, setup),
        cmocka_unit_test_setup(one_value_proves_little_and_zeros_hardly_anything, setup),
        cmocka_unit_test_setup(fine_dust_cannot_exceed_coarse_dust, setup),
        cmocka_unit_test_setup(an_invalid_value_of_the_profile_is_neither_for_nor_against, setup),
        cmocka_unit_test_setup(the_factory_setting_decides_between_equals, setup),
        cmocka_unit_test_setup(two_families_at_the_same_address_are_told_apart_by_their_values, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
