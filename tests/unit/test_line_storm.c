/* Many questions to bad units: not one value is another register's, another unit's or an earlier answer. The
 * bus is driven without its thread, so that between a question and its samples nothing else is asked: a cell
 * must carry the number of the last request. DUST_QUESTIONS (800; in the storm 20000) for the mixtures, a
 * twentieth of it for each fault alone; DUST_SEED. */
#include "drivers/bus_private.h"
#include "storm_slave.h"

#include <math.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { UNITS = 2, CELLS = 4, TIMEOUT_MS = 20 };

struct rig {
    struct storm storm;
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
    const char *text = getenv("DUST_QUESTIONS");
    return text ? atoi(text) : 800;
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
    r->values++;
    if (s->reg[0] == unit && s->reg[1] == address && number == atomic_load(&r->storm.asked))
        return;
    r->wrong++;
    print_message("wrong: unit %d register %d answered by unit %d register %d of request %d at request %d\n",
                  unit, address, s->reg[0], s->reg[1], number, atomic_load(&r->storm.asked));
}

static void set_up(uint64_t with_seed)
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
    rig.config = (struct bus_config){.name = "storm",
                                     .transport = TRANSPORT_RTU,
                                     .path = rig.storm.slave.path,
                                     .baud = 115200,
                                     .parity = 'N',
                                     .data_bits = 8,
                                     .stop_bits = 1,
                                     .timeout_ms = TIMEOUT_MS,
                                     .devices = rig.list,
                                     .ndevices = UNITS};
    rig.storm.late_ms = 7 * TIMEOUT_MS;
    rig.storm.end[0] = 8;
    rig.storm.end[1] = 404;
    rig.storm.end[2] = 804;
    rig.storm.weight[STORM_NONE] = 20;
    storm_start(&rig.storm, with_seed);
    rig.bus = bus_create(&rig.config, -1);
    rig.bus->sink = check_sample;
    rig.bus->arg = &rig;
}

/* Reads the units in turn until so many questions have been asked. A unit that is down is asked all the same:
 * waiting for its probe would only take time. */
static void ask_many(int wanted)
{
    assert_true(bus_line_ready(rig.bus));
    for (int k = 0; atomic_load(&rig.storm.asked) < wanted; k++) {
        struct unit *u = &rig.bus->units[k % UNITS];
        u->quarantined = false;
        u->failures = 0;
        int before = atomic_load(&rig.storm.asked);
        for (int i = 0; i < u->nreads; i++)
            u->reads[i].next_ms = 0;
        for (int read = unit_due(u, 0); read >= 0; read = unit_due(u, 0))
            bus_read(rig.bus, u, read, 0);
        if (atomic_load(&rig.storm.asked) == before) /* it is left alone for a while */
            slave_sleep_ms(1);
    }
}

static void tear_down(const char *what)
{
    print_message("RESULT %s: %d questions, %d values, %d failed, %d wrong\n", what,
                  atomic_load(&rig.storm.asked), rig.values, rig.failed, rig.wrong);
    bus_destroy(rig.bus);
    storm_stop(&rig.storm);
    assert_int_equal(rig.wrong, 0);
    assert_true(rig.values > 0);
}

static void everything_at_once(const char *what, bool refuse_beyond)
{
    set_up(seed());
    rig.storm.refuse_beyond = refuse_beyond;
    for (int i = 1; i < STORM__COUNT; i++)
        rig.storm.weight[i] = 1;
    rig.storm.weight[STORM_LATE] = 6;
    ask_many(questions() / 2);
    tear_down(what);
}

static void no_value_is_wrong_under_all_faults_at_once(void **state)
{
    (void)state;
    everything_at_once("all faults", false);
}

/* A unit that has no registers beyond its own cannot be asked for more of them to tell its answers apart. */
static void no_value_is_wrong_when_units_refuse_registers_beyond_their_own(void **state)
{
    (void)state;
    everything_at_once("all faults, nothing beyond", true);
}

static void no_value_is_wrong_under_each_fault_alone(void **state)
{
    static const char *const names[STORM__COUNT] = {
        "none",    "late",          "lost", "crc",    "noise",  "truncated", "doubled",   "echo",
        "foreign", "foreign first", "drip", "prefix", "suffix", "exception", "two units", "overheard"};
    (void)state;
    for (int i = 0; i < STORM__COUNT; i++) {
        set_up(seed() + (uint64_t)i);
        rig.storm.weight[STORM_NONE] = 3;
        rig.storm.weight[i] += 1;
        ask_many(questions() / 20);
        tear_down(names[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_value_is_wrong_under_all_faults_at_once),
        cmocka_unit_test(no_value_is_wrong_when_units_refuse_registers_beyond_their_own),
        cmocka_unit_test(no_value_is_wrong_under_each_fault_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
