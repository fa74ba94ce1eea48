/* The requirements at work: verdict rows, days judged again, findings told once, a restart. */
#include "tests/unit/pipeline_rig.h"

#include "daemon/judge/facts.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/record.h"
#include "daemon/required.h"
#include "daemon/rows.h"
#include "daemon/service.h"

#define DAY_MS INT64_C(1767283200000) /* 2026-01-02T00:00+08:00, the first whole day of the rig */

static struct check checks[] = {{.name = "exit-washed",
                                 .title_zh = "出场冲洗",
                                 .title_en = "Washed",
                                 .kind = CHECK_PASSAGE,
                                 .always = true,
                                 .need = NEED_WASH,
                                 .lasts_ms = 2 * CLOCK_MINUTE_MS,
                                 .within_ms = 10 * CLOCK_MINUTE_MS,
                                 .banned_from = WARNING_NEVER,
                                 .role = ""}};
static struct requirement list[] = {{.name = "washing",
                                     .title_zh = "出入车辆清洗",
                                     .title_en = "Vehicles are washed",
                                     .rectify_ms = CLOCK_HOUR_MS,
                                     .checks = checks,
                                     .nchecks = 1}};
static struct input_source sources[] = {{.name = "camera",
                                         .title_zh = "",
                                         .title_en = "",
                                         .kinds = 1 << INPUT_ALIVE | 1 << INPUT_PASSAGE,
                                         .person = ""}};

static int required_setup(void **state)
{
    rig_config.requirements = (struct requirements){
        .file = "test", .wording = "", .person = "manager", .answer_ms = CLOCK_HOUR_MS, .list = list, .n = 1};
    rig_config.sources = sources;
    rig_config.nsources = 1;
    return rig_setup(state);
}

static int required_teardown(void **state)
{
    int rc = rig_teardown(state);
    rig_config.requirements.n = 0;
    rig_config.nsources = 0;
    return rc;
}

/* Minutes of the day [from, to). */
static void live(struct rig *r, int from, int to)
{
    for (int i = 0; i < r->d.config->npoints; i++)
        r->d.means[i] = (struct mean){.mean = 80, .n = 1, .of = 1, .quality = QUALITY_NORMAL};
    for (int m = from; m < to; m++)
        required_minute(&r->d, DAY_MS + m * (int64_t)CLOCK_MINUTE_MS);
    batch_flush(&r->d);
    rig_settle(r);
}

static struct input passage(int minute, double wash_s)
{
    int64_t at_ms = DAY_MS + minute * (int64_t)CLOCK_MINUTE_MS;
    struct input i = {.kind = INPUT_PASSAGE,
                      .from_ms = at_ms,
                      .to_ms = at_ms,
                      .value = wash_s,
                      .what = "out",
                      .about = "晋J1***5",
                      .source = "camera"};
    snprintf(i.id, sizeof i.id, "p%d", minute);
    return i;
}

static void say(struct rig *r, struct input i)
{
    required_input(&r->d, &i, 0);
    batch_flush(&r->d);
    rig_settle(r);
}

static void watched(struct rig *r, int from, int to)
{
    say(r, (struct input){.kind = INPUT_ALIVE,
                          .from_ms = DAY_MS + from * (int64_t)CLOCK_MINUTE_MS,
                          .to_ms = DAY_MS + to * (int64_t)CLOCK_MINUTE_MS,
                          .value = NAN,
                          .source = "camera"});
}

static void a_day_that_is_over_and_settled_is_one_verdict_row(void **state)
{
    struct rig *r = *state;
    watched(r, 0, 1440);
    say(r, passage(600, 130));
    live(r, 0, 1440 + 10);
    int64_t before = r->d.head.seq;
    live(r, 1440 + 10, 1440 + 11); /* ten minutes and one may a vehicle's washing still come to light */
    assert_true(r->d.head.seq == before + 1);
    struct rig_rows rows = rig_rows(r, "requirement", NULL);
    assert_int_equal(rows.n, 1);
    assert_true(rows.at_ms == DAY_MS);
    assert_non_null(strstr(rows.body, "\"day\":\"2026-01-02\",\"verdict\":\"pass\""));
    assert_non_null(
        strstr(rows.body, "\"num\":1,\"den\":1,\"unknown\":0,\"excused\":0,\"completeness\":1.0"));
    assert_null(strstr(rows.body, "corrects"));
}

