/* Many questions to bad units: not one value is another register's, another unit's or an earlier answer, and
 * each question is counted as what was done to it. The bus is driven without its thread and in virtual time
 * (storm_wire.h), so that between a question and its samples nothing else is asked: a cell must carry the
 * number of the last request for it. DUST_QUESTIONS (2000; in the storm 100000) for each mixture and, shared
 * out among them, for the faults alone; DUST_SEED. */
#include "storm_wire.h"

#include "drivers/bus.h"
#include "drivers/unit.h"

#include <math.h>
#include <signal.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { UNITS = 2, CELLS = 4, TIMEOUT_MS = 20 };

struct rig {
    struct storm_wire wire;
    struct point points[CELLS];
    struct profile profile;
    struct device devices[UNITS];
    const struct device *list[UNITS];
    struct bus_config config;
    struct bus *bus;
    int values, wrong, failed;
};

static struct rig rig;

/* Two cells side by side, which are one block, and two blocks of one length. */
static const uint16_t addresses[CELLS] = {0, 4, 400, 800};

static uint64_t seed(void)
{
    const char *text = getenv("DUST_SEED");
    return text ? strtoull(text, NULL, 10) : 20261124;
}

static int questions(void)
{
    const char *text = getenv("DUST_QUESTIONS"), *storm = getenv("DUST_STORM");
    return text ? atoi(text) : storm && strcmp(storm, "1") == 0 ? 100000 : 2000;
}

static int asked(void)
{
    return atomic_load(&rig.wire.storm.asked);
}

static void check_sample(const struct sample *s, void *arg)
{
    struct rig *r = arg;
    if (s->why != WHY_NONE) {
        r->failed++;
        r->wrong += s->nreg != 0 || !isnan(s->value);
        return;
    }
    int unit = s->point / CELLS + 1, address = addresses[s->point % CELLS];
    int number = s->reg[2] << 16 | s->reg[3];
    int last = r->wire.storm.last_of[unit - 1][address];
    r->values++;
    if (s->reg[0] == unit && s->reg[1] == address && number == last)
        return;
    r->wrong++;
    print_message("wrong: unit %d register %d answered by unit %d register %d of request %d, not %d\n", unit,
                  address, s->reg[0], s->reg[1], number, last);
}

static void set_up(enum transport transport, uint64_t with_seed)
{
    memset(&rig, 0, sizeof rig);
    for (int i = 0; i < CELLS; i++)
        rig.points[i] = (struct point){.name = "cell",
                                       .table = TABLE_HOLDING,
                                       .address = addresses[i],
                                       .type = TYPE_U64,
                                       .bit = -1,
                                       .scale = 1,
                                       .low = NAN,
                                       .high = NAN};
    rig.profile =
        (struct profile){.name = "storm", .points = rig.points, .npoints = CELLS, .max_registers = 125};
    for (int i = 0; i < UNITS; i++) {
        rig.devices[i] = (struct device){.name = "unit",
                                         .profile = &rig.profile,
                                         .unit_id = i + 1,
                                         .period_ms = 100,
                                         .first_point = i * CELLS,
                                         .index = i};
        rig.list[i] = &rig.devices[i];
    }
    struct storm *s = &rig.wire.storm;
    s->transport = transport;
    s->slow_ms = TIMEOUT_MS - 1;
    s->late_ms = 7 * TIMEOUT_MS;
    s->drip_ms = 66; /* the driver adds 30 ms and the frames' own time to the time-out */
    for (int i = 0; i < STORM_BLOCKS; i++)
        s->end[i] = addresses[i + 1] + STORM_CELL;
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
    rig.wire.bus = rig.bus = bus_create(&rig.config, -1);
    rig.bus->sink = check_sample;
    rig.bus->arg = &rig;
}

/* Reads the units in turn until so many questions have been asked. A unit that is down is asked all the same:
 * waiting for its probe would only take time. */
static void ask_many(int wanted)
{
    for (int k = 0; asked() < wanted; k++) {
        struct unit *u = &rig.bus->units[k % UNITS];
        u->quarantined = false;
        u->failures = 0;
        int before = asked();
        for (int i = 0; i < u->nreads; i++)
            u->reads[i].next_ms = 0;
        for (int read = unit_due(u, 0); read >= 0; read = unit_due(u, 0))
            bus_read(rig.bus, u, read, 0);
        if (asked() == before) /* it is left alone for a while, or the line is not back yet */
            slave_sleep_ms(1);
    }
    storm_conclude(&rig.wire.storm);
}

/* What was counted of a unit, by outcome; a failure of the line is what no other counter has. */
static void count_unit(const struct unit_tally *t, int counted[static WHY__COUNT])
{
    counted[WHY_NONE] = (int)t->answers;
    counted[WHY_NO_ANSWER] = (int)t->no_answer;
    counted[WHY_GARBLED] = (int)t->garbled;
    counted[WHY_EXCEPTION] = (int)t->exceptions;
    counted[WHY_LINE] = (int)(t->requests - t->answers - t->no_answer - t->garbled - t->exceptions);
}

/* Exactly, for each unit by itself: time is virtual. */
static int miscounted(int sums[static WHY__COUNT])
{
    int differences = 0;
    for (int unit = 0; unit < UNITS; unit++) {
        int counted[WHY__COUNT] = {0};
        count_unit(&rig.bus->units[unit].tally, counted);
        for (int why = 0; why < WHY__COUNT; why++) {
            int expected = rig.wire.storm.expected[unit][why];
            sums[why] += counted[why];
            differences += counted[why] != expected;
            if (counted[why] != expected)
                print_message("miscounted: unit %d \"%s\": %d, but %d were injected\n", unit + 1,
                              why_str(why), counted[why], expected);
        }
    }
    return differences;
}

