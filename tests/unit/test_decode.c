/* Registers to values: every type, the four byte orders, the vendors' own example frames. */
#include "daemon/sample.h"
#include "drivers/decode.h"
#include "drivers/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct point a_point(enum point_type type, enum word_order order)
{
    return (struct point){.name = "p",
                          .unit = "",
                          .role = "",
                          .table = TABLE_HOLDING,
                          .type = type,
                          .order = order,
                          .bit = -1,
                          .scale = 1,
                          .low = NAN,
                          .high = NAN};
}

/* The point read from these registers. */
static struct sample reading(const struct point *p, uint16_t a, uint16_t b, uint16_t c, uint16_t d)
{
    struct sample s = {.nreg = (uint8_t)point_registers(p), .reg = {a, b, c, d}};
    decode_point(p, &s);
    return s;
}

/* The point read from the data of a whole RTU answer of function 3: unit, function, length, data, CRC. */
static struct sample reading_of_frame(const struct point *p, const uint8_t *frame)
{
    struct sample s = {.nreg = frame[2] / 2};
    for (int i = 0; i < s.nreg; i++)
        s.reg[i] = (uint16_t)(frame[3 + 2 * i] << 8 | frame[4 + 2 * i]);
    decode_point(p, &s);
    return s;
}

static void assert_value(struct sample s, double value)
{
    assert_int_equal(s.quality, QUALITY_NORMAL);
    assert_int_equal(s.why, WHY_NONE);
    assert_true(s.value == value);
}

static void assert_no_value(struct sample s, enum quality quality, enum why why)
{
    assert_int_equal(s.quality, quality);
    assert_int_equal(s.why, why);
    assert_true(isnan(s.value));
}

static void the_boling_meters_printed_answers_are_66_and_53(void **state)
{
    (void)state;
    const uint8_t tsp[] = {0x01, 0x03, 0x04, 0x00, 0x00, 0x00, 0x42, 0x7A, 0x02};
    const uint8_t pm10[] = {0x01, 0x03, 0x04, 0x00, 0x00, 0x00, 0x35, 0x3A, 0x24};
    struct point p = a_point(TYPE_U32, ORDER_ABCD);
    assert_value(reading_of_frame(&p, tsp), 66);
    assert_value(reading_of_frame(&p, pm10), 53);
}

static void an_sds069_says_no_value_by_0_and_by_all_ones(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_U32, ORDER_ABCD);
    p.ninvalid = 2;
    p.invalid[0] = 0;
    p.invalid[1] = 0xFFFFFFFF;
    assert_value(reading(&p, 0, 250, 0, 0), 250);
    assert_value(reading(&p, 1, 0, 0, 0), 65536);
    assert_no_value(reading(&p, 0, 0, 0, 0), QUALITY_FAULT, WHY_INVALID);
    assert_no_value(reading(&p, 0xFFFF, 0xFFFF, 0, 0), QUALITY_FAULT, WHY_INVALID);
}

/* 1.5 is 3FC00000: a TUF-2000M sends the low word first. */
static void a_tuf_2000m_flow_is_a_float_with_the_low_word_first(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_F32, ORDER_CDAB);
    assert_value(reading(&p, 0x0000, 0x3FC0, 0, 0), 1.5);
    p.order = ORDER_ABCD;
    assert_value(reading(&p, 0x3FC0, 0x0000, 0, 0), 1.5);
}

/* stephane/libmodbus#358, #529, #611, #665, #694, #757, #770: a float helper changed its meaning twice. The
 * orders are ours, so they cannot change under us. */
static void the_four_orders_are_the_four_orders(void **state)
{
    (void)state;
    /* the value 0x0A0B0C0D as each order puts it on the wire */
    static const uint16_t wire[ORDER__COUNT][2] = {[ORDER_ABCD] = {0x0A0B, 0x0C0D},
                                                   [ORDER_CDAB] = {0x0C0D, 0x0A0B},
                                                   [ORDER_BADC] = {0x0B0A, 0x0D0C},
                                                   [ORDER_DCBA] = {0x0D0C, 0x0B0A}};
    for (int order = 0; order < ORDER__COUNT; order++) {
        struct point p = a_point(TYPE_U32, (enum word_order)order);
        assert_int_equal(decode_raw(&p, wire[order]), 0x0A0B0C0D);
    }
}

