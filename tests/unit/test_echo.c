/* Adapters that hear what they send themselves: found out at the first answer, or said in the configuration.
 * Setting a wrong one costs readings, never gives a wrong value. */
#include "bus_rig.h"
#include "drivers/line.h"
#include "drivers/plan.h"

static struct rig rig;
static struct line *line;

enum { ECHOES = 1, LIVES = 2, PIECEMEAL = 4 };

/* How long is waited for an answer: one that comes may come late on a busy machine, one that does not is
 * waited for in vain. */
enum { LIVING_US = 1000000, SILENT_US = 100000 };

static void send_bytes(struct slave *s, const uint8_t *bytes, int n)
{
    for (int i = 0; i < n && atomic_load(&s->arg) & PIECEMEAL; i++) {
        slave_write(s, bytes + i, 1);
        slave_sleep_ms(1);
    }
    if (!(atomic_load(&s->arg) & PIECEMEAL))
        slave_write(s, bytes, n);
}

/* A unit and its adapter, as the test's knob says. */
static void adapter(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    int n = 8;
    (void)number;
    if (atomic_load(&s->arg) & ECHOES)
        send_bytes(s, request, (int)slave_request_bytes(request, 8));
    if (!(atomic_load(&s->arg) & LIVES))
        return;
    if (request[1] <= 4) {
        n = slave_answer(request, frame);
    } else {
        memcpy(frame, request, 6);
        slave_seal(frame, 6);
    }
    send_bytes(s, frame, n);
}

static void open_line(int is, enum echo setting)
{
    rig_build(&rig, 1, 1);
    slave_start(&rig.slave, adapter);
    rig.config.echo = setting;
    atomic_store(&rig.slave.arg, is);
    line = line_create(&rig.config, -1);
    assert_int_equal(line_open(line), ERR_OK);
}

static void close_line(void)
{
    line_destroy(line);
    slave_stop(&rig.slave);
}

static struct line_answer ask(const struct request *r, const struct frame_order *o)
{
    bool lives = atomic_load(&rig.slave.arg) & LIVES;
    struct line_question q = {
        .unit = 1, .request = r, .order = o, .timeout_us = lives ? LIVING_US : SILENT_US};
    struct line_answer a;
    line_ask(line, &q, &a);
    line_settle(line, SILENT_US);
    return a;
}

static struct line_answer read_registers(void)
{
    static const struct request r = {TABLE_HOLDING, 7, 3};
    struct line_answer a = ask(&r, NULL);
    for (int i = 0; a.why == WHY_NONE && i < 3; i++)
        assert_int_equal(a.values[i], 1007 + i);
    return a;
}

static struct line_answer switch_coil(void)
{
    static const struct frame_order o = {ORDER_COIL, 3, 1, {0xFF00}};
    return ask(NULL, &o);
}

static struct line_answer write_registers(void)
{
    static const struct frame_order o = {ORDER_REGISTERS, 3, 2, {1, 2}};
    return ask(NULL, &o);
}

static void an_echo_is_found_with_the_first_answer(void **state)
{
    (void)state;
    for (int pieces = 0; pieces <= PIECEMEAL; pieces += PIECEMEAL) {
        open_line(ECHOES | LIVES | pieces, ECHO_AUTO);
        assert_false(line_echoes(line));
        assert_int_equal(read_registers().why, WHY_NONE);
        assert_true(line_echoes(line));
        assert_int_equal(switch_coil().why, WHY_NONE);
        assert_int_equal(write_registers().why, WHY_NONE);
        assert_int_equal(read_registers().why, WHY_NONE);
        close_line();
    }
}

static void several_registers_written_first_find_it_too(void **state)
{
    (void)state;
    for (int pieces = 0; pieces <= PIECEMEAL; pieces += PIECEMEAL) {
        open_line(ECHOES | LIVES | pieces, ECHO_AUTO);
        assert_int_equal(write_registers().why, WHY_NONE);
        assert_true(line_echoes(line));
        close_line();
    }
}

