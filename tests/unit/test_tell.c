/* Alert rows of the daemon's main thread: written with the step that they are about, remade at start. */
#include "daemon/config/escalation.h"
#include "daemon/rows.h"
#include "daemon/tell.h"
#include "tests/unit/pipeline_rig.h"

static struct escalation_step steps[] = {
    {.name = "found", .title_zh = "发现", .title_en = "Found", .when = WHEN_FOUND, .tell = TELL_RESPONSIBLE},
    {.name = "unanswered",
     .title_zh = "未回复",
     .title_en = "Not answered",
     .when = WHEN_UNANSWERED,
     .tell = ROLE_OFFICE},
};

static int tell_setup(void **state)
{
    rig_config.escalation = steps;
    rig_config.nescalation = 2;
    return rig_setup(state);
}

static int tell_teardown(void **state)
{
    rig_config.escalation = NULL;
    rig_config.nescalation = 0;
    return rig_teardown(state);
}

static int64_t find_one(struct rig *r, const char *cause)
{
    char id[32], *body;
    const struct finding f = {.kind = "limit",
                              .subject = "test/pm10-hour",
                              .cause = cause,
                              .text_zh = "超标",
                              .text_en = "over",
                              .person = "manager",
                              .answer_ms = CLOCK_HOUR_MS,
                              .evidence = json_object()};
    assert_int_equal(ledger_find(r->d.ledger, RIG_START_MS, &f, &body, id), ERR_OK);
    return row_step(&r->d, RIG_START_MS, id, body);
}

static void an_alert_is_the_row_after_the_step_in_one_transaction(void **state)
{
    struct rig *r = *state;
    int64_t seq = find_one(r, "a/pm10");
    int commits = stub.commits;
    batch_flush(&r->d);
    assert_int_equal(stub.commits, commits + 1);
    struct rig_rows rows = rig_rows(r, "alert", NULL);
    assert_int_equal(rows.n, 1);
    assert_int_equal(rows.seq, seq + 1);
    assert_non_null(strstr(rows.body, "\"kind\":\"alert\",\"subject\":\"EX-2026-0001\",\"step\":\"found\","
                                      "\"level\":\"major\",\"to\":[\"manager\"]"));
}

static void what_time_alone_brings_is_told_within_a_minute(void **state)
{
    struct rig *r = *state;
    find_one(r, "a/pm10");
    rig_turn(r, RIG_START_MS + CLOCK_HOUR_MS, CLOCK_HOUR_MS);
    rig_turn(r, RIG_START_MS + CLOCK_HOUR_MS + CLOCK_MINUTE_MS, CLOCK_MINUTE_MS);
    struct rig_rows rows = rig_rows(r, "alert", "\"unanswered\"");
    assert_int_equal(rows.n, 1);
    assert_non_null(strstr(rows.body, "\"to\":[\"officer\"]"));
}

static void a_start_repeats_no_alert_that_the_journal_has(void **state)
{
    struct rig *r = *state;
    find_one(r, "a/pm10");
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS + CLOCK_MINUTE_MS);
    rig_turn(r, RIG_START_MS + 2 * CLOCK_MINUTE_MS, CLOCK_MINUTE_MS);
    find_one(r, "b/pm10");
    assert_int_equal(rig_rows(r, "alert", NULL).n, 2);
}

static void an_alert_that_the_disk_never_took_is_told_after_the_start(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    steps[0].tell = 0; /* as if it had been shed: the step alone is on the disk */
    find_one(r, "a/pm10");
    rig_settle(r);
    rig_kill(r);
    steps[0].tell = TELL_RESPONSIBLE;
    rig_start(r, RIG_START_MS + CLOCK_MINUTE_MS);
    rig_turn(r, RIG_START_MS + 2 * CLOCK_MINUTE_MS, CLOCK_MINUTE_MS);
    assert_int_equal(rig_rows(r, "alert", "\"found\"").n, 1);
}

static void nobody_is_told_while_the_clock_has_no_date(void **state)
{
    struct rig *r = *state;
    find_one(r, "a/pm10");
    rig_settle(r);
    int64_t head = r->d.head.seq;
    r->d.hold.undated = true;
    tell_turn(&r->d, RIG_START_MS + 2 * CLOCK_HOUR_MS);
    r->d.hold.undated = false;
    assert_int_equal(r->d.head.seq, head);
    tell_turn(&r->d, RIG_START_MS + 2 * CLOCK_HOUR_MS);
    assert_int_equal(r->d.head.seq, head + 1);
}

#define TELL(test) cmocka_unit_test_setup_teardown(test, tell_setup, tell_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TELL(an_alert_is_the_row_after_the_step_in_one_transaction),
        TELL(what_time_alone_brings_is_told_within_a_minute),
        TELL(a_start_repeats_no_alert_that_the_journal_has),
        TELL(an_alert_that_the_disk_never_took_is_told_after_the_start),
        TELL(nobody_is_told_while_the_clock_has_no_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
