/* A week of the six requirements, its verdicts written down beforehand; and the same week with inputs
 * missing: it never passes what the whole week did not, and what changes names what is missing. */
#include "unit/a_week.h"

#include "daemon/required.h"

#include <time.h>

struct expected {
    enum verdict verdict;
    int num, den, unknown, excused;
};

#define P VERDICT_PASS
#define B VERDICT_BREACH
#define U VERDICT_UNKNOWN

enum { REQUIREMENTS = 6 };

static const char *const names[REQUIREMENTS] = {"enclosure", "hardening", "covering",
                                                "watering",  "transport", "washing"};

/* Worked out by hand from a_week.h and six.yaml, before the first run. */
// clang-format off
static const struct expected week[WEEK_DAYS][REQUIREMENTS] = {
    /*        enclosure        hardening      covering       watering       transport      washing       */
    [MON] = {{P,50,50,0,0}, {P,1,1,0,0}, {P,5,5,0,0}, {P,6,6,0,0},  {P,4,4,0,0}, {P,5,5,0,0}},
    [TUE] = {{P,50,50,0,0}, {P,1,1,0,0}, {B,4,5,0,0}, {P,6,6,0,0},  {P,4,4,0,0}, {B,3,5,0,0}},
    [WED] = {{P,50,50,0,0}, {P,1,1,0,0}, {P,5,5,0,0}, {P,5,5,0,3},  {P,4,4,0,0}, {P,5,5,0,0}},
    [THU] = {{U,44,44,6,0}, {P,1,1,0,0}, {U,4,4,1,0}, {U,5,5,4,0},  {U,4,4,3,0}, {U,5,5,3,0}},
    [FRI] = {{B,48,50,0,0}, {P,1,1,0,0}, {P,5,5,0,0}, {U,2,2,4,0},  {B,3,4,0,0}, {P,5,5,0,0}},
    [SAT] = {{P,50,50,0,0}, {P,1,1,0,0}, {P,1,1,0,4}, {P,1,1,0,5},  {P,1,1,0,0}, {P,1,1,0,1}},
    [SUN] = {{U,49,49,1,0}, {P,1,1,0,0}, {U,4,4,1,0}, {B,5,13,1,0}, {B,0,3,1,0}, {U,4,4,1,0}},
};
// clang-format on

static void compare(const struct requirement_result *r, const struct expected *e, int day)
{
    int num = r->count[OUTCOME_MET], den = num + r->count[OUTCOME_FAILED];
    if (r->verdict == e->verdict && num == e->num && den == e->den &&
        r->count[OUTCOME_UNKNOWN] == e->unknown && r->count[OUTCOME_EXCUSED] == e->excused)
        return;
    printf("day %d, %s: %s %d/%d unknown %d excused %d, expected %s %d/%d unknown %d excused %d\n", day,
           r->requirement->name, verdict_str(r->verdict), num, den, r->count[OUTCOME_UNKNOWN],
           r->count[OUTCOME_EXCUSED], verdict_str(e->verdict), e->num, e->den, e->unknown, e->excused);
    for (int i = 0; i < r->requirement->nchecks; i++)
        for (int k = 0; k < r->checks[i].nreasons; k++)
            printf("  %s: %s %s %s x%d\n", r->checks[i].check->name,
                   outcome_str(r->checks[i].reasons[k].outcome), cause_str(r->checks[i].reasons[k].cause),
                   r->checks[i].reasons[k].about, r->checks[i].reasons[k].n);
    fail_msg("not the verdict that was written down");
}

static void the_week_ends_with_the_verdicts_written_down_before(void **state)
{
    struct week w;
    struct config *c = week_load(*state);
    week_play(&w, c, &(struct missing){0});
    assert_int_equal(c->requirements.n, REQUIREMENTS);
    for (int day = MON; day <= SUN; day++)
        for (int q = 0; q < REQUIREMENTS; q++) {
            struct requirement_result r;
            week_judge(&w, q, day, &r);
            assert_string_equal(r.requirement->name, names[q]);
            compare(&r, &week[day][q], day);
            requirement_finish(&r);
        }
    record_destroy(w.record);
    config_free(c);
}

/* --- with something missing --- */

static char *verdict_text(const struct week *w, const struct requirement_result *r, int day)
{
    json_t *j = required_json(w->record, r, AT(day, 0, 0));
    char *text = json_dumps(j, JSON_COMPACT);
    json_decref(j);
    return text;
}

