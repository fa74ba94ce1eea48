/* A setting of a device, read rarely: its first reading and each change are rows, whoever was running. */
#include "tests/unit/pipeline_rig.h"

enum { SECOND = CLOCK_SECOND_MS, MINUTE = CLOCK_MINUTE_MS, RATIO = 1 };

/* The rig's site, whose device "a" also has a watched register. */
static struct {
    struct point points[2];
    struct profile profile;
    struct device devices[2];
    const struct device *on_bus[2];
    struct bus_config buses[2];
    struct config_point all[3];
    struct config c;
} site;

static void make_site(void)
{
    site.points[0] = site.points[1] = rig_point;
    site.points[RATIO].name = "ratio";
    site.points[RATIO].unit = site.points[RATIO].role = "";
    site.points[RATIO].address = 0x37;
    site.points[RATIO].scale = 0.01;
    site.points[RATIO].watch = true;
    site.points[RATIO].period_ms = 3600000;
    site.profile = rig_profile;
    site.profile.points = site.points;
    site.profile.npoints = 2;
    site.devices[0] = rig_devices[0];
    site.devices[0].profile = &site.profile;
    site.devices[1] = rig_devices[1];
    site.devices[1].first_point = 2;
    for (int i = 0; i < 2; i++) {
        site.on_bus[i] = &site.devices[i];
        site.buses[i] = rig_buses[i];
        site.buses[i].devices = &site.on_bus[i];
    }
    site.all[0] = (struct config_point){&site.devices[0], &site.points[0], "a/pm10"};
    site.all[RATIO] = (struct config_point){&site.devices[0], &site.points[RATIO], "a/ratio"};
    site.all[2] = (struct config_point){&site.devices[1], &rig_point, "b/pm10"};
    site.c = rig_config;
    site.c.devices = site.devices;
    site.c.buses = site.buses;
    site.c.points = site.all;
    site.c.npoints = 3;
}

static void start(struct rig *r, int64_t now_ms)
{
    if (r->running) {
        rig_settle(r);
        rig_kill(r);
    }
    make_site();
    rig_in_force = &site.c;
    rig_start(r, now_ms);
}

/* What the register was read as; -1: the device refused. */
static void read_ratio(struct rig *r, int64_t at_ms, int raw)
{
    struct bus_message m = {.kind = BUS_SAMPLE};
    m.u.sample = (struct sample){.at_ms = at_ms, .point = RATIO, .value = NAN};
    if (raw >= 0) {
        m.u.sample.nreg = 1;
        m.u.sample.reg[0] = (uint16_t)raw;
        m.u.sample.quality = QUALITY_NORMAL;
        m.u.sample.value = raw / 100.0;
    } else {
        m.u.sample.quality = QUALITY_FAULT;
        m.u.sample.why = WHY_EXCEPTION;
        m.u.sample.exception = 2;
    }
    assert_int_equal(ring_push(r->d.buses[0].ring, &m), ERR_OK);
    rig_turn(r, at_ms, SECOND);
}

static json_t *change_row(struct rig *r, int wanted)
{
    struct rig_rows rows = rig_rows(r, "device", "\"register\":\"ratio\"");
    assert_int_equal(rows.n, wanted);
    json_t *body = json_loads(rows.body, 0, NULL);
    assert_non_null(body);
    return body;
}

static void the_first_reading_is_a_row_without_an_old_value(void **state)
{
    struct rig *r = *state;
    start(r, RIG_START_MS);
    read_ratio(r, RIG_START_MS + SECOND, 100);
    read_ratio(r, RIG_START_MS + 2 * SECOND, 100);
    json_t *body = change_row(r, 1);
    assert_string_equal(json_string_value(json_object_get(body, "subject")), "a");
    assert_true(json_number_value(json_object_get(body, "new")) == 1);
    assert_string_equal(json_string_value(json_object_get(body, "new_raw")), "0064");
    assert_null(json_object_get(body, "old"));
    assert_null(json_object_get(body, "old_raw"));
    json_decref(body);
}

static void a_change_is_a_row_with_the_old_and_the_new_value_once_two_answers_agree(void **state)
{
    struct rig *r = *state;
    start(r, RIG_START_MS);
    read_ratio(r, RIG_START_MS + SECOND, 100);
    read_ratio(r, RIG_START_MS + 2 * SECOND, 50);
    assert_false(r->d.registers[RATIO].changed);
    read_ratio(r, RIG_START_MS + 3 * SECOND, 50);
    assert_true(r->d.registers[RATIO].changed);
    read_ratio(r, RIG_START_MS + 4 * SECOND, 50);
    json_t *body = change_row(r, 2);
    assert_true(json_number_value(json_object_get(body, "old")) == 1);
    assert_true(json_number_value(json_object_get(body, "new")) == 0.5);
    assert_string_equal(json_string_value(json_object_get(body, "old_raw")), "0064");
    assert_string_equal(json_string_value(json_object_get(body, "new_raw")), "0032");
    assert_int_equal(json_integer_value(json_object_get(body, "ts")), RIG_START_MS + 3 * SECOND);
    json_decref(body);
}

static void one_odd_answer_between_others_accuses_nobody(void **state)
{
    struct rig *r = *state;
    static const int raws[] = {100, 50, 100, 50, 100, 51, 52, 100};
    start(r, RIG_START_MS);
    for (int i = 0; i < (int)(sizeof raws / sizeof *raws); i++)
        read_ratio(r, RIG_START_MS + (i + 1) * SECOND, raws[i]);
    json_decref(change_row(r, 1));
}

