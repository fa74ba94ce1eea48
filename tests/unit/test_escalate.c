/* Escalation: who is told of an issue and when; the numbers are those of the example, all [proposal]. */
#include "tests/unit/an_escalation.h"

struct floor { /* the bench first: its helpers take it */
    struct bench *b;
    struct ladder l;
};

static int floor_setup(void **state)
{
    struct floor *f = mem_new(struct floor);
    bench_setup(state);
    f->b = *state;
    ladder_open(&f->l, &f->b->config);
    *state = f;
    return 0;
}

static int floor_teardown(void **state)
{
    struct floor *f = *state;
    ladder_close(&f->l);
    *state = f->b;
    mem_free(f);
    return bench_teardown(state);
}

/* Nothing more and nothing less than these, since `from`; ends with NULL. */
#define assert_said(f, from, ...) said_is(f, from, (const char *const[]){__VA_ARGS__, NULL})
static void said_is(const struct floor *f, int from, const char *const *expected)
{
    int i = from;
    for (; *expected; expected++, i++) {
        assert_true(i < f->l.n);
        assert_string_equal(f->l.said[i], *expected);
    }
    if (i < f->l.n)
        fail_msg("also said: %s", f->l.said[i]);
}

/* Minute by minute. */
static void pass(struct floor *f, int64_t ms)
{
    for (int64_t end = f->b->now + ms; f->b->now < end;) {
        f->b->now += MINUTE;
        look(&f->l, f->b);
    }
}

static void who_is_responsible_is_told_at_once_of_what_was_found(void **state)
{
    struct floor *f = *state;
    find_breach(f->b);
    look(&f->l, f->b);
    assert_said(f, 0, "found LQ-2026-0001: site-manager");
}

static void an_alert_says_what_it_is_about_in_both_languages_and_no_more_than_that(void **state)
{
    struct floor *f = *state;
    const struct issue *i = find_breach(f->b);
    json_t *alert = escalation_due(f->l.escalation, &f->b->config, i, f->b->now);
    const json_t *title = json_object_get(alert, "title"), *text = json_object_get(alert, "text");
    assert_string_equal(json_string_value(json_object_get(alert, "level")), "major");
    assert_string_equal(json_string_value(json_object_get(title, "zh")),
                        "found：疑似扬尘超标：小时均值 312.4 ug/m3，达到 250");
    assert_string_equal(json_string_value(json_object_get(title, "en")),
                        "found: Suspected: Dust limit breached: hour mean 312.4 ug/m3 reaches 250");
    assert_string_equal(
        json_string_value(json_object_get(text, "zh")),
        "编号 LQ-2026-0001；责任人 项目经理；2026-03-14 02:00 前回复；2026-03-16 00:00 前整改到位");
    assert_string_equal(json_string_value(json_object_get(text, "en")),
                        "No. LQ-2026-0001; responsible: 项目经理; answer by 2026-03-14 02:00; rectify by "
                        "2026-03-16 00:00");
    json_decref(alert);
}

static void an_issue_that_nobody_touches_goes_up_the_whole_ladder_each_step_once(void **state)
{
    struct floor *f = *state;
    find_breach(f->b);
    pass(f, 15 * (int64_t)DAY);
    assert_said(f, 0, "found LQ-2026-0001: site-manager", "unanswered LQ-2026-0001: site-manager community",
                "due_soon LQ-2026-0001: site-manager", "overdue LQ-2026-0001: site-manager community",
                "notice LQ-2026-0001: site-manager community officer two-hats",
                "summon LQ-2026-0001: site-manager officer two-hats",
                "accountable LQ-2026-0001: site-manager officer two-hats");
}

