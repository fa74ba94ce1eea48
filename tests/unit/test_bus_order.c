/* Orders to write, against a slave that has coils and registers. */
#include "bus_rig.h"

static struct rig rig;

enum { CELLS = 2048 };

/* What the slave holds, and how it takes orders: its thread's, but for the knob `arg`. */
static uint16_t coils[CELLS], registers[CELLS];
static atomic_int last_function, last_unit, last_value, reads_before_order;
enum { OBEY, REFUSE, PRETEND, SILENT, WRITE_ONLY }; /* values of slave.arg */

static void write_cells(const uint8_t *request)
{
    int address = request[2] << 8 | request[3], number = request[4] << 8 | request[5];
    atomic_store(&last_value, number);
    if (request[1] == 5)
        coils[address] = number == 0xFF00;
    else if (request[1] == 6)
        registers[address] = (uint16_t)number;
    for (int i = 0; request[1] == 15 && i < number; i++)
        coils[address + i] = request[7 + i / 8] >> i % 8 & 1;
    for (int i = 0; request[1] == 16 && i < number; i++)
        registers[address + i] = (uint16_t)(request[7 + 2 * i] << 8 | request[8 + 2 * i]);
}

static void read_cells(struct slave *s, const uint8_t *request)
{
    uint8_t frame[260] = {request[0], request[1]};
    int address = request[2] << 8 | request[3], count = request[4] << 8 | request[5];
    frame[2] = (uint8_t)(request[1] == 1 ? (count + 7) / 8 : 2 * count);
    for (int i = 0; i < count; i++) {
        if (request[1] == 1) {
            frame[3 + i / 8] |= (uint8_t)(coils[address + i] << i % 8);
            continue;
        }
        frame[3 + 2 * i] = (uint8_t)(registers[address + i] >> 8);
        frame[4 + 2 * i] = (uint8_t)registers[address + i];
    }
    slave_write(s, frame, slave_seal(frame, 3 + frame[2]));
}

static void take(struct slave *s, const uint8_t *request, int number)
{
    (void)number;
    int how = atomic_load(&s->arg);
    if (request[1] <= 4) {
        if (!atomic_load(&last_function))
            atomic_fetch_add(&reads_before_order, 1);
        if (how != WRITE_ONLY)
            read_cells(s, request);
        return;
    }
    atomic_store(&last_function, request[1]);
    atomic_store(&last_unit, request[0]);
    if (how == OBEY || how == WRITE_ONLY)
        write_cells(request);
    if (how == REFUSE) {
        slave_exception(s, request, 4);
    } else if (how != SILENT && request[0]) {
        uint8_t frame[8];
        memcpy(frame, request, 6);
        slave_write(s, frame, slave_seal(frame, 6));
    }
}

static void start(int how)
{
    memset(coils, 0, sizeof coils);
    memset(registers, 0, sizeof registers);
    atomic_store(&last_function, 0);
    atomic_store(&reads_before_order, 0);
    rig_build(&rig, 2, 2);
    rig.config.timeout_ms = 300; /* a busy machine is no silent unit */
    rig_start(&rig, take);
    atomic_store(&rig.slave.arg, how);
}

/* Orders, and waits for what becomes of it. */
static struct bus_obeyed order(struct bus_order o)
{
    static uint64_t id;
    o.id = ++id;
    assert_int_equal(bus_order(rig.bus, &o), ERR_OK);
    for (int64_t end = clock_wire_us() + 5000000; clock_wire_us() < end;) {
        rig_listen(&rig, 10);
        for (int i = 0; i < rig.ngot; i++)
            if (rig.got[i].kind == BUS_OBEYED && rig.got[i].u.obeyed.id == o.id)
                return rig.got[i].u.obeyed;
    }
    fail_msg("no outcome of order %d", (int)o.id);
    return (struct bus_obeyed){0};
}

static void a_coil_is_switched_and_read_back(void **state)
{
    (void)state;
    start(OBEY);
    struct bus_obeyed on =
        order((struct bus_order){.device = 1, .order = {ORDER_COIL, 7, 1, {0xFF00}}, .read_back = true});
    assert_int_equal(on.why, WHY_NONE);
    assert_true(on.read_back);
    assert_int_equal(on.values[0], 1);
    assert_int_equal(atomic_load(&last_unit), 2);
    struct bus_obeyed off =
        order((struct bus_order){.device = 1, .order = {ORDER_COIL, 7, 1, {0}}, .read_back = true});
    assert_true(off.read_back);
    assert_int_equal(off.values[0], 0);
    rig_stop(&rig);
}

static void a_register_several_registers_and_several_coils_are_written(void **state)
{
    (void)state;
    start(OBEY);
    assert_true(
        order((struct bus_order){.order = {ORDER_REGISTER, 3, 1, {4711}}, .read_back = true}).read_back);
    struct bus_obeyed many =
        order((struct bus_order){.order = {ORDER_REGISTERS, 10, 5, {1, 2, 3, 4, 65535}}, .read_back = true});
    assert_true(many.read_back);
    assert_int_equal(many.nvalues, 4);
    assert_int_equal(many.values[3], 4);
    assert_true(order((struct bus_order){.order = {ORDER_COILS, 20, 10, {1, 0, 1, 1, 0, 0, 0, 1, 0, 1}},
                                         .read_back = true})
                    .read_back);
    rig_stop(&rig);
    assert_int_equal(registers[3], 4711);
    assert_int_equal(registers[14], 65535);
    assert_int_equal(coils[29], 1);
    assert_int_equal(coils[28], 0);
}

