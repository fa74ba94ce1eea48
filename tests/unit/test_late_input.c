/* A background or a stage of the work that comes late, in the journal and the ledger: its window is a new row
 * that names the one it corrects; a breach so found opens the issue, one so withdrawn is evidence and takes
 * nothing away. */
#include "tests/unit/pipeline_rig.h"

#include "daemon/inputs.h"
#include "daemon/judge/judge.h"
#include "daemon/rows.h"

enum { MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS };
static const int64_t midnight = 1767283200000; /* 2026-01-02T00:00+08:00 */

static struct input_source sources[] = {
    {.name = "county", .title_zh = "", .title_en = "", .kinds = 1 << INPUT_BACKGROUND, .person = ""}};

static int lost;          /* the first minutes of meter a are missing */
static double below = 20; /* what b shows less than a */

static int setup(void **state)
{
    rig_limit.minus = true;
    rig_limit.background_wait_ms = 2 * HOUR;
    rig_config.sources = sources;
    rig_config.nsources = 1;
    return rig_setup(state);
}

static int setup_stage(void **state)
{
    rig_limit.stages = STAGE_DEMOLITION | STAGE_EARTHWORK;
    return rig_setup(state);
}

static int teardown(void **state)
{
    int rc = rig_teardown(state);
    rig_limit.minus = false;
    rig_limit.stages = 0;
    rig_limit.over = OVER_EACH;
    lost = 0;
    below = 20;
    rig_config.nsources = 0;
    return rc;
}

/* Minutes of the site [from, to) from midnight on; meter a shows `a`, b as much less as `below` says. */
static void live(struct rig *r, int from, int to, double a)
{
    for (int m = from; m < to; m++) {
        int64_t start_ms = midnight + m * (int64_t)MINUTE;
        for (int i = 0; i < RIG_POINTS; i++) {
            double v = a - below * i;
            r->d.means[i] = (struct mean){v, v - 1, v + 1 + m % 3, 60, 60, QUALITY_NORMAL, 0};
        }
        if (m < lost)
            r->d.means[0] = (struct mean){NAN, NAN, NAN, 0, 60, QUALITY_NO_COMMUNICATION, 0};
        judge_check(r->d.judge, start_ms, r->d.means);
        row_minute(&r->d, start_ms, r->d.means, NULL);
        judging_minute(&r->d, start_ms);
        batch_flush(&r->d);
        if (m % 30 == 0)
            rig_settle(r);
    }
    rig_settle(r);
    clock_simulate_since(midnight + to * (int64_t)MINUTE, 1, clock_wire_us() - r->since_ms * 1000);
}

static void tell_background(struct rig *r, const char *id, int hour, double ugm3)
{
    struct inputs_from county = {.source = "county", .kinds = 1 << INPUT_BACKGROUND};
    struct inputs_said said;
    int64_t from_ms = midnight + hour * (int64_t)HOUR;
    json_t *message = json_pack("{s:s,s:I,s:I,s:s,s:f,s:s}", "id", id, "from", (json_int_t)from_ms, "to",
                                (json_int_t)(from_ms + HOUR), "role", "pm10", "value", ugm3, "unit", "ug/m3");
    assert_int_equal(inputs_take(&r->d, &county, INPUT_BACKGROUND, message, &said), ERR_OK);
    json_decref(message);
    batch_flush(&r->d);
    rig_settle(r);
}

static void what_comes_late_is_a_row_that_corrects_and_opens_the_issue(void **state)
{
    struct rig *r = *state;
    live(r, 0, 4 * 60, 300);
    assert_int_equal(ledger_count(r->d.ledger), 0); /* two hours are unknown */
    tell_background(r, "one", 0, 40);
    assert_int_equal(ledger_count(r->d.ledger), 1); /* 260 of a, 240 of b */
    assert_string_equal(ledger_at(r->d.ledger, 0)->cause, "a/pm10");
    assert_int_equal(ledger_at(r->d.ledger, 0)->nsteps, 1);
    struct rig_rows first = rig_rows(r, "verdict", "\"verdict\":\"unknown\",\"point\":\"a/pm10\"");
    struct rig_rows corrected = rig_rows(r, "verdict", "\"corrects\"");
    assert_int_equal(corrected.n, 2);
    corrected = rig_rows(r, "verdict", "\"verdict\":\"breach\"");
    assert_int_equal(corrected.n, 1);
    assert_non_null(strstr(corrected.body, "\"background\":40.0"));
    assert_true(corrected.at_ms == midnight);
    assert_int_equal(first.n, 2);
    assert_true(rig_member(corrected.body, "corrects") > 0 &&
                rig_member(corrected.body, "corrects") < first.seq);
}

