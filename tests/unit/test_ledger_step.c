/* Steps as journal bodies: the ledger is what they make it, and nothing else gets in. */
#include "a_ledger.h"
#include "daemon/base/buf.h"

static void a_body_starts_with_the_columns_of_its_row(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    const char start[] =
        "{\"ts\":1773417600000,\"kind\":\"issue\",\"subject\":\"LQ-2026-0001\",\"step\":\"open\","
        "\"from\":null,\"to\":\"found\",\"by\":\"machine\",\"about\":{\"kind\":\"limit\",";
    assert_memory_equal(b->bodies[0], start, sizeof start - 1);
}

static void numbers_in_a_body_are_printed_as_they_are(void **state)
{
    struct bench *b = *state;
    struct finding f = a_finding("limit", "s", "c");
    char *body = NULL;
    f.evidence = json_pack("{s:f,s:f}", "mean", 250.0001, "limit", 250.0);
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
    assert_non_null(strstr(body, "\"evidence\":{\"mean\":250.0001,\"limit\":250.0}"));
    mem_free(body);
}

/* Everything that can be seen of two ledgers. */
static void assert_same(const struct ledger *a, const struct ledger *b, int64_t now)
{
    assert_int_equal(ledger_count(a), ledger_count(b));
    assert_string_equal(ledger_last_number(a), ledger_last_number(b));
    for (int i = 0; i < ledger_count(a); i++) {
        json_t *x = issue_json(ledger_at(a, i), now), *y = issue_json(ledger_at(b, i), now);
        assert_true(json_equal(x, y));
        assert_int_equal(ledger_at(a, i)->last_seq, ledger_at(b, i)->last_seq);
        json_decref(x);
        json_decref(y);
    }
}

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* Random findings, recoveries and acts; most acts are refused, and refused ones must leave no trace. */
static void live(struct bench *b, uint32_t seed, int turns)
{
    static const char *const kinds[] = {"limit", "device", "wash"};
    static const char *const causes[] = {"a", "b", "c"};
    for (int i = 0; i < turns; i++) {
        const char *kind = kinds[random_next(&seed) % 3], *cause = causes[random_next(&seed) % 3];
        b->now += random_next(&seed) % (12 * HOUR);
        uint32_t what = random_next(&seed) % 12;
        if (what == 0)
            find(b, kind, "s", cause);
        else if (what == 1)
            recover(b, kind, "s", cause);
        else if (ledger_count(b->ledger) > 0) {
            int n = ledger_count(b->ledger), back = (int)(random_next(&seed) % 6);
            const struct issue *issue = ledger_at(b->ledger, n > back ? n - 1 - back : 0);
            try_act(b, issue->id, (enum verb)(random_next(&seed) % VERB__COUNT),
                    (enum who)(random_next(&seed) % PEOPLE));
        }
    }
}

static void the_fold_of_the_steps_is_the_live_ledger(void **state)
{
    struct bench *b = *state;
    int seen[ISSUE__STATES] = {0};
    live(b, 7, 6000);
    struct ledger *again = ledger_create(&b->config);
    for (int i = 0; i < b->nbodies; i++)
        assert_int_equal(ledger_apply(again, i + 1, b->bodies[i]), ERR_OK);
    assert_same(b->ledger, again, b->now);
    for (int i = 0; i < ledger_count(again); i++)
        seen[ledger_at(again, i)->state]++;
    assert_true(ledger_count(again) > 20 && seen[ISSUE_CLOSED] > 5 && seen[ISSUE_DISMISSED] > 5);
    ledger_destroy(again);
}

static void a_ledger_made_anew_goes_on_like_the_one_that_was_not_interrupted(void **state)
{
    struct bench *b = *state;
    struct bench *other = NULL;
    live(b, 11, 1500);
    bench_setup((void **)&other);
    for (int i = 0; i < b->nbodies; i++)
        apply(other, mem_string(b->bodies[i]));
    other->now = b->now;
    live(b, 12, 1500);
    live(other, 12, 1500);
    assert_int_equal(b->nbodies, other->nbodies);
    for (int i = 0; i < b->nbodies; i++)
        assert_string_equal(b->bodies[i], other->bodies[i]);
    bench_teardown((void **)&other);
}

