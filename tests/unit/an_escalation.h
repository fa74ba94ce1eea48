/* The steps of config/dustd.yaml as a test's own, and what they said: "<step> <issue>: <person> <person>". */
#ifndef TEST_AN_ESCALATION_H
#define TEST_AN_ESCALATION_H

#include "daemon/config/escalation.h"
#include "daemon/ledger/escalate.h"
#include "daemon/ledger/step.h"
#include "tests/unit/a_ledger.h"

#include <stdio.h>

enum { STEPS = 8, SAYINGS_MAX = 400, SAYING_MAX = 160 };

#define GIVE(step_name, moment, who) \
    .name = step_name, .title_zh = step_name, .title_en = step_name, .when = moment, .tell = who

static const struct escalation_step steps_given[STEPS] = {
    {GIVE("found", WHEN_FOUND, TELL_RESPONSIBLE)},
    {GIVE("assigned", WHEN_ASSIGNED, TELL_RESPONSIBLE)},
    {GIVE("unanswered", WHEN_UNANSWERED, TELL_RESPONSIBLE | ROLE_COMMUNITY)},
    {GIVE("due_soon", WHEN_DUE_SOON, TELL_RESPONSIBLE), .before_ms = DAY},
    {GIVE("overdue", WHEN_OVERDUE, TELL_RESPONSIBLE | ROLE_COMMUNITY)},
    {GIVE("notice", WHEN_OVERDUE, TELL_RESPONSIBLE | ROLE_COMMUNITY | ROLE_OFFICE),
     .after_ms = 3 * (int64_t)DAY},
    {GIVE("summon", WHEN_OVERDUE, TELL_RESPONSIBLE | ROLE_OFFICE), .after_ms = 6 * (int64_t)DAY},
    {GIVE("accountable", WHEN_OVERDUE, TELL_RESPONSIBLE | ROLE_OFFICE), .after_ms = 10 * (int64_t)DAY},
};

struct ladder {
    struct escalation *escalation;
    struct escalation_step steps[STEPS];
    char said[SAYINGS_MAX][SAYING_MAX]; /* in order */
    char *rows[SAYINGS_MAX];            /* as the journal keeps them */
    char subjects[SAYINGS_MAX][32];
    int n;
};

static void ladder_open(struct ladder *l, struct config *c)
{
    *l = (struct ladder){.escalation = escalation_create()};
    memcpy(l->steps, steps_given, sizeof l->steps);
    c->escalation = l->steps;
    c->nescalation = STEPS;
}

static void ladder_close(struct ladder *l)
{
    escalation_destroy(l->escalation);
    for (int i = 0; i < l->n; i++)
        mem_free(l->rows[i]);
}

static void ladder_take(struct ladder *l, const char *subject, json_t *alert)
{
    size_t i;
    json_t *name;
    assert_true(l->n < SAYINGS_MAX);
    char *said = l->said[l->n];
    snprintf(said, SAYING_MAX, "%s %s:", json_string_value(json_object_get(alert, "step")), subject);
    json_array_foreach(json_object_get(alert, "to"), i, name)
    {
        snprintf(said + strlen(said), SAYING_MAX - strlen(said), " %s", json_string_value(name));
    }
    l->rows[l->n] = json_dumps(alert, JSON_COMPACT);
    snprintf(l->subjects[l->n++], sizeof l->subjects[0], "%s", subject);
    escalation_said(l->escalation, subject, alert);
}

/* What main does each minute and after each step. Returns how many alerts there were. */
static int look(struct ladder *l, const struct bench *b)
{
    int before = l->n;
    for (int i = 0; i < ledger_count(b->ledger); i++) {
        const struct issue *issue = ledger_at(b->ledger, i);
        json_t *alert;
        while ((alert = escalation_due(l->escalation, &b->config, issue, b->now)) != NULL) {
            ladder_take(l, issue->id, alert);
            json_decref(alert);
        }
    }
    return l->n - before;
}

/* A restart: what was said is learned again from the rows alone. */
static inline void ladder_restart(struct ladder *l)
{
    escalation_destroy(l->escalation);
    l->escalation = escalation_create();
    for (int i = 0; i < l->n; i++) {
        json_t *body = json_loads(l->rows[i], 0, NULL);
        escalation_said(l->escalation, l->subjects[i], body);
        json_decref(body);
    }
}

#endif
