/* What the daemon says of itself: from the main thread's struct, with time as a number. */
#include "daemon/rows.h"
#include "tests/unit/pipeline_rig.h"

enum { SECOND_US = 1000000 };

static json_t *look(struct rig *r, int64_t now_ms)
{
    return health_json(&r->d, now_ms);
}

static bool warns(const json_t *health, const char *what, const char *about)
{
    size_t i;
    const json_t *warning;
    json_array_foreach(json_object_get(health, "warnings"), i, warning)
    {
        const char *of = json_string_value(json_object_get(warning, "about"));
        if (strcmp(json_string_value(json_object_get(warning, "what")), what) == 0 &&
            strcmp(of ? of : "", about) == 0)
            return true;
    }
    return false;
}

static const json_t *first(const json_t *health, const char *list)
{
    return json_array_get(json_object_get(health, list), 0);
}

static json_int_t number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void a_daemon_that_is_well_has_no_warnings(void **state)
{
    struct rig *r = *state;
    json_t *health = look(r, RIG_START_MS);
    assert_int_equal(json_array_size(json_object_get(health, "warnings")), 0);
    assert_true(number(json_object_get(health, "process"), "rss_bytes") > 100000);
    assert_true(number(json_object_get(health, "process"), "fds") > 3);
    assert_true(number(json_object_get(health, "process"), "threads") >= 2);
    assert_true(number(json_object_get(health, "store"), "disk_bytes") > 0);
    json_decref(health);
}

/* Two each bus, four ways to the store and back, three a broker. */
static void every_queue_is_named_with_depth_most_room_age_and_refusals(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < 3; i++)
        rig_sample(r, 1, RIG_START_MS + i, 1);
    json_t *health = look(r, RIG_START_MS);
    const json_t *queues = json_object_get(health, "queues"), *bus = json_array_get(queues, 2);
    assert_int_equal(json_array_size(queues), 2 * 2 + 4 + 3);
    assert_string_equal(json_string_value(json_object_get(bus, "name")), "bus/two");
    assert_int_equal(number(bus, "depth"), 3);
    assert_int_equal(number(bus, "most"), 3);
    assert_int_equal(number(bus, "room"), 1024);
    assert_int_equal(number(bus, "refused"), 0);
    assert_true(number(bus, "oldest_ms") >= 0);
    json_decref(health);
}

static void a_load_that_nobody_has_measured_is_absent_and_not_0(void **state)
{
    struct rig *r = *state;
    json_t *health = look(r, RIG_START_MS);
    assert_null(json_object_get(first(health, "buses"), "load"));
    assert_null(json_object_get(json_object_get(health, "process"), "cpu"));
    json_decref(health);
    health_turn(&r->d, RIG_START_MS, SECOND_US);
    health_turn(&r->d, RIG_START_MS, 61 * (int64_t)SECOND_US);
    health = look(r, RIG_START_MS);
    assert_non_null(json_object_get(first(health, "buses"), "load"));
    assert_non_null(json_object_get(json_object_get(health, "process"), "cpu"));
    json_decref(health);
}

static void what_is_wrong_is_a_warning_that_names_it(void **state)
{
    struct rig *r = *state;
    struct dustd *d = &r->d;
    d->store_stuck = true;
    d->stuck_ms = RIG_START_MS;
    snprintf(d->store_error, sizeof d->store_error, "database or disk is full");
    d->buses[1].since_ms = RIG_START_MS;
    d->buses[0].line = LINE_UP;
    d->buses[1].line = LINE_DOWN;
    d->devices[0].state = DEVICE_DOWN;
    d->health.loads[0] = 0.81;
    d->health.synced = false;
    d->uplinks[0].connected = false;
    d->uplinks[0].since_ms = RIG_START_MS;
    json_t *health = look(r, RIG_START_MS + 5000);
    assert_true(warns(health, "store_stuck", ""));
    assert_true(warns(health, "bus_down", "two"));
    assert_false(warns(health, "bus_down", "one"));
    assert_true(warns(health, "bus_busy", "one"));
    assert_true(warns(health, "device_down", "a"));
    assert_true(warns(health, "broker_down", "broker"));
    assert_true(warns(health, "clock_unsynced", ""));
    const json_t *store = json_object_get(health, "store");
    assert_int_equal(number(store, "since"), RIG_START_MS);
    assert_string_equal(json_string_value(json_object_get(store, "why")), "database or disk is full");
    json_decref(health);
}

