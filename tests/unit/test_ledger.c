/* The life of an issue: who may do what when, what the machine does, numbers, deadlines. */
#include "a_ledger.h"

/* The design's table written down again: where each verb leads from found, confirmed, assigned, working,
 * review, closed, dismissed; '.' is refused. */
static const struct {
    enum verb verb;
    const char *to;
    enum who who; /* somebody who may */
} life[] = {
    {VERB_CONFIRM, "c......", COMMUNITY}, {VERB_ASSIGN, ".aaa...", OFFICE},
    {VERB_ACCEPT, "..w....", SITE},       {VERB_ANSWER, "fcawr..", SITE},
    {VERB_RECTIFY, "...r...", SITE},      {VERB_RETURN, "....w..", INSPECTOR},
    {VERB_CLOSE, "....x..", COMMUNITY},   {VERB_DISMISS, "ddddd..", OFFICE},
    {VERB_NOTE, "fcawrxd", SITE},         {VERB_INSPECT, "....r..", INSPECTOR},
    {VERB_PHOTO, "fcawr..", CONTRACTOR},
};
static const char letters[] = "fcawrxd";

static void each_verb_leads_from_each_state_where_the_life_cycle_says(void **state)
{
    struct bench *b = *state;
    for (size_t v = 0; v < sizeof life / sizeof life[0]; v++)
        for (int from = 0; from < ISSUE__STATES; from++) {
            const struct issue *i = issue_in(b, "limit", (enum issue_state)from);
            int steps = i->nsteps, error = try_act(b, i->id, life[v].verb, life[v].who);
            if (life[v].to[from] == '.') {
                assert_int_equal(error, ERR_STATE);
                assert_int_equal(i->state, from);
                assert_int_equal(i->nsteps, steps);
            } else {
                assert_int_equal(error, ERR_OK);
                assert_int_equal(letters[i->state], life[v].to[from]);
                assert_int_equal(i->nsteps, steps + 1);
            }
        }
}

/* Columns: site, contractor, community, office, inspector, site and office, no role. */
static const struct {
    enum verb verb;
    enum issue_state from;
    const char *may;
} roles[] = {
    {VERB_OPEN, ISSUE_FOUND, "......."},       {VERB_EVIDENCE, ISSUE_FOUND, "......."},
    {VERB_RECOVER, ISSUE_FOUND, "......."},    {VERB_CONFIRM, ISSUE_FOUND, "..yyy.."},
    {VERB_ASSIGN, ISSUE_CONFIRMED, "..yyy.."}, {VERB_ACCEPT, ISSUE_ASSIGNED, "yy...y."},
    {VERB_ANSWER, ISSUE_WORKING, "yy...y."},   {VERB_RECTIFY, ISSUE_WORKING, "yy...y."},
    {VERB_RETURN, ISSUE_REVIEW, "..yyy.."},    {VERB_CLOSE, ISSUE_REVIEW, "..yyy.."},
    {VERB_DISMISS, ISSUE_FOUND, "..yyy.."},    {VERB_NOTE, ISSUE_FOUND, "yyyyyy."},
    {VERB_INSPECT, ISSUE_REVIEW, "..yyy.."},   {VERB_PHOTO, ISSUE_FOUND, "yyyyyy."},
};

static void each_role_may_what_the_table_says_and_nothing_else(void **state)
{
    struct bench *b = *state;
    assert_int_equal(sizeof roles / sizeof roles[0], VERB__COUNT);
    for (size_t v = 0; v < VERB__COUNT; v++)
        for (int who = 0; who < PEOPLE; who++) {
            const struct issue *i = issue_in(b, "limit", roles[v].from);
            int error = try_act(b, i->id, roles[v].verb, (enum who)who);
            assert_int_equal(error, roles[v].may[who] == 'y' ? ERR_OK : ERR_DENIED);
        }
}

