/* A bus thread against a slave that misbehaves in every way a line knows. Where a test answers a complaint
 * about another program, that stands above it. */
#include "bus_rig.h"

#include <dirent.h>

static struct rig rig; /* too big for the stack; each test builds it anew */

static void a_good_slave_gives_one_right_sample_per_point_and_slot(void **state)
{
    (void)state;
    rig_build(&rig, 2, 3);
    rig_start(&rig, slave_good);
    rig_await(&rig, 1, WHY_NONE, 3 * 5, 2000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_int_equal(rig_changes(&rig, BUS_LINE, 0, true), 1);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, true), 1);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 1, true), 1);
    int samples[RIG_DEVICES * RIG_POINTS] = {0};
    int64_t first_ms = 0, last_ms = 0;
    for (int i = 0; i < rig.ngot; i++) {
        const struct sample *s = &rig.got[i].u.sample;
        if (rig.got[i].kind != BUS_SAMPLE)
            continue;
        assert_true(s->at_ms >= last_ms);
        last_ms = s->at_ms;
        first_ms = first_ms ? first_ms : s->at_ms;
        samples[3 * rig.got[i].device + s->point]++;
    }
    for (int i = 0; i < 6; i++)
        assert_in_range(samples[i], 4, (last_ms - first_ms) / 100 + 1);
}

/* 40, 80, 120 ms late with a time-out of 50: before, after, and long after we have given up. */
static void answer_late(struct slave *s, const uint8_t *request, int number)
{
    slave_sleep_ms(40 * (number % 4));
    slave_good(s, request, number);
}

/* The library alone takes 4 of 10 such answers for the next question's, also with a flush before each. */
static void a_late_answer_is_never_taken_for_the_next_question(void **state)
{
    (void)state;
    rig_build(&rig, 1, 5);
    rig_start(&rig, answer_late);
    rig_listen(&rig, 1800);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_true(rig_samples(&rig, 0, 0, WHY_NONE) > 5);
    assert_true(rig_samples(&rig, 0, 0, WHY_NO_ANSWER) > 5);
}

/* Each third question gets the answer to the one before once more, as from a repeater that is behind. */
static void answer_with_the_one_before(struct slave *s, const uint8_t *request, int number)
{
    static uint8_t before[260];
    static int length;
    if (number % 3 == 2) {
        slave_write(s, before, length);
        return;
    }
    length = slave_answer(request, before);
    slave_write(s, before, length);
}

