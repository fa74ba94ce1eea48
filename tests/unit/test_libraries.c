/* What is given back after the start comes back when it is needed. */
#include "daemon/libraries.h"

#include "daemon/base/mem.h"
#include "daemon/base/ring.h"
#include "daemon/store/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Resident pages that a file backs. */
static long file_pages(void)
{
    long all, resident, shared = -1;
    FILE *f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld %ld", &all, &resident, &shared), 3);
    fclose(f);
    return shared;
}

static void the_pages_of_the_start_are_given_back_and_the_libraries_work_on(void **state)
{
    (void)state;
    static const char known[] =
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; /* of "abc" */
    uint8_t hash[HASH_SIZE];
    char hex[2 * HASH_SIZE + 1], *kept = mem_string("kept");
    hash_bytes("abc", 3, hash);
    long before = file_pages();
    libraries_settle();
    long after = file_pages();
    memset(hash, 0, sizeof hash);
    hash_bytes("abc", 3, hash);
    hash_hex(hash, hex);
    assert_string_equal(hex, known);
    assert_string_equal(kept, "kept");
    assert_true(after < before);
    mem_free(kept);
}

#ifndef __SANITIZE_ADDRESS__ /* whose allocator has no pages to give back */
/* Resident pages that no file backs. */
static long own_pages(void)
{
    long all, resident, shared = -1;
    FILE *f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld %ld", &all, &resident, &shared), 3);
    fclose(f);
    return resident - shared;
}

static void a_ring_with_room_for_much_takes_only_what_waits_in_it(void **state)
{
    (void)state;
    enum { COUNT = 4096, SIZE = 1024, PAGE = 4096, A_FEW = 64 };
    char message[SIZE] = "one";
    static void *used[2 * COUNT]; /* and freed, as by the reader of the configuration */
    for (int i = 0; i < 2 * COUNT; i++)
        used[i] = memset(mem_array(1, SIZE), 1, SIZE);
    void *above = mem_array(1, SIZE);
    for (int i = 0; i < 2 * COUNT; i++)
        mem_free(used[i]);
    libraries_settle();
    long before = own_pages();
    struct ring *r = ring_create(COUNT, SIZE);
    assert_non_null(r);
    for (int i = 0; i < 4 * COUNT; i++) {
        assert_int_equal(ring_add(r, message), 0);
        assert_int_equal(ring_pop(r, message), 0);
    }
    long with = own_pages();
    assert_true(with - before < A_FEW);
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(ring_add(r, message), 0);
    assert_true(own_pages() - with > COUNT * SIZE / PAGE - A_FEW);
    ring_destroy(r);
    assert_true(own_pages() - before < A_FEW);
    mem_free(above);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(a_ring_with_room_for_much_takes_only_what_waits_in_it),
#endif
        cmocka_unit_test(the_pages_of_the_start_are_given_back_and_the_libraries_work_on),
    };
    libraries_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