/* At once when a warning comes, else each ten minutes. */
static void it_is_published_each_ten_minutes_and_when_a_warning_comes_or_goes(void **state)
{
    struct rig *r = *state;
    struct dustd *d = &r->d;
    int64_t now_us = SECOND_US;
    health_turn(d, RIG_START_MS, now_us);
    int before = stub.now_messages;
    for (int i = 1; i < 600; i++)
        health_turn(d, RIG_START_MS, now_us + i * (int64_t)SECOND_US);
    assert_int_equal(stub.now_messages, before);
    now_us += 600 * (int64_t)SECOND_US;
    health_turn(d, RIG_START_MS, now_us);
    assert_int_equal(stub.now_messages, before + 1);
    d->devices[1].state = DEVICE_DOWN;
    health_turn(d, RIG_START_MS, now_us + 1 * (int64_t)SECOND_US);
    assert_int_equal(stub.now_messages, before + 2);
    assert_non_null(strstr(said("health"), "device_down"));
    d->devices[1].state = DEVICE_UP;
    health_turn(d, RIG_START_MS, now_us + 2 * (int64_t)SECOND_US);
    assert_int_equal(stub.now_messages, before + 3);
    assert_null(strstr(said("health"), "device_down"));
}

/* The oldest row that a broker lacks is a minute's: made at its end. */
static void the_oldest_unsent_row_has_an_age(void **state)
{
    struct rig *r = *state;
    struct dustd *d = &r->d;
    int64_t end_ms = RIG_START_MS + CLOCK_MINUTE_MS;
    rig_settle(r);
    d->uplinks[0].taken = d->committed;
    health_turn(d, RIG_START_MS, SECOND_US);
    json_t *health = look(r, end_ms);
    assert_null(json_object_get(first(health, "mqtt"), "oldest_ms")); /* nothing is behind */
    json_decref(health);
    pipeline_close_minute(d, end_ms);
    rig_settle(r);
    health_turn(d, end_ms, 3 * (int64_t)SECOND_US);
    for (int i = 0; d->health.asking && i < 4000; i++) {
        struct pollfd p = {.fd = ring_fd(store_ring(d->store)), .events = POLLIN};
        poll(&p, 1, 5);
        batch_store(d);
    }
    health = look(r, end_ms + 90000);
    assert_int_equal(number(first(health, "mqtt"), "oldest_ms"), 90000);
    assert_int_equal(number(first(health, "mqtt"), "behind"), d->committed - d->uplinks[0].taken);
    json_decref(health);
}

static void a_clock_step_is_remembered(void **state)
{
    struct rig *r = *state;
    row_clock(&r->d, RIG_START_MS, -3600000);
    json_t *health = look(r, RIG_START_MS);
    const json_t *step = json_object_get(json_object_get(health, "timekeeping"), "step");
    assert_int_equal(number(step, "step_ms"), -3600000);
    assert_int_equal(number(step, "ts"), RIG_START_MS);
    json_decref(health);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_daemon_that_is_well_has_no_warnings),
        TEST(every_queue_is_named_with_depth_most_room_age_and_refusals),
        TEST(a_load_that_nobody_has_measured_is_absent_and_not_0),
        TEST(what_is_wrong_is_a_warning_that_names_it),
        TEST(it_is_published_each_ten_minutes_and_when_a_warning_comes_or_goes),
        TEST(the_oldest_unsent_row_has_an_age),
        TEST(a_clock_step_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
