/* YAML text to tree: where things stand, and everything that is refused. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void a_tree_remembers_line_and_column_in_characters(void **state)
{
    (void)state;
    static const char text[] = "# 工地\nsite:\n  title: 示例工地\n  list: [a, \"b\"]\r\n  empty:\n";
    struct yaml_doc *doc;
    struct complaint why;
    assert_int_equal(yaml_parse("f", text, strlen(text), &doc, &why), ERR_OK);
    const struct yaml_node *site = yaml_get(yaml_root(doc), "site");
    assert_int_equal(site->kind, YAML_MAP);
    assert_int_equal(site->line, 3);
    assert_int_equal(site->column, 3);
    assert_string_equal(yaml_get(site, "title")->text, "示例工地");
    assert_int_equal(yaml_get(site, "title")->column, 10);
    const struct yaml_node *list = yaml_get(site, "list");
    assert_int_equal(list->kind, YAML_LIST);
    assert_int_equal(list->count, 2);
    assert_false(list->items[0].quoted);
    assert_true(list->items[1].quoted);
    assert_int_equal(list->items[1].column, 13);
    assert_string_equal(yaml_get(site, "empty")->text, "");
    assert_int_equal(yaml_get(site, "empty")->line, 5);
    assert_null(yaml_get(site, "none"));
    assert_null(yaml_get(list, "a"));
    yaml_complain(doc, list, &why, "found a list\n");
    assert_string_equal(why.text, "f:4:9: found a list?");
    yaml_close(doc);
}

static void an_empty_file_is_an_empty_map(void **state)
{
    (void)state;
    static const char *const texts[] = {"",   "\n\n",      "# only this\n", "---\n", "\xef\xbb\xbf",
                                        "{}", "---\n...\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct yaml_doc *doc;
        struct complaint why;
        assert_int_equal(yaml_parse("f", texts[i], strlen(texts[i]), &doc, &why), ERR_OK);
        assert_int_equal(yaml_root(doc)->kind, YAML_MAP);
        assert_int_equal(yaml_root(doc)->count, 0);
        yaml_close(doc);
    }
}

static void everything_but_plain_maps_lists_and_values_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } bad[] = {
        {"a: &x 1\n", "f:1:4: found an anchor"},
        {"a: &x {b: 1}\n", "f:1:4: found an anchor"},
        {"a: &x [1]\n", "f:1:4: found an anchor"},
        {"a: *x\n", "f:1:4: found an alias"},
        {"*x : 1\n", "f:1:1: found an alias"},
        {"a: !!int 1\n", "f:1:4: found a tag"},
        {"a: !x {}\n", "f:1:4: found a tag"},
        {"a: !x []\n", "f:1:4: found a tag"},
        {"a: 1\n---\nb: 2\n", "f:2:1: found a second document"},
        {"%YAML 1.1\n---\na: 1\n", "f:1:1: found a directive"},
        {"%TAG ! tag:x,2000:\n---\na: 1\n", "f:1:1: found a directive"},
        {"a: 1\nb: 2\na: 3\nb: 4\n", "f:3:1: found the key \"a\" twice (first in line 1)"},
        {"{a: 1, b: 2, \"a\": 3}", "f:1:14: found the key \"a\" twice"},
        {"[a]: 1\n", "f:1:1: found a map or list as a key"},
        {"? {a: 1}\n: 1\n", "f:1:3: found a map or list as a key"},
        {"'': 1\n", "f:1:1: found an empty key"},
        {"a: 1\n b: 2\n", "f:2:3: found bad YAML"},
        {"a: 'x\n", "f:2:1: found bad YAML"},
        {"a:\n\tb: 1\n", "f:2:1: found bad YAML"},
        {"a: [1, 2\n", "f:2:1: found bad YAML"},
        {"a: \"\\0\"\n", "f:1:4: found the control character U+0000"},
        {"a: \"\\u001b[31m\"\n", "f:1:4: found the control character U+001B"},
        {"a: \"\\N\"\n", "f:1:4: found the control character U+0085"},
        {"a: \x1b[31m\n", "f:1:4: found the control character U+001B"},
        {"a: 工\x7f\n", "f:1:5: found the control character U+007F"},
        {"a: 1\rb: 2\n", "f:1:5: found the control character U+000D"},
        {"a: \xff\n", "f:1:4: found the byte 0xFF, not UTF-8"},
        {"a: \xc0\xaf\n", "f:1:4: found the byte 0xC0, not UTF-8"},
        {"a: \xed\xa0\x80\n", "f:1:4: found the byte 0xED, not UTF-8"},
        {"a: 1\nb: \xe5\xb7", "f:2:4: found the byte 0xE5, not UTF-8"},
        {"\xff\xfe"
         "a",
         "f:1:1: found the byte 0xFF"},
        {"a: [[[[[[[[[[[[[[[[[", "f:1:19: found nesting deeper than 16"},
        {"- - - - - - - - - - - - - - - - - a", "f:1:33: found nesting deeper than 16"},
        {"a: "
         "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
         "f:1:100: found more than 32"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct yaml_doc *doc = NULL;
        struct complaint why = {{0}};
        int error = yaml_parse("f", bad[i].text, strlen(bad[i].text), &doc, &why);
        if (error != ERR_FORMAT || strncmp(why.text, bad[i].message, strlen(bad[i].message)) != 0)
            fail_msg("%s\ngave %d \"%s\" instead of \"%s\"", bad[i].text, error, why.text, bad[i].message);
        assert_non_null(strstr(why.text, "; allowed: "));
    }
    struct yaml_doc *doc;
    struct complaint why;
    assert_int_equal(yaml_parse("f", "a: 1\0b", 6, &doc, &why), ERR_FORMAT);
    assert_string_equal(why.text, "f:1:5: found the control character U+0000; allowed: printable text");
}

static void a_file_over_256_kib_is_refused_and_one_below_is_read(void **state)
{
    (void)state;
    enum { MOST = 256 * 1024 };
    char *text = mem_array(MOST + 1, 1);
    size_t n = 0;
    for (int i = 0; n + 16 < MOST;
         i++) /* some 18,000 keys: also shows that finding doubles is not quadratic */
        n += (size_t)snprintf(text + n, 17, "k%011d: 1\n", i);
    memset(text + n, '\n', MOST + 1 - n);
    struct yaml_doc *doc;
    struct complaint why;
    assert_int_equal(yaml_parse("f", text, MOST, &doc, &why), ERR_OK);
    yaml_close(doc);
    assert_int_equal(yaml_parse("f", text, MOST + 1, &doc, &why), ERR_FORMAT);
    assert_non_null(strstr(why.text, "f:1:1: found more than 256 KiB"));
    mem_free(text);
}

