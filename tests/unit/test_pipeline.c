/* From samples to rows: when a minute ends, what is kept, what is told and when. */
#include "daemon/rows.h"
#include "tests/unit/pipeline_rig.h"

enum { SECOND = CLOCK_SECOND_MS, MINUTE = CLOCK_MINUTE_MS };

static void a_minute_ends_only_when_every_bus_has_marked_it(void **state)
{
    struct rig *r = *state;
    int64_t end_ms = RIG_START_MS + MINUTE;
    rig_mark(r, 0, end_ms);
    rig_mark(r, 1, end_ms - 1);
    rig_turn(r, end_ms, SECOND);
    rig_turn(r, end_ms + 9999, 9999);
    assert_int_equal(r->d.minute_ms, RIG_START_MS);
    rig_mark(r, 1, end_ms);
    rig_turn(r, end_ms + 9999, 0);
    assert_int_equal(r->d.minute_ms, end_ms);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 1);
}

static void a_silent_bus_delays_a_minute_by_ten_seconds_at_most(void **state)
{
    struct rig *r = *state;
    rig_turn(r, RIG_START_MS + MINUTE, SECOND);
    rig_turn(r, RIG_START_MS + MINUTE + 9999, 9999);
    assert_int_equal(r->d.minute_ms, RIG_START_MS);
    rig_turn(r, RIG_START_MS + MINUTE + 10000, 1);
    assert_int_equal(r->d.minute_ms, RIG_START_MS + MINUTE);
}

static void a_sample_of_the_next_minute_stays_for_the_next_also_on_the_disk(void **state)
{
    struct rig *r = *state;
    int64_t end_ms = RIG_START_MS + MINUTE;
    rig_sample(r, 0, end_ms - 1, 100);
    rig_sample(r, 0, end_ms, 300);
    rig_turn(r, end_ms, SECOND); /* both are in the sample table */
    rig_mark(r, 0, end_ms);
    rig_mark(r, 1, end_ms);
    rig_turn(r, end_ms + 1, 1); /* the minute's transaction empties it */
    assert_int_equal(r->d.nsamples, 1);
    assert_int_equal(r->d.samples[0].at_ms, end_ms);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, end_ms + 2);
    assert_int_equal(r->d.nsamples, 1);
    assert_int_equal(r->d.samples[0].at_ms, end_ms);
    assert_int_equal(rig_rows(r, "minute", "\"mean\":100.0,\"min\":100.0,\"max\":100.0,\"n\":1").n, 1);
}

static void a_late_sample_is_kept_but_is_in_no_mean(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 60, 100);
    rig_sample(r, 0, RIG_START_MS + 5, 900);
    rig_seconds(r, RIG_START_MS + MINUTE, 60, 100);
    assert_int_equal(r->d.late_samples, 1);
    struct rig_rows minutes = rig_rows(r, "minute", "\"max\":100.0");
    assert_int_equal(minutes.n, 2);
    assert_null(strstr(minutes.body, "900"));
}

static void a_late_sample_does_not_close_its_minute_again_after_a_restart(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 60, 100);
    rig_sample(r, 0, RIG_START_MS + 5, 900);
    rig_seconds(r, RIG_START_MS + MINUTE, 30, 100);
    batch_chunk(&r->d);
    batch_flush(&r->d);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS + MINUTE + 30 * SECOND);
    assert_int_equal(r->d.minute_ms, RIG_START_MS + MINUTE);
    assert_int_equal(r->d.nsamples, 61);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 1);
}

static void failed_reads_carry_no_value_anywhere(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 20, 100);
    rig_seconds(r, RIG_START_MS + 20 * SECOND, 40, NAN);
    const char *live_text = said("live/a");
    assert_non_null(live_text);
    assert_non_null(strstr(live_text, "\"pm10\":{\"q\":\"B\",\"why\":\"no answer\"}"));
    rig_seconds(r, RIG_START_MS + MINUTE, 60, NAN);
    struct rig_rows minutes = rig_rows(r, "minute", NULL);
    assert_int_equal(minutes.n, 2);
    assert_non_null(strstr(minutes.body, "\"a/pm10\":{\"n\":0,\"of\":60,\"q\":\"B\"}"));
    assert_null(strstr(minutes.body, "mean"));
}

static void with_live_every_0_each_reading_is_told_at_once_and_once(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 20, 100);
    rig_config.live_every_ms = 0;
    int before = stub.now_messages;
    rig_sample(r, 0, RIG_START_MS + 20 * SECOND, 777);
    pipeline_bus(&r->d, 0);
    rig_config.live_every_ms = 10000;
    assert_int_equal(stub.now_messages, before + 1);
    assert_non_null(strstr(said("live/a"), "\"v\":777.0"));
}