static void a_breach_that_is_withdrawn_is_evidence_and_the_issue_stays(void **state)
{
    struct rig *r = *state;
    live(r, 0, 61, 300);
    tell_background(r, "one", 0, 40);
    live(r, 61, 62, 300);
    assert_int_equal(ledger_at(r->d.ledger, 0)->nevidence, 1);
    tell_background(r, "two", 0, 60);
    assert_int_equal(ledger_count(r->d.ledger), 1);
    const struct issue *issue = ledger_at(r->d.ledger, 0);
    assert_true(issue_is_open(issue));
    assert_int_equal(issue->state, ISSUE_FOUND);
    assert_int_equal(issue->nevidence, 2);
    struct rig_rows step = rig_rows(r, "issue", "no breach any more: pass");
    assert_int_equal(step.n, 1);
    assert_non_null(strstr(step.body, "\"verdict\":\"pass\""));
    rig_start(r, midnight + 63 * (int64_t)MINUTE); /* the ledger takes the step back in */
    assert_int_equal(ledger_at(r->d.ledger, 0)->nevidence, 2);
}

static void the_highest_of_several_is_corrected_whichever_it_was(void **state)
{
    struct rig *r = *state;
    rig_limit.over = OVER_MAX;
    lost = 30; /* so a is unknown even with a background, and b is the one over it */
    live(r, 0, 3 * 60, 300);
    rig_kill(r);
    rig_start(r, midnight + 3 * HOUR);
    live(r, 3 * 60, 3 * 60 + 1, 300);
    tell_background(r, "one", 0, 20);
    struct rig_rows first = rig_rows(r, "verdict", "\"point\":\"a/pm10\"");
    struct rig_rows corrected = rig_rows(r, "verdict", "\"breach\"");
    assert_int_equal(first.n, 1);
    assert_int_equal(corrected.n, 1);
    assert_int_equal(rig_member(corrected.body, "corrects"), first.seq);
}

/* b is over the limit, until a higher background leaves a, which is unknown, as what weighs most. */
static void the_issue_of_the_highest_of_several_hears_a_correction_that_names_another(void **state)
{
    struct rig *r = *state;
    rig_limit.over = OVER_MAX;
    lost = 30;
    live(r, 0, 61, 300);
    tell_background(r, "one", 0, 20);
    live(r, 61, 62, 300);
    const struct issue *issue = ledger_at(r->d.ledger, 0);
    assert_string_equal(issue->cause, "max");
    assert_non_null(strstr(issue->title_zh, "b/pm10"));
    assert_int_equal(issue->nevidence, 1);
    tell_background(r, "two", 0, 60);
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_int_equal(ledger_at(r->d.ledger, 0)->nevidence, 2);
    assert_int_equal(rig_rows(r, "verdict", "\"verdict\":\"unknown\",\"point\":\"a/pm10\"").n, 1);
    assert_int_equal(rig_rows(r, "issue", "no breach any more: unknown").n, 1);
}

static void windows_that_the_highest_of_several_keeps_are_counted_whichever_it_is(void **state)
{
    struct rig *r = *state;
    rig_limit.over = OVER_MAX;
    live(r, 0, 60, 200);
    below = -20;
    live(r, 60, 121, 200);
    tell_background(r, "one", 0, 10);
    tell_background(r, "two", 1, 10);
    live(r, 121, 122, 200);
    assert_int_equal(clean_count(&r->d.clean, rig_limit.id, "max"), 2);
    assert_int_equal(rig_rows(r, "verdict", "\"verdict\":\"pass\",\"point\":\"a/pm10\"").n, 1);
    assert_int_equal(rig_rows(r, "verdict", "\"verdict\":\"pass\",\"point\":\"b/pm10\"").n, 1);
    struct duty kinds[] = {{.name = "limit", .clean_windows = 2}};
    const struct issue_rules before = rig_config.issues;
    rig_config.issues.kinds = kinds;
    rig_config.issues.nkinds = 1;
    rig_start(r, midnight + 123 * (int64_t)MINUTE);
    assert_int_equal(clean_count(&r->d.clean, rig_limit.id, "max"), 2);
    rig_config.issues = before;
}