static void a_failed_read_is_no_change_and_no_value(void **state)
{
    struct rig *r = *state;
    start(r, RIG_START_MS);
    read_ratio(r, RIG_START_MS + SECOND, 100);
    for (int i = 2; i < 6; i++)
        read_ratio(r, RIG_START_MS + i * SECOND, -1);
    read_ratio(r, RIG_START_MS + 6 * SECOND, 100);
    json_t *now = registers_json(&r->d, RATIO);
    assert_true(json_number_value(json_object_get(now, "v")) == 1);
    json_decref(now);
    json_decref(change_row(r, 1));
}

/* The likeliest time to turn a factor down is while nobody looks. */
static void a_change_while_dustd_was_off_is_told_after_the_start(void **state)
{
    struct rig *r = *state;
    start(r, RIG_START_MS);
    read_ratio(r, RIG_START_MS + SECOND, 100);
    start(r, RIG_START_MS + 10 * MINUTE);
    assert_int_equal(r->d.registers[RATIO].nreg, 1);
    read_ratio(r, RIG_START_MS + 10 * MINUTE + SECOND, 90);
    read_ratio(r, RIG_START_MS + 10 * MINUTE + SECOND, 90); /* the bus asks again at once */
    start(r, RIG_START_MS + 20 * MINUTE);
    read_ratio(r, RIG_START_MS + 20 * MINUTE + SECOND, 90); /* known: no row */
    assert_true(r->d.registers[RATIO].changed);
    json_t *body = change_row(r, 2);
    assert_string_equal(json_string_value(json_object_get(body, "old_raw")), "0064");
    assert_string_equal(json_string_value(json_object_get(body, "new_raw")), "005A");
    json_decref(body);
}

static void a_change_while_dustd_was_off_is_a_suspicion_too(void **state)
{
    struct rig *r = *state;
    start(r, RIG_START_MS);
    site.c.quality = (struct quality_config){.watch = true, .night = ""};
    read_ratio(r, RIG_START_MS + SECOND, 100);
    rig_seconds(r, RIG_START_MS + 2 * SECOND, 60, 80);
    int64_t later_ms = RIG_START_MS + 3 * (int64_t)CLOCK_HOUR_MS;
    start(r, later_ms);
    site.c.quality = (struct quality_config){.watch = true, .night = ""};
    read_ratio(r, later_ms + SECOND, 90);
    read_ratio(r, later_ms + 2 * SECOND, 90);
    rig_seconds(r, later_ms + 3 * SECOND, 60, 80);
    struct rig_rows rows = rig_rows(r, "quality", "\"setting\"");
    assert_true(rows.n >= 1);
    rows = rig_rows(r, "quality", "\"begin\"");
    assert_int_equal(rows.n, 1);
    assert_non_null(strstr(rows.body, "\"point\":\"a/ratio\""));
    assert_non_null(strstr(rows.body, "changed from 1 to 0.9"));
    assert_non_null(strstr(rows.body, "\"suspicion\":true"));
}

static void what_is_watched_is_in_no_mean_but_in_the_raw_samples(void **state)
{
    struct rig *r = *state;
    start(r, RIG_START_MS);
    read_ratio(r, RIG_START_MS + SECOND, 100);
    rig_sample(r, 0, RIG_START_MS + SECOND, 80);
    for (int i = 0; i < 2; i++)
        rig_mark(r, i, RIG_START_MS + MINUTE);
    rig_turn(r, RIG_START_MS + MINUTE, MINUTE);
    struct rig_rows rows = rig_rows(r, "minute", NULL);
    assert_int_equal(rows.n, 1);
    assert_non_null(strstr(rows.body, "a/pm10"));
    assert_null(strstr(rows.body, "ratio"));
}

static void a_full_store_makes_a_change_wait_and_not_be_forgotten(void **state)
{
    struct rig *r = *state;
    start(r, RIG_START_MS);
    read_ratio(r, RIG_START_MS + SECOND, 100);
    rig_settle(r);
    struct register_now known = r->d.registers[RATIO];
    r->d.shed.refused = true;
    r->d.shed.bytes = 8u << 20; /* no room for rows of this kind */
    struct sample s = {.at_ms = RIG_START_MS + 2 * SECOND, .point = RATIO, .nreg = 1, .reg = {90}};
    registers_sample(&r->d, &s);
    registers_sample(&r->d, &s);
    assert_memory_equal(r->d.registers[RATIO].reg, known.reg, sizeof known.reg);
    r->d.shed.refused = false;
    r->d.shed.bytes = 0;
    registers_sample(&r->d, &s);
    json_t *body = change_row(r, 2);
    assert_string_equal(json_string_value(json_object_get(body, "new_raw")), "005A");
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_reading_is_a_row_without_an_old_value),
        TEST(a_change_is_a_row_with_the_old_and_the_new_value_once_two_answers_agree),
        TEST(one_odd_answer_between_others_accuses_nobody),
        TEST(a_failed_read_is_no_change_and_no_value),
        TEST(a_change_while_dustd_was_off_is_told_after_the_start),
        TEST(a_change_while_dustd_was_off_is_a_suspicion_too),
        TEST(what_is_watched_is_in_no_mean_but_in_the_raw_samples),
        TEST(a_full_store_makes_a_change_wait_and_not_be_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
