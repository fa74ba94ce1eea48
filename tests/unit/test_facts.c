/* What the judge is told beside the meters: stage, background, service. */
#include "daemon/judge/facts.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { HOUR = 3600000 };

static int setup(void **state)
{
    *state = facts_create();
    return 0;
}

static int teardown(void **state)
{
    facts_destroy(*state);
    return 0;
}

static void a_stage_holds_from_its_time_until_the_next(void **state)
{
    struct facts *f = *state;
    facts_set_stage(f, 5 * HOUR, STAGE_STRUCTURE); /* told first, begins later */
    facts_set_stage(f, 2 * HOUR, STAGE_EARTHWORK);
    assert_int_equal(facts_stage(f, 2 * HOUR - 1), STAGE_UNKNOWN);
    assert_int_equal(facts_stage(f, 2 * HOUR), STAGE_EARTHWORK);
    assert_int_equal(facts_stage(f, 5 * HOUR - 1), STAGE_EARTHWORK);
    assert_int_equal(facts_stage(f, 9 * HOUR), STAGE_STRUCTURE);
    facts_set_stage(f, 5 * HOUR, STAGE_SUSPENDED); /* corrected */
    assert_int_equal(facts_stage(f, 9 * HOUR), STAGE_SUSPENDED);
}

static void a_background_is_of_its_own_hour_and_role_only(void **state)
{
    struct facts *f = *state;
    facts_set_background(f, "pm10", HOUR, HOUR, 60);
    assert_true(facts_background(f, "pm10", HOUR, HOUR) == 60);
    assert_true(isnan(facts_background(f, "tsp", HOUR, HOUR)));
    assert_true(isnan(facts_background(f, "pm10", 2 * HOUR, HOUR)));
    assert_true(isnan(facts_background(f, "pm10", HOUR, HOUR / 4)));
}

static void a_device_is_served_until_its_planned_end_or_an_earlier_one(void **state)
{
    struct facts *f = *state;
    facts_set_service(f, "gate", 'M', HOUR, 3 * HOUR, HOUR);
    assert_int_equal(facts_service(f, "gate", HOUR), 'M');
    assert_int_equal(facts_service(f, "yard", HOUR), 'N');
    assert_int_equal(facts_service(f, "gate", 3 * HOUR), 'N');
    facts_set_service(f, "gate", 'M', HOUR, 2 * HOUR, HOUR);
    assert_int_equal(facts_service(f, "gate", 2 * HOUR), 'N');
}

/* ★ Whoever could say afterwards that a device was being served could take its exceedances away. */
static void a_maintenance_holds_from_when_it_is_told_not_before(void **state)
{
    struct facts *f = *state;
    facts_set_service(f, "gate", 'M', HOUR, 4 * HOUR, 3 * HOUR);
    assert_int_equal(facts_service(f, "gate", 2 * HOUR), 'N');
    assert_int_equal(facts_service(f, "gate", 3 * HOUR), 'M');
    facts_set_service(f, "gate", 'M', HOUR, 4 * HOUR - 1, 3 * HOUR + 1); /* the same, ended early */
    assert_int_equal(facts_service(f, "gate", 3 * HOUR), 'M');
    assert_int_equal(facts_service(f, "gate", 4 * HOUR - 1), 'N');
    facts_set_service(f, "gate", 'M', HOUR, 5 * HOUR, 4 * HOUR + 2); /* longer, when it was over already */
    assert_int_equal(facts_service(f, "gate", 4 * HOUR), 'N');
    assert_int_equal(facts_service(f, "gate", 4 * HOUR + 2), 'M');
    assert_false(facts_served(f, "gate", 0, 3 * HOUR));
}

static void forgetting_keeps_the_stage_that_holds(void **state)
{
    struct facts *f = *state;
    facts_set_stage(f, HOUR, STAGE_EARTHWORK);
    facts_set_stage(f, 2 * HOUR, STAGE_STRUCTURE);
    facts_set_background(f, "pm10", HOUR, HOUR, 60);
    facts_set_service(f, "gate", 'C', HOUR, 2 * HOUR, HOUR);
    facts_forget(f, 5 * HOUR);
    assert_int_equal(facts_stage(f, 5 * HOUR), STAGE_STRUCTURE);
    assert_true(isnan(facts_background(f, "pm10", HOUR, HOUR)));
    assert_int_equal(facts_service(f, "gate", HOUR), 'N');
}

static void without_facts_everything_is_unknown(void **state)
{
    (void)state;
    assert_int_equal(facts_stage(NULL, HOUR), STAGE_UNKNOWN);
    assert_true(isnan(facts_background(NULL, "pm10", HOUR, HOUR)));
    assert_int_equal(facts_service(NULL, "gate", HOUR), 'N');
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(a_stage_holds_from_its_time_until_the_next),
        EACH(a_background_is_of_its_own_hour_and_role_only),
        EACH(a_device_is_served_until_its_planned_end_or_an_earlier_one),
        EACH(a_maintenance_holds_from_when_it_is_told_not_before),
        EACH(forgetting_keeps_the_stage_that_holds),
        EACH(without_facts_everything_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
