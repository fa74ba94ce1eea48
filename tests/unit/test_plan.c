/* The read plan: fewest legal requests, gaps read only when that is cheaper than a second request. */
#include "drivers/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

/* What a second request costs at 9600 baud without a turnaround. */
enum { OVERHEAD = 8 + 5 + 7 };

static struct profile a_profile(struct point *points, int npoints)
{
    return (struct profile){.name = "test", .points = points, .npoints = npoints, .max_registers = 125};
}

static struct point at(enum modbus_table table, uint16_t address, enum point_type type)
{
    return (struct point){.table = table, .address = address, .type = type, .bit = -1};
}

static void assert_request(struct request r, enum modbus_table table, int address, int count)
{
    assert_int_equal(r.table, table);
    assert_int_equal(r.address, address);
    assert_int_equal(r.count, count);
}

/* The vendor's frame 01 03 00 10 00 08: one request for the four concentrations. */
static void an_sds069_is_read_in_one_request_of_eight_registers(void **state)
{
    (void)state;
    struct point points[] = {at(TABLE_HOLDING, 0x16, TYPE_U32), at(TABLE_HOLDING, 0x10, TYPE_U32),
                             at(TABLE_HOLDING, 0x14, TYPE_U32), at(TABLE_HOLDING, 0x12, TYPE_U32)};
    struct profile profile = a_profile(points, 4);
    struct request out[PROFILE_POINTS_MAX];
    assert_int_equal(plan_build(&profile, 0, OVERHEAD, out, PROFILE_POINTS_MAX), 1);
    assert_request(out[0], TABLE_HOLDING, 0x10, 8);
}

static void a_gap_is_read_while_it_is_cheaper_than_a_second_request(void **state)
{
    (void)state;
    struct point points[] = {at(TABLE_HOLDING, 0, TYPE_U16), at(TABLE_HOLDING, 10, TYPE_U16)};
    struct profile profile = a_profile(points, 2);
    struct request out[PROFILE_POINTS_MAX];
    /* a gap of nine registers is 18 bytes, of ten 20: as dear as the request */
    assert_int_equal(plan_build(&profile, 0, OVERHEAD, out, PROFILE_POINTS_MAX), 1);
    assert_request(out[0], TABLE_HOLDING, 0, 11);
    points[1].address = 11;
    assert_int_equal(plan_build(&profile, 0, OVERHEAD, out, PROFILE_POINTS_MAX), 2);
    assert_request(out[0], TABLE_HOLDING, 0, 1);
    assert_request(out[1], TABLE_HOLDING, 11, 1);
}

static void a_slow_turnaround_makes_wider_gaps_worth_reading(void **state)
{
    (void)state;
    struct point points[] = {at(TABLE_HOLDING, 0, TYPE_U16), at(TABLE_HOLDING, 60, TYPE_U16)};
    struct profile profile = a_profile(points, 2);
    struct request out[PROFILE_POINTS_MAX];
    assert_int_equal(plan_build(&profile, 0, OVERHEAD + 100, out, PROFILE_POINTS_MAX), 1);
}

static void tables_are_never_mixed(void **state)
{
    (void)state;
    struct point points[] = {at(TABLE_INPUT_REGISTER, 1, TYPE_U16), at(TABLE_HOLDING, 0, TYPE_U16),
                             at(TABLE_COIL, 0, TYPE_BIT), at(TABLE_DISCRETE_INPUT, 1, TYPE_BIT)};
    struct profile profile = a_profile(points, 4);
    struct request out[PROFILE_POINTS_MAX];
    assert_int_equal(plan_build(&profile, 0, OVERHEAD, out, PROFILE_POINTS_MAX), 4);
    assert_request(out[0], TABLE_COIL, 0, 1);
    assert_request(out[1], TABLE_DISCRETE_INPUT, 1, 1);
    assert_request(out[2], TABLE_HOLDING, 0, 1);
    assert_request(out[3], TABLE_INPUT_REGISTER, 1, 1);
}

