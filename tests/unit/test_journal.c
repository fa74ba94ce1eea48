/* The chain: vectors from another implementation (Python's hashlib), and every way to change a history. */
#include "daemon/store/journal.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 12 };

struct chain {
    struct row rows[ROWS];
    struct journal end;
};

static void append(struct journal *j, struct row *row, int64_t at_ms, const char *kind, const char *subject)
{
    char *body = mem_printf("{\"ts\":%lld,\"kind\":\"%s\",\"subject\":\"%s\",\"n\":%lld}", (long long)at_ms,
                            kind, subject, (long long)j->seq);
    journal_append(j, row, at_ms, kind, subject, body);
}

static int make_chain(void **state)
{
    struct chain *c = mem_new(struct chain);
    for (int i = 0; i < ROWS; i++)
        append(&c->end, &c->rows[i], 1700000000000 + i * 60000, i % 3 ? "minute" : "device",
               i % 3 ? "" : "meter-1");
    *state = c;
    return 0;
}

static int free_chain(void **state)
{
    struct chain *c = *state;
    for (int i = 0; i < ROWS; i++)
        row_finish(&c->rows[i]);
    mem_free(c);
    return 0;
}

/* How many rows check out, in this order; ROWS when the whole chain does and ends where it should. */
static int walk(const struct chain *c, const int *order, int count)
{
    struct journal head = {0};
    for (int i = 0; i < count; i++)
        if (journal_check(&head, &c->rows[order ? order[i] : i]))
            return i;
    return count;
}

