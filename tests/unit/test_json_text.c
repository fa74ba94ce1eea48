/* JSON written as text is what jansson would print. */
#include "daemon/base/json_text.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_as_jansson(const char *text)
{
    struct buf out = {0};
    json_t *string = json_string(text);
    char *wanted = json_dumps(string, JSON_COMPACT | JSON_ENCODE_ANY);
    json_text_string(&out, text);
    assert_string_equal(out.data, wanted);
    free(wanted);
    json_decref(string);
    buf_finish(&out);
}

static void every_character_of_ascii_is_escaped_as_jansson_escapes_it(void **state)
{
    (void)state;
    for (char c = 1; c > 0 && c < 127; c++)
        assert_as_jansson((const char[]){'a', c, 'b', c, 0});
    assert_as_jansson("\x7f");
    assert_as_jansson("");
}

static void text_in_any_script_stays_as_it_is(void **state)
{
    (void)state;
    assert_as_jansson("大门“扬尘仪”，均值 312.4 µg/m³ \\ \"x\"\n\xf0\x9f\x9a\xa7");
}

static void what_is_no_utf8_is_null(void **state)
{
    (void)state;
    const char *const bad[] = {"\xff", "abc\xe5\xa4", "\xc0\xaf", "x\"\xed\xa0\x80\"", "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf out = {0};
        buf_text(&out, "before ");
        json_text_string(&out, bad[i]);
        assert_string_equal(out.data, "before null");
        buf_finish(&out);
    }
}

static void members_have_commas_between_them(void **state)
{
    (void)state;
    struct buf out = {0};
    buf_text(&out, "{");
    json_text_add(&out, "a", "1");
    json_text_key(&out, "b");
    buf_text(&out, "{");
    json_text_add_bool(&out, "c", true);
    buf_text(&out, "}");
    json_text_add_integer(&out, "least", INT64_MIN);
    json_text_add_integer(&out, "most", INT64_MAX);
    json_text_add_integer(&out, "none", 0);
    json_text_add_bool(&out, "d", false);
    buf_text(&out, "}");
    assert_string_equal(out.data, "{\"a\":\"1\",\"b\":{\"c\":true},\"least\":-9223372036854775808,"
                                  "\"most\":9223372036854775807,\"none\":0,\"d\":false}");
    buf_finish(&out);
}

/* Of random bytes: the same as jansson's, or null where jansson takes none. */
static void random_bytes_are_written_as_jansson_writes_them(void **state)
{
    (void)state;
    const char *given = getenv("DUST_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 20261126u;
    printf("seed %u\n", seed);
    for (int round = 0; round < 20000; round++) {
        char text[17] = "";
        for (int i = 0; i < 16; i++) {
            seed = seed * 1664525u + 1013904223u;
            text[i] = (char)(seed % 3 == 0 ? seed >> 24 : 0xE5 - (seed >> 28) * 8);
        }
        struct buf out = {0};
        json_t *string = json_string(text);
        char *wanted = string ? json_dumps(string, JSON_COMPACT | JSON_ENCODE_ANY) : strdup("null");
        json_text_string(&out, text);
        assert_string_equal(out.data, wanted);
        free(wanted);
        json_decref(string);
        buf_finish(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_of_ascii_is_escaped_as_jansson_escapes_it),
        cmocka_unit_test(text_in_any_script_stays_as_it_is),
        cmocka_unit_test(what_is_no_utf8_is_null),
        cmocka_unit_test(members_have_commas_between_them),
        cmocka_unit_test(random_bytes_are_written_as_jansson_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