static void an_answer_that_comes_twice_is_never_taken_for_the_next_question(void **state)
{
    (void)state;
    rig_build(&rig, 1, 4);
    rig_start(&rig, answer_with_the_one_before);
    rig_await(&rig, 0, WHY_GARBLED, 4, 10000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_true(rig_samples(&rig, 0, 0, WHY_NONE) > 4);
}

/* Later than we wait (80 ms) and than we listen (180 ms): in time for the next question. */
static void answer_much_too_late(struct slave *s, const uint8_t *request, int number)
{
    slave_sleep_ms(number == 0 ? 0 : 220);
    slave_good(s, request, number);
}

static void a_unit_that_is_always_too_late_never_gives_a_value(void **state)
{
    (void)state;
    rig_build(&rig, 1, 2);
    rig_start(&rig, answer_much_too_late);
    rig_listen(&rig, 1500);
    struct bus_counters c = bus_count(rig.bus);
    rig_stop(&rig);
    assert_int_equal(rig_samples(&rig, 0, 0, WHY_NONE), 1); /* the very first */
    assert_int_equal(c.answers, 1);                         /* late ones are no answers */
}

/* Each second answer is cut, one byte longer each time: from 0 bytes up to all but one. */
static void answer_cut(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    int n = slave_answer(request, frame);
    slave_write(s, frame, number % 2 == 1 ? number / 2 % n : n);
}

/* emqx/neuron#2148: an unexpected length discards everything behind it. */
static void an_answer_cut_at_any_byte_fails_once_and_the_next_is_right(void **state)
{
    (void)state;
    rig_build(&rig, 1, 1);
    rig_start(&rig, answer_cut);
    rig_await(&rig, 0, WHY_NONE, 9, 5000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    bool failed = true;
    int garbled = 0, silent = 0;
    for (int i = 0; i < rig.ngot; i++) {
        if (rig.got[i].kind != BUS_SAMPLE)
            continue;
        assert_true((rig.got[i].u.sample.why != WHY_NONE) != failed);
        failed = !failed;
        garbled += rig.got[i].u.sample.why == WHY_GARBLED;
        silent += rig.got[i].u.sample.why == WHY_NO_ANSWER;
    }
    assert_true(garbled >= 6 && silent >= 1);
}

static void answer_damaged(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    int n = slave_answer(request, frame);
    if (number % 3 == 1)
        frame[n - 1] ^= 0x55;
    slave_write(s, frame, n);
}

static void a_damaged_check_sum_is_one_missing_sample_and_no_lost_slot(void **state)
{
    (void)state;
    rig_build(&rig, 1, 1);
    rig.config.timeout_ms = 500; /* it must not be waited for again: the unit has spoken */
    rig_start(&rig, answer_damaged);
    rig_listen(&rig, 1500);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    int good = rig_samples(&rig, 0, 0, WHY_NONE), bad = rig_samples(&rig, 0, 0, WHY_GARBLED);
    assert_true(good + bad >= 9);
    assert_in_range(good, 2 * bad - 1, 2 * bad + 2);
}

static void answer_as_another(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260], other[8];
    memcpy(other, request, sizeof other);
    if (number % 3 == 1)
        other[0]++;
    slave_write(s, frame, slave_answer(other, frame));
}

static void another_units_answer_is_not_taken(void **state)
{
    (void)state;
    rig_build(&rig, 1, 2);
    rig_start(&rig, answer_as_another);
    rig_await(&rig, 0, WHY_GARBLED, 3, 3000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_true(rig_samples(&rig, 0, 0, WHY_NONE) >= 2);
}

static void refuse_one_register(struct slave *s, const uint8_t *request, int number)
{
    if (request[3] == 200)
        slave_exception(s, request, 4);
    else
        slave_good(s, request, number);
}

/* home-assistant/core#51103, #54345, FreeIOE: a busy unit is recorded as 0, and for dust 0 is a perfect
 * reading. 0xAHA/Growatt_ModbusTCP#450: a block that cannot be read is decoded as zeros. */
static void an_exception_is_a_fault_with_its_code_and_the_unit_stays_up(void **state)
{
    (void)state;
    rig_build(&rig, 1, 3);
    rig_start(&rig, refuse_one_register);
    rig_await(&rig, 0, WHY_EXCEPTION, 5, 3000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_true(rig_samples(&rig, 0, 0, WHY_NONE) >= 8);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, false), 0);
    for (int i = 0; i < rig.ngot; i++)
        if (rig.got[i].kind == BUS_SAMPLE && rig.got[i].u.sample.why == WHY_EXCEPTION)
            assert_int_equal(rig.got[i].u.sample.exception, 4);
}

/* Registers exist at 0, 20 and 40 only; what spans a gap is refused. */
static void refuse_gaps(struct slave *s, const uint8_t *request, int number)
{
    if (request[5] > 1)
        slave_exception(s, request, 2);
    else
        slave_good(s, request, number);
}

/* What is logged goes there instead; returns how often `text` stands in it, and ends that. */
static int log_to(FILE *file)
{
    int before = dup(STDERR_FILENO);
    fflush(stderr);
    dup2(fileno(file), STDERR_FILENO);
    return before;
}

static int logged(FILE *file, int before, const char *text)
{
    char line[512];
    int n = 0;
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    rewind(file);
    while (fgets(line, sizeof line, file))
        n += strstr(line, text) != NULL;
    fclose(file);
    return n;
}

static void a_unit_that_refuses_a_merged_range_is_read_point_by_point_which_is_said_once(void **state)
{
    (void)state;
    FILE *log = tmpfile();
    int before = log_to(log);
    rig_build(&rig, 1, 3);
    for (int i = 0; i < 3; i++)
        rig.points[i].address = (uint16_t)(3 * i);
    rig_start(&rig, refuse_gaps);
    rig_await(&rig, 0, WHY_NONE, 9, 2000);
    struct bus_counters c = bus_count(rig.bus);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_int_equal(rig_samples(&rig, 0, 0, WHY_EXCEPTION), 0);
    assert_in_range(c.exceptions, 1, 2); /* the range, and one register beyond a point */
    assert_int_equal(logged(log, before, "refuses 7 registers at 0 in one request"), 1);
}

/* A byte each 20 ms: the library's own byte time-out would start anew with each. */
static void drip(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    int n = slave_answer(request, frame);
    for (int i = 0; i < n && number % 3 == 1; i++) {
        slave_write(s, frame + i, 1);
        slave_sleep_ms(20);
    }
    if (number % 3 != 1)
        slave_write(s, frame, n);
}

static void a_dripping_unit_holds_the_bus_no_longer_than_its_time_out(void **state)
{
    (void)state;
    rig_build(&rig, 1, 1);
    rig_start(&rig, drip);
    rig_await(&rig, 0, WHY_GARBLED, 3, 3000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_true(rig_samples(&rig, 0, 0, WHY_NONE) >= 2);
}

static void babble(struct slave *s, const uint8_t *request, int number)
{
    uint8_t noise[64];
    memset(noise, 0xA5, sizeof noise);
    slave_good(s, request, number);
    for (int i = 0; number == 2 && i < 100; i++) { /* 6400 bytes over 0.5 s, unasked */
        slave_write(s, noise, sizeof noise);
        slave_sleep_ms(5);
    }
}

static void a_babbling_unit_is_waited_out_and_the_next_reading_is_right(void **state)
{
    (void)state;
    rig_build(&rig, 1, 2);
    rig_start(&rig, babble);
    rig_await(&rig, 0, WHY_NONE, 6, 5000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
}

static void second_unit_is_dead_while_arg_is_0(struct slave *s, const uint8_t *request, int number)
{
    if (request[0] == 2 && atomic_load(&s->arg) == 0)
        return;
    slave_good(s, request, number);
}

/* influxdata/telegraf#11782: one dead unit loses the data of all others; home-assistant/core#72495, #51326,
 * #115982: makes them unavailable; EVerest#2673: its last values are published with fresh stamps. */
static void one_dead_unit_does_not_silence_the_others(void **state)
{
    (void)state;
    rig_build(&rig, 2, 3);
    rig_start(&rig, second_unit_is_dead_while_arg_is_0);
    rig_listen(&rig, 3700);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 1, false), 1);
    assert_int_equal(rig_samples(&rig, 0, 1, WHY_NONE), 0);
    /* it is known to be dead: from now on it costs a probe of 80 ms in seconds */
    int first = rig.ngot;
    rig_listen(&rig, 1000);
    assert_true(rig_samples(&rig, first, 0, WHY_NONE) >= 3 * 8);
    assert_true(rig_samples(&rig, first, 1, WHY_NO_ANSWER) >= 3 * 8);
    atomic_store(&rig.slave.arg, 1);
    rig_await(&rig, 1, WHY_NONE, 9, 6000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, true), 1);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, false), 0);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 1, true), 1);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 1, false), 1);
}

