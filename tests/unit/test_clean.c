/* How many windows of a limit were kept, one after the other. */
#include "daemon/clean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void kept_windows_are_counted_until_one_is_not(void **state)
{
    struct clean c = {0};
    (void)state;
    assert_int_equal(clean_count(&c, "l", "a/pm10"), 0);
    clean_note(&c, "l", "a/pm10", true);
    clean_note(&c, "l", "a/pm10", true);
    clean_note(&c, "l", "b/pm10", true);
    assert_int_equal(clean_count(&c, "l", "a/pm10"), 2);
    assert_int_equal(clean_count(&c, "l", "b/pm10"), 1);
    clean_note(&c, "l", "a/pm10", false);
    assert_int_equal(clean_count(&c, "l", "a/pm10"), 0);
    clean_finish(&c);
}

static void a_window_judged_again_counts_only_when_it_turned_out_bad(void **state)
{
    struct clean c = {0};
    (void)state;
    clean_note(&c, "l", "p", true);
    clean_correct(&c, "l", "p", true);
    assert_int_equal(clean_count(&c, "l", "p"), 1);
    clean_correct(&c, "l", "p", false);
    assert_int_equal(clean_count(&c, "l", "p"), 0);
    clean_finish(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_windows_are_counted_until_one_is_not),
        cmocka_unit_test(a_window_judged_again_counts_only_when_it_turned_out_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
