/* A rule that can never be judged is refused with what is missing; where that may come later it is taken, and
 * unknown until then. What is shown then: test_limit.c, test_cost.c. */
#include "unit/config_fixture.h"

#include "daemon/base/clock.h"
#include "daemon/config/limits.h"
#include "daemon/config/stage.h"
#include "daemon/judge/record.h"
#include "daemon/judge/requirement.h"

#define RULE "{title: {zh: a, en: b}, role: pm10, window: 1h, compare: over, value: 9 ug/m3"

static const char site[] = "site: {name: s, title: {zh: 示例工地, en: Example Site}}\n"
                           "buses: {line: {path: /dev/ttyS0}}\n"
                           "devices:\n"
                           "  a: {bus: line, profile: nova-sds069, unit_id: 1%s}\n"
                           "people:\n"
                           "  boss: {title: 经理, roles: [site]}\n"
                           "%s"
                           "limits:\n"
                           "  mine: {person: boss}\n";

/* The site with more of a device, more after its people, and such a rule. */
static void write_site(const struct fixture *f, const char *device, const char *more, const char *rules)
{
    char *text = mem_printf(site, device, more), *limit = mem_printf("%s%s", LIMIT_HEAD, rules);
    write_file(f, "f.yaml", text);
    write_file(f, "limits/mine.yaml", limit);
    mem_free(text);
    mem_free(limit);
}

static void expect_refused(struct fixture *f, const char *message)
{
    struct config *c = NULL;
    struct complaint why = {{0}};
    assert_int_equal(config_load(f->file, f->dirs, &c, &why), ERR_FORMAT);
    if (!strstr(why.text, message))
        fail_msg("\"%s\" does not say \"%s\"", why.text, message);
}

static void a_limit_without_a_point_of_its_role_is_refused(void **state)
{
    write_site(*state, "", "",
               "  one: {title: {zh: a, en: b}, role: rain, window: 1h, compare: over, value: 9 mm}\n");
    expect_refused(*state,
                   "f.yaml:8:3: found the limit mine, but no point has the role rain; allowed: a limit that "
                   "has something to judge");
}

/* A point may be added later: until then the check is unknown and says so, it never passes. */
static void a_check_without_a_point_of_its_role_is_unknown_and_names_the_role(void **state)
{
    struct fixture *f = *state;
    write_site(f, "", "requirements: {file: six, person: boss}\n", "  one: " RULE "}\n");
    struct config *c = load(f, f->file);
    struct record *r = record_create(c);
    struct requirement_result enclosure;
    int64_t day_ms = INT64_C(1772380800000);
    assert_string_equal(c->requirements.list[0].name, "enclosure");
    requirement_judge(r, &c->requirements.list[0], day_ms, day_ms + 2 * (int64_t)CLOCK_DAY_MS, &enclosure);
    assert_int_equal(enclosure.verdict, VERDICT_UNKNOWN);
    assert_int_equal(enclosure.checks[0].reasons[0].cause, CAUSE_NO_POINT);
    assert_string_equal(enclosure.checks[0].reasons[0].about, "gate");
    requirement_finish(&enclosure);
    record_destroy(r);
    config_free(c);
}

static void a_difference_to_a_background_that_nobody_may_say_is_refused(void **state)
{
    static const char *const sayers[] = {
        "  seer: {title: 检查, roles: [inspector]}\n",
        "sources: {county: {kinds: [background]}}\n",
    };
    struct fixture *f = *state;
    const char *rule = "  one: " RULE ", minus: background}\n";
    write_site(f, "", "  builder: {title: 施工, roles: [contractor, inspector]}\n", rule);
    expect_refused(
        f, "f.yaml:9:3: found mine/one, which can never be judged: it needs the background of the county, "
           "and nobody may say it; allowed: with a source of the kind background, or a person of "
           "community, office or inspector");
    for (size_t i = 0; i < sizeof sayers / sizeof *sayers; i++) {
        write_site(f, "", sayers[i], rule);
        config_free(load(f, f->file));
    }
}

