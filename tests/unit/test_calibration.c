/* What a device is certified by, and until when; time is a number. */
#include "tests/unit/pipeline_rig.h"

enum { SECOND = CLOCK_SECOND_MS, MINUTE = CLOCK_MINUTE_MS };
static const int64_t day_ms = CLOCK_DAY_MS;

/* The rig's device "a", certified until then. */
static void certified(int64_t until_ms)
{
    rig_devices[0].serial = "S-1";
    rig_devices[0].certificate = "Z-1";
    rig_devices[0].calibration_due = "2026-02-01";
    rig_devices[0].calibrated_ms = until_ms;
}

static int forget(void **state)
{
    rig_devices[0].serial = rig_devices[0].certificate = rig_devices[0].calibration_due = NULL;
    rig_devices[0].calibrated_ms = 0;
    return rig_teardown(state);
}

static void it_is_due_from_30_days_before_and_over_after_its_last_day(void **state)
{
    (void)state;
    const int64_t end = RIG_START_MS + 100 * day_ms;
    const struct device d = {.calibrated_ms = end}, unsaid = {0};
    assert_int_equal(calibration_of(&unsaid, end), CALIBRATION_UNSAID);
    assert_int_equal(calibration_of(&d, end - 30 * day_ms - 1), CALIBRATION_VALID);
    assert_int_equal(calibration_of(&d, end - 30 * day_ms), CALIBRATION_DUE);
    assert_int_equal(calibration_of(&d, end - 1), CALIBRATION_DUE);
    assert_int_equal(calibration_of(&d, end), CALIBRATION_OVER);
    assert_int_equal(calibration_of(&d, 5000), CALIBRATION_UNSAID); /* since the boot, no date */
}

static void expect_days(int64_t now_ms, int64_t end_ms, const char *is, int days)
{
    const struct device d = {.calibrated_ms = end_ms, .serial = "S-1", .certificate = ""};
    json_t *to = json_object();
    calibration_add(to, &d, now_ms);
    assert_string_equal(json_string_value(json_object_get(to, "calibration")), is);
    assert_int_equal(json_integer_value(json_object_get(to, "calibration_days")), days);
    assert_string_equal(json_string_value(json_object_get(to, "serial")), "S-1");
    assert_null(json_object_get(to, "certificate"));
    json_decref(to);
}

static void days_count_to_the_last_one_and_on_behind_it(void **state)
{
    (void)state;
    const int64_t end = RIG_START_MS + 100 * day_ms;
    expect_days(end - 31 * day_ms, end, "valid", 30);
    expect_days(end - 1, end, "due", 0); /* the last day */
    expect_days(end - day_ms, end, "due", 0);
    expect_days(end - day_ms - 1, end, "due", 1);
    expect_days(end, end, "over", -1); /* the first after it */
    expect_days(end + day_ms - 1, end, "over", -1);
    expect_days(end + day_ms, end, "over", -2);
}

static void rig_up(struct rig *r, int64_t at_ms)
{
    struct bus_message m = {.kind = BUS_DEVICE};
    m.u.device.at_ms = at_ms;
    m.u.device.state = DEVICE_UP;
    assert_int_equal(ring_push(r->d.buses[0].ring, &m), ERR_OK);
    rig_turn(r, at_ms, SECOND);
}

static void a_device_says_on_its_topic_what_it_is_certified_by(void **state)
{
    struct rig *r = *state;
    certified(RIG_START_MS + 40 * day_ms);
    rig_up(r, RIG_START_MS + SECOND);
    const char *text = said("device/a");
    assert_non_null(text);
    assert_non_null(
        strstr(text, "\"serial\":\"S-1\",\"certificate\":\"Z-1\",\"calibration_due\":\"2026-02-01\""));
    assert_non_null(strstr(text, "\"calibration\":\"valid\",\"calibration_days\":39"));
}

static void that_it_becomes_due_is_told_once_without_anything_else_happening(void **state)
{
    struct rig *r = *state;
    certified(RIG_START_MS + 30 * day_ms + 5 * MINUTE);
    rig_up(r, RIG_START_MS + SECOND);
    assert_non_null(strstr(said("device/a"), "\"calibration\":\"valid\""));
    int before = stub.now_messages;
    for (int i = 1; i <= 3; i++) {
        int64_t now_ms = RIG_START_MS + i * 10 * (int64_t)MINUTE;
        clock_simulate_since(now_ms, 1, clock_wire_us()); /* what is told looks at the clock itself */
        rig_turn(r, now_ms, 10 * MINUTE);
    }
    assert_non_null(strstr(said("device/a"), "\"calibration\":\"due\",\"calibration_days\":29"));
    int told = 0;
    for (int i = before; i < stub.now_messages; i++)
        told += strcmp(stub.topic[i % RIG_SAID], "device/a") == 0;
    assert_int_equal(told, 1);
}

static bool warns(struct rig *r, int64_t now_ms, const char *what)
{
    json_t *health = health_json(&r->d, now_ms);
    char *text = json_dumps(json_object_get(health, "warnings"), JSON_COMPACT);
    bool found = strstr(text, what) && strstr(text, "\"about\":\"a\"");
    mem_free(text);
    json_decref(health);
    return found;
}

static void what_is_due_or_over_is_a_warning(void **state)
{
    struct rig *r = *state;
    const int64_t end = RIG_START_MS + 31 * day_ms;
    certified(end);
    assert_false(warns(r, RIG_START_MS, "calibration"));
    assert_true(warns(r, RIG_START_MS + 2 * day_ms, "calibration_due"));
    assert_true(warns(r, end, "calibration_over"));
}

#define CERTIFIED(test) cmocka_unit_test_setup_teardown(test, rig_setup, forget)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_due_from_30_days_before_and_over_after_its_last_day),
        TEST(days_count_to_the_last_one_and_on_behind_it),
        CERTIFIED(a_device_says_on_its_topic_what_it_is_certified_by),
        CERTIFIED(that_it_becomes_due_is_told_once_without_anything_else_happening),
        CERTIFIED(what_is_due_or_over_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
