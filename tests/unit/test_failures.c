/* What is found minute by minute is what judging the whole day anew each minute finds. */
#include "unit/a_chance.h"

#include "daemon/again.h"
#include "daemon/clean.h"
#include "daemon/dustd.h"
#include "daemon/judge/quality.h"
#include "daemon/judging.h"
#include "daemon/required.h"
#include "daemon/required_inside.h"
#include "daemon/rows.h"
#include "daemon/uplink_now.h"

/* The requirements at work on what both hear. What they say is `text`: each row, each minute's standings. */
struct twin {
    struct dustd d;
    struct hearing hearing;
    struct uplink_now uplink;
    FILE *out;
    char *text;
    size_t length, compared;
    char *body; /* of the last row: who wrote it still needs it */
    int rows, issues;
};

static bool hear_event(const struct judge_event *e, void *arg)
{
    (void)e, (void)arg;
    return false;
}

static void hear_row(int64_t seq, const char *kind, char *body, void *arg)
{
    struct twin *t = arg;
    fprintf(t->out, "%lld %s %s\n", (long long)seq, kind, body);
    t->rows++;
    t->issues += strcmp(kind, "issue") == 0;
    mem_free(t->body);
    t->body = body;
}

static void open_twin(struct twin *t, struct config *c)
{
    *t = (struct twin){.d = {.config = c}, .hearing = {hear_event, hear_row, t}};
    t->d.hearing = &t->hearing;
    t->d.uplinks = &t->uplink;
    t->out = open_memstream(&t->text, &t->length);
    judging_open(&t->d);
}

static void close_twin(struct twin *t)
{
    judging_close(&t->d);
    again_finish(&t->d.again);
    clean_finish(&t->d.clean);
    mem_free(t->body);
    fclose(t->out);
    free(t->text); /* open_memstream's */
}

struct pair {
    struct chance chance;
    struct config *configs[2];
    struct twin quick, anew;
};

#define BOTH(p, t) for (struct twin *t = &(p)->quick; t; t = t == &(p)->quick ? &(p)->anew : NULL)

static void hear_input(struct pair *p, int64_t now_ms)
{
    unsigned roles;
    struct input i = chance_input(&p->chance, now_ms, &roles);
    clock_stand(now_ms);
    BOTH(p, t)
    required_input(&t->d, &i, roles);
}

static void hear_flag(struct pair *p, int64_t now_ms)
{
    int point = (int)chance(&p->chance, WEEK_POINTS);
    int64_t from_ms = now_ms - chance(&p->chance, 400) * CLOCK_MINUTE_MS;
    BOTH(p, t)
    required_flagged(&t->d, point, from_ms, now_ms);
}

/* A minute closes; one of the past may, after the clock stepped back. */
static void close_minute(struct pair *p, int64_t start_ms)
{
    struct mean means[WEEK_POINTS];
    chance_minute(&p->chance, start_ms, means);
    clock_stand(start_ms + CLOCK_MINUTE_MS);
    required_doubt(p->anew.d.required);
    BOTH(p, t)
    {
        memcpy(t->d.means, means, sizeof means);
        required_minute(&t->d, start_ms);
        for (int i = 0; i < t->d.config->requirements.n; i++)
            fprintf(t->out, "%lld %d since %lld\n", (long long)start_ms,
                    (int)t->d.required->standings[i].verdict,
                    (long long)t->d.required->standings[i].since_ms);
        fflush(t->out);
    }
}

static void configure_other(struct pair *p)
{
    BOTH(p, t)
    {
        t->d.config = p->configs[t->d.config == p->configs[0]];
        required_configure(t->d.required, t->d.config);
    }
}

static void assert_both_say_the_same(struct pair *p)
{
    struct twin *a = &p->quick, *b = &p->anew;
    const char *from = a->text + a->compared, *other = b->text + b->compared;
    if (strcmp(from, other) != 0)
        fail_msg("minute by minute:\n%s\njudged anew:\n%s", from, other);
    a->compared = a->length;
    b->compared = b->length;
}

static void play(struct pair *p, int days)
{
    struct chance *c = &p->chance;
    for (int i = 0; i < 2; i++)
        chance_settings(c, p->configs[i]);
    memset(c->until_ms, 0, sizeof c->until_ms);
    BOTH(p, t)
    open_twin(t, p->configs[0]);
    for (int64_t m = WEEK_MS; m < AT(days, 0, 0); m += CLOCK_MINUTE_MS) {
        if (chance_of(c, 30))
            hear_input(p, m);
        if (chance_of(c, 500))
            hear_flag(p, m);
        if (chance_of(c, 1500))
            configure_other(p);
        if (chance_of(c, 500))
            close_minute(p, m - (1 + chance(c, 2000)) * CLOCK_MINUTE_MS);
        if (chance_of(c, 300))
            p->quick.d.shed.refused = p->anew.d.shed.refused = !p->quick.d.shed.refused;
        close_minute(p, m);
        assert_both_say_the_same(p);
    }
    print_message("%d rows, %d of them steps of issues\n", p->quick.rows, p->quick.issues);
    assert_true(p->quick.issues > 0);
    assert_true(p->quick.rows > p->quick.issues);
    BOTH(p, t)
    close_twin(t);
}

static void waiting_until_a_check_is_due_finds_what_judging_each_minute_finds(void **state)
{
    struct pair p = {.chance = chance_begin(), .configs = {week_load(*state), week_load(*state)}};
    for (int run = 0; run < chance_runs(2, 100); run++)
        play(&p, 3);
    config_free(p.configs[0]);
    config_free(p.configs[1]);
}

int main(void)
{
    json_set_alloc_funcs(mem_bytes, mem_free);
    const struct CMUnitTest tests[] = {
        EACH(waiting_until_a_check_is_due_finds_what_judging_each_minute_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
