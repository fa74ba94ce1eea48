/* What people find, and looking for issues. */
#include "a_ledger.h"
#include "daemon/ledger/filter.h"

static struct duty categories[] = {{.name = "road",
                                    .title_zh = "路",
                                    .title_en = "Road",
                                    .level = -1,
                                    .answer_ms = 2 * HOUR,
                                    .rectify_ms = DAY},
                                   {.name = "fence",
                                    .title_zh = "围",
                                    .title_en = "Fence",
                                    .level = LEVEL_MAJOR,
                                    .answer_ms = HOUR,
                                    .rectify_ms = HOUR}};

static int with_categories(void **state)
{
    int rc = bench_setup(state);
    struct bench *b = *state;
    b->config.issues.categories = categories;
    b->config.issues.ncategories = 2;
    return rc;
}

static int report(struct bench *b, struct report r)
{
    char *body = NULL;
    b->why[0] = 0;
    int error = ledger_report(b->ledger, b->now, &r, &body, b->id, b->why);
    if (!error)
        apply(b, body);
    else
        assert_true(b->why[0] != 0);
    return error;
}

static struct report a_report(struct bench *b, enum who who)
{
    return (struct report){.by = &b->people[who],
                           .category = "road",
                           .place = "大门外 50 米",
                           .way = "spot",
                           .text = "道路积尘"};
}

static const struct issue *newest(const struct bench *b)
{
    return ledger_at(b->ledger, ledger_count(b->ledger) - 1);
}

static void what_an_inspector_finds_is_confirmed_by_that(void **state)
{
    static const char *const ways[] = {"inspection", "spot", "unannounced", "visit"};
    struct bench *b = *state;
    for (size_t k = 0; k < 4; k++) {
        struct report r = a_report(b, INSPECTOR);
        char place[8];
        snprintf(place, sizeof place, "p%zu", k);
        r.place = place;
        r.way = ways[k];
        assert_int_equal(report(b, r), ERR_OK);
        assert_int_equal(newest(b)->state, ISSUE_CONFIRMED);
        assert_true(newest(b)->confirmed && newest(b)->by_person);
        assert_int_equal(newest(b)->way, WAY_INSPECTION + (int)k);
    }
    json_t *shown = issue_json(newest(b), b->now);
    assert_string_equal(json_string_value(json_object_get(shown, "way_zh")), "观摩");
    assert_string_equal(json_string_value(json_object_get(json_object_get(shown, "title"), "zh")),
                        "人员发现问题：道路积尘");
    json_decref(shown);
}

static void a_complaint_and_what_the_site_finds_itself_wait_for_somebody_to_confirm_them(void **state)
{
    struct bench *b = *state;
    struct report r = a_report(b, INSPECTOR);
    r.way = "complaint";
    assert_int_equal(report(b, r), ERR_OK);
    json_t *title = issue_title(newest(b));
    assert_string_equal(json_string_value(json_object_get(title, "zh")), "反映问题，待核实：道路积尘");
    json_decref(title);
    assert_int_equal(newest(b)->state, ISSUE_FOUND);
    r = a_report(b, SITE);
    r.place = "料场";
    assert_int_equal(report(b, r), ERR_OK);
    assert_int_equal(newest(b)->state, ISSUE_FOUND);
}

static void the_category_says_how_grave_and_how_long(void **state)
{
    struct bench *b = *state;
    struct report r = a_report(b, OFFICE);
    r.category = "fence";
    assert_int_equal(report(b, r), ERR_OK);
    assert_int_equal(newest(b)->level, LEVEL_MAJOR);
    assert_int_equal(newest(b)->rectify_due_ms, b->now + HOUR);
    r.place = "北侧";
    r.level = "critical";
    assert_int_equal(report(b, r), ERR_OK);
    assert_int_equal(newest(b)->level, LEVEL_CRITICAL);
}

static void what_a_finding_lacks_is_said_with_what_is_allowed(void **state)
{
    struct bench *b = *state;
    char long_text[500];
    memset(long_text, 'x', sizeof long_text);
    long_text[499] = 0;
    const struct {
        struct report r;
        int error;
        const char *why;
    } bad[] = {
        {{.category = NULL, .place = "p", .way = "spot", .text = "t"}, ERR_FORMAT, "allowed: road fence"},
        {{.category = "roads", .place = "p", .way = "spot", .text = "t"}, ERR_FORMAT, "no category 'roads'"},
        {{.category = "road", .way = "spot", .text = "t"}, ERR_FORMAT, "needs a place"},
        {{.category = "road", .place = "a|b", .way = "spot", .text = "t"}, ERR_FORMAT, "no |"},
        {{.category = "road", .place = long_text, .way = "spot", .text = "t"}, ERR_FORMAT, "at most 95"},
        {{.category = "road", .place = "a\x1b", .way = "spot", .text = "t"}, ERR_FORMAT, "control character"},
        {{.category = "road", .place = "p", .way = "device", .text = "t"}, ERR_FORMAT, "inspection, spot"},
        {{.category = "road", .place = "p", .text = "t"}, ERR_FORMAT, "how it was found"},
        {{.category = "road", .place = "p", .way = "spot"}, ERR_FORMAT, "needs a text"},
        {{.category = "road", .place = "p", .way = "spot", .text = long_text}, ERR_FORMAT, "at most 400"},
        {{.category = "road", .place = "p", .way = "spot", .text = "t", .level = "bad"},
         ERR_FORMAT,
         "no level 'bad'"},
        {{.category = "road", .place = "p", .way = "spot", .text = "t", .person = "x"},
         ERR_FORMAT,
         "no person 'x'"},
        {{.category = "road", .place = "p", .way = "spot", .text = "t", .person = "inspector"},
         ERR_FORMAT,
         "is not of the site"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct report r = bad[i].r;
        r.by = &b->people[OFFICE];
        assert_int_equal(report(b, r), bad[i].error);
        if (!strstr(b->why, bad[i].why))
            fail_msg("%s", b->why);
    }
    assert_int_equal(report(b, a_report(b, NOBODY)), ERR_DENIED);
    assert_int_equal(ledger_count(b->ledger), 0);
}

/* opsgenie and prometheus users ask for one ticket a trouble: Alertmanager #5185. */
static void the_same_category_and_place_is_one_issue_while_it_is_open(void **state)
{
    struct bench *b = *state;
    assert_int_equal(report(b, a_report(b, OFFICE)), ERR_OK);
    assert_int_equal(report(b, a_report(b, INSPECTOR)), ERR_STATE);
    assert_string_equal(b->why,
                        "LQ-2026-0001 is open for this category and place: add a note or a photo to it");
}

/* --- bad input --- */

static void what_looks_like_code_is_a_text_like_any_other(void **state)
{
    static const char *const texts[] = {"=cmd|'/C calc'!A0",   "'); DROP TABLE rows; --",   "%s%n%p%999999d",
                                        "../../../etc/shadow", "<script>alert(1)</script>", "$(reboot) `id`"};
    struct bench *b = *state;
    find_breach(b);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct act a = {.issue = b->id, .verb = VERB_NOTE, .by = &b->people[OFFICE], .text = texts[i]};
        char *body = NULL;
        assert_int_equal(ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why), ERR_OK);
        json_t *step = json_loads(body, 0, NULL);
        assert_string_equal(json_string_value(json_object_get(step, "text")), texts[i]);
        json_decref(step);
        apply(b, body);
    }
}

