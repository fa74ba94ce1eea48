/* A bus of which only the devices change, while the line stays open. */
#include "bus_rig.h"

#include "drivers/bus_private.h"
#include "drivers/line.h"
#include "drivers/unit.h"

static struct rig rig;
static struct bus_config changed; /* must outlive the bus */

/* Stops between two reads; what it has said is heard meanwhile. */
static void pause_bus(void)
{
    bus_pause(rig.bus);
    for (int64_t end = clock_wire_us() + 5000000; !bus_stands(rig.bus);) {
        rig_drain(&rig);
        assert_true(clock_wire_us() < end);
    }
    rig_drain(&rig);
}

/* The first `ndevices` of the rig; device i stood at before[i]. */
static void change(int ndevices, const int *before)
{
    changed = rig.config;
    changed.ndevices = ndevices;
    bus_change(rig.bus, &changed, rig.ring, before);
}

static void a_bus_that_is_paused_asks_nothing_and_goes_on_afterwards(void **state)
{
    (void)state;
    rig_build(&rig, 2, 2);
    rig_start(&rig, slave_good);
    rig_await(&rig, 1, WHY_NONE, 2, 5000);
    pause_bus();
    int asked = atomic_load(&rig.slave.requests), heard = rig.ngot;
    rig_listen(&rig, 350); /* three periods */
    assert_int_equal(atomic_load(&rig.slave.requests), asked);
    assert_int_equal(rig.ngot, heard);
    bus_go(rig.bus);
    rig_await(&rig, 1, WHY_NONE, 2, 5000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
}

static void a_bus_that_waits_for_room_in_its_ring_can_be_paused(void **state)
{
    (void)state;
    rig_build(&rig, 2, 2);
    slave_start(&rig.slave, slave_good);
    rig.ring = ring_create(4, sizeof(struct bus_message));
    rig.bus = bus_start(&rig.config, rig.ring);
    for (int64_t end = clock_wire_us() + 5000000; ring_refused(rig.ring) == 0;)
        assert_true(clock_wire_us() < end);
    pause_bus();
    bus_go(rig.bus);
    rig_await(&rig, 1, WHY_NONE, 2, 5000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_int_equal(rig_changes(&rig, BUS_LINE, 0, true), 1);
}

static void a_device_that_stays_keeps_its_slots_and_the_line_its_port(void **state)
{
    (void)state;
    rig_build(&rig, 3, 1);
    changed = rig.config;
    rig.config.ndevices = 2;
    rig_start(&rig, slave_good);
    rig_await(&rig, 1, WHY_NONE, 3, 5000);
    pause_bus();
    struct bus *b = rig.bus;
    int64_t phase_ms = b->units[1].phase_ms, next_ms = b->units[1].reads[0].next_ms;
    int fd = line_fd(b->line);
    change(3, (int[]){0, 1, -1});
    assert_int_equal(b->units[1].phase_ms, phase_ms);
    assert_int_equal(b->units[1].reads[0].next_ms, next_ms);
    bus_go(b);
    rig_await(&rig, 2, WHY_NONE, 2, 5000);
    pause_bus(); /* what is its thread's can be looked at then only */
    assert_int_equal(line_fd(b->line), fd);
    bus_go(b);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    for (int device = 0; device < 3; device++)
        assert_int_equal(rig_changes(&rig, BUS_DEVICE, device, true), 1);
    assert_int_equal(rig_changes(&rig, BUS_LINE, 0, true), 1);
}

/* Of three the first goes: what is heard from then on is numbered anew, under the numbers of the rig. */
static void devices_that_move_up_are_told_by_their_new_places(void **state)
{
    (void)state;
    rig_build(&rig, 3, 1);
    rig_start(&rig, slave_good);
    rig_await(&rig, 2, WHY_NONE, 2, 5000);
    pause_bus();
    rig_assert_no_wrong_value(&rig);
    rig.ngot = 0;
    changed = rig.config;
    changed.devices = rig.list + 1;
    changed.ndevices = 2;
    bus_change(rig.bus, &changed, rig.ring, (int[]){1, 2});
    bus_go(rig.bus);
    rig_await(&rig, 1, WHY_NONE, 3, 5000);
    rig_stop(&rig);
    for (int i = 0; i < rig.ngot; i++)
        if (rig.got[i].kind == BUS_SAMPLE)
            assert_true(rig.got[i].u.sample.value == 1000 * (rig.got[i].device + 2));
    assert_int_equal(rig_samples(&rig, 0, 2, WHY_NONE), 0);
}

static void answer_all_but_unit_1(struct slave *s, const uint8_t *request, int number)
{
    if (request[0] != 1)
        slave_good(s, request, number);
}

static void a_dead_unit_stays_in_quarantine(void **state)
{
    (void)state;
    rig_build(&rig, 2, 1);
    rig.config.ndevices = 1;
    rig_start(&rig, answer_all_but_unit_1);
    for (int64_t end = clock_wire_us() + 10000000; !rig_changes(&rig, BUS_DEVICE, 0, false);) {
        rig_listen(&rig, 10);
        assert_true(clock_wire_us() < end);
    }
    pause_bus();
    change(2, (int[]){0, -1});
    bus_go(rig.bus);
    rig_await(&rig, 1, WHY_NONE, 4, 5000);
    pause_bus();
    assert_true(rig.bus->units[0].quarantined);
    bus_go(rig.bus);
    rig_stop(&rig);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, false), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bus_that_is_paused_asks_nothing_and_goes_on_afterwards),
        cmocka_unit_test(a_bus_that_waits_for_room_in_its_ring_can_be_paused),
        cmocka_unit_test(a_device_that_stays_keeps_its_slots_and_the_line_its_port),
        cmocka_unit_test(devices_that_move_up_are_told_by_their_new_places),
        cmocka_unit_test(a_dead_unit_stays_in_quarantine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
