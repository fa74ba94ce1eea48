/* A year that a limit is about goes on after a start: from the hour rows of the journal, which has no minutes
 * of most of it any more. */
#include "daemon/config/limits.h"
#include "daemon/judge/annual.h"
#include "daemon/rows.h"
#include "tests/unit/pipeline_rig.h"

enum { SECOND = CLOCK_SECOND_MS, MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS, DAY = CLOCK_DAY_MS };
enum {
    FIRST_HOURS = 8,
    WHOLE_DAYS = 363
}; /* of 1 January, from 16:00 on; and those between it and 31 December */
static const int64_t year_ms = RIG_START_MS - 16 * (int64_t)HOUR;
static const int64_t next_ms = RIG_START_MS + (FIRST_HOURS + (WHOLE_DAYS + 1) * 24) * (int64_t)HOUR;

static struct limit hourly;

static int setup(void **state)
{
    hourly = rig_limit;
    rig_limit.window_ms = LIMIT_YEAR_MS;
    rig_limit.hours_needed = 20;
    rig_limit.days_needed = 324;
    rig_limit.informs = true;
    return rig_setup(state);
}

static int teardown(void **state)
{
    rig_limit = hourly;
    return rig_teardown(state);
}

static double value_of(int64_t at_ms)
{
    return 200 + (double)((at_ms - year_ms) / DAY % 7);
}

/* Hour rows as a year of running leaves them. */
static void write_hours(struct rig *r, int64_t from_ms, int64_t to_ms)
{
    for (int64_t ms = from_ms; ms < to_ms; ms += HOUR) {
        double v = value_of(ms);
        struct mean means[RIG_POINTS] = {{v, v, v, 60, 60, 'N', 0}, {v + 100, v, v, 60, 60, 'N', 0}};
        row_window(&r->d, &(struct judge_event){
                              .kind = JUDGE_WINDOW, .start_ms = ms, .length_ms = HOUR, .means = means});
        if ((ms - from_ms) / HOUR % 100 == 99)
            batch_flush(&r->d);
        while (store_state(r->d.store).waiting > 64)
            usleep(1000);
    }
    batch_flush(&r->d);
}

static void write_correction(struct rig *r, int64_t at_ms, double v)
{
    struct mean means[RIG_POINTS] = {
        {v, v, v, 50, 60, 'N', 0}}; /* fewer minutes, and it counts all the same */
    row_window(
        &r->d,
        &(struct judge_event){
            .kind = JUDGE_WINDOW, .start_ms = at_ms, .length_ms = HOUR, .means = means, .corrects = true});
    batch_flush(&r->d);
}

static void start_again(struct rig *r, int64_t at_ms)
{
    if (r->running) {
        rig_settle(r);
        rig_kill(r);
    }
    rig_start(r, at_ms);
}

/* Minutes of a value from a start on. */
static void run(struct rig *r, int64_t from_ms, int minutes)
{
    start_again(r, from_ms);
    rig_seconds(r, from_ms, minutes * 60, 210);
}

static double mean_of(const char *body)
{
    json_t *j = json_loads(body, 0, NULL);
    double mean = json_number_value(json_object_get(j, "mean"));
    json_decref(j);
    return mean;
}

/* Of the days with enough hours: all but the first; `more` on one of them. */
static double expected(double more)
{
    double sum = more;
    for (int day = 1; day <= WHOLE_DAYS + 1; day++)
        sum += 200 + day % 7;
    return rint(sum / (WHOLE_DAYS + 1) * 1e4) / 1e4;
}

static struct rig_rows verdicts(struct rig *r, const char *has)
{
    struct rig_rows rows = rig_rows(r, "verdict", has);
    assert_true(rows.n == 0 || rows.at_ms == year_ms);
    return rows;
}