static void each_step_comes_in_the_minute_after_its_moment_and_not_before(void **state)
{
    struct floor *f = *state;
    static const int64_t after[] = {0, 2 * HOUR, DAY, 2 * (int64_t)DAY, 5 * (int64_t)DAY};
    int64_t start = f->b->now;
    find_breach(f->b);
    for (int k = 0; k < 5; k++) {
        f->b->now = start + after[k] - (k == 2 ? 1 : 0); /* at the deadline itself it is not late */
        assert_int_equal(look(&f->l, f->b), k == 0);
        f->b->now = start + after[k] + (k == 2 ? 0 : MINUTE);
        assert_int_equal(look(&f->l, f->b), k != 0);
    }
}

static void who_has_answered_is_not_reminded_to_answer(void **state)
{
    struct floor *f = *state;
    find_breach(f->b);
    look(&f->l, f->b);
    do_act(f->b, VERB_ANSWER, SITE);
    pass(f, 20 * HOUR);
    assert_said(f, 0, "found LQ-2026-0001: site-manager");
}

static void nothing_is_late_while_others_review_what_was_rectified(void **state)
{
    struct floor *f = *state;
    issue_in(f->b, "limit", ISSUE_REVIEW);
    int before = f->l.n;
    pass(f, 5 * (int64_t)DAY + HOUR);
    assert_said(f, before, "found LQ-2026-0001: site-manager");
    do_act(f->b, VERB_RETURN, INSPECTOR);
    look(&f->l, f->b);
    assert_said(f, before + 1, "assigned LQ-2026-0001: site-manager",
                "overdue LQ-2026-0001: site-manager community",
                "notice LQ-2026-0001: site-manager community officer two-hats");
}

/* FUXA#1580: who was alarmed never hears that it is over. */
static void everybody_who_was_told_is_told_when_it_is_over_and_nobody_else(void **state)
{
    struct floor *f = *state;
    find_breach(f->b);
    pass(f, 3 * HOUR);
    do_act(f->b, VERB_DISMISS, OFFICE);
    pass(f, 20 * (int64_t)DAY);
    assert_said(f, 2, "ended LQ-2026-0001: site-manager community");
    assert_int_equal(escalation_open(f->l.escalation), 0);
}

/* FUXA PR#2001: an alarm that comes again after its end is not told. */
static void what_comes_again_after_its_end_is_told_again(void **state)
{
    struct floor *f = *state;
    find_breach(f->b);
    look(&f->l, f->b);
    do_act(f->b, VERB_DISMISS, OFFICE);
    look(&f->l, f->b);
    int before = f->l.n;
    find_breach(f->b);
    look(&f->l, f->b);
    assert_said(f, before, "found LQ-2026-0002: site-manager");
}

static void what_comes_again_while_it_waits_for_review_is_told_again(void **state)
{
    struct floor *f = *state;
    find_breach(f->b);
    const enum verb verbs[] = {VERB_CONFIRM, VERB_ASSIGN, VERB_ACCEPT, VERB_RECTIFY};
    const enum who who[] = {COMMUNITY, OFFICE, CONTRACTOR, SITE};
    for (int i = 0; i < 4; i++)
        do_act(f->b, verbs[i], who[i]);
    look(&f->l, f->b);
    int before = f->l.n;
    find_breach(f->b);
    look(&f->l, f->b);
    assert_true(f->l.n > before);
}

static void of_an_issue_that_was_over_before_anybody_was_told_nobody_hears(void **state)
{
    struct floor *f = *state;
    issue_in(f->b, "limit", ISSUE_CLOSED);
    assert_int_equal(look(&f->l, f->b), 0);
}

static void whom_it_is_given_to_is_told_and_so_is_the_next_one(void **state)
{
    struct floor *f = *state;
    struct issue *i = (struct issue *)(uintptr_t)find_breach(f->b);
    look(&f->l, f->b);
    do_act(f->b, VERB_CONFIRM, COMMUNITY);
    struct act a = {
        .issue = f->b->id, .verb = VERB_ASSIGN, .by = &f->b->people[OFFICE], .person = "contractor"};
    char *body = NULL;
    assert_int_equal(ledger_act(f->b->ledger, f->b->now, &a, &body, f->b->why, sizeof f->b->why), ERR_OK);
    apply(f->b, body);
    look(&f->l, f->b);
    snprintf(i->person, sizeof i->person, "site-manager");
    look(&f->l, f->b);
    assert_said(f, 0, "found LQ-2026-0001: site-manager", "assigned LQ-2026-0001: contractor",
                "assigned LQ-2026-0001: site-manager");
}

