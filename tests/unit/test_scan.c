/* Scanning a line whose units, noise and echoes are scripted. A pseudo terminal is heard at every speed. */
#include "drivers/scan.h"

#include "daemon/base/err.h"
#include "drivers/line.h"
#include "drivers/reader.h"
#include "pty_slave.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 150 }; /* a busy machine is no silent unit */

static struct slave slave;
static struct scan_plan plan;
static struct scan_result result;
static struct bus_config port;
static atomic_uint functions; /* a bit for each function that was asked for */
static int questions_left, told;

static bool go_on(void *arg)
{
    (void)arg;
    return questions_left < 0 || questions_left-- > 0;
}

static void on_progress(const struct scan_progress *p, void *arg)
{
    (void)arg;
    assert_true(p->left_us >= 0 && p->done_us >= 0);
    told++;
}

static void on_found(const struct scan_unit *u, void *arg)
{
    (void)u, (void)arg;
}

static void note(const uint8_t *request)
{
    atomic_fetch_or(&functions, request[1] < 32 ? 1U << request[1] : 1U << 31);
}

/* 9600 8N1, units 1 to 4. */
static void start(void (*behave)(struct slave *s, const uint8_t *request, int number))
{
    struct scan_wish wish = {.bauds = {9600, 4800},
                             .nbauds = 1,
                             .formats = {{0, 'N', 1}},
                             .nformats = 1,
                             .limited = true,
                             .timeout_ms = TIMEOUT_MS};
    for (int unit = 1; unit <= 4; unit++)
        wish.only[unit] = true;
    scan_plan(&wish, NULL, 0, &plan);
    atomic_store(&functions, 0);
    questions_left = -1;
    told = 0;
    slave_start(&slave, behave);
    port = (struct bus_config){.name = "test", .transport = TRANSPORT_RTU, .path = slave.path};
}

static int scan(void)
{
    const struct scan_watch watch = {go_on, on_progress, on_found, NULL};
    int rc = scan_run(&plan, &port, -1, &watch, &result);
    slave_stop(&slave);
    return rc;
}

static void answer_as_2(struct slave *s, const uint8_t *request, int number)
{
    note(request);
    if (request[0] == 2)
        slave_good(s, request, number);
}

static void a_unit_is_found_once_and_only_reads_were_asked(void **state)
{
    (void)state;
    start(answer_as_2);
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 1);
    assert_int_equal(result.units[0].unit_id, 2);
    assert_int_equal(result.units[0].setting.baud, 9600);
    assert_true(result.whole);
    assert_true(told > 0);
    assert_int_equal(atomic_load(&functions) & ~0x1EU, 0);
}

static void refuse_as_3(struct slave *s, const uint8_t *request, int number)
{
    (void)number;
    if (request[0] == 3)
        slave_exception(s, request, 2);
}

static void one_that_refuses_everything_is_there_too(void **state)
{
    (void)state;
    start(refuse_as_3);
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 1);
    assert_int_equal(result.units[0].unit_id, 3);
}

static void answer_once(struct slave *s, const uint8_t *request, int number)
{
    if (number == 0)
        slave_good(s, request, number);
}

/* At a wrong speed noise has a right CRC now and then: one answer is none. */
static void a_single_good_answer_is_no_unit(void **state)
{
    (void)state;
    start(answer_once);
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 0);
    assert_int_equal(result.heard[0].unsure, 1);
}

/* Something that repeats the same frame whatever it is asked: a stuck converter, or a recording. */
static void repeat_frame(struct slave *s, const uint8_t *request, int number)
{
    static const uint8_t first[6] = {1, 3, 0, 0, 0, 1};
    uint8_t frame[260];
    (void)request, (void)number;
    slave_write(s, frame, slave_answer(first, frame));
}

static void the_same_frame_again_and_again_is_no_unit(void **state)
{
    (void)state;
    start(repeat_frame);
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 0);
}

static void repeat_exception(struct slave *s, const uint8_t *request, int number)
{
    static const uint8_t first[6] = {1, 3, 0, 0, 0, 1};
    (void)request, (void)number;
    slave_exception(s, first, 2);
}

static void the_same_exception_again_and_again_is_no_unit(void **state)
{
    (void)state;
    start(repeat_exception);
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 0);
    assert_int_equal(result.heard[0].unsure, 1);
}

/* Deaf for 480 ms after each of its answers. */
static void answer_rested(struct slave *s, const uint8_t *request, int number)
{
    if (request[0] == 2 && (!s->answered_us || clock_wire_us() - s->answered_us > 480000))
        slave_good(s, request, number);
}

/* stephane/libmodbus#83, #382, #556: installations that need 250 to 500 ms between requests. */
static void a_unit_that_needs_a_rest_is_found(void **state)
{
    (void)state;
    start(answer_rested);
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 1);
    assert_int_equal(result.units[0].unit_id, 2);
}

static void echo(struct slave *s, const uint8_t *request, int number)
{
    (void)number;
    slave_write(s, request, 8);
}

static void an_adapter_that_hears_itself_is_no_unit_and_no_noise(void **state)
{
    (void)state;
    start(echo);
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 0);
    assert_true(result.heard[0].echoes);
    assert_int_equal(result.heard[0].garbled, 0);
    assert_false(result.heard[0].abandoned);
}

static void level(struct slave *s, const uint8_t *request, int number)
{
    static const uint8_t bytes[40] = {0, 0, 0, 0xFF, 0, 0xFE};
    (void)request, (void)number;
    slave_write(s, bytes, sizeof bytes);
}

