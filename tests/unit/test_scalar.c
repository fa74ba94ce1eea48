/* Strict scalars: what reads, and what people type that must not. */
#include "daemon/base/err.h"
#include "daemon/base/scalar.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void an_integer_is_decimal_without_surprises(void **state)
{
    (void)state;
    static const char *const bad[] = {"",      "010", "0x1F", "+5",  "-0", "5.0", "5 ", " 5",
                                      "150ug", "1_0", "--5",  "1e3", "٣",  "0b1", "-",  "nan"};
    int64_t v = 7;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(scalar_int(bad[i], &v), ERR_FORMAT);
    assert_int_equal(scalar_int("9223372036854775808", &v), ERR_RANGE);
    assert_int_equal(v, 7);
    assert_int_equal(scalar_int("-9223372036854775808", &v), ERR_OK);
    assert_true(v == INT64_MIN);
    assert_int_equal(scalar_int("0", &v), ERR_OK);
    assert_int_equal(v, 0);
}

static void a_raw_value_may_be_hexadecimal_and_is_never_negative(void **state)
{
    (void)state;
    static const char *const bad[] = {"0x", "0X1F", "1F", "-1", "010", "0x1G", "0x1 ", "", "+0x1"};
    uint64_t v;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(scalar_raw(bad[i], &v), ERR_FORMAT);
    assert_int_equal(scalar_raw("0x01F4", &v), ERR_OK);
    assert_int_equal(v, 500);
    assert_int_equal(scalar_raw("0xFFFFFFFFFFFFFFFF", &v), ERR_OK);
    assert_true(v == UINT64_MAX);
    assert_int_equal(scalar_raw("0x10000000000000000", &v), ERR_RANGE);
}

static void a_bool_is_true_or_false(void **state)
{
    (void)state;
    static const char *const bad[] = {"flase", "yes", "no", "on", "True", "TRUE", "1", "", "true "};
    bool v;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(scalar_bool(bad[i], &v), ERR_FORMAT);
    assert_int_equal(scalar_bool("true", &v), ERR_OK);
    assert_true(v);
    assert_int_equal(scalar_bool("false", &v), ERR_OK);
    assert_false(v);
}

static void a_number_is_finite_and_whole_of_the_text(void **state)
{
    (void)state;
    static const char *const bad[] = {".5", "5.",  "+5",    "010", "00.1", "nan",   ".nan",  "inf", "-inf",
                                      "1e", "1e+", "0x1p3", "1,5", "5 ug", "150ug", "1.2.3", "",    "-"};
    double v;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(scalar_number(bad[i], &v), ERR_FORMAT);
    assert_int_equal(scalar_number("1e309", &v), ERR_RANGE);
    assert_int_equal(scalar_number("1e-400", &v), ERR_RANGE);
    assert_int_equal(scalar_number("-12.5e-1", &v), ERR_OK);
    assert_true(v == -1.25);
    assert_int_equal(scalar_number("-0", &v), ERR_OK);
    assert_false(signbit(v));
}

static void a_duration_has_one_whole_number_and_a_unit(void **state)
{
    (void)state;
    static const char *const bad[] = {"30",   "s",   "1.5h",    "-1s",   "030s",
                                      "30 s", "30S", "1h30min", "30sec", ""};
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"500ms", 500},  {"30s", 30000},    {"15min", 900000},
                {"1h", 3600000}, {"7d", 604800000}, {"0s", 0}};
    int64_t v;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(scalar_duration(bad[i], &v), ERR_FORMAT);
    assert_int_equal(scalar_duration("999999999999999999d", &v), ERR_RANGE);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        char text[32];
        assert_int_equal(scalar_duration(good[i].text, &v), ERR_OK);
        assert_int_equal(v, good[i].ms);
        assert_string_equal(duration_text(v, text), good[i].text);
    }
}