static void after_a_restart_days_later_the_window_is_judged_again_and_nothing_else(void **state)
{
    struct rig *r = *state;
    live(r, 0, 4 * 24 * 60, 300);
    int before = rig_rows(r, "verdict", NULL).n;
    rig_start(r, midnight + 4 * (int64_t)CLOCK_DAY_MS);
    live(r, 4 * 24 * 60, 4 * 24 * 60 + 1, 300);
    tell_background(r, "one", 5, 40);
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_int_equal(rig_rows(r, "verdict", NULL).n, before + 2);
    struct rig_rows corrected = rig_rows(r, "verdict", "\"breach\"");
    assert_true(corrected.at_ms == midnight + 5 * (int64_t)HOUR);
    rig_start(r, midnight + 4 * (int64_t)CLOCK_DAY_MS + 2 * MINUTE); /* once is enough */
    live(r, 4 * 24 * 60 + 2, 4 * 24 * 60 + 3, 300);
    tell_background(r, "two", 5, 40);
    assert_int_equal(rig_rows(r, "verdict", NULL).n, before + 2);
}

/* --- the stage of the work --- */

static void tell_stage(struct rig *r, const char *id, int hour, const char *stage)
{
    struct inputs_from office = {.source = "officer", .person = &rig_people[1], .kinds = 1 << INPUT_STAGE};
    struct inputs_said said;
    json_t *message = json_pack("{s:s,s:I,s:s,s:s}", "id", id, "from",
                                (json_int_t)(midnight + hour * (int64_t)HOUR), "stage", stage, "reason", "-");
    int rc = inputs_take(&r->d, &office, INPUT_STAGE, message, &said);
    assert_string_equal(said.text, "");
    assert_int_equal(rc, ERR_OK);
    json_decref(message);
    batch_flush(&r->d);
    rig_settle(r);
}

static void an_officer_whose_organisation_is_the_builder_is_refused(void **state)
{
    struct rig *r = *state;
    static struct organisation builder = {"builder", "", "", ORGANISATION_UNIT};
    rig_config.organisations = &builder;
    rig_config.norganisations = 1;
    struct person officer = rig_people[1];
    officer.organisation = "builder";
    struct inputs_from from = {.source = "officer", .person = &officer, .kinds = 1 << INPUT_STAGE};
    struct inputs_said said;
    json_t *message =
        json_pack("{s:s,s:I,s:s}", "id", "one", "from", (json_int_t)midnight, "stage", "structure");
    assert_int_equal(inputs_take(&r->d, &from, INPUT_STAGE, message, &said), ERR_DENIED);
    assert_non_null(strstr(said.text, "never for the responsible unit itself"));
    json_decref(message);
    rig_config.norganisations = 0;
}

static void a_stage_told_late_corrects_the_windows_since_then_and_opens_the_issue(void **state)
{
    struct rig *r = *state;
    live(r, 0, 3 * 60, 260); /* of a, 240 of b */
    assert_int_equal(ledger_count(r->d.ledger), 0);
    tell_stage(r, "one", 1, "earthwork");
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_string_equal(ledger_at(r->d.ledger, 0)->cause, "a/pm10");
    assert_int_equal(rig_rows(r, "verdict", "\"corrects\"").n, 4); /* two hours of two points */
    struct rig_rows breach = rig_rows(r, "verdict", "\"verdict\":\"breach\"");
    assert_int_equal(breach.n, 2);
    assert_non_null(strstr(breach.body, "\"stage\":\"earthwork\""));
    struct rig_rows first = rig_rows(r, "verdict", "\"verdict\":\"unknown\",\"point\":\"a/pm10\"");
    assert_int_equal(first.n, 3);
    assert_int_equal(rig_member(breach.body, "corrects"), first.seq); /* the newest of each: the third hour */
}

