/* What the configuration demands of an issue: roles, levels, photos, inspections, windows, deadlines. */
#include "a_ledger.h"
#include "daemon/config/loaded.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/life.h"
#include "daemon/ledger/plan.h"

static const int64_t monday = 1773590400000; /* 2026-03-16T00:00+08:00 */

static struct duty a_duty(const char *name)
{
    return (struct duty){.name = name,
                         .title_zh = "类",
                         .title_en = "Category",
                         .level = -1,
                         .answer_ms = 2 * HOUR,
                         .rectify_ms = DAY};
}

static void demand(struct bench *b, struct duty *kind)
{
    b->config.issues.kinds = kind;
    b->config.issues.nkinds = 1;
}

static int act(struct bench *b, struct act a)
{
    char *body = NULL;
    a.issue = a.issue ? a.issue : b->id;
    b->why[0] = 0;
    int error = ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why);
    if (!error)
        apply(b, body);
    return error;
}

static int photo_of(struct bench *b, const char *when)
{
    struct photo p = a_photo;
    p.when = when;
    return act(b, (struct act){.verb = VERB_PHOTO, .by = &b->people[CONTRACTOR], .photo = &p});
}

/* --- roles --- */

static void the_table_of_roles_can_be_changed(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    b->config.roles = (struct role_table){.confirm = ROLE_OFFICE, .note = ROLE_INSPECTOR};
    assert_int_equal(try_act(b, b->id, VERB_CONFIRM, COMMUNITY), ERR_DENIED);
    assert_int_equal(try_act(b, b->id, VERB_CONFIRM, OFFICE), ERR_OK);
    assert_int_equal(try_act(b, b->id, VERB_NOTE, SITE), ERR_DENIED);
    assert_int_equal(try_act(b, b->id, VERB_NOTE, INSPECTOR), ERR_OK);
}

static void no_table_lets_the_responsible_unit_judge_itself(void **state)
{
    static const enum verb judging[] = {VERB_CONFIRM, VERB_ASSIGN, VERB_INSPECT,
                                        VERB_RETURN,  VERB_CLOSE,  VERB_DISMISS};
    static const enum issue_state from[] = {ISSUE_FOUND,  ISSUE_CONFIRMED, ISSUE_REVIEW,
                                            ISSUE_REVIEW, ISSUE_REVIEW,    ISSUE_FOUND};
    struct bench *b = *state;
    for (size_t k = 0; k < sizeof judging / sizeof *judging; k++) {
        memset(&b->config.roles, 0, sizeof b->config.roles);
        const struct issue *i = issue_in(b, "limit", from[k]);
        memset(&b->config.roles, 0xff, sizeof b->config.roles);
        assert_int_equal(try_act(b, i->id, judging[k], SITE), ERR_DENIED);
        assert_int_equal(try_act(b, i->id, judging[k], CONTRACTOR), ERR_DENIED);
        assert_int_equal(try_act(b, i->id, judging[k], BOTH), ERR_DENIED);
    }
}

static void who_is_of_the_unit_by_its_organisation_does_not_judge_it_either(void **state)
{
    struct bench *b = *state;
    struct organisation builder = {"builder", "施工", "Builder", ORGANISATION_UNIT};
    b->config.organisations = &builder;
    b->config.norganisations = 1;
    b->people[OFFICE].organisation = "builder";
    find_breach(b);
    assert_int_equal(try_act(b, b->id, VERB_CONFIRM, OFFICE), ERR_DENIED);
    builder.kind = ORGANISATION_DEPARTMENT;
    assert_int_equal(try_act(b, b->id, VERB_CONFIRM, OFFICE), ERR_OK);
}

static void a_refusal_says_what_is_allowed_now(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    assert_int_equal(try_act(b, b->id, VERB_RECTIFY, SITE), ERR_STATE);
    assert_string_equal(b->why,
                        "LQ-2026-0001 is found: 'rectify' is possible from working; site-manager may now: "
                        "answer note photo");
    assert_int_equal(try_act(b, b->id, VERB_CLOSE, SITE), ERR_DENIED);
    assert_non_null(strstr(b->why, "site-manager may now: answer note photo"));
    assert_int_equal(try_act(b, b->id, VERB_NOTE, NOBODY), ERR_DENIED);
    assert_non_null(strstr(b->why, "visitor may now: nothing"));
}

