/* The ground floor: ring, clock, buffer. */
#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/ring.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void a_full_ring_refuses_counts_and_keeps_what_it_has(void **state)
{
    (void)state;
    struct ring *r = ring_create(4, sizeof(int));
    for (int i = 0; i < 4; i++)
        assert_int_equal(ring_push(r, &i), ERR_OK);
    int extra = 99, got = -1;
    assert_int_equal(ring_push(r, &extra), ERR_FULL);
    assert_int_equal(ring_refused(r), 1);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ring_pop(r, &got), ERR_OK);
        assert_int_equal(got, i);
    }
    assert_int_equal(ring_pop(r, &got), ERR_NOT_FOUND);
    ring_destroy(r);
}

static void a_ring_knows_its_high_water_mark_and_how_long_its_oldest_waits(void **state)
{
    (void)state;
    struct ring *r = ring_create(4, sizeof(int));
    int64_t before_us = clock_wire_us();
    assert_int_equal(ring_state(r, before_us).oldest_us, 0);
    for (int i = 0; i < 3; i++)
        ring_push(r, &i);
    int got;
    ring_pop(r, &got);
    int64_t after_us = clock_wire_us();
    struct ring_state s = ring_state(r, after_us + 5000);
    assert_int_equal(s.waiting, 2);
    assert_int_equal(s.most, 3);
    assert_int_equal(s.room, 4);
    assert_in_range(s.oldest_us, 5000, 5000 + (after_us - before_us));
    ring_pop(r, &got);
    ring_pop(r, &got);
    assert_int_equal(ring_state(r, after_us).oldest_us, 0);
    assert_int_equal(ring_state(r, after_us).most, 3);
    ring_destroy(r);
}

static void a_push_makes_the_descriptor_readable(void **state)
{
    (void)state;
    struct ring *r = ring_create(4, sizeof(int));
    struct pollfd p = {.fd = ring_fd(r), .events = POLLIN};
    int one = 1;
    assert_int_equal(poll(&p, 1, 0), 0);
    ring_push(r, &one);
    assert_int_equal(poll(&p, 1, 0), 1);
    ring_woken(r);
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(ring_waiting(r), 1);
    ring_destroy(r);
}

static void what_is_added_to_a_ring_waits_for_the_next_push_to_wake_its_reader(void **state)
{
    (void)state;
    struct ring *r = ring_create(4, sizeof(int));
    struct pollfd p = {.fd = ring_fd(r), .events = POLLIN};
    int first = 1, last = 2, got = 0;
    assert_int_equal(ring_add(r, &first), ERR_OK);
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(ring_push(r, &last), ERR_OK);
    assert_int_equal(poll(&p, 1, 0), 1);
    assert_int_equal(ring_pop(r, &got), ERR_OK);
    assert_int_equal(got, first);
    assert_int_equal(ring_pop(r, &got), ERR_OK);
    assert_int_equal(got, last);
    ring_destroy(r);
}

static void *push_numbers(void *arg)
{
    for (uint32_t i = 0; i < 100000;)
        if ((i % 3 ? ring_add : ring_push)(arg, &i) == ERR_OK)
            i++;
    return NULL;
}

static void numbers_cross_between_threads_in_order_and_whole(void **state)
{
    (void)state;
    struct ring *r = ring_create(64, sizeof(uint32_t));
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, push_numbers, r), 0);
    uint32_t got;
    for (uint32_t want = 0; want < 100000;)
        if (ring_pop(r, &got) == ERR_OK)
            assert_int_equal(got, want++);
    pthread_join(producer, NULL);
    ring_destroy(r);
}