static void a_deadline_that_is_moved_starts_its_steps_anew(void **state)
{
    struct floor *f = *state;
    struct issue *i = (struct issue *)(uintptr_t)find_breach(f->b);
    do_act(f->b, VERB_ANSWER, SITE);
    pass(f, 3 * (int64_t)DAY);
    i->rectify_due_ms += 5 * (int64_t)DAY;
    pass(f, 5 * (int64_t)DAY);
    assert_said(f, 0, "found LQ-2026-0001: site-manager", "due_soon LQ-2026-0001: site-manager",
                "overdue LQ-2026-0001: site-manager community", "due_soon LQ-2026-0001: site-manager",
                "overdue LQ-2026-0001: site-manager community");
}

static void a_reminder_that_would_come_with_the_finding_is_left_out(void **state)
{
    struct floor *f = *state;
    f->l.steps[3].before_ms = 48 * (int64_t)HOUR; /* the whole time there is */
    find_breach(f->b);
    pass(f, HOUR);
    assert_said(f, 0, "found LQ-2026-0001: site-manager");
}

static void nobody_is_reminded_of_a_deadline_that_has_passed_while_nobody_looked(void **state)
{
    struct floor *f = *state;
    find_breach(f->b);
    look(&f->l, f->b);
    f->b->now += 2 * (int64_t)DAY + HOUR;
    look(&f->l, f->b);
    assert_said(f, 1, "unanswered LQ-2026-0001: site-manager community",
                "overdue LQ-2026-0001: site-manager community");
}

/* Peers' alarms come again with each start: ★ "alerts repeated after restart". */
static void a_restart_repeats_nothing_and_forgets_nothing(void **state)
{
    struct floor *f = *state;
    find_breach(f->b);
    for (int day = 0; day < 15; day++) {
        pass(f, 7 * HOUR);
        ladder_restart(&f->l);
        assert_int_equal(look(&f->l, f->b), 0);
        pass(f, 17 * HOUR);
    }
    assert_int_equal(f->l.n, 7); /* as without restarts */
    do_act(f->b, VERB_DISMISS, OFFICE);
    ladder_restart(&f->l);
    look(&f->l, f->b);
    assert_said(f, 7, "ended LQ-2026-0001: site-manager community officer two-hats");
    ladder_restart(&f->l);
    assert_int_equal(look(&f->l, f->b), 0);
}

static void a_clock_that_is_set_back_repeats_nothing(void **state)
{
    struct floor *f = *state;
    int64_t start = f->b->now;
    find_breach(f->b);
    pass(f, 6 * (int64_t)DAY);
    int n = f->l.n;
    f->b->now = start - DAY;
    assert_int_equal(look(&f->l, f->b), 0);
    pass(f, 7 * (int64_t)DAY);
    assert_int_equal(f->l.n, n);
}

static void a_step_that_a_reload_adds_is_said_of_what_is_open_and_no_other_again(void **state)
{
    struct floor *f = *state;
    f->b->config.nescalation = 3;
    find_breach(f->b);
    pass(f, 3 * (int64_t)DAY);
    f->b->config.nescalation = STEPS;
    look(&f->l, f->b);
    assert_said(f, 2, "overdue LQ-2026-0001: site-manager community");
}

static void a_step_may_be_for_some_levels_only(void **state)
{
    struct floor *f = *state;
    f->l.steps[0].levels = 1u << LEVEL_MAJOR | 1u << LEVEL_CRITICAL;
    find(f->b, "data", "offline", "gate/pm10"); /* general */
    find_breach(f->b);                          /* major */
    look(&f->l, f->b);
    assert_said(f, 0, "found LQ-2026-0002: site-manager");
}