static void a_seq_is_applied_once(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    find_breach(b);
    assert_int_equal(ledger_apply(b->ledger, b->seq, b->bodies[1]), ERR_FORMAT);
    assert_int_equal(ledger_issue(b->ledger, b->id)->nevidence, 2);
}

/* The opening step, with one thing changed. */
static void assert_refused(struct bench *b, const char *from, const char *to)
{
    const char *whole = b->bodies[0], *at = strstr(whole, from);
    assert_non_null(at);
    struct ledger *fresh = ledger_create(&b->config);
    char *bad = mem_printf("%.*s%s%s", (int)(at - whole), whole, to, at + strlen(from));
    assert_int_equal(ledger_apply(fresh, 1, bad), ERR_FORMAT);
    assert_int_equal(ledger_count(fresh), 0);
    assert_string_equal(ledger_last_number(fresh), "");
    assert_int_equal(ledger_apply(fresh, 1, whole), ERR_OK);
    mem_free(bad);
    ledger_destroy(fresh);
}

static void a_damaged_opening_step_leaves_the_ledger_as_it_was(void **state)
{
    struct bench *b = *state;
    find_breach(b);
    static const char *const changes[][2] = {
        {"\"ts\":1773417600000", "\"ts\":\"now\""},
        {"\"ts\":1773417600000", "\"ts\":1.5"},
        {"\"kind\":\"issue\"", "\"kind\":\"minute\""},
        {"\"kind\":\"issue\"", "\"kind\":\"issue\",\"kind\":\"issue\""},
        {"LQ-2026-0001", "LQ-2026-001"},
        {"LQ-2026-0001", "LQ-26-0001"},
        {"LQ-2026-0001", "2026-0001"},
        {"LQ-2026-0001", "L/Q-2026-0001"},
        {"LQ-2026-0001", "a-number-that-is-too-long-2026-0001"},
        {"\"step\":\"open\"", "\"step\":\"opened\""},
        {"\"step\":\"open\"", "\"step\":\"confirm\""},
        {"\"from\":null", "\"from\":\"found\""},
        {"\"from\":null", "\"from\":7"},
        {"\"to\":\"found\"", "\"to\":\"closed\""},
        {"\"to\":\"found\"", "\"to\":null"},
        {"\"by\":\"machine\"", "\"by\":\"officer\""},
        {"\"by\":\"machine\"", "\"by\":\"\""},
        {"{\"kind\":\"limit\"", "{\"kind\":\"limits\""},
        {"\"about\":", "\"About\":"},
        {"\"cause\":\"gate/pm10\"", "\"cause\":7"},
        {"\"zh\":\"", "\"zh\":7,\"x\":\""},
        {"\"person\":\"site-manager\"", "\"person\":{}"},
        {"\"answer_due\":", "\"answer_due\":\"soon\",\"x\":"},
        {"\"evidence\":{", "\"evidence\":7,\"x\":{"},
        {"\"person\":", "\"previous\":\"LQ-2026-0000\",\"person\":"},
        {"312.4}}", "312.4}"},
        {"312.4}}", "312.4}} "
                    "{}"},
        {"hour mean", "hour\\u0000mean"},
        {"hour mean", "hour \xE4\xB8 mean"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        assert_refused(b, changes[i][0], changes[i][1]);
}

static void what_is_no_json_object_is_no_step(void **state)
{
    struct bench *b = *state;
    static const char *const bodies[] = {"", "null", "[]", "7", "{}", "{\"ts\":1", "\"issue\""};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_int_equal(ledger_apply(b->ledger, 1, bodies[i]), ERR_FORMAT);
    char *long_body = mem_printf("{\"ts\":1,\"x\":\"%9000s\"}", "");
    assert_int_equal(ledger_apply(b->ledger, 1, long_body), ERR_FORMAT);
    mem_free(long_body);
}

/* A step of a person or the machine on the issue the bench has, put together by hand. */
static int apply_by_hand(struct bench *b, const char *step, const char *from, const char *to, const char *by,
                         const char *more)
{
    char *body =
        mem_printf("{\"ts\":%lld,\"kind\":\"issue\",\"subject\":\"%s\",\"step\":\"%s\",\"from\":\"%s\","
                   "\"to\":\"%s\",\"by\":\"%s\"%s}",
                   (long long)b->now, b->id, step, from, to, by, more);
    int error = ledger_apply(b->ledger, b->seq + 1, body);
    b->seq += error == ERR_OK;
    mem_free(body);
    return error;
}

static void a_step_out_of_turn_is_refused(void **state)
{
    struct bench *b = *state;
    const struct issue *i = find_breach(b);
    assert_int_equal(apply_by_hand(b, "confirm", "confirmed", "confirmed", "officer", ""), ERR_FORMAT);
    assert_int_equal(apply_by_hand(b, "confirm", "found", "assigned", "officer", ""), ERR_FORMAT);
    assert_int_equal(apply_by_hand(b, "close", "found", "closed", "officer", ""), ERR_FORMAT);
    assert_int_equal(apply_by_hand(b, "confirm", "found", "confirmed", "machine", ""), ERR_FORMAT);
    assert_int_equal(apply_by_hand(b, "evidence", "found", "found", "officer", ""), ERR_FORMAT);
    assert_int_equal(apply_by_hand(b, "recover", "found", "closed", "machine", ""), ERR_FORMAT);
    assert_int_equal(i->nsteps, 1);
    assert_int_equal(i->state, ISSUE_FOUND);
    assert_int_equal(apply_by_hand(b, "confirm", "found", "confirmed", "officer", ""), ERR_OK);
    assert_int_equal(apply_by_hand(b, "assign", "confirmed", "assigned", "officer", ""), ERR_FORMAT);
    assert_int_equal(apply_by_hand(b, "assign", "confirmed", "assigned", "officer", ",\"person\":\"p\""),
                     ERR_OK);
    strcpy(b->id, "LQ-2026-0002");
    assert_int_equal(apply_by_hand(b, "note", "found", "found", "officer", ""), ERR_FORMAT);
}

/* Another opening step, made from the first one. */
static int open_by_hand(struct bench *b, const char *id, const char *cause, const char *previous)
{
    char *body = mem_printf("{\"ts\":%lld,\"kind\":\"issue\",\"subject\":\"%s\",\"step\":\"open\","
                            "\"from\":null,\"to\":\"found\",\"by\":\"machine\",\"about\":{\"kind\":\"limit\","
                            "\"subject\":\"s\",\"cause\":\"%s\"},\"title\":{\"zh\":\"\",\"en\":\"\"}%s}",
                            (long long)b->now, id, cause, previous);
    int error = ledger_apply(b->ledger, b->seq + 1, body);
    b->seq += error == ERR_OK;
    mem_free(body);
    return error;
}

static void an_open_issue_is_not_opened_a_second_time(void **state)
{
    struct bench *b = *state;
    assert_int_equal(open_by_hand(b, "LQ-2026-0001", "c", ""), ERR_OK);
    assert_int_equal(open_by_hand(b, "LQ-2026-0002", "c", ""), ERR_FORMAT);
    assert_int_equal(open_by_hand(b, "LQ-2026-0002", "c", ",\"previous\":\"LQ-2026-0001\""), ERR_FORMAT);
    assert_int_equal(ledger_count(b->ledger), 1);
}

static void a_number_that_does_not_rise_is_refused(void **state)
{
    struct bench *b = *state;
    assert_int_equal(open_by_hand(b, "LQ-2026-0002", "c", ""), ERR_OK);
    assert_int_equal(open_by_hand(b, "LQ-2026-0002", "d", ""), ERR_FORMAT);
    assert_int_equal(open_by_hand(b, "LQ-2026-0001", "d", ""), ERR_FORMAT);
    assert_int_equal(open_by_hand(b, "LQ-2025-0007", "d", ""), ERR_FORMAT);
    assert_int_equal(open_by_hand(b, "LQ-2026-0003", "d", ""), ERR_OK);
}

static void a_machines_text_is_cut_on_a_code_point(void **state)
{
    struct bench *b = *state;
    char text[603] = "xx";
    struct finding f = a_finding("limit", "s", "c");
    char *body = NULL;
    for (int i = 0; i < 200; i++)
        memcpy(text + 2 + 3 * i, "尘", 3);
    f.text_zh = text;
    f.text_en = "bell \x07 and\nline";
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
    json_t *root = json_loads(body, 0, NULL), *title = json_object_get(root, "title");
    assert_int_equal(json_string_length(json_object_get(title, "zh")), 2 + 132 * 3);
    assert_string_equal(json_string_value(json_object_get(title, "en")), "bell   and line");
    json_decref(root);
    mem_free(body);
}

/* --- as shown --- */

static const char *title_of(json_t *issue, const char *language)
{
    return json_string_value(json_object_get(json_object_get(issue, "title"), language));
}

static void a_device_finding_is_called_suspected_until_a_person_confirms_it(void **state)
{
    struct bench *b = *state;
    const struct issue *i = find_breach(b);
    json_t *shown = issue_json(i, b->now);
    assert_string_equal(title_of(shown, "zh"), "疑似扬尘超标：小时均值 312.4 ug/m3，达到 250");
    assert_string_equal(title_of(shown, "en"),
                        "Suspected: Dust limit breached: hour mean 312.4 ug/m3 reaches 250");
    assert_string_equal(json_string_value(json_object_get(json_object_get(shown, "basis"), "zh")),
                        "设备监测线索，待人员核实");
    json_decref(shown);
    do_act(b, VERB_CONFIRM, OFFICE);
    shown = issue_json(i, b->now);
    assert_string_equal(title_of(shown, "zh"), "扬尘超标：小时均值 312.4 ug/m3，达到 250");
    json_decref(shown);
}

static void an_issue_is_shown_with_what_there_is_of_it(void **state)
{
    struct bench *b = *state;
    const struct issue *old = issue_in(b, "limit", ISSUE_CLOSED);
    const struct issue *i = find(b, "limit", "subject", old->cause);
    json_t *shown = issue_json(i, b->now);
    const char *id, *in, *zh, *light, *previous;
    int evidence, overdue, relapse, answered;
    json_int_t found, rectify_due;
    assert_int_equal(json_unpack(shown, "{s:s,s:s,s:s,s:s,s:s,s:i,s:b,s:b,s:b,s:I,s:I}", "id", &id, "state",
                                 &in, "state_zh", &zh, "light", &light, "previous", &previous, "evidence",
                                 &evidence, "overdue", &overdue, "relapse", &relapse, "answered", &answered,
                                 "found", &found, "rectify_due", &rectify_due),
                     0);
    assert_string_equal(id, i->id);
    assert_string_equal(in, "found");
    assert_string_equal(zh, "疑似");
    assert_string_equal(light, "yellow");
    assert_string_equal(previous, old->id);
    assert_true(relapse && !overdue && !answered && evidence == 1);
    assert_int_equal(rectify_due - found, 48 * HOUR);
    assert_null(json_object_get(shown, "ended"));
    json_decref(shown);
}

static void the_text_of_an_issue_is_what_its_tree_prints_and_has_the_rows_bodies_as_they_are(void **state)
{
    struct bench *b = *state;
    live(b, 23, 3000);
    struct buf text = {0};
    for (int i = 0; i < ledger_count(b->ledger); i++) {
        const struct issue *issue = ledger_at(b->ledger, i);
        json_t *tree = issue_json(issue, b->now);
        char *printed = json_dumps(tree, JSON_COMPACT | JSON_REAL_PRECISION(15));
        buf_clear(&text);
        issue_print(issue, b->now, false, &text);
        assert_string_equal(text.data, printed);
        assert_int_equal(json_array_size(json_object_get(tree, "steps")), issue->nkept);
        for (int k = 0; k < issue->nkept; k++)
            assert_non_null(strstr(text.data, issue->steps[k]));
        free(printed);
        json_decref(tree);
    }
    buf_finish(&text);
}

static void an_issue_keeps_its_last_twenty_steps_and_counts_all(void **state)
{
    struct bench *b = *state;
    const struct issue *i = NULL;
    for (int k = 0; k < 50; k++)
        i = find_breach(b);
    assert_int_equal(i->nsteps, 50);
    assert_int_equal(i->nkept, 20);
    assert_string_equal(i->title_en, "hour mean 312.4 ug/m3 reaches 250");
}

static void long_after_its_end_an_issue_keeps_its_last_step_only(void **state)
{
    struct bench *b = *state;
    const struct issue *old = issue_in(b, "limit", ISSUE_CLOSED), *open = issue_in(b, "limit", ISSUE_REVIEW);
    int steps = old->nkept, open_steps = open->nkept;
    b->now = old->ended_ms + 35LL * DAY;
    find(b, "limit", "s", "another");
    assert_int_equal(old->nkept, steps);
    b->now += 1;
    find(b, "limit", "s", "and another");
    assert_int_equal(old->nkept, 1);
    assert_int_equal(old->nsteps, steps);
    assert_non_null(strstr(old->steps[0], "\"step\":\"close\""));
    assert_int_equal(open->nkept, open_steps);
}

static void the_largest_issue_fits_into_a_message(void **state)
{
    struct bench *b = *state;
    struct finding f = a_finding("limit", "s", "c");
    char text[1001], *body = NULL;
    memset(text, '"', 1000); /* each becomes two bytes */
    text[1000] = 0;
    f.text_zh = f.text_en = text;
    for (int i = 0; i < 25; i++) {
        char big[4000];
        memset(big, 'x', sizeof big - 1);
        big[sizeof big - 1] = 0;
        f.evidence = json_pack("{s:s}", "big", big);
        assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
        assert_true(strlen(body) <= LEDGER_STEP_MAX);
        apply(b, body);
    }
    struct act a = {.issue = b->id, .verb = VERB_NOTE, .by = &b->people[OFFICE], .text = text};
    assert_int_equal(ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why), ERR_OK);
    apply(b, body);
    json_t *shown = issue_json(ledger_issue(b->ledger, b->id), b->now);
    assert_true(json_dumpb(shown, NULL, 0, JSON_COMPACT) <= LEDGER_ISSUE_MAX);
    json_t *steps = json_object_get(shown, "steps");
    assert_true(json_array_size(steps) >= 1);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(steps, json_array_size(steps) - 1), "step")),
        "note");
    json_decref(shown);
}