static void a_stamp_is_written_and_read_in_the_sites_zone(void **state)
{
    (void)state;
    char text[32];
    int64_t at = 0;
    assert_int_equal(clock_parse("2026-11-23T08:15:00+08:00", &at), ERR_OK);
    assert_string_equal(clock_text(at, 480, text), "2026-11-23T08:15:00.000+08:00");
    assert_string_equal(clock_text(at + 7, 0, text), "2026-11-23T00:15:00.007+00:00");
    assert_int_equal(clock_parse("2026-13-23T08:15:00Z", &at), ERR_FORMAT);
    assert_int_equal(clock_parse("2026-11-23T08:15:00", &at), ERR_FORMAT);
    assert_int_equal(clock_parse("yesterday", &at), ERR_FORMAT);
}

static void a_day_starts_at_midnight_of_the_sites_zone(void **state)
{
    (void)state;
    int64_t at, midnight;
    clock_parse("2026-11-23T03:15:00+08:00", &at);
    clock_parse("2026-11-23T00:00:00+08:00", &midnight);
    assert_int_equal(clock_window_start(at, CLOCK_DAY_MS, 480), midnight);
    assert_int_equal(clock_window_start(midnight, CLOCK_DAY_MS, 480), midnight);
    assert_int_equal(clock_window_start(midnight - 1, CLOCK_DAY_MS, 480), midnight - CLOCK_DAY_MS);
    assert_int_equal(clock_window_start(-1, CLOCK_HOUR_MS, 0), -CLOCK_HOUR_MS);
}

static void a_buffer_is_a_string_at_any_length(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%d,", i);
    assert_int_equal(strlen(b.data), b.length);
    buf_clear(&b);
    buf_text(&b, "again");
    assert_string_equal(b.data, "again");
    char *taken = buf_take(&b);
    assert_string_equal(taken, "again");
    assert_null(b.data);
    mem_free(taken);
}

static void every_error_code_has_a_text(void **state)
{
    (void)state;
    for (int code = 0; code >= ERR__LAST; code--)
        assert_string_not_equal(err_str(code), "unknown error");
    assert_string_equal(err_str(ERR__LAST - 1), "unknown error");
}

static void pages_are_zeros_that_are_the_callers_until_they_are_given_back(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    int64_t *pages = mem_pages(COUNT, sizeof *pages);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(pages[i], 0);
    pages[COUNT - 1] = 7;
    mem_pages_free(pages, COUNT, sizeof *pages);
    mem_pages_free(NULL, COUNT, sizeof *pages);
    void *none = mem_pages(0, sizeof *pages);
    assert_non_null(none);
    mem_pages_free(none, 0, sizeof *pages);
}

/* How a process ends that takes pages for so many things; 0 where it got them. */
static int end_of(size_t count, size_t size)
{
    pid_t child = fork();
    if (child == 0) {
        mem_pages(count, size);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void pages_that_are_not_there_end_the_process(void **state)
{
    (void)state;
    assert_int_equal(end_of(1, 1), 0);
    assert_int_equal(end_of(SIZE_MAX / 2, 3), EXIT_NO_MEMORY); /* more than can be said */
#ifndef __SANITIZE_ADDRESS__ /* which ends by itself what asks it for as much */
    assert_int_equal(end_of(SIZE_MAX - (1 << 20), 1), EXIT_NO_MEMORY); /* more than can be mapped */
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_ring_refuses_counts_and_keeps_what_it_has),
        cmocka_unit_test(a_ring_knows_its_high_water_mark_and_how_long_its_oldest_waits),
        cmocka_unit_test(what_is_added_to_a_ring_waits_for_the_next_push_to_wake_its_reader),
        cmocka_unit_test(a_push_makes_the_descriptor_readable),
        cmocka_unit_test(numbers_cross_between_threads_in_order_and_whole),
        cmocka_unit_test(a_stamp_is_written_and_read_in_the_sites_zone),
        cmocka_unit_test(a_day_starts_at_midnight_of_the_sites_zone),
        cmocka_unit_test(a_buffer_is_a_string_at_any_length),
        cmocka_unit_test(every_error_code_has_a_text),
        cmocka_unit_test(pages_are_zeros_that_are_the_callers_until_they_are_given_back),
        cmocka_unit_test(pages_that_are_not_there_end_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
