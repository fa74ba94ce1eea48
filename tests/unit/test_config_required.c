/* Requirements and sources in the configuration: what ships, how it is called, and the message each mistake
 * gets. */
#include "unit/config_fixture.h"

#define FILE_HEAD "title: {zh: 求, en: Required}\nsource: test\nrequirements:\n"
#define ONE_CHECK                                                                                        \
    FILE_HEAD "  washing:\n    title: {zh: 洗, en: Wash}\n    checks:\n      c: {title: {zh: 查, en: " \
              "Check}, "

struct bad {
    const char *site, *file,
        *message; /* what follows the base, what is in requirements/mine.yaml, the refusal */
};

static int required_setup(void **state)
{
    if (setup(state) != 0)
        return -1;
    make_dir(*state, "requirements");
    return 0;
}

static int required_teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"requirements/mine.yaml", "requirements"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = mem_printf("%s/%s", f->dir, names[i]);
        remove(path);
        mem_free(path);
    }
    return teardown(state);
}

static void expect(struct fixture *f, const struct bad *b)
{
    char *text = mem_printf("%s%s", base, b->site);
    struct config *c = NULL;
    struct complaint why = {{0}};
    write_file(f, "f.yaml", text);
    write_file(f, "requirements/mine.yaml", b->file ? b->file : "");
    int error = config_load(f->file, f->dirs, &c, &why);
    if (error != ERR_FORMAT || !strstr(why.text, b->message))
        fail_msg("%s\n%s\ngave %d \"%s\" instead of \"%s\"", b->site, b->file ? b->file : "", error, why.text,
                 b->message);
    assert_non_null(strstr(why.text, "; allowed:"));
    mem_free(text);
}

