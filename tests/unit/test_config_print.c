/* What is printed loads to the same: the examples, and what random mistakes make of them. */
#include "unit/config_fixture.h"

#include "daemon/base/buf.h"

#include <time.h>
#include <unistd.h>

/* NULL, or what went wrong: `file` loads, and what is printed loads to what prints the same. */
static const char *round_trip(const struct fixture *f, const char *file, bool *accepted)
{
    struct config *c = NULL, *again = NULL;
    struct complaint why = {{0}};
    *accepted = false;
    int error = config_load(file, f->dirs, &c, &why);
    if (error) {
        int line = 0, column = 0;
        const char *colon = strstr(why.text, ".yaml:");
        bool placed = colon && sscanf(colon, ".yaml:%d:%d: ", &line, &column) == 2 && line > 0 && column > 0;
        return error == ERR_FORMAT && placed ? NULL : "refused without a place";
    }
    *accepted = true;
    char *once = printed(c), hex[2][65];
    write_file(f, "g.yaml", once);
    char *second = mem_printf("%s/g.yaml", f->dir);
    const char *wrong = config_load(second, f->dirs, &again, &why) ? "what is printed does not load" : NULL;
    if (!wrong) {
        char *twice = printed(again);
        config_hash(c, hex[0]);
        config_hash(again, hex[1]);
        if (strcmp(once, twice) != 0 || strcmp(hex[0], hex[1]) != 0)
            wrong = "what is printed loads to something else";
        free(twice);
    }
    free(once);
    mem_free(second);
    config_free(c);
    config_free(again);
    return wrong;
}

static void what_is_printed_loads_to_the_same(void **state)
{
    struct fixture *f = *state;
    bool accepted;
    write_file(f, "f.yaml", base);
    const char *files[] = {SHIPPED, f->file};
    for (int i = 0; i < 2; i++) {
        const char *wrong = round_trip(f, files[i], &accepted);
        assert_true(accepted);
        if (wrong)
            fail_msg("%s: %s", files[i], wrong);
    }
}

static void the_print_shows_defaults_and_what_the_profiles_and_limits_say(void **state)
{
    struct config *c = load_with(*state, "", "");
    char *text = printed(c);
    static const char *const wanted[] = {"  commit_every: 10s\n",         "    baud: 9600\n",
                                         "    timeout: 300ms\n",          "    answer_within: 1h\n",
                                         "    client_id: \"dustd-s\"\n",  "# devices/nova-sds069.yaml\n",
                                         "#       address: 20\n",         "# limits/shanxi-taiyuan.yaml\n",
                                         "#       value: \"250 ug/m3\"\n"};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
        if (!strstr(text, wanted[i]))
            fail_msg("no \"%s\" in\n%s", wanted[i], text);
    free(text);
    config_free(c);
}

static void the_hash_changes_with_a_setting_and_with_a_profile_but_not_with_a_comment(void **state)
{
    struct fixture *f = *state;
    char hex[4][65];
    struct config *c = load_with(f, "", "");
    config_hash(c, hex[0]);
    config_free(c);
    c = load_with(f, "people:", "# words\npeople:");
    config_hash(c, hex[1]);
    config_free(c);
    c = load_with(f, "unit_id: 2}", "unit_id: 3}");
    config_hash(c, hex[2]);
    config_free(c);
    write_file(f, "limits/mine.yaml",
               LIMIT_HEAD
               "  r: {title: {zh: a, en: b}, role: pm10, window: 1h, compare: over, value: 9 ug/m3}\n");
    char *mine = mem_printf("%s/limits/mine.yaml", f->dir),
         *over = mem_printf("%s/limits/shanxi-taiyuan.yaml", f->dir);
    rename(mine, over);
    c = load_with(f, "", "");
    config_hash(c, hex[3]);
    config_free(c);
    rename(over, mine);
    mem_free(mine);
    mem_free(over);
    assert_int_equal(strlen(hex[0]), 64);
    assert_string_equal(hex[0], hex[1]);
    assert_string_not_equal(hex[0], hex[2]);
    assert_string_not_equal(hex[0], hex[3]);
}

/* --- mutations of the SHIPPED example --- */

/* xorshift64*: the same seed gives the same mutations everywhere. */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * UINT64_C(2685821657736338717);
}