static void eight_byte_values_follow_the_same_orders(void **state)
{
    (void)state;
    static const uint16_t wire[ORDER__COUNT][4] = {[ORDER_ABCD] = {0x0102, 0x0304, 0x0506, 0x0708},
                                                   [ORDER_CDAB] = {0x0708, 0x0506, 0x0304, 0x0102},
                                                   [ORDER_BADC] = {0x0201, 0x0403, 0x0605, 0x0807},
                                                   [ORDER_DCBA] = {0x0807, 0x0605, 0x0403, 0x0201}};
    for (int order = 0; order < ORDER__COUNT; order++) {
        struct point p = a_point(TYPE_U64, (enum word_order)order);
        assert_true(decode_raw(&p, wire[order]) == UINT64_C(0x0102030405060708));
    }
}

static void sixteen_bit_values_swap_bytes_only_where_the_order_says_so(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_U16, ORDER_ABCD);
    assert_value(reading(&p, 0x1234, 0, 0, 0), 0x1234);
    p.order = ORDER_CDAB;
    assert_value(reading(&p, 0x1234, 0, 0, 0), 0x1234);
    p.order = ORDER_BADC;
    assert_value(reading(&p, 0x1234, 0, 0, 0), 0x3412);
    p.order = ORDER_DCBA;
    assert_value(reading(&p, 0x1234, 0, 0, 0), 0x3412);
}

static void a_frost_is_a_negative_temperature(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_I16, ORDER_ABCD);
    p.scale = 0.1;
    assert_value(reading(&p, 0xFF9B, 0, 0, 0), -10.1);
    p = a_point(TYPE_I32, ORDER_ABCD);
    assert_value(reading(&p, 0xFFFF, 0xFFFE, 0, 0), -2);
}

static void a_tenth_is_the_nearest_double_to_what_the_display_shows(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_U16, ORDER_ABCD);
    p.scale = 0.1;
    assert_value(reading(&p, 3, 0, 0, 0), 0.3);
    p.scale = 0.01;
    p.offset = -40;
    assert_value(reading(&p, 6500, 0, 0, 0), 25);
}

static void a_bcd_total_is_read_digit_by_digit_and_a_letter_is_no_number(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_BCD32, ORDER_ABCD);
    assert_value(reading(&p, 0x1234, 0x5678, 0, 0), 12345678);
    assert_no_value(reading(&p, 0x1234, 0x567A, 0, 0), QUALITY_FAULT, WHY_NOT_A_NUMBER);
    p = a_point(TYPE_BCD16, ORDER_ABCD);
    assert_value(reading(&p, 0x9999, 0, 0, 0), 9999);
}

static void one_bit_of_a_status_word_is_a_switch(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_U16, ORDER_ABCD);
    p.bit = 4;
    assert_value(reading(&p, 0x0010, 0, 0, 0), 1);
    assert_value(reading(&p, 0xFFEF, 0, 0, 0), 0);
    p = a_point(TYPE_BIT, ORDER_ABCD);
    p.table = TABLE_COIL;
    assert_value(reading(&p, 1, 0, 0, 0), 1);
}

static void a_float_that_is_no_number_has_no_value(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_F32, ORDER_ABCD);
    assert_no_value(reading(&p, 0x7FC0, 0, 0, 0), QUALITY_FAULT, WHY_NOT_A_NUMBER);
    assert_no_value(reading(&p, 0x7F80, 0, 0, 0), QUALITY_FAULT, WHY_NOT_A_NUMBER);
    p = a_point(TYPE_F64, ORDER_ABCD);
    assert_value(reading(&p, 0x3FF8, 0, 0, 0), 1.5);
    assert_no_value(reading(&p, 0xFFF0, 0, 0, 0), QUALITY_FAULT, WHY_NOT_A_NUMBER);
    p.scale = 1e300;
    assert_no_value(reading(&p, 0x7FE0, 0, 0, 0), QUALITY_FAULT, WHY_NOT_A_NUMBER);
}

/* airgradienthq/arduino#190: a sentinel of -1 was published as a concentration. */
static void a_value_below_the_range_is_a_fault_and_never_a_number(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_I16, ORDER_ABCD);
    p.low = 0;
    p.high = 1000;
    assert_no_value(reading(&p, 0xFFFF, 0, 0, 0), QUALITY_FAULT, WHY_BELOW);
    assert_value(reading(&p, 0, 0, 0, 0), 0);
}

