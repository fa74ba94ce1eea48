/* A month of the ledger with two phases of the campaign, minute by minute: machine, people, escalation,
 * tasks. What must come of it was written down before: STORY is what happens, EXPECTED what is told. Each
 * midnight everything is made anew from the rows alone. Days and phases are those of the mission document
 * (survey 9-14 to 9-20, rectification 9-20 to 10-20), in another year; deadlines and steps are [proposal]. */
#include "tests/unit/an_escalation.h"

#include "daemon/config/inspection.h"
#include "daemon/ledger/task.h"
#include "drivers/device.h"

enum { TASK_ROWS = 60, LINES = 200, LINE = 120 };

/* --- what happens --- */

enum deed { FIND, RECOVER, ACT, INSPECT, RENEW };

#define FOUND(time, what, of, why, answer, rectify)                                               \
    {                                                                                             \
        .at = time, .deed = FIND, .kind = what, .subject = of, .cause = why, .answer_ms = answer, \
        .rectify_ms = rectify                                                                     \
    }
#define STEP(time, id, does, person)                                      \
    {                                                                     \
        .at = time, .deed = ACT, .issue = id, .verb = does, .who = person \
    }
#define LOOKED(time)                                             \
    {                                                            \
        .at = time, .deed = INSPECT, .cause = "hardening/weekly" \
    }

static const struct {
    const char *at; /* 2026 */
    enum deed deed;
    const char *kind, *subject, *cause; /* FIND, RECOVER; INSPECT: cause */
    const char *issue;                  /* ACT, its last digits */
    enum verb verb;
    enum who who;
    int64_t answer_ms, rectify_ms;
} story[] = {
    /* 1: rectified in the last hours of the first phase, but not well enough */
    FOUND("09-14 10:00", "limit", "rule/pm10", "gate/pm10", 2 * HOUR, 15 * (int64_t)DAY),
    STEP("09-15 08:00", "0001", VERB_CONFIRM, COMMUNITY),
    STEP("09-15 08:30", "0001", VERB_ASSIGN, OFFICE),
    STEP("09-15 09:00", "0001", VERB_ACCEPT, CONTRACTOR),
    LOOKED("09-16 09:00"),
    STEP("09-20 15:00", "0001", VERB_RECTIFY, SITE),
    STEP("09-21 09:00", "0001", VERB_RETURN, INSPECTOR),
    STEP("09-21 16:00", "0001", VERB_RECTIFY, SITE),
    STEP("09-22 09:00", "0001", VERB_CLOSE, INSPECTOR),
    /* 2: answered, and then left to lie */
    FOUND("09-22 12:00", "requirement", "watering", "dry-hours/none", 2 * HOUR, 2 * HOUR),
    STEP("09-22 12:30", "0002", VERB_ANSWER, SITE),
    /* 3: a fault that mends itself */
    FOUND("09-23 03:00", "data", "offline", "gate/pm10", 12 * HOUR, 48 * HOUR),
    {.at = "09-23 04:00", .deed = RECOVER, .kind = "data", .subject = "offline", .cause = "gate/pm10"},
    /* 4: nothing after all */
    FOUND("09-24 10:00", "limit", "rule/pm25", "gate/pm25", 2 * HOUR, 24 * HOUR),
    STEP("09-24 10:20", "0004", VERB_DISMISS, OFFICE),
    /* 5: the inspection of 9-25 is missed, the next one is not */
    LOOKED("09-28 10:00"),
    STEP("10-03 09:00", "0002", VERB_CONFIRM, COMMUNITY),
    STEP("10-03 09:10", "0002", VERB_ASSIGN, OFFICE),
    STEP("10-03 09:20", "0002", VERB_ACCEPT, SITE),
    STEP("10-03 12:00", "0002", VERB_RECTIFY, SITE),
    STEP("10-03 15:00", "0002", VERB_CLOSE, INSPECTOR),
    /* 6: 反弹 */
    FOUND("10-05 10:00", "limit", "rule/pm10", "gate/pm10", 2 * HOUR, 20 * (int64_t)DAY),
    STEP("10-05 11:00", "0006", VERB_ANSWER, SITE),
    {.at = "10-06 12:00", .deed = RENEW},
    LOOKED("10-08 10:00"),
};

/* --- what must come of it --- */

