/* What is given back after the start comes back when it is needed. */
#include "daemon/libraries.h"

#include "daemon/base/mem.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_pages_of_the_start_are_given_back_and_the_libraries_work_on),
    };
    libraries_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