/* --- what is demanded --- */

static void photos_of_before_and_after_are_taken_where_they_are_demanded(void **state)
{
    struct bench *b = *state;
    struct duty limit = a_duty("limit");
    limit.photo_before = limit.photo_after = true;
    const struct issue *i = issue_in(b, "limit", ISSUE_WORKING);
    demand(b, &limit);
    assert_int_equal(try_act(b, i->id, VERB_RECTIFY, SITE), ERR_STATE);
    assert_non_null(strstr(b->why, "photo of before"));
    assert_int_equal(photo_of(b, "before"), ERR_OK);
    assert_int_equal(try_act(b, i->id, VERB_RECTIFY, SITE), ERR_STATE);
    assert_non_null(strstr(b->why, "photo of after"));
    assert_int_equal(photo_of(b, NULL), ERR_OK); /* while it is worked on, that is after */
    do_act(b, VERB_RECTIFY, SITE);
    do_act(b, VERB_RETURN, OFFICE);
    assert_int_equal(try_act(b, i->id, VERB_RECTIFY, SITE),
                     ERR_STATE); /* what that shows was not good enough */
    assert_int_equal(photo_of(b, NULL), ERR_OK);
    do_act(b, VERB_RECTIFY, SITE);
    do_act(b, VERB_CLOSE, OFFICE);
    assert_int_equal(i->nphotos, 3);
}

static void a_photo_of_after_is_none_before_the_work(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    assert_int_equal(photo_of(b, "after"), ERR_FORMAT);
    assert_int_equal(photo_of(b, "sideways"), ERR_FORMAT);
    assert_int_equal(photo_of(b, NULL), ERR_OK);
    assert_true(ledger_issue(b->ledger, b->id)->before);
}

static void a_photos_name_is_a_name_and_no_way(void **state)
{
    struct bench *b = *state;
    struct photo p = a_photo;
    p.name = "../../etc/passwd\n%s%n";
    find_breach(b);
    assert_int_equal(act(b, (struct act){.verb = VERB_PHOTO, .by = &b->people[SITE], .photo = &p}), ERR_OK);
    assert_non_null(strstr(b->bodies[b->nbodies - 1], "\"name\":\"passwd %s%n\""));
    p.sha256 = "../../../../../../../../../../../../../../../../../../etc/passwd-aa";
    assert_int_equal(act(b, (struct act){.verb = VERB_PHOTO, .by = &b->people[SITE], .photo = &p}),
                     ERR_FORMAT);
}

static void an_issue_takes_forty_photos(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    for (int k = 0; k < ISSUE_PHOTOS_MAX; k++)
        assert_int_equal(photo_of(b, NULL), ERR_OK);
    assert_int_equal(photo_of(b, NULL), ERR_FORMAT);
    assert_string_equal(b->why, "LQ-2026-0001 has 40 photos; allowed: at most 40");
}

static void closing_takes_a_fresh_inspection_where_it_is_demanded(void **state)
{
    struct bench *b = *state;
    struct duty limit = a_duty("limit");
    limit.inspection = true;
    demand(b, &limit);
    issue_in(b, "limit", ISSUE_REVIEW);
    assert_int_equal(try_act(b, b->id, VERB_CLOSE, OFFICE), ERR_STATE);
    do_act(b, VERB_INSPECT, INSPECTOR);
    do_act(b, VERB_RETURN, OFFICE);
    do_act(b, VERB_RECTIFY, SITE);
    assert_int_equal(try_act(b, b->id, VERB_CLOSE, OFFICE), ERR_STATE); /* that was before this work */
    do_act(b, VERB_INSPECT, INSPECTOR);
    do_act(b, VERB_CLOSE, OFFICE);
}

