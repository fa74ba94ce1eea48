/* The example that ships, config/dustd.yaml: every setting of the table stands in it, in force or behind a #,
 * with what is allowed and its default, and none that is not in the table. And the manual's reference. */
#include "unit/config_fixture.h"

#include "daemon/base/buf.h"
#include "daemon/config/broker.h"
#include "daemon/config/loaded.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "drivers/profile.h"

#include <ctype.h>

enum { LINES_MAX = 600, MAPS_MAX = 16 };

struct lines {
    char *text[LINES_MAX]; /* from 1 */
    int count;
};

static void read_lines(struct lines *l)
{
    char line[1024];
    FILE *in = fopen(SHIPPED, "r");
    assert_non_null(in);
    while (fgets(line, sizeof line, in)) {
        assert_true(l->count + 1 < LINES_MAX);
        l->text[++l->count] = mem_string(line);
    }
    fclose(in);
}

/* "#key: value" and "#  key: value" are settings behind a #; "# words" is prose. */
static bool is_prose(const char *line)
{
    const char *hash = line + strspn(line, " ");
    return *hash == '#' && (hash[1] == '\n' || (hash[1] == ' ' && hash[2] != ' '));
}

/* The same line with its setting in force; prose inside such a setting ("#  # words") stays prose. */
static void uncomment(char *line)
{
    char *hash = line + strspn(line, " ");
    if (*hash == '#' && !is_prose(line))
        memmove(hash, hash + 1, strlen(hash));
}

/* Whether one of the texts, whatever its capitals and line breaks, says the phrase. */
static bool says(const char *comment, const char *phrase)
{
    return strcasestr(comment, phrase) != NULL;
}

/* The comment behind a setting and those in the lines right above it, as one text. */
static void comment_of(const struct lines *l, int line, struct buf *out)
{
    int first = line;
    while (first > 1 && is_prose(l->text[first - 1]))
        first--;
    for (int i = first; i <= line; i++) {
        const char *hash = strstr(l->text[i], "# ");
        if (hash)
            buf_printf(out, "%.*s ", (int)strcspn(hash + 2, "\n"), hash + 2);
    }
    buf_text(out, "");
}

/* What is expected of a setting of the table: `node` is its first value in the file, NULL when it has none.
 */
typedef void expectation(const struct lines *l, const struct setting *row, const struct yaml_node *node);

static void is_documented(const struct lines *l, const struct setting *row, const struct yaml_node *node)
{
    struct buf comment = {0}, phrase = {0};
    if (!node)
        fail_msg("%s has no %s", SHIPPED, row->key);
    comment_of(l, node->line, &comment);
    schema_brief(row, &phrase);
    if (phrase.length && !says(comment.data, phrase.data))
        fail_msg("%s:%d: the comment of %s, \"%s\", does not say \"%s\"", SHIPPED, node->line, row->key,
                 comment.data, phrase.data);
    buf_finish(&comment);
    buf_finish(&phrase);
}

static void is_its_default(const struct lines *l, const struct setting *row, const struct yaml_node *node)
{
    (void)l;
    if (node && row->absent && strcmp(node->text, row->absent) != 0)
        fail_msg("%s:%d: %s is %s, but its default is %s", SHIPPED, node->line, row->key, node->text,
                 row->absent);
}

/* A map of several entries shows each setting in one of them. */
static void expect_rows(const struct lines *l, const struct schema *schema,
                        const struct yaml_node *const *maps, int nmaps, expectation *expect)
{
    for (const struct setting *row = schema->rows; row->key; row++) {
        const struct yaml_node *node = NULL, *below[MAPS_MAX];
        int n = 0;
        for (int i = 0; i < nmaps && !node; i++)
            node = yaml_get(maps[i], row->key);
        if (row->type == SETTING_KEY)
            continue;
        if (!row->sub)
            expect(l, row, node);
        else if (node && row->type == SETTING_MAP)
            below[n++] = node;
        for (size_t i = 0; row->sub && node && row->type != SETTING_MAP && i < node->count && n < MAPS_MAX;
             i++)
            below[n++] = &node->items[i];
        if (row->sub)
            expect_rows(l, row->sub, below, n, expect);
    }
}

static char *joined(const struct lines *l)
{
    struct buf text = {0};
    for (int i = 1; i <= l->count; i++)
        buf_text(&text, l->text[i]);
    return buf_take(&text);
}

static void finish_lines(struct lines *l)
{
    for (int i = 1; i <= l->count; i++)
        mem_free(l->text[i]);
}