static void no_request_is_longer_than_the_protocol_or_the_device_allows(void **state)
{
    (void)state;
    struct point points[PROFILE_POINTS_MAX];
    for (int i = 0; i < PROFILE_POINTS_MAX; i++)
        points[i] = at(TABLE_HOLDING, (uint16_t)(4 * i), TYPE_U64);
    struct profile profile = a_profile(points, PROFILE_POINTS_MAX);
    struct request out[PROFILE_POINTS_MAX];
    assert_int_equal(plan_build(&profile, 0, OVERHEAD, out, PROFILE_POINTS_MAX), 3);
    assert_request(out[0], TABLE_HOLDING, 0, 124);
    assert_request(out[1], TABLE_HOLDING, 124, 124);
    assert_request(out[2], TABLE_HOLDING, 248, 8);
    profile.max_registers = 8;
    assert_int_equal(plan_build(&profile, 0, OVERHEAD, out, PROFILE_POINTS_MAX), PROFILE_POINTS_MAX / 2);
}

static void bits_are_read_by_the_byte_up_to_two_thousand(void **state)
{
    (void)state;
    struct point points[] = {at(TABLE_COIL, 0, TYPE_BIT), at(TABLE_COIL, 100, TYPE_BIT),
                             at(TABLE_COIL, 2000, TYPE_BIT)};
    struct profile profile = a_profile(points, 3);
    struct request out[PROFILE_POINTS_MAX];
    assert_int_equal(plan_build(&profile, 0, 1000, out, PROFILE_POINTS_MAX), 2);
    assert_request(out[0], TABLE_COIL, 0, 101);
    assert_request(out[1], TABLE_COIL, 2000, 1);
}

static void bits_of_one_register_are_one_register(void **state)
{
    (void)state;
    struct point points[] = {at(TABLE_HOLDING, 7, TYPE_U16), at(TABLE_HOLDING, 7, TYPE_U16),
                             at(TABLE_HOLDING, 7, TYPE_U32), at(TABLE_HOLDING, 7, TYPE_U16)};
    struct profile profile = a_profile(points, 4);
    struct request out[PROFILE_POINTS_MAX];
    assert_int_equal(plan_build(&profile, 0, OVERHEAD, out, PROFILE_POINTS_MAX), 1);
    assert_request(out[0], TABLE_HOLDING, 7, 2);
}

/* Profiles nobody would write: each point is whole in some request, each request is legal. */
static void every_point_is_covered_whatever_the_profile(void **state)
{
    (void)state;
    unsigned seed = 1;
    for (int round = 0; round < 500; round++) {
        struct point points[PROFILE_POINTS_MAX];
        for (int i = 0; i < PROFILE_POINTS_MAX; i++) {
            enum modbus_table table = (enum modbus_table)(1 + rand_r(&seed) % 4);
            enum point_type type = (enum point_type)(TYPE_U16 + rand_r(&seed) % (TYPE__COUNT - 1));
            points[i] =
                at(table, (uint16_t)(rand_r(&seed) % 3000), table <= TABLE_DISCRETE_INPUT ? TYPE_BIT : type);
        }
        struct profile profile = a_profile(points, PROFILE_POINTS_MAX);
        profile.max_registers = 4 + rand_r(&seed) % 122;
        struct request out[PROFILE_POINTS_MAX];
        int n = plan_build(&profile, 0, rand_r(&seed) % 300, out, PROFILE_POINTS_MAX);
        for (int i = 0; i < n; i++)
            assert_in_range(out[i].count, 1,
                            out[i].table <= TABLE_DISCRETE_INPUT ? 2000 : profile.max_registers);
        for (int i = 0; i < PROFILE_POINTS_MAX; i++) {
            int covered = 0;
            for (int k = 0; k < n; k++)
                covered += plan_covers(&out[k], &points[i]);
            assert_true(covered >= 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_sds069_is_read_in_one_request_of_eight_registers),
        cmocka_unit_test(a_gap_is_read_while_it_is_cheaper_than_a_second_request),
        cmocka_unit_test(a_slow_turnaround_makes_wider_gaps_worth_reading),
        cmocka_unit_test(tables_are_never_mixed),
        cmocka_unit_test(no_request_is_longer_than_the_protocol_or_the_device_allows),
        cmocka_unit_test(bits_are_read_by_the_byte_up_to_two_thousand),
        cmocka_unit_test(bits_of_one_register_are_one_register),
        cmocka_unit_test(every_point_is_covered_whatever_the_profile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
