/* Data quality in the journal: a finding is a row, a window that it changes is told again and names the row
 * that it corrects, and the same is so after a restart. */
#include "daemon/block.h"
#include "daemon/judge/judge.h"
#include "unit/pipeline_rig.h"

#define STUCK "\"mean\":66.0,\"min\":66.0,\"max\":66.0,\"n\":60,\"of\":60,\"q\":\"D\""

enum { SECOND = 1000, MINUTE = CLOCK_MINUTE_MS };

static int setup(void **state)
{
    rig_config.quality = (struct quality_config){.hole_ms = 10 * MINUTE,
                                                 .flat_ms = 10 * MINUTE,
                                                 .spike_factor = 5,
                                                 .spike_floor = 100,
                                                 .night = "",
                                                 .person = rig_people[0].name,
                                                 .answer_ms = CLOCK_HOUR_MS,
                                                 .rectify_ms = CLOCK_DAY_MS};
    return rig_setup(state);
}

static int teardown(void **state)
{
    rig_points[1].point = &rig_point;
    rig_config.quality = (struct quality_config){0};
    return rig_teardown(state);
}

/* Minutes from `minute` on; meter a is stuck where `stuck` says so. */
static void live(struct rig *r, int minute, int minutes, bool stuck)
{
    for (int s = minute * 60; s < (minute + minutes) * 60; s++) {
        int64_t at_ms = RIG_START_MS + (int64_t)s * SECOND;
        for (int i = 0; i < RIG_POINTS; i++) {
            rig_sample(r, i, at_ms + 37, stuck && i == 0 ? 66 : 60 + s % 3 + i);
            rig_mark(r, i, at_ms + SECOND);
        }
        rig_turn(r, at_ms + SECOND, SECOND);
    }
    rig_settle(r);
}

static void a_stuck_meter_is_a_row_an_issue_and_corrects_its_windows(void **state)
{
    struct rig *r = *state;
    live(r, 0, 55, false);
    live(r, 55, 10, true);
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_string_equal(ledger_at(r->d.ledger, 0)->kind, "doubt");
    struct rig_rows found = rig_rows(r, "quality", "\"state\":\"begin\"");
    assert_int_equal(found.n, 1);
    assert_non_null(strstr(found.body, "\"point\":\"a/pm10\""));
    assert_non_null(strstr(found.body, "\"flag\":\"D\""));
    assert_non_null(strstr(found.body, "always 66"));
    struct rig_rows verdict = rig_rows(r, "verdict", "\"corrects\"");
    assert_int_equal(verdict.n, 1);
    assert_non_null(strstr(verdict.body, "\"n\":55,\"of\":60"));
    struct rig_rows hour = rig_rows(r, "hour", "\"corrects\"");
    assert_int_equal(hour.n, 1); /* of the meter that was stuck */
    assert_non_null(strstr(hour.body, "\"points\":{\"a/pm10\":"));
    assert_null(strstr(hour.body, "b/pm10"));
    assert_int_equal(rig_rows(r, "minute", STUCK).n,
                     1); /* the one in which it was sure; it keeps its value */
}

static void after_a_restart_it_is_stuck_still_and_nothing_is_told_twice(void **state)
{
    struct rig *r = *state;
    live(r, 0, 55, false);
    live(r, 55, 12, true);
    rig_kill(r);
    rig_start(r, RIG_START_MS + 67 * (int64_t)MINUTE);
    live(r, 67, 3, true);
    live(r, 70, 1, false);
    assert_int_equal(rig_rows(r, "quality", "\"state\":\"begin\"").n, 1);
    assert_int_equal(rig_rows(r, "quality", "\"state\":\"end\"").n, 1);
    assert_int_equal(rig_rows(r, "verdict", "\"corrects\"").n, 1);
    assert_int_equal(rig_rows(r, "minute", STUCK).n, 6);
}

static struct point humidity;

/* The second meter measures humidity. */
static int setup_damp(void **state)
{
    humidity = rig_point;
    humidity.role = "humidity";
    humidity.unit = "%";
    rig_points[1].point = &humidity;
    int rc = setup(state);
    rig_config.quality.damp = 90;
    rig_config.quality.damp_ms = 2 * (int64_t)MINUTE;
    return rc;
}

static void damp_air_is_a_row_with_a_tag_and_no_issue(void **state)
{
    struct rig *r = *state;
    for (int s = 0; s < 6 * 60; s++) {
        int64_t at_ms = RIG_START_MS + (int64_t)s * SECOND;
        rig_sample(r, 0, at_ms + 37, 60 + s % 3);
        rig_sample(r, 1, at_ms + 37, s < 240 ? 95 : 60);
        for (int i = 0; i < RIG_POINTS; i++)
            rig_mark(r, i, at_ms + SECOND);
        rig_turn(r, at_ms + SECOND, SECOND);
    }
    rig_settle(r);
    struct rig_rows found = rig_rows(r, "quality", "\"state\":\"begin\"");
    assert_int_equal(found.n, 1);
    assert_non_null(strstr(found.body, "\"subject\":\"high_rh\""));
    assert_non_null(strstr(found.body, "\"point\":\"a/pm10\""));
    assert_non_null(strstr(found.body, "\"tag\":true,\"why\":\"relative humidity 95 %"));
    assert_null(strstr(found.body, "flag"));
    assert_null(strstr(found.body, "suspicion"));
    assert_int_equal(rig_rows(r, "quality", "\"state\":\"end\"").n, 1);
    assert_int_equal(rig_rows(r, "issue", "").n, 0);
}

/* What is kept of the first meter's samples. */
struct kept {
    int samples, spikes;
    uint16_t spike; /* its last register */
};

static void keep(const struct raw_sample *raw, void *arg)
{
    struct kept *k = arg;
    if (strcmp(raw->name, "a/pm10") != 0)
        return;
    k->samples++;
    if (raw->sample.why != WHY_SPIKE)
        return;
    k->spikes++;
    assert_int_equal(raw->sample.quality, QUALITY_FAULT);
    k->spike = raw->sample.reg[raw->sample.nreg - 1];
}

static void a_spike_is_marked_in_what_is_kept_with_its_registers_and_is_in_no_mean(void **state)
{
    struct rig *r = *state;
    struct buf block = {0};
    struct kept kept = {0};
    for (int s = 0; s < 60; s++)
        rig_sample(r, 0, RIG_START_MS + s * (int64_t)SECOND + 37, s == 30 ? 900 : 60 + s % 3);
    pipeline_bus(&r->d, 0);
    pipeline_block(&r->d, INT64_MIN, RIG_START_MS + MINUTE, true, &block);
    judge_minute(r->d.judge, r->d.means);
    assert_int_equal(r->d.means[0].n, 59);
    assert_true(r->d.means[0].max == 62);
    assert_int_equal(rawblock_decode(block.data, block.length, keep, &kept), ERR_OK);
    assert_int_equal(kept.samples, 60);
    assert_int_equal(kept.spikes, 1);
    assert_int_equal(kept.spike, 900);
    buf_finish(&block);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(a_stuck_meter_is_a_row_an_issue_and_corrects_its_windows),
        EACH(a_spike_is_marked_in_what_is_kept_with_its_registers_and_is_in_no_mean),
        cmocka_unit_test_setup_teardown(damp_air_is_a_row_with_a_tag_and_no_issue, setup_damp, teardown),
        EACH(after_a_restart_it_is_stuck_still_and_nothing_is_told_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
