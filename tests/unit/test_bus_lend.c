/* A bus that is lent to another program, and taken back. */
#include "bus_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

static struct rig rig;

static void start(void)
{
    rig_build(&rig, 2, 2);
    rig.config.timeout_ms = 300; /* a busy machine is no silent unit */
    rig_start(&rig, slave_good);
    rig_await(&rig, 0, WHY_NONE, 2, 5000);
}

static int heard_lent(bool lent)
{
    int n = 0;
    for (int i = 0; i < rig.ngot; i++)
        n += rig.got[i].kind == BUS_LENT && rig.got[i].u.lent == lent;
    return n;
}

static void lend(bool lent)
{
    int before = heard_lent(lent);
    struct bus_order o = {.kind = lent ? BUS_LEND : BUS_TAKE_BACK};
    assert_int_equal(bus_order(rig.bus, &o), ERR_OK);
    for (int64_t end = clock_wire_us() + 5000000; heard_lent(lent) == before;) {
        rig_listen(&rig, 10);
        assert_true(clock_wire_us() < end);
    }
}

static void a_lent_line_is_closed_and_unlocked(void **state)
{
    (void)state;
    start();
    int fd = open(rig.slave.path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    lend(true);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    int asked = atomic_load(&rig.slave.requests);
    rig_await(&rig, 1, WHY_LENT, 4, 5000);
    assert_int_equal(atomic_load(&rig.slave.requests), asked);
    close(fd);
    rig_stop(&rig);
}

static void its_points_are_under_maintenance_and_its_units_are_not_down(void **state)
{
    (void)state;
    start();
    lend(true);
    int first = rig.ngot;
    rig_await(&rig, 0, WHY_LENT, 4, 5000);
    for (int i = first; i < rig.ngot; i++) {
        if (rig.got[i].kind != BUS_SAMPLE)
            continue;
        assert_int_equal(rig.got[i].u.sample.quality, QUALITY_MAINTENANCE);
        assert_true(isnan(rig.got[i].u.sample.value));
        assert_int_equal(rig.got[i].u.sample.nreg, 0);
    }
    rig_stop(&rig);
    assert_int_equal(rig_changes(&rig, BUS_DEVICE, 0, false), 0);
    assert_int_equal(rig_changes(&rig, BUS_LINE, 0, false), 0);
}

static void an_order_to_it_is_refused_with_the_reason(void **state)
{
    (void)state;
    start();
    lend(true);
    struct bus_order o = {.id = 7, .order = {ORDER_COIL, 1, 1, {0xFF00}}};
    assert_int_equal(bus_order(rig.bus, &o), ERR_OK);
    const struct bus_obeyed *outcome = NULL;
    for (int64_t end = clock_wire_us() + 5000000; !outcome && clock_wire_us() < end;) {
        rig_listen(&rig, 10);
        for (int i = 0; i < rig.ngot; i++)
            if (rig.got[i].kind == BUS_OBEYED)
                outcome = &rig.got[i].u.obeyed;
    }
    assert_non_null(outcome);
    assert_int_equal(outcome->id, 7);
    assert_int_equal(outcome->why, WHY_LENT);
    assert_false(outcome->read_back);
    rig_stop(&rig);
}

static void what_was_ordered_before_is_obeyed_before_it_is_lent(void **state)
{
    (void)state;
    start();
    assert_int_equal(bus_order(rig.bus, &(struct bus_order){.order = {ORDER_COIL, 1, 1, {0}}}), ERR_OK);
    lend(true);
    int obeyed = -1, lent = -1;
    for (int i = 0; i < rig.ngot; i++) {
        if (rig.got[i].kind == BUS_OBEYED)
            obeyed = i;
        if (rig.got[i].kind == BUS_LENT)
            lent = i;
    }
    rig_stop(&rig);
    assert_in_range(obeyed, 0, lent);
}

static void taken_back_it_is_read_again_with_true_values(void **state)
{
    (void)state;
    start();
    lend(true);
    lend(false);
    rig_await(&rig, 0, WHY_NONE, 4, 5000);
    rig_await(&rig, 1, WHY_NONE, 4, 5000);
    rig_stop(&rig);
    assert_int_equal(rig_changes(&rig, BUS_LINE, 0, false), 0);
}

struct late {
    int fd;
    pthread_t thread;
};

static void *leave_late(void *arg)
{
    struct late *l = arg;
    slave_sleep_ms(40);
    close(l->fd);
    return NULL;
}

/* The system closes a killed borrower's connection before its port. */
static void a_lock_that_is_gone_in_a_moment_is_no_trouble_of_the_line(void **state)
{
    (void)state;
    struct late late;
    start();
    lend(true);
    late.fd = open(rig.slave.path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_int_equal(flock(late.fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(pthread_create(&late.thread, NULL, leave_late, &late), 0);
    lend(false);
    rig_await(&rig, 0, WHY_NONE, 2, 10000);
    pthread_join(late.thread, NULL);
    rig_stop(&rig);
    assert_int_equal(rig_changes(&rig, BUS_LINE, 0, false), 0);
}

/* The borrower may be late in leaving. */
static void a_port_that_is_still_taken_is_opened_as_soon_as_it_is_free(void **state)
{
    (void)state;
    start();
    lend(true);
    int fd = open(rig.slave.path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    lend(false);
    rig_await(&rig, 0, WHY_LINE, 2, 5000);
    close(fd);
    rig_await(&rig, 0, WHY_NONE, 2, 10000);
    rig_stop(&rig);
}

static void it_stops_while_it_is_lent(void **state)
{
    (void)state;
    start();
    lend(true);
    rig_stop(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lent_line_is_closed_and_unlocked),
        cmocka_unit_test(its_points_are_under_maintenance_and_its_units_are_not_down),
        cmocka_unit_test(an_order_to_it_is_refused_with_the_reason),
        cmocka_unit_test(what_was_ordered_before_is_obeyed_before_it_is_lent),
        cmocka_unit_test(taken_back_it_is_read_again_with_true_values),
        cmocka_unit_test(a_lock_that_is_gone_in_a_moment_is_no_trouble_of_the_line),
        cmocka_unit_test(a_port_that_is_still_taken_is_opened_as_soon_as_it_is_free),
        cmocka_unit_test(it_stops_while_it_is_lent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