static void a_clock_set_back_ends_the_minute_and_goes_on_at_the_new_time(void **state)
{
    struct rig *r = *state;
    int64_t back_ms = RIG_START_MS - 45 * MINUTE;
    rig_seconds(r, RIG_START_MS, 30, 100);
    rig_turn(r, back_ms, SECOND);
    assert_int_equal(r->d.minute_ms, back_ms);
    rig_seconds(r, back_ms, 61, 100);
    assert_int_equal(r->d.minute_ms, back_ms + MINUTE);
    assert_int_equal(rig_rows(r, "clock", "\"step_ms\":").n, 1);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 2);
}

static void a_clock_set_back_by_less_than_a_minute_delays_no_chunk(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 50, 100);
    int64_t back_ms = RIG_START_MS + 10 * SECOND;
    rig_seconds(r, back_ms, 6, 100);
    assert_int_equal(r->d.minute_ms, RIG_START_MS);
    assert_true(r->d.next_chunk_ms <= back_ms + 6 * SECOND + RIG_EVERY_MS);
    assert_true(r->d.nsamples - r->d.chunked <= RIG_POINTS * RIG_EVERY_MS / SECOND);
}

static void a_clock_set_forward_leaves_one_gap_row_after_the_minute(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 30, 100);
    int64_t on_ms = RIG_START_MS + 3 * (int64_t)CLOCK_HOUR_MS;
    rig_seconds(r, on_ms, 30, 100);
    assert_int_equal(r->d.minute_ms, on_ms);
    struct rig_rows minutes = rig_rows(r, "minute", NULL), gaps = rig_rows(r, "gap", "\"from\":");
    assert_int_equal(minutes.n, 1);
    assert_int_equal(gaps.n, 1);
    assert_true(gaps.seq > minutes.seq);
    assert_int_equal(rig_rows(r, "clock", NULL).n, 1);
}

/* The store refuses for 40 minutes: more than the hole that a gap row would skip. */
static void a_full_store_keeps_every_minute_and_every_sample(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 90, 100);
    stub.full = true;
    rig_seconds(r, RIG_START_MS + 90 * SECOND, 40 * 60, 100);
    assert_true(r->d.nsamples > 30 * 60);
    stub.full = false;
    rig_seconds(r, RIG_START_MS + 90 * SECOND + 40 * MINUTE, 30, 100);
    assert_int_equal(r->d.minute_ms, RIG_START_MS + 42 * MINUTE);
    assert_int_equal(r->d.nsamples, 0);
    assert_int_equal(
        rig_rows(r, "minute", "\"a/pm10\":{\"mean\":100.0,\"min\":100.0,\"max\":100.0,\"n\":60").n, 42);
    assert_int_equal(rig_rows(r, "gap", NULL).n, 0);
}

/* A chunk that the store refused until its minute was closed would lie in the table after the minute's row.
 */
static void a_refused_chunk_does_not_outlive_its_minute(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 50, 100);
    stub.full = true;
    rig_seconds(r, RIG_START_MS + 50 * SECOND, 11, 100);
    assert_non_null(r->d.batch.raw);
    stub.full = false;
    batch_flush(&r->d);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS + 62 * SECOND);
    for (size_t i = 0; i < r->d.nsamples; i++)
        assert_true(r->d.samples[i].at_ms >= RIG_START_MS + MINUTE);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 1);
}

static void a_clock_set_back_while_the_store_is_full_loses_no_block(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 50, 100);
    stub.full = true;
    rig_seconds(r, RIG_START_MS + 50 * SECOND, 15, 100);
    const void *block = r->d.batch.raw;
    assert_non_null(block);
    int64_t back_ms = RIG_START_MS - 45 * MINUTE;
    rig_turn(r, back_ms, SECOND);
    assert_ptr_equal(r->d.batch.raw, block);
    stub.full = false;
    rig_turn(r, back_ms + SECOND, SECOND);
    rig_turn(r, back_ms + 2 * SECOND, SECOND);
    assert_int_equal(r->d.minute_ms, back_ms);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 2);
    assert_int_equal(rig_rows(r, "clock", NULL).n, 1);
}

static void fill(struct rig *r, int64_t from_ms, int minutes)
{
    for (int i = 1; i <= minutes; i++) {
        int64_t now_ms = from_ms + (int64_t)i * MINUTE;
        for (int s = 0; s < 60; s += 20)
            rig_sample(r, 0, now_ms - MINUTE + s * SECOND + 37, 100);
        rig_mark(r, 0, now_ms);
        rig_mark(r, 1, now_ms);
        rig_turn(r, now_ms, MINUTE);
    }
}

