/* A line on which somebody talks without end. */
#include "bus_rig.h"

#include <fcntl.h>

static struct rig rig;
static pthread_t babbler;
static atomic_bool babbling, ending;
static atomic_int obeyed;

/* Talks whenever the test wants it, whatever it is asked. */
static void *babble(void *arg)
{
    struct slave *s = arg;
    uint8_t noise[64];
    memset(noise, 0xA5, sizeof noise);
    while (!atomic_load(&ending)) {
        struct pollfd p = {.fd = s->master, .events = POLLOUT};
        if (atomic_load(&babbling) && poll(&p, 1, 0) > 0 && p.revents & POLLOUT)
            slave_write(s, noise, sizeof noise);
        slave_sleep_ms(2);
    }
    return NULL;
}

static void answer_and_note_orders(struct slave *s, const uint8_t *request, int number)
{
    if (request[1] != 5) {
        slave_good(s, request, number);
        return;
    }
    atomic_fetch_add(&obeyed, 1);
    slave_write(s, request, 8);
}

static void start(int ndevices)
{
    atomic_store(&babbling, false);
    atomic_store(&ending, false);
    rig_build(&rig, ndevices, 1);
    rig_start(&rig, answer_and_note_orders);
    assert_int_equal(pthread_create(&babbler, NULL, babble, &rig.slave), 0);
    rig_await(&rig, 0, WHY_NONE, 2, 5000);
}

static void finish(void)
{
    atomic_store(&ending, true);
    pthread_join(babbler, NULL);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
}

static int jams(void)
{
    int n = 0;
    for (int i = 0; i < rig.ngot; i++)
        n += rig.got[i].kind == BUS_LINE && rig.got[i].u.line.state == LINE_JAMMED;
    return n;
}

static void a_babbling_line_is_jammed_which_is_said_once_and_well_when_it_is_quiet(void **state)
{
    (void)state;
    start(2);
    atomic_store(&babbling, true);
    rig_await(&rig, 0, WHY_JAMMED, 12, 30000);
    uint64_t requests = bus_count(rig.bus).requests;
    rig_await(&rig, 1, WHY_JAMMED, 12, 30000);
    assert_int_equal(bus_count(rig.bus).requests, requests); /* nothing is asked in vain */
    assert_int_equal(jams(), 1);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, false), 1);
    atomic_store(&babbling, false);
    rig_await(&rig, 0, WHY_NONE, 3, 30000);
    finish();
    assert_int_equal(jams(), 1);
    assert_int_equal(rig_changes(&rig, BUS_LINE, 0, true), 2);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, true), 2);
}

/* Off is never refused: somebody may hear it. */
static void an_order_is_sent_on_a_jammed_line_all_the_same(void **state)
{
    (void)state;
    start(1);
    atomic_store(&babbling, true);
    rig_await(&rig, 0, WHY_JAMMED, 5, 30000);
    int before = atomic_load(&obeyed);
    struct bus_order off = {.id = 1, .device = 0, .order = {ORDER_COIL, 3, 1, {0}}, .read_back = false};
    assert_int_equal(bus_order(rig.bus, &off), ERR_OK);
    for (int i = 0; i < 1000 && atomic_load(&obeyed) == before; i++)
        rig_listen(&rig, 10);
    assert_int_equal(atomic_load(&obeyed), before + 1);
    atomic_store(&babbling, false);
    finish();
}

static void a_jammed_line_that_is_unplugged_is_gone_and_well_when_it_is_back(void **state)
{
    (void)state;
    start(1);
    atomic_store(&babbling, true);
    rig_await(&rig, 0, WHY_JAMMED, 5, 30000);
    atomic_store(&babbling, false);
    atomic_store(&ending, true);
    pthread_join(babbler, NULL);
    slave_unplug(&rig.slave);
    rig_await(&rig, 0, WHY_LINE, 3, 30000);
    slave_plug(&rig.slave);
    rig_await(&rig, 0, WHY_NONE, 3, 30000);
    rig_stop(&rig);
    rig_assert_no_wrong_value(&rig);
    assert_int_equal(rig_changes(&rig, BUS_LINE, 0, true), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_babbling_line_is_jammed_which_is_said_once_and_well_when_it_is_quiet),
        cmocka_unit_test(an_order_is_sent_on_a_jammed_line_all_the_same),
        cmocka_unit_test(a_jammed_line_that_is_unplugged_is_gone_and_well_when_it_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
