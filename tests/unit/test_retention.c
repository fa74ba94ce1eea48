/* What main does for retention: when it asks, what its rows say, what an uplink that is behind is told. */
#include "tests/unit/pipeline_rig.h"

enum { MINUTE = CLOCK_MINUTE_MS, DAY = CLOCK_DAY_MS };

/* Days in which no bus says anything but that a minute is over. */
static void pass(struct rig *r, int64_t from_ms, int minutes)
{
    for (int i = 1; i <= minutes; i++) {
        int64_t now_ms = from_ms + (int64_t)i * MINUTE;
        rig_mark(r, 0, now_ms);
        rig_mark(r, 1, now_ms);
        rig_turn(r, now_ms, MINUTE);
        if (i % 500 == 0)
            rig_settle(r);
    }
    rig_settle(r);
}

static int short_keeping(void **state)
{
    rig_config.store.keep_raw_ms = DAY;
    rig_config.store.keep_minutes_ms = 2 * (int64_t)DAY;
    return rig_setup(state);
}

struct sums {
    int rows;
    int64_t count, to[STORE_KEPT], before_ms;
    bool gap;
};

static void sum(const struct row *row, void *arg)
{
    struct sums *s = arg;
    json_t *body = json_loads(row->body, 0, NULL);
    int what = strcmp(row->subject, "raw") == 0 ? STORE_RAW : STORE_MINUTES;
    s->rows++;
    s->count += json_integer_value(json_object_get(body, "count"));
    s->gap = s->gap || json_integer_value(json_object_get(body, "from")) <= s->to[what];
    s->to[what] = json_integer_value(json_object_get(body, "to"));
    s->before_ms = json_integer_value(json_object_get(body, "to_ms"));
    assert_true(s->to[what] < row->seq);
    assert_string_equal(json_string_value(json_object_get(body, "why")), "age");
    json_decref(body);
}

static struct sums sums(struct rig *r)
{
    struct sums s = {0};
    struct store *store;
    struct store_opened opened;
    rig_settle(r);
    rig_kill(r);
    assert_int_equal(store_open(r->dir, false, &store, &opened), ERR_OK);
    assert_int_equal(store_scan_rows(store, "retention", INT64_MIN, sum, &s), ERR_OK);
    assert_int_equal(opened.deleted[STORE_RAW], s.to[STORE_RAW]);
    assert_int_equal(opened.deleted[STORE_MINUTES], s.to[STORE_MINUTES]);
    store_stop(store, 0);
    return s;
}

/* The rig starts at 16:00 of the site: days 1, 2 and 3 are whole. */
static void rows_say_what_is_deleted_by_whole_days_of_the_site(void **state)
{
    struct rig *r = *state;
    pass(r, RIG_START_MS, 4 * 1440);
    struct sums s = sums(r);
    assert_false(s.gap);
    assert_in_range(s.rows, 5, 8);
    assert_int_equal(s.count, (480 + 2 * 1440) + (480 + 1440)); /* raw, then minutes */
    assert_int_equal((s.before_ms + MINUTE + 480 * (int64_t)MINUTE) % DAY, 0);
}

static void an_uplink_that_is_behind_is_told_what_it_will_never_get(void **state)
{
    struct rig *r = *state;
    r->d.uplinks[0].taken = 100;
    pass(r, RIG_START_MS, 3 * 1440);
    int64_t lost = r->d.uplinks[0].lost;
    assert_true(lost > 480);
    struct rig_rows rows = rig_rows(r, "lost", "\"subject\":\"broker\",\"from\":101,");
    assert_int_equal(rows.n, 1);
    char to[40];
    snprintf(to, sizeof to, "\"to\":%lld}", (long long)lost);
    assert_int_equal(rig_rows(r, "lost", to).n, 1);
    assert_int_equal(rig_rows(r, "lost", NULL).n, 1);
}

static void an_uplink_that_has_it_all_loses_nothing(void **state)
{
    struct rig *r = *state;
    r->d.uplinks[0].taken = 1000000;
    pass(r, RIG_START_MS, 3 * 1440);
    assert_int_equal(rig_rows(r, "lost", NULL).n, 0);
}

/* It is told once, however often the daemon starts. */
static void an_uplink_that_comes_later_is_told_at_the_start_and_once(void **state)
{
    struct rig *r = *state;
    r->d.uplinks[0].taken = 1000000;
    pass(r, RIG_START_MS, 3 * 1440);
    int64_t deleted = 0;
    for (int i = 1; i <= 3; i++) {
        rig_kill(r);
        rig_mqtt.name = "another";
        rig_start(r, RIG_START_MS + 3 * (int64_t)DAY + i * (int64_t)MINUTE);
        rig_turn(r, RIG_START_MS + 3 * (int64_t)DAY + i * (int64_t)MINUTE, 1);
        rig_settle(r);
        deleted = r->d.opened.deleted[STORE_MINUTES];
        assert_int_equal(r->d.uplinks[0].lost, deleted);
    }
    rig_mqtt.name = "broker";
    assert_true(deleted > 480);
    assert_int_equal(rig_rows(r, "lost", "\"subject\":\"another\",\"from\":1,").n, 1);
    assert_int_equal(rig_rows(r, "lost", NULL).n, 1);
}

#undef TEST
#define TEST(test) cmocka_unit_test_setup_teardown(test, short_keeping, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(rows_say_what_is_deleted_by_whole_days_of_the_site),
        TEST(an_uplink_that_is_behind_is_told_what_it_will_never_get),
        TEST(an_uplink_that_has_it_all_loses_nothing),
        TEST(an_uplink_that_comes_later_is_told_at_the_start_and_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