static void closing_takes_clean_windows_where_they_are_demanded(void **state)
{
    struct bench *b = *state;
    struct duty limit = a_duty("limit");
    limit.clean_windows = 3;
    demand(b, &limit);
    issue_in(b, "limit", ISSUE_REVIEW);
    struct act close = {.verb = VERB_CLOSE, .by = &b->people[OFFICE], .text = "已复核", .clean_windows = 2};
    assert_int_equal(act(b, close), ERR_STATE);
    assert_string_equal(b->why, "'close' takes 3 windows that were kept, one after the other; there are 2");
    close.clean_windows = 3;
    assert_int_equal(act(b, close), ERR_OK);
}

static void a_kind_can_be_made_a_persons_to_close(void **state)
{
    struct bench *b = *state;
    struct duty device = a_duty("device");
    device.person_closes = true;
    demand(b, &device);
    const struct issue *i = find(b, "device", "gate", "gate");
    assert_int_equal(recover(b, "device", "gate", "gate"), ERR_OK);
    assert_int_equal(i->state, ISSUE_FOUND);
}

static void the_configuration_says_how_grave_a_kind_is_and_how_long_it_may_take(void **state)
{
    struct bench *b = *state;
    struct duty device = a_duty("device");
    struct finding f = a_finding("device", "gate", "gate");
    char *body = NULL;
    device.level = LEVEL_CRITICAL;
    demand(b, &device);
    f.answer_ms = f.rectify_ms = 0;
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
    apply(b, body);
    const struct issue *i = ledger_issue(b->ledger, b->id);
    assert_int_equal(i->level, LEVEL_CRITICAL);
    assert_int_equal(i->answer_due_ms - b->now, 2 * HOUR);
    assert_int_equal(i->rectify_due_ms - b->now, DAY);
}

/* --- deadlines planned backwards --- */

static void check_nodes_are_shares_of_the_working_time(void **state)
{
    struct bench *b = *state;
    static const char *hours[] = {"08:00-18:00"};
    static const char *holidays[] = {"2026-03-18"};
    int64_t nodes[ISSUE_NODES];
    b->config.calendar = (struct calendar){hours, 1, 31, holidays, 1}; /* Monday to Friday */
    /* from Monday 08:00: Mon 10 h, Tue 10 h, Wed none, Thu 10 h, Fri 10 h, Sat and Sun none, Mon 10 h */
    plan_nodes(&(struct calendar_of){&b->config, NULL}, monday + 8 * HOUR, monday + 7LL * DAY + 18 * HOUR,
               nodes);
    assert_int_equal(
        plan_work(&(struct calendar_of){&b->config, NULL}, monday + 8 * HOUR, monday + 7LL * DAY + 18 * HOUR),
        50 * HOUR);
    assert_int_equal(nodes[0], monday + 3LL * DAY + 13 * HOUR); /* 25 h: Thursday 13:00 */
    assert_int_equal(nodes[1], monday + 4LL * DAY + 18 * HOUR); /* 40 h: Friday 18:00 */
    assert_int_equal(nodes[2], monday + 7LL * DAY + 18 * HOUR);
}

static void check_nodes_where_none_is_worked_are_shares_of_the_time(void **state)
{
    struct bench *b = *state;
    static const char *hours[] = {"08:00-18:00"};
    int64_t nodes[ISSUE_NODES];
    b->config.calendar = (struct calendar){.hours = hours, .nhours = 1};
    plan_nodes(&(struct calendar_of){&b->config, NULL}, monday + 20 * HOUR, monday + 30 * HOUR, nodes);
    assert_int_equal(nodes[0], monday + 25 * HOUR);
    assert_int_equal(nodes[1], monday + 28 * HOUR);
    assert_int_equal(nodes[2], monday + 30 * HOUR);
}

/* Ten hours a day from Monday on; found Monday 08:00, to be rectified in five days less 14 h: 50 h of work.
 */
static const struct issue *five_days_of_work(struct bench *b, const char *cause)
{
    static const char *hours[] = {"08:00-18:00"};
    struct finding f = a_finding("limit", "s", cause);
    char *body = NULL;
    b->config.calendar = (struct calendar){.hours = hours, .nhours = 1};
    b->now = monday + 8 * HOUR;
    f.rectify_ms = 4LL * DAY + 10 * HOUR;
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
    apply(b, body);
    return ledger_issue(b->ledger, b->id);
}

