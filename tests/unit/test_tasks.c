/* Tasks: inspections of the week and certificates; pure, days pass in a loop. */
#include "daemon/ledger/task.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/inspection.h"
#include "daemon/config/person.h"
#include "daemon/ledger/ledger.h"
#include "drivers/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS_MAX = 200, MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS, DAY = CLOCK_DAY_MS };

struct desk {
    struct config config;
    struct person people[2];
    struct requirement requirement;
    struct check checks[3];
    struct inspection inspection;
    struct device device;
    struct tasks *tasks;
    int64_t now;
    char said[ROWS_MAX][120]; /* "<step> <id>" */
    char *rows[ROWS_MAX], subjects[ROWS_MAX][80];
    int n;
};

static int desk_setup(void **state)
{
    struct desk *d = mem_new(struct desk);
    d->people[0] = (struct person){.name = "officer", .title = "专干", .roles = ROLE_COMMUNITY};
    d->people[1] = (struct person){.name = "manager", .title = "项目经理", .roles = ROLE_SITE};
    d->checks[0] = (struct check){.name = "weekly",
                                  .title_zh = "路",
                                  .title_en = "Roads",
                                  .kind = CHECK_ATTEST,
                                  .by = ROLE_COMMUNITY | ROLE_OFFICE};
    d->checks[1] =
        (struct check){.name = "watered", .title_zh = "水", .title_en = "Water", .kind = CHECK_DUTY};
    d->checks[2] = d->checks[0];
    d->checks[2].name = "edges";
    d->requirement = (struct requirement){
        .name = "hardening", .title_zh = "硬化", .title_en = "Hardening", .checks = d->checks, .nchecks = 3};
    d->inspection = (struct inspection){.name = "weekly",
                                        .title_zh = "一周一检查",
                                        .title_en = "Weekly inspection",
                                        .weekday = 4,
                                        .person = "officer",
                                        .remind_ms = DAY,
                                        .answer_ms = DAY,
                                        .rectify_ms = 3 * (int64_t)DAY};
    d->config = (struct config){.people = d->people,
                                .npeople = 2,
                                .inspections = &d->inspection,
                                .ninspections = 1,
                                .site = {.zone_min = 480, .issue_prefix = "EX"},
                                .quality = {.person = "manager", .answer_ms = DAY, .rectify_ms = DAY}};
    d->config.requirements.list = &d->requirement;
    d->config.requirements.n = 1;
    d->tasks = tasks_create();
    d->now =
        1773417600000; /* Saturday 2026-03-14 00:00 +08:00: a week begins, the one before ended on Friday */
    *state = d;
    return 0;
}

static int desk_teardown(void **state)
{
    struct desk *d = *state;
    for (int i = 0; i < d->n; i++)
        mem_free(d->rows[i]);
    tasks_destroy(d->tasks);
    mem_free(d);
    return 0;
}

static void note(struct desk *d, const char *step, const char *id, char *row)
{
    assert_true(d->n < ROWS_MAX);
    snprintf(d->said[d->n], sizeof d->said[0], "%s %s", step, id);
    snprintf(d->subjects[d->n], sizeof d->subjects[0], "%s", id);
    d->rows[d->n++] = row;
}

/* What main does each minute. */
static int look(struct desk *d)
{
    char id[80];
    json_t *row;
    int before = d->n;
    while ((row = tasks_next(d->tasks, &d->config, d->now, id)) != NULL) {
        json_object_set_new(row, "ts", json_integer(d->now));
        assert_int_equal(tasks_apply(d->tasks, id, row), ERR_OK);
        note(d, json_string_value(json_object_get(row, "step")), id, json_dumps(row, JSON_COMPACT));
        json_decref(row);
    }
    while ((row = tasks_reminder(d->tasks, &d->config, d->now, id)) != NULL) {
        tasks_reminded(d->tasks, id);
        note(d, json_string_value(json_object_get(row, "step")), id, json_dumps(row, JSON_COMPACT));
        json_decref(row);
    }
    return d->n - before;
}

static void pass(struct desk *d, int64_t ms)
{
    for (int64_t end = d->now + ms; d->now < end; d->now += MINUTE)
        look(d);
    look(d);
}