/* How many verdicts changed. `name` must stand in each; NULL: is not looked for. */
static int judge_variant(struct config *c, const struct missing *missing, const char *name, const char *what)
{
    struct week w;
    int changed = 0;
    week_play(&w, c, missing);
    for (int day = MON; day <= SUN; day++)
        for (int q = 0; q < REQUIREMENTS; q++) {
            struct requirement_result r;
            week_judge(&w, q, day, &r);
            char *text = verdict_text(&w, &r, day);
            if (r.verdict == VERDICT_PASS && week[day][q].verdict != VERDICT_PASS)
                fail_msg("without %s day %d passes: %s", what, day, text);
            /* missing evidence is no violation either; an excuse that nobody declares may be one */
            if (r.verdict == VERDICT_BREACH && week[day][q].verdict != VERDICT_BREACH &&
                !missing->kind[INPUT_CALENDAR])
                fail_msg("without %s day %d becomes a breach: %s", what, day, text);
            if (r.verdict != week[day][q].verdict) {
                changed++;
                if (name && !strstr(text, name))
                    fail_msg("without %s day %d changes and does not name it: %s", what, day, text);
            }
            mem_free(text);
            requirement_finish(&r);
        }
    record_destroy(w.record);
    return changed;
}

static void without_a_point_nothing_passes_that_did_not_and_it_is_named(void **state)
{
    static const char *const points[WEEK_POINTS] = {
        "box/gate", "box/pm10", "box/temperature", "box/humidity", "box/flow", "box/valve", "box/pump"};
    struct config *c = week_load(*state);
    for (int p = 0; p < WEEK_POINTS; p++) {
        struct missing m = {0};
        m.point[p] = true;
        assert_true(judge_variant(c, &m, points[p], points[p]) > 0);
    }
    config_free(c);
}

static void without_a_source_nothing_passes_that_did_not_and_it_is_named(void **state)
{
    struct config *c = week_load(*state);
    static const char *const sources[] = {"camera", "county"};
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct missing m = {.source = sources[i]};
        assert_true(judge_variant(c, &m, sources[i], sources[i]) > 0);
    }
    config_free(c);
}

static void without_what_people_say_nothing_passes_that_did_not_and_it_is_named(void **state)
{
    static const struct {
        enum input_kind kind;
        const char *name;
    } said[] = {{INPUT_INSPECTION, "inspection"}, {INPUT_STAGE, "stage"}, {INPUT_CALENDAR, "holiday"}};
    struct config *c = week_load(*state);
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        struct missing m = {0};
        m.kind[said[i].kind] = true;
        assert_true(judge_variant(c, &m, said[i].name, said[i].name) > 0);
    }
    config_free(c);
}

static uint64_t next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Holes of 3 min to 20 h in some points and in the camera's messages. */
static struct missing holes(uint64_t *seed)
{
    struct missing m = {.nholes = 1 + (int)(next(seed) % 8)};
    for (int i = 0; i < m.nholes; i++) {
        m.holes[i].point = (int)(next(seed) % (WEEK_POINTS + 1)) - 1;
        m.holes[i].from_ms = AT(0, 0, (int64_t)(next(seed) % (7 * 1440)));
        int64_t minutes = next(seed) % 2 ? 3 + (int64_t)(next(seed) % 30) : 30 + (int64_t)(next(seed) % 1200);
        m.holes[i].to_ms = m.holes[i].from_ms + minutes * CLOCK_MINUTE_MS;
    }
    return m;
}

static void with_holes_anywhere_nothing_passes_that_did_not(void **state)
{
    const char *given = getenv("DUST_SEED"), *storm = getenv("DUST_STORM");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) * 1000003;
    int weeks = storm && *storm == '1' ? 2000 : 60, changed = 0;
    printf("DUST_SEED=%llu\n", (unsigned long long)seed);
    uint64_t run = seed ? seed : 1;
    struct config *c = week_load(*state);
    for (int i = 0; i < weeks; i++) {
        struct missing m = holes(&run);
        changed += judge_variant(c, &m, NULL, "what a random hole took");
    }
    assert_true(changed > 0);
    config_free(c);
}

int main(void)
{
    json_set_alloc_funcs(mem_bytes, mem_free);
    const struct CMUnitTest tests[] = {
        EACH(the_week_ends_with_the_verdicts_written_down_before),
        EACH(without_a_point_nothing_passes_that_did_not_and_it_is_named),
        EACH(without_a_source_nothing_passes_that_did_not_and_it_is_named),
        EACH(without_what_people_say_nothing_passes_that_did_not_and_it_is_named),
        EACH(with_holes_anywhere_nothing_passes_that_did_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