static const char *const expected[] = {
    "09-14 00:00 due weekly-2026-09-18",
    "09-14 10:00 found LQ-2026-0001: site-manager",
    "09-14 12:01 unanswered LQ-2026-0001: site-manager community",
    "09-15 08:30 assigned LQ-2026-0001: site-manager",
    "09-16 09:00 done weekly-2026-09-18",
    "09-19 00:00 due weekly-2026-09-25",
    "09-20 00:00 due_soon LQ-2026-0001: site-manager", /* the phase ends with that day, not 15 days after */
    "09-21 09:00 overdue LQ-2026-0001: site-manager community",
    "09-22 09:00 ended LQ-2026-0001: site-manager community",
    "09-22 12:00 found LQ-2026-0002: site-manager",
    "09-22 14:01 overdue LQ-2026-0002: site-manager community",
    "09-23 03:00 found LQ-2026-0003: site-manager",
    "09-23 04:00 ended LQ-2026-0003: site-manager",
    "09-24 10:00 found LQ-2026-0004: site-manager",
    "09-24 10:20 ended LQ-2026-0004: site-manager",
    "09-25 00:00 task weekly-2026-09-25: community officer inspector",
    "09-25 14:01 notice LQ-2026-0002: site-manager community officer two-hats",
    "09-26 00:00 found LQ-2026-0005: community",
    "09-26 00:00 missed weekly-2026-09-25",
    "09-26 00:00 due weekly-2026-10-02",
    "09-27 00:01 unanswered LQ-2026-0005: community",
    "09-28 00:00 due_soon LQ-2026-0005: community",
    "09-28 10:00 ended LQ-2026-0005: community",
    "09-28 10:00 done weekly-2026-10-02",
    "09-28 14:01 summon LQ-2026-0002: site-manager officer two-hats",
    "10-02 00:00 due certificate-meter-2026-10-31",
    "10-02 00:00 task certificate-meter-2026-10-31: site-manager",
    "10-02 14:01 accountable LQ-2026-0002: site-manager officer two-hats",
    "10-03 00:00 due weekly-2026-10-09",
    "10-03 09:10 assigned LQ-2026-0002: site-manager",
    "10-03 15:00 ended LQ-2026-0002: site-manager community officer two-hats",
    "10-05 10:00 found LQ-2026-0006: site-manager",
    "10-06 12:00 done certificate-meter-2026-10-31",
    "10-08 10:00 done weekly-2026-10-09",
    "10-10 00:00 due weekly-2026-10-16",
};

static const struct {
    const char *id;
    enum issue_state state;
    enum level level;
    const char *found, *rectify_due;
    const char *previous;
} issues[] = {
    {"LQ-2026-0001", ISSUE_CLOSED, LEVEL_MAJOR, "09-14 10:00", "09-21 00:00", ""}, /* by the first phase */
    {"LQ-2026-0002", ISSUE_CLOSED, LEVEL_GENERAL, "09-22 12:00", "09-22 14:00", ""},
    {"LQ-2026-0003", ISSUE_CLOSED, LEVEL_GENERAL, "09-23 03:00", "09-25 03:00", ""},
    {"LQ-2026-0004", ISSUE_DISMISSED, LEVEL_MAJOR, "09-24 10:00", "09-25 10:00", ""},
    {"LQ-2026-0005", ISSUE_CLOSED, LEVEL_GENERAL, "09-26 00:00", "09-29 00:00", ""},
    {"LQ-2026-0006", ISSUE_FOUND, LEVEL_CRITICAL, "10-05 10:00", "10-21 00:00",
     "LQ-2026-0001"}, /* by the second */
};

/* --- the site --- */

struct month {
    struct bench *b;
    struct ladder l;
    struct tasks *tasks;
    struct check check;
    struct requirement requirement;
    struct inspection inspection;
    struct device device;
    struct campaign_phase phases[2];
    int64_t looks_ms[8];
    int nlooks;
    char *task_rows[TASK_ROWS], task_ids[TASK_ROWS][80];
    int ntasks;
    char lines[LINES][LINE];
    int nlines;
};

static int64_t when(const char *text)
{
    char whole[40];
    int64_t at_ms;
    snprintf(whole, sizeof whole, "2026-%.5sT%.5s:00+08:00", text, text + 6);
    assert_int_equal(clock_parse(whole, &at_ms), ERR_OK);
    return at_ms;
}

static char *when_said(int64_t at_ms, char text[static 32])
{
    clock_text(at_ms, 480, text);
    text[10] = ' ';
    text[16] = 0;
    return text + 5;
}

