/* Until when a check stands: judging it again before that says the same, whatever the minutes bring. */
#include "unit/a_chance.h"

/* A check as it was judged last. */
struct stood {
    struct check_result result;
    int64_t day_ms, due_ms;
    uint64_t changes;
};

enum { CHECKS_MAX = 32 };

/* Two records that are told the same. `record` is asked only when a check is judged, as the daemon does it:
 * what it was asked for decides what is news to it. `truth` is asked each minute. */
struct world {
    struct chance chance;
    struct config *config;
    struct record *record, *truth;
    struct stood stood[CHECKS_MAX];
    int run;
    int64_t watched_ms;
    int same[CHECK__KINDS], news[CHECK__KINDS]; /* judged before it was due; said something else when due */
};

static bool is_same(const struct check_result *a, const struct check_result *b)
{
    bool same = memcmp(a->count, b->count, sizeof a->count) == 0 && a->nreasons == b->nreasons &&
                a->last == b->last && a->last_ms == b->last_ms;
    for (int i = 0; same && i < a->nreasons; i++) {
        const struct reason *x = &a->reasons[i], *y = &b->reasons[i];
        same = x->outcome == y->outcome && x->cause == y->cause && x->n == y->n &&
               x->first_ms == y->first_ms && x->last_ms == y->last_ms && strcmp(x->about, y->about) == 0;
    }
    return same;
}

static void look(struct world *w, const struct requirement *of, const struct check *c, struct stood *s,
                 int64_t now_ms)
{
    struct check_result is;
    struct asked_day day = {w->truth, of, clock_window_start(now_ms - 1, CLOCK_DAY_MS, 480), now_ms};
    check_sum(&day, c, &is);
    day.record = w->record;
    bool stands = s->day_ms == day.day_ms && s->changes == record_changes(w->record);
    bool same = stands && is_same(&is, &s->result);
    if (stands && now_ms < s->due_ms) {
        if (!same)
            fail_msg("%s/%s stood until minute %lld of the day and changed at %lld", of->name, c->name,
                     (long long)(s->due_ms - day.day_ms) / CLOCK_MINUTE_MS,
                     (long long)(now_ms - day.day_ms) / CLOCK_MINUTE_MS);
        w->same[c->kind]++;
        return;
    }
    w->news[c->kind] += stands && !same;
    struct check_result again;
    check_sum(&day, c, &again);
    assert_true(is_same(&is, &again));
    *s = (struct stood){is, day.day_ms, check_due(&day, c), record_changes(w->record)};
    assert_true(s->due_ms > now_ms);
}

static void look_at_all(struct world *w, int64_t now_ms)
{
    const struct requirements *all = &w->config->requirements;
    int n = 0;
    for (int i = 0; i < all->n; i++)
        for (int k = 0; k < all->list[i].nchecks; k++) {
            assert_true(n < CHECKS_MAX);
            look(w, &all->list[i], &all->list[i].checks[k], &w->stood[n++], now_ms);
        }
}

static void tell(struct world *w, const struct input *i, unsigned roles)
{
    record_input(w->record, i, roles);
    record_input(w->truth, i, roles);
}

static void pass(struct world *w, int64_t minute_ms, const struct mean *means)
{
    record_minute(w->record, minute_ms, means);
    record_minute(w->truth, minute_ms, means);
}

/* Seldom enough that checks come to be due between two of them. */
static void something_comes(struct world *w, int64_t now_ms)
{
    struct chance *c = &w->chance;
    unsigned roles;
    struct mean means[WEEK_POINTS];
    if (chance_of(c, 40)) {
        struct input i = chance_input(c, now_ms, &roles);
        tell(w, &i, roles);
    }
    if (chance_of(c, 400)) {
        int point = (int)chance(c, WEEK_POINTS);
        int64_t from_ms = now_ms - chance(c, 90) * CLOCK_MINUTE_MS;
        record_flag(w->record, point, from_ms, now_ms);
        record_flag(w->truth, point, from_ms, now_ms);
    }
    if (chance_of(c, 80)) {
        int64_t late_ms = now_ms - (1 + chance(c, 300)) * CLOCK_MINUTE_MS;
        chance_minute(c, late_ms, means);
        pass(w, late_ms, means);
    }
}

/* In some runs a source says each minute that it watches, now and then later, or not at all. */
static void somebody_watches(struct world *w, int64_t now_ms)
{
    struct input alive = {.kind = INPUT_ALIVE, .from_ms = w->watched_ms, .to_ms = now_ms};
    snprintf(alive.source, sizeof alive.source, w->run % 3 == 1 ? "camera" : "county");
    if (w->run % 3 == 0 || chance_of(&w->chance, 8))
        return; /* with the next one */
    w->watched_ms = now_ms;
    if (!chance_of(&w->chance, 200)) /* else nobody will ever say it */
        tell(w, &alive, 0);
}

static void play(struct world *w, int days)
{
    struct mean means[WEEK_POINTS];
    chance_settings(&w->chance, w->config);
    w->record = record_create(w->config);
    w->truth = record_create(w->config);
    w->watched_ms = WEEK_MS;
    memset(w->stood, 0, sizeof w->stood);
    memset(w->chance.until_ms, 0, sizeof w->chance.until_ms);
    for (int64_t m = WEEK_MS; m < AT(days, 0, 0); m += CLOCK_MINUTE_MS) {
        something_comes(w, m);
        somebody_watches(w, m);
        if (chance_of(&w->chance, 200)) /* minutes that never were */
            m += chance(&w->chance, 100) * CLOCK_MINUTE_MS;
        chance_minute(&w->chance, m, means);
        pass(w, m, means);
        look_at_all(w, m + CLOCK_MINUTE_MS);
    }
    record_destroy(w->record);
    record_destroy(w->truth);
}

static void until_it_is_due_a_check_says_the_same(void **state)
{
    struct world w = {.chance = chance_begin(), .config = week_load(*state)};
    for (w.run = 0; w.run < chance_runs(3, 400); w.run++)
        play(&w, 2);
    config_free(w.config);
    for (int k = 0; k < CHECK__KINDS; k++) {
        print_message("kind %d: %d times the same, %d times something new when due\n", k, w.same[k],
                      w.news[k]);
        assert_true(w.news[k] > 0);
        assert_true(k == CHECK_RESPONSE || w.same[k] > 0); /* dust may come with any minute */
    }
}

/* It may prove what was seen before, and may be told up to two minutes ahead of the gateway's clock. */
static void a_sight_told_ahead_of_the_clock_makes_its_check_due_at_its_time(void **state)
{
    struct config *c = week_load(*state);
    struct record *r = record_create(c);
    struct check share = {
        .name = "c", .kind = CHECK_SHARE, .always = true, .slot_ms = CLOCK_HOUR_MS, .what = "soil"};
    struct requirement of = {.name = "r", .checks = &share, .nchecks = 1};
    struct asked_day day = {r, &of, AT(0, 0, 0), AT(0, 10, 20)};
    struct input sight = {
        .kind = INPUT_CAMERA, .from_ms = AT(0, 10, 21), .to_ms = AT(0, 10, 21), .what = "soil"};
    assert_true(check_due(&day, &share) == AT(0, 11, 0));
    record_input(r, &sight, 0);
    assert_true(check_due(&day, &share) == AT(0, 10, 21));
    day.now_ms = AT(0, 10, 21);
    assert_true(check_due(&day, &share) == AT(0, 11, 0));
    record_destroy(r);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(until_it_is_due_a_check_says_the_same),
        EACH(a_sight_told_ahead_of_the_clock_makes_its_check_due_at_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
