/* The simulator's frames: requests as units hear them, answers as they send them, and what faults make of
 * both. Frames of vendors' documents stand where there are some (sources in config/devices). */
#include "daemon/base/err.h"
#include "drivers/sim/adu.h"
#include "drivers/sim/spoil.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void a_vendors_read_request_is_understood(void **state)
{
    (void)state;
    static const uint8_t nova[] = {0x01, 0x03, 0x00, 0x10, 0x00, 0x08, 0x45, 0xC9};
    struct adu_request r;
    assert_int_equal(adu_length(FRAMING_RTU, nova, sizeof nova), 8);
    assert_int_equal(adu_parse(FRAMING_RTU, nova, sizeof nova, &r), ERR_OK);
    assert_int_equal(r.unit, 1);
    assert_int_equal(r.function, 3);
    assert_int_equal(r.address, 0x10);
    assert_int_equal(r.count, 8);
    assert_int_equal(r.exception, 0);
    assert_false(adu_is_write(&r));
}

static void a_vendors_coil_request_is_understood_and_echoed(void **state)
{
    (void)state;
    static const uint8_t on[] = {0x01, 0x05, 0x00, 0x00, 0xFF, 0x00, 0x8C, 0x3A};
    struct adu_request r;
    uint8_t pdu[ADU_PDU_MAX], out[ADU_MAX];
    assert_int_equal(adu_parse(FRAMING_RTU, on, sizeof on, &r), ERR_OK);
    assert_true(adu_is_write(&r));
    assert_int_equal(adu_written(&r, 0), 1);
    size_t n = adu_answer(&r, NULL, pdu);
    assert_int_equal(adu_wrap(FRAMING_RTU, &r, pdu, n, out), sizeof on);
    assert_memory_equal(out, on, sizeof on);
}

static void a_flipped_bit_anywhere_is_a_damaged_frame(void **state)
{
    (void)state;
    static const uint8_t good[] = {0x01, 0x03, 0x00, 0x10, 0x00, 0x08, 0x45, 0xC9};
    struct adu_request r;
    for (int bit = 0; bit < 64; bit++) {
        uint8_t bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        assert_int_equal(adu_parse(FRAMING_RTU, bad, sizeof bad, &r), ERR_DAMAGED);
    }
}

static void the_length_is_known_as_soon_as_it_can_be(void **state)
{
    (void)state;
    static const uint8_t many[] = {7, 16, 0, 0, 0, 2, 4, 0, 1, 0, 2, 0, 0};
    assert_int_equal(adu_length(FRAMING_RTU, many, 1), ERR_NOT_FOUND);
    assert_int_equal(adu_length(FRAMING_RTU, many, 6), ERR_NOT_FOUND);
    assert_int_equal(adu_length(FRAMING_RTU, many, 7), sizeof many);
    assert_int_equal(adu_length(FRAMING_RTU, (const uint8_t[]){7, 0x2B}, 2), ERR_FORMAT);
    assert_int_equal(adu_length(FRAMING_RTU, (const uint8_t[]){7, 16, 0, 0, 0, 2, 255}, 7), ERR_FORMAT);
    static const uint8_t tcp[] = {0, 1, 0, 0, 0, 6, 2, 3, 0, 0, 0, 1};
    assert_int_equal(adu_length(FRAMING_TCP, tcp, 5), ERR_NOT_FOUND);
    assert_int_equal(adu_length(FRAMING_TCP, tcp, 6), sizeof tcp);
    assert_int_equal(adu_length(FRAMING_TCP, (const uint8_t[]){0, 1, 0, 1, 0, 6}, 6), ERR_FORMAT);
    assert_int_equal(adu_length(FRAMING_TCP, (const uint8_t[]){0, 1, 0, 0, 0, 1}, 6), ERR_FORMAT);
    assert_int_equal(adu_length(FRAMING_TCP, (const uint8_t[]){0, 1, 0, 0, 0, 255}, 6), ERR_FORMAT);
}

/* Parses a PDU inside a TCP frame and says what its shape deserves. */
static int exception_of(const uint8_t *pdu, size_t length)
{
    uint8_t frame[ADU_MAX] = {0, 1, 0, 0, 0, (uint8_t)(length + 1), 9};
    struct adu_request r;
    memcpy(frame + 7, pdu, length);
    int rc = adu_parse(FRAMING_TCP, frame, 7 + length, &r);
    return rc == ERR_OK ? r.exception : rc;
}

