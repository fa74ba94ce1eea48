/* Many orders to bad units (storm_slave.h), with reads between them: what is reported done was done on that
 * unit and stays so until the next order, no order reaches another unit or comes twice, and no read takes an
 * order's answer for its own. Each order writes another number, so that what is found there says which order
 * put it there. Wire time is virtual. DUST_QUESTIONS (2000; in the storm 100000) for each mixture; DUST_SEED.
 */
#include "storm_wire.h"

#include "daemon/base/err.h"
#include "daemon/base/ring.h"
#include "drivers/bus.h"
#include "drivers/unit.h"

#include <math.h>
#include <signal.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { UNITS = 2, TIMEOUT_MS = 20, REGISTERS = 5, COILS = 20, TIMER_COIL = 300 };

struct rig {
    struct storm_wire wire;
    struct point cell;
    struct profile profile;
    struct device devices[UNITS];
    const struct device *list[UNITS];
    struct bus_config config;
    struct bus *bus;
    struct ring *out;
    uint64_t random;
    int number, ordered, done, refused, unknown, undone, wrong_orders, values, wrong_values;
};

static struct rig rig;

static uint64_t seed(void)
{
    const char *text = getenv("DUST_SEED");
    return text ? strtoull(text, NULL, 10) : 20261126;
}

static int questions(void)
{
    const char *text = getenv("DUST_QUESTIONS"), *storm = getenv("DUST_STORM");
    return text ? atoi(text) : storm && strcmp(storm, "1") == 0 ? 100000 : 2000;
}

static void set_up(enum transport transport, uint64_t with_seed)
{
    memset(&rig, 0, sizeof rig);
    rig.random = with_seed;
    rig.cell = (struct point){.name = "cell",
                              .table = TABLE_HOLDING,
                              .type = TYPE_U64,
                              .bit = -1,
                              .scale = 1,
                              .low = NAN,
                              .high = NAN};
    rig.profile = (struct profile){.name = "storm", .points = &rig.cell, .npoints = 1, .max_registers = 125};
    for (int i = 0; i < UNITS; i++) {
        rig.devices[i] = (struct device){.name = "unit",
                                         .profile = &rig.profile,
                                         .unit_id = i + 1,
                                         .period_ms = 100,
                                         .first_point = i,
                                         .index = i};
        rig.list[i] = &rig.devices[i];
    }
    struct storm *s = &rig.wire.storm;
    s->transport = transport;
    s->slow_ms = TIMEOUT_MS - 1;
    s->late_ms = 7 * TIMEOUT_MS;
    s->drip_ms = 66; /* the driver adds 30 ms and the frames' own time to the time-out */
    s->end[0] = STORM_CELL;
    s->pretends = 5;
    storm_start(&rig.wire, with_seed);
    rig.config = (struct bus_config){.name = "storm",
                                     .transport = transport,
                                     .path = rig.wire.path,
                                     .host = "127.0.0.1",
                                     .port = rig.wire.port,
                                     .baud = 115200,
                                     .parity = 'N',
                                     .data_bits = 8,
                                     .stop_bits = 1,
                                     .timeout_ms = TIMEOUT_MS,
                                     .devices = rig.list,
                                     .ndevices = UNITS};
    rig.out = ring_create(256, sizeof(struct bus_message));
    rig.wire.bus = rig.bus = bus_create(&rig.config, -1);
    rig.bus->out = rig.out;
    rig.bus->orders = ring_create(4, sizeof(struct bus_order));
}

/* --- orders --- */

/* A bit of the number for each coil, from a place of its own on. */
static struct frame_order draw_order(int number)
{
    struct frame_order o = {.count = 1, .values = {(uint16_t)number}};
    switch (storm_draw(&rig.random, 5)) {
    case 0:
        o.function = ORDER_COIL;
        o.address = 200;
        o.values[0] = number % 2 ? 0xFF00 : 0;
        break;
    case 1:
        o.function = ORDER_REGISTER;
        o.address = STORM_WRITABLE + 100;
        break;
    case 2:
        o.function = ORDER_REGISTERS;
        o.address = STORM_WRITABLE;
        o.count = REGISTERS;
        for (int i = 0; i < REGISTERS; i++)
            o.values[i] = (uint16_t)(number + 1000 * i);
        break;
    case 3:
        o.function = ORDER_COILS;
        o.count = COILS;
        for (int i = 0; i < COILS; i++)
            o.values[i] = number >> i & 1;
        break;
    default: /* a relay's time: not read back */
        o.function = ORDER_COIL;
        o.address = TIMER_COIL;
        o.values[0] = (uint16_t)(150 + storm_draw(&rig.random, 2));
        break;
    }
    return o;
}

static bool holds(int unit, const struct frame_order *o)
{
    const struct storm_held *held = &rig.wire.storm.held[unit - 1];
    for (int i = 0; i < o->count; i++) {
        bool coil = o->function == ORDER_COIL || o->function == ORDER_COILS;
        int at = (o->address + i) % STORM_WRITABLE;
        if ((coil ? held->coils[at] : held->registers[at]) != o->values[i])
            return false;
    }
    return true;
}