/* The store refuses for two days: the last hour is kept, of the others the means, and a row says what is not.
 */
static void a_store_full_for_days_costs_samples_and_no_memory(void **state)
{
    struct rig *r = *state;
    stub.full = true;
    fill(r, RIG_START_MS, 2 * 1440);
    assert_in_range(r->d.nsamples, 59 * 3, 62 * 3);
    assert_in_range(r->d.shed.samples, (2 * 1440 - 63) * 3, (2 * 1440 - 58) * 3);
    assert_true(r->d.shed.bytes <= 1 << 20);
    uint64_t dropped = r->d.shed.samples;
    stub.full = false;
    fill(r, RIG_START_MS + 2 * 1440 * (int64_t)MINUTE, 2);
    assert_false(r->d.shed.refused);
    assert_int_equal(r->d.shed.all_samples, dropped);
    assert_int_equal(r->d.nsamples, 0);
    char text[80];
    snprintf(text, sizeof text, "\"samples\":%llu,\"rows\":0,\"from_ms\":", (unsigned long long)dropped);
    assert_int_equal(rig_rows(r, "lost", text).n, 1);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 2 * 1440 + 2);
    assert_int_equal(rig_rows(r, "hour", NULL).n, 48);
    assert_int_equal(rig_rows(r, "gap", NULL).n, 0);
}

/* For a month: minutes are dropped too, hours and days are kept longer, and the ledger still takes a step. */
static void rows_of_the_ledger_hours_and_days_are_kept_longest(void **state)
{
    struct rig *r = *state;
    stub.full = true;
    fill(r, RIG_START_MS, 8 * 1440);
    assert_true(r->d.shed.rows > 1440);
    assert_in_range(r->d.shed.bytes, 1 << 19, 3 << 20);
    assert_true(row_append(&r->d, RIG_START_MS, "issue", "EX-2026-0001",
                           row_begin(&r->d, RIG_START_MS, "issue", "EX-2026-0001")) > 0);
    assert_int_equal(
        row_append(&r->d, RIG_START_MS, "minute", "", row_begin(&r->d, RIG_START_MS, "minute", "")), 0);
    stub.full = false;
    fill(r, RIG_START_MS + 8 * 1440 * (int64_t)MINUTE, 2);
    assert_int_equal(rig_rows(r, "hour", NULL).n, 8 * 24);
    assert_int_equal(rig_rows(r, "day", NULL).n, 8);
    assert_true(rig_rows(r, "minute", NULL).n < 7 * 1440);
    assert_int_equal(rig_rows(r, "gap", "\"reason\":\"full\"").n, 1);
}

static void a_step_that_finds_no_room_is_refused_and_not_applied(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 3600, 300);
    rig_settle(r);
    stub.full = true;
    rig_seconds(r, RIG_START_MS + 3600 * SECOND, 61, 300);
    r->d.shed.bytes = 3 << 20; /* as if all rows were there */
    int steps = ledger_issue(r->d.ledger, "EX-2026-0001")->nsteps;
    char why[256], *body;
    const struct act note = {.issue = "EX-2026-0001", .verb = VERB_NOTE, .by = &rig_people[0], .text = "n"};
    assert_int_equal(ledger_act(r->d.ledger, RIG_START_MS + CLOCK_HOUR_MS, &note, &body, why, sizeof why),
                     ERR_OK);
    assert_int_equal(row_step(&r->d, RIG_START_MS + CLOCK_HOUR_MS, "EX-2026-0001", body), 0);
    assert_int_equal(ledger_issue(r->d.ledger, "EX-2026-0001")->nsteps, steps);
    stub.full = false;
}

static void an_issue_is_told_only_after_its_row_is_committed(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 3000 - 1,
                300); /* of an hour's limit of 250, which 50 minutes of 300 use up */
    assert_null(said("issue/EX-2026-0001"));
    rig_settle(r);
    rig_seconds(r, RIG_START_MS + 2999 * SECOND, 1, 300);
    rig_settle(r);
    const struct issue *issue = ledger_issue(r->d.ledger, "EX-2026-0001");
    assert_non_null(issue);
    assert_non_null(said("issue/EX-2026-0001"));
    assert_true(stub.said_at >= issue->last_seq);
    assert_int_equal(rig_rows(r, "issue", NULL).n, 2); /* one a point */
}