static void the_responsible_person_never_judges_his_own_case(void **state)
{
    struct bench *b = *state;
    struct finding f = a_finding("limit", "s", "c");
    char *body = NULL;
    f.person = "community"; /* a role that may, but the case is his own */
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
    apply(b, body);
    assert_int_equal(try_act(b, b->id, VERB_CONFIRM, COMMUNITY), ERR_DENIED);
    assert_int_equal(try_act(b, b->id, VERB_DISMISS, COMMUNITY), ERR_DENIED);
    assert_int_equal(try_act(b, b->id, VERB_CONFIRM, OFFICE), ERR_OK);
}

static void nobody_can_call_himself_the_machine(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    b->people[OFFICE].name = "machine";
    assert_int_equal(try_act(b, b->id, VERB_CONFIRM, OFFICE), ERR_DENIED);
}

static void an_unknown_issue_is_not_found(void **state)
{
    assert_int_equal(try_act(*state, "LQ-2026-0009", VERB_NOTE, OFFICE), ERR_NOT_FOUND);
}

static int act_with_text(struct bench *b, enum verb verb, enum who who, const char *text)
{
    struct act a = {.issue = b->id, .verb = verb, .by = &b->people[who], .text = text};
    char *body = NULL;
    int error = ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why);
    mem_free(body);
    return error;
}

static void some_verbs_need_a_text(void **state)
{
    struct bench *b = *state;
    issue_in(b, "limit", ISSUE_REVIEW);
    assert_int_equal(act_with_text(b, VERB_RETURN, OFFICE, NULL), ERR_FORMAT);
    assert_int_equal(act_with_text(b, VERB_CLOSE, OFFICE, ""), ERR_FORMAT);
    assert_int_equal(act_with_text(b, VERB_DISMISS, OFFICE, ""), ERR_FORMAT);
    assert_int_equal(act_with_text(b, VERB_NOTE, OFFICE, NULL), ERR_FORMAT);
    assert_int_equal(act_with_text(b, VERB_ANSWER, SITE, NULL), ERR_FORMAT);
    issue_in(b, "limit", ISSUE_WORKING);
    assert_int_equal(act_with_text(b, VERB_RECTIFY, SITE, NULL), ERR_FORMAT);
    issue_in(b, "limit", ISSUE_FOUND);
    assert_int_equal(act_with_text(b, VERB_CONFIRM, OFFICE, NULL), ERR_OK);
    issue_in(b, "device", ISSUE_REVIEW);
    assert_int_equal(act_with_text(b, VERB_CLOSE, OFFICE, NULL), ERR_OK);
}

static void a_text_that_is_too_long_or_no_text_is_refused_and_said(void **state)
{
    struct bench *b = *state;
    char text[1002];
    find_breach(b);
    memset(text, 'x', sizeof text);
    text[1001] = 0;
    assert_int_equal(act_with_text(b, VERB_NOTE, OFFICE, text), ERR_FORMAT);
    assert_string_equal(b->why, "the text has 1001 bytes; at most 1000 (about 333 Chinese characters)");
    text[1000] = 0;
    assert_int_equal(act_with_text(b, VERB_NOTE, OFFICE, text), ERR_OK);
    assert_int_equal(act_with_text(b, VERB_NOTE, OFFICE, "\xE4\xB8"), ERR_FORMAT);
    assert_int_equal(act_with_text(b, VERB_NOTE, OFFICE, "a\x1B[31m"), ERR_FORMAT);
    assert_int_equal(act_with_text(b, VERB_NOTE, OFFICE, "a\x7F"), ERR_FORMAT);
    assert_int_equal(act_with_text(b, VERB_NOTE, OFFICE,
                                   "a\xC2\x9B"
                                   "31m"),
                     ERR_FORMAT); /* CSI in one character */
    assert_string_equal(b->why, "the text has a control character at byte 2");
    assert_int_equal(act_with_text(b, VERB_NOTE, OFFICE, "two\nlines"), ERR_OK);
}