static void what_comes_late_corrects_the_verdict_of_its_day(void **state)
{
    struct rig *r = *state;
    watched(r, 0, 1440);
    say(r, passage(600, 130));
    live(r, 0, 2 * 1440);
    int64_t first = r->d.head.seq;
    watched(r, 0, 1440); /* nothing new */
    assert_true(r->d.head.seq == first);
    say(r, passage(700, 20));
    assert_true(r->d.head.seq > first);
    struct rig_rows rows = rig_rows(r, "requirement", "2026-01-02");
    assert_int_equal(rows.n, 2);
    assert_non_null(strstr(rows.body, "\"verdict\":\"breach\""));
    assert_non_null(strstr(rows.body, "\"num\":1,\"den\":2"));
    char corrects[48];
    snprintf(corrects, sizeof corrects, "\"corrects\":%lld", (long long)first);
    assert_non_null(strstr(rows.body, corrects));
    assert_int_equal(rig_rows(r, "issue", "wash_short").n, 1);
}

static void a_failure_is_an_issue_within_a_minute_and_told_once(void **state)
{
    struct rig *r = *state;
    watched(r, 0, 1440);
    live(r, 0, 600);
    say(r, passage(600, 0));
    live(r, 600, 601);
    assert_int_equal(ledger_count(r->d.ledger), 1);
    const struct issue *i = ledger_at(r->d.ledger, 0);
    assert_string_equal(i->kind, "wash");
    assert_string_equal(i->subject, "washing");
    assert_string_equal(i->cause, "exit-washed/wash_none");
    assert_string_equal(i->person, "manager");
    assert_int_equal(i->nevidence, 1);
    live(r, 601, 700);
    assert_int_equal(i->nevidence, 1);
    say(r, passage(700, 0));
    live(r, 700, 720);
    assert_int_equal(i->nevidence, 2);
    assert_int_equal(ledger_count(r->d.ledger), 1);
}

static void the_next_vehicle_that_is_washed_closes_it(void **state)
{
    struct rig *r = *state;
    watched(r, 0, 1440);
    say(r, passage(600, 0));
    live(r, 0, 602);
    const struct issue *i = ledger_at(r->d.ledger, 0);
    assert_true(issue_is_open(i));
    say(r, passage(610, 125));
    live(r, 602, 612);
    assert_false(issue_is_open(i));
    say(r, passage(620, 0));
    live(r, 612, 622);
    assert_int_equal(ledger_count(r->d.ledger), 2);
    assert_true(ledger_at(r->d.ledger, 1)->relapse);
}

static void a_restart_tells_nothing_twice_and_judges_what_is_left(void **state)
{
    struct rig *r = *state;
    int64_t minute_ms = CLOCK_MINUTE_MS;
    struct input alive = {.kind = INPUT_ALIVE,
                          .from_ms = DAY_MS,
                          .to_ms = DAY_MS + 1440 * minute_ms,
                          .value = NAN,
                          .source = "camera"};
    watched(r, 0, 1440);
    say(r, passage(600, 0));
    row_minute(&r->d, DAY_MS + 600 * minute_ms, r->d.means, NULL);
    live(r, 0, 2 * 1440);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, DAY_MS + 2 * 1440 * minute_ms);
    int64_t before = r->d.head.seq;
    required_known(&r->d, &alive, 0, alive.to_ms); /* their rows are not the rig's to write */
    struct input p = passage(600, 0);
    required_known(&r->d, &p, 0, p.from_ms);
    say(r, passage(601, 0)); /* one more, late */
    struct rig_rows rows = rig_rows(r, "requirement", "2026-01-02");
    assert_int_equal(rows.n, 2);
    assert_true(rows.seq > before);
    assert_non_null(strstr(rows.body, "\"corrects\""));
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"open\"").n, 1);
    assert_int_equal(rig_rows(r, "issue", "\"step\":\"evidence\"").n, 1);
}