/* modbus_write_bit always sends FF00: a relay that takes the coil's number as a time needs the raw value. */
static void a_timer_coils_value_is_sent_as_it_is(void **state)
{
    (void)state;
    start(OBEY);
    struct bus_obeyed o = order((struct bus_order){.order = {ORDER_COIL, 0x200, 1, {150}}});
    assert_int_equal(o.why, WHY_NONE);
    assert_false(o.read_back);
    assert_int_equal(atomic_load(&last_value), 150);
    rig_stop(&rig);
}

/* A relay board may answer and not switch. */
static void an_order_that_is_answered_but_not_obeyed_is_not_read_back(void **state)
{
    (void)state;
    start(PRETEND);
    struct bus_obeyed o = order((struct bus_order){.order = {ORDER_COIL, 7, 1, {0xFF00}}, .read_back = true});
    assert_int_equal(o.why, WHY_NONE);
    assert_false(o.read_back);
    assert_int_equal(o.nvalues, 1);
    assert_int_equal(o.values[0], 0);
    rig_stop(&rig);
}

static void a_refused_and_an_unanswered_order_say_why(void **state)
{
    (void)state;
    start(REFUSE);
    struct bus_obeyed o = order((struct bus_order){.order = {ORDER_COIL, 7, 1, {0xFF00}}, .read_back = true});
    assert_int_equal(o.why, WHY_EXCEPTION);
    assert_int_equal(o.exception, 4);
    assert_false(o.read_back);
    atomic_store(&rig.slave.arg, SILENT);
    o = order((struct bus_order){.order = {ORDER_COIL, 7, 1, {0xFF00}}, .read_back = true});
    assert_int_equal(o.why, WHY_NO_ANSWER);
    rig_stop(&rig);
}

static void a_broadcast_waits_for_no_answer_and_reads_go_on(void **state)
{
    (void)state;
    start(OBEY);
    int64_t from_us = clock_wire_us();
    struct bus_obeyed o = order((struct bus_order){.device = -1, .order = {ORDER_COIL, 9, 1, {0xFF00}}});
    assert_int_equal(o.why, WHY_NONE);
    assert_in_range(clock_wire_us() - from_us, 100000, 1000000);
    assert_int_equal(atomic_load(&last_unit), 0);
    rig_await(&rig, 1, WHY_NONE, 4, 2000);
    assert_int_equal(rig_samples(&rig, 0, -1, WHY_NO_ANSWER), 0);
    rig_stop(&rig);
    assert_int_equal(coils[9], 1);
}

/* Waits until device 0 is in this state. */
static void await_state(enum device_state state)
{
    enum device_state now = DEVICE_UNKNOWN;
    for (int64_t end = clock_wire_us() + 30000000; now != state && clock_wire_us() < end;) {
        rig_listen(&rig, 10);
        for (int i = 0; i < rig.ngot; i++)
            if (rig.got[i].kind == BUS_DEVICE && rig.got[i].device == 0)
                now = rig.got[i].u.device.state;
    }
    assert_int_equal(now, state);
}

/* wb-mqtt-serial#1259: a spray controller that only obeys stayed "offline" for ever, for only reads cleared
 * that. */
static void a_device_that_only_takes_orders_lives_when_it_obeys(void **state)
{
    (void)state;
    start(WRITE_ONLY);
    await_state(DEVICE_QUARANTINED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(order((struct bus_order){.order = {ORDER_COIL, 7, 1, {0xFF00}}}).why, WHY_NONE);
        await_state(DEVICE_UP);
        await_state(DEVICE_QUARANTINED);
    }
    rig_stop(&rig);
    assert_int_equal(coils[7], 1);
}

/* thingsboard-gateway#1841: a command and the polling fight for the port. wb-mqtt-serial and others queue
 * commands behind a whole round of polls. */
static void an_order_goes_ahead_of_all_reads_that_wait(void **state)
{
    (void)state;
    memset(coils, 0, sizeof coils);
    rig_build(&rig, 2, 8); /* 16 reads at each 100 ms */
    rig_start(&rig, take);
    atomic_store(&rig.slave.arg, OBEY);
    rig_await(&rig, 0, WHY_NONE, 8, 3000);
    atomic_store(&last_function, 0);
    atomic_store(&reads_before_order, 0);
    order((struct bus_order){.order = {ORDER_COIL, 7, 1, {0xFF00}}});
    int waited = atomic_load(&reads_before_order);
    rig_stop(&rig);
    assert_in_range(waited, 0, 1); /* the one that was under way */
}

static void more_orders_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    start(SILENT);
    int taken = 0;
    while (taken < 200 && bus_order(rig.bus, &(struct bus_order){.order = {ORDER_COIL, 7, 1, {0}}}) == ERR_OK)
        taken++;
    rig_stop(&rig);
    assert_in_range(taken, 64, 66);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_coil_is_switched_and_read_back),
        cmocka_unit_test(a_register_several_registers_and_several_coils_are_written),
        cmocka_unit_test(a_timer_coils_value_is_sent_as_it_is),
        cmocka_unit_test(an_order_that_is_answered_but_not_obeyed_is_not_read_back),
        cmocka_unit_test(a_refused_and_an_unanswered_order_say_why),
        cmocka_unit_test(a_broadcast_waits_for_no_answer_and_reads_go_on),
        cmocka_unit_test(an_order_goes_ahead_of_all_reads_that_wait),
        cmocka_unit_test(a_device_that_only_takes_orders_lives_when_it_obeys),
        cmocka_unit_test(more_orders_than_there_is_room_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
