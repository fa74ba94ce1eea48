/* Signed heads: any change to a signed journal is seen, also one that makes the chain after it anew. */
#include "daemon/ctl/chain.c"
#include "daemon/ctl/signed.c"

#include "daemon/base/file.h"
#include "daemon/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static const char journal_id[] = "0123456789abcdef0123456789abcdef";

enum { ROWS = 240, EVERY = 12 };

struct fixture {
    struct signer *signer, *other;
    struct journal head;
    struct row rows[ROWS];
};

static char *plain_body(int64_t seq)
{
    return mem_printf("{\"ts\":%lld,\"kind\":\"device\",\"subject\":\"d%d\",\"state\":\"up\"}",
                      1000 * (long long)seq, (int)seq % 3);
}

static char *head_body(const struct journal *head, const struct signer *by)
{
    struct signed_head h = {.head = *head, .at_ms = 1000 * (head->seq + 1)};
    assert_int_equal(head_sign(&h, by), ERR_OK);
    json_t *body = json_pack("{s:I,s:s,s:s}", "ts", (json_int_t)h.at_ms, "kind", "head", "subject", "");
    head_print(&h, body);
    char *text = json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

/* Rows as of the first `head->seq` on; each twelfth signs for the one before it. */
static void append(struct fixture *f, const struct signer *by)
{
    int64_t seq = f->head.seq + 1;
    char subject[8] = "";
    bool sign = seq % EVERY == 0;
    char *body = sign ? head_body(&f->head, by) : plain_body(seq);
    if (!sign)
        snprintf(subject, sizeof subject, "d%d", (int)(seq % 3));
    journal_append(&f->head, &f->rows[seq - 1], 1000 * seq, sign ? "head" : "device", subject, body);
}

static int setup(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    log_open("test", LOG_LEVEL_ERROR);
    json_set_alloc_funcs(mem_bytes, mem_free);
    f->signer = signer_make();
    f->other = signer_make();
    memcpy(f->head.id, journal_id, sizeof journal_id);
    for (int i = 0; i < ROWS; i++)
        append(f, f->signer);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < ROWS; i++)
        row_finish(&f->rows[i]);
    signer_free(f->signer);
    signer_free(f->other);
    mem_free(f);
    return 0;
}

/* The rows but `without` (from 0; -1: all), with the one key wanted. Whether all is well, and where it ended.
 */
static bool walk(const struct fixture *f, int rows, int without, int64_t *covered)
{
    struct signed_heads heads = {0};
    struct chain chain;
    char fingerprint[FINGERPRINT_SIZE];
    sign_fingerprint(signer_public(f->signer), fingerprint);
    assert_int_equal(signed_want(&heads, fingerprint), ERR_OK);
    chain_begin(&chain, journal_id, NULL, &heads);
    bool good = true;
    for (int i = 0; i < rows && good; i++)
        if (i != without)
            good = chain_row(&chain, &f->rows[i]) == ERR_OK;
    good = good && heads.stranger == 0;
    *covered = heads.seq;
    signed_finish(&heads);
    return good;
}

static void the_journal_as_it_was_made_verifies_up_to_its_last_head(void **state)
{
    int64_t covered;
    assert_true(walk(*state, ROWS, -1, &covered));
    assert_int_equal(covered, ROWS - 1);
}

/* The walk up to a row may be kept: what follows is all that a change of that row can show in. */
static bool row_passes(const struct chain *before, const struct row *row)
{
    struct chain chain = *before;
    struct signed_heads heads = {0};
    chain.heads = &heads;
    bool passes = chain_row(&chain, row) == ERR_OK;
    signed_finish(&heads);
    return passes;
}

static long flip_bits(const struct chain *before, struct row *row, void *bytes, size_t length)
{
    long seen = 0;
    for (size_t i = 0; i < length; i++)
        for (int bit = 0; bit < 8; bit++) {
            ((uint8_t *)bytes)[i] ^= (uint8_t)(1 << bit);
            seen += !row_passes(before, row);
            ((uint8_t *)bytes)[i] ^= (uint8_t)(1 << bit);
        }
    return seen;
}

