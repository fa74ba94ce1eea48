/* What quarantined units may use of their bus, over hours that pass in no time. */
#include "drivers/quarantine.h"
#include "drivers/unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum {
    UNITS = 32,
    TIMEOUT_MS = 300,
    OVERHEAD_US = 30000 + 18000 + 20000, /* the margin, both frames at 9600 baud, listening until quiet */
    STEP_US = 50000
};

static const int64_t second = 1000000;

static struct point point = {.table = TABLE_HOLDING, .type = TYPE_U16, .bit = -1};
static struct profile profile = {.name = "test", .points = &point, .npoints = 1, .max_registers = 125};
static const struct device device = {.name = "unit", .profile = &profile, .unit_id = 1, .period_ms = 1000};
static struct bus_config config = {
    .name = "test", .baud = 9600, .parity = 'N', .data_bits = 8, .stop_bits = 1, .timeout_ms = TIMEOUT_MS};

/* A bus on which time passes only as it is told; what its quarantined units have used of it. */
static struct {
    struct quarantine q;
    struct unit units[UNITS];
    int n, probes[UNITS];
    int64_t now_us, used_us, last_us[UNITS], longest_gap_us, from_us;
    int thinks_us; /* a unit that answers after so long; 0: none */
} sim;

static void silent(struct unit *u, int64_t at_us)
{
    unit_take(u, WHY_NO_ANSWER, 0, at_us);
    unit_take(u, WHY_NO_ANSWER, 0, at_us + 3 * second);
    assert_true(u->quarantined);
}

static void begin(int n, int timeout_ms)
{
    memset(&sim, 0, sizeof sim);
    config.timeout_ms = timeout_ms;
    sim.n = n;
    sim.now_us = sim.from_us = 1000 * second;
    for (int i = 0; i < n; i++) {
        unit_init(&sim.units[i], &config, &device, i, n);
        silent(&sim.units[i], sim.now_us - 3 * second);
        sim.last_us[i] = sim.now_us;
    }
}

static void probe(int i)
{
    struct unit *u = &sim.units[i];
    bool answers = sim.thinks_us && sim.thinks_us < u->probe_for_us;
    int64_t took_us = (answers ? sim.thinks_us : u->probe_for_us) + OVERHEAD_US;
    int64_t gap_us = sim.now_us - sim.last_us[i];
    sim.longest_gap_us = gap_us > sim.longest_gap_us ? gap_us : sim.longest_gap_us;
    sim.last_us[i] = sim.now_us;
    sim.probes[i]++;
    sim.used_us += answers ? 0 : took_us;
    sim.now_us += took_us;
    unit_take(u, answers ? WHY_NONE : WHY_NO_ANSWER, 0, sim.now_us);
    quarantine_spent(&sim.q, u, answers ? 0 : took_us);
}

/* Each unit's slot comes again and again. */
static void pass(int64_t us)
{
    for (int64_t end = sim.now_us + us; sim.now_us < end; sim.now_us += STEP_US)
        for (int i = 0; i < sim.n; i++)
            if (sim.units[i].quarantined &&
                quarantine_lets(&sim.q, sim.units, sim.n, &sim.units[i], sim.now_us, 0))
                probe(i);
}

/* telegraf#11782, node-red-contrib-modbus#446: each dead unit costs its time-out at every slot. */
static void however_many_units_are_dead_they_take_two_per_cent_of_the_bus(void **state)
{
    (void)state;
    static const int timeouts_ms[] = {10, 100, 300, 1000, 10000};
    for (size_t t = 0; t < sizeof timeouts_ms / sizeof *timeouts_ms; t++)
        for (int n = 1; n <= UNITS; n = n == 1 ? 7 : n == 7 ? 31 : n + 1) {
            begin(n, timeouts_ms[t]);
            pass(3600 * second);
            int64_t one_us = timeouts_ms[t] * 1000 + OVERHEAD_US, all_us = sim.now_us - sim.from_us;
            if (sim.used_us > all_us / 50 + one_us)
                fail_msg("%d units, time-out %d ms: %.2f %%", n, timeouts_ms[t],
                         100.0 * (double)sim.used_us / (double)all_us);
        }
}