static void a_day_that_nobody_watched_is_judged_again_when_somebody_says_he_has(void **state)
{
    struct rig *r = *state;
    int64_t minute_ms = CLOCK_MINUTE_MS;
    for (int restarted = 0; restarted < 2; restarted++) {
        int day = restarted * 2 * 1440; /* each time a day of its own */
        struct input p = passage(day + 600, 130);
        say(r, p);
        row_minute(&r->d, DAY_MS + (day + 600) * minute_ms, r->d.means, NULL);
        live(r, day, day + 2 * 1440);
        if (restarted) {
            rig_settle(r);
            rig_kill(r);
            rig_start(r, DAY_MS + (day + 2 * 1440) * minute_ms);
            required_known(&r->d, &p, 0, p.from_ms); /* its row is not the rig's to write */
        }
        watched(r, day, day + 1440);
        const char *date = restarted ? "2026-01-04" : "2026-01-02";
        struct rig_rows rows = rig_rows(r, "requirement", date);
        assert_int_equal(rows.n, 2);
        assert_non_null(strstr(rows.body, "\"verdict\":\"pass\""));
        assert_non_null(strstr(rows.body, "\"corrects\""));
        rig_start(r, DAY_MS + (day + 2 * 1440) * minute_ms);
    }
}

/* The requirement is that the meters measure, in every half hour round the clock. */
static struct check measured[] = {{.name = "measured",
                                   .title_zh = "在线监测",
                                   .title_en = "Measured",
                                   .kind = CHECK_DURING,
                                   .always = true,
                                   .role = "pm10",
                                   .state = STATE_MEASURED,
                                   .slot_ms = 30 * CLOCK_MINUTE_MS,
                                   .grace_ms = 3 * CLOCK_MINUTE_MS,
                                   .banned_from = WARNING_NEVER}};

static int measured_setup(void **state)
{
    list[0].checks = measured;
    int rc = required_setup(state);
    rig_config.quality = (struct quality_config){
        .hole_ms = 10 * CLOCK_MINUTE_MS, .flat_ms = 2 * (int64_t)CLOCK_HOUR_MS, .night = ""};
    struct rig *r = *state;
    rig_kill(r);
    rig_start(r, RIG_START_MS);
    return rc;
}

static int measured_teardown(void **state)
{
    list[0].checks = checks;
    rig_config.quality = (struct quality_config){0};
    return required_teardown(state);
}

/* Minutes of the day [from, to), through the judge and into the journal; meter a stands still in `stuck`. */
static void measure(struct rig *r, int from, int to, int stuck)
{
    for (int m = from; m < to; m++) {
        int64_t start_ms = DAY_MS + m * (int64_t)CLOCK_MINUTE_MS;
        for (int i = 0; i < r->d.config->npoints; i++) {
            double v = i == 0 && m >= stuck ? 66 : 80 + m % 7;
            r->d.means[i] = (struct mean){v, v, v, 60, 60, QUALITY_NORMAL, 0};
        }
        judge_check(r->d.judge, start_ms, r->d.means);
        row_minute(&r->d, start_ms, r->d.means, NULL);
        judging_minute(&r->d, start_ms);
        batch_flush(&r->d);
        if (m % 60 == 0)
            rig_settle(r);
    }
    rig_settle(r);
}