static void a_saturated_meter_shows_the_top_of_its_range_and_says_so(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_U16, ORDER_ABCD);
    p.low = 0;
    p.high = 300;
    assert_value(reading(&p, 299, 0, 0, 0), 299);
    for (uint16_t raw = 300; raw < 302; raw++) {
        struct sample s = reading(&p, raw, 0, 0, 0);
        assert_int_equal(s.quality, QUALITY_OVER_RANGE);
        assert_int_equal(s.why, WHY_ABOVE);
        assert_true(s.value == 300);
    }
}

static void too_few_registers_are_no_value(void **state)
{
    (void)state;
    struct point p = a_point(TYPE_U32, ORDER_ABCD);
    struct sample s = {.nreg = 1, .reg = {5}};
    decode_point(&p, &s);
    assert_no_value(s, QUALITY_NO_COMMUNICATION, WHY_GARBLED);
}

/* What the simulator encodes is what we decode: the ends and a middle of every type in every order. */
static void encoding_then_decoding_gives_the_value_back(void **state)
{
    (void)state;
    static const double values[TYPE__COUNT][3] = {
        [TYPE_BIT] = {0, 1, 1},
        [TYPE_U16] = {0, 250, 65535},
        [TYPE_I16] = {-32768, -1, 32767},
        [TYPE_U32] = {0, 65536, 4294967295.0},
        [TYPE_I32] = {-2147483648.0, -1, 2147483647},
        [TYPE_F32] = {-1.5, 0, 81.25},
        [TYPE_U64] = {0, 1e12, 0x1p53},
        [TYPE_F64] = {-0.1, 0, 1e300},
        [TYPE_BCD16] = {0, 1234, 9999},
        [TYPE_BCD32] = {0, 12345678, 99999999},
    };
    for (int type = 0; type < TYPE__COUNT; type++) {
        for (int i = 0; i < 3 * ORDER__COUNT; i++) {
            struct point p = a_point((enum point_type)type, (enum word_order)(i / 3));
            uint16_t reg[SAMPLE_REGISTERS_MAX] = {0};
            encode_point(&p, values[type][i % 3], reg);
            assert_value(reading(&p, reg[0], reg[1], reg[2], reg[3]), values[type][i % 3]);
        }
    }
}

static void encoding_rounds_clamps_and_changes_only_its_own_bit(void **state)
{
    (void)state;
    uint16_t reg[2] = {0xF000, 0};
    struct point p = a_point(TYPE_I16, ORDER_ABCD);
    p.bit = 3;
    encode_point(&p, 1, reg);
    assert_int_equal(reg[0], 0xF008);
    encode_point(&p, 0, reg);
    assert_int_equal(reg[0], 0xF000);
    p.bit = -1;
    p.scale = 0.1;
    encode_point(&p, -10.14, reg);
    assert_int_equal(reg[0], 0xFF9B);
    encode_point(&p, 1e9, reg);
    assert_int_equal(reg[0], 0x7FFF);
    p.ninvalid = 1;
    p.invalid[0] = 0x8000;
    encode_point(&p, NAN, reg);
    assert_int_equal(reg[0], 0x8000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_boling_meters_printed_answers_are_66_and_53),
        cmocka_unit_test(an_sds069_says_no_value_by_0_and_by_all_ones),
        cmocka_unit_test(a_tuf_2000m_flow_is_a_float_with_the_low_word_first),
        cmocka_unit_test(the_four_orders_are_the_four_orders),
        cmocka_unit_test(eight_byte_values_follow_the_same_orders),
        cmocka_unit_test(sixteen_bit_values_swap_bytes_only_where_the_order_says_so),
        cmocka_unit_test(a_frost_is_a_negative_temperature),
        cmocka_unit_test(a_tenth_is_the_nearest_double_to_what_the_display_shows),
        cmocka_unit_test(a_bcd_total_is_read_digit_by_digit_and_a_letter_is_no_number),
        cmocka_unit_test(one_bit_of_a_status_word_is_a_switch),
        cmocka_unit_test(a_float_that_is_no_number_has_no_value),
        cmocka_unit_test(a_value_below_the_range_is_a_fault_and_never_a_number),
        cmocka_unit_test(a_saturated_meter_shows_the_top_of_its_range_and_says_so),
        cmocka_unit_test(too_few_registers_are_no_value),
        cmocka_unit_test(encoding_then_decoding_gives_the_value_back),
        cmocka_unit_test(encoding_rounds_clamps_and_changes_only_its_own_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
