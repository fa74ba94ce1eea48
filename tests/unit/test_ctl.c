/* dustctl's pure parts: column widths, safe text, times, the walk along the chain. */
#include "daemon/ctl/chain.c"
#include "daemon/ctl/signed.c"
#include "daemon/ctl/table.c"
#include "daemon/ctl/when.c"
#include "daemon/ctl/words.c"

#include "daemon/config/config.h"
#include "daemon/config/person.h"
#include "daemon/ledger/ledger.h"
#include "daemon/sample.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* ---- text and tables ---- */

static void a_chinese_character_takes_two_columns(void **state)
{
    (void)state;
    assert_int_equal(text_width(""), 0);
    assert_int_equal(text_width("pm10"), 4);
    assert_int_equal(text_width("东门扬尘仪"), 10);
    assert_int_equal(text_width("PM10（小时）"), 4 + 4 + 4);
    assert_int_equal(text_width("e\xcc\x81"), 1); /* e and a combining accent */
    assert_int_equal(text_width("μg/m³"), 5);
}

static void nothing_in_a_text_can_move_the_cursor(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"\x1b[2Jgone", "?[2Jgone"},
        {"a\tb\nc\rd\be\x7f", "a?b?c?d?e?"},
        {"\xc2\x9b"
         "31m",
         "?31m"}, /* CSI as one character */
        {"\xe2\x80\xae"
         "abc",
         "?abc"}, /* right-to-left override */
        {"\xe2\x81\xa6"
         "abc\xe2\x81\xa9",
         "?abc?"},
        {"\xff\xfe"
         "a",
         "??a"},                 /* no UTF-8 */
        {"\xe4\xb8", "??"},      /* cut in the middle */
        {"\xc0\xaf", "??"},      /* overlong */
        {"\xed\xa0\x80", "???"}, /* surrogate */
        {"东门 ok — μ", "东门 ok — μ"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char *clean = text_clean(texts[i][0]);
        assert_string_equal(clean, texts[i][1]);
        mem_free(clean);
    }
    char *nothing = text_clean(NULL);
    assert_string_equal(nothing, "");
    mem_free(nothing);
}

static void columns_stand_in_line_whatever_is_in_them(void **state)
{
    (void)state;
    static const char *const cells[] = {"设备", "value",      "x", "dust1", "81.2",
                                        "",     "东门扬尘仪", "—", "好\x1b"};
    struct table t = {.columns = 3, .right = 2};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
        table_cell(&t, cells[i]);
    char text[512] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    table_print(&t, out);
    fclose(out);
    assert_string_equal(text, "设备        value  x\n"
                              "dust1        81.2\n"
                              "东门扬尘仪      —  好?\n");
    table_finish(&t);
}

/* ---- times ---- */

static const int64_t now_ms = 1795392600000; /* 2026-11-23T08:10:00+08:00 */

static void assert_time(const char *text, const char *want)
{
    char got[32];
    int64_t at_ms = 0;
    assert_int_equal(when_parse(text, now_ms, 480, &at_ms), ERR_OK);
    assert_string_equal(clock_text(at_ms, 480, got), want);
}

static void a_time_without_a_zone_is_in_the_sites_zone(void **state)
{
    (void)state;
    assert_time("2026-11-23T08:15", "2026-11-23T08:15:00.000+08:00");
    assert_time("2026-11-23 08:15:30", "2026-11-23T08:15:30.000+08:00");
    assert_time("2026-11-23T08:15:30.25", "2026-11-23T08:15:30.250+08:00");
    assert_time("2026-11-23", "2026-11-23T00:00:00.000+08:00");
    assert_time("07:30", "2026-11-23T07:30:00.000+08:00");
    assert_time("2024-02-29", "2024-02-29T00:00:00.000+08:00");
}

static void a_zone_that_is_given_counts(void **state)
{
    (void)state;
    assert_time("2026-11-23T00:15:00Z", "2026-11-23T08:15:00.000+08:00");
    assert_time("2026-11-23T08:15:00.000+08:00", "2026-11-23T08:15:00.000+08:00");
    assert_time("2026-11-22T19:15-05:00", "2026-11-23T08:15:00.000+08:00");
}