static void a_flag_that_reaches_back_over_midnight_judges_the_day_again(void **state)
{
    struct rig *r = *state;
    const int stuck = 1440 - 90; /* which is sure half an hour after midnight */
    measure(r, 0, 1440 + 20, stuck);
    struct rig_rows rows = rig_rows(r, "requirement", "\"verdict\":\"pass\"");
    assert_int_equal(rows.n, 1);
    assert_true(rows.at_ms == DAY_MS);
    int64_t first = rows.seq;
    rig_start(r, DAY_MS + (1440 + 20) * (int64_t)CLOCK_MINUTE_MS); /* also after a restart */
    measure(r, 1440 + 20, 1440 + 35, stuck);
    rows = rig_rows(r, "requirement", "\"day\":\"2026-01-02\"");
    assert_int_equal(rows.n, 2);
    assert_non_null(strstr(rows.body, "\"verdict\":\"unknown\""));
    assert_non_null(strstr(rows.body, "\"unknown\":3")); /* the three half hours before midnight */
    assert_int_equal(rig_member(rows.body, "corrects"), first);
    rig_start(r, DAY_MS + (1440 + 35) * (int64_t)CLOCK_MINUTE_MS);
    const struct record *record = required_record(r->d.required);
    double flagged = record_value(record, 0, DAY_MS + (1440 - 30) * (int64_t)CLOCK_MINUTE_MS);
    double other = record_value(record, 1, DAY_MS + (1440 - 30) * (int64_t)CLOCK_MINUTE_MS);
    assert_true(flagged != flagged); /* no number */
    assert_true(other > 79);
}

static void what_the_disk_refuses_is_found_and_judged_again_when_it_takes_rows(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < r->d.config->npoints; i++)
        r->d.means[i] = (struct mean){.mean = 80, .n = 1, .of = 1, .quality = QUALITY_NORMAL};
    struct input p = passage(600, 0);
    watched(r, 0, 1440);
    required_input(&r->d, &p, 0);
    r->d.shed.refused = true; /* the store takes no more, and memory is full */
    r->d.shed.bytes = 64 << 20;
    for (int m = 0; m < 1440 + 11; m++)
        required_minute(&r->d, DAY_MS + m * (int64_t)CLOCK_MINUTE_MS);
    assert_int_equal(ledger_count(r->d.ledger), 0);
    r->d.shed.refused = false;
    r->d.shed.bytes = 0;
    live(r, 1440 + 11, 1440 + 12);
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_int_equal(rig_rows(r, "requirement", "\"verdict\":\"breach\"").n, 1);
}

static void a_day_that_was_judged_is_judged_again_when_the_disk_takes_rows(void **state)
{
    struct rig *r = *state;
    watched(r, 0, 1440);
    say(r, passage(600, 130));
    live(r, 0, 1440 + 11);
    r->d.shed.refused = stub.full = true;
    r->d.shed.bytes = 64 << 20;
    struct input late = passage(700, 0);
    required_input(&r->d, &late, 0);
    assert_int_equal(ledger_count(r->d.ledger), 0);
    stub.full = false;
    live(r, 1440 + 11, 1440 + 13);
    assert_int_equal(ledger_count(r->d.ledger), 1);
    struct rig_rows corrected = rig_rows(r, "requirement", "\"corrects\"");
    assert_int_equal(corrected.n, 1);
    assert_non_null(strstr(corrected.body, "\"verdict\":\"breach\""));
}

/* The disk took nothing when it happened, and the vehicle that makes it good came before it was found. */
static void what_a_day_before_is_found_to_lack_is_made_good_by_todays_wash(void **state)
{
    struct rig *r = *state;
    watched(r, 0, 2 * 1440);
    live(r, 0, 1439);
    say(r, passage(1439, 0));
    r->d.shed.refused = true;
    live(r, 1439, 1446);
    say(r, passage(1445, 130));
    r->d.shed.refused = false;
    live(r, 1446, 1450);
    assert_int_equal(ledger_count(r->d.ledger), 0);
    live(r, 1450, 1451); /* the day is settled */
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_false(issue_is_open(ledger_at(r->d.ledger, 0)));
}