static void open_site(struct month *m)
{
    struct config *c = &m->b->config;
    m->check = (struct check){.name = "weekly", .title_zh = "路", .title_en = "Roads", .kind = CHECK_ATTEST};
    m->check.by = ROLE_COMMUNITY | ROLE_OFFICE | ROLE_INSPECTOR;
    m->requirement = (struct requirement){.name = "hardening", .checks = &m->check, .nchecks = 1};
    m->inspection =
        (struct inspection){.name = "weekly", .title_zh = "一周一检查", .title_en = "Weekly", .weekday = 4};
    m->inspection.person = "community";
    m->inspection.remind_ms = m->inspection.answer_ms = DAY;
    m->inspection.rectify_ms = 3 * (int64_t)DAY;
    m->device = (struct device){.name = "meter", .title_zh = "扬尘仪", .title_en = "Meter"};
    m->device.calibrated_ms = when("11-01 00:00");
    m->phases[0] = (struct campaign_phase){.name = "survey", .title_zh = "全面排查", .title_en = "Survey"};
    m->phases[0].from_ms = when("09-14 00:00");
    m->phases[0].to_ms = when("09-21 00:00");
    m->phases[1] =
        (struct campaign_phase){.name = "rectification", .title_zh = "整改落实", .title_en = "Rectification"};
    m->phases[1].from_ms = when("09-20 00:00");
    m->phases[1].to_ms = when("10-21 00:00");
    c->requirements.list = &m->requirement;
    c->inspections = &m->inspection;
    c->devices = &m->device;
    c->phases = m->phases;
    c->requirements.n = c->ninspections = c->ndevices = 1;
    c->nphases = 2;
    c->quality.person = "site-manager";
    m->b->people[BOTH].roles = ROLE_OFFICE | ROLE_SITE;
}

static int month_setup(void **state)
{
    struct month *m = mem_new(struct month);
    bench_setup(state);
    m->b = *state;
    ladder_open(&m->l, &m->b->config);
    m->tasks = tasks_create();
    open_site(m);
    *state = m;
    return 0;
}

static int month_teardown(void **state)
{
    struct month *m = *state;
    ladder_close(&m->l);
    tasks_destroy(m->tasks);
    for (int i = 0; i < m->ntasks; i++)
        mem_free(m->task_rows[i]);
    *state = m->b;
    mem_free(m);
    return bench_teardown(state);
}

/* --- what main does --- */

static void add_line(struct month *m, const char *said)
{
    char at[32];
    assert_true(m->nlines < LINES);
    snprintf(m->lines[m->nlines++], LINE, "%s %s", when_said(m->b->now, at), said);
}

static void look_and_note(struct month *m)
{
    int before = m->l.n;
    look(&m->l, m->b);
    for (int i = before; i < m->l.n; i++)
        add_line(m, m->l.said[i]);
}

static void find_or_recover(struct month *m, const struct finding *f, bool recovered)
{
    struct bench *b = m->b;
    char *body = NULL;
    int rc = recovered ? ledger_recover(b->ledger, b->now, f, &body, b->id)
                       : ledger_find(b->ledger, b->now, f, &body, b->id);
    if (rc == ERR_OK)
        apply(b, body);
    else
        assert_true(recovered && rc == ERR_NOT_FOUND);
    look_and_note(m);
}

static void take_task(struct month *m, const char *id, json_t *row)
{
    char said[100];
    struct task_texts texts;
    struct finding f;
    const char *step = json_string_value(json_object_get(row, "step"));
    bool missed = strcmp(step, "missed") == 0;
    if ((missed || strcmp(step, "done") == 0) && tasks_finding(m->tasks, &m->b->config, id, &texts, &f))
        find_or_recover(m, &f, !missed);
    json_object_set_new(row, "ts", json_integer(m->b->now));
    assert_int_equal(tasks_apply(m->tasks, id, row), ERR_OK);
    snprintf(m->task_ids[m->ntasks], sizeof m->task_ids[0], "%s", id);
    m->task_rows[m->ntasks++] = json_dumps(row, JSON_COMPACT);
    snprintf(said, sizeof said, "%s %s", step, id);
    add_line(m, said);
}

static void minute(struct month *m)
{
    char id[80];
    json_t *row;
    while ((row = tasks_next(m->tasks, &m->b->config, m->b->now, id)) != NULL) {
        take_task(m, id, row);
        json_decref(row);
    }
    while ((row = tasks_reminder(m->tasks, &m->b->config, m->b->now, id)) != NULL) {
        ladder_take(&m->l, id, row);
        tasks_reminded(m->tasks, id);
        add_line(m, m->l.said[m->l.n - 1]);
        json_decref(row);
    }
    look_and_note(m);
}

