/* What a bus tells of its units and of itself every ten seconds: dustctl devices shows it. */
#include "daemon/base/err.h"
#include "daemon/base/ring.h"
#include "drivers/bus.h"
#include "drivers/bus_private.h"
#include "drivers/unit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { UNITS = 8, REGISTERS = 10, S = 1000000 };

struct rig {
    struct point points[REGISTERS];
    struct profile profile;
    struct device devices[UNITS];
    const struct device *list[UNITS];
    struct bus_config config;
    struct ring *out;
    struct bus *bus;
    struct bus_tally told[UNITS];
    struct bus_load load;
    int ntold, nloads;
};

static struct rig rig;

/* Eight units of ten registers side by side at 9600 8N1, each read once a second, that think for 2 ms. */
static int set_up(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof rig);
    rig.profile = (struct profile){
        .name = "test", .points = rig.points, .npoints = REGISTERS, .max_registers = 125, .turnaround_ms = 2};
    for (int i = 0; i < REGISTERS; i++)
        rig.points[i] = (struct point){.name = "p",
                                       .table = TABLE_HOLDING,
                                       .address = (uint16_t)i,
                                       .type = TYPE_U16,
                                       .bit = -1,
                                       .scale = 1,
                                       .low = NAN,
                                       .high = NAN};
    for (int i = 0; i < UNITS; i++) {
        rig.devices[i] = (struct device){
            .name = "unit", .profile = &rig.profile, .unit_id = i + 1, .period_ms = 1000, .index = i};
        rig.list[i] = &rig.devices[i];
    }
    rig.config = (struct bus_config){.name = "test",
                                     .path = "/nonexistent",
                                     .baud = 9600,
                                     .parity = 'N',
                                     .data_bits = 8,
                                     .stop_bits = 1,
                                     .timeout_ms = 300,
                                     .devices = rig.list,
                                     .ndevices = UNITS};
    rig.out = ring_create(64, sizeof(struct bus_message));
    rig.bus = bus_create(&rig.config, -1);
    rig.bus->out = rig.out;
    bus_tell_tallies(rig.bus, 100 * S); /* from then on it counts */
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    bus_destroy(rig.bus);
    ring_destroy(rig.out);
    return 0;
}

static void tell(int64_t now_us)
{
    struct bus_message m;
    rig.ntold = rig.nloads = 0;
    bus_tell_tallies(rig.bus, now_us);
    while (ring_pop(rig.out, &m) == ERR_OK) {
        if (m.kind == BUS_TALLY) {
            rig.told[m.device] = m.u.tally;
            rig.ntold++;
        } else if (m.kind == BUS_LOAD) {
            rig.load = m.u.load;
            rig.nloads++;
        }
    }
}

static void every_ten_seconds_each_unit_and_then_the_bus_is_told(void **state)
{
    (void)state;
    tell(109 * S);
    assert_int_equal(rig.ntold + rig.nloads, 0);
    tell(110 * S);
    assert_int_equal(rig.ntold, UNITS);
    assert_int_equal(rig.nloads, 1);
}

static void errors_are_told_by_kind_and_each_unit_by_itself(void **state)
{
    (void)state;
    rig.bus->units[2].tally =
        (struct unit_tally){.requests = 100, .answers = 90, .no_answer = 5, .garbled = 3, .exceptions = 2};
    tell(110 * S);
    assert_int_equal(rig.told[2].requests, 100);
    assert_int_equal(rig.told[2].answers, 90);
    assert_int_equal(rig.told[2].no_answer, 5);
    assert_int_equal(rig.told[2].garbled, 3);
    assert_int_equal(rig.told[2].exceptions, 2);
    assert_int_equal(rig.told[1].requests, 0);
}

static void a_share_is_of_the_last_ten_seconds(void **state)
{
    (void)state;
    rig.bus->units[0].tally.busy_us = 2500000;
    atomic_store(&rig.bus->busy_us, 4000000);
    tell(110 * S);
    assert_int_equal(rig.told[0].share_permille, 250);
    assert_int_equal(rig.told[1].share_permille, 0);
    assert_int_equal(rig.load.load_permille, 400);
    rig.bus->units[0].tally.busy_us += 1000000;
    atomic_fetch_add(&rig.bus->busy_us, 1000000);
    tell(120 * S);
    assert_int_equal(rig.told[0].share_permille, 100);
    assert_int_equal(rig.load.load_permille, 100);
}

static void round_trips_are_the_least_the_middle_and_the_99th_of_100_of_the_last_128(void **state)
{
    (void)state;
    for (int i = 1; i <= 200; i++)
        unit_tripped(&rig.bus->units[0], 1000 * i, 0);
    unit_tripped(&rig.bus->units[1], 7000, 0);
    tell(110 * S);
    assert_int_equal(rig.told[0].rtt_min_us, 73000);
    assert_int_equal(rig.told[0].rtt_median_us, 137000);
    assert_int_equal(rig.told[0].rtt_p99_us, 199000);
    assert_int_equal(rig.told[1].rtt_min_us, 7000);
    assert_int_equal(rig.told[1].rtt_p99_us, 7000);
    assert_int_equal(rig.told[2].rtt_median_us, 0); /* none yet */
}

/* (8 + 25) characters of 10 bits, 3.5 of silence, 2 ms: 40.02 ms. What the unit thinks, and its own silence
 * by which it knows that the question is over, come on top. */
static void the_wires_limit_is_frames_the_silence_and_the_turnaround(void **state)
{
    (void)state;
    tell(110 * S);
    assert_in_range(rig.load.wire_permille, 8 * 40.02 - 1, 8 * 40.02 + 1);
    assert_int_equal(rig.load.needed_permille, 0); /* nothing was asked yet */
    rig.bus->units[0].quarantined = true;
    tell(120 * S);
    assert_in_range(rig.load.wire_permille, 7 * 40.02 - 1, 7 * 40.02 + 1);
}

static void what_the_schedule_needs_is_what_questions_have_cost_beyond_the_whole_bus_too(void **state)
{
    (void)state;
    for (int i = 0; i < UNITS; i++) {
        rig.bus->units[i].tally.requests = 100;
        rig.bus->units[i].tally.busy_us = 100 * 200000; /* 200 ms each, of eight a second */
    }
    atomic_store(&rig.bus->late_slots, 17);
    tell(110 * S);
    assert_int_equal(rig.load.needed_permille, 1600);
    assert_int_equal(rig.load.late_slots, 17);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_ten_seconds_each_unit_and_then_the_bus_is_told),
        CASE(errors_are_told_by_kind_and_each_unit_by_itself),
        CASE(a_share_is_of_the_last_ten_seconds),
        CASE(round_trips_are_the_least_the_middle_and_the_99th_of_100_of_the_last_128),
        CASE(the_wires_limit_is_frames_the_silence_and_the_turnaround),
        CASE(what_the_schedule_needs_is_what_questions_have_cost_beyond_the_whole_bus_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