/* Whether what the units heard since is this order, to this unit, at most once. */
static bool heard_well(int orders_before, int unit, const struct frame_order *o)
{
    const struct storm *s = &rig.wire.storm;
    uint8_t frame[FRAME_ORDER_MAX];
    size_t n = (size_t)frame_order(unit, o, frame);
    if (s->orders == orders_before)
        return true;
    return s->orders == orders_before + 1 && s->order.unit == unit &&
           memcmp(storm_pdu(s->transport, &s->order), frame, n) == 0;
}

static void take_sample(const struct bus_message *m)
{
    const struct sample *s = &m->u.sample;
    int unit = m->device + 1;
    if (s->why != WHY_NONE)
        return;
    rig.values++;
    if (s->reg[0] == unit && s->reg[1] == 0 &&
        (s->reg[2] << 16 | s->reg[3]) == rig.wire.storm.last_of[m->device][0])
        return;
    rig.wrong_values++;
    print_message("wrong: unit %d answered by unit %d register %d\n", unit, s->reg[0], s->reg[1]);
}

/* What the bus has said; the outcome of the order, if it is among it. */
static bool collect(uint64_t id, struct bus_obeyed *outcome)
{
    struct bus_message m;
    bool found = false;
    while (ring_pop(rig.out, &m) == ERR_OK) {
        if (m.kind == BUS_SAMPLE)
            take_sample(&m);
        if (m.kind == BUS_OBEYED && m.u.obeyed.id == id) {
            *outcome = m.u.obeyed;
            found = true;
        }
    }
    return found;
}

static void order_one(int unit)
{
    int number = ++rig.number, before = rig.wire.storm.orders, obeyed = rig.wire.storm.obeyed;
    struct bus_order order = {.id = (uint64_t)number, .device = unit - 1, .order = draw_order(number)};
    order.read_back = order.order.address != TIMER_COIL;
    struct bus_obeyed outcome;
    assert_int_equal(ring_push(rig.bus->orders, &order), ERR_OK);
    bus_obey(rig.bus);
    assert_true(collect(order.id, &outcome));
    rig.ordered++;
    if (!heard_well(before, unit, &order.order)) {
        rig.wrong_orders++;
        print_message("wrong: order %d of function %d to unit %d\n", number, order.order.function, unit);
    }
    bool done = outcome.why == WHY_NONE && (outcome.read_back || !order.read_back);
    rig.done += done;
    rig.refused += outcome.why == WHY_EXCEPTION;
    rig.unknown += !done && outcome.why != WHY_EXCEPTION;
    if (done && (!holds(unit, &order.order) ||
                 (order.order.address == TIMER_COIL && rig.wire.storm.obeyed == obeyed))) {
        rig.undone++;
        print_message("undone: order %d of function %d to unit %d was reported done\n", number,
                      order.order.function, unit);
    }
}

static void order_many(int wanted)
{
    for (int k = 0; rig.ordered < wanted; k++) {
        struct unit *u = &rig.bus->units[storm_draw(&rig.random, UNITS)];
        struct bus_obeyed none;
        if (!bus_line_ready(rig.bus)) {
            slave_sleep_ms(1);
            continue;
        }
        u->quarantined = false;
        u->failures = 0;
        for (int i = 0; i < u->nreads; i++)
            u->reads[i].next_ms = 0;
        if (storm_draw(&rig.random, 2))
            order_one(u->device->unit_id);
        else if (unit_due(u, 0) >= 0)
            bus_read(rig.bus, u, 0, 0);
        collect(0, &none);
    }
}

static void tear_down(const char *what)
{
    print_message("RESULT %s: %d orders: %d done, %d refused, %d unknown; %d of the done were not, %d "
                  "reached another unit or came "
                  "twice; %d values read between, %d wrong\n",
                  what, rig.ordered, rig.done, rig.refused, rig.unknown, rig.undone, rig.wrong_orders,
                  rig.values, rig.wrong_values);
    ring_destroy(rig.out);
    rig.bus->out = NULL;
    bus_destroy(rig.bus);
    storm_stop(&rig.wire);
    assert_int_equal(rig.undone, 0);
    assert_int_equal(rig.wrong_orders, 0);
    assert_int_equal(rig.wrong_values, 0);
    assert_true(rig.values > 0);
    assert_true(rig.done > rig.ordered / 4);
    assert_true(rig.unknown > rig.ordered / 10);
}

static void everything_at_once(enum transport transport, const char *what)
{
    set_up(transport, seed());
    struct storm *s = &rig.wire.storm;
    for (int i = 0; i < STORM__COUNT; i++)
        s->weight[i] = 1;
    s->weight[STORM_NONE] = 30;
    s->weight[STORM_LATE] = s->weight[STORM_LOST] = 6;
    order_many(questions());
    tear_down(what);
}

static void what_is_reported_done_was_done_on_a_wire(void **state)
{
    (void)state;
    everything_at_once(TRANSPORT_RTU, "RTU");
}

static void what_is_reported_done_was_done_behind_a_converter(void **state)
{
    (void)state;
    everything_at_once(TRANSPORT_RTU_OVER_TCP, "RTU over TCP");
}

static void what_is_reported_done_was_done_on_modbus_tcp(void **state)
{
    (void)state;
    everything_at_once(TRANSPORT_TCP, "TCP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_reported_done_was_done_on_a_wire),
        cmocka_unit_test(what_is_reported_done_was_done_behind_a_converter),
        cmocka_unit_test(what_is_reported_done_was_done_on_modbus_tcp),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