static void restart(struct desk *d)
{
    tasks_destroy(d->tasks);
    d->tasks = tasks_create();
    for (int i = 0; i < d->n; i++) {
        json_t *row = json_loads(d->rows[i], 0, NULL);
        if (strncmp(d->said[i], "task ", 5) == 0)
            tasks_reminded(d->tasks, d->subjects[i]);
        else
            assert_int_equal(tasks_apply(d->tasks, d->subjects[i], row), ERR_OK);
        json_decref(row);
    }
}

#define assert_said(d, from, ...) said_is(d, from, (const char *const[]){__VA_ARGS__, NULL})
static void said_is(const struct desk *d, int from, const char *const *expected)
{
    int i = from;
    for (; *expected; expected++, i++) {
        assert_true(i < d->n);
        assert_string_equal(d->said[i], *expected);
    }
    if (i < d->n)
        fail_msg("also said: %s", d->said[i]);
}

static void an_inspection_falls_due_each_week_by_itself(void **state)
{
    struct desk *d = *state;
    pass(d, 8 * (int64_t)DAY);
    assert_said(d, 0, "due weekly-2026-03-20", "task weekly-2026-03-20", "missed weekly-2026-03-20",
                "due weekly-2026-03-27");
}

static void the_last_day_is_the_one_that_was_set_and_all_of_it_counts(void **state)
{
    struct desk *d = *state;
    d->inspection.weekday = 6;
    look(d);
    assert_said(d, 0, "due weekly-2026-03-15");
    const struct task *t = tasks_find(d->tasks, "weekly-2026-03-15");
    assert_true(t->due_ms == d->now + 2 * (int64_t)DAY);
    assert_true(t->from_ms == d->now - 5 * (int64_t)DAY);
    d->now = t->due_ms - 1;
    assert_int_equal(look(d), 1); /* the reminder */
    d->now++;
    assert_int_equal(look(d), 2);
    assert_said(d, 2, "missed weekly-2026-03-15", "due weekly-2026-03-22");
}

static void it_is_done_when_each_check_was_looked_at_by_somebody_who_may(void **state)
{
    struct desk *d = *state;
    look(d);
    tasks_inspected(d->tasks, "hardening/weekly", d->now, ROLE_COMMUNITY);
    tasks_inspected(d->tasks, "hardening/edges", d->now, ROLE_SITE);               /* may not */
    tasks_inspected(d->tasks, "hardening/edges", d->now, ROLE_SITE | ROLE_OFFICE); /* nor with two hats */
    assert_int_equal(look(d), 0);
    tasks_inspected(d->tasks, "hardening/edges", d->now + HOUR, ROLE_OFFICE);
    look(d);
    assert_said(d, 1, "done weekly-2026-03-20");
    pass(d, 6 * (int64_t)DAY); /* and nobody is reminded of it */
    assert_int_equal(d->n, 2);
}

static void a_look_of_another_week_does_not_count(void **state)
{
    struct desk *d = *state;
    look(d);
    tasks_inspected(d->tasks, "hardening/weekly", d->now - 1, ROLE_COMMUNITY);
    tasks_inspected(d->tasks, "hardening/edges", d->now + 7 * (int64_t)DAY, ROLE_COMMUNITY);
    assert_int_equal(look(d), 0);
}

static void only_the_checks_that_are_named_are_asked_for(void **state)
{
    struct desk *d = *state;
    const char *names[] = {"hardening/edges"};
    d->inspection.checks = names;
    d->inspection.nchecks = 1;
    look(d);
    tasks_inspected(d->tasks, "hardening/edges", d->now, ROLE_COMMUNITY);
    look(d);
    assert_said(d, 1, "done weekly-2026-03-20");
}

static void what_was_done_in_time_and_told_late_is_done_after_all(void **state)
{
    struct desk *d = *state;
    pass(d, 7 * (int64_t)DAY);
    int n = d->n;
    tasks_inspected(d->tasks, "hardening/weekly", d->now - DAY, ROLE_COMMUNITY);
    tasks_inspected(d->tasks, "hardening/edges", d->now - DAY, ROLE_COMMUNITY);
    look(d);
    assert_said(d, n, "done weekly-2026-03-20");
}