static void days_off_that_are_declared_later_move_check_nodes_and_no_deadline(void **state)
{
    struct bench *b = *state;
    int64_t half = monday + 2LL * DAY + 13 * HOUR, due = monday + 4LL * DAY + 18 * HOUR;
    const struct issue *before = five_days_of_work(b, "before");
    assert_int_equal(before->nodes_ms[0], half);
    ledger_declare(b->ledger, b->now, "holiday", monday + DAY, monday + 3LL * DAY);
    const struct issue *i = five_days_of_work(b, "holiday"); /* 30 h are left, half is Thursday 13:00 */
    assert_int_equal(i->nodes_ms[0], monday + 3LL * DAY + 13 * HOUR);
    assert_int_equal(i->rectify_due_ms, due);
    assert_int_equal(before->nodes_ms[0], half); /* what was written down stays */
    ledger_declare(b->ledger, b->now, "work", monday + DAY, monday + 3LL * DAY);
    assert_int_equal(five_days_of_work(b, "work")->nodes_ms[0], half);
    ledger_declare(b->ledger, b->now, "rain", monday, monday + 5LL * DAY);
    assert_int_equal(five_days_of_work(b, "rain")->nodes_ms[0], half);
    ledger_declare(b->ledger, b->now, "suspended", monday, monday + 4LL * DAY); /* over the days of work */
    assert_int_equal(five_days_of_work(b, "suspended")->nodes_ms[0], monday + 4LL * DAY + 13 * HOUR);
}

static void no_work_passes_while_the_stage_is_suspended(void **state)
{
    struct bench *b = *state;
    b->now = monday;
    ledger_stage(b->ledger, b->now, "earthwork", monday + 4LL * DAY); /* said before what it ends */
    ledger_stage(b->ledger, b->now, "suspended", monday + DAY);
    const struct issue *i = five_days_of_work(b, "c"); /* Monday 10 h, Friday 10 h */
    assert_int_equal(i->nodes_ms[0], monday + 18 * HOUR);
    assert_int_equal(i->nodes_ms[1], monday + 4LL * DAY + 14 * HOUR);
    b->now = monday + 30LL * DAY;
    ledger_stage(b->ledger, b->now, "structure", b->now);
    assert_int_equal(five_days_of_work(b, "later")->nodes_ms[0], monday + 2LL * DAY + 13 * HOUR);
}

static void no_deadline_exceeds_the_campaigns_phase(void **state)
{
    struct bench *b = *state;
    struct campaign_phase phases[] = {
        {.name = "survey", .from_ms = b->now - DAY, .to_ms = b->now + HOUR},
        {.name = "rectification", .from_ms = b->now, .to_ms = b->now + 12LL * HOUR},
        {.name = "upkeep", .from_ms = b->now + 12LL * HOUR, .to_ms = INT64_MAX}};
    b->config.phases = phases;
    b->config.nphases = 3;
    const struct issue *i = find_breach(b); /* 48 h */
    assert_int_equal(i->rectify_due_ms, b->now + 12LL * HOUR);
    assert_int_equal(i->nodes_ms[2], i->rectify_due_ms);
    assert_string_equal(i->phase, "rectification"); /* of two that run, the one that began last */
    b->now += 12LL * HOUR;
    i = find(b, "limit", "other", "gate");
    assert_int_equal(i->rectify_due_ms, b->now + 48LL * HOUR);
    assert_string_equal(i->phase, "");
}

static void an_assignment_can_set_a_deadline_that_is_still_to_come(void **state)
{
    struct bench *b = *state;
    const struct issue *i = issue_in(b, "limit", ISSUE_CONFIRMED);
    struct act a = {.verb = VERB_ASSIGN, .by = &b->people[OFFICE], .due_ms = b->now};
    assert_int_equal(act(b, a), ERR_FORMAT);
    assert_string_equal(b->why,
                        "the deadline 2026-03-14T00:00 has passed; allowed: one that is still to come");
    a.due_ms = b->now + 5000LL * DAY;
    assert_int_equal(act(b, a), ERR_FORMAT);
    a.due_ms = b->now + 7LL * DAY;
    assert_int_equal(act(b, a), ERR_OK);
    assert_int_equal(i->rectify_due_ms, a.due_ms);
    assert_int_equal(i->nodes_ms[0], b->now + 84LL * HOUR);
}

