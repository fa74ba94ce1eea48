/* The line by itself: Modbus TCP, RTU frames through a converter, and what is refused at opening. The serial
 * line's faults are in test_bus.c. */
#include "daemon/base/err.h"
#include "drivers/line.h"
#include "drivers/plan.h"
#include "tcp_slave.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 60 };

static struct tcp_slave slave;
static struct bus_config config;

static struct line *a_line(bool rtu, void (*behave)(struct tcp_slave *s, const uint8_t *request, int number))
{
    tcp_slave_start(&slave, rtu, behave);
    config = (struct bus_config){.name = "test",
                                 .transport = rtu ? TRANSPORT_RTU_OVER_TCP : TRANSPORT_TCP,
                                 .host = "127.0.0.1",
                                 .port = slave.port,
                                 .baud = 115200,
                                 .parity = 'N',
                                 .data_bits = 8,
                                 .stop_bits = 1,
                                 .timeout_ms = TIMEOUT_MS};
    struct line *l = line_create(&config, -1);
    assert_int_equal(line_open(l), ERR_OK);
    return l;
}

static void finish(struct line *l)
{
    line_destroy(l);
    tcp_slave_stop(&slave);
}

/* Asks unit 1 for two registers at `address`; opens the line first when it is closed. */
static struct line_answer ask(struct line *l, uint16_t address)
{
    struct request r = {TABLE_HOLDING, address, 2};
    struct line_question q = {.unit = 1, .request = &r, .timeout_us = TIMEOUT_MS * 1000};
    struct line_answer a;
    if (!line_is_open(l))
        assert_int_equal(line_open(l), ERR_OK);
    line_ask(l, &q, &a);
    line_settle(l, 3 * TIMEOUT_MS * 1000);
    if (a.why == WHY_NONE) {
        assert_int_equal(a.values[0], 1000 + address);
        assert_int_equal(a.values[1], 1001 + address);
    }
    return a;
}

static void a_connection_serves_many_questions(void **state)
{
    (void)state;
    struct line *l = a_line(false, tcp_slave_good);
    for (uint16_t i = 0; i < 20; i++)
        assert_int_equal(ask(l, i).why, WHY_NONE);
    assert_int_equal(slave.connections, 1);
    finish(l);
}

/* The first answer lies in one place, the rest are true. */
static void lie_once(struct tcp_slave *s, const uint8_t *request, int number, int place)
{
    uint8_t frame[260];
    int n = tcp_slave_answer(s, request, frame);
    if (number == 0)
        frame[place] ^= 1;
    tcp_slave_write(s, frame, n);
}

static void lie_about_tid(struct tcp_slave *s, const uint8_t *request, int number)
{
    lie_once(s, request, number, 1);
}

static void lie_about_protocol(struct tcp_slave *s, const uint8_t *request, int number)
{
    lie_once(s, request, number, 3);
}

static void lie_about_length(struct tcp_slave *s, const uint8_t *request, int number)
{
    lie_once(s, request, number, 5);
}

static void lie_about_unit(struct tcp_slave *s, const uint8_t *request, int number)
{
    lie_once(s, request, number, 6);
}

static void lie_about_function(struct tcp_slave *s, const uint8_t *request, int number)
{
    lie_once(s, request, number, 7);
}

static void an_answer_that_does_not_fit_closes_the_connection_and_the_next_is_right(void **state)
{
    (void)state;
    void (*lies[])(struct tcp_slave *, const uint8_t *, int) = {
        lie_about_tid, lie_about_protocol, lie_about_length, lie_about_unit, lie_about_function};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct line *l = a_line(false, lies[i]);
        assert_int_equal(ask(l, 7).why, WHY_GARBLED);
        assert_false(line_is_open(l));
        assert_int_equal(ask(l, 7).why, WHY_NONE);
        assert_int_equal(slave.connections, 2);
        finish(l);
    }
}

static void first_one_is_late(struct tcp_slave *s, const uint8_t *request, int number)
{
    if (number == 0)
        slave_sleep_ms(TIMEOUT_MS + 60);
    tcp_slave_good(s, request, number);
}

/* grid-x/modbus#78: one late answer puts transaction ids out of step for ever. */
static void a_late_answer_costs_one_reading(void **state)
{
    (void)state;
    for (int rtu = 0; rtu <= 1; rtu++) {
        struct line *l = a_line(rtu, first_one_is_late);
        assert_int_equal(ask(l, 100).why, WHY_NO_ANSWER);
        for (uint16_t i = 0; i < 5; i++)
            assert_int_equal(ask(l, i).why, WHY_NONE);
        finish(l);
    }
}

static void answer_twice(struct tcp_slave *s, const uint8_t *request, int number)
{
    tcp_slave_good(s, request, number);
    if (number == 0)
        tcp_slave_good(s, request, number);
}