/* Unit 1 lives, 2 to 4 do not; `arg` counts what they are asked. */
static void only_the_first_unit_lives(struct slave *s, const uint8_t *request, int number)
{
    if (request[0] == 1)
        slave_good(s, request, number);
    else
        atomic_fetch_add(&s->arg, 1);
}

/* Neuron and mqmgateway let each dead unit cost its time-out at every slot. */
static void units_that_are_down_take_a_fiftieth_of_the_bus_together(void **state)
{
    (void)state;
    rig_build(&rig, 4, 1);
    rig.config.timeout_ms = 60;
    rig_start(&rig, only_the_first_unit_lives);
    for (int device = 1; device < 4; device++)
        for (int64_t end = clock_wire_us() + 20000000;
             rig_changes(&rig, BUS_DEVICE, device, false) == 0 && clock_wire_us() < end;)
            rig_listen(&rig, 10);
    atomic_store(&rig.slave.arg, 0);
    rig_listen(&rig, 5000);
    rig_stop(&rig);
    /* a probe is 90 ms and more: 2 % of 5 s is one, and one may be under way at either end */
    assert_in_range(atomic_load(&rig.slave.arg), 1, 3);
    rig_assert_no_wrong_value(&rig);
}

/* The twentieth answer is 900 more than the others. */
static void answer_with_one_spike(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    slave_answer(request, frame);
    if (number == 20) {
        frame[3] = (uint8_t)((1000 + 900) >> 8);
        frame[4] = (uint8_t)(1000 + 900);
    }
    slave_write(s, frame, slave_seal(frame, 5));
}

static void a_spike_is_read_again_at_once_and_both_values_are_kept(void **state)
{
    (void)state;
    rig_build(&rig, 1, 1);
    rig.points[0].spike = 100;
    rig_start(&rig, answer_with_one_spike);
    rig_await(&rig, 0, WHY_NONE, 25, 6000);
    rig_stop(&rig);
    int64_t before_ms = 0;
    for (int i = 0, n = 0; i < rig.ngot; i++) {
        const struct sample *s = &rig.got[i].u.sample;
        if (rig.got[i].kind != BUS_SAMPLE)
            continue;
        if (n == 20)
            assert_true(s->value == 1900);
        else
            assert_true(s->value == 1000);
        if (n == 21)
            assert_in_range(s->at_ms - before_ms, 0, 60); /* the next slot is 100 ms off */
        before_ms = s->at_ms;
        n++;
    }
}