static void expect_of_example(bool all, expectation *expect)
{
    struct lines l = {0};
    struct complaint why;
    struct yaml_doc *doc;
    read_lines(&l);
    for (int i = 1; i <= l.count && all; i++)
        uncomment(l.text[i]);
    char *text = joined(&l);
    if (yaml_parse(SHIPPED, text, strlen(text), &doc, &why))
        fail_msg("%s", why.text);
    const struct yaml_node *root = yaml_root(doc);
    expect_rows(&l, &config_schema, &root, 1, expect);
    yaml_close(doc);
    mem_free(text);
    finish_lines(&l);
}

static void the_example_shows_every_setting_with_what_is_allowed_and_its_default(void **state)
{
    (void)state;
    expect_of_example(true, is_documented);
}

static void what_is_in_force_in_the_example_is_the_default_where_there_is_one(void **state)
{
    (void)state;
    expect_of_example(false, is_its_default);
}

static void everything_in_the_example_can_be_in_force_at_once(void **state)
{
    struct fixture *f = *state;
    struct lines l = {0};
    read_lines(&l);
    for (int i = 1; i <= l.count; i++)
        uncomment(l.text[i]);
    char *text = joined(&l);
    write_file(f, "f.yaml", text);
    struct config *c = load(f, f->file);
    assert_int_equal(c->nmqtt, 1);
    assert_int_equal(c->nbuses, 2);
    assert_true(c->mqtt[0].data_plan_bytes == 500000000);
    assert_string_equal(config_person(c, "inspector")->organisation, "example-community");
    assert_int_equal(config_organisation(c, "example-community")->kind, ORGANISATION_COMMUNITY);
    assert_null(config_organisation(c, "nobody"));
    config_free(c);
    mem_free(text);
    finish_lines(&l);
}

/* --- the reference --- */

struct tap {
    const char *name;
    int turns, kind;
};
static const struct word kinds[] = {{"ball", 0}, {"gate", 1}, {0}};
static const struct setting tap_rows[] = {
    {"name", SETTING_KEY, FIELD(struct tap, name), .meaning = "name of the tap"},
    {"kind", SETTING_CHOICE, FIELD(struct tap, kind), .words = kinds, .absent = "ball",
     .meaning = "how it shuts"},
    {"turns", SETTING_INT, FIELD(struct tap, turns), .low = "-1", .high = "9", .required = true,
     .only = 1 << 1, .meaning = ".5 is a half \\ not allowed"},
    {0},
};
static const struct schema tap_schema = {"tap", sizeof(struct tap), tap_rows, &tap_rows[1], NULL};

struct house {
    struct tap *taps;
    int ntaps;
};
static const struct setting house_rows[] = {
    {"taps", SETTING_KEYED, FIELD(struct house, taps), COUNT(struct house, ntaps), .required = true,
     .sub = &tap_schema, .meaning = "all of them"},
    {0},
};
static const struct schema house_schema = {"house", sizeof(struct house), house_rows, NULL, NULL};

static void the_reference_of_a_table_is_an_item_a_setting(void **state)
{
    (void)state;
    struct buf text = {0};
    schema_reference(&house_schema, &text);
    assert_string_equal(text.data, ".SS taps: NAME:\n"
                                   "All of them; at least one.\n"
                                   ".TP\n.B kind\nHow it shuts.\n.br\n"
                                   "Allowed: one of ball gate; default ball.\n"
                                   ".TP\n.B turns\n\\&.5 is a half \\e not allowed.\n.br\n"
                                   "Allowed: a whole number, \\-1 to 9; needed.\nOnly with kind gate.\n");
    buf_finish(&text);
}

static void every_setting_says_what_it_means_and_every_check_what_it_allows(void **state)
{
    (void)state;
    const struct schema *schemas[32] = {&config_schema, &limit_schema, &profile_schema, &requirement_schema,
                                        &wording_schema};
    int n = 3;
    for (int i = 0; i < n; i++)
        for (const struct setting *row = schemas[i]->rows; row->key; row++) {
            if (row->sub && n < 32)
                schemas[n++] = row->sub;
            if (!row->meaning || !row->meaning[0])
                fail_msg("%s of %s has no meaning", row->key, schemas[i]->what);
            if (row->check && !row->check("\x01"))
                fail_msg("%s of %s takes a control character", row->key, schemas[i]->what);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(the_example_shows_every_setting_with_what_is_allowed_and_its_default),
        EACH(everything_in_the_example_can_be_in_force_at_once),
        EACH(what_is_in_force_in_the_example_is_the_default_where_there_is_one),
        cmocka_unit_test(the_reference_of_a_table_is_an_item_a_setting),
        cmocka_unit_test(every_setting_says_what_it_means_and_every_check_what_it_allows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