/* An answer to a coil's order is a copy of it, and so is its echo. */
static void a_coil_switched_first_is_answered_by_the_second_copy(void **state)
{
    (void)state;
    open_line(ECHOES | LIVES, ECHO_AUTO);
    struct line_answer a = switch_coil();
    assert_int_equal(a.why, WHY_NONE);
    assert_false(a.perhaps_echo);
    assert_true(line_echoes(line));
    close_line();
}

static void one_copy_alone_may_be_the_echo_until_a_read_was_answered(void **state)
{
    (void)state;
    open_line(LIVES, ECHO_AUTO);
    struct line_answer a = switch_coil();
    assert_int_equal(a.why, WHY_NONE);
    assert_true(a.perhaps_echo);
    assert_int_equal(read_registers().why, WHY_NONE);
    a = switch_coil();
    assert_int_equal(a.why, WHY_NONE);
    assert_false(a.perhaps_echo);
    close_line();
}

static void a_silent_unit_behind_an_echo_has_not_answered(void **state)
{
    (void)state;
    for (int setting = ECHO_AUTO; setting <= ECHO_YES; setting++) {
        open_line(ECHOES, (enum echo)setting);
        assert_int_equal(read_registers().why, WHY_NO_ANSWER);
        assert_true(line_echoes(line));
        assert_int_equal(switch_coil().why, WHY_NO_ANSWER);
        assert_int_equal(write_registers().why, WHY_NO_ANSWER);
        close_line();
    }
}

/* `dustd --all-off` after a crash: an order is the first thing that goes out, and nobody obeys it. */
static void an_order_that_only_its_echo_answers_is_not_obeyed(void **state)
{
    (void)state;
    for (int read_back = 0; read_back < 2; read_back++) {
        rig_build(&rig, 1, 1);
        rig.devices[0].period_ms = 60000;
        slave_start(&rig.slave, adapter);
        atomic_store(&rig.slave.arg, ECHOES);
        rig.ring = ring_create(1024, sizeof(struct bus_message));
        rig.bus = bus_prepare(&rig.config, rig.ring);
        struct bus_order off = {.id = 1, .order = {ORDER_COIL, 3, 1, {0}}, .read_back = read_back};
        assert_int_equal(bus_order(rig.bus, &off), ERR_OK);
        bus_go(rig.bus);
        const struct bus_message *m = NULL;
        for (int wait = 0; !m && wait < 1000; wait++) {
            rig_listen(&rig, 10);
            for (int i = 0; i < rig.ngot; i++)
                m = rig.got[i].kind == BUS_OBEYED ? &rig.got[i] : m;
        }
        assert_non_null(m);
        assert_int_equal(m->u.obeyed.why, WHY_NO_ANSWER);
        assert_false(m->u.obeyed.read_back);
        assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, true), 0);
        rig_stop(&rig);
    }
}

static void echo_no_takes_a_copy_for_an_answer(void **state)
{
    (void)state;
    open_line(LIVES, ECHO_NO);
    struct line_answer a = switch_coil();
    assert_int_equal(a.why, WHY_NONE);
    assert_false(a.perhaps_echo);
    close_line();
    open_line(ECHOES | LIVES, ECHO_NO);
    assert_int_equal(read_registers().why, WHY_GARBLED);
    close_line();
}

static void echo_yes_takes_nothing_without_an_echo(void **state)
{
    (void)state;
    open_line(LIVES, ECHO_YES);
    assert_int_equal(read_registers().why, WHY_GARBLED);
    assert_int_equal(switch_coil().why, WHY_NO_ANSWER); /* taken for the echo */
    close_line();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_is_found_with_the_first_answer),
        cmocka_unit_test(several_registers_written_first_find_it_too),
        cmocka_unit_test(a_coil_switched_first_is_answered_by_the_second_copy),
        cmocka_unit_test(one_copy_alone_may_be_the_echo_until_a_read_was_answered),
        cmocka_unit_test(a_silent_unit_behind_an_echo_has_not_answered),
        cmocka_unit_test(an_order_that_only_its_echo_answers_is_not_obeyed),
        cmocka_unit_test(echo_no_takes_a_copy_for_an_answer),
        cmocka_unit_test(echo_yes_takes_nothing_without_an_echo),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
