/* Tasks in the daemon's main thread: their rows, the finding for what was missed, the topic. */
#include "tests/unit/pipeline_rig.h"

#include "daemon/chore.h"
#include "daemon/config/inspection.h"
#include "daemon/judge/input.h"
#include "daemon/ledger/task.h"
#include "daemon/tell.h"

static struct check looks[] = {{.name = "weekly",
                                .title_zh = "道路",
                                .title_en = "Roads",
                                .kind = CHECK_ATTEST,
                                .slot_ms = 7 * (int64_t)CLOCK_DAY_MS,
                                .by = ROLE_OFFICE}};
static struct requirement hardening = {
    .name = "hardening", .title_zh = "硬化", .title_en = "Hardening", .checks = looks, .nchecks = 1};
static struct inspection weekly = {.name = "weekly",
                                   .title_zh = "一周一检查",
                                   .title_en = "Weekly inspection",
                                   .weekday = 4,
                                   .person = "manager",
                                   .remind_ms = CLOCK_DAY_MS,
                                   .answer_ms = CLOCK_DAY_MS,
                                   .rectify_ms = CLOCK_DAY_MS};

static int chore_setup(void **state)
{
    rig_config.requirements.list = &hardening;
    rig_config.requirements.n = 1;
    rig_config.requirements.person = "manager";
    rig_config.requirements.left_out = NULL;
    rig_config.inspections = &weekly;
    rig_config.ninspections = 1;
    return rig_setup(state);
}

static int chore_teardown(void **state)
{
    rig_config.requirements = (struct requirements){0};
    rig_config.inspections = NULL;
    rig_config.ninspections = 0;
    return rig_teardown(state);
}

/* A minute of the site's, so that whatever time has brought is written. */
static void minute(struct rig *r, int64_t now_ms)
{
    tell_turn(&r->d, now_ms);
    batch_flush(&r->d);
    rig_settle(r);
    tell_turn(&r->d, now_ms); /* what is on the disk now is told */
}

static int64_t week_over(const struct rig *r)
{
    json_t *list = tasks_json(r->d.tasks, r->d.config, RIG_START_MS);
    int64_t due_ms = json_integer_value(json_object_get(json_array_get(list, 0), "due"));
    json_decref(list);
    return due_ms;
}

static void inspect(struct rig *r, int64_t at_ms)
{
    struct input i = {
        .kind = INPUT_INSPECTION, .from_ms = at_ms, .to_ms = INPUT_OPEN, .about = "hardening/weekly"};
    chore_input(&r->d, &i, ROLE_OFFICE);
}

static const char *said_task(void)
{
    for (int i = stub.now_messages; i > 0; i--)
        if (strcmp(stub.topic[(i - 1) % RIG_SAID], "task") == 0)
            return stub.payload[(i - 1) % RIG_SAID];
    return NULL;
}

static void a_task_that_falls_due_is_a_row_and_on_its_topic(void **state)
{
    struct rig *r = *state;
    minute(r, RIG_START_MS);
    assert_non_null(said_task());
    assert_non_null(strstr(said_task(), "{\"tasks\":[{\"what\":\"inspection\",\"about\":\"weekly\""));
    struct rig_rows rows =
        rig_rows(r, "task", "\"step\":\"due\",\"what\":\"inspection\",\"about\":\"weekly\"");
    assert_int_equal(rows.n, 1);
}

static void what_is_not_on_the_disk_is_not_told(void **state)
{
    struct rig *r = *state;
    tell_turn(&r->d, RIG_START_MS);
    tell_turn(&r->d, RIG_START_MS);
    assert_null(said_task());
    minute(r, RIG_START_MS);
    assert_non_null(said_task());
}

static void a_missed_inspection_is_a_finding_in_the_ledger(void **state)
{
    struct rig *r = *state;
    minute(r, RIG_START_MS);
    minute(r, week_over(r));
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_string_equal(ledger_at(r->d.ledger, 0)->kind, "task");
    assert_string_equal(ledger_at(r->d.ledger, 0)->person, "manager");
    assert_non_null(strstr(said_task(), "\"state\":\"missed\",\"light\":\"red\""));
    assert_int_equal(rig_rows(r, "task", "\"step\":\"missed\"").n, 1);
}

static void the_next_one_that_is_done_makes_it_good(void **state)
{
    struct rig *r = *state;
    minute(r, RIG_START_MS);
    int64_t over_ms = week_over(r);
    minute(r, over_ms);
    inspect(r, over_ms + CLOCK_HOUR_MS);
    minute(r, over_ms + 2 * CLOCK_HOUR_MS);
    assert_int_equal(ledger_at(r->d.ledger, 0)->state, ISSUE_CLOSED);
    assert_int_equal(ledger_count(r->d.ledger), 1);
}

static void an_inspection_in_time_leaves_no_finding(void **state)
{
    struct rig *r = *state;
    minute(r, RIG_START_MS);
    int64_t over_ms = week_over(r);
    inspect(r, RIG_START_MS);
    minute(r, over_ms);
    assert_int_equal(ledger_count(r->d.ledger), 0);
    assert_int_equal(rig_rows(r, "task", "\"step\":\"done\"").n, 1);
}

static void whoever_may_inspect_is_reminded_once_also_over_a_restart(void **state)
{
    struct rig *r = *state;
    minute(r, RIG_START_MS);
    int64_t over_ms = week_over(r);
    minute(r, over_ms - CLOCK_DAY_MS);
    rig_kill(r);
    rig_start(r, over_ms - CLOCK_HOUR_MS);
    minute(r, over_ms - CLOCK_HOUR_MS);
    struct rig_rows rows = rig_rows(r, "alert", NULL);
    assert_int_equal(rows.n, 1);
    assert_non_null(strstr(rows.body, "\"step\":\"task\",\"level\":\"general\",\"to\":[\"officer\"]"));
    assert_int_equal(rig_rows(r, "task", NULL).n, 1);
}

static void a_site_without_tasks_says_nothing_of_them(void **state)
{
    struct rig *r = *state;
    rig_config.ninspections = 0;
    minute(r, RIG_START_MS);
    now_all(&r->d, -1);
    assert_null(said_task());
    assert_int_equal(rig_rows(r, "task", NULL).n, 0);
}

#define CHORE(test) cmocka_unit_test_setup_teardown(test, chore_setup, chore_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHORE(a_task_that_falls_due_is_a_row_and_on_its_topic),
        CHORE(what_is_not_on_the_disk_is_not_told),
        CHORE(a_missed_inspection_is_a_finding_in_the_ledger),
        CHORE(the_next_one_that_is_done_makes_it_good),
        CHORE(an_inspection_in_time_leaves_no_finding),
        CHORE(whoever_may_inspect_is_reminded_once_also_over_a_restart),
        CHORE(a_site_without_tasks_says_nothing_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