/* Nothing else happens in that hour: no slot ends, no vehicle comes. */
static void what_could_not_be_written_is_told_with_the_next_minute(void **state)
{
    struct rig *r = *state;
    watched(r, 0, 1440);
    live(r, 0, 600);
    say(r, passage(600, 0));
    r->d.hold.undated = true; /* rows are held and have no number: as when the disk takes none */
    live(r, 600, 601);
    assert_int_equal(ledger_count(r->d.ledger), 0);
    r->d.hold.undated = false;
    live(r, 601, 602);
    assert_int_equal(ledger_count(r->d.ledger), 1);
}

static void stage_background_and_maintenance_reach_the_judges_facts(void **state)
{
    struct rig *r = *state;
    struct facts *f = required_facts(r->d.required);
    say(r, (struct input){.kind = INPUT_STAGE, .from_ms = DAY_MS, .to_ms = INPUT_OPEN, .what = "earthwork"});
    say(r, (struct input){.kind = INPUT_BACKGROUND,
                          .from_ms = DAY_MS,
                          .to_ms = DAY_MS + CLOCK_HOUR_MS,
                          .what = "pm10",
                          .value = 96});
    say(r, (struct input){.kind = INPUT_MAINTENANCE,
                          .from_ms = DAY_MS,
                          .to_ms = DAY_MS + CLOCK_HOUR_MS,
                          .what = "calibration",
                          .about = "a"});
    assert_int_equal(facts_stage(f, DAY_MS + 1), STAGE_EARTHWORK);
    assert_true(facts_background(f, "pm10", DAY_MS, CLOCK_HOUR_MS) == 96);
    assert_int_equal(facts_service(f, "a", DAY_MS + 1), 'C');
}

static void a_device_that_is_served_says_so_until_it_ends(void **state)
{
    struct rig *r = *state;
    struct device_now *now = &r->d.devices[0];
    now->state = DEVICE_UP;
    say(r, (struct input){.kind = INPUT_MAINTENANCE,
                          .from_ms = DAY_MS,
                          .to_ms = DAY_MS + CLOCK_HOUR_MS,
                          .what = "calibration",
                          .about = "a"});
    clock_simulate_since(DAY_MS, 1, clock_wire_us());
    service_turn(&r->d, DAY_MS);
    assert_non_null(
        strstr(said("device/a"), "\"service\":{\"what\":\"calibration\",\"until\":1767286800000}"));
    int told = stub.now_messages;
    service_turn(&r->d, DAY_MS + CLOCK_MINUTE_MS);
    assert_int_equal(stub.now_messages, told); /* nothing is new */
    clock_simulate_since(DAY_MS + CLOCK_HOUR_MS, 1, clock_wire_us());
    service_turn(&r->d, DAY_MS + CLOCK_HOUR_MS);
    assert_null(strstr(said("device/a"), "service"));
}

static void the_board_says_how_today_stands_since_when_and_how_yesterday_ended(void **state)
{
    struct rig *r = *state;
    int64_t minute_ms = CLOCK_MINUTE_MS;
    watched(r, 0, 2 * 1440);
    say(r, passage(600, 0));
    live(r, 0, 1440 + 30);
    say(r, passage(1440 + 20, 130));
    live(r, 1440 + 30, 1440 + 31);
    json_t *board = required_board(&r->d);
    const json_t *line = json_array_get(json_object_get(board, "requirements"), 0);
    const json_t *check = json_array_get(json_object_get(line, "checks"), 0),
                 *last = json_object_get(line, "last_day");
    assert_true(json_integer_value(json_object_get(board, "ts")) == DAY_MS + (1440 + 31) * minute_ms);
    assert_string_equal(json_string_value(json_object_get(line, "verdict")), "pass");
    assert_true(json_integer_value(json_object_get(line, "since")) == DAY_MS + 1440 * minute_ms);
    assert_int_equal(json_integer_value(json_object_get(line, "num")), 1);
    assert_string_equal(json_string_value(json_object_get(last, "verdict")), "breach");
    assert_int_equal(json_integer_value(json_object_get(last, "den")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(check, "last"), "outcome")), "met");
    json_decref(board);
}