static void close_it(struct bench *b)
{
    do_act(b, VERB_CONFIRM, COMMUNITY);
    do_act(b, VERB_ASSIGN, OFFICE);
    do_act(b, VERB_ACCEPT, CONTRACTOR);
    do_act(b, VERB_RECTIFY, SITE);
    do_act(b, VERB_CLOSE, INSPECTOR);
}

static void a_relapse_is_one_level_above_what_it_repeats(void **state)
{
    struct bench *b = *state;
    static const enum level levels[] = {LEVEL_GENERAL, LEVEL_MAJOR, LEVEL_CRITICAL, LEVEL_CRITICAL};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(find(b, "requirement", "washing", "gate/none")->level, levels[i]);
        close_it(b);
        b->now += (int64_t)29 * DAY;
    }
    b->now += (int64_t)2 * DAY;
    assert_int_equal(find(b, "requirement", "washing", "gate/none")->level, LEVEL_GENERAL);
}

static int assign_to(struct bench *b, const char *person)
{
    struct act a = {.issue = b->id, .verb = VERB_ASSIGN, .by = &b->people[OFFICE], .person = person};
    char *body = NULL;
    int error = ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why);
    if (!error)
        apply(b, body);
    return error;
}

static void an_issue_is_assigned_to_one_of_the_responsible_unit(void **state)
{
    struct bench *b = *state;
    const struct issue *i = issue_in(b, "limit", ISSUE_CONFIRMED);
    assert_int_equal(assign_to(b, "somebody"), ERR_FORMAT);
    assert_int_equal(assign_to(b, "inspector"), ERR_FORMAT);
    assert_int_equal(assign_to(b, "contractor"), ERR_OK);
    assert_string_equal(i->person, "contractor");
    i = issue_in(b, "limit", ISSUE_CONFIRMED);
    assert_int_equal(assign_to(b, NULL), ERR_OK);
    assert_string_equal(i->person, "site-manager");
}

static void what_root_does_for_somebody_is_recorded_so(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    struct act a = {.issue = b->id, .verb = VERB_CONFIRM, .by = &b->people[OFFICE], .as_root = true};
    char *body = NULL;
    assert_int_equal(ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why), ERR_OK);
    assert_non_null(strstr(body, "\"by\":\"officer\",\"as_root\":true"));
    mem_free(body);
}

/* --- the machine --- */

/* prometheus/alertmanager#5185: one alert becomes several issues of the tracker. */
static void the_same_again_adds_evidence_and_no_second_issue(void **state)
{
    struct bench *b = *state;
    const struct issue *i = find_breach(b);
    assert_int_equal(i->nevidence, 1);
    find_breach(b);
    find_breach(b);
    assert_int_equal(ledger_count(b->ledger), 1);
    assert_int_equal(i->nevidence, 3);
    assert_int_equal(i->nsteps, 3);
    assert_int_equal(i->state, ISSUE_FOUND);
    find(b, "limit", "shanxi-taiyuan/pm10-hour", "yard/pm10");
    assert_int_equal(ledger_count(b->ledger), 2);
}

static void evidence_changes_no_state_before_review(void **state)
{
    struct bench *b = *state;
    for (int s = ISSUE_FOUND; s < ISSUE_REVIEW; s++) {
        const struct issue *i = issue_in(b, "limit", (enum issue_state)s);
        find(b, "limit", "subject", i->cause);
        assert_int_equal(i->state, s);
        assert_int_equal(i->nevidence, 2);
    }
}

static void an_issue_waiting_for_review_goes_back_to_work_when_it_happens_again(void **state)
{
    struct bench *b = *state;
    const struct issue *i = issue_in(b, "limit", ISSUE_REVIEW);
    find(b, "limit", "subject", i->cause);
    assert_int_equal(i->state, ISSUE_WORKING);
    assert_int_equal(i->nevidence, 2);
    assert_int_equal(i->rectified_ms, 0);
    assert_non_null(strstr(b->bodies[b->nbodies - 1],
                           "\"step\":\"return\",\"from\":\"review\",\"to\":\"working\","
                           "\"by\":\"machine\""));
}