static void people_of_an_organisation_are_told_by_its_kind(void **state)
{
    struct floor *f = *state;
    static struct organisation town = {"town", "住建局", "Housing", ORGANISATION_DEPARTMENT};
    f->b->config.organisations = &town;
    f->b->config.norganisations = 1;
    f->b->people[NOBODY].organisation = "town";
    f->l.steps[0].organisations = 1u << ORGANISATION_DEPARTMENT;
    find_breach(f->b);
    look(&f->l, f->b);
    assert_said(f, 0, "found LQ-2026-0001: site-manager visitor");
}

static void a_step_that_reaches_nobody_today_is_said_when_there_is_somebody(void **state)
{
    struct floor *f = *state;
    f->l.steps[0].tell = ROLE_INSPECTOR;
    f->b->people[INSPECTOR].roles = 0;
    find_breach(f->b);
    assert_int_equal(look(&f->l, f->b), 0);
    f->b->people[INSPECTOR].roles = ROLE_INSPECTOR;
    look(&f->l, f->b);
    assert_said(f, 0, "found LQ-2026-0001: inspector");
}

static void rows_that_are_no_alert_of_an_issue_are_let_be(void **state)
{
    struct floor *f = *state;
    static const char *const bodies[] = {"{}", "{\"step\":7}", "{\"step\":\"test\",\"to\":[\"a\"]}",
                                         "{\"step\":\"found\",\"to\":7}",
                                         "{\"step\":\"found\",\"to\":[7,null]}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        json_t *body = json_loads(bodies[i], 0, NULL);
        escalation_said(f->l.escalation, "weekly-2026-09-18", body);
        escalation_said(f->l.escalation, i < 3 ? "somebody" : "LQ-2026-0009", body);
        json_decref(body);
    }
    assert_int_equal(escalation_open(f->l.escalation), 1);
    find_breach(f->b);
    assert_int_equal(look(&f->l, f->b), 1);
}

#define ON_FLOOR(test) cmocka_unit_test_setup_teardown(test, floor_setup, floor_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_FLOOR(who_is_responsible_is_told_at_once_of_what_was_found),
        ON_FLOOR(an_alert_says_what_it_is_about_in_both_languages_and_no_more_than_that),
        ON_FLOOR(an_issue_that_nobody_touches_goes_up_the_whole_ladder_each_step_once),
        ON_FLOOR(each_step_comes_in_the_minute_after_its_moment_and_not_before),
        ON_FLOOR(who_has_answered_is_not_reminded_to_answer),
        ON_FLOOR(nothing_is_late_while_others_review_what_was_rectified),
        ON_FLOOR(everybody_who_was_told_is_told_when_it_is_over_and_nobody_else),
        ON_FLOOR(what_comes_again_after_its_end_is_told_again),
        ON_FLOOR(what_comes_again_while_it_waits_for_review_is_told_again),
        ON_FLOOR(of_an_issue_that_was_over_before_anybody_was_told_nobody_hears),
        ON_FLOOR(whom_it_is_given_to_is_told_and_so_is_the_next_one),
        ON_FLOOR(a_deadline_that_is_moved_starts_its_steps_anew),
        ON_FLOOR(a_reminder_that_would_come_with_the_finding_is_left_out),
        ON_FLOOR(nobody_is_reminded_of_a_deadline_that_has_passed_while_nobody_looked),
        ON_FLOOR(a_restart_repeats_nothing_and_forgets_nothing),
        ON_FLOOR(a_clock_that_is_set_back_repeats_nothing),
        ON_FLOOR(a_step_that_a_reload_adds_is_said_of_what_is_open_and_no_other_again),
        ON_FLOOR(a_step_may_be_for_some_levels_only),
        ON_FLOOR(people_of_an_organisation_are_told_by_its_kind),
        ON_FLOOR(a_step_that_reaches_nobody_today_is_said_when_there_is_somebody),
        ON_FLOOR(rows_that_are_no_alert_of_an_issue_are_let_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