static void an_answer_too_many_is_not_taken_for_the_next(void **state)
{
    (void)state;
    for (int rtu = 0; rtu <= 1; rtu++) {
        struct line *l = a_line(rtu, answer_twice);
        assert_int_equal(ask(l, 100).why, WHY_NONE);
        slave_sleep_ms(10);
        assert_int_equal(ask(l, 200).why, WHY_NONE);
        finish(l);
    }
}

static void hang_up_in_the_middle(struct tcp_slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    int n = tcp_slave_answer(s, request, frame);
    tcp_slave_write(s, frame, number ? n : n / 2);
    if (number == 0)
        shutdown(s->connection, SHUT_RDWR);
}

static void a_connection_that_breaks_in_an_answer_is_a_lost_line(void **state)
{
    (void)state;
    for (int rtu = 0; rtu <= 1; rtu++) {
        struct line *l = a_line(rtu, hang_up_in_the_middle);
        struct line_answer a = ask(l, 7);
        assert_int_equal(a.why, WHY_LINE);
        assert_int_equal(a.error, ECONNRESET);
        assert_false(line_is_open(l));
        assert_int_equal(ask(l, 7).why, WHY_NONE);
        finish(l);
    }
}

static void slowly_in_single_bytes(struct tcp_slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    int n = tcp_slave_answer(s, request, frame);
    (void)number;
    for (int i = 0; i < n; i++) {
        tcp_slave_write(s, frame + i, 1);
        slave_sleep_ms(1);
    }
}

static void an_answer_in_single_segments_is_an_answer(void **state)
{
    (void)state;
    for (int rtu = 0; rtu <= 1; rtu++) {
        struct line *l = a_line(rtu, slowly_in_single_bytes);
        assert_int_equal(ask(l, 7).why, WHY_NONE);
        assert_int_equal(ask(l, 8).why, WHY_NONE);
        finish(l);
    }
}

static void coils_are_single_bits(void **state)
{
    (void)state;
    struct line *l = a_line(false, tcp_slave_good);
    struct request r = {TABLE_COIL, 3, 19};
    struct line_question q = {.unit = 1, .request = &r, .timeout_us = TIMEOUT_MS * 1000};
    struct line_answer a;
    line_ask(l, &q, &a);
    assert_int_equal(a.why, WHY_NONE);
    for (int i = 0; i < 19; i++)
        assert_int_equal(a.values[i], (i + 3) & 1);
    finish(l);
}

static void nobody_there_and_no_number_are_told_at_opening(void **state)
{
    (void)state;
    struct line *l = a_line(false, tcp_slave_good);
    finish(l);
    l = line_create(&config, -1);
    assert_int_equal(line_open(l), ERR_IO);
    assert_int_equal(errno, ECONNREFUSED);
    config.host = "localhost"; /* a name would ask a name server, which may hang */
    assert_int_equal(line_open(l), ERR_IO);
    assert_int_equal(errno, EINVAL);
    line_destroy(l);
}

/* A listener whose queue is full lets a connection hang, as a dropped SYN does. */
struct full_listener {
    int fd, port, waiting[4];
};

static struct full_listener full_listener(void)
{
    struct full_listener f;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    f.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(f.fd, (struct sockaddr *)&at, length), 0);
    assert_int_equal(listen(f.fd, 0), 0);
    assert_int_equal(getsockname(f.fd, (struct sockaddr *)&at, &length), 0);
    f.port = ntohs(at.sin_port);
    for (int i = 0; i < 4; i++) {
        f.waiting[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        connect(f.waiting[i], (struct sockaddr *)&at, length);
    }
    return f;
}

static void full_listener_close(const struct full_listener *f)
{
    for (int i = 0; i < 4; i++)
        close(f->waiting[i]);
    close(f->fd);
}

static void an_order_to_stop_ends_a_hanging_connect(void **state)
{
    (void)state;
    struct full_listener full = full_listener();
    struct bus_config hanging = {
        .name = "test", .transport = TRANSPORT_TCP, .host = "127.0.0.1", .port = full.port};
    struct line *l = line_create(&hanging, eventfd(1, 0));
    int64_t start = clock_wire_us();
    assert_int_equal(line_open(l), ERR_IO);
    assert_int_equal(errno, ECANCELED);
    assert_in_range(clock_wire_us() - start, 0, 500000);
    line_destroy(l);
    full_listener_close(&full);
}

static int option(const struct line *l, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof value;
    assert_int_equal(getsockopt(line_fd(l), level, name, &value, &length), 0);
    return value;
}