static void a_restart_repeats_no_task_and_no_reminder(void **state)
{
    struct desk *d = *state;
    for (int i = 0; i < 14; i++) {
        pass(d, DAY / 2);
        restart(d);
        assert_int_equal(look(d), 0);
        pass(d, DAY / 2);
    }
    assert_said(d, 0, "due weekly-2026-03-20", "task weekly-2026-03-20", "missed weekly-2026-03-20",
                "due weekly-2026-03-27", "task weekly-2026-03-27", "missed weekly-2026-03-27",
                "due weekly-2026-04-03");
}

static void a_clock_that_is_set_back_repeats_no_task(void **state)
{
    struct desk *d = *state;
    pass(d, 8 * (int64_t)DAY);
    int n = d->n;
    d->now -= 3 * (int64_t)DAY;
    assert_int_equal(look(d), 0);
    pass(d, 3 * (int64_t)DAY);
    assert_int_equal(d->n, n);
}

static void weeks_in_which_the_daemon_was_down_are_not_held_against_anybody(void **state)
{
    struct desk *d = *state;
    look(d);
    d->now += 21 * (int64_t)DAY;
    look(d);
    assert_said(d, 1, "missed weekly-2026-03-20", "due weekly-2026-04-10");
}

static void an_inspection_that_is_no_longer_asked_for_is_dropped_and_no_finding(void **state)
{
    struct desk *d = *state;
    look(d);
    d->config.ninspections = 0;
    pass(d, 8 * (int64_t)DAY);
    assert_said(d, 1, "dropped weekly-2026-03-20");
    d->config.ninspections = 1;
    look(d);
    assert_said(d, 2, "due weekly-2026-03-27");
}

static void who_was_reminded_is_not_reminded_again_of_one_that_is_asked_for_again(void **state)
{
    struct desk *d = *state;
    pass(d, 6 * (int64_t)DAY + HOUR);
    assert_int_equal(d->n, 2);
    d->config.ninspections = 0;
    look(d);
    d->config.ninspections = 1;
    look(d);
    assert_said(d, 2, "dropped weekly-2026-03-20", "due weekly-2026-03-20");
}

static void a_certificate_is_a_task_from_30_days_before_its_end_until_it_is_renewed(void **state)
{
    struct desk *d = *state;
    d->config.ninspections = 0;
    d->device = (struct device){.name = "gate", .title_zh = "大门", .title_en = "Gate"};
    d->config.devices = &d->device;
    d->config.ndevices = 1;
    pass(d, DAY); /* no date: no task */
    assert_int_equal(d->n, 0);
    d->device.calibrated_ms = d->now + 31 * (int64_t)DAY;
    pass(d, DAY - MINUTE);
    assert_int_equal(d->n, 0);
    pass(d, MINUTE);
    assert_said(d, 0, "due certificate-gate-2026-04-14", "task certificate-gate-2026-04-14");
    d->device.calibrated_ms += 365 * (int64_t)DAY;
    look(d);
    assert_said(d, 2, "done certificate-gate-2026-04-14");
    d->now += 364 * (int64_t)DAY;
    pass(d, 31 * (int64_t)DAY);
    assert_said(d, 3, "due certificate-gate-2027-04-14", "task certificate-gate-2027-04-14",
                "missed certificate-gate-2027-04-14");
}

static void a_missed_one_is_a_finding_in_the_words_of_both_languages(void **state)
{
    struct desk *d = *state;
    struct task_texts texts;
    struct finding f;
    pass(d, 7 * (int64_t)DAY);
    assert_true(tasks_finding(d->tasks, &d->config, "weekly-2026-03-20", &texts, &f));
    assert_string_equal(f.kind, "task");
    assert_string_equal(f.subject, "weekly");
    assert_string_equal(f.person, "officer");
    assert_string_equal(f.text_zh, "一周一检查，最后一天 2026-03-20，未完成");
    assert_string_equal(f.text_en, "Weekly inspection, last day 2026-03-20, was not done");
    assert_true(f.rectify_ms == 3 * (int64_t)DAY);
    json_decref(f.evidence);
    assert_false(tasks_finding(d->tasks, &d->config, "nothing", &texts, &f));
}