static void after_the_end_the_same_again_is_a_new_issue_that_names_the_old_one(void **state)
{
    struct bench *b = *state;
    for (int end = ISSUE_CLOSED; end <= ISSUE_DISMISSED; end++) {
        const struct issue *old = issue_in(b, "limit", (enum issue_state)end);
        const struct issue *new = find(b, "limit", "subject", old->cause);
        assert_ptr_not_equal(new, old);
        assert_string_equal(new->previous, old->id);
        assert_int_equal(new->relapse, end == ISSUE_CLOSED);
        b->now += 31LL * DAY;
    }
}

static void a_relapse_is_the_same_within_thirty_days_after_it_was_closed(void **state)
{
    struct bench *b = *state;
    const struct issue *old = issue_in(b, "limit", ISSUE_CLOSED);
    b->now = old->ended_ms + 30LL * DAY;
    assert_true(find(b, "limit", "subject", old->cause)->relapse);
    old = issue_in(b, "limit", ISSUE_CLOSED);
    b->now = old->ended_ms + 30LL * DAY + 1;
    assert_false(find(b, "limit", "subject", old->cause)->relapse);
}

static void a_device_that_answers_again_closes_its_own_issue_from_any_state(void **state)
{
    struct bench *b = *state;
    for (int s = ISSUE_FOUND; s <= ISSUE_REVIEW; s++) {
        const struct issue *i = issue_in(b, "device", (enum issue_state)s);
        assert_int_equal(recover(b, "device", "subject", i->cause), ERR_OK);
        assert_int_equal(i->state, ISSUE_CLOSED);
        assert_int_equal(i->ended_ms, b->now);
        assert_int_equal(recover(b, "device", "subject", i->cause), ERR_NOT_FOUND);
    }
}

static void an_outage_past_its_first_deadline_is_a_persons_to_close(void **state)
{
    struct bench *b = *state;
    const struct issue *i = find(b, "device", "gate", "gate");
    b->now = i->answer_due_ms + 1;
    assert_int_equal(recover(b, "device", "gate", "gate"), ERR_OK);
    assert_int_equal(i->state, ISSUE_FOUND);
    assert_int_equal(recover(b, "device", "gate", "gate"), ERR_NOT_FOUND); /* noted once */
    find(b, "device", "gate", "gate");
    assert_int_equal(recover(b, "device", "gate", "gate"), ERR_OK); /* and once after it is found again */
    i = find(b, "device", "yard", "yard");
    b->now = i->answer_due_ms;
    assert_int_equal(recover(b, "device", "yard", "yard"), ERR_OK);
    assert_int_equal(i->state, ISSUE_CLOSED);
}

static void a_limit_is_never_closed_by_the_machine(void **state)
{
    struct bench *b = *state;
    const struct issue *i = find(b, "limit", "s", "c");
    assert_int_equal(recover(b, "limit", "s", "c"), ERR_STATE);
    assert_int_equal(i->state, ISSUE_FOUND);
}

static void a_vehicles_issue_is_closed_by_the_event(void **state)
{
    struct bench *b = *state;
    const struct issue *i = find(b, "wash", "gate", "exit");
    b->now += 30LL * DAY;
    assert_int_equal(recover(b, "wash", "gate", "exit"), ERR_OK);
    assert_int_equal(i->state, ISSUE_CLOSED);
}

static void a_finding_that_cannot_be_recorded_is_refused(void **state)
{
    struct bench *b = *state;
    char *body = NULL, name[200];
    memset(name, 'x', sizeof name);
    name[199] = 0;
    const struct finding bad[] = {
        a_finding("limits", "s", "c"), a_finding("limit", "", "c"),    a_finding("limit", name, "c"),
        a_finding("limit", "s", name), a_finding("limit", "a|b", "c"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ledger_find(b->ledger, b->now, &bad[i], &body, b->id), ERR_FORMAT);
    struct finding f = a_finding("limit", "s", "c");
    f.evidence = json_array();
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_FORMAT);
    char big[5000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    f.evidence = json_pack("{s:s}", "big", big);
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_FORMAT);
}