/* The bus counts what its units count. */
static bool adds_up(const int sums[static WHY__COUNT])
{
    struct bus_counters all = bus_count(rig.bus);
    int64_t named = sums[WHY_NONE] + sums[WHY_NO_ANSWER] + sums[WHY_GARBLED] + sums[WHY_EXCEPTION];
    return (int)all.answers == sums[WHY_NONE] && (int)all.no_answer == sums[WHY_NO_ANSWER] &&
           (int)all.garbled == sums[WHY_GARBLED] && (int)all.exceptions == sums[WHY_EXCEPTION] &&
           (int64_t)all.requests == named + sums[WHY_LINE] && (int64_t)all.line_errors == sums[WHY_LINE];
}

static void tear_down(const char *what)
{
    int sums[WHY__COUNT] = {0}, differences = miscounted(sums) + !adds_up(sums);
    print_message("RESULT %s: %d questions, %d values, %d wrong; counted as injected: %d answers, %d silent, "
                  "%d garbled, "
                  "%d exceptions, %d line lost; %d were hit by others' bytes\n",
                  what, asked(), rig.values, rig.wrong, sums[WHY_NONE], sums[WHY_NO_ANSWER],
                  sums[WHY_GARBLED], sums[WHY_EXCEPTION], sums[WHY_LINE], rig.wire.storm.hit);
    bus_destroy(rig.bus);
    storm_stop(&rig.wire);
    assert_int_equal(rig.wrong, 0);
    assert_int_equal(differences, 0);
    assert_true(rig.values > 0);
}

static void everything_at_once(enum transport transport, const char *what, bool refuse_beyond)
{
    set_up(transport, seed());
    struct storm *s = &rig.wire.storm;
    s->refuse_beyond = refuse_beyond;
    for (int i = 0; i < STORM__COUNT; i++)
        s->weight[i] = 1;
    s->weight[STORM_NONE] = 20;
    s->weight[STORM_LATE] = 6;
    ask_many(questions());
    for (int i = 0; i < STORM__COUNT; i++)
        assert_true(s->injected[i] > 0 || !(storm_kinds[i].on & storm_on(transport)));
    tear_down(what);
}

static void no_value_is_wrong_under_all_faults_at_once(void **state)
{
    (void)state;
    everything_at_once(TRANSPORT_RTU, "RTU", false);
}

/* A unit that has no registers beyond its own cannot be asked for more of them to tell its answers apart. */
static void no_value_is_wrong_when_units_refuse_registers_beyond_their_own(void **state)
{
    (void)state;
    everything_at_once(TRANSPORT_RTU, "RTU, nothing beyond", true);
}

/* What a unit answers to the other one may be as long as its own late answer to us, and proves not that this
 * has come. */
static void another_masters_answer_is_not_taken_for_our_late_one(void **state)
{
    (void)state;
    set_up(TRANSPORT_RTU, seed());
    rig.wire.storm.refuse_beyond = true;
    rig.wire.storm.weight[STORM_NONE] = rig.wire.storm.weight[STORM_LATE] = 1;
    rig.wire.storm.weight[STORM_OTHER_MASTER] = 1;
    ask_many(questions() / 4);
    tear_down("RTU, late and another master");
}

static void no_value_is_wrong_behind_a_converter(void **state)
{
    (void)state;
    everything_at_once(TRANSPORT_RTU_OVER_TCP, "RTU over TCP", false);
}

static void no_value_is_wrong_on_modbus_tcp(void **state)
{
    (void)state;
    everything_at_once(TRANSPORT_TCP, "TCP", false);
}

static void each_alone(enum transport transport, const char *where)
{
    int kinds = 0;
    for (int i = 0; i < STORM__COUNT; i++)
        kinds += (storm_kinds[i].on & storm_on(transport)) != 0;
    for (int i = 0; i < STORM__COUNT; i++) {
        char what[64];
        if (!(storm_kinds[i].on & storm_on(transport)))
            continue;
        set_up(transport, seed() + (uint64_t)i);
        rig.wire.storm.weight[STORM_NONE] = 3;
        rig.wire.storm.weight[i] += 1;
        ask_many(questions() / kinds);
        snprintf(what, sizeof what, "%s, %s alone (%d)", where, storm_kinds[i].name,
                 rig.wire.storm.injected[i]);
        tear_down(what);
    }
}

static void each_fault_alone_is_counted_as_what_it_is(void **state)
{
    (void)state;
    each_alone(TRANSPORT_RTU, "RTU");
    each_alone(TRANSPORT_RTU_OVER_TCP, "RTU over TCP");
    each_alone(TRANSPORT_TCP, "TCP");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_value_is_wrong_under_all_faults_at_once),
        cmocka_unit_test(no_value_is_wrong_when_units_refuse_registers_beyond_their_own),
        cmocka_unit_test(another_masters_answer_is_not_taken_for_our_late_one),
        cmocka_unit_test(no_value_is_wrong_behind_a_converter),
        cmocka_unit_test(no_value_is_wrong_on_modbus_tcp),
        cmocka_unit_test(each_fault_alone_is_counted_as_what_it_is),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