static void each_bit_of_each_row_that_is_flipped_is_seen(void **state)
{
    struct fixture *f = *state;
    struct chain chain;
    long flipped = 0, seen = 0;
    chain_begin(&chain, journal_id, NULL, NULL);
    for (int i = 0; i < ROWS; i++) {
        struct row *row = &f->rows[i];
        struct {
            void *bytes;
            size_t length;
        } parts[] = {{row->body, strlen(row->body)},
                     {row->kind, strlen(row->kind)},
                     {row->subject, strlen(row->subject)},
                     {&row->seq, sizeof row->seq},
                     {&row->at_ms, sizeof row->at_ms},
                     {row->body_sha256, HASH_SIZE},
                     {row->hash, HASH_SIZE}};
        for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
            flipped += 8 * (long)parts[k].length;
            seen += flip_bits(&chain, row, parts[k].bytes, parts[k].length);
        }
        assert_int_equal(chain_row(&chain, row), ERR_OK);
    }
    print_message("RESULT signed_bits flipped=%ld seen=%ld\n", flipped, seen);
    assert_int_equal(seen, flipped);
}

static void each_row_left_out_doubled_or_swapped_is_seen(void **state)
{
    struct fixture *f = *state;
    int64_t covered;
    for (int i = 0; i < ROWS - 1; i++) {
        assert_false(walk(f, ROWS, i, &covered));
        struct row saved = f->rows[i + 1];
        f->rows[i + 1] = f->rows[i];
        assert_false(walk(f, ROWS, -1, &covered)); /* doubled in the next one's place */
        f->rows[i] = saved;
        assert_false(walk(f, ROWS, -1, &covered)); /* swapped */
        f->rows[i] = f->rows[i + 1];
        f->rows[i + 1] = saved;
    }
}

/* Wherever the tail is cut: with the newest head in hand, as a subscriber has it, that is seen. */
static void each_cut_of_the_tail_is_seen_with_the_newest_head_in_hand(void **state)
{
    struct fixture *f = *state;
    struct noted noted = {.seq = ROWS - 1};
    memcpy(noted.journal, journal_id, sizeof journal_id);
    memcpy(noted.hash, f->rows[ROWS - 2].hash, HASH_SIZE);
    struct noted_list list = {&noted, 1, 1};
    for (int rows = 0; rows <= ROWS; rows++) {
        struct chain chain;
        chain_begin(&chain, journal_id, &list, NULL);
        for (int i = 0; i < rows; i++)
            assert_int_equal(chain_row(&chain, &f->rows[i]), ERR_OK);
        chain_end(&chain);
        assert_int_equal(chain.differed, rows < ROWS - 1);
    }
}

/* What a thief without the key can do: a row as he likes it, and the chain after it made anew. */
static void forge(struct fixture *f, int from, const struct signer *by)
{
    f->head = (struct journal){.seq = from};
    memcpy(f->head.id, journal_id, sizeof journal_id);
    if (from)
        memcpy(f->head.hash, f->rows[from - 1].hash, HASH_SIZE);
    for (int i = from; i < ROWS; i++) {
        struct row old = f->rows[i];
        if (i > from && strcmp(old.kind, "head") == 0 && by) {
            append(f, by);
        } else {
            char *body = mem_string(old.body);
            if (i == from)
                memcpy(strstr(body, "\"up\""), "\"UP\"", 4);
            journal_append(&f->head, &f->rows[i], old.at_ms, old.kind, old.subject, body);
        }
        row_finish(&old);
    }
}

static void a_chain_made_anew_after_a_change_fails_at_the_next_head(void **state)
{
    for (int from = 0; from < ROWS - 1; from++) {
        struct fixture *f = *state;
        int64_t covered;
        if (strcmp(f->rows[from].kind, "head") == 0)
            continue;
        forge(f, from, NULL);
        assert_false(walk(f, ROWS, -1, &covered));
        assert_in_range(covered, 0, from); /* not a row further than the change */
        teardown(state);
        setup(state);
    }
}