static void a_step_that_is_not_committed_is_not_told_with_the_one_before(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 3600, 300);
    rig_settle(r);
    int messages = stub.now_messages;
    batch_tell(&r->d, r->d.committed, "EX-2026-0001", 0); /* of the first step */
    char why[256], *body;
    const struct act note = {.issue = "EX-2026-0001", .verb = VERB_NOTE, .by = &rig_people[0], .text = "n"};
    assert_int_equal(ledger_act(r->d.ledger, RIG_START_MS + CLOCK_HOUR_MS, &note, &body, why, sizeof why),
                     ERR_OK);
    int64_t seq = row_step(&r->d, RIG_START_MS + CLOCK_HOUR_MS, "EX-2026-0001", body);
    batch_tell(&r->d, seq, "EX-2026-0001", 0);
    tell_committed(&r->d);
    assert_int_equal(stub.now_messages, messages);
    batch_flush(&r->d);
    rig_settle(r);
    assert_int_equal(stub.now_messages, messages + 1);
}

static void an_issue_that_becomes_overdue_is_told_again(void **state)
{
    struct rig *r = *state;
    rig_limit.answer_ms = 2 * (int64_t)CLOCK_HOUR_MS;
    rig_seconds(r, RIG_START_MS, 3600, 300);
    rig_settle(r);
    rig_limit.answer_ms = 0;
    assert_non_null(strstr(said("issue/EX-2026-0001"), "\"overdue\":false"));
    rig_turn(r, RIG_START_MS + 5 * (int64_t)CLOCK_HOUR_MS, 4 * CLOCK_HOUR_MS);
    assert_non_null(strstr(said("issue/EX-2026-0001"), "\"overdue\":true"));
}

static void leave_event(struct rig *r, enum mqtt_event_kind kind, int64_t seq)
{
    struct mqtt_event e = {.kind = kind, .seq = seq, .limit = 20};
    assert_int_equal(ring_push(r->d.uplinks[0].ring, &e), ERR_OK);
}

static void push_event(struct rig *r, enum mqtt_event_kind kind, int64_t seq)
{
    leave_event(r, kind, seq);
    now_uplink(&r->d, 0);
}

static void a_cursor_is_on_the_disk_only_with_a_commit(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    push_event(r, MQTT_TAKEN, 2);
    batch_flush(&r->d); /* two rows are not worth a commit of their own */
    rig_settle(r);
    assert_int_equal(r->d.uplinks[0].persisted, 0);
    rig_seconds(r, RIG_START_MS, 5, 100);
    rig_settle(r);
    assert_int_equal(r->d.uplinks[0].persisted, 2);
    assert_int_equal(stub.persisted, 2);
    push_event(r, MQTT_TAKEN, 3);
    r->d.uplinks[0].mqtt = NULL; /* its thread has ended: the last cursor goes to the disk by itself */
    batch_flush(&r->d);
    rig_kill(r);
    rig_start(r, RIG_START_MS + 6 * SECOND);
    assert_int_equal(r->d.uplinks[0].taken, 3);
}

static void the_last_events_of_a_broker_that_has_ended_move_only_the_cursor(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    r->d.uplinks[0].mqtt = NULL; /* the stubs fail when they get it */
    r->d.uplinks[0].connected = false;
    leave_event(r, MQTT_CONNECTED, 0);
    leave_event(r, MQTT_WANT, 0);
    leave_event(r, MQTT_TAKEN, 2);
    now_last(&r->d, &r->d.uplinks[0]);
    assert_int_equal(r->d.uplinks[0].taken, 2);
    assert_int_equal(stub.ready, 0);
}

/* An issue each: of a point that nobody has. */
static void find_many(struct rig *r, int n)
{
    for (int i = 0; i < n; i++) {
        char id[32], cause[32], *body;
        snprintf(cause, sizeof cause, "x/%d", i);
        const struct finding f = {.kind = "limit",
                                  .subject = "test/pm10-hour",
                                  .cause = cause,
                                  .text_zh = "超标",
                                  .text_en = "over",
                                  .evidence = json_object()};
        assert_int_equal(ledger_find(r->d.ledger, RIG_START_MS, &f, &body, id), ERR_OK);
        batch_tell(&r->d, row_step(&r->d, RIG_START_MS, id, body), id, 0);
        batch_flush(&r->d);
        rig_settle(r);
    }
}