static void each_wrong_quantity_deserves_exception_3_and_a_foreign_function_1(void **state)
{
    (void)state;
    static const struct {
        uint8_t pdu[10];
        size_t length;
        int exception;
    } cases[] = {
        {{1, 0, 0, 0, 0}, 5, 3},
        {{1, 0, 0, 0x07, 0xD0}, 5, 0},
        {{2, 0, 0, 0x07, 0xD1}, 5, 3},
        {{3, 0, 0, 0, 125}, 5, 0},
        {{4, 0, 0, 0, 126}, 5, 3},
        {{5, 0, 0, 0xFF, 0}, 5, 0},
        {{5, 0, 0, 0, 1}, 5, 3},
        {{6, 0, 0, 0x12, 0x34}, 5, 0},
        {{15, 0, 0, 0, 9, 2, 0xFF, 1}, 8, 0},
        {{15, 0, 0, 0, 9, 1, 0xFF}, 7, 3},
        {{16, 0, 0, 0, 2, 4, 0, 1, 0, 2}, 10, 0},
        {{16, 0, 0, 0, 2, 4, 0, 1, 0}, 9, 3},
        {{16, 0, 0, 0, 0, 0}, 6, 3},
        {{0x2B, 0x0E}, 2, 1},
        {{3, 0, 0, 0}, 4, ERR_FORMAT},
        {{3, 0, 0, 0, 1, 0}, 6, ERR_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(exception_of(cases[i].pdu, cases[i].length), cases[i].exception);
}

static void bits_are_packed_from_the_lowest(void **state)
{
    (void)state;
    struct adu_request r = {.unit = 1, .function = 1, .count = 10};
    static const uint16_t bits[10] = {1, 0, 1, 0, 0, 0, 0, 1, 0, 1};
    uint8_t pdu[ADU_PDU_MAX];
    static const uint8_t want[] = {1, 2, 0x85, 0x02};
    assert_int_equal(adu_answer(&r, bits, pdu), sizeof want);
    assert_memory_equal(pdu, want, sizeof want);
}

static void written_values_come_in_order(void **state)
{
    (void)state;
    static const uint8_t registers[] = {0x12, 0x34, 0xFF, 0x00};
    static const uint8_t bits[] = {0x05, 0x01};
    struct adu_request r = {.function = 16, .count = 2, .data = registers};
    assert_int_equal(adu_written(&r, 0), 0x1234);
    assert_int_equal(adu_written(&r, 1), 0xFF00);
    r = (struct adu_request){.function = 15, .count = 9, .data = bits};
    for (int i = 0; i < 9; i++)
        assert_int_equal(adu_written(&r, i), i == 0 || i == 2 || i == 8);
}

static void the_largest_answers_fit(void **state)
{
    (void)state;
    static uint16_t values[2000];
    uint8_t pdu[ADU_PDU_MAX], out[ADU_MAX];
    struct adu_request r = {.unit = 1, .function = 3, .count = 125};
    assert_int_equal(adu_wrap(FRAMING_TCP, &r, pdu, adu_answer(&r, values, pdu), out), 259);
    r = (struct adu_request){.unit = 1, .function = 1, .count = 2000};
    assert_int_equal(adu_wrap(FRAMING_RTU, &r, pdu, adu_answer(&r, values, pdu), out), 255);
}

static void a_spoilt_answer_is_never_a_good_one(void **state)
{
    (void)state;
    static const enum fault_kind kinds[] = {FAULT_CRC, FAULT_TRUNCATED, FAULT_WRONG_UNIT, FAULT_GARBAGE};
    static const uint16_t values[2] = {1, 2};
    struct adu_request r = {.unit = 1, .function = 3, .count = 2};
    uint8_t pdu[ADU_PDU_MAX], good[ADU_MAX], bad[ADU_MAX];
    size_t n = adu_wrap(FRAMING_RTU, &r, pdu, adu_answer(&r, values, pdu), good);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        memcpy(bad, good, n);
        size_t left = spoil(kinds[i], FRAMING_RTU, 1, bad, n);
        bool checks = left >= 4 && adu_crc(bad, left) == 0;
        assert_true(left < n || memcmp(bad, good, n) != 0);
        assert_int_equal(checks, kinds[i] == FAULT_WRONG_UNIT);
    }
    memcpy(bad, good, n);
    assert_int_equal(spoil(FAULT_LATE, FRAMING_RTU, 1, bad, n), n);
    assert_memory_equal(bad, good, n);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vendors_read_request_is_understood),
        cmocka_unit_test(a_vendors_coil_request_is_understood_and_echoed),
        cmocka_unit_test(a_flipped_bit_anywhere_is_a_damaged_frame),
        cmocka_unit_test(the_length_is_known_as_soon_as_it_can_be),
        cmocka_unit_test(each_wrong_quantity_deserves_exception_3_and_a_foreign_function_1),
        cmocka_unit_test(bits_are_packed_from_the_lowest),
        cmocka_unit_test(written_values_come_in_order),
        cmocka_unit_test(the_largest_answers_fit),
        cmocka_unit_test(a_spoilt_answer_is_never_a_good_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