/* Everything anew from the rows alone. */
static void restart(struct month *m)
{
    struct bench *b = m->b;
    ledger_destroy(b->ledger);
    b->ledger = ledger_create(&b->config);
    for (int i = 0; i < b->nbodies; i++)
        assert_int_equal(ledger_apply(b->ledger, i + 1, b->bodies[i]), ERR_OK);
    tasks_destroy(m->tasks);
    m->tasks = tasks_create();
    for (int i = 0; i < m->ntasks; i++) {
        json_t *row = json_loads(m->task_rows[i], 0, NULL);
        assert_int_equal(tasks_apply(m->tasks, m->task_ids[i], row), ERR_OK);
        json_decref(row);
    }
    for (int i = 0; i < m->nlooks; i++)
        tasks_inspected(m->tasks, "hardening/weekly", m->looks_ms[i], ROLE_INSPECTOR);
    for (int i = 0; i < m->l.n; i++)
        tasks_reminded(m->tasks, m->l.subjects[i]);
    ladder_restart(&m->l);
}

static void act(struct month *m, const char *number, enum verb verb, enum who who)
{
    char id[32];
    snprintf(id, sizeof id, "LQ-2026-%s", number);
    if (try_act(m->b, id, verb, who) != ERR_OK)
        fail_msg("%s: %s", id, m->b->why);
    look_and_note(m);
}

static void do_deed(struct month *m, int i)
{
    struct finding f = a_finding(story[i].kind, story[i].subject, story[i].cause);
    f.answer_ms = story[i].answer_ms;
    f.rectify_ms = story[i].rectify_ms;
    switch (story[i].deed) {
    case FIND: find_or_recover(m, &f, false); break;
    case RECOVER: find_or_recover(m, &f, true); break;
    case ACT: act(m, story[i].issue, story[i].verb, story[i].who); break;
    case INSPECT:
        m->looks_ms[m->nlooks++] = m->b->now;
        tasks_inspected(m->tasks, story[i].cause, m->b->now, ROLE_INSPECTOR);
        break;
    case RENEW: m->device.calibrated_ms += 365 * (int64_t)DAY; break;
    }
}

static void play(struct month *m)
{
    size_t next = 0;
    int64_t end_ms = when("10-14 00:00");
    for (m->b->now = when("09-14 00:00"); m->b->now < end_ms; m->b->now += MINUTE) {
        while (next < sizeof story / sizeof *story && when(story[next].at) == m->b->now)
            do_deed(m, (int)next++);
        if (m->b->now == clock_window_start(m->b->now, DAY, 480))
            restart(m);
        minute(m);
    }
    assert_int_equal(next, sizeof story / sizeof *story);
}

/* --- and whether it does --- */

static void a_month_with_two_phases_tells_exactly_what_was_written_down_before(void **state)
{
    struct month *m = *state;
    play(m);
    int n = (int)(sizeof expected / sizeof *expected);
    for (int i = 0; i < n || i < m->nlines; i++)
        if (i >= n || i >= m->nlines || strcmp(expected[i], m->lines[i]) != 0)
            fail_msg("line %d is \"%s\", but was written down as \"%s\"", i, i < m->nlines ? m->lines[i] : "",
                     i < n ? expected[i] : "");
}

static void and_its_ledger_is_what_was_written_down_before(void **state)
{
    struct month *m = *state;
    char at[32];
    play(m);
    int n = (int)(sizeof issues / sizeof *issues);
    assert_int_equal(ledger_count(m->b->ledger), n);
    for (int i = 0; i < n; i++) {
        const struct issue *issue = ledger_at(m->b->ledger, i);
        assert_string_equal(issue->id, issues[i].id);
        assert_int_equal(issue->state, issues[i].state);
        assert_int_equal(issue->level, issues[i].level);
        assert_string_equal(when_said(issue->found_ms, at), issues[i].found);
        assert_string_equal(when_said(issue->rectify_due_ms, at), issues[i].rectify_due);
        assert_string_equal(issue->previous, issues[i].previous);
    }
    assert_int_equal(escalation_open(m->l.escalation), 1); /* the last one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_month_with_two_phases_tells_exactly_what_was_written_down_before,
                                        month_setup, month_teardown),
        cmocka_unit_test_setup_teardown(and_its_ledger_is_what_was_written_down_before, month_setup,
                                        month_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
