/* Hours of work of a day. */
#include "daemon/judge/workday.h"

#include "daemon/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MINUTES(n) ((n) * (int64_t)CLOCK_MINUTE_MS)

static void assert_stretch(const struct workday *w, int64_t after_ms, int64_t from_ms, int64_t to_ms)
{
    int64_t from = 0, to = 0;
    assert_true(workday_stretch(w, after_ms, &from, &to));
    assert_true(from == from_ms);
    assert_true(to == to_ms);
}

static void without_hours_the_whole_day_is_worked_and_no_other(void **state)
{
    (void)state;
    struct workday w;
    workday_fill(&w, NULL, 0);
    assert_true(workday_is_worked(&w, 0));
    assert_true(workday_is_worked(&w, MINUTES(1440) - 1));
    assert_false(workday_is_worked(&w, MINUTES(1440)));
    assert_false(workday_is_worked(&w, MINUTES(-1)));
    assert_stretch(&w, 0, 0, MINUTES(1440));
}

static void hours_over_midnight_are_two_stretches_of_the_day(void **state)
{
    (void)state;
    struct workday w;
    int64_t from, to;
    workday_fill(&w, (const char *const[]){"22:00-06:00"}, 1);
    assert_stretch(&w, 0, 0, MINUTES(360));
    assert_stretch(&w, MINUTES(360), MINUTES(1320), MINUTES(1440));
    assert_false(workday_stretch(&w, MINUTES(1440), &from, &to));
}

static void hours_that_touch_are_one_stretch(void **state)
{
    (void)state;
    struct workday w;
    workday_fill(&w, (const char *const[]){"06:00-12:00", "12:00-14:00", "13:00-18:00"}, 3);
    assert_stretch(&w, 0, MINUTES(360), MINUTES(1080));
    assert_stretch(&w, MINUTES(700), MINUTES(700), MINUTES(1080));
}

static void after_the_last_hours_of_the_day_there_is_none(void **state)
{
    (void)state;
    struct workday w;
    int64_t from, to;
    workday_fill(&w, (const char *const[]){"06:00-12:00"}, 1);
    assert_false(workday_stretch(&w, MINUTES(720), &from, &to));
    assert_true(workday_is_worked(&w, MINUTES(719) + 59999));
    assert_false(workday_is_worked(&w, MINUTES(720)));
}

/* Slots of 90 s begin half a minute after a minute does. */
static void what_is_no_whole_minute_stays_so(void **state)
{
    (void)state;
    struct workday w;
    workday_fill(&w, (const char *const[]){"06:00-12:00"}, 1);
    assert_stretch(&w, MINUTES(361) + 30000, MINUTES(361) + 30000, MINUTES(720) + 30000);
    assert_stretch(&w, 30000, MINUTES(360) + 30000, MINUTES(720) + 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_hours_the_whole_day_is_worked_and_no_other),
        cmocka_unit_test(hours_over_midnight_are_two_stretches_of_the_day),
        cmocka_unit_test(hours_that_touch_are_one_stretch),
        cmocka_unit_test(after_the_last_hours_of_the_day_there_is_none),
        cmocka_unit_test(what_is_no_whole_minute_stays_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
