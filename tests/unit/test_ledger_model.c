/* Random steps by random people and the machine, against a model of the life cycle written down here a second
 * time: the same is accepted, the same refused, each issue stands in the same state and shows the same light;
 * and the ledger made anew from the rows alone is the same. 5,000 steps, 1,000,000 with DUST_STORM=1. */
#include "a_ledger.h"

#include <stdio.h>

enum { KEYS = 3, MODELS_MAX = 400000 };
enum kind_of { LIMIT, DEVICE, WASH, FINDING, KINDS };

static const char *const kind_names[KINDS] = {"limit", "device", "wash", "finding"};
static const char *const subjects[KINDS] = {"s", "s", "s", "road"};
static const char *const causes[KEYS] = {"a", "b", "c"};

/* f found, c confirmed, a assigned, w working, r review, x closed, d dismissed; u: of the unit, j: who
 * judges. */
static const struct {
    enum verb verb;
    const char *from, *to, *who;
    bool text;
} rules[] = {
    {VERB_CONFIRM, "f", "c", "j", false},
    {VERB_ASSIGN, "caw", "aaa", "j", false}, /* again: with a text, to another or until another day */
    {VERB_ACCEPT, "a", "w", "u", false},
    {VERB_ANSWER, "fcawr", "fcawr", "u", true},
    {VERB_RECTIFY, "w", "r", "u", true},
    {VERB_RETURN, "r", "w", "j", true},
    {VERB_CLOSE, "r", "x", "j", false},
    {VERB_DISMISS, "fcawr", "ddddd", "j", true},
    {VERB_NOTE, "fcawrxd", "fcawrxd", "ju", true},
    {VERB_INSPECT, "r", "r", "j", true},
    {VERB_PHOTO, "fcawr", "fcawr", "ju", false},
};
enum { RULES = sizeof rules / sizeof *rules };

/* Of each person: of the unit, judges; both are of the unit. */
static const char *const roles_of[PEOPLE] = {
    [SITE] = "u",      [CONTRACTOR] = "u", [COMMUNITY] = "j", [OFFICE] = "j",
    [INSPECTOR] = "j", [BOTH] = "u",       [NOBODY] = ""};

struct model {
    char state;
    enum kind_of kind;
    int key, photos;
    bool responsible, by_contractor, answered, before, after, inspected, recovered;
    int64_t answer_due, rectify_due, rectified, ended;
};

struct world {
    struct bench *b;
    struct ledger *again;
    struct model *models;
    int n, newest[KINDS][KEYS]; /* -1: none */
    uint32_t seed;
    int accepted, refused;
};

static unsigned dice(struct world *w, unsigned n)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return (w->seed >> 8) % n;
}

static bool is_open(const struct model *m)
{
    return m->state != 'x' && m->state != 'd';
}

static struct model *open_of(const struct world *w, enum kind_of kind, int key)
{
    int at = w->newest[kind][key];
    return at >= 0 && is_open(&w->models[at]) ? &w->models[at] : NULL;
}

static void add(struct world *w, struct model m)
{
    assert_true(w->n < MODELS_MAX);
    w->models[w->n] = m;
    w->newest[m.kind][m.key] = w->n++;
}

static void take(struct world *w, char *body)
{
    struct bench *b = w->b;
    assert_int_equal(ledger_apply(b->ledger, ++b->seq, body), ERR_OK);
    assert_int_equal(ledger_apply(w->again, b->seq, body), ERR_OK);
    mem_free(body);
    w->accepted++;
}

/* --- the machine --- */

static void machine_finds(struct world *w)
{
    struct bench *b = w->b;
    enum kind_of kind = (enum kind_of)dice(w, FINDING);
    int key = (int)dice(w, KEYS);
    struct finding f = a_finding(kind_names[kind], subjects[kind], causes[key]);
    struct model *m = open_of(w, kind, key);
    char *body = NULL;
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
    take(w, body);
    if (!m) {
        add(w, (struct model){.state = 'f',
                              .kind = kind,
                              .key = key,
                              .responsible = true,
                              .answer_due = b->now + 2 * HOUR,
                              .rectify_due = b->now + 48LL * HOUR});
    } else {
        m->recovered = false;
        if (m->state == 'r') {
            m->state = 'w';
            m->rectified = 0;
            m->after = false;
        }
    }
}