static void a_breach_of_a_limit_for_another_stage_is_taken_back_as_evidence(void **state)
{
    struct rig *r = *state;
    tell_stage(r, "one", 0, "earthwork");
    live(r, 0, 61, 260);
    int evidence = ledger_at(r->d.ledger, 0)->nevidence;
    tell_stage(r, "two", 0, "structure");
    assert_true(issue_is_open(ledger_at(r->d.ledger, 0)));
    assert_int_equal(ledger_at(r->d.ledger, 0)->nevidence, evidence + 1);
    struct rig_rows taken = rig_rows(r, "verdict", "\"verdict\":\"void\",\"point\":\"a/pm10\"");
    assert_int_equal(taken.n, 1);
    assert_int_equal(rig_member(taken.body, "corrects"), rig_rows(r, "verdict", "\"breach\"").seq);
}

static void after_a_restart_a_verdict_taken_back_is_not_told_twice_and_can_come_again(void **state)
{
    struct rig *r = *state;
    tell_stage(r, "one", 0, "earthwork");
    live(r, 0, 61, 260);
    tell_stage(r, "two", 0, "structure");
    int evidence = ledger_at(r->d.ledger, 0)->nevidence, rows = rig_rows(r, "verdict", NULL).n;
    rig_start(r, midnight + 62 * (int64_t)MINUTE);
    live(r, 62, 63, 260);
    assert_int_equal(rig_rows(r, "verdict", NULL).n, rows);
    rig_start(r, midnight + 64 * (int64_t)MINUTE);
    live(r, 64, 65, 260);
    tell_stage(r, "three", 0, "demolition");
    assert_int_equal(ledger_at(r->d.ledger, 0)->nevidence, evidence + 1);
    assert_int_equal(rig_rows(r, "verdict", NULL).n, rows + 2);
}

static void a_window_first_judged_late_is_not_told_again_after_a_restart(void **state)
{
    struct rig *r = *state;
    tell_stage(r, "one", 0, "structure");
    live(r, 0, 61, 260);
    assert_int_equal(ledger_count(r->d.ledger), 0);
    tell_stage(r, "two", 0, "earthwork");
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_int_equal(rig_rows(r, "verdict", "\"corrects\"").n, 0); /* there is nothing to correct */
    rig_start(r, midnight + 62 * (int64_t)MINUTE);
    live(r, 62, 63, 260);
    assert_int_equal(ledger_at(r->d.ledger, 0)->nevidence, 1);
    assert_int_equal(rig_rows(r, "verdict", NULL).n, 2);
}

static void a_stage_told_three_days_late_after_a_restart_judges_those_days_again(void **state)
{
    struct rig *r = *state;
    live(r, 0, 3 * 24 * 60, 260);
    rig_kill(r);
    rig_start(r, midnight + 3 * (int64_t)CLOCK_DAY_MS);
    live(r, 3 * 24 * 60, 3 * 24 * 60 + 1, 260);
    tell_stage(r, "one", 5, "earthwork");
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_int_equal(rig_rows(r, "verdict", "\"verdict\":\"breach\"").n, 3 * 24 - 5);
}

/* --- a disk that takes nothing --- */

/* The store refuses batches, and so much waits in memory that there is no room for verdicts. */
static void fill_up(struct rig *r)
{
    stub.full = true;
    r->d.shed.refused = true;
    r->d.shed.bytes = 5 << 19;
}

static void say_stage(struct rig *r, const char *id, int hour, const char *stage)
{
    struct inputs_from office = {.source = "officer", .person = &rig_people[1], .kinds = 1 << INPUT_STAGE};
    struct inputs_said said;
    json_t *message = json_pack("{s:s,s:I,s:s}", "id", id, "from",
                                (json_int_t)(midnight + hour * (int64_t)HOUR), "stage", stage);
    assert_int_equal(inputs_take(&r->d, &office, INPUT_STAGE, message, &said), ERR_OK);
    json_decref(message);
    batch_flush(&r->d);
}

