/* A command is read whole or refused in words; what was carried out is remembered until it has expired. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/command.h"
#include "daemon/commands_seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NOW_MS INT64_C(1777593600000) /* of docs/schema/examples */

/* The request, as JSON with sorted members, or "refused: …". */
static char *read_it(const char *text)
{
    struct command c;
    char why[COMMAND_WHY_SIZE];
    if (command_read(text, NOW_MS, &c, why) != ERR_OK) {
        assert_null(c.request);
        return mem_printf("refused: %s", why);
    }
    char *json = json_dumps(c.request, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(c.request);
    return json;
}

static void assert_reads(const char *text, const char *part)
{
    char *got = read_it(text);
    if (!strstr(got, part))
        fail_msg("%s: %s", text, got);
    mem_free(got);
}

#define VALID "{\"id\":\"a\",\"expires\":1777593900000,"

static void a_command_becomes_the_control_sockets_request(void **state)
{
    (void)state;
    assert_reads(VALID "\"do\":\"issue.assign\",\"issue\":\"LQ-2026-0001\",\"due\":7}",
                 "{\"do\":\"act\",\"due\":7,\"issue\":\"LQ-2026-0001\",\"verb\":\"assign\"}");
    assert_reads(VALID "\"do\":\"issue.open\",\"category\":\"road\",\"text\":\"%s%n\"}",
                 "{\"category\":\"road\",\"do\":\"open\",\"text\":\"%s%n\"}");
    assert_reads(VALID "\"do\":\"stage\",\"stage\":\"earthwork\"}",
                 "{\"do\":\"input\",\"input\":{\"from\":1777593600000,\"id\":\"a\",\"stage\":\"earthwork\"},"
                 "\"kind\":\"stage\"}");
    assert_reads(VALID "\"do\":\"inspect\",\"at\":5,\"value\":1}",
                 "{\"do\":\"input\",\"input\":{\"at\":5,\"id\":\"a\",\"value\":1},\"kind\":\"inspection\"}");
}

static void every_example_of_the_schema_is_read_and_each_verb_has_one(void **state)
{
    (void)state;
    json_t *examples = json_load_file("docs/schema/examples/cmd.json", 0, NULL), *message, *word;
    json_t *schema = json_load_file("docs/schema/cmd.json", 0, NULL);
    json_t *words = json_object_get(json_object_get(json_object_get(schema, "properties"), "do"), "enum");
    char *list = read_it(VALID "\"do\":\"?\"}"), *expected = mem_string("refused: \"do\" must be one of:");
    size_t n;
    assert_true(json_array_size(words) > 0);
    assert_int_equal(json_array_size(examples), json_array_size(words));
    json_array_foreach(words, n, word)
    {
        char *more = mem_printf("%s %s", expected, json_string_value(word));
        mem_free(expected);
        expected = more;
        message = json_array_get(examples, n);
        char *text = json_dumps(message, 0);
        assert_string_equal(json_string_value(json_object_get(message, "do")), json_string_value(word));
        assert_reads(text, "{");
        mem_free(text);
    }
    assert_string_equal(list, expected);
    mem_free(list);
    mem_free(expected);
    json_decref(examples);
    json_decref(schema);
}

static void nobody_smuggles_in_another_verb_or_name(void **state)
{
    (void)state;
    assert_reads(VALID "\"do\":\"issue.note\",\"issue\":\"x\",\"verb\":\"close\"}",
                 "there is no member \"verb\"");
    assert_reads(VALID "\"do\":\"issue.note\",\"issue\":\"x\",\"as\":\"office\"}",
                 "there is no member \"as\"");
    assert_reads(VALID "\"do\":\"issue.note\",\"issue\":\"x\",\"issue text\":\"t\"}",
                 "no member \"issue text\"");
    assert_reads(VALID "\"do\":\"issue.note\",\"issue\":\"x\",\"\":\"t\"}", "there is no member \"\"");
    assert_reads(VALID "\"do\":\"act\",\"verb\":\"close\",\"issue\":\"x\"}", "\"do\" must be one of");
    assert_reads(VALID "\"do\":\"reload\"}", "\"do\" must be one of");
    assert_reads(VALID "\"do\":\"issue.note\",\"do\":\"issue.close\"}", "not a JSON object");
}

static void a_command_has_an_id_and_ten_minutes(void **state)
{
    (void)state;
    assert_reads("{\"expires\":1777593900000,\"do\":\"stage\"}", "needs an \"id\"");
    assert_reads("{\"id\":\"\",\"expires\":1777593900000,\"do\":\"stage\"}", "needs an \"id\"");
    assert_reads("{\"id\":\"a\\u0000b\",\"expires\":1777593900000,\"do\":\"stage\"}", "not a JSON object");
    assert_reads("{\"id\":\"a\\nb\",\"expires\":1777593900000,\"do\":\"stage\"}", "needs an \"id\"");
    assert_reads("{\"id\":\"a\",\"do\":\"stage\"}", "needs \"expires\"");
    assert_reads("{\"id\":\"a\",\"expires\":1777593600000,\"do\":\"stage\"}", "it has expired");
    assert_reads("{\"id\":\"a\",\"expires\":1777593600001,\"do\":\"stage\"}", "\"do\":\"input\"");
    assert_reads("{\"id\":\"a\",\"expires\":1777594200000,\"do\":\"stage\"}", "\"do\":\"input\"");
    assert_reads("{\"id\":\"a\",\"expires\":1777594200001,\"do\":\"stage\"}", "more than 10 minutes ahead");
    assert_reads("{\"id\":\"a\",\"expires\":9223372036854775807,\"do\":\"stage\"}", "more than 10 minutes");
    assert_reads("{\"id\":\"a\",\"expires\":-9223372036854775808,\"do\":\"stage\"}", "it has expired");
    assert_reads(NULL, "longer than 12288 bytes");
}

static void only_a_part_of_a_photo_may_be_longer_than_an_input(void **state)
{
    (void)state;
    char *blanks = mem_printf("%4200s", "");
    char *note = mem_printf(VALID "\"do\":\"issue.note\",%s\"issue\":\"x\"}", blanks);
    char *part = mem_printf(VALID "\"do\":\"issue.photo\",%s\"issue\":\"x\"}", blanks);
    assert_reads(note, "refused: issue.note: longer than 4096 bytes");
    assert_reads(part, "\"do\":\"photo_part\"");
    mem_free(note);
    mem_free(part);
    mem_free(blanks);
}

static void an_id_of_64_bytes_is_one_and_of_65_is_none(void **state)
{
    (void)state;
    char text[200];
    for (int n = 64; n <= 65; n++) {
        snprintf(text, sizeof text, "{\"id\":\"%0*d\",\"expires\":1777593900000,\"do\":\"stage\"}", n, 7);
        assert_reads(text, n == 64 ? "\"do\":\"input\"" : "needs an \"id\"");
    }
}

static void what_was_carried_out_is_known_of_its_user_only(void **state)
{
    (void)state;
    struct commands_seen s = {0};
    seen_add(&s, "zhao", "a", NOW_MS, 17);
    assert_int_equal(seen_row(&s, "zhao", "a"), 17);
    assert_int_equal(seen_row(&s, "wang", "a"), 0);
    assert_int_equal(seen_row(&s, "zha", "oa"), 0);
    assert_int_equal(seen_row(&s, "zhao", "b"), 0);
    seen_finish(&s);
}

static void an_id_is_forgotten_only_when_it_is_over_and_its_place_is_needed(void **state)
{
    (void)state;
    struct commands_seen s = {0};
    char id[16];
    for (int i = 0; i < SEEN_COMMANDS; i++) {
        assert_true(seen_has_room(&s, NOW_MS));
        snprintf(id, sizeof id, "c%d", i);
        seen_add(&s, "zhao", id, NOW_MS + (i == 5 ? 1000 : 600000), i + 1);
    }
    assert_false(seen_has_room(&s, NOW_MS + 999));
    assert_int_equal(seen_row(&s, "zhao", "c5"), 6);
    assert_true(seen_has_room(&s, NOW_MS + 1000));
    seen_add(&s, "zhao", "new", NOW_MS + 600000, 99999);
    assert_int_equal(seen_row(&s, "zhao", "c5"), 0);
    assert_int_equal(seen_row(&s, "zhao", "c6"), 7);
    assert_int_equal(seen_row(&s, "zhao", "new"), 99999);
    assert_false(seen_has_room(&s, NOW_MS + 1000));
    seen_finish(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_becomes_the_control_sockets_request),
        cmocka_unit_test(every_example_of_the_schema_is_read_and_each_verb_has_one),
        cmocka_unit_test(nobody_smuggles_in_another_verb_or_name),
        cmocka_unit_test(a_command_has_an_id_and_ten_minutes),
        cmocka_unit_test(only_a_part_of_a_photo_may_be_longer_than_an_input),
        cmocka_unit_test(an_id_of_64_bytes_is_one_and_of_65_is_none),
        cmocka_unit_test(what_was_carried_out_is_known_of_its_user_only),
        cmocka_unit_test(an_id_is_forgotten_only_when_it_is_over_and_its_place_is_needed),
    };
    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
