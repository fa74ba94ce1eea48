/* The order in which a line is scanned: an installer has an hour. */
#include "drivers/scan_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct point point(enum modbus_table table, uint16_t address, enum point_type type)
{
    return (struct point){
        .name = "p", .role = "", .table = table, .address = address, .type = type, .bit = -1};
}

static struct point points[3];
static struct profile profiles[3];
static const struct profile *list[] = {&profiles[0], &profiles[1], &profiles[2]};

static int setup(void **state)
{
    (void)state;
    points[0] = point(TABLE_HOLDING, 0x10, TYPE_U32);
    points[1] = point(TABLE_INPUT_REGISTER, 4, TYPE_U16);
    points[2] = point(TABLE_COIL, 0, TYPE_BIT);
    for (int i = 0; i < 3; i++)
        profiles[i] = (struct profile){.name = "p", .parity = "8N1", .points = &points[i], .npoints = 1};
    return 0;
}

static int place(const struct scan_plan *p, int baud, char parity)
{
    for (int i = 0; i < p->nsettings; i++)
        if (p->settings[i].baud == baud && p->settings[i].parity == parity)
            return i;
    return -1;
}

static bool asks(const uint8_t *units, int n, int unit)
{
    for (int i = 0; i < n; i++)
        if (units[i] == unit)
            return true;
    return false;
}

static void what_is_common_comes_first(void **state)
{
    (void)state;
    struct scan_plan p;
    scan_plan(&(struct scan_wish){0}, NULL, 0, &p);
    assert_int_equal(place(&p, 9600, 'N'), 0);
    assert_int_equal(place(&p, 4800, 'N'), 1);
    assert_int_equal(place(&p, 19200, 'E'), 2);
    assert_int_equal(p.likely[0], 1);
    assert_true(place(&p, 1200, 'N') > place(&p, 115200, 'N'));
}

static void what_several_profiles_have_comes_before_that(void **state)
{
    (void)state;
    struct scan_plan p;
    profiles[0].baud = profiles[1].baud = 2400;
    profiles[0].parity = profiles[1].parity = "8E1";
    scan_plan(&(struct scan_wish){0}, list, 3, &p);
    assert_int_equal(place(&p, 2400, 'E'), 0);
    assert_int_equal(place(&p, 9600, 'N'), 1);
}

static void what_a_single_profile_has_is_not_forgotten(void **state)
{
    (void)state;
    struct scan_plan p;
    profiles[2].baud = 1200;
    profiles[2].parity = "8O1";
    scan_plan(&(struct scan_wish){0}, list, 3, &p);
    assert_true(place(&p, 1200, 'O') > 0);
}

/* Two stop bits make no difference to who understands whom; seven data bits are no Modbus RTU. */
static void a_setting_is_tried_once(void **state)
{
    (void)state;
    struct scan_plan p;
    profiles[0].baud = profiles[1].baud = 9600;
    profiles[0].parity = "8N2";
    profiles[1].parity = "7N2";
    scan_plan(&(struct scan_wish){.first = {9600, 'N', 2}}, list, 3, &p);
    for (int i = 0; i < p.nsettings; i++)
        for (int k = 0; k < i; k++)
            assert_false(scan_same(&p.settings[i], &p.settings[k]));
    assert_int_equal(place(&p, 9600, 'N'), 0);
}

static void what_the_line_is_said_to_have_comes_first_of_all(void **state)
{
    (void)state;
    struct scan_wish wish = {.first = {38400, 'O', 1}};
    struct scan_plan p;
    wish.known[77] = true;
    scan_plan(&wish, list, 3, &p);
    assert_int_equal(place(&p, 38400, 'O'), 0);
    assert_int_equal(p.likely[0], 77);
    assert_true(p.thorough[77]);
}

static void only_what_was_asked_for_is_tried(void **state)
{
    (void)state;
    struct scan_wish wish = {
        .bauds = {14400 / 3, 57600}, .nbauds = 2, .formats = {{0, 'E', 1}}, .nformats = 1};
    struct scan_plan p;
    scan_plan(&wish, list, 3, &p);
    assert_int_equal(p.nsettings, 2);
    assert_true(place(&p, 4800, 'E') >= 0 && place(&p, 57600, 'E') >= 0);
}

static void a_format_with_two_stop_bits_is_sent_with_two(void **state)
{
    (void)state;
    struct scan_wish wish = {.bauds = {9600}, .nbauds = 1, .formats = {{0, 'N', 2}}, .nformats = 1};
    struct scan_plan p;
    scan_plan(&wish, list, 3, &p);
    assert_int_equal(p.nsettings, 1);
    assert_int_equal(p.settings[0].stop_bits, 2);
}