static void the_limits_of_a_connection_are_the_configured_ones(void **state)
{
    (void)state;
    tcp_slave_start(&slave, false, tcp_slave_good);
    struct bus_config limited = {.name = "test",
                                 .transport = TRANSPORT_TCP,
                                 .host = "127.0.0.1",
                                 .port = slave.port,
                                 .connect_ms = 500,
                                 .half_open_ms = 7000,
                                 .keepalive_s = 4};
    struct line *l = line_create(&limited, -1);
    assert_int_equal(line_open(l), ERR_OK);
    assert_int_equal(option(l, IPPROTO_TCP, TCP_USER_TIMEOUT), 7000);
    assert_int_equal(option(l, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(l, IPPROTO_TCP, TCP_KEEPIDLE), 4);
    assert_int_equal(option(l, IPPROTO_TCP, TCP_KEEPINTVL), 2);
    assert_int_equal(option(l, IPPROTO_TCP, TCP_KEEPCNT), 3);
    assert_int_equal(option(l, IPPROTO_TCP, TCP_NODELAY), 1);
    finish(l);
}

static void a_hanging_connect_ends_at_its_limit(void **state)
{
    (void)state;
    struct full_listener full = full_listener();
    struct bus_config hanging = {.name = "test",
                                 .transport = TRANSPORT_TCP,
                                 .host = "127.0.0.1",
                                 .port = full.port,
                                 .connect_ms = 150};
    struct line *l = line_create(&hanging, -1);
    int64_t start = clock_wire_us();
    assert_int_equal(line_open(l), ERR_IO);
    assert_int_equal(errno, ETIMEDOUT);
    assert_true(clock_wire_us() - start >= 150000);
    line_destroy(l);
    full_listener_close(&full);
}

static void a_speed_the_library_does_not_know_is_refused(void **state)
{
    (void)state;
    struct slave s;
    slave_start(&s, slave_good);
    struct bus_config odd = {.name = "test",
                             .transport = TRANSPORT_RTU,
                             .path = s.path,
                             .baud = 9601,
                             .parity = 'N',
                             .data_bits = 8,
                             .stop_bits = 1,
                             .timeout_ms = 1};
    struct line *l = line_create(&odd, -1);
    assert_int_equal(line_open(l), ERR_IO);
    assert_int_equal(errno, EINVAL);
    odd.baud = 9600;
    assert_int_equal(line_open(l), ERR_OK);
    line_destroy(l);
    slave_stop(&s);
}

/* networkupstools/nut#2609: a descriptor of 1024 and more makes the library abort the process. */
static void a_descriptor_too_high_for_the_library_is_refused(void **state)
{
    (void)state;
    struct rlimit before, wide;
    getrlimit(RLIMIT_NOFILE, &before);
    wide = before;
    wide.rlim_cur = wide.rlim_max < 2000 ? wide.rlim_max : 2000;
    setrlimit(RLIMIT_NOFILE, &wide);
    struct slave s;
    slave_start(&s, slave_good);
    tcp_slave_start(&slave, false, tcp_slave_good);
    static int held[2000];
    int n = 0;
    while (n < 1100 && (held[n] = open("/dev/null", O_RDONLY)) >= 0)
        n++;
    struct bus_config high = {.name = "test",
                              .transport = TRANSPORT_RTU,
                              .path = s.path,
                              .host = "127.0.0.1",
                              .port = slave.port,
                              .baud = 9600,
                              .parity = 'N',
                              .data_bits = 8,
                              .stop_bits = 1};
    for (int i = 0; i < 2; i++) {
        high.transport = i ? TRANSPORT_TCP : TRANSPORT_RTU;
        struct line *l = line_create(&high, -1);
        assert_int_equal(line_open(l), ERR_IO);
        assert_int_equal(errno, EMFILE);
        line_destroy(l);
    }
    while (n > 0)
        close(held[--n]);
    setrlimit(RLIMIT_NOFILE, &before);
    tcp_slave_stop(&slave);
    slave_stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_serves_many_questions),
        cmocka_unit_test(an_answer_that_does_not_fit_closes_the_connection_and_the_next_is_right),
        cmocka_unit_test(a_late_answer_costs_one_reading),
        cmocka_unit_test(an_answer_too_many_is_not_taken_for_the_next),
        cmocka_unit_test(a_connection_that_breaks_in_an_answer_is_a_lost_line),
        cmocka_unit_test(an_answer_in_single_segments_is_an_answer),
        cmocka_unit_test(coils_are_single_bits),
        cmocka_unit_test(nobody_there_and_no_number_are_told_at_opening),
        cmocka_unit_test(an_order_to_stop_ends_a_hanging_connect),
        cmocka_unit_test(the_limits_of_a_connection_are_the_configured_ones),
        cmocka_unit_test(a_hanging_connect_ends_at_its_limit),
        cmocka_unit_test(a_speed_the_library_does_not_know_is_refused),
        cmocka_unit_test(a_descriptor_too_high_for_the_library_is_refused),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