static void they_are_probed_in_turn(void **state)
{
    (void)state;
    begin(31, TIMEOUT_MS);
    pass(3600 * second);
    for (int i = 0; i < sim.n; i++)
        assert_in_range(sim.probes[i], sim.probes[0] - 1, sim.probes[0] + 1);
    assert_true(sim.probes[0] > 5);
}

static void one_dead_unit_is_asked_every_ten_seconds_at_the_usual_time_out(void **state)
{
    (void)state;
    begin(1, TIMEOUT_MS);
    pass(3600 * second);
    assert_in_range(sim.longest_gap_us, second, 10 * second);
}

static void a_unit_that_has_become_slow_is_waited_for_as_long_as_its_time_out_now_and_then(void **state)
{
    (void)state;
    begin(1, TIMEOUT_MS);
    sim.thinks_us = TIMEOUT_MS * 1000 - 20000;
    pass(300 * second);
    assert_false(sim.units[0].quarantined);
}

static void a_unit_known_to_think_long_is_always_waited_for_so_long(void **state)
{
    (void)state;
    begin(1, TIMEOUT_MS);
    sim.units[0].think_us = 50000;
    pass(20 * second);
    assert_true(sim.probes[0] > 0);
    sim.thinks_us = 150000;
    pass(20 * second);
    assert_false(sim.units[0].quarantined);
}

static void a_long_healthy_time_saves_nothing_up(void **state)
{
    (void)state;
    begin(1, TIMEOUT_MS);
    sim.now_us += 86400 * second;
    sim.from_us = sim.now_us;
    sim.last_us[0] = sim.now_us;
    pass(60 * second);
    assert_true(sim.used_us <= 60 * second / 50 + 2LL * (TIMEOUT_MS * 1000 + OVERHEAD_US));
}

/* Unit 0 is read each minute, and has been silent for longer. */
static void one_that_is_read_each_minute_holds_up_nobody_until_its_slot_is_near(void **state)
{
    (void)state;
    begin(2, TIMEOUT_MS);
    sim.units[0].reads[0].next_ms = 60000;
    sim.units[1].probe_us = sim.units[0].probe_us + second;
    sim.now_us += 2 * second;
    assert_true(quarantine_lets(&sim.q, sim.units, 2, &sim.units[1], sim.now_us, 10000));
    assert_false(quarantine_lets(&sim.q, sim.units, 2, &sim.units[1], sim.now_us, 55000));
    assert_true(quarantine_lets(&sim.q, sim.units, 2, &sim.units[0], sim.now_us, 60000));
}

static void one_that_lives_is_never_held_back(void **state)
{
    (void)state;
    begin(2, TIMEOUT_MS);
    unit_take(&sim.units[1], WHY_NONE, 0, sim.now_us);
    sim.q.saved_us = -second;
    assert_true(quarantine_lets(&sim.q, sim.units, 2, &sim.units[1], sim.now_us, 0));
    assert_int_equal(sim.units[1].probe_for_us, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(however_many_units_are_dead_they_take_two_per_cent_of_the_bus),
        cmocka_unit_test(they_are_probed_in_turn),
        cmocka_unit_test(one_dead_unit_is_asked_every_ten_seconds_at_the_usual_time_out),
        cmocka_unit_test(a_unit_that_has_become_slow_is_waited_for_as_long_as_its_time_out_now_and_then),
        cmocka_unit_test(a_unit_known_to_think_long_is_always_waited_for_so_long),
        cmocka_unit_test(a_long_healthy_time_saves_nothing_up),
        cmocka_unit_test(one_that_is_read_each_minute_holds_up_nobody_until_its_slot_is_near),
        cmocka_unit_test(one_that_lives_is_never_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
