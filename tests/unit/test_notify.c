/* The service manager's side is a datagram socket of our own, by path and by abstract name. */
#include "daemon/base/err.h"
#include "daemon/base/notify.h"
#include "daemon/watch.h"
#include "drivers/device.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct manager {
    int fd;
    char name[100];
    char heard[512];
};

static void listen_as(struct manager *m, const char *name)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    memmove(m->name, name, strlen(name) + 1);
    memcpy(a.sun_path, name, strlen(name));
    if (name[0] == '@')
        a.sun_path[0] = '\0';
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(m->fd, (struct sockaddr *)&a, length), 0);
    setenv("NOTIFY_SOCKET", name, 1);
}

/* The next datagram, "" for none. */
static const char *hear(struct manager *m)
{
    ssize_t n = recv(m->fd, m->heard, sizeof m->heard - 1, 0);
    m->heard[n > 0 ? n : 0] = '\0';
    return m->heard;
}

static int no_manager(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
    return 0;
}

static int a_manager(void **state)
{
    static struct manager m;
    char name[64];
    snprintf(name, sizeof name, "@dustd-test-notify-%d", (int)getpid());
    no_manager(state);
    listen_as(&m, name);
    *state = &m;
    return 0;
}

static int manager_leaves(void **state)
{
    struct manager *m = *state;
    close(m->fd);
    if (m->name[0] == '/')
        unlink(m->name);
    return no_manager(state);
}

static void each_change_of_state_is_one_datagram(void **state)
{
    struct manager *m = *state;
    struct notify n;
    assert_int_equal(notify_open(&n), ERR_OK);
    notify_ready(&n);
    assert_string_equal(hear(m), "READY=1");
    notify_reloading(&n, 1234567);
    assert_string_equal(hear(m), "RELOADING=1\nMONOTONIC_USEC=1234567");
    notify_stopping(&n);
    assert_string_equal(hear(m), "STOPPING=1");
    assert_string_equal(hear(m), "");
    notify_close(&n);
}

static void a_path_is_as_good_as_an_abstract_name(void **state)
{
    struct manager m;
    struct notify n;
    char name[64];
    snprintf(name, sizeof name, "/tmp/dustd-test-notify-%d", (int)getpid());
    listen_as(&m, name);
    assert_int_equal(notify_open(&n), ERR_OK);
    notify_ready(&n);
    assert_string_equal(hear(&m), "READY=1");
    notify_close(&n);
    close(m.fd);
    unlink(name);
    (void)state;
}

static void without_a_manager_nothing_is_sent(void **state)
{
    struct notify n;
    setenv("WATCHDOG_USEC", "1000000", 1);
    assert_int_equal(notify_open(&n), ERR_OK);
    assert_int_equal(n.fd, -1);
    notify_ready(&n);
    notify_status(&n, "nobody hears this");
    assert_false(notify_feed(&n, 1));
    notify_close(&n);
    (void)state;
}

static void a_name_that_is_neither_path_nor_abstract_is_refused(void **state)
{
    struct notify n;
    char longest[200] = "/";
    memset(longest + 1, 'x', sizeof longest - 2);
    const char *const bad[] = {"vsock:2:1234", "@", "/", "relative", longest};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("NOTIFY_SOCKET", bad[i], 1);
        assert_int_equal(notify_open(&n), ERR_FORMAT);
        assert_int_equal(n.fd, -1);
    }
    (void)state;
}

static void a_manager_that_is_gone_or_reads_nothing_costs_nothing_but_the_message(void **state)
{
    struct manager *m = *state;
    struct notify n;
    assert_int_equal(notify_open(&n), ERR_OK);
    for (int i = 0; i < 2000 && !n.said_failure; i++) /* until its queue is full */
        notify_ready(&n);
    assert_true(n.said_failure);
    close(m->fd);
    notify_ready(&n);
    assert_true(n.said_failure);
    listen_as(m, m->name);
    notify_ready(&n);
    assert_false(n.said_failure);
    assert_string_equal(hear(m), "READY=1");
    notify_close(&n);
}

static void a_status_is_sent_when_it_changes_and_cut_when_it_is_long(void **state)
{
    struct manager *m = *state;
    struct notify n;
    notify_open(&n);
    notify_status(&n, "%d devices", 3);
    assert_string_equal(hear(m), "STATUS=3 devices");
    notify_status(&n, "%d devices", 3);
    assert_string_equal(hear(m), "");
    notify_status(&n, "%0300d", 7);
    assert_int_equal(strlen(hear(m)), strlen("STATUS=") + NOTIFY_STATUS_MAX - 1);
    notify_close(&n);
}