static int open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

enum { HELD_MAX = 64 };

/* Takes free terminals until one of them is that of this name, which nobody else can have then. */
static int hold_name(const char *name, int held[static 2 * HELD_MAX])
{
    char taken[64] = "";
    int n = 0;
    while (n < 2 * HELD_MAX && strcmp(taken, name) != 0 &&
           openpty(&held[n], &held[n + 1], taken, NULL, NULL) == 0)
        n += 2;
    return n;
}

/* influxdata/telegraf#9253, edgex#636: the port comes back, under another number behind the same link. */
static void an_unplugged_adapter_is_said_once_and_comes_back_by_itself_under_another_name(void **state)
{
    (void)state;
    rig_build(&rig, 1, 2);
    rig_start(&rig, slave_good);
    rig_await(&rig, 0, WHY_NONE, 2, 2000);
    int descriptors = open_descriptors(), held[2 * HELD_MAX];
    for (int round = 1; round <= 2; round++) {
        char *was = realpath(rig.slave.path, NULL);
        slave_unplug(&rig.slave);
        int first = rig.ngot;
        rig_await(&rig, 0, WHY_LINE, 6, 2000);
        assert_in_range(rig_samples(&rig, first, 0, WHY_LINE), 6, 10);
        int n = hold_name(was, held);
        slave_plug(&rig.slave);
        char *is = realpath(rig.slave.path, NULL);
        assert_string_not_equal(is, was);
        free(was);
        free(is);
        while (n > 0)
            close(held[--n]);
        rig_await(&rig, 0, WHY_NONE, 2, 3000);
        assert_int_equal(rig_changes(&rig, BUS_LINE, 0, false), round);
        assert_int_equal(rig_changes(&rig, BUS_LINE, 0, true), round + 1);
        assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, false), round);
    }
    assert_int_equal(open_descriptors(), descriptors);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
}

/* When a wire at 9600 baud would have carried 8 characters there and 7 back. */
static void answer_in_wire_time(struct slave *s, const uint8_t *request, int number)
{
    slave_sleep_ms(16);
    slave_good(s, request, number);
}

/* stephane/libmodbus PR#494: the library leaves no gap between frames. */
static void the_line_is_silent_for_three_and_a_half_characters_before_each_request(void **state)
{
    (void)state;
    rig_build(&rig, 2, 4);
    rig.config.baud = 9600;
    rig_start(&rig, answer_in_wire_time);
    rig_await(&rig, 1, WHY_NONE, 8, 3000);
    rig_stop(&rig);
    assert_true(atomic_load(&rig.slave.shortest_us) >= 3645);
}

/* BlackZork/mqmgateway#40, #53, #70: some units need a pause before each command. */
static void a_units_turnaround_is_kept_before_the_next_request(void **state)
{
    (void)state;
    rig_build(&rig, 1, 4);
    rig.profile.turnaround_ms = 20;
    rig_start(&rig, slave_good);
    rig_await(&rig, 0, WHY_NONE, 12, 3000);
    rig_stop(&rig);
    assert_true(atomic_load(&rig.slave.shortest_us) >= 21750);
}

static void a_full_ring_delays_samples_and_loses_none(void **state)
{
    (void)state;
    rig_build(&rig, 1, 4);
    slave_start(&rig.slave, slave_good);
    rig.ring = ring_create(2, sizeof(struct bus_message));
    rig.bus = bus_start(&rig.config, rig.ring);
    slave_sleep_ms(400); /* main sleeps */
    assert_true(ring_refused(rig.ring) > 0);
    rig_listen(&rig, 300);
    rig_stop(&rig);
    int samples[4] = {0}, least = INT32_MAX, most = 0; /* a slot skipped in the meantime may be one point's */
    for (int i = 0; i < rig.ngot; i++)
        if (rig.got[i].kind == BUS_SAMPLE)
            samples[rig.got[i].u.sample.point]++;
    for (int i = 0; i < 4; i++) {
        least = samples[i] < least ? samples[i] : least;
        most = samples[i] > most ? samples[i] : most;
    }
    assert_true(least > 2);
    assert_in_range(most - least, 0, 2);
}

static void stay_silent(struct slave *s, const uint8_t *request, int number)
{
    (void)s;
    (void)request;
    (void)number;
}

static void stopping_takes_no_longer_than_one_time_out(void **state)
{
    (void)state;
    rig_build(&rig, 1, 4);
    rig.config.timeout_ms = 300;
    rig_start(&rig, stay_silent);
    rig_await(&rig, 0, WHY_NO_ANSWER, 1, 3000); /* now it listens, for two more time-outs */
    int64_t start = clock_wire_us();
    rig_stop(&rig);
    assert_in_range(clock_wire_us() - start, 0, 400000);
}