static void heads_signed_with_another_key_are_strangers(void **state)
{
    struct fixture *f = *state;
    int64_t covered;
    forge(f, 30, f->other);
    assert_false(walk(f, ROWS, -1, &covered));
}

static void a_head_of_another_journal_or_a_simulation_does_not_verify(void **state)
{
    struct fixture *f = *state;
    struct signed_head h = {.head = f->head, .at_ms = 5};
    assert_int_equal(head_sign(&h, f->signer), ERR_OK);
    assert_true(head_verifies(&h));
    h.simulated = true;
    assert_false(head_verifies(&h));
    h.simulated = false;
    h.head.id[0] = 'f';
    assert_false(head_verifies(&h));
}

static void a_fingerprint_is_read_as_people_type_it(void **state)
{
    struct fixture *f = *state;
    char text[FINGERPRINT_SIZE], typed[2 * FINGERPRINT_SIZE], read[FINGERPRINT_SIZE];
    sign_fingerprint(signer_public(f->signer), text);
    assert_int_equal(strlen(text), 79);
    snprintf(typed, sizeof typed, " %s ", text);
    for (char *c = typed; *c; c++)
        *c = (char)(*c == '-' ? ':' : *c >= 'a' && *c <= 'f' ? *c - 'a' + 'A' : *c);
    assert_int_equal(sign_parse_fingerprint(typed, read), ERR_OK);
    assert_string_equal(read, text);
    static const char *const bad[] = {"", "abcd", "g", "0123-4567"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(sign_parse_fingerprint(bad[i], read), ERR_FORMAT);
    snprintf(typed, sizeof typed, "%s0", text);
    assert_int_equal(sign_parse_fingerprint(typed, read), ERR_FORMAT);
}

static void a_key_survives_being_printed_and_read(void **state)
{
    struct fixture *f = *state;
    char *pem = signer_print(f->signer);
    struct signer *again = signer_read(pem);
    assert_non_null(again);
    assert_memory_equal(signer_public(again), signer_public(f->signer), SIGN_KEY_SIZE);
    signer_free(again);
    pem[40] ^= 1;
    signer_free(signer_read(pem)); /* whatever it is, it is no crash */
    assert_null(signer_read(""));
    assert_null(signer_read("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"));
    mem_free(pem);
}

static void a_file_is_replaced_as_a_whole_or_left_as_it_was(void **state)
{
    (void)state;
    char dir[] = "/tmp/dust-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path = mem_printf("%s/f", dir), *below = mem_printf("%s/f/g", dir), *bytes;
    size_t length;
    assert_int_equal(file_replace(path, "one", 3, 0600), ERR_OK);
    assert_int_equal(file_replace(path, "four", 4, 0600), ERR_OK);
    assert_int_equal(file_replace(below, "x", 1, 0600), ERR_IO);
    assert_int_equal(file_read(path, 4, &bytes, &length), ERR_OK);
    assert_string_equal(bytes, "four");
    mem_free(bytes);
    assert_int_equal(file_read(path, 3, &bytes, &length), ERR_RANGE);
    assert_int_equal(file_read(dir, 3, &bytes, &length), ERR_IO);
    unlink(path);
    assert_int_equal(file_read(path, 3, &bytes, &length), ERR_NOT_FOUND);
    assert_int_equal(rmdir(dir), 0); /* no draft is left */
    mem_free(path);
    mem_free(below);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_journal_as_it_was_made_verifies_up_to_its_last_head),
        CASE(each_bit_of_each_row_that_is_flipped_is_seen),
        CASE(each_row_left_out_doubled_or_swapped_is_seen),
        CASE(each_cut_of_the_tail_is_seen_with_the_newest_head_in_hand),
        CASE(a_chain_made_anew_after_a_change_fails_at_the_next_head),
        CASE(heads_signed_with_another_key_are_strangers),
        CASE(a_head_of_another_journal_or_a_simulation_does_not_verify),
        CASE(a_fingerprint_is_read_as_people_type_it),
        CASE(a_key_survives_being_printed_and_read),
        CASE(a_file_is_replaced_as_a_whole_or_left_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