static void a_time_may_be_said_from_now(void **state)
{
    (void)state;
    assert_time("now", "2026-11-23T08:10:00.000+08:00");
    assert_time("-90m", "2026-11-23T06:40:00.000+08:00");
    assert_time("-2h", "2026-11-23T06:10:00.000+08:00");
    assert_time("-7d", "2026-11-16T08:10:00.000+08:00");
    assert_time("-5s", "2026-11-23T08:09:55.000+08:00");
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "yesterday",
        "2026",
        "2026-11",
        "2026-11-31",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-11-23T",
        "2026-11-23T8:15",
        "2026-11-23T08",
        "2026-11-23T24:00",
        "2026-11-23T08:60",
        "2026-11-23T08:15:61",
        "2026-11-23T08:15+8",
        "2026-11-23T08:15+15:00",
        "2026-11-23T08:15 +08:00",
        "2026-11-23x",
        "2026-11-23T08:15Zx",
        "25:00",
        "8:15",
        "-2",
        "-h",
        "-2w",
        "-2hh",
        "--2h",
        "+2h",
        "2h",
        "-99999999d",
        "0026-11-23",
        "2026-11-23T08:15.",
        "2026-+1-23",
        "２０２６-11-23",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t at_ms = 0;
        if (when_parse(bad[i], now_ms, 480, &at_ms) != ERR_FORMAT)
            fail_msg("\"%s\" was taken for a time", bad[i]);
    }
}

static void a_span_is_said_in_two_units(void **state)
{
    (void)state;
    char text[48];
    assert_string_equal(when_span(0, true, text), "0 秒");
    assert_string_equal(when_span(90000, true, text), "1 分钟 30 秒");
    assert_string_equal(when_span(3600000, false, text), "1 h");
    assert_string_equal(when_span((int64_t)100 * 86400000 + 3600000, false, text), "100 d 1 h");
    assert_string_equal(when_text(0, 480, text), "—");
    assert_string_equal(when_text(now_ms, 480, text), "2026-11-23 08:10:00");
}

static void every_word_has_two_languages_and_the_unknown_stays_itself(void **state)
{
    (void)state;
    assert_string_equal(word_quality("B", true), "无通信");
    assert_string_equal(word_why("no answer", true), "无应答");
    assert_string_equal(word_why("sunspots", true), "sunspots");
    assert_string_equal(word_place("max", true), "各测点中最高的");
    assert_string_equal(word_place("mean", false), "the mean of the points");
    assert_string_equal(word_place("gate/pm10", true), "gate/pm10");
    for (int why = 1; why < WHY__COUNT; why++)
        assert_string_not_equal(word_why(why_str(why), true), why_str(why));
    for (int verb = 0; verb < VERB__COUNT; verb++) {
        assert_string_not_equal(word_verb(verb_str((enum verb)verb), true), verb_str((enum verb)verb));
        assert_int_equal(word_is_verb(verb_str((enum verb)verb)), verb >= VERB_CONFIRM);
    }
    for (int i = 0; i < ISSUE__STATES; i++)
        assert_string_not_equal(word_state(issue_state_str((enum issue_state)i), true),
                                issue_state_str((enum issue_state)i));
}

static void what_the_ledger_refuses_has_a_chinese_reason(void **state)
{
    (void)state;
    static struct person site = {.name = "site", .title = "", .roles = ROLE_SITE};
    static struct person office = {.name = "office", .title = "", .roles = ROLE_OFFICE};
    static const struct config config = {.site = {.issue_prefix = "LQ"}, .people = &office, .npeople = 1};
    struct ledger *ledger = ledger_create(&config);
    struct finding found = {
        .kind = "limit", .subject = "l", .cause = "c", .text_zh = "", .text_en = "", .person = "p"};
    char *body = NULL, id[32], why[256];
    assert_int_equal(ledger_find(ledger, now_ms, &found, &body, id), ERR_OK);
    assert_int_equal(ledger_apply(ledger, 1, body), ERR_OK);
    mem_free(body);
    const struct act acts[] = {
        {.issue = "LQ-2026-0009", .verb = VERB_CONFIRM, .by = &office},
        {.issue = id, .verb = VERB_CONFIRM, .by = &site},
        {.issue = id, .verb = VERB_OPEN, .by = &office},
        {.issue = id, .verb = VERB_CLOSE, .by = &office},
        {.issue = id, .verb = VERB_DISMISS, .by = &office},
        {.issue = id, .verb = VERB_NOTE, .by = &office, .text = "\x1b"},
    };
    for (size_t i = 0; i < sizeof acts / sizeof *acts; i++) {
        why[0] = 0;
        assert_int_not_equal(ledger_act(ledger, now_ms, &acts[i], &body, why, sizeof why), ERR_OK);
        if (!word_refusal(why))
            fail_msg("no Chinese for \"%s\"", why);
    }
    assert_null(word_refusal("something else"));
    ledger_destroy(ledger);
}

/* ---- the chain ---- */

enum { ROWS = 5 };
static const char journal_id[] = "0123456789abcdef0123456789abcdef";

struct fixture {
    struct journal head;
    struct row rows[ROWS];
    struct chain chain;
};