/* 600 times as fast: a site minute is 100 ms. */
static void each_site_minute_is_marked_and_no_later_sample_is_older_than_its_mark(void **state)
{
    (void)state;
    clock_simulate(0, 600);
    rig_build(&rig, 2, 1);
    rig.devices[0].period_ms = rig.devices[1].period_ms = 7000;
    rig_start(&rig, slave_good);
    rig_await(&rig, 1, WHY_NONE, 20, 3000);
    rig_stop(&rig);
    clock_simulate(0, 1);
    int marks = 0;
    int64_t last_ms = 0;
    for (int i = 0; i < rig.ngot; i++) {
        if (rig.got[i].kind == BUS_MARK) {
            marks++;
            last_ms = rig.got[i].u.mark_ms;
        } else if (rig.got[i].kind == BUS_SAMPLE) {
            assert_true(rig.got[i].u.sample.at_ms >= last_ms);
        }
    }
    assert_true(marks >= 2);
}

static void keep_sample(const struct sample *s, void *arg)
{
    struct rig *r = arg;
    struct bus_message *m = &r->got[r->ngot++];
    *m = (struct bus_message){.kind = BUS_SAMPLE, .device = s->point / r->profile.npoints, .u.sample = *s};
    m->u.sample.point = (uint16_t)(s->point % r->profile.npoints);
}

static void once_reads_every_device_once_and_needs_a_port(void **state)
{
    (void)state;
    rig_build(&rig, 2, 3);
    slave_start(&rig.slave, slave_good);
    assert_int_equal(bus_once(&rig.config, keep_sample, &rig), ERR_OK);
    assert_int_equal(rig.ngot, 6);
    assert_int_equal(rig_samples(&rig, 0, -1, WHY_NONE), 6);
    rig_assert_no_wrong_value(&rig);
    slave_stop(&rig.slave);
    assert_int_equal(bus_once(&rig.config, keep_sample, &rig), ERR_IO);
    assert_int_equal(rig.ngot, 6);
}

/* thingsboard-gateway#905: two programs on one port take each other's answers. */
static void a_port_that_another_program_holds_is_not_shared(void **state)
{
    (void)state;
    rig_build(&rig, 1, 1);
    rig_start(&rig, slave_good);
    rig_await(&rig, 0, WHY_NONE, 1, 2000);
    assert_int_equal(bus_once(&rig.config, keep_sample, &rig), ERR_IO);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_slave_gives_one_right_sample_per_point_and_slot),
        cmocka_unit_test(a_late_answer_is_never_taken_for_the_next_question),
        cmocka_unit_test(a_unit_that_is_always_too_late_never_gives_a_value),
        cmocka_unit_test(an_answer_that_comes_twice_is_never_taken_for_the_next_question),
        cmocka_unit_test(an_answer_cut_at_any_byte_fails_once_and_the_next_is_right),
        cmocka_unit_test(a_damaged_check_sum_is_one_missing_sample_and_no_lost_slot),
        cmocka_unit_test(another_units_answer_is_not_taken),
        cmocka_unit_test(an_exception_is_a_fault_with_its_code_and_the_unit_stays_up),
        cmocka_unit_test(a_unit_that_refuses_a_merged_range_is_read_point_by_point_which_is_said_once),
        cmocka_unit_test(a_dripping_unit_holds_the_bus_no_longer_than_its_time_out),
        cmocka_unit_test(a_babbling_unit_is_waited_out_and_the_next_reading_is_right),
        cmocka_unit_test(one_dead_unit_does_not_silence_the_others),
        cmocka_unit_test(units_that_are_down_take_a_fiftieth_of_the_bus_together),
        cmocka_unit_test(a_spike_is_read_again_at_once_and_both_values_are_kept),
        cmocka_unit_test(an_unplugged_adapter_is_said_once_and_comes_back_by_itself_under_another_name),
        cmocka_unit_test(the_line_is_silent_for_three_and_a_half_characters_before_each_request),
        cmocka_unit_test(a_units_turnaround_is_kept_before_the_next_request),
        cmocka_unit_test(a_full_ring_delays_samples_and_loses_none),
        cmocka_unit_test(stopping_takes_no_longer_than_one_time_out),
        cmocka_unit_test(each_site_minute_is_marked_and_no_later_sample_is_older_than_its_mark),
        cmocka_unit_test(once_reads_every_device_once_and_needs_a_port),
        cmocka_unit_test(a_port_that_another_program_holds_is_not_shared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