static void machine_recovers(struct world *w)
{
    struct bench *b = w->b;
    enum kind_of kind = (enum kind_of)dice(w, FINDING);
    int key = (int)dice(w, KEYS);
    struct finding f = {.kind = kind_names[kind], .subject = subjects[kind], .cause = causes[key]};
    struct model *m = open_of(w, kind, key);
    char *body = NULL;
    int error = ledger_recover(b->ledger, b->now, &f, &body, b->id);
    bool late = m && kind == DEVICE && b->now > m->answer_due; /* a person closes it */
    assert_int_equal(!error, m && kind != LIMIT && !(late && m->recovered));
    if (error)
        return;
    take(w, body);
    m->recovered = true;
    if (late)
        return;
    m->state = 'x';
    m->ended = b->now;
}

/* --- people --- */

static void somebody_finds(struct world *w)
{
    static const char *const ways[] = {"inspection", "spot", "unannounced", "visit", "complaint"};
    struct bench *b = w->b;
    enum who who = (enum who)dice(w, PEOPLE);
    int key = (int)dice(w, KEYS);
    unsigned way = dice(w, 5);
    bool named = dice(w, 2);
    struct report r = {.by = &b->people[who],
                       .category = "road",
                       .place = causes[key],
                       .way = ways[way],
                       .text = "积尘",
                       .person = named ? "site-manager" : NULL};
    char *body = NULL;
    int error = ledger_report(b->ledger, b->now, &r, &body, b->id, b->why);
    assert_int_equal(!error, who != NOBODY && !open_of(w, FINDING, key));
    if (error)
        return;
    take(w, body);
    bool sure = strcmp(roles_of[who], "j") == 0 && way < 4;
    add(w, (struct model){.state = sure ? 'c' : 'f',
                          .kind = FINDING,
                          .key = key,
                          .responsible = named,
                          .answer_due = b->now + 2 * HOUR,
                          .rectify_due = b->now + DAY});
}

static bool demands_met(const struct model *m, enum verb verb)
{
    if (m->kind != FINDING || (verb != VERB_RECTIFY && verb != VERB_CLOSE))
        return true;
    return m->before && m->after && (verb != VERB_CLOSE || m->inspected);
}

static bool assigns(const struct model *m, bool text, bool named, bool dated)
{
    if (m->state != 'c' && (!text || !((named && !m->by_contractor) || dated)))
        return false;
    return named || m->responsible;
}

static bool accepts(const struct model *m, int rule, enum who who, bool text, bool named, bool dated)
{
    enum verb verb = rules[rule].verb;
    if (!strchr(rules[rule].from, m->state) || !*roles_of[who] || !strstr(rules[rule].who, roles_of[who]))
        return false;
    if (!text && (rules[rule].text || (verb == VERB_CLOSE && m->kind != DEVICE)))
        return false;
    if (verb == VERB_ASSIGN && !assigns(m, text, named, dated))
        return false;
    return demands_met(m, verb) && (verb != VERB_PHOTO || m->photos < 40);
}

static void follow(struct model *m, int rule, int64_t now, bool named, int64_t due)
{
    enum verb verb = rules[rule].verb;
    bool working = m->state == 'w' || m->state == 'r';
    m->state = rules[rule].to[strchr(rules[rule].from, m->state) - rules[rule].from];
    if (verb == VERB_ASSIGN) {
        m->responsible = true;
        m->by_contractor = m->by_contractor || named;
        m->rectify_due = due ? due : m->rectify_due;
    }
    if (verb == VERB_ANSWER || verb == VERB_RECTIFY)
        m->answered = true;
    if (verb == VERB_RECTIFY) {
        m->rectified = now;
        m->inspected = false;
    }
    if (verb == VERB_RETURN) {
        m->rectified = 0;
        m->after = false;
    }
    if (verb == VERB_INSPECT)
        m->inspected = true;
    if (verb == VERB_PHOTO) {
        m->photos++;
        *(working ? &m->after : &m->before) = true;
    }
    if (!is_open(m) && !m->ended)
        m->ended = now;
}