static void a_file_that_cannot_be_read_is_an_io_error_that_names_it(void **state)
{
    (void)state;
    struct yaml_doc *doc;
    struct complaint why;
    assert_int_equal(yaml_load("/nonexistent/dustd.yaml", &doc, &why), ERR_IO);
    assert_non_null(strstr(why.text, "/nonexistent/dustd.yaml:1:1: cannot be read: No such file"));
    assert_int_equal(yaml_load("/", &doc, &why), ERR_IO);
    char name[] = "/tmp/dust-yaml-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0 && write(fd, "a: 1\n", 5) == 5);
    close(fd);
    assert_int_equal(yaml_load(name, &doc, &why), ERR_OK);
    assert_string_equal(yaml_file(doc), name);
    yaml_close(doc);
    unlink(name);
}

static void a_message_too_long_is_cut_at_a_character(void **state)
{
    (void)state;
    struct yaml_doc *doc;
    struct complaint why;
    assert_int_equal(yaml_parse("f", "", 0, &doc, &why), ERR_OK);
    char text[1500];
    for (size_t i = 0; i < 499; i++)
        memcpy(text + 3 * i, "尘", 4);
    yaml_complain(doc, yaml_root(doc), &why, "found %s", text);
    size_t length = strlen(why.text);
    assert_true(length > sizeof(why.text) - 4);
    assert_string_equal(why.text + length - 7, "尘 …");
    for (int blank = 0; blank < 40; blank++) { /* where there are blanks, with a whole word */
        memset(text, 'a', sizeof text - 1);
        for (size_t i = (size_t)blank; i < sizeof text - 1; i += 40)
            text[i] = ' ';
        yaml_complain(doc, yaml_root(doc), &why, "found %s", text);
        length = strlen(why.text);
        assert_in_range(length, sizeof why.text - 45, sizeof why.text - 1);
        assert_string_equal(why.text + length - 5, "a …");
        assert_true(why.text[length - 5 - 39] == ' ');
    }
    yaml_close(doc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_remembers_line_and_column_in_characters),
        cmocka_unit_test(an_empty_file_is_an_empty_map),
        cmocka_unit_test(everything_but_plain_maps_lists_and_values_is_refused_with_its_place),
        cmocka_unit_test(a_file_over_256_kib_is_refused_and_one_below_is_read),
        cmocka_unit_test(a_file_that_cannot_be_read_is_an_io_error_that_names_it),
        cmocka_unit_test(a_message_too_long_is_cut_at_a_character),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