static int64_t since(const struct rig *r)
{
    json_t *board = required_board(&r->d);
    const json_t *line = json_array_get(json_object_get(board, "requirements"), 0);
    int64_t since_ms = json_integer_value(json_object_get(line, "since"));
    json_decref(board);
    return since_ms;
}

static void since_when_a_requirement_stands_so_is_known_after_a_restart_too(void **state)
{
    struct rig *r = *state;
    struct input alive = {.kind = INPUT_ALIVE,
                          .from_ms = DAY_MS,
                          .to_ms = DAY_MS + CLOCK_DAY_MS,
                          .value = NAN,
                          .source = "camera"};
    struct input p = passage(100, 0);
    say(r, alive);
    say(r, p);
    live(r, 0, 300); /* not washed, which is sure some minutes after it left */
    int64_t since_ms = since(r);
    assert_in_range(since_ms, DAY_MS + 100 * CLOCK_MINUTE_MS, DAY_MS + 115 * CLOCK_MINUTE_MS);
    rig_kill(r);
    rig_start(r, DAY_MS + 301 * (int64_t)CLOCK_MINUTE_MS);
    required_known(&r->d, &alive, 0, alive.to_ms); /* their rows are not the rig's to write */
    required_known(&r->d, &p, 0, p.from_ms);
    live(r, 301, 302);
    assert_true(since(r) == since_ms);
}

static void the_board_is_told_to_brokers_when_it_changes_and_not_each_minute(void **state)
{
    struct rig *r = *state;
    int said = 0;
    watched(r, 0, 1440);
    live(r, 0, 10);
    stub.now_messages = 0;
    live(r, 10, 40);
    for (int i = 0; i < stub.now_messages; i++)
        said += strcmp(stub.topic[i], "requirements") == 0;
    assert_int_equal(said, 0);
    say(r, passage(41, 0));
    live(r, 40, 45);
    for (int i = 0; i < stub.now_messages; i++)
        said += strcmp(stub.topic[i], "requirements") == 0;
    assert_int_equal(said, 1);
}

#define REQUIRED(test) cmocka_unit_test_setup_teardown(test, required_setup, required_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUIRED(a_day_that_is_over_and_settled_is_one_verdict_row),
        REQUIRED(what_comes_late_corrects_the_verdict_of_its_day),
        REQUIRED(a_failure_is_an_issue_within_a_minute_and_told_once),
        REQUIRED(the_next_vehicle_that_is_washed_closes_it),
        REQUIRED(a_restart_tells_nothing_twice_and_judges_what_is_left),
        REQUIRED(a_day_that_nobody_watched_is_judged_again_when_somebody_says_he_has),
        REQUIRED(since_when_a_requirement_stands_so_is_known_after_a_restart_too),
        REQUIRED(the_board_says_how_today_stands_since_when_and_how_yesterday_ended),
        REQUIRED(the_board_is_told_to_brokers_when_it_changes_and_not_each_minute),
        cmocka_unit_test_setup_teardown(a_flag_that_reaches_back_over_midnight_judges_the_day_again,
                                        measured_setup, measured_teardown),
        REQUIRED(a_day_that_was_judged_is_judged_again_when_the_disk_takes_rows),
        REQUIRED(what_the_disk_refuses_is_found_and_judged_again_when_it_takes_rows),
        REQUIRED(what_a_day_before_is_found_to_lack_is_made_good_by_todays_wash),
        REQUIRED(what_could_not_be_written_is_told_with_the_next_minute),
        REQUIRED(stage_background_and_maintenance_reach_the_judges_facts),
        REQUIRED(a_device_that_is_served_says_so_until_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