static void a_note_of_a_megabyte_is_refused(void **state)
{
    struct bench *b = *state;
    char *text = mem_array(1000001, 1);
    memset(text, 'x', 1000000);
    find_breach(b);
    struct act a = {.issue = b->id, .verb = VERB_NOTE, .by = &b->people[OFFICE], .text = text};
    char *body = NULL;
    assert_int_equal(ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why), ERR_FORMAT);
    assert_non_null(strstr(b->why, "1000000 bytes; at most 1000"));
    mem_free(text);
}

/* --- looking --- */

static int matches(struct bench *b, const char *filter)
{
    struct issue_filter f;
    json_t *object = json_loads(filter, 0, NULL);
    int n = 0, error = filter_read(object, &f, b->why, sizeof b->why);
    for (int i = 0; !error && i < ledger_count(b->ledger); i++)
        n += filter_takes(&f, ledger_at(b->ledger, i), b->now);
    json_decref(object);
    return error ? error : n;
}

static void issues_are_found_by_what_they_are(void **state)
{
    struct bench *b = *state;
    issue_in(b, "limit", ISSUE_CLOSED);
    issue_in(b, "limit", ISSUE_WORKING);
    issue_in(b, "device", ISSUE_FOUND);
    assert_int_equal(report(b, a_report(b, OFFICE)), ERR_OK);
    b->now += 25 * HOUR;
    assert_int_equal(matches(b, "{}"), 4);
    assert_int_equal(matches(b, "{\"open\":true}"), 3);
    assert_int_equal(matches(b, "{\"state\":\"closed\"}"), 1);
    assert_int_equal(matches(b, "{\"kind\":\"limit\"}"), 2);
    assert_int_equal(matches(b, "{\"kind\":\"limit\",\"open\":true}"), 1);
    assert_int_equal(matches(b, "{\"subject\":\"road\"}"), 1);
    assert_int_equal(matches(b, "{\"person\":\"site-manager\"}"), 3);
    assert_int_equal(matches(b, "{\"level\":\"critical\"}"), 1);
    assert_int_equal(matches(b, "{\"light\":\"red\"}"), 3);
    assert_int_equal(matches(b, "{\"text\":\"积尘\"}"), 1);
    assert_int_equal(matches(b, "{\"text\":\"lq-2026-000\"}"), 4);
    assert_int_equal(matches(b, "{\"text\":\"%\"}"), 0);
    char filter[64];
    snprintf(filter, sizeof filter, "{\"due\":%lld}", (long long)b->now);
    assert_int_equal(matches(b, filter), 1);
}

static void a_filter_that_nothing_can_meet_is_refused_with_what_is_allowed(void **state)
{
    struct bench *b = *state;
    assert_int_equal(matches(b, "{\"state\":\"open\"}"), ERR_FORMAT);
    assert_string_equal(b->why,
                        "there is no state 'open'; allowed: found confirmed assigned working review closed "
                        "dismissed");
    assert_int_equal(matches(b, "{\"light\":\"blue\"}"), ERR_FORMAT);
    assert_int_equal(matches(b, "{\"kind\":\"wind\"}"), ERR_FORMAT);
    assert_int_equal(matches(b, "{\"level\":\"own\"}"), ERR_FORMAT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, with_categories, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_an_inspector_finds_is_confirmed_by_that),
        TEST(a_complaint_and_what_the_site_finds_itself_wait_for_somebody_to_confirm_them),
        TEST(the_category_says_how_grave_and_how_long),
        TEST(what_a_finding_lacks_is_said_with_what_is_allowed),
        TEST(the_same_category_and_place_is_one_issue_while_it_is_open),
        TEST(what_looks_like_code_is_a_text_like_any_other),
        TEST(a_note_of_a_megabyte_is_refused),
        TEST(issues_are_found_by_what_they_are),
        TEST(a_filter_that_nothing_can_meet_is_refused_with_what_is_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