static int setup(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    memcpy(f->head.id, journal_id, sizeof journal_id);
    for (int i = 0; i < ROWS; i++)
        journal_append(&f->head, &f->rows[i], i, "minute", "s",
                       mem_printf("{\"ts\":%d,\"kind\":\"minute\",\"subject\":\"s\",\"n\":%d}", i, i));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < ROWS; i++)
        row_finish(&f->rows[i]);
    mem_free(f);
    return 0;
}

/* Walks all rows but row `without`; ERR_DAMAGED or ERR_OK. */
static int walk(struct fixture *f, const struct noted_list *noted, int without)
{
    chain_begin(&f->chain, f->head.id, noted, NULL);
    for (int i = 0; i < ROWS; i++)
        if (i + 1 != without && chain_row(&f->chain, &f->rows[i]) != ERR_OK)
            return ERR_DAMAGED;
    chain_end(&f->chain);
    return ERR_OK;
}

static void a_whole_chain_is_walked_to_its_head(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(walk(f, NULL, 0), ERR_OK);
    assert_int_equal(f->chain.rows, ROWS);
    assert_int_equal(f->chain.damaged, 0);
    assert_memory_equal(f->chain.head.hash, f->head.hash, HASH_SIZE);
}

static void a_changed_body_is_named_by_its_row(void **state)
{
    struct fixture *f = *state;
    f->rows[2].body[strlen(f->rows[2].body) - 2] = '7';
    assert_int_equal(walk(f, NULL, 0), ERR_DAMAGED);
    assert_int_equal(f->chain.damaged, 3);
    assert_string_equal(f->chain.why_en, "the body does not have the SHA-256 beside it");
}

static void a_body_changed_with_its_sha_does_not_fit_the_hash(void **state)
{
    struct fixture *f = *state;
    f->rows[2].body[strlen(f->rows[2].body) - 2] = '7';
    hash_bytes(f->rows[2].body, strlen(f->rows[2].body), f->rows[2].body_sha256);
    assert_int_equal(walk(f, NULL, 0), ERR_DAMAGED);
    assert_int_equal(f->chain.damaged, 3);
    assert_string_equal(f->chain.why_en, "the hash does not follow from the row before");
}

static void columns_that_differ_from_the_body_are_damage(void **state)
{
    struct fixture *f = *state;
    f->rows[3].at_ms++;
    assert_int_equal(walk(f, NULL, 0), ERR_DAMAGED);
    assert_int_equal(f->chain.damaged, 4);
    assert_string_equal(f->chain.why_en, "time, kind or subject differ from the body");
    f->rows[3].at_ms--;
    strcpy(f->rows[0].kind, "minuta");
    assert_int_equal(walk(f, NULL, 0), ERR_DAMAGED);
    assert_int_equal(f->chain.damaged, 1);
}

static void a_missing_row_is_named(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(walk(f, NULL, 2), ERR_DAMAGED);
    assert_int_equal(f->chain.damaged, 2);
    assert_string_equal(f->chain.why_en, "the row is missing");
}

/* Row 2 loses its body, and the last row becomes one of retention up to row `to` (0: it stays what it is). */
static void lose_a_body(struct fixture *f, int64_t to)
{
    struct journal before = f->head;
    struct row *last = &f->rows[ROWS - 1];
    mem_free(f->rows[1].body);
    f->rows[1].body = NULL;
    if (!to)
        return;
    before.seq = ROWS - 1;
    memcpy(before.hash, f->rows[ROWS - 2].hash, HASH_SIZE);
    row_finish(last);
    journal_append(
        &before, last, 9, "retention", "minute",
        mem_printf("{\"ts\":9,\"kind\":\"retention\",\"subject\":\"minute\",\"from\":1,\"to\":%lld}",
                   (long long)to));
}

static void a_row_without_body_still_links(void **state)
{
    struct fixture *f = *state;
    lose_a_body(f, 2);
    assert_int_equal(walk(f, NULL, 0), ERR_OK);
    assert_int_equal(f->chain.damaged, 0);
    assert_int_equal(f->chain.without_body, 1);
    f->rows[1].body_sha256[0] ^= 1;
    assert_int_equal(walk(f, NULL, 0), ERR_DAMAGED);
    assert_int_equal(f->chain.damaged, 2);
}

static void a_body_that_no_retention_row_names_is_missed(void **state)
{
    struct fixture *f = *state;
    lose_a_body(f, 1);
    assert_int_equal(walk(f, NULL, 0), ERR_OK);
    assert_int_equal(f->chain.damaged, 2);
    assert_string_equal(f->chain.why_en, "its body is gone, and no retention row says that it was deleted");
}

static void a_body_of_the_ledger_is_never_gone(void **state)
{
    struct fixture *f = *state;
    lose_a_body(f, 2);
    mem_free(f->rows[1].kind);
    f->rows[1].kind = mem_string("issue");
    assert_int_equal(walk(f, NULL, 0), ERR_DAMAGED);
    assert_int_equal(f->chain.damaged, 2);
}