static void every_unit_is_asked_in_one_of_the_two_rounds(void **state)
{
    (void)state;
    struct scan_plan p;
    profiles[0].unit_id = 200;
    profiles[1].unit_id = 255; /* some relay boards */
    scan_plan(&(struct scan_wish){0}, list, 3, &p);
    assert_true(asks(p.likely, p.nlikely, 200));
    assert_true(asks(p.likely, p.nlikely, 255));
    for (int unit = 1; unit <= SCAN_UNIT_MAX; unit++)
        assert_int_equal(asks(p.likely, p.nlikely, unit) + asks(p.others, p.nothers, unit), 1);
    assert_int_equal(p.nlikely + p.nothers, SCAN_UNIT_MAX);
}

static void few_units_asked_for_are_all_asked_thoroughly(void **state)
{
    (void)state;
    struct scan_wish wish = {.limited = true};
    struct scan_plan p;
    wish.only[5] = wish.only[99] = true;
    scan_plan(&wish, list, 3, &p);
    assert_int_equal(p.nlikely, 2);
    assert_int_equal(p.nothers, 0);
    assert_true(p.thorough[5] && p.thorough[99]);
}

/* How often a register is among what a unit is asked at a speed. */
static int knocks_at(const struct scan_plan *p, int baud, int unit, int address)
{
    struct request knocks[SCAN_KNOCKS_MAX];
    int n = scan_knocks(p, &(struct scan_setting){baud, 'N', 1}, unit, knocks), found = 0;
    assert_int_equal(knocks[0].table, TABLE_HOLDING);
    assert_int_equal(knocks[0].address, 0);
    for (int i = 0; i < n; i++)
        found += knocks[i].address == address;
    return found;
}

static void a_device_as_it_leaves_the_factory_is_asked_for_its_own_registers(void **state)
{
    (void)state;
    struct scan_plan p;
    profiles[0].baud = 4800;
    profiles[0].unit_id = 2;
    scan_plan(&(struct scan_wish){0}, list, 3, &p);
    assert_int_equal(knocks_at(&p, 4800, 2, 0x10), 1);
    assert_int_equal(knocks_at(&p, 9600, 2, 0x10), 0);
    assert_int_equal(knocks_at(&p, 4800, 3, 0x10), 0);
}

static void a_register_of_several_profiles_is_asked_for_once(void **state)
{
    (void)state;
    struct scan_plan p;
    points[2] = points[0];
    scan_plan(&(struct scan_wish){0}, list, 3, &p);
    assert_int_equal(knocks_at(&p, 9600, 1, 0x10), 1);
}

/* The first round at all common settings is minutes, not the hour; so is all of a line where one answered. */
static void the_time_is_known_before(void **state)
{
    (void)state;
    struct scan_plan p;
    int64_t all_us = 0;
    scan_plan(&(struct scan_wish){0}, list, 3, &p);
    for (int i = 0; i < p.nsettings; i++)
        all_us += scan_first_us(&p, &p.settings[i]);
    assert_in_range(all_us, 20000000, 180000000);
    assert_in_range(scan_second_us(&p, &p.settings[0]), 30000000, 120000000);
    struct scan_setting slow = {1200, 'N', 1}, fast = {115200, 'N', 1};
    assert_true(scan_question_us(&p, &slow) > scan_question_us(&p, &fast));
    assert_true(scan_question_us(&p, &fast) > SCAN_TIMEOUT_MS * 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_common_comes_first, setup),
        cmocka_unit_test_setup(what_several_profiles_have_comes_before_that, setup),
        cmocka_unit_test_setup(what_a_single_profile_has_is_not_forgotten, setup),
        cmocka_unit_test_setup(a_setting_is_tried_once, setup),
        cmocka_unit_test_setup(what_the_line_is_said_to_have_comes_first_of_all, setup),
        cmocka_unit_test_setup(only_what_was_asked_for_is_tried, setup),
        cmocka_unit_test_setup(a_format_with_two_stop_bits_is_sent_with_two, setup),
        cmocka_unit_test_setup(every_unit_is_asked_in_one_of_the_two_rounds, setup),
        cmocka_unit_test_setup(few_units_asked_for_are_all_asked_thoroughly, setup),
        cmocka_unit_test_setup(a_device_as_it_leaves_the_factory_is_asked_for_its_own_registers, setup),
        cmocka_unit_test_setup(a_register_of_several_profiles_is_asked_for_once, setup),
        cmocka_unit_test_setup(the_time_is_known_before, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
