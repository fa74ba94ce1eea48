/* The reports that are handed over on the control socket: who may, what is kept, what the brokers get. */
#include "tests/unit/verbs_rig.h"

#define SUMMARY                                                                                     \
    "\"from\":1766000000000,\"to\":1767300000000,\"asof\":1767200000000,\"counts\":{\"found\":%s}," \
    "\"made_from\":{\"journal\":\"j\",\"seq\":1,\"hash\":\"h\"},\"completeness\":{\"valid\":1,\"due\":2}"

static const char *report(const char *kind, const char *found, const char *more, char text[static 1024])
{
    int n = snprintf(text, 1024, "{\"do\":\"report\",\"kind\":\"%s\",\"report\":{", kind);
    n += snprintf(text + n, 1024 - (size_t)n, SUMMARY, found);
    snprintf(text + n, 1024 - (size_t)n, "%s", more);
    return text;
}

static void a_report_becomes_a_row_and_the_newest_is_retained(void **state)
{
    struct rig *r = *state;
    char text[1024];
    assert_says(r, 0, report("weekly", "6", "}}", text), "\"result\":{\"seq\":");
    assert_non_null(strstr(said("report/weekly"), "\"found\":6"));
    assert_null(said("report/half-month"));
    assert_says(r, 0, report("weekly", "7", "}}", text), "\"ok\":true");
    assert_non_null(strstr(said("report/weekly"), "\"found\":7"));
    assert_says(r, 0, report("half-month", "9", "}}", text), "\"ok\":true");
    assert_non_null(strstr(said("report/half-month"), "\"found\":9"));
    assert_int_equal(rig_rows(r, "report", "\"subject\":\"weekly\",\"by\":\"root\"").n, 2);
    assert_int_equal(rig_rows(r, "report", NULL).n, 3);
}

static void a_report_is_published_only_after_its_commit(void **state)
{
    struct rig *r = *state;
    char text[1024];
    rig_settle(r);
    int fd = dial(r);
    asking = 0;
    say(r, fd, report("weekly", "6", "}}", text));
    assert_null(said("report/weekly"));
    reported_publish(&r->d, 0); /* a broker connects just now */
    assert_null(said("report/weekly"));
    batch_flush(&r->d);
    rig_settle(r);
    assert_non_null(said("report/weekly"));
    close(fd);
}

static void a_start_finds_the_newest_report_again(void **state)
{
    struct rig *r = *state;
    char text[1024];
    assert_says(r, 0, report("weekly", "6", "}}", text), "\"ok\":true");
    assert_says(r, 0, report("weekly", "7", "}}", text), "\"ok\":true");
    struct control *control = r->d.control;
    rig_kill(r);
    rig_start(r, RIG_START_MS + CLOCK_HOUR_MS);
    r->d.control = control;
    assert_non_null(strstr(r->d.reported.newest[0].body, "\"found\":7"));
    assert_null(r->d.reported.newest[1].body);
}

static void the_unit_that_is_reported_on_records_no_report(void **state)
{
    struct rig *r = *state;
    char text[1024];
    assert_says(r, MANAGER, report("weekly", "0", "}}", text),
                "people of the community, the office or the inspectors");
    assert_says(r, STRANGER, report("weekly", "0", "}}", text), "you may read only");
    assert_says(r, 0, report("weekly", "0", "},\"as\":\"manager\"}", text), "people of the community");
    assert_says(r, 0, report("weekly", "0", "},\"as\":\"ghost\"}", text), "name one with --as");
    assert_says(r, 0, report("weekly", "0", "},\"as\":\"officer\"}", text), "\"ok\":true");
    assert_int_equal(rig_rows(r, "report", NULL).n, 1);
    assert_int_equal(rig_rows(r, "report", "\"by\":\"officer\",\"as_root\":true").n, 1);
}

static void the_user_that_dustd_runs_as_records_its_timers_reports(void **state)
{
    struct rig *r = *state;
    char text[1024];
    assert_says(r, geteuid(), report("weekly", "1", "}}", text), "\"ok\":true");
}

static void what_is_no_summary_is_refused_with_the_reason(void **state)
{
    struct rig *r = *state;
    static const char *const table[][4] = {
        {"daily", "1", "}}", "weekly or half-month"},
        {"weekly", "-1", "}}", "whole number from 0"},
        {"weekly", "1.5", "}}", "whole number from 0"},
        {"weekly", "1", ",\"journal\":\"x\"}}", "no member of a summary"},
        {"weekly", "1", ",\"seq\":7}}", "no member of a summary"},
        {"weekly", "1", ",\"kind\":\"issue\"}}", "no member of a summary"},
        {"weekly", "1", ",\"limits\":7}}", "of another type"},
    };
    char text[1024];
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        assert_says(r, 0, report(table[i][0], table[i][1], table[i][2], text), table[i][3]);
    assert_says(r, 0, "{\"do\":\"report\",\"kind\":\"weekly\",\"report\":{}}", "needs \\\"asof\\\"");
    assert_says(r, 0, "{\"do\":\"report\",\"kind\":\"weekly\"}", "needs a \\\"report\\\"");
    assert_int_equal(rig_rows(r, "report", NULL).n, 0);
}

static void a_summary_that_no_broker_would_take_is_refused(void **state)
{
    struct rig *r = *state;
    char *text = mem_array(16000, 1);
    int n = snprintf(text, 16000, "{\"do\":\"report\",\"kind\":\"weekly\",\"report\":{");
    n += snprintf(text + n, 16000 - (size_t)n, SUMMARY, "1");
    n += snprintf(text + n, 16000 - (size_t)n, ",\"limits\":[\"");
    memset(text + n, 'x', REPORTED_MAX);
    snprintf(text + n + REPORTED_MAX, 16000 - (size_t)(n + REPORTED_MAX), "\"]}}");
    assert_says(r, 0, text, "at most 8000 bytes");
    mem_free(text);
}

static void a_report_of_a_time_to_come_is_refused(void **state)
{
    struct rig *r = *state;
    assert_says(r, 0,
                "{\"do\":\"report\",\"kind\":\"weekly\",\"report\":{\"from\":1,\"to\":9000000000000,\"asof\":"
                "8900000000000,\"counts\":{},\"made_from\":{},\"completeness\":{}}}",
                "not to come");
    assert_says(
        r, 0,
        "{\"do\":\"report\",\"kind\":\"weekly\",\"report\":{\"from\":5,\"to\":5,\"asof\":5,\"counts\":{},"
        "\"made_from\":{},\"completeness\":{}}}",
        "from < to");
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, verbs_setup, verbs_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(a_report_becomes_a_row_and_the_newest_is_retained),
        RIG(a_report_is_published_only_after_its_commit),
        RIG(a_start_finds_the_newest_report_again),
        RIG(the_unit_that_is_reported_on_records_no_report),
        RIG(the_user_that_dustd_runs_as_records_its_timers_reports),
        RIG(what_is_no_summary_is_refused_with_the_reason),
        RIG(a_summary_that_no_broker_would_take_is_refused),
        RIG(a_report_of_a_time_to_come_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