static void noted_from(struct noted_list *list, const char *text, int want, int want_line)
{
    int bad_line = 0;
    *list = (struct noted_list){0};
    FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    assert_int_equal(noted_read(in, list, &bad_line), want);
    assert_int_equal(bad_line, want_line);
    fclose(in);
}

static char *noted_line(const char *journal, int64_t seq, const uint8_t *hash)
{
    char hex[65];
    hash_hex(hash, hex);
    return mem_printf("{\"journal\":\"%s\",\"seq\":%lld,\"hash\":\"%s\",\"ts\":0}\n", journal, (long long)seq,
                      hex);
}

static void noted_heads_are_compared_in_any_order(void **state)
{
    struct fixture *f = *state;
    char *a = noted_line(journal_id, 4, f->rows[3].hash), *b = noted_line(journal_id, 2, f->rows[1].hash);
    char *c = noted_line("ffffffffffffffffffffffffffffffff", 3, f->rows[0].hash);
    char *text = mem_printf("%s\n%s%s%s", a, b, c, b);
    struct noted_list list;
    noted_from(&list, text, ERR_OK, 0);
    assert_int_equal(walk(f, &list, 0), ERR_OK);
    assert_int_equal(f->chain.agreed, 3);
    assert_int_equal(f->chain.differed, 0);
    assert_int_equal(f->chain.foreign, 1);
    noted_finish(&list);
    mem_free(a), mem_free(b), mem_free(c), mem_free(text);
}

static void a_noted_head_that_differs_or_lies_beyond_the_end_is_told(void **state)
{
    struct fixture *f = *state;
    char *a = noted_line(journal_id, 2, f->rows[2].hash),
         *b = noted_line(journal_id, ROWS + 1, f->rows[4].hash);
    char *text = mem_printf("%s%s", b, a);
    struct noted_list list;
    noted_from(&list, text, ERR_OK, 0);
    assert_int_equal(walk(f, &list, 0), ERR_OK);
    assert_int_equal(f->chain.agreed, 0);
    assert_int_equal(f->chain.differed, 2);
    assert_int_equal(f->chain.first_differing, 2);
    noted_finish(&list);
    mem_free(a), mem_free(b), mem_free(text);
}

static void a_line_that_notes_no_head_is_named(void **state)
{
    struct fixture *f = *state;
    char *good = noted_line(journal_id, 4, f->rows[3].hash);
    static const char *const bad[] = {
        "x",
        "{}",
        "[]",
        "{\"journal\":\"0123456789abcdef0123456789abcdef\",\"seq\":4}",
        "{\"journal\":\"short\",\"seq\":4,\"hash\":\"\"}",
        "{\"journal\":\"0123456789abcdef0123456789abcdef\",\"seq\":\"4\",\"hash\":\"00\"}",
        "{\"journal\":\"0123456789abcdef0123456789abcdef\",\"seq\":4,\"hash\":\"0\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = mem_printf("%s\n%s\n", good, bad[i]);
        struct noted_list list;
        noted_from(&list, text, ERR_FORMAT, 3);
        noted_finish(&list);
        mem_free(text);
    }
    mem_free(good);
}

int main(void)
{
    assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
#define CHAIN(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chinese_character_takes_two_columns),
        cmocka_unit_test(nothing_in_a_text_can_move_the_cursor),
        cmocka_unit_test(columns_stand_in_line_whatever_is_in_them),
        cmocka_unit_test(a_time_without_a_zone_is_in_the_sites_zone),
        cmocka_unit_test(a_zone_that_is_given_counts),
        cmocka_unit_test(a_time_may_be_said_from_now),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_span_is_said_in_two_units),
        cmocka_unit_test(every_word_has_two_languages_and_the_unknown_stays_itself),
        cmocka_unit_test(what_the_ledger_refuses_has_a_chinese_reason),
        CHAIN(a_whole_chain_is_walked_to_its_head),
        CHAIN(a_changed_body_is_named_by_its_row),
        CHAIN(a_body_changed_with_its_sha_does_not_fit_the_hash),
        CHAIN(columns_that_differ_from_the_body_are_damage),
        CHAIN(a_missing_row_is_named),
        CHAIN(a_row_without_body_still_links),
        CHAIN(a_body_that_no_retention_row_names_is_missed),
        CHAIN(a_body_of_the_ledger_is_never_gone),
        CHAIN(noted_heads_are_compared_in_any_order),
        CHAIN(a_noted_head_that_differs_or_lies_beyond_the_end_is_told),
        CHAIN(a_line_that_notes_no_head_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
