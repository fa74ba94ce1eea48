/* How often a client and a user may ask. */
#include "daemon/rate.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct rate slow = {.per_s = 10, .burst = 3};

static bool takes(struct bucket *b, int64_t now_us)
{
    if (bucket_wait_us(b, slow, now_us))
        return false;
    bucket_take(b, slow, now_us);
    return true;
}

static void a_burst_goes_at_once_and_then_one_each_interval(void **state)
{
    (void)state;
    struct bucket b = {0};
    int64_t now_us = 5000000;
    for (int i = 0; i < 3; i++)
        assert_true(takes(&b, now_us));
    assert_false(takes(&b, now_us));
    assert_int_equal(bucket_wait_us(&b, slow, now_us), 100000);
    assert_false(takes(&b, now_us + 99999));
    assert_true(takes(&b, now_us + 100000));
    assert_false(takes(&b, now_us + 100000));
    assert_true(takes(&b, now_us + 200000));
}

static void a_rest_fills_the_bucket_but_not_beyond_its_burst(void **state)
{
    (void)state;
    struct bucket b = {0};
    int taken = 0;
    assert_true(takes(&b, 1000000));
    for (int i = 0; i < 10; i++)
        taken += takes(&b, 3600000000);
    assert_int_equal(taken, 3);
}

struct asked {
    struct rate_book book;
    struct rate_refusal why;
};

static int ask(struct asked *a, enum rate_class class, uint64_t client, uint32_t uid, int64_t now_us)
{
    return rate_ask(&a->book, class, &(struct rate_asker){client, uid, now_us}, &a->why);
}

static void each_class_of_requests_has_its_own_rate(void **state)
{
    (void)state;
    for (int class = 0; class < RATE__COUNT; class ++) {
        struct asked a = {0};
        int good = 0;
        for (int i = 0; i < 10000; i++) /* ten a millisecond for a second */
            good += ask(&a, (enum rate_class) class, 1, 1000, 1000000 + i * 100) == ERR_OK;
        int want = rates[class].client.burst + rates[class].client.per_s;
        assert_in_range(good, want - 1, want + 1);
        assert_true(a.why.wait_us > 0 && a.why.wait_us <= 1000000 / rates[class].client.per_s);
    }
}

static void reading_too_much_leaves_acting_free(void **state)
{
    (void)state;
    struct asked a = {0};
    while (ask(&a, RATE_READ, 1, 1000, 1000000) == ERR_OK)
        ;
    assert_string_equal(a.why.text, "busy: more than 20 requests a second of one client: ask again in 51 ms");
    assert_int_equal(ask(&a, RATE_WRITE, 1, 1000, 1000000), ERR_OK);
}

static void a_user_with_many_clients_is_one_user(void **state)
{
    (void)state;
    struct asked a = {0};
    int good = 0;
    for (uint64_t client = 1; client <= 1000; client++) /* a new connection for each request */
        good += ask(&a, RATE_READ, client, 1000, 1000000) == ERR_OK;
    assert_int_equal(good, rates[RATE_READ].user.burst);
    assert_string_equal(a.why.text, "busy: more than 50 requests a second of one user: ask again in 21 ms");
    assert_int_equal(ask(&a, RATE_READ, 2000, 1001, 1000000), ERR_OK);
}

static void a_refused_request_is_not_counted(void **state)
{
    (void)state;
    struct asked a = {0};
    while (ask(&a, RATE_WRITE, 1, 1000, 1000000) == ERR_OK)
        ;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ask(&a, RATE_WRITE, 1, 1000, 1000000), ERR_FULL);
    assert_int_equal(ask(&a, RATE_WRITE, 1, 1000, 1200000), ERR_OK);
}

static void strangers_without_number_push_nobody_out_who_is_asking(void **state)
{
    (void)state;
    struct asked a = {0};
    while (ask(&a, RATE_READ, 1, 1000, 1000000) == ERR_OK)
        ;
    for (uint32_t i = 0; i < 10000; i++)
        ask(&a, RATE_READ, 2 + i, 2000 + i, 1000000);
    assert_int_equal(ask(&a, RATE_READ, 20000, 1000, 1000000), ERR_OK); /* its user has some left */
    assert_int_equal(ask(&a, RATE_READ, 1, 1000, 1000000), ERR_FULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_goes_at_once_and_then_one_each_interval),
        cmocka_unit_test(a_rest_fills_the_bucket_but_not_beyond_its_burst),
        cmocka_unit_test(each_class_of_requests_has_its_own_rate),
        cmocka_unit_test(reading_too_much_leaves_acting_free),
        cmocka_unit_test(a_user_with_many_clients_is_one_user),
        cmocka_unit_test(a_refused_request_is_not_counted),
        cmocka_unit_test(strangers_without_number_push_nobody_out_who_is_asking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