static void verbs_and_states_have_names(void **state)
{
    (void)state;
    for (int v = 0; v < VERB__COUNT; v++) {
        enum verb back;
        assert_int_equal(verb_parse(verb_str((enum verb)v), &back), ERR_OK);
        assert_int_equal(back, v);
    }
    enum verb none;
    assert_int_equal(verb_parse("delete", &none), ERR_NOT_FOUND);
    assert_string_equal(issue_state_zh(ISSUE_CLOSED), "销号");
    assert_string_equal(issue_state_str(ISSUE_REVIEW), "review");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_body_starts_with_the_columns_of_its_row),
        TEST(numbers_in_a_body_are_printed_as_they_are),
        TEST(the_fold_of_the_steps_is_the_live_ledger),
        TEST(a_ledger_made_anew_goes_on_like_the_one_that_was_not_interrupted),
        TEST(a_seq_is_applied_once),
        TEST(a_damaged_opening_step_leaves_the_ledger_as_it_was),
        TEST(what_is_no_json_object_is_no_step),
        TEST(a_step_out_of_turn_is_refused),
        TEST(an_open_issue_is_not_opened_a_second_time),
        TEST(a_number_that_does_not_rise_is_refused),
        TEST(a_machines_text_is_cut_on_a_code_point),
        TEST(a_device_finding_is_called_suspected_until_a_person_confirms_it),
        TEST(an_issue_is_shown_with_what_there_is_of_it),
        TEST(the_text_of_an_issue_is_what_its_tree_prints_and_has_the_rows_bodies_as_they_are),
        TEST(an_issue_keeps_its_last_twenty_steps_and_counts_all),
        TEST(long_after_its_end_an_issue_keeps_its_last_step_only),
        TEST(the_largest_issue_fits_into_a_message),
        TEST(verbs_and_states_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
