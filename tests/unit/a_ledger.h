/* A ledger under test: seven people, a clock that is a number, and every body that was applied. */
#ifndef TEST_A_LEDGER_H
#define TEST_A_LEDGER_H

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/person.h"
#include "daemon/ledger/ledger.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BODIES_MAX = 4000, MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS, DAY = CLOCK_DAY_MS };
enum who { SITE, CONTRACTOR, COMMUNITY, OFFICE, INSPECTOR, BOTH, NOBODY, PEOPLE };

struct bench {
    struct config config;
    struct person people[PEOPLE];
    struct ledger *ledger;
    int64_t now, seq;
    char *bodies[BODIES_MAX]; /* of the steps applied, in order */
    int nbodies;
    char id[32], why[400]; /* of the last call */
};

static int bench_setup(void **state)
{
    static const struct person people[PEOPLE] = {
        [SITE] = {"site-manager", "项目经理", ROLE_SITE, "", "", "", "", "", NULL, 0},
        [CONTRACTOR] = {"contractor", "总包", ROLE_CONTRACTOR, "", "", "", "", "", NULL, 0},
        [COMMUNITY] = {"community", "社区", ROLE_COMMUNITY, "", "", "", "", "", NULL, 0},
        [OFFICE] = {"officer", "办公室", ROLE_OFFICE, "", "", "", "", "", NULL, 0},
        [INSPECTOR] = {"inspector", "检查员", ROLE_INSPECTOR, "", "", "", "", "", NULL, 0},
        [BOTH] = {"two-hats", "两顶帽子", ROLE_SITE | ROLE_OFFICE, "", "", "", "", "", NULL, 0},
        [NOBODY] = {"visitor", "访客", 0, "", "", "", "", "", NULL, 0},
    };
    struct bench *b = mem_new(struct bench);
    memcpy(b->people, people, sizeof people);
    b->config.people = b->people;
    b->config.npeople = PEOPLE;
    b->config.site.issue_prefix = "LQ";
    b->config.site.zone_min = 480;
    b->ledger = ledger_create(&b->config);
    b->now = 1773417600000; /* 2026-03-14T00:00+08:00 */
    *state = b;
    return 0;
}

static int bench_teardown(void **state)
{
    struct bench *b = *state;
    for (int i = 0; i < b->nbodies; i++)
        mem_free(b->bodies[i]);
    ledger_destroy(b->ledger);
    mem_free(b);
    return 0;
}

static void apply(struct bench *b, char *body)
{
    assert_true(b->nbodies < BODIES_MAX);
    b->bodies[b->nbodies++] = body;
    assert_int_equal(ledger_apply(b->ledger, ++b->seq, body), ERR_OK);
}

static struct finding a_finding(const char *kind, const char *subject, const char *cause)
{
    return (struct finding){.kind = kind,
                            .subject = subject,
                            .cause = cause,
                            .text_zh = "小时均值 312.4 ug/m3，达到 250",
                            .text_en = "hour mean 312.4 ug/m3 reaches 250",
                            .person = "site-manager",
                            .answer_ms = 2 * HOUR,
                            .rectify_ms = 48 * HOUR};
}

static const struct issue *find(struct bench *b, const char *kind, const char *subject, const char *cause)
{
    struct finding f = a_finding(kind, subject, cause);
    char *body = NULL;
    f.evidence = json_pack("{s:f}", "mean", 312.4);
    assert_int_equal(ledger_find(b->ledger, b->now, &f, &body, b->id), ERR_OK);
    apply(b, body);
    return ledger_issue(b->ledger, b->id);
}

static inline const struct issue *find_breach(struct bench *b)
{
    return find(b, "limit", "shanxi-taiyuan/pm10-hour", "gate/pm10");
}

static const struct photo a_photo = {.sha256 =
                                         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
                                     .type = "jpg",
                                     .name = "IMG_1.jpg",
                                     .bytes = 1000};

/* What happens when somebody tries; applied when it is allowed. */
static int try_act(struct bench *b, const char *issue, enum verb verb, enum who who)
{
    struct act a = {.issue = issue, .verb = verb, .by = &b->people[who], .text = "已洒水", .photo = &a_photo};
    char *body = NULL;
    const struct issue *i = ledger_issue(b->ledger, issue);
    if (verb == VERB_ASSIGN && i && i->state != ISSUE_CONFIRMED)
        a.person = "contractor"; /* again, so to another */
    b->why[0] = 0;
    int error = ledger_act(b->ledger, b->now, &a, &body, b->why, sizeof b->why);
    if (!error)
        apply(b, body);
    else
        assert_true(b->why[0] != 0);
    return error;
}

static void do_act(struct bench *b, enum verb verb, enum who who)
{
    assert_int_equal(try_act(b, b->id, verb, who), ERR_OK);
}

/* A new issue brought into a state, each in the way the life cycle has for it. */
static inline const struct issue *issue_in(struct bench *b, const char *kind, enum issue_state state)
{
    static const struct {
        enum verb verb;
        enum who who;
    } way[] = {{VERB_CONFIRM, COMMUNITY},
               {VERB_ASSIGN, OFFICE},
               {VERB_ACCEPT, CONTRACTOR},
               {VERB_RECTIFY, SITE},
               {VERB_CLOSE, INSPECTOR}};
    char cause[32];
    snprintf(cause, sizeof cause, "point-%d", b->nbodies);
    const struct issue *i = find(b, kind, "subject", cause);
    if (state == ISSUE_DISMISSED)
        do_act(b, VERB_DISMISS, OFFICE);
    for (int k = 0; state != ISSUE_DISMISSED && i->state != state; k++)
        do_act(b, way[k].verb, way[k].who);
    assert_int_equal(i->state, state);
    return i;
}

static inline int recover(struct bench *b, const char *kind, const char *subject, const char *cause)
{
    char *body = NULL;
    struct finding f = {.kind = kind, .subject = subject, .cause = cause};
    f.evidence = json_pack("{s:i}", "down_s", 60);
    int error = ledger_recover(b->ledger, b->now, &f, &body, b->id);
    if (!error)
        apply(b, body);
    return error;
}

#endif