static void
after_a_connect_issues_are_told_no_faster_than_the_broker_takes_them_and_rows_only_then(void **state)
{
    enum { ISSUES = 600, AHEAD = 250 };
    struct rig *r = *state;
    find_many(r, ISSUES);
    int before = stub.now_messages;
    push_event(r, MQTT_CONNECTED, 0);
    int others = stub.now_messages - before - AHEAD; /* state, site … */
    assert_in_range(others, 3, 20);
    stub.waiting = AHEAD;
    now_issues_turn(&r->d, RIG_START_MS);
    assert_int_equal(stub.now_messages - before, others + AHEAD);
    stub.waiting = AHEAD - 10;
    now_issues_turn(&r->d, RIG_START_MS);
    assert_int_equal(stub.now_messages - before, others + AHEAD + 10);
    assert_int_equal(stub.ready, 0);
    assert_true(now_issues_wait(&r->d));
    for (stub.waiting = 0; now_issues_wait(&r->d);)
        now_issues_turn(&r->d, RIG_START_MS);
    assert_int_equal(stub.now_messages - before, others + ISSUES);
    assert_int_equal(stub.ready, 1);
    for (int i = 1; i <= ISSUES; i += 100) {
        char topic[40];
        snprintf(topic, sizeof topic, "issue/EX-2026-%04d", i);
        assert_true(i < ISSUES - 400 || said(topic)); /* the stub remembers the last 512 */
    }
}

/* The thread counts its connects, and waits for as many words that all is told. */
static void a_connect_that_is_lost_while_issues_are_told_is_answered_after_the_next_one(void **state)
{
    struct rig *r = *state;
    find_many(r, 300);
    push_event(r, MQTT_CONNECTED, 0);
    push_event(r, MQTT_LOST, 0);
    now_issues(&r->d, RIG_START_MS);
    assert_false(now_issues_wait(&r->d));
    assert_int_equal(stub.ready, 0);
    push_event(r, MQTT_CONNECTED, 0);
    while (now_issues_wait(&r->d))
        now_issues_turn(&r->d, RIG_START_MS);
    assert_int_equal(stub.ready, 2);
}

static void
of_steps_that_come_faster_than_the_broker_takes_issues_each_issue_is_told_once_in_the_end(void **state)
{
    struct rig *r = *state;
    stub.waiting = 1000;
    int before = stub.now_messages;
    find_many(r, 50);
    find_many(r, 50); /* found again: evidence */
    assert_int_equal(stub.now_messages, before);
    assert_true(now_issues_wait(&r->d));
    stub.waiting = 0;
    for (int i = 0; now_issues_wait(&r->d); i++) {
        assert_in_range(i, 0, 10);
        now_issues_turn(&r->d, RIG_START_MS);
    }
    assert_in_range(stub.now_messages - before, 50, 100);
    for (int i = 1; i <= 50; i++) {
        char topic[40];
        snprintf(topic, sizeof topic, "issue/EX-2026-%04d", i);
        assert_non_null(strstr(said(topic), "\"evidence\":2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_minute_ends_only_when_every_bus_has_marked_it),
        TEST(a_silent_bus_delays_a_minute_by_ten_seconds_at_most),
        TEST(a_sample_of_the_next_minute_stays_for_the_next_also_on_the_disk),
        TEST(a_late_sample_is_kept_but_is_in_no_mean),
        TEST(a_late_sample_does_not_close_its_minute_again_after_a_restart),
        TEST(failed_reads_carry_no_value_anywhere),
        TEST(with_live_every_0_each_reading_is_told_at_once_and_once),
        TEST(a_clock_set_back_ends_the_minute_and_goes_on_at_the_new_time),
        TEST(a_clock_set_back_by_less_than_a_minute_delays_no_chunk),
        TEST(a_clock_set_forward_leaves_one_gap_row_after_the_minute),
        TEST(a_full_store_keeps_every_minute_and_every_sample),
        TEST(a_refused_chunk_does_not_outlive_its_minute),
        TEST(a_clock_set_back_while_the_store_is_full_loses_no_block),
        TEST(a_store_full_for_days_costs_samples_and_no_memory),
        TEST(rows_of_the_ledger_hours_and_days_are_kept_longest),
        TEST(a_step_that_finds_no_room_is_refused_and_not_applied),
        TEST(an_issue_is_told_only_after_its_row_is_committed),
        TEST(a_step_that_is_not_committed_is_not_told_with_the_one_before),
        TEST(an_issue_that_becomes_overdue_is_told_again),
        TEST(a_cursor_is_on_the_disk_only_with_a_commit),
        TEST(after_a_connect_issues_are_told_no_faster_than_the_broker_takes_them_and_rows_only_then),
        TEST(a_connect_that_is_lost_while_issues_are_told_is_answered_after_the_next_one),
        TEST(of_steps_that_come_faster_than_the_broker_takes_issues_each_issue_is_told_once_in_the_end),
        TEST(the_last_events_of_a_broker_that_has_ended_move_only_the_cursor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