static void the_list_says_what_is_still_to_be_looked_at(void **state)
{
    struct desk *d = *state;
    pass(d, 7 * (int64_t)DAY);
    tasks_inspected(d->tasks, "hardening/edges", d->now + 5, ROLE_COMMUNITY);
    json_t *list = tasks_json(d->tasks, &d->config, d->now + 6 * (int64_t)DAY + HOUR);
    char *text = json_dumps(list, JSON_COMPACT);
    assert_string_equal(
        text, "[{\"what\":\"inspection\",\"about\":\"weekly\",\"from\":1773417600000,\"due\":1774022400000,"
              "\"title\":{\"zh\":\"一周一检查\",\"en\":\"Weekly inspection\"},\"id\":\"weekly-2026-03-20\","
              "\"state\":\"missed\",\"light\":\"red\",\"ended\":1774022400000,\"checks\":["
              "{\"check\":\"hardening/weekly\",\"title\":{\"zh\":\"路\",\"en\":\"Roads\"}},"
              "{\"check\":\"hardening/edges\",\"title\":{\"zh\":\"路\",\"en\":\"Roads\"}}]},"
              "{\"what\":\"inspection\",\"about\":\"weekly\",\"from\":1774022400000,\"due\":1774627200000,"
              "\"title\":{\"zh\":\"一周一检查\",\"en\":\"Weekly inspection\"},\"id\":\"weekly-2026-03-27\","
              "\"state\":\"due\",\"light\":\"yellow\",\"checks\":["
              "{\"check\":\"hardening/weekly\",\"title\":{\"zh\":\"路\",\"en\":\"Roads\"}},"
              "{\"check\":\"hardening/"
              "edges\",\"title\":{\"zh\":\"路\",\"en\":\"Roads\"},\"looked\":1774022400005}]}]");
    mem_free(text);
    json_decref(list);
    list = tasks_json(d->tasks, &d->config, d->now + 15 * (int64_t)DAY);
    assert_int_equal(json_array_size(list), 1); /* what is long over is no longer shown */
    json_decref(list);
}

static void rows_that_are_no_task_are_refused_and_change_nothing(void **state)
{
    struct desk *d = *state;
    static const char *const bodies[] = {
        "{}", "{\"step\":\"eaten\",\"what\":\"inspection\",\"about\":\"a\",\"due\":1}",
        "{\"step\":\"due\",\"what\":\"inspection\",\"about\":\"\",\"due\":1}",
        "{\"step\":\"due\",\"what\":\"inspection\",\"about\":\"a\",\"due\":\"x\"}",
        "{\"step\":\"due\",\"what\":\"inspection\",\"about\":\"a\",\"due\":1,\"title\":{\"zh\":7}}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        json_t *body = json_loads(bodies[i], 0, NULL);
        assert_int_equal(tasks_apply(d->tasks, "a-2026-03-20", body), ERR_FORMAT);
        json_decref(body);
    }
    assert_null(tasks_find(d->tasks, "a-2026-03-20"));
}

#define ON_DESK(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DESK(an_inspection_falls_due_each_week_by_itself),
        ON_DESK(the_last_day_is_the_one_that_was_set_and_all_of_it_counts),
        ON_DESK(it_is_done_when_each_check_was_looked_at_by_somebody_who_may),
        ON_DESK(a_look_of_another_week_does_not_count),
        ON_DESK(only_the_checks_that_are_named_are_asked_for),
        ON_DESK(what_was_done_in_time_and_told_late_is_done_after_all),
        ON_DESK(a_restart_repeats_no_task_and_no_reminder),
        ON_DESK(a_clock_that_is_set_back_repeats_no_task),
        ON_DESK(weeks_in_which_the_daemon_was_down_are_not_held_against_anybody),
        ON_DESK(an_inspection_that_is_no_longer_asked_for_is_dropped_and_no_finding),
        ON_DESK(who_was_reminded_is_not_reminded_again_of_one_that_is_asked_for_again),
        ON_DESK(a_certificate_is_a_task_from_30_days_before_its_end_until_it_is_renewed),
        ON_DESK(a_missed_one_is_a_finding_in_the_words_of_both_languages),
        ON_DESK(the_list_says_what_is_still_to_be_looked_at),
        ON_DESK(rows_that_are_no_task_are_refused_and_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