static void after_a_start_the_year_is_made_of_the_rows_of_its_hours(void **state)
{
    struct rig *r = *state;
    int64_t corrected_ms = year_ms + 200 * (int64_t)DAY;
    write_hours(r, RIG_START_MS, corrected_ms + 5 * (int64_t)DAY);
    write_correction(r, corrected_ms, value_of(corrected_ms) + 240);
    write_hours(r, corrected_ms + 5 * (int64_t)DAY, next_ms - HOUR);
    run(r, next_ms - 10 * MINUTE, 11); /* too few minutes for an hour */
    struct rig_rows a = verdicts(r, "\"point\":\"a/pm10\""), b = verdicts(r, "\"point\":\"b/pm10\"");
    assert_int_equal(a.n, 1);
    assert_int_equal(b.n, 1);
    assert_int_equal(rig_member(a.body, "window_s"), 365 * 86400);
    assert_int_equal(rig_member(a.body, "ts") / 1000, year_ms / 1000);
    assert_int_equal(rig_member(a.body, "n"), WHOLE_DAYS + 1);
    assert_true(mean_of(a.body) == expected(10));
    assert_true(mean_of(b.body) == expected(0) + 100);
}

static void a_start_after_the_year_tells_it_if_nobody_has_and_no_second_time(void **state)
{
    struct rig *r = *state;
    write_hours(r, RIG_START_MS, next_ms - 300 * (int64_t)DAY);
    run(r, next_ms + 3 * (int64_t)DAY, 2);
    struct rig_rows told = verdicts(r, NULL);
    assert_int_equal(told.n, RIG_POINTS);
    assert_non_null(strstr(told.body, "\"verdict\":\"unknown\""));
    assert_non_null(strstr(told.body, "too few valid days"));
    static const int64_t later[] = {3 * (int64_t)DAY + HOUR, 4 * (int64_t)DAY, 40 * (int64_t)DAY};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        run(r, next_ms + later[i], 2);
        assert_int_equal(verdicts(r, NULL).n, RIG_POINTS);
    }
}

/* Its verdicts are stamped with the year's start, and are the last rows of the journal. */
static void a_cut_right_after_the_years_verdict_is_a_gap_of_minutes(void **state)
{
    struct rig *r = *state;
    write_hours(r, RIG_START_MS, next_ms - HOUR);
    run(r, next_ms - 2 * MINUTE, 2);
    assert_int_equal(verdicts(r, NULL).n, RIG_POINTS);
    rig_start(r, next_ms + 20 * MINUTE);
    assert_true(r->d.opened.last_at_ms >= next_ms - DAY);
    struct rig_rows gaps = rig_rows(r, "gap", NULL);
    assert_int_equal(rig_member(gaps.body, "from") / 1000, next_ms / 1000);
    rig_start(r, next_ms + 30 * MINUTE);
    rig_seconds(r, next_ms + 30 * MINUTE, 61, 210);
    assert_int_equal(verdicts(r, NULL).n, RIG_POINTS);
}

static void a_correction_after_a_start_names_the_verdict_that_it_replaces(void **state)
{
    struct rig *r = *state;
    write_hours(r, RIG_START_MS, next_ms - HOUR);
    run(r, next_ms - 2 * MINUTE, 2);
    int64_t seq = verdicts(r, "\"point\":\"a/pm10\"").seq;
    start_again(r, next_ms + 2 * (int64_t)DAY);
    struct mean other = {700, 700, 700, 60, 60, 'N', 0};
    annual_hour(r->d.judge, 0, next_ms - 20 * HOUR, &other, true);
    rig_seconds(r, next_ms + 2 * (int64_t)DAY, 61, 210);
    struct rig_rows corrected = verdicts(r, "\"corrects\"");
    assert_int_equal(corrected.n, 1);
    assert_int_equal(rig_member(corrected.body, "corrects"), seq);
    assert_true(mean_of(corrected.body) > expected(0));
}

static void a_years_breach_is_an_issue_that_names_the_year(void **state)
{
    struct rig *r = *state;
    rig_limit.informs = false;
    write_hours(r, RIG_START_MS, next_ms - HOUR);
    run(r, next_ms - 2 * MINUTE, 2);
    struct rig_rows issue = rig_rows(r, "issue", "\"step\":\"open\"");
    assert_int_equal(issue.n, 1); /* of b */
    assert_non_null(strstr(issue.body, "2026 全年均值"));
    assert_non_null(strstr(issue.body, "mean of the year 2026 is"));
}

#define YEAR(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        YEAR(after_a_start_the_year_is_made_of_the_rows_of_its_hours),
        YEAR(a_start_after_the_year_tells_it_if_nobody_has_and_no_second_time),
        YEAR(a_cut_right_after_the_years_verdict_is_a_gap_of_minutes),
        YEAR(a_correction_after_a_start_names_the_verdict_that_it_replaces),
        YEAR(a_years_breach_is_an_issue_that_names_the_year),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