static void a_correction_waits_for_a_disk_that_takes_nothing_and_goes_with_what_caused_it(void **state)
{
    struct rig *r = *state;
    live(r, 0, 3 * 60, 260);
    fill_up(r);
    say_stage(r, "one", 1, "earthwork");
    assert_int_equal(ledger_count(r->d.ledger), 0); /* no issue without the row that it rests on */
    stub.full = false;
    int commits = stub.commits;
    batch_flush(&r->d);
    assert_int_equal(stub.commits, commits + 1); /* the stage and its verdicts in one transaction */
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_int_equal(ledger_at(r->d.ledger, 0)->nevidence, 2);
    assert_int_equal(r->d.shed.all_rows, 0); /* nothing was dropped */
    rig_settle(r);
    assert_int_equal(rig_rows(r, "verdict", "\"corrects\"").n, 4);
    assert_int_equal(rig_rows(r, "verdict", "\"breach\"").n, 2);
}

static void of_corrections_that_wait_the_last_word_on_each_window_is_said(void **state)
{
    struct rig *r = *state;
    live(r, 0, 2 * 60, 260);
    fill_up(r);
    say_stage(r, "one", 0, "earthwork");
    say_stage(r, "two", 1, "structure");
    stub.full = false;
    batch_flush(&r->d);
    rig_settle(r);
    assert_int_equal(ledger_at(r->d.ledger, 0)->nevidence, 1); /* of the first hour */
    assert_int_equal(rig_rows(r, "verdict", "\"corrects\"").n, 4);
    assert_int_equal(rig_rows(r, "verdict", "\"void\"").n, 2);
    assert_int_equal(rig_rows(r, "verdict", "\"breach\"").n, 1);
}

static void a_reload_while_corrections_wait_says_them_of_the_same_limit_and_point(void **state)
{
    struct rig *r = *state;
    live(r, 0, 61, 260);
    fill_up(r);
    say_stage(r, "one", 0, "earthwork");
    struct config other = rig_config;
    struct config_point turned[] = {rig_points[1], rig_points[0]};
    struct limit two[] = {rig_limit, rig_limit};
    two[0].id = "test/other";
    other.points = turned;
    other.limits = two;
    other.nlimits = 2;
    unsaid_carry(&r->d, &other, (const int[]){1, 0});
    assert_int_equal(r->d.unsaid.n, 2);
    unsaid_carry(&r->d, &rig_config, (const int[]){1, 0}); /* and back: what the rig knows */
    stub.full = false;
    batch_flush(&r->d);
    rig_settle(r);
    assert_string_equal(ledger_at(r->d.ledger, 0)->cause, "a/pm10");
}

#define EACH(test)  cmocka_unit_test_setup_teardown(test, setup, teardown)
#define STAGE(test) cmocka_unit_test_setup_teardown(test, setup_stage, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(what_comes_late_is_a_row_that_corrects_and_opens_the_issue),
        EACH(a_breach_that_is_withdrawn_is_evidence_and_the_issue_stays),
        EACH(the_highest_of_several_is_corrected_whichever_it_was),
        EACH(the_issue_of_the_highest_of_several_hears_a_correction_that_names_another),
        EACH(windows_that_the_highest_of_several_keeps_are_counted_whichever_it_is),
        EACH(after_a_restart_days_later_the_window_is_judged_again_and_nothing_else),
        STAGE(an_officer_whose_organisation_is_the_builder_is_refused),
        STAGE(a_stage_told_late_corrects_the_windows_since_then_and_opens_the_issue),
        STAGE(a_breach_of_a_limit_for_another_stage_is_taken_back_as_evidence),
        STAGE(after_a_restart_a_verdict_taken_back_is_not_told_twice_and_can_come_again),
        STAGE(a_window_first_judged_late_is_not_told_again_after_a_restart),
        STAGE(a_correction_waits_for_a_disk_that_takes_nothing_and_goes_with_what_caused_it),
        STAGE(of_corrections_that_wait_the_last_word_on_each_window_is_said),
        STAGE(a_reload_while_corrections_wait_says_them_of_the_same_limit_and_point),
        STAGE(a_stage_told_three_days_late_after_a_restart_judges_those_days_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
