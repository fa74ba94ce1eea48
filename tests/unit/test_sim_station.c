/* One simulated unit: what it answers, when its recording moves, what a fault leaves undone. */
#include "daemon/base/err.h"
#include "drivers/device.h"
#include "drivers/sim/station.h"
#include "drivers/sim/switch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Two dust values with a gap of two registers between them, a register to write, and a coil. */
static struct point points[] = {
    {.name = "fine", .table = TABLE_HOLDING, .address = 10, .type = TYPE_U16, .bit = -1, .scale = 0.1},
    {.name = "dust",
     .table = TABLE_HOLDING,
     .address = 13,
     .type = TYPE_U32,
     .bit = -1,
     .scale = 1,
     .invalid = {0xFFFFFFFF},
     .ninvalid = 1},
    {.name = "setting",
     .table = TABLE_HOLDING,
     .address = 15,
     .type = TYPE_U16,
     .bit = -1,
     .scale = 1,
     .writable = true},
    {.name = "coil",
     .table = TABLE_COIL,
     .address = 3,
     .type = TYPE_BIT,
     .bit = -1,
     .scale = 1,
     .writable = true},
};
static const struct profile profile = {.name = "made", .max_registers = 20, .points = points, .npoints = 4};

struct bench {
    struct station_setup setup;
    struct world world;
    struct station *station;
    struct station_poll out;
};

static void build(struct bench *b, struct tape *tape)
{
    for (int i = 0; i < profile.npoints; i++)
        points[i].low = points[i].high = NAN;
    b->setup.name = "u";
    b->setup.bus = "a";
    b->setup.profile = &profile;
    b->station = station_create(&b->setup, &b->world, tape);
}

static struct station_poll *ask_at(struct bench *b, uint8_t function, int address, int count, int64_t site_ms)
{
    struct adu_request r = {
        .unit = 1, .function = function, .address = (uint16_t)address, .count = (uint16_t)count};
    station_poll(b->station, &r, site_ms, 0, &b->out);
    return &b->out;
}

static struct station_poll *ask(struct bench *b, uint8_t function, int address, int count)
{
    return ask_at(b, function, address, count, 0);
}

static struct station_poll *write_one(struct bench *b, uint8_t function, int address, const uint8_t data[2])
{
    struct adu_request r = {
        .unit = 1, .function = function, .address = (uint16_t)address, .count = 1, .data = data};
    station_poll(b->station, &r, 0, 0, &b->out);
    return &b->out;
}

static void a_unit_refuses_what_its_profile_does_not_have(void **state)
{
    (void)state;
    struct bench b = {0};
    build(&b, NULL);
    assert_int_equal(ask(&b, 3, 10, 6)->exception, 0);
    assert_int_equal(ask(&b, 3, 9, 2)->exception, EXCEPTION_ADDRESS);
    assert_int_equal(ask(&b, 3, 15, 2)->exception, EXCEPTION_ADDRESS);
    assert_int_equal(ask(&b, 3, 10, 21)->exception, EXCEPTION_VALUE);
    assert_int_equal(ask(&b, 4, 10, 1)->exception, EXCEPTION_FUNCTION);
    assert_int_equal(ask(&b, 2, 3, 1)->exception, EXCEPTION_FUNCTION);
    assert_int_equal(write_one(&b, 6, 15, (const uint8_t[]){1, 2})->exception, 0);
    assert_int_equal(write_one(&b, 6, 10, (const uint8_t[]){1, 2})->exception, EXCEPTION_ADDRESS);
    assert_int_equal(ask(&b, 3, 15, 1)->values[0], 0x0102);
    station_destroy(b.station);
}

static void a_gap_reads_as_zero_unless_the_unit_is_strict(void **state)
{
    (void)state;
    struct bench b = {0};
    build(&b, NULL);
    assert_int_equal(ask(&b, 3, 11, 2)->exception, 0);
    assert_int_equal(b.out.values[0], 0);
    station_destroy(b.station);
    b.setup.strict = true;
    build(&b, NULL);
    assert_int_equal(ask(&b, 3, 11, 2)->exception, EXCEPTION_ADDRESS);
    assert_int_equal(ask(&b, 3, 10, 6)->exception, EXCEPTION_ADDRESS);
    assert_int_equal(ask(&b, 3, 13, 3)->exception, 0);
    station_destroy(b.station);
}

static struct tape_column columns[] = {{"dust", "dust"}, {"fine", "fine"}};

/* A bench with a recording of these lines. */
static void build_replay(struct bench *b, const char *text)
{
    char file[] = "/tmp/test_sim_station.XXXXXX";
    const char *which;
    struct tape *tape = NULL;
    int fd = mkstemp(file);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    b->setup.tape = (struct tape_setup){
        .file = file, .hold = 1, .time = "", .from = "", .to = "", .columns = columns, .ncolumns = 2};
    assert_int_equal(tape_open(&b->setup.tape, file, 0, &tape, &which), ERR_OK);
    unlink(file);
    b->setup.tape.file = "";
    build(b, tape);
}

