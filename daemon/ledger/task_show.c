/* How tasks are told and shown: reminders, the finding when one was missed, JSON. */
#include "daemon/ledger/task_inside.h"

#include "daemon/base/clock.h"
#include "daemon/config/config.h"
#include "daemon/config/inspection.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/ledger/ledger.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN_DAYS = 14 };

/* Of an inspection whoever may look at one of its checks; of a certificate who answers for the data. */
static bool is_told(const struct config *c, const struct task *task, const struct person *p)
{
    const struct inspection *n = task_inspection(c, task->about);
    struct asked a;
    if (task->certificate)
        return c->quality.person && strcmp(c->quality.person, p->name) == 0;
    for (int k = 0; n && task_asks(c, n, k, &a); k++)
        if (a.check && config_attests(a.check, config_roles(c, p)))
            return true;
    return false;
}

static int64_t remind_ms(const struct config *c, const struct task *task)
{
    const struct inspection *n = task_inspection(c, task->about);
    if (task->certificate)
        return task->from_ms;
    return n && n->remind_ms ? task->due_ms - n->remind_ms : INT64_MAX;
}

static json_t *reminder(const struct config *c, const struct task *task, json_t *to)
{
    char at[32], zh[300], en[300];
    clock_text(task->due_ms - 1, c->site.zone_min, at);
    at[10] = 0;
    snprintf(zh, sizeof zh, "最后一天 %s；见 dustctl tasks", at);
    snprintf(en, sizeof en, "last day %s; see dustctl tasks", at);
    return json_pack("{s:s,s:s,s:o,s:{s:s,s:s},s:{s:s,s:s},s:I}", "step", "task", "level", "general", "to",
                     to, "title", "zh", task->title_zh, "en", task->title_en, "text", "zh", zh, "en", en,
                     "due", (json_int_t)task->due_ms);
}

json_t *tasks_reminder(const struct tasks *t, const struct config *c, int64_t now_ms, char id[static 80])
{
    for (int i = 0; i < t->n; i++) {
        const struct task *task = &t->list[i];
        if (task->state != TASK_DUE || task->reminded || now_ms < remind_ms(c, task))
            continue;
        json_t *to = json_array();
        for (int k = 0; k < c->npeople; k++)
            if (is_told(c, task, &c->people[k]))
                json_array_append_new(to, json_string(c->people[k].name));
        if (json_array_size(to)) {
            snprintf(id, 80, "%s", task->id);
            return reminder(c, task, to);
        }
        json_decref(to);
    }
    return NULL;
}

bool tasks_finding(const struct tasks *t, const struct config *c, const char *id, struct task_texts *texts,
                   struct finding *f)
{
    char at[32];
    const struct task *task = tasks_find(t, id);
    const struct inspection *n = task && !task->certificate ? task_inspection(c, task->about) : NULL;
    const char *person = n ? n->person : task && task->certificate ? c->quality.person : NULL;
    if (!task || !person || !*person)
        return false;
    clock_text(task->due_ms - 1, c->site.zone_min, at);
    at[10] = 0;
    snprintf(texts->zh, sizeof texts->zh, "%s，最后一天 %s，未完成", task->title_zh, at);
    snprintf(texts->en, sizeof texts->en, "%s, last day %s, was not done", task->title_en, at);
    *f = (struct finding){.kind = "task",
                          .subject = task->about,
                          .cause = task->certificate ? "certificate" : "inspection",
                          .text_zh = texts->zh,
                          .text_en = texts->en,
                          .person = person,
                          .answer_ms = n ? n->answer_ms : c->quality.answer_ms,
                          .rectify_ms = n ? n->rectify_ms : c->quality.rectify_ms,
                          .evidence = json_pack("{s:s}", "task", task->id)};
    return true;
}

/* --- how it looks --- */

static const char *light_of(const struct task *task, int64_t now_ms)
{
    if (task->state == TASK_MISSED)
        return "red";
    return task->state == TASK_DUE && task->due_ms - now_ms <= CLOCK_DAY_MS ? "yellow" : "green";
}

static json_t *checks_json(const struct tasks *t, const struct config *c, const struct task *task)
{
    const struct inspection *n = task_inspection(c, task->about);
    struct asked a;
    json_t *list = json_array();
    for (int k = 0; n && task_asks(c, n, k, &a); k++) {
        int64_t at_ms = task_looked_ms(t, task, &a);
        json_t *one = json_pack("{s:s}", "check", a.name);
        if (a.check)
            json_object_set_new(one, "title",
                                json_pack("{s:s,s:s}", "zh", a.check->title_zh, "en", a.check->title_en));
        if (at_ms)
            json_object_set_new(one, "looked", json_integer(at_ms));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *task_json(const struct tasks *t, const struct config *c, const struct task *task,
                         int64_t now_ms)
{
    json_t *j = task_row(task, task->state);
    json_object_del(j, "step");
    json_object_set_new(j, "id", json_string(task->id));
    json_object_set_new(j, "state", json_string(task_state_str(task->state)));
    json_object_set_new(j, "light", json_string(light_of(task, now_ms)));
    if (task->ended_ms)
        json_object_set_new(j, "ended", json_integer(task->ended_ms));
    if (!task->certificate)
        json_object_set_new(j, "checks", checks_json(t, c, task));
    return j;
}

static size_t place_by_due(const json_t *list, int64_t due_ms)
{
    size_t at = json_array_size(list);
    while (at && json_integer_value(json_object_get(json_array_get(list, at - 1), "due")) > due_ms)
        at--;
    return at;
}

json_t *tasks_json(const struct tasks *t, const struct config *c, int64_t now_ms)
{
    json_t *list = json_array();
    for (int i = 0; i < t->n; i++) {
        const struct task *task = &t->list[i];
        bool old = task->state != TASK_DUE && now_ms - task->due_ms > SHOWN_DAYS * (int64_t)CLOCK_DAY_MS;
        if (!old && task->state != TASK_DROPPED)
            json_array_insert_new(list, place_by_due(list, task->due_ms), task_json(t, c, task, now_ms));
    }
    return list;
}
