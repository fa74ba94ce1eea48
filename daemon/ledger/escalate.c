#include "daemon/ledger/escalate.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/escalation.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/ledger/life.h"
#include "daemon/ledger/step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 400, TOLD_MOST = 200 }; /* persons in one row: it must fit in a message */

/* A step that was said, and of what: the deadline, or the person that it was about. */
struct said {
    char step[32];
    int64_t due_ms;
    char person[64];
};

/* An issue of which somebody was told. */
struct told {
    char issue[32];
    struct said *said;
    int nsaid;
    char (*to)[32];
    int nto;
};

struct escalation {
    struct told **told; /* by issue id */
    int ntold;
};

struct escalation *escalation_create(void)
{
    return mem_new(struct escalation);
}

static void free_told(struct told *t)
{
    mem_free(t->said);
    mem_free(t->to);
    mem_free(t);
}

void escalation_destroy(struct escalation *e)
{
    if (!e)
        return;
    for (int i = 0; i < e->ntold; i++)
        free_told(e->told[i]);
    mem_free(e->told);
    mem_free(e);
}

int escalation_open(const struct escalation *e)
{
    return e->ntold;
}

/* Where the issue stands, or should stand. */
static int place_of(const struct escalation *e, const char *issue, bool *found)
{
    int low = 0, high = e->ntold;
    *found = false;
    while (low < high) {
        int middle = low + (high - low) / 2, order = strcmp(e->told[middle]->issue, issue);
        if (order == 0)
            *found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct told *told_of(const struct escalation *e, const char *issue)
{
    bool found;
    int at = place_of(e, issue, &found);
    return found ? e->told[at] : NULL;
}

/* --- what was said --- */

static struct told *note_issue(struct escalation *e, const char *issue)
{
    bool found;
    int at = place_of(e, issue, &found);
    if (found)
        return e->told[at];
    e->told = mem_resize(e->told, (size_t)e->ntold + 1, sizeof *e->told);
    memmove(e->told + at + 1, e->told + at, (size_t)(e->ntold - at) * sizeof *e->told);
    e->ntold++;
    e->told[at] = mem_new(struct told);
    snprintf(e->told[at]->issue, sizeof e->told[at]->issue, "%s", issue);
    return e->told[at];
}

static void forget_issue(struct escalation *e, const char *issue)
{
    bool found;
    int at = place_of(e, issue, &found);
    if (!found)
        return;
    free_told(e->told[at]);
    e->ntold--;
    memmove(e->told + at, e->told + at + 1, (size_t)(e->ntold - at) * sizeof *e->told);
}

static void note_person(struct told *t, const char *name)
{
    for (int i = 0; i < t->nto; i++)
        if (strcmp(t->to[i], name) == 0)
            return;
    t->to = mem_resize(t->to, (size_t)t->nto + 1, sizeof *t->to);
    snprintf(t->to[t->nto++], sizeof *t->to, "%s", name);
}

void escalation_said(struct escalation *e, const char *issue, const json_t *body)
{
    struct number number;
    size_t i;
    json_t *name;
    const char *step = step_string(body, "step", sizeof((struct said *)0)->step);
    const char *person = step_string(body, "person", sizeof((struct said *)0)->person);
    if (!step || !*step || !person || !number_parse(issue, &number))
        return;
    if (strcmp(step, ESCALATION_ENDED) == 0) {
        forget_issue(e, issue);
        return;
    }
    struct told *t = note_issue(e, issue);
    t->said = mem_resize(t->said, (size_t)t->nsaid + 1, sizeof *t->said);
    struct said *s = &t->said[t->nsaid++];
    *s = (struct said){.due_ms = json_integer_value(json_object_get(body, "due"))};
    snprintf(s->step, sizeof s->step, "%s", step);
    snprintf(s->person, sizeof s->person, "%s", person);
    json_array_foreach(json_object_get(body, "to"), i, name)
    {
        if (json_is_string(name))
            note_person(t, json_string_value(name));
    }
}

/* The same step of the same deadline, of the same person where the step is about one. */
static bool was_said(const struct told *t, const struct said *now)
{
    for (int i = 0; t && i < t->nsaid; i++)
        if (strcmp(t->said[i].step, now->step) == 0 && t->said[i].due_ms == now->due_ms &&
            strcmp(t->said[i].person, now->person) == 0)
            return true;
    return false;
}

/* --- what is due --- */

/* The deadline that a step is about; 0 where it is about none. */
static int64_t deadline(const struct escalation_step *s, const struct issue *i)
{
    if (s->when == WHEN_UNANSWERED)
        return i->answer_due_ms;
    return s->when == WHEN_DUE_SOON || s->when == WHEN_OVERDUE ? i->rectify_due_ms : 0;
}

/* From when on the step is due of an issue that is open; INT64_MAX: not as things stand. */
static int64_t moment(const struct escalation_step *s, const struct issue *i)
{
    int64_t due_ms = deadline(s, i), none = INT64_MAX;
    bool working = due_ms && !i->rectified_ms; /* deadlines stand still while others review */
    bool given = i->state == ISSUE_ASSIGNED || i->state == ISSUE_WORKING;
    switch (s->when) {
    case WHEN_FOUND: return i->found_ms + s->after_ms;
    case WHEN_ASSIGNED: return given ? i->found_ms : none;
    case WHEN_UNANSWERED: return due_ms && !i->answered ? due_ms + 1 + s->after_ms : none;
    case WHEN_DUE_SOON: return working && due_ms - s->before_ms > i->found_ms ? due_ms - s->before_ms : none;
    case WHEN_OVERDUE: return working ? due_ms + 1 + s->after_ms : none;
    }
    return none;
}

static bool is_due(const struct escalation_step *s, const struct issue *i, int64_t now_ms)
{
    if (s->levels && !(s->levels & 1u << i->level))
        return false;
    if (s->when == WHEN_DUE_SOON && now_ms > i->rectify_due_ms)
        return false; /* nobody looked in time: it is overdue now */
    return now_ms >= moment(s, i);
}

static bool is_told(const struct config *c, const struct escalation_step *s, const struct issue *i,
                    const struct person *p)
{
    const struct organisation *o = p->organisation[0] ? config_organisation(c, p->organisation) : NULL;
    return (s->tell & p->roles) || (s->tell & TELL_RESPONSIBLE && strcmp(p->name, i->person) == 0) ||
           (o && s->organisations & 1u << o->kind);
}

static json_t *listeners(const struct config *c, const struct escalation_step *s, const struct issue *i)
{
    json_t *to = json_array();
    for (int k = 0; k < c->npeople && json_array_size(to) < TOLD_MOST; k++)
        if (is_told(c, s, i, &c->people[k]))
            json_array_append_new(to, json_string(c->people[k].name));
    return to;
}

/* Those of them who are still people of the site. */
static json_t *all_told(const struct config *c, const struct told *t)
{
    json_t *to = json_array();
    for (int k = 0; k < t->nto && json_array_size(to) < TOLD_MOST; k++)
        if (config_person(c, t->to[k]))
            json_array_append_new(to, json_string(t->to[k]));
    return to;
}

/* --- how it reads --- */

static void say_time(const struct config *c, int64_t at_ms, char text[static 32])
{
    clock_text(at_ms, c->site.zone_min, text);
    text[16] = 0; /* to the minute */
    text[10] = ' ';
}

static void add_late(const struct issue *i, int64_t now_ms, char *zh, char *en)
{
    int64_t late_ms = now_ms - i->rectify_due_ms;
    if (!i->rectify_due_ms || i->rectified_ms || late_ms <= 0 || !issue_is_open(i))
        return;
    int days = (int)(late_ms / CLOCK_DAY_MS), hours = (int)(late_ms % CLOCK_DAY_MS / CLOCK_HOUR_MS);
    snprintf(zh + strlen(zh), TEXT_MAX - strlen(zh), "；已逾期 %d 天 %d 小时", days, hours);
    snprintf(en + strlen(en), TEXT_MAX - strlen(en), "; overdue by %d d %d h", days, hours);
}

/* Who is responsible, until when. */
static json_t *text_of(const struct config *c, const struct issue *i, int64_t now_ms)
{
    char zh[TEXT_MAX], en[TEXT_MAX], at[32];
    const struct person *p = config_person(c, i->person);
    const char *who = p ? p->title : i->person;
    snprintf(zh, sizeof zh, "编号 %s；责任人 %.100s", i->id, *who ? who : "未定");
    snprintf(en, sizeof en, "No. %s; responsible: %.100s", i->id, *who ? who : "nobody yet");
    if (i->answer_due_ms && !i->answered && issue_is_open(i)) {
        say_time(c, i->answer_due_ms, at);
        snprintf(zh + strlen(zh), sizeof zh - strlen(zh), "；%s 前回复", at);
        snprintf(en + strlen(en), sizeof en - strlen(en), "; answer by %s", at);
    }
    if (i->rectify_due_ms && issue_is_open(i)) {
        say_time(c, i->rectify_due_ms, at);
        snprintf(zh + strlen(zh), sizeof zh - strlen(zh), "；%s 前整改到位", at);
        snprintf(en + strlen(en), sizeof en - strlen(en), "; rectify by %s", at);
    }
    add_late(i, now_ms, zh, en);
    return json_pack("{s:o,s:o}", "zh", json_string(zh), "en", json_string(en));
}

/* "通报：疑似扬尘超标：…" */
static json_t *title_of(const struct issue *i, const char *zh, const char *en)
{
    json_t *of = issue_title(i), *holder = json_object();
    char *long_zh = mem_printf("%s：%s", zh, step_string(of, "zh", 2000));
    char *long_en = mem_printf("%s: %s", en, step_string(of, "en", 2000));
    step_add_title(holder, long_zh, long_en);
    json_t *title = json_incref(json_object_get(holder, "title"));
    mem_free(long_zh);
    mem_free(long_en);
    json_decref(of);
    json_decref(holder);
    return title;
}

static json_t *alert(const struct config *c, const struct issue *i, int64_t now_ms, const char *step,
                     json_t *to)
{
    json_t *body = json_pack("{s:s,s:s,s:o}", "step", step, "level", level_str(i->level), "to", to);
    json_object_set_new(body, "text", text_of(c, i, now_ms));
    return body;
}

static json_t *step_alert(const struct config *c, const struct escalation_step *s, const struct issue *i,
                          const struct said *what, int64_t now_ms)
{
    json_t *to = listeners(c, s, i);
    if (json_array_size(to) == 0) {
        json_decref(to);
        return NULL;
    }
    json_t *body = alert(c, i, now_ms, s->name, to);
    json_object_set_new(body, "title", title_of(i, s->title_zh, s->title_en));
    if (what->due_ms)
        json_object_set_new(body, "due", json_integer(what->due_ms));
    step_add_text(body, "person", what->person);
    return body;
}

static json_t *end_alert(const struct config *c, const struct told *t, const struct issue *i, int64_t now_ms)
{
    json_t *to = all_told(c, t);
    bool dismissed = i->state == ISSUE_DISMISSED;
    if (json_array_size(to) == 0) {
        json_decref(to);
        return NULL;
    }
    json_t *body = alert(c, i, now_ms, ESCALATION_ENDED, to);
    json_object_set_new(body, "title",
                        dismissed ? title_of(i, "误报，已撤销", "Dismissed")
                                  : title_of(i, "已销号", "Closed"));
    return body;
}

json_t *escalation_due(const struct escalation *e, const struct config *c, const struct issue *i,
                       int64_t now_ms)
{
    const struct told *t = told_of(e, i->id);
    if (!issue_is_open(i))
        return t ? end_alert(c, t, i, now_ms) : NULL;
    for (int k = 0; k < c->nescalation; k++) {
        const struct escalation_step *s = &c->escalation[k];
        struct said what = {.due_ms = deadline(s, i)};
        snprintf(what.step, sizeof what.step, "%s", s->name);
        if (s->when == WHEN_ASSIGNED)
            snprintf(what.person, sizeof what.person, "%s", i->person);
        json_t *body =
            is_due(s, i, now_ms) && !was_said(t, &what) ? step_alert(c, s, i, &what, now_ms) : NULL;
        if (body)
            return body;
    }
    return NULL;
}