static size_t below(uint64_t *seed, size_t n)
{
    return (size_t)(next_random(seed) >> 33) % n;
}

static char *read_shipped(void)
{
    struct buf text = {0};
    char part[4096];
    FILE *in = fopen(SHIPPED, "r");
    assert_non_null(in);
    for (size_t n; (n = fread(part, 1, sizeof(part), in)) > 0;)
        buf_add(&text, part, n);
    fclose(in);
    return buf_take(&text);
}

/* Start of a random line, and its length with the line feed. */
static const char *random_line(const char *text, uint64_t *seed, size_t *length)
{
    const char *at = text + below(seed, strlen(text));
    while (at > text && at[-1] != '\n')
        at--;
    *length = strcspn(at, "\n") + 1;
    return at;
}

/* One byte changed, a piece cut out, a line doubled, moved or reindented, a token replaced by a nasty one. */
static char *mutate(const char *text, uint64_t *seed)
{
    static const char *const tokens[] = {"010",     "150ug", "flase", "nan",     "1e309",
                                         "-1",      "0",     "~",     "{}",      "[]",
                                         "''",      "*a",    "&a x",  "!!int 1", "99999999999999999999",
                                         "\"\\0\"", "工地",  "\t",    "- ",      "? ",
                                         ": ",      "|\n ",  "---\n", "0x10",    "1h",
                                         "true",    "\"",    "'",     "%",       "@",
                                         "\xff",    "#",     "{",     "]",       "zh",
                                         "meters"};
    size_t length = strlen(text), at = below(seed, length), n;
    const char *line = random_line(text, seed, &n), *other;
    size_t start = (size_t)(line - text);
    switch (below(seed, 6)) {
    case 0: {
        char *copy = mem_string(text);
        copy[at] = (char)(1 + below(seed, 255));
        return copy;
    }
    case 1: {
        size_t cut = 1 + below(seed, 12);
        cut = at + cut > length ? length - at : cut;
        return mem_printf("%.*s%s", (int)at, text, text + at + cut);
    }
    case 2: return mem_printf("%.*s%.*s%s", (int)(start + n), text, (int)n, line, line + n);
    case 3: {
        size_t m;
        other = random_line(text, seed, &m);
        return mem_printf("%.*s%.*s%s", (int)(other - text), text, (int)n, line, other);
    }
    case 4: return mem_printf("%.*s%s%s", (int)start, text, below(seed, 2) ? "  " : " ", line);
    default: {
        const char *colon = memchr(line, ':', n);
        size_t keep = colon ? (size_t)(colon - text) + 2 : at;
        const char *token = tokens[below(seed, sizeof(tokens) / sizeof(*tokens))];
        const char *end = text + keep + strcspn(text + keep, "\n");
        return mem_printf("%.*s%s%s", (int)keep, text, token, end);
    }
    }
}

static void a_mutated_example_is_refused_with_a_place_or_prints_to_the_same(void **state)
{
    struct fixture *f = *state;
    const char *given = getenv("DUST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000003 + (uint64_t)getpid();
    printf("DUST_SEED=%llu\n", (unsigned long long)seed);
    uint64_t run = seed ? seed : 1;
    char *text = read_shipped();
    int naccepted = 0, nrefused = 0;
    for (int i = 0; i < 1500; i++) {
        char *mutant = mutate(text, &run);
        if (below(&run, 4) == 0) {
            char *again = mutate(mutant, &run);
            mem_free(mutant);
            mutant = again;
        }
        write_file(f, "f.yaml", mutant);
        bool accepted;
        const char *wrong = round_trip(f, f->file, &accepted);
        if (wrong)
            fail_msg("DUST_SEED=%llu, mutation %d: %s:\n%s", (unsigned long long)seed, i, wrong, mutant);
        accepted ? naccepted++ : nrefused++;
        mem_free(mutant);
    }
    mem_free(text);
    printf("%d accepted, %d refused\n", naccepted, nrefused);
    assert_true(naccepted > 100 && nrefused > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(what_is_printed_loads_to_the_same),
        EACH(the_print_shows_defaults_and_what_the_profiles_and_limits_say),
        EACH(the_hash_changes_with_a_setting_and_with_a_profile_but_not_with_a_comment),
        EACH(a_mutated_example_is_refused_with_a_place_or_prints_to_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
