/* What a serial port is told when it is opened: that it is ours alone, and in which direction the driver is
 * to switch. */
#include "drivers/port.h"

#include "bus_rig.h"

#include <errno.h>
#include <linux/serial.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#ifdef __USE_TIME_BITS64 /* what glibc calls them where a long has 32 bits */
#define __real_ioctl __real___ioctl_time64
#define __wrap_ioctl __wrap___ioctl_time64
#define __real_fstat __real___fstat64_time64
#define __wrap_fstat __wrap___fstat64_time64
#endif

static struct rig rig;
static struct serial_rs485 told; /* the last mode that was set */
static int times_told;

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

/* A driver that can switch, which a pseudo terminal has not. */
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list ap;
    va_start(ap, request);
    void *arg = va_arg(ap, void *);
    va_end(ap);
    if (request != TIOCSRS485)
        return __real_ioctl(fd, request, arg);
    memcpy(&told, arg, sizeof told);
    times_told++;
    return 0;
}

int __real_fstat(int fd, struct stat *st);
int __wrap_fstat(int fd, struct stat *st);

/* A pseudo terminal that is taken for an adapter: others are not made exclusive, their other end is a
 * program's. */
int __wrap_fstat(int fd, struct stat *st)
{
    enum { USB_SERIAL = 188 };
    int rc = __real_fstat(fd, st);
    st->st_rdev = makedev(USB_SERIAL, 0);
    return rc;
}

static void start(bool rs485)
{
    memset(&told, 0, sizeof told);
    times_told = 0;
    rig_build(&rig, 1, 1);
    rig.config.timeout_ms = 300; /* a busy machine is no silent unit */
    rig.config.rs485 = rs485;
    rig_start(&rig, slave_good);
    rig_await(&rig, 0, WHY_NONE, 1, 5000);
}

/* -1: who runs the test does not say. */
static int exclusive(void)
{
    int is = -1;
    return ioctl(rig.slave.held, TIOCGEXCL, &is) == 0 ? is : -1;
}

static void an_open_port_is_locked_and_exclusive(void **state)
{
    (void)state;
    start(false);
    int is = exclusive(), fd = port_lock(rig.slave.path), error = errno;
    rig_stop(&rig);
    assert_true(fd < 0);
    assert_true(error == EWOULDBLOCK || error == EBUSY); /* who is not root is refused by TIOCEXCL first */
#ifndef __x86_64__ /* qemu-user, under which the others are tried, does not know the question */
    if (is < 0)
        skip();
#endif
    assert_int_equal(is, 1);
}

static void the_kernel_switches_the_direction_where_that_is_asked_for(void **state)
{
    (void)state;
    start(true);
    rig_stop(&rig);
    assert_int_equal(times_told, 1);
    assert_int_equal(told.flags, SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND);
    assert_int_equal(told.delay_rts_before_send + told.delay_rts_after_send, 0);
}

static void and_nowhere_else(void **state)
{
    (void)state;
    start(false);
    rig_stop(&rig);
    assert_int_equal(times_told, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_port_is_locked_and_exclusive),
        cmocka_unit_test(the_kernel_switches_the_direction_where_that_is_asked_for),
        cmocka_unit_test(and_nowhere_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