static void only_reading_the_first_replayed_point_moves_the_recording(void **state)
{
    (void)state;
    struct bench b = {0};
    build_replay(&b, "fine,dust\n1.5,70001\n1.6,70002\n1.7,70003\n");
    assert_int_equal(ask(&b, 3, 10, 1)->values[0], 15);
    assert_int_equal(b.out.line, 2);
    assert_int_equal(ask(&b, 3, 13, 2)->values[1], 70001 & 0xFFFF);
    assert_int_equal(b.out.values[0], 1);
    assert_int_equal(ask(&b, 3, 13, 2)->line, 2);
    assert_int_equal(ask(&b, 3, 15, 1)->line, 0);
    assert_int_equal(ask(&b, 3, 10, 5)->line, 3);
    assert_int_equal(b.out.values[0], 16);
    assert_int_equal(b.out.values[4], 70002 & 0xFFFF);
    assert_int_equal(ask(&b, 3, 10, 5)->line, 4);
    assert_false(b.out.silent);
    assert_true(ask(&b, 3, 10, 5)->silent);
    assert_true(b.out.tape_ended);
    station_destroy(b.station);
}

static void an_empty_field_is_the_invalid_value_or_exception_4(void **state)
{
    (void)state;
    struct bench b = {0};
    build_replay(&b, "fine,dust\n1.5,\n,70001\n");
    assert_int_equal(ask(&b, 3, 10, 5)->exception, 0);
    assert_int_equal(b.out.values[3], 0xFFFF);
    assert_int_equal(b.out.values[4], 0xFFFF);
    assert_int_equal(ask(&b, 3, 10, 5)->exception, EXCEPTION_FAILURE);
    assert_int_equal(b.out.nvalues, 0);
    assert_int_equal(ask(&b, 3, 13, 2)->exception, 0);
    station_destroy(b.station);
}

static void a_damaged_line_is_one_damaged_answer(void **state)
{
    (void)state;
    struct bench b = {0};
    build_replay(&b, "fine,dust\n1.5,1\n1.6\n1.7,3\n");
    assert_false(ask(&b, 3, 10, 5)->damaged);
    assert_true(ask(&b, 3, 10, 5)->damaged);
    assert_int_equal(b.out.line, 3);
    assert_false(ask(&b, 3, 10, 5)->damaged);
    station_destroy(b.station);
}

static void a_silent_unit_uses_up_its_line_and_obeys_nothing(void **state)
{
    (void)state;
    struct bench b = {0};
    struct fault silent = {.kind = FAULT_SILENT,
                           .clock = FAULT_POLLS,
                           .unit = "u",
                           .bus = "",
                           .point = "",
                           .first = 1,
                           .last = 3,
                           .probability = 1};
    b.world.faults = &silent;
    b.world.nfaults = 1;
    build_replay(&b, "fine,dust\n1.5,1\n1.6,2\n");
    assert_true(ask(&b, 3, 10, 1)->silent);
    assert_int_equal(b.out.faults, 1u << FAULT_SILENT);
    assert_int_equal(b.out.line, 2);
    assert_true(write_one(&b, 5, 3, (const uint8_t[]){0xFF, 0})->silent);
    assert_int_equal(ask(&b, 1, 3, 1)->values[0], 0);
    assert_int_equal(ask(&b, 3, 10, 1)->line, 3);
    station_destroy(b.station);
}

static void a_stuck_point_keeps_its_value_while_the_recording_moves_on(void **state)
{
    (void)state;
    struct bench b = {0};
    struct fault stuck = {.kind = FAULT_STUCK,
                          .clock = FAULT_POLLS,
                          .unit = "",
                          .bus = "a",
                          .point = "dust",
                          .first = 2,
                          .last = 3,
                          .probability = 1};
    b.world.faults = &stuck;
    b.world.nfaults = 1;
    build_replay(&b, "fine,dust\n1.5,1\n1.6,2\n1.7,3\n");
    assert_int_equal(ask(&b, 3, 10, 5)->values[4], 1);
    assert_int_equal(ask(&b, 3, 10, 5)->values[4], 1);
    assert_int_equal(b.out.values[0], 16);
    assert_int_equal(b.out.faults, 1u << FAULT_STUCK);
    assert_int_equal(ask(&b, 3, 10, 5)->values[4], 3);
    station_destroy(b.station);
}

static void a_point_follows_another_and_a_coil_acts_on_both(void **state)
{
    (void)state;
    struct bench b = {0};
    struct sim_switch *mist = switch_create(0, 0);
    const struct switch_setup switches[] = {{"mist", "u", "coil", 0, mist}};
    struct model models[] = {
        {.point = "dust", .constant = 400, .of = "", .with = "mist", .lowers = 0.5},
        {.point = "fine", .of = "dust", .ratio = 0.25, .with = ""},
    };
    b.world.switches = switches;
    b.world.nswitches = 1;
    b.setup.models = models;
    b.setup.nmodels = 2;
    build(&b, NULL);
    assert_int_equal(ask_at(&b, 3, 10, 5, 1000)->values[4], 400);
    assert_int_equal(b.out.values[0], 1000);
    write_one(&b, 5, 3, (const uint8_t[]){0xFF, 0});
    assert_int_equal(ask_at(&b, 3, 10, 5, 2000)->values[4], 200);
    assert_int_equal(b.out.values[0], 500);
    station_destroy(b.station);
    switch_destroy(mist);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_refuses_what_its_profile_does_not_have),
        cmocka_unit_test(a_gap_reads_as_zero_unless_the_unit_is_strict),
        cmocka_unit_test(only_reading_the_first_replayed_point_moves_the_recording),
        cmocka_unit_test(an_empty_field_is_the_invalid_value_or_exception_4),
        cmocka_unit_test(a_damaged_line_is_one_damaged_answer),
        cmocka_unit_test(a_silent_unit_uses_up_its_line_and_obeys_nothing),
        cmocka_unit_test(a_stuck_point_keeps_its_value_while_the_recording_moves_on),
        cmocka_unit_test(a_point_follows_another_and_a_coil_acts_on_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