static void the_watchdog_is_fed_four_times_in_its_patience(void **state)
{
    struct manager *m = *state;
    struct notify n;
    setenv("WATCHDOG_USEC", "30000000", 1);
    notify_open(&n);
    int fed = 0;
    for (int64_t at_us = 5000000; at_us < 35000000; at_us += 100000)
        if (notify_feed(&n, at_us)) {
            assert_string_equal(hear(m), "WATCHDOG=1");
            fed++;
        }
    assert_int_equal(fed, 4);
    notify_close(&n);
}

static void a_watchdog_that_was_set_for_another_process_is_not_ours(void **state)
{
    struct notify n;
    setenv("WATCHDOG_USEC", "30000000", 1);
    setenv("WATCHDOG_PID", "1", 1);
    notify_open(&n);
    assert_false(notify_feed(&n, 1));
    notify_close(&n);
    const char *const bad[] = {"", "0", "-1", "30s"};
    unsetenv("WATCHDOG_PID");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        setenv("WATCHDOG_USEC", bad[i], 1);
        notify_open(&n);
        assert_false(notify_feed(&n, 1));
        notify_close(&n);
    }
    (void)state;
}

static void a_thread_that_does_not_move_in_its_time_stands_still(void **state)
{
    struct notify_pulse p = {0};
    assert_true(notify_moves(&p, 0, 1000, 50));    /* seen for the first time */
    assert_true(notify_moves(&p, 0, 1000, 1050));  /* just in time */
    assert_false(notify_moves(&p, 0, 1000, 1051)); /* and no more */
    assert_false(notify_moves(&p, 0, 1000, 900000));
    assert_true(notify_moves(&p, 1, 1000, 900001)); /* one step is enough */
    assert_true(notify_moves(&p, 1, 1000, 901001));
    assert_false(notify_moves(&p, 1, 1000, 901002));
    assert_true(notify_moves(&p, 0, 1000, 901003)); /* a new thread counts from nothing: it has moved */
    (void)state;
}

static void a_bus_gets_the_time_its_slowest_device_may_take(void **state)
{
    const struct profile quick = {.name = "quick"};
    const struct profile slow = {.name = "slow", .timeout_ms = 10000, .turnaround_ms = 5000};
    const struct device a = {.profile = &quick}, b = {.profile = &slow};
    const struct device *const both[] = {&a, &b};
    struct bus_config bus = {.timeout_ms = 300, .baud = 9600, .devices = both, .ndevices = 1};
    int64_t alone_us = watch_due_us(&bus);
    assert_true(alone_us >= 10600000 && alone_us < 12000000);
    bus.ndevices = 2;
    assert_int_equal(watch_due_us(&bus) - alone_us, 2 * (15000 - 300) * 1000);
    bus.ndevices = 1;
    bus.baud = 300;
    assert_true(watch_due_us(&bus) - alone_us > 10000000); /* 300 characters at 300 baud */
    bus.baud = 0;                                          /* TCP */
    assert_true(watch_due_us(&bus) < alone_us);
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_change_of_state_is_one_datagram, a_manager, manager_leaves),
        cmocka_unit_test_setup_teardown(a_path_is_as_good_as_an_abstract_name, no_manager, no_manager),
        cmocka_unit_test_setup_teardown(without_a_manager_nothing_is_sent, no_manager, no_manager),
        cmocka_unit_test_setup_teardown(a_name_that_is_neither_path_nor_abstract_is_refused, no_manager,
                                        no_manager),
        cmocka_unit_test_setup_teardown(a_manager_that_is_gone_or_reads_nothing_costs_nothing_but_the_message,
                                        a_manager, manager_leaves),
        cmocka_unit_test_setup_teardown(a_status_is_sent_when_it_changes_and_cut_when_it_is_long, a_manager,
                                        manager_leaves),
        cmocka_unit_test_setup_teardown(the_watchdog_is_fed_four_times_in_its_patience, a_manager,
                                        manager_leaves),
        cmocka_unit_test_setup_teardown(a_watchdog_that_was_set_for_another_process_is_not_ours, a_manager,
                                        manager_leaves),
        cmocka_unit_test(a_thread_that_does_not_move_in_its_time_stands_still),
        cmocka_unit_test(a_bus_gets_the_time_its_slowest_device_may_take),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