/* Not by the breach that it was opened for, nor by the review it waits for. */
static void what_is_withdrawn_is_evidence_and_leaves_the_state(void **state)
{
    struct bench *b = *state;
    const struct finding f = a_finding("limit", "s", "c");
    for (enum issue_state s = ISSUE_FOUND; s <= ISSUE_DISMISSED; s++) {
        const struct issue *i = issue_in(b, "limit", s);
        struct finding withdrawn = a_finding("limit", i->subject, i->cause);
        char *body = NULL;
        int evidence = i->nevidence, error = ledger_withdraw(b->ledger, b->now, &withdrawn, &body, b->id);
        assert_int_equal(error, issue_is_open(i) ? ERR_OK : ERR_NOT_FOUND);
        if (error)
            continue;
        apply(b, body);
        assert_int_equal(i->state, s);
        assert_int_equal(i->nevidence, evidence + 1);
    }
    char *body = NULL;
    assert_int_equal(ledger_withdraw(b->ledger, b->now, &f, &body, b->id), ERR_NOT_FOUND);
}

/* --- numbers --- */

static void numbers_count_within_the_sites_year(void **state)
{
    struct bench *b = *state;
    assert_string_equal(find(b, "limit", "a", "")->id, "LQ-2026-0001");
    assert_string_equal(find(b, "limit", "b", "")->id, "LQ-2026-0002");
    b->now = 1798732799999; /* 2026-12-31T23:59:59.999+08:00, 15:59 UTC */
    assert_string_equal(find(b, "limit", "c", "")->id, "LQ-2026-0003");
    b->now += 1;
    assert_string_equal(find(b, "limit", "d", "")->id, "LQ-2027-0001");
    b->now -= 1; /* the clock stepped back: no number twice */
    assert_string_equal(find(b, "limit", "e", "")->id, "LQ-2027-0002");
    assert_string_equal(ledger_last_number(b->ledger), "LQ-2027-0002");
}

static void numbers_go_on_after_a_lost_database(void **state)
{
    struct bench *b = *state;
    assert_string_equal(ledger_last_number(b->ledger), "");
    ledger_continue(b->ledger, "no number");
    ledger_continue(b->ledger, "LQ-2026-0041");
    ledger_continue(b->ledger, "LQ-2026-0007");
    assert_string_equal(ledger_last_number(b->ledger), "LQ-2026-0041");
    assert_string_equal(find(b, "limit", "a", "")->id, "LQ-2026-0042");
}

static void numbers_do_not_end_at_9999(void **state)
{
    struct bench *b = *state;
    ledger_continue(b->ledger, "LQ-2026-9999");
    assert_string_equal(find(b, "limit", "a", "")->id, "LQ-2026-10000");
    assert_string_equal(find(b, "limit", "b", "")->id, "LQ-2026-10001");
}

/* --- deadlines --- */

static void the_light_is_yellow_for_the_last_day_and_red_after_it(void **state)
{
    struct bench *b = *state;
    const struct issue *i = find_breach(b);
    do_act(b, VERB_ANSWER, SITE);
    int64_t due = i->rectify_due_ms;
    assert_int_equal(due, b->now + 48 * HOUR);
    assert_int_equal(issue_light(i, due - DAY - 1), LIGHT_GREEN);
    assert_int_equal(issue_light(i, due - DAY), LIGHT_YELLOW);
    assert_int_equal(issue_light(i, due), LIGHT_YELLOW);
    assert_int_equal(issue_light(i, due + 1), LIGHT_RED);
}

static void the_deadline_to_answer_counts_until_somebody_answers(void **state)
{
    struct bench *b = *state;
    const struct issue *i = find_breach(b);
    assert_int_equal(issue_light(i, b->now), LIGHT_YELLOW); /* two hours left */
    assert_int_equal(issue_light(i, b->now + 2 * HOUR + 1), LIGHT_RED);
    do_act(b, VERB_ANSWER, SITE);
    assert_int_equal(issue_light(i, b->now + 2 * HOUR + 1), LIGHT_GREEN);
}