static void an_issue_is_assigned_again_with_a_reason_and_the_step_says_what_was_before(void **state)
{
    struct bench *b = *state;
    const struct issue *i = issue_in(b, "limit", ISSUE_WORKING);
    int64_t was_ms = i->rectify_due_ms;
    struct act a = {.verb = VERB_ASSIGN, .by = &b->people[OFFICE], .person = "contractor"};
    assert_int_equal(act(b, a), ERR_FORMAT);
    assert_string_equal(b->why, "'assign' needs a text: what was found or done, or why");
    a.text = "总包负责该路段";
    a.due_ms = b->now + 4LL * DAY;
    assert_int_equal(act(b, a), ERR_OK);
    assert_int_equal(i->state, ISSUE_ASSIGNED); /* whoever it is now accepts it himself */
    assert_string_equal(i->person, "contractor");
    assert_int_equal(i->rectify_due_ms, a.due_ms);
    json_t *step = json_loads(b->bodies[b->nbodies - 1], 0, NULL), *before = json_object_get(step, "before");
    assert_string_equal(json_string_value(json_object_get(step, "by")), "officer");
    assert_string_equal(json_string_value(json_object_get(step, "text")), "总包负责该路段");
    assert_string_equal(json_string_value(json_object_get(step, "person")), "contractor");
    assert_string_equal(json_string_value(json_object_get(before, "person")), "site-manager");
    assert_int_equal(json_integer_value(json_object_get(before, "rectify_due")), was_ms);
    json_decref(step);
    a.due_ms = 0;
    assert_int_equal(act(b, a), ERR_FORMAT);
    assert_non_null(strstr(b->why, "takes another person or a deadline"));
}

static void what_waits_for_review_is_returned_before_it_is_assigned_again(void **state)
{
    struct bench *b = *state;
    issue_in(b, "limit", ISSUE_REVIEW);
    struct act a = {
        .verb = VERB_ASSIGN, .by = &b->people[OFFICE], .person = "contractor", .text = "换人整改"};
    assert_int_equal(act(b, a), ERR_STATE);
    assert_non_null(
        strstr(b->why, "'assign' is possible from confirmed, assigned, working; officer may now: "));
}

static void a_deadline_after_the_phase_is_refused_with_the_last_day(void **state)
{
    struct bench *b = *state;
    struct campaign_phase phase = {.name = "survey", .from_ms = b->now - DAY, .to_ms = b->now + DAY};
    issue_in(b, "limit", ISSUE_CONFIRMED);
    b->config.phases = &phase;
    b->config.nphases = 1;
    struct act a = {.verb = VERB_ASSIGN, .by = &b->people[OFFICE], .due_ms = b->now + 2LL * DAY};
    assert_int_equal(act(b, a), ERR_FORMAT);
    assert_string_equal(b->why,
                        "the deadline is after the campaign's phase survey; allowed: until 2026-03-15T00:00");
}

/* --- relapse --- */

static void a_relapse_at_another_point_of_the_same_item_counts_in_the_cycle(void **state)
{
    struct bench *b = *state;
    for (int k = 0; k < 3; k++) {
        char cause[8];
        snprintf(cause, sizeof cause, "p%d", k);
        const struct issue *i = find(b, "requirement", "washing", cause);
        assert_int_equal(i->relapses, k);
        assert_int_equal(i->relapse, k > 0);
        for (int v = 0; v < 5; v++) {
            static const enum verb way[] = {VERB_CONFIRM, VERB_ASSIGN, VERB_ACCEPT, VERB_RECTIFY, VERB_CLOSE};
            static const enum who who[] = {COMMUNITY, OFFICE, CONTRACTOR, SITE, INSPECTOR};
            do_act(b, way[v], who[v]);
        }
        b->now += DAY;
    }
    assert_int_equal(ledger_relapses(b->ledger), 2);
    b->config.issues.cycle_ms = b->now;
    assert_int_equal(ledger_relapses(b->ledger), 0);
    assert_int_equal(find(b, "requirement", "washing", "p9")->relapses, 1); /* the first of this cycle */
}