static void sha_256_of_abc_is_the_one_of_the_standard(void **state)
{
    (void)state;
    uint8_t hash[HASH_SIZE];
    char hex[65];
    hash_bytes("abc", 3, hash);
    hash_hex(hash, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void three_rows_hash_as_another_implementation_says(void **state)
{
    (void)state;
    static const struct {
        int64_t at_ms;
        const char *kind, *subject, *body, *body_hash, *hash;
    } known[] = {
        {1700000000000, "boot", "",
         "{\"ts\":1700000000000,\"kind\":\"boot\",\"subject\":\"\",\"version\":\"0.1.0\"}",
         "d0eaef286da5c241d0e79c2b14d6ce2041b43da2064493720ec8bcb78de13a7a",
         "986644c8ad3a888dfcff2855fc8c9643178df8ba4d0621f2ebc07118d2516565"},
        {1700000060000, "minute", "",
         "{\"ts\":1700000060000,\"kind\":\"minute\",\"subject\":\"\",\"points\":{}}",
         "9e3d1c19444cff23a9811f6a2edfd43aac60009a89182d4d17c3b1c23633ecbc",
         "1c04ae95c196da6c38dd47d57fbee123132cdf96dea117e6fe4919250051d6b1"},
        {1700000000500, "issue", "LQ-2026-0001",
         "{\"ts\":1700000000500,\"kind\":\"issue\",\"subject\":\"LQ-2026-0001\",\"title\":\"扬尘\"}",
         "008e1471821b0c6b7397ac2854dac2ce929e2e806f5c26a7c249454d9a12a50b",
         "c7227cdf16812243000f9b72ec79574bfc635925dd90a896749f27dc55ce94e0"},
    };
    struct journal j = {0};
    for (int i = 0; i < 3; i++) {
        struct row row;
        char hex[65];
        journal_append(&j, &row, known[i].at_ms, known[i].kind, known[i].subject, mem_string(known[i].body));
        assert_int_equal(row.seq, i + 1);
        hash_hex(row.body_sha256, hex);
        assert_string_equal(hex, known[i].body_hash);
        hash_hex(row.hash, hex);
        assert_string_equal(hex, known[i].hash);
        row_finish(&row);
    }
    assert_int_equal(j.seq, 3);
}

static void hex_digits_go_back_into_bytes_and_nothing_else_does(void **state)
{
    (void)state;
    const char *text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    uint8_t hash[HASH_SIZE];
    char hex[66];
    assert_int_equal(hash_parse(text, hash), ERR_OK);
    hash_hex(hash, hex);
    assert_string_equal(hex, text);
    hex[7] = 'G';
    assert_int_equal(hash_parse(hex, hash), ERR_FORMAT);
    hex[7] = 0;
    assert_int_equal(hash_parse(hex, hash), ERR_FORMAT);
    strcpy(hex, text);
    strcat(hex, "0");
    assert_int_equal(hash_parse(hex, hash), ERR_FORMAT);
}

static void an_untouched_chain_checks_out(void **state)
{
    const struct chain *c = *state;
    assert_int_equal(walk(c, NULL, ROWS), ROWS);
}

static void every_flipped_bit_of_a_body_is_found(void **state)
{
    struct chain *c = *state;
    for (int i = 0; i < ROWS; i++) {
        for (size_t bit = 0; bit < 8 * strlen(c->rows[i].body); bit++) {
            char *byte = &c->rows[i].body[bit / 8], old = *byte;
            *byte = (char)(*byte ^ 1 << bit % 8);
            assert_int_equal(walk(c, NULL, ROWS), i);
            *byte = old;
        }
    }
}

static void every_flipped_bit_of_a_hash_is_found(void **state)
{
    struct chain *c = *state;
    for (int i = 0; i < ROWS; i++) {
        for (int bit = 0; bit < 8 * HASH_SIZE; bit++) {
            c->rows[i].hash[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(walk(c, NULL, ROWS), i);
            c->rows[i].hash[bit / 8] ^= (uint8_t)(1 << bit % 8);
            c->rows[i].body_sha256[bit / 8] ^= (uint8_t)(1 << bit % 8);
            assert_int_equal(walk(c, NULL, ROWS), i);
            c->rows[i].body_sha256[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

static void a_changed_column_beside_the_body_is_found(void **state)
{
    struct chain *c = *state;
    for (int i = 0; i < ROWS; i++) {
        c->rows[i].at_ms++;
        assert_int_equal(walk(c, NULL, ROWS), i);
        c->rows[i].at_ms--;
        c->rows[i].seq++;
        assert_int_equal(walk(c, NULL, ROWS), i);
        c->rows[i].seq--;
        c->rows[i].kind[0]++;
        assert_int_equal(walk(c, NULL, ROWS), i);
        c->rows[i].kind[0]--;
        char *subject = c->rows[i].subject;
        c->rows[i].subject = mem_string("other");
        assert_int_equal(walk(c, NULL, ROWS), i);
        mem_free(c->rows[i].subject);
        c->rows[i].subject = subject;
    }
}

static void every_dropped_row_is_found(void **state)
{
    const struct chain *c = *state;
    for (int drop = 0; drop < ROWS - 1; drop++) {
        int order[ROWS], n = 0;
        for (int i = 0; i < ROWS; i++)
            if (i != drop)
                order[n++] = i;
        assert_int_equal(walk(c, order, n), drop);
    }
}

static void every_inserted_row_is_found(void **state)
{
    const struct chain *c = *state;
    for (int at = 1; at < ROWS; at++) {
        int order[ROWS + 1], n = 0;
        for (int i = 0; i < ROWS; i++) {
            if (i == at)
                order[n++] = at - 1;
            order[n++] = i;
        }
        assert_int_equal(walk(c, order, n), at);
    }
}

static void every_swap_of_two_rows_is_found(void **state)
{
    const struct chain *c = *state;
    for (int a = 0; a < ROWS; a++) {
        for (int b = a + 1; b < ROWS; b++) {
            int order[ROWS];
            for (int i = 0; i < ROWS; i++)
                order[i] = i == a ? b : i == b ? a : i;
            assert_int_equal(walk(c, order, ROWS), a);
        }
    }
}

/* Somebody who renumbers and rehashes everything after a forged row makes a chain; it ends elsewhere. */
static void a_forged_chain_ends_in_another_hash(void **state)
{
    const struct chain *c = *state;
    struct journal forged = {0};
    for (int i = 0; i < ROWS; i++) {
        struct row row;
        append(&forged, &row, c->rows[i].at_ms + (i == 3), c->rows[i].kind, c->rows[i].subject);
        row_finish(&row);
    }
    assert_int_equal(forged.seq, c->end.seq);
    assert_memory_not_equal(forged.hash, c->end.hash, HASH_SIZE);
}

static void a_row_whose_body_retention_took_still_holds_the_chain(void **state)
{
    struct chain *c = *state;
    mem_free(c->rows[4].body);
    c->rows[4].body = NULL;
    assert_int_equal(walk(c, NULL, ROWS), ROWS);
    c->rows[4].body_sha256[0] ^= 1;
    assert_int_equal(walk(c, NULL, ROWS), 4);
}

static void a_subject_with_quotes_and_chinese_is_compared_as_text(void **state)
{
    (void)state;
    struct journal j = {0}, again = {0};
    struct row row;
    const char *body = "{\"ts\":5,\"kind\":\"device\",\"subject\":\"\\\"\\u626c\\u5c18\\\" \\\\ 仪\"}";
    journal_append(&j, &row, 5, "device", "\"扬尘\" \\ 仪", mem_string(body));
    assert_int_equal(journal_check(&again, &row), ERR_OK);
    mem_free(row.subject);
    row.subject = mem_string("\"扬尘\" \\ ");
    again = (struct journal){0};
    assert_int_equal(journal_check(&again, &row), ERR_DAMAGED);
    row_finish(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha_256_of_abc_is_the_one_of_the_standard),
        cmocka_unit_test(three_rows_hash_as_another_implementation_says),
        cmocka_unit_test(hex_digits_go_back_into_bytes_and_nothing_else_does),
        cmocka_unit_test_setup_teardown(an_untouched_chain_checks_out, make_chain, free_chain),
        cmocka_unit_test_setup_teardown(every_flipped_bit_of_a_body_is_found, make_chain, free_chain),
        cmocka_unit_test_setup_teardown(every_flipped_bit_of_a_hash_is_found, make_chain, free_chain),
        cmocka_unit_test_setup_teardown(a_changed_column_beside_the_body_is_found, make_chain, free_chain),
        cmocka_unit_test_setup_teardown(every_dropped_row_is_found, make_chain, free_chain),
        cmocka_unit_test_setup_teardown(every_inserted_row_is_found, make_chain, free_chain),
        cmocka_unit_test_setup_teardown(every_swap_of_two_rows_is_found, make_chain, free_chain),
        cmocka_unit_test_setup_teardown(a_forged_chain_ends_in_another_hash, make_chain, free_chain),
        cmocka_unit_test_setup_teardown(a_row_whose_body_retention_took_still_holds_the_chain, make_chain,
                                        free_chain),
        cmocka_unit_test(a_subject_with_quotes_and_chinese_is_compared_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