static void a_size_is_a_whole_number_a_space_and_its_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } good[] = {
        {"1 kB", 1000}, {"500 MB", 500000000}, {"1500 MB", 1500000000}, {"2 GB", 2000000000}, {"0 kB", 0}};
    static const char *const bad[] = {"",      "500",    "500MB", "500  MB", "500 mb", "500 MiB", "0.5 GB",
                                      "-1 MB", "010 MB", "500 M", "500 MB ", "MB",     "1e3 MB",  "500 B"};
    int64_t v = 7;
    char text[32];
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(scalar_size(bad[i], &v), ERR_FORMAT);
    assert_int_equal(scalar_size("99999999999 GB", &v), ERR_RANGE);
    assert_int_equal(v, 7);
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_int_equal(scalar_size(good[i].text, &v), ERR_OK);
        assert_true(v == good[i].bytes);
        if (v)
            assert_string_equal(size_text(v, text), good[i].text);
        assert_int_equal(scalar_size(size_text(v, text), &v), ERR_OK);
        assert_true(v == good[i].bytes);
    }
}

static void a_quantity_is_converted_to_the_unit_asked_for(void **state)
{
    (void)state;
    static const struct {
        const char *text, *unit;
        double value;
    } good[] = {
        {"250 ug/m3", "ug/m3", 250},      {"0.25 mg/m3", "ug/m3", 250},    {"250 ug/m3", "mg/m3", 0.25},
        {"140600 ng/m3", "ug/m3", 140.6}, {"1013.25 hPa", "kPa", 101.325}, {"5 m/s", "m/s", 5},
        {"36 km/h", "m/s", 10},           {"-5 degC", "degC", -5},         {"70 %", "%", 70},
        {"250 µg/m³", "ug/m3", 250},      {"250 μg/m³", "ug/m3", 250},     {"3", "", 3},
        {"60 L/min", "m3/h", 3.6},        {"293.15 K", "degC", 20},
    };
    double v;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        assert_int_equal(scalar_quantity(good[i].text, good[i].unit, &v), ERR_OK);
        assert_true(fabs(v - good[i].value) <= 1e-12 * fabs(good[i].value) + 1e-13);
    }
    static const char *const bad[] = {"150ug", "250",    "250ug/m3",  "250  ug/m3", "250 ",
                                      "ug/m3", "250 ug", "010 ug/m3", "250 UG/M3",  "nan ug/m3"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(scalar_quantity(bad[i], "ug/m3", &v), ERR_FORMAT);
    assert_int_equal(scalar_quantity("250 m/s", "ug/m3", &v), ERR_RANGE);
    assert_int_equal(scalar_quantity("1e309 ug/m3", "ug/m3", &v), ERR_RANGE);
    assert_int_equal(scalar_quantity("3 ug/m3", "", &v), ERR_FORMAT);
}

static void every_listed_unit_is_its_own_name(void **state)
{
    (void)state;
    for (const char *const *u = unit_names; *u; u++)
        assert_string_equal(unit_name(*u), *u);
    assert_null(unit_name("ug"));
    assert_string_equal(unit_name("℃"), "degC");
}

static void a_printed_number_reads_to_the_same(void **state)
{
    (void)state;
    static const double some[] = {0.1, 1.0 / 3, 250, 1e300, -4.9e-300, 1234567.125, 0};
    for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
        char text[32];
        double v;
        assert_int_equal(scalar_number(number_text(some[i], text), &v), ERR_OK);
        assert_true(v == some[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_integer_is_decimal_without_surprises),
        cmocka_unit_test(a_raw_value_may_be_hexadecimal_and_is_never_negative),
        cmocka_unit_test(a_bool_is_true_or_false),
        cmocka_unit_test(a_number_is_finite_and_whole_of_the_text),
        cmocka_unit_test(a_duration_has_one_whole_number_and_a_unit),
        cmocka_unit_test(a_size_is_a_whole_number_a_space_and_its_unit),
        cmocka_unit_test(a_quantity_is_converted_to_the_unit_asked_for),
        cmocka_unit_test(every_listed_unit_is_its_own_name),
        cmocka_unit_test(a_printed_number_reads_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