/* A line that gives nothing but levels costs seconds, not the hour. */
static void a_line_that_is_never_quiet_is_given_up(void **state)
{
    (void)state;
    start(level);
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 0);
    assert_true(result.heard[0].abandoned);
    assert_true(result.heard[0].asked <= 9);
    assert_true(result.heard[0].levels * 2 > result.heard[0].bytes);
}

static void answer_late(struct slave *s, const uint8_t *request, int number)
{
    if (request[0] != 2)
        return;
    slave_sleep_ms(TIMEOUT_MS + 100);
    slave_good(s, request, number);
}

/* Its answer comes while the next one is asked. */
static void a_slow_unit_is_found_by_its_own_number_only(void **state)
{
    (void)state;
    start(answer_late);
    assert_int_equal(scan(), ERR_OK);
    for (int i = 0; i < result.nunits; i++)
        assert_int_equal(result.units[i].unit_id, 2);
    assert_int_equal(result.nunits, 1);
}

static void collide(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    int n = slave_answer(request, frame);
    (void)number;
    frame[3] ^= 0x55;
    if (request[0] == 1)
        slave_write(s, frame, n);
    else if (request[0] == 4)
        slave_good(s, request, number);
}

static void two_units_of_one_number_show_as_a_collision(void **state)
{
    (void)state;
    start(collide);
    plan.knocks[plan.nknocks++] = (struct scan_knock){{TABLE_HOLDING, 16, 2}, 0, 0};
    assert_int_equal(scan(), ERR_OK);
    assert_int_equal(result.nunits, 1);
    assert_int_equal(result.units[0].unit_id, 4);
    assert_int_equal(result.heard[0].collides, 1);
}

static void it_stops_when_told_to_and_says_that_it_is_not_whole(void **state)
{
    (void)state;
    start(answer_as_2);
    questions_left = 3;
    assert_int_equal(scan(), ERR_OK);
    assert_false(result.whole);
    assert_true(result.nheard >= 1 && result.heard[0].asked <= 4);
}

static void a_port_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    start(answer_as_2);
    port.path = "/nowhere";
    assert_int_equal(scan(), ERR_IO);
    assert_false(result.whole);
}

/* ---- reading by profiles ---- */

static struct point four[] = {
    {.name = "a", .role = "", .table = TABLE_HOLDING, .address = 10, .type = TYPE_U16, .bit = -1, .scale = 1},
    {.name = "b", .role = "", .table = TABLE_HOLDING, .address = 12, .type = TYPE_U16, .bit = -1, .scale = 1},
    {.name = "c",
     .role = "",
     .table = TABLE_HOLDING,
     .address = 900,
     .type = TYPE_U16,
     .bit = -1,
     .scale = 1},
};

static void refuse_gaps(struct slave *s, const uint8_t *request, int number)
{
    int address = request[2] << 8 | request[3], count = request[4] << 8 | request[5];
    note(request);
    if (address == 900 || count > 1)
        slave_exception(s, request, 2);
    else
        slave_good(s, request, number);
}

static void a_unit_is_read_by_a_profile_and_asked_nothing_twice(void **state)
{
    (void)state;
    struct profile profile = {.name = "p", .points = four, .npoints = 3, .max_registers = 125};
    struct sample samples[3];
    for (int i = 0; i < 3; i++)
        four[i].low = four[i].high = NAN;
    start(refuse_gaps);
    struct bus_config config = scan_line(&port, &(struct scan_setting){9600, 'N', 1}, TIMEOUT_MS);
    struct line *line = line_create(&config, -1);
    assert_int_equal(line_open(line), ERR_OK);
    static struct reader reader;
    reader = (struct reader){.line = line, .config = &config, .unit_id = 1, .timeout_ms = TIMEOUT_MS};
    assert_int_equal(reader_read(&reader, &profile, samples), ERR_OK);
    assert_true(samples[0].value == 1010 && samples[1].value == 1012);
    assert_int_equal(samples[2].why, WHY_EXCEPTION);
    assert_true(isnan(samples[2].value));
    int asked = atomic_load(&slave.requests);
    assert_int_equal(reader_read(&reader, &profile, samples), ERR_OK);
    assert_int_equal(atomic_load(&slave.requests), asked);
    assert_int_equal(atomic_load(&functions), 1U << TABLE_HOLDING);
    reader_finish(&reader);
    line_destroy(line);
    slave_stop(&slave);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_is_found_once_and_only_reads_were_asked),
        cmocka_unit_test(one_that_refuses_everything_is_there_too),
        cmocka_unit_test(a_single_good_answer_is_no_unit),
        cmocka_unit_test(the_same_frame_again_and_again_is_no_unit),
        cmocka_unit_test(the_same_exception_again_and_again_is_no_unit),
        cmocka_unit_test(a_unit_that_needs_a_rest_is_found),
        cmocka_unit_test(an_adapter_that_hears_itself_is_no_unit_and_no_noise),
        cmocka_unit_test(a_line_that_is_never_quiet_is_given_up),
        cmocka_unit_test(a_slow_unit_is_found_by_its_own_number_only),
        cmocka_unit_test(two_units_of_one_number_show_as_a_collision),
        cmocka_unit_test(it_stops_when_told_to_and_says_that_it_is_not_whole),
        cmocka_unit_test(a_port_that_is_not_there_is_an_error),
        cmocka_unit_test(a_unit_is_read_by_a_profile_and_asked_nothing_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