static void what_is_rectified_in_time_does_not_become_late_while_others_review(void **state)
{
    struct bench *b = *state;
    const struct issue *i = issue_in(b, "limit", ISSUE_WORKING);
    b->now = i->rectify_due_ms - HOUR;
    do_act(b, VERB_RECTIFY, SITE);
    assert_int_equal(issue_light(i, i->rectify_due_ms + DAY), LIGHT_GREEN);
    b->now = i->rectify_due_ms + DAY;
    do_act(b, VERB_RETURN, INSPECTOR);
    assert_int_equal(issue_light(i, b->now), LIGHT_RED);
}

static void what_ended_late_stays_red_and_what_was_an_error_does_not(void **state)
{
    struct bench *b = *state;
    const struct issue *late = issue_in(b, "limit", ISSUE_WORKING);
    b->now = late->rectify_due_ms + 1;
    do_act(b, VERB_RECTIFY, SITE);
    do_act(b, VERB_CLOSE, OFFICE);
    assert_int_equal(issue_light(late, b->now), LIGHT_RED);
    const struct issue *wrong = issue_in(b, "limit", ISSUE_WORKING);
    b->now = wrong->rectify_due_ms + 1;
    do_act(b, VERB_DISMISS, OFFICE);
    assert_int_equal(issue_light(wrong, b->now), LIGHT_GREEN);
}

static void without_deadlines_the_light_is_green(void **state)
{
    struct bench *b = *state;
    struct finding f = a_finding("limit", "s", "c");
    char *body = NULL;
    f.answer_ms = f.rectify_ms = 0;
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
    apply(b, body);
    assert_int_equal(issue_light(ledger_issue(b->ledger, b->id), b->now + 1000LL * DAY), LIGHT_GREEN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(each_verb_leads_from_each_state_where_the_life_cycle_says),
        TEST(each_role_may_what_the_table_says_and_nothing_else),
        TEST(the_responsible_person_never_judges_his_own_case),
        TEST(nobody_can_call_himself_the_machine),
        TEST(an_unknown_issue_is_not_found),
        TEST(some_verbs_need_a_text),
        TEST(a_text_that_is_too_long_or_no_text_is_refused_and_said),
        TEST(a_relapse_is_one_level_above_what_it_repeats),
        TEST(an_issue_is_assigned_to_one_of_the_responsible_unit),
        TEST(what_root_does_for_somebody_is_recorded_so),
        TEST(the_same_again_adds_evidence_and_no_second_issue),
        TEST(evidence_changes_no_state_before_review),
        TEST(an_issue_waiting_for_review_goes_back_to_work_when_it_happens_again),
        TEST(after_the_end_the_same_again_is_a_new_issue_that_names_the_old_one),
        TEST(a_relapse_is_the_same_within_thirty_days_after_it_was_closed),
        TEST(a_device_that_answers_again_closes_its_own_issue_from_any_state),
        TEST(an_outage_past_its_first_deadline_is_a_persons_to_close),
        TEST(a_limit_is_never_closed_by_the_machine),
        TEST(a_vehicles_issue_is_closed_by_the_event),
        TEST(a_finding_that_cannot_be_recorded_is_refused),
        TEST(numbers_count_within_the_sites_year),
        TEST(numbers_go_on_after_a_lost_database),
        TEST(numbers_do_not_end_at_9999),
        TEST(the_light_is_yellow_for_the_last_day_and_red_after_it),
        TEST(the_deadline_to_answer_counts_until_somebody_answers),
        TEST(what_is_rectified_in_time_does_not_become_late_while_others_review),
        TEST(what_ended_late_stays_red_and_what_was_an_error_does_not),
        TEST(without_deadlines_the_light_is_green),
        TEST(what_is_withdrawn_is_evidence_and_leaves_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