static void each_mistake_is_refused_with_its_place_and_what_is_allowed(void **state)
{
    static const char ours[] = "requirements: {file: mine, person: boss}\n";
    static const struct bad bad[] = {
        {"requirements: {file: sixx, person: boss}\n", NULL,
         "f.yaml:15:22: found \"sixx\", but no file requirements/sixx.yaml (did you mean \"six\"?)"},
        {"requirements: {file: six, wording: linquan, person: boss}\n", NULL,
         "f.yaml:15:36: found \"linquan\", but no file wording/linquan.yaml"},
        {"requirements: {file: six}\n", NULL,
         "f.yaml:15:15: found no person who answers for the requirements"},
        {"requirements: {file: six, person: bos}\n", NULL, "f.yaml:15:35: found no person who answers"},
        {"requirements: {person: boss}\n", NULL, "found requirements without a file"},
        {"requirements: {file: six, person: boss, leave_out: [washing/weekley]}\n", NULL,
         "found washing/weekley, which six does not have"},
        {"requirements: {file: six, person: boss, hours: [\"6-20\"]}\n", NULL,
         "found \"6-20\" for hours; allowed: hours such as 22:00-06:00"},
        {ours, ONE_CHECK "kind: atest, every: 1d, by: [site]}\n",
         "requirements/mine.yaml:7:44: found \"atest\" for kind (did you mean \"attest\"?)"},
        {ours, ONE_CHECK "kind: attest, by: [site]}\n", "found no every in check; allowed: "},
        {ours, ONE_CHECK "kind: attest, every: 1d, by: []}\n", "found no role; allowed: at least one"},
        {ours, ONE_CHECK "kind: attest, every: 1d, by: [site], flow: 1 m3/h}\n",
         "found flow with kind attest; allowed: only with response duty"},
        {ours, ONE_CHECK "kind: during, role: gate, every: 10min, grace: 10min}\n",
         "found a grace that is not shorter than every"},
        {ours, ONE_CHECK "kind: duty, every: 4h, flow: 1 ug/m3}\n", "found \"1 ug/m3\" for flow"},
        {"sources: {c: {kinds: []}}\n", NULL, "found no kind; allowed: at least one"},
        {"sources: {c: {kinds: [pasage]}}\n", NULL, "found \"pasage\" for kinds (did you mean \"passage\"?)"},
        {"sources: {c: {kinds: [stage], person: nobody}}\n", NULL, "found nobody, who is not in people"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect(*state, &bad[i]);
}

static struct config *load_more(struct fixture *f, const char *more)
{
    char *text = mem_printf("%s%s", base, more);
    write_file(f, "f.yaml", text);
    mem_free(text);
    return load(f, f->file);
}

static const struct requirement *find(const struct config *c, const char *name)
{
    for (int i = 0; i < c->requirements.n; i++)
        if (strcmp(c->requirements.list[i].name, name) == 0)
            return &c->requirements.list[i];
    return NULL;
}

static void the_six_are_called_as_the_wording_has_it_and_keep_their_neutral_names(void **state)
{
    static const struct {
        const char *wording, *watering, *transport;
    } wordings[] = {{"linquan-2023", "洒水清扫保洁", "物料密闭运输"},
                    {"mohurd", "土方开挖湿法作业", "渣土车辆密闭运输"},
                    {"shenzhen-7", "易起尘作业面湿法施工", "物料密闭运输"}}; /* has none for transport */
    static const char *const names[] = {"enclosure", "hardening", "covering",
                                        "watering",  "transport", "washing"};
    for (size_t i = 0; i < sizeof wordings / sizeof *wordings; i++) {
        char *more =
            mem_printf("requirements: {file: six, person: boss, wording: %s}\n", wordings[i].wording);
        struct config *c = load_more(*state, more);
        assert_int_equal(c->requirements.n, 6);
        for (int k = 0; k < 6; k++)
            assert_string_equal(c->requirements.list[k].name, names[k]);
        assert_string_equal(find(c, "watering")->title_zh, wordings[i].watering);
        assert_string_equal(find(c, "transport")->title_zh, wordings[i].transport);
        config_free(c);
        mem_free(more);
    }
}

static void a_seventh_item_is_as_good_as_the_six(void **state)
{
    struct fixture *f = *state;
    write_file(f, "requirements/mine.yaml",
               FILE_HEAD
               "  monitoring:\n    title: {zh: 监测, en: Measured}\n    checks:\n"
               "      tsp: {title: {zh: 尘, en: TSP}, kind: during, role: tsp, state: measured, every: 1h, "
               "grace: 15min}\n");
    struct config *c = load_more(f, "requirements: {file: mine, person: boss, wording: shenzhen-7}\n");
    assert_int_equal(c->requirements.n, 1);
    assert_string_equal(c->requirements.list[0].title_zh, "出入口安装TSP在线监测");
    config_free(c);
}

static void what_is_left_out_is_not_judged_and_an_empty_requirement_is_none(void **state)
{
    struct config *c =
        load_more(*state, "requirements: {file: six, person: boss, leave_out: [enclosure/gate-shut, "
                          "hardening/weekly]}\n");
    assert_int_equal(c->requirements.n, 5);
    assert_null(find(c, "hardening"));
    assert_int_equal(find(c, "enclosure")->nchecks, 2);
    assert_string_equal(find(c, "enclosure")->checks[0].name, "fence-whole");
    config_free(c);
}

static void the_print_shows_the_files_that_are_named(void **state)
{
    struct config *c = load_more(*state, "requirements: {file: six, person: boss, wording: mohurd}\n");
    char *text = printed(c);
    static const char *const wanted[] = {"# requirements/six.yaml\n", "#           lasts: 2min\n",
                                         "# wording/mohurd.yaml\n"};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(text, wanted[i]))
            fail_msg("no \"%s\" in\n%s", wanted[i], text);
    free(text);
    config_free(c);
}

#define REQUIRED(test) cmocka_unit_test_setup_teardown(test, required_setup, required_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUIRED(each_mistake_is_refused_with_its_place_and_what_is_allowed),
        REQUIRED(the_six_are_called_as_the_wording_has_it_and_keep_their_neutral_names),
        REQUIRED(a_seventh_item_is_as_good_as_the_six),
        REQUIRED(what_is_left_out_is_not_judged_and_an_empty_requirement_is_none),
        REQUIRED(the_print_shows_the_files_that_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