static void a_limit_by_stage_where_nobody_may_say_the_stage_is_refused(void **state)
{
    struct fixture *f = *state;
    const char *rule = "  one: " RULE ", stages: [earthwork]}\n";
    write_site(f, "", "  seer: {title: 检查, roles: [inspector]}\n", rule);
    expect_refused(
        f, "f.yaml:9:3: found mine/one, which can never be judged: it needs the stage of the work, and "
           "nobody may say it; allowed: with a source of the kind stage, or a person of community or "
           "office");
    write_site(f, "", "  office: {title: 办公室, roles: [office]}\n", rule);
    config_free(load(f, f->file));
}

/* The shortest window is 2 min, the longest period 60 s: whatever is shorter than its period is refused. */
static void a_window_shorter_than_the_polling_period_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    write_site(f, ", period: 6min", "",
               "  one: {title: {zh: a, en: b}, role: pm10, window: 5min, compare: over, value: 9 ug/m3}\n");
    expect_refused(
        f, "f.yaml:4:60: found \"6min\" for period; allowed: a whole number with ms, s, min, h or d, 100ms "
           "to 60s");
    write_site(f, "", "",
               "  one: {title: {zh: a, en: b}, role: pm10, window: 30s, compare: over, value: 9 ug/m3}\n");
    expect_refused(f, "found \"30s\" for window; allowed: one of");
}

static unsigned uncovered(struct fixture *f, const char *rules, int of)
{
    write_site(f, "", "  office: {title: 办公室, roles: [office]}\n", rules);
    struct config *c = load(f, f->file);
    unsigned stages = c->limits[of].uncovered;
    config_free(c);
    return stages;
}

static void stages_that_no_rule_of_a_file_is_for_are_known_and_the_first_rule_tells_them(void **state)
{
    struct fixture *f = *state;
    static const char early[] = "  one: " RULE ", stages: [demolition, earthwork]}\n";
    char *two = mem_printf("%s  two: " RULE ", stages: [foundation, structure, finishing]}\n", early);
    char *always = mem_printf("%s  two: " RULE "}\n", early);
    char *informs = mem_printf("  one: " RULE ", stages: [earthwork], informs_only: true}\n");
    char *dated = mem_printf("  one: " RULE ", stages: [earthwork], valid_to: 2025-12-31}\n"
                             "  two: " RULE ", stages: [demolition], valid_from: 2026-01-01}\n");
    char *night = mem_printf("  one: " RULE ", stages: [earthwork], hours: 22:00-06:00}\n"
                             "  two: " RULE ", hours: 06:00-22:00}\n");
    assert_int_equal(uncovered(f, night, 0), STAGE_ALL & ~STAGE_EARTHWORK);
    mem_free(night);
    assert_int_equal(uncovered(f, early, 0), STAGE_ALL & ~(STAGE_DEMOLITION | STAGE_EARTHWORK));
    assert_int_equal(uncovered(f, two, 0), STAGE_SUSPENDED);
    assert_int_equal(uncovered(f, two, 1), 0);
    assert_int_equal(uncovered(f, always, 0), 0);
    assert_int_equal(uncovered(f, informs, 0), 0);
    assert_int_equal(uncovered(f, dated, 0), STAGE_ALL & ~STAGE_EARTHWORK);
    assert_int_equal(uncovered(f, dated, 1), STAGE_ALL & ~STAGE_DEMOLITION);
    mem_free(two);
    mem_free(always);
    mem_free(informs);
    mem_free(dated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_limit_without_a_point_of_its_role_is_refused),
        EACH(a_check_without_a_point_of_its_role_is_unknown_and_names_the_role),
        EACH(a_difference_to_a_background_that_nobody_may_say_is_refused),
        EACH(a_limit_by_stage_where_nobody_may_say_the_stage_is_refused),
        EACH(a_window_shorter_than_the_polling_period_cannot_be_written),
        EACH(stages_that_no_rule_of_a_file_is_for_are_known_and_the_first_rule_tells_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