static void what_recovers_by_itself_is_no_relapse(void **state)
{
    struct bench *b = *state;
    find(b, "device", "gate", "gate");
    assert_int_equal(recover(b, "device", "gate", "gate"), ERR_OK);
    const struct issue *i = find(b, "device", "gate", "gate");
    assert_false(i->relapse);
    assert_int_equal(i->level, LEVEL_GENERAL);
}

static void rows_from_before_there_were_levels_still_apply(void **state)
{
    struct bench *b = *state;
    const struct issue *i;
    apply(
        b,
        mem_string(
            "{\"ts\":1773417600000,\"kind\":\"issue\",\"subject\":\"LQ-2026-0001\",\"step\":\"open\","
            "\"from\":null,\"to\":\"found\",\"by\":\"machine\",\"about\":{\"kind\":\"limit\",\"subject\":"
            "\"a/b\",\"cause\":\"gate/pm10\"},\"title\":{\"zh\":\"超\",\"en\":\"over\"},\"person\":"
            "\"site-manager\",\"answer_due\":1773421200000,\"rectify_due\":1773504000000,\"evidence\":{}}"));
    i = ledger_issue(b->ledger, "LQ-2026-0001");
    assert_int_equal(i->level, LEVEL_MAJOR);
    assert_int_equal(i->way, WAY_DEVICE);
    assert_int_equal(i->nodes_ms[0], 0);
    apply(b, mem_string(
                 "{\"ts\":1773417600001,\"kind\":\"issue\",\"subject\":\"LQ-2026-0001\",\"step\":\"confirm\","
                 "\"from\":\"found\",\"to\":\"confirmed\",\"by\":\"community\"}"));
    assert_int_equal(i->state, ISSUE_CONFIRMED);
}

static void the_configuration_knows_each_kind_of_issue(void **state)
{
    (void)state;
    for (const char *const *name = issue_kind_names; *name; name++)
        assert_non_null(kind_find(*name));
    assert_null(kind_find("wind"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_table_of_roles_can_be_changed),
        TEST(no_table_lets_the_responsible_unit_judge_itself),
        TEST(who_is_of_the_unit_by_its_organisation_does_not_judge_it_either),
        TEST(a_refusal_says_what_is_allowed_now),
        TEST(photos_of_before_and_after_are_taken_where_they_are_demanded),
        TEST(a_photo_of_after_is_none_before_the_work),
        TEST(a_photos_name_is_a_name_and_no_way),
        TEST(an_issue_takes_forty_photos),
        TEST(closing_takes_a_fresh_inspection_where_it_is_demanded),
        TEST(closing_takes_clean_windows_where_they_are_demanded),
        TEST(a_kind_can_be_made_a_persons_to_close),
        TEST(the_configuration_says_how_grave_a_kind_is_and_how_long_it_may_take),
        TEST(check_nodes_are_shares_of_the_working_time),
        TEST(check_nodes_where_none_is_worked_are_shares_of_the_time),
        TEST(days_off_that_are_declared_later_move_check_nodes_and_no_deadline),
        TEST(no_work_passes_while_the_stage_is_suspended),
        TEST(no_deadline_exceeds_the_campaigns_phase),
        TEST(an_assignment_can_set_a_deadline_that_is_still_to_come),
        TEST(an_issue_is_assigned_again_with_a_reason_and_the_step_says_what_was_before),
        TEST(what_waits_for_review_is_returned_before_it_is_assigned_again),
        TEST(a_deadline_after_the_phase_is_refused_with_the_last_day),
        TEST(a_relapse_at_another_point_of_the_same_item_counts_in_the_cycle),
        TEST(what_recovers_by_itself_is_no_relapse),
        TEST(the_configuration_knows_each_kind_of_issue),
        TEST(rows_from_before_there_were_levels_still_apply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
