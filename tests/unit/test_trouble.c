/* Ports that cannot be had: one clear line each, and tried again until it works. */
#include "bus_rig.h"
#include "drivers/line.h"
#include "drivers/trouble.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

static struct rig rig;

/* What opening says; the line must not open. */
static const char *trouble_at(const char *path)
{
    rig.config.path = path;
    struct line *l = line_create(&rig.config, -1);
    int rc = line_open(l), error = errno;
    line_destroy(l);
    assert_int_equal(rc, ERR_IO);
    return trouble_of(TRANSPORT_RTU, error).text;
}

static void a_port_that_is_missing_or_no_serial_port_is_called_so(void **state)
{
    (void)state;
    char file[] = "/tmp/dust-no-port-XXXXXX";
    int fd = mkstemp(file);
    rig_build(&rig, 1, 1);
    assert_string_equal(trouble_at("/dev/serial/by-id/usb-nobody-made-this"), "no such port");
    assert_string_equal(trouble_at(file), "not a serial port");
    assert_string_equal(trouble_at("/dev/null"), "not a serial port");
    assert_string_equal(trouble_at("/tmp"), "not a serial port");
    close(fd);
    unlink(file);
}

static void a_driver_that_cannot_switch_the_direction_is_called_so(void **state)
{
    (void)state;
    rig_build(&rig, 1, 1);
    slave_start(&rig.slave, slave_good);
    rig.config.rs485 = true;
    assert_string_equal(trouble_at(rig.slave.path), "its driver cannot switch the direction");
    slave_stop(&rig.slave);
}

/* As somebody who is not in dialout. */
static void a_port_without_permission_is_called_so(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: only root can become somebody without permission\n");
        return;
    }
    rig_build(&rig, 1, 1);
    slave_start(&rig.slave, slave_good);
    assert_int_equal(chmod(rig.slave.dir, 0755), 0);
    assert_int_equal(chmod(rig.slave.path, 0600), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(setuid(NOBODY) == 0 && strcmp(trouble_at(rig.slave.path), "no permission") == 0 ? 0 : 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    slave_stop(&rig.slave);
}

/* TIOCEXCL, as another master has set it: only who is not root is kept out. */
static void a_port_that_another_program_has_for_itself_is_called_taken(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("skipped: needs a second user, so root\n");
        return;
    }
    rig_build(&rig, 1, 1);
    slave_start(&rig.slave, slave_good);
    assert_int_equal(chmod(rig.slave.dir, 0755), 0);
    assert_int_equal(chmod(rig.slave.path, 0666), 0);
    assert_int_equal(ioctl(rig.slave.held, TIOCEXCL), 0);
    pid_t child = fork();
    if (child == 0)
        _exit(setuid(NOBODY) == 0 && strcmp(trouble_at(rig.slave.path), "taken by another program") == 0 ? 0
                                                                                                         : 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    slave_stop(&rig.slave);
}

/* Downs of the line that name this trouble. */
static int said(const char *text)
{
    int n = 0;
    for (int i = 0; i < rig.ngot; i++)
        n += rig.got[i].kind == BUS_LINE && rig.got[i].u.line.state == LINE_DOWN &&
             strcmp(trouble_of(rig.config.transport, rig.got[i].u.line.error).text, text) == 0;
    return n;
}

static void await_up(int64_t ms)
{
    for (int64_t end = clock_wire_us() + ms * 1000; clock_wire_us() < end;) {
        rig_listen(&rig, 10);
        if (rig_changes(&rig, BUS_LINE, 0, true))
            return;
    }
    fail_msg("the line has not come up within %lld ms", (long long)ms);
}

static void start_bus(void)
{
    rig.ring = ring_create(1024, sizeof(struct bus_message));
    rig.bus = bus_start(&rig.config, rig.ring);
}

static void a_taken_port_is_said_once_and_had_when_it_is_free(void **state)
{
    (void)state;
    rig_build(&rig, 1, 1);
    slave_start(&rig.slave, slave_good);
    int holder = open(rig.slave.path, O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_int_equal(flock(holder, LOCK_EX | LOCK_NB), 0);
    start_bus();
    rig_await(&rig, 0, WHY_LINE, 5, 5000); /* it has been tried more than once */
    assert_int_equal(said("taken by another program"), 1);
    assert_true(bus_count(rig.bus).line_errors > 1);
    close(holder);
    await_up(15000);
    rig_stop(&rig);
    assert_int_equal(said("taken by another program"), 1);
}

/* Plugged in at last, but held by a program that was quicker: that is another trouble. */
static void a_missing_port_is_said_once_and_why_it_is_not_had_later_too(void **state)
{
    (void)state;
    rig_build(&rig, 1, 1);
    slave_start(&rig.slave, slave_good);
    char away[80];
    snprintf(away, sizeof away, "%s.away", rig.slave.path);
    assert_int_equal(rename(rig.slave.path, away), 0);
    start_bus();
    rig_await(&rig, 0, WHY_LINE, 5, 5000);
    assert_int_equal(said("no such port"), 1);
    int holder = open(away, O_RDWR | O_NOCTTY | O_NONBLOCK);
    assert_int_equal(flock(holder, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(rename(away, rig.slave.path), 0);
    for (int i = 0; i < 1500 && !said("taken by another program"); i++)
        rig_listen(&rig, 10);
    close(holder);
    await_up(15000);
    rig_stop(&rig);
    assert_int_equal(said("no such port"), 1);
    assert_int_equal(said("taken by another program"), 1);
}

static void a_host_where_nobody_listens_is_called_so(void **state)
{
    (void)state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int held = socket(AF_INET, SOCK_STREAM, 0); /* bound, so that nobody else gets it, but not listening */
    assert_int_equal(bind(held, (struct sockaddr *)&at, length), 0);
    assert_int_equal(getsockname(held, (struct sockaddr *)&at, &length), 0);
    rig_build(&rig, 1, 1);
    rig.config.transport = TRANSPORT_TCP;
    rig.config.host = "127.0.0.1";
    rig.config.port = ntohs(at.sin_port);
    struct line *l = line_create(&rig.config, -1);
    assert_int_equal(line_open(l), ERR_IO);
    assert_string_equal(trouble_of(TRANSPORT_TCP, errno).text, "connection refused");
    line_destroy(l);
    close(held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_port_that_is_missing_or_no_serial_port_is_called_so),
        cmocka_unit_test(a_driver_that_cannot_switch_the_direction_is_called_so),
        cmocka_unit_test(a_port_without_permission_is_called_so),
        cmocka_unit_test(a_port_that_another_program_has_for_itself_is_called_taken),
        cmocka_unit_test(a_taken_port_is_said_once_and_had_when_it_is_free),
        cmocka_unit_test(a_missing_port_is_said_once_and_why_it_is_not_had_later_too),
        cmocka_unit_test(a_host_where_nobody_listens_is_called_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