static void somebody_acts(struct world *w)
{
    struct bench *b = w->b;
    if (!w->n)
        return;
    int back = (int)dice(w, 12), at = w->n > back ? w->n - 1 - back : 0, rule = (int)dice(w, RULES);
    enum who who = (enum who)dice(w, PEOPLE);
    bool text = dice(w, 4) > 0, named = dice(w, 2), dated = dice(w, 4) == 0;
    int64_t due = dated ? b->now + DAY + dice(w, DAY) : 0;
    struct model *m = &w->models[at];
    struct act a = {.issue = ledger_at(b->ledger, at)->id,
                    .verb = rules[rule].verb,
                    .by = &b->people[who],
                    .text = text ? "已洒水" : NULL,
                    .person = named ? "contractor" : NULL,
                    .due_ms = due,
                    .photo = &a_photo};
    char *body = NULL;
    int error = ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why);
    if (!error != accepts(m, rule, who, text, named, dated))
        fail_msg("%s by %s in state %c: %d, %s", verb_str(a.verb), a.by->name, m->state, error, b->why);
    w->refused += error != 0;
    if (error)
        return;
    take(w, body);
    follow(m, rule, b->now, named, due);
}

/* --- what is seen --- */

static enum light light_until(int64_t due, int64_t at)
{
    return at > due ? LIGHT_RED : due - at <= DAY ? LIGHT_YELLOW : LIGHT_GREEN;
}

static enum light light_of(const struct model *m, int64_t now)
{
    if (m->state == 'd')
        return LIGHT_GREEN;
    int64_t at = m->rectified ? m->rectified : m->state == 'x' ? m->ended : now;
    enum light rectify = light_until(m->rectify_due, at);
    enum light answer = m->answered ? LIGHT_GREEN : light_until(m->answer_due, at);
    enum light worst = rectify > answer ? rectify : answer;
    bool over = m->rectified || m->state == 'x';
    return over && worst == LIGHT_YELLOW ? LIGHT_GREEN : worst;
}

static void compare_issue(const struct world *w, int at)
{
    static const char letters[] = "fcawrxd";
    const struct issue *i = ledger_at(w->b->ledger, at);
    if (letters[i->state] != w->models[at].state ||
        issue_light(i, w->b->now) != light_of(&w->models[at], w->b->now))
        fail_msg("%s is %s and %s, by the model %c and %d", i->id, issue_state_str(i->state),
                 light_str(issue_light(i, w->b->now)), w->models[at].state,
                 (int)light_of(&w->models[at], w->b->now));
}

static void compare_ledgers(const struct world *w)
{
    assert_int_equal(ledger_count(w->b->ledger), w->n);
    assert_int_equal(ledger_count(w->again), w->n);
    for (int i = 0; i < w->n; i++) {
        json_t *live = issue_json(ledger_at(w->b->ledger, i), w->b->now);
        json_t *folded = issue_json(ledger_at(w->again, i), w->b->now);
        if (!json_equal(live, folded))
            fail_msg("%s is another one when it is made from its rows", ledger_at(w->b->ledger, i)->id);
        json_decref(live);
        json_decref(folded);
        compare_issue(w, i);
    }
}

static void random_steps_are_taken_as_the_table_says(void **state)
{
    static struct duty road = {.name = "road",
                               .level = -1,
                               .answer_ms = 2 * HOUR,
                               .rectify_ms = DAY,
                               .photo_before = true,
                               .photo_after = true,
                               .inspection = true};
    struct world w = {.b = *state};
    const char *seed = getenv("DUST_SEED"), *storm = getenv("DUST_STORM");
    int steps = storm && *storm == '1' ? 1000000 : 5000;
    w.seed = seed ? (uint32_t)strtoul(seed, NULL, 10) : 20261126u;
    printf("seed: DUST_SEED=%u, %d steps\n", w.seed, steps);
    w.b->config.issues.categories = &road;
    w.b->config.issues.ncategories = 1;
    w.again = ledger_create(&w.b->config);
    w.models = mem_array(MODELS_MAX, sizeof *w.models);
    memset(w.newest, -1, sizeof w.newest);
    for (int k = 0; k < steps; k++) {
        unsigned what = dice(&w, 40);
        w.b->now += dice(&w, 8) ? dice(&w, HOUR) : dice(&w, 12 * HOUR);
        if (what == 0)
            machine_finds(&w);
        else if (what == 1)
            machine_recovers(&w);
        else if (what == 2)
            somebody_finds(&w);
        else
            somebody_acts(&w);
        for (int back = 1; back <= 12 && back <= w.n; back++)
            compare_issue(&w, w.n - back);
    }
    compare_ledgers(&w);
    printf("%d issues, %d steps taken, %d refused\n", w.n, w.accepted, w.refused);
    assert_true(w.accepted > steps / 20 && w.refused > steps / 4);
    ledger_destroy(w.again);
    mem_free(w.models);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(random_steps_are_taken_as_the_table_says, bench_setup,
                                        bench_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
