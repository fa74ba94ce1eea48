/* Data quality in the journal: a finding is a row, a window that it changes is told again and names the row
 * that it corrects, and the same is so after a restart. */
#include "unit/pipeline_rig.h"

#define STUCK "\"mean\":66.0,\"min\":66.0,\"max\":66.0,\"n\":60,\"of\":60,\"q\":\"D\""

enum { SECOND = 1000, MINUTE = CLOCK_MINUTE_MS };

static int setup(void **state)
{
    rig_config.quality = (struct quality_config){.hole_ms = 10 * MINUTE,
                                                 .flat_ms = 10 * MINUTE,
                                                 .night = "",
                                                 .person = rig_people[0].name,
                                                 .answer_ms = CLOCK_HOUR_MS,
                                                 .rectify_ms = CLOCK_DAY_MS};
    return rig_setup(state);
}

static int teardown(void **state)
{
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
    assert_int_equal(rig_rows(r, "hour", "\"corrects\"").n, 1);
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

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(a_stuck_meter_is_a_row_an_issue_and_corrects_its_windows),
        EACH(after_a_restart_it_is_stuck_still_and_nothing_is_told_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
