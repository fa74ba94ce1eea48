/* How an issue looks: light, title, JSON. */
#include "daemon/base/clock.h"
#include "daemon/ledger/life.h"
#include "daemon/ledger/step.h"

#include <stdio.h>

static const char *const light_names[] = {
    [LIGHT_GREEN] = "green", [LIGHT_YELLOW] = "yellow", [LIGHT_RED] = "red"};

bool issue_is_open(const struct issue *i)
{
    return i->state != ISSUE_CLOSED && i->state != ISSUE_DISMISSED;
}

/* The time that counts against the deadlines: it stands still while others review, and at the end. */
static int64_t counted(const struct issue *i, int64_t now_ms)
{
    if (i->rectified_ms)
        return i->rectified_ms;
    return issue_is_open(i) ? now_ms : i->ended_ms;
}

static enum light light_of(int64_t due_ms, int64_t at_ms)
{
    if (due_ms == 0 || due_ms - at_ms > CLOCK_DAY_MS)
        return LIGHT_GREEN;
    return at_ms > due_ms ? LIGHT_RED : LIGHT_YELLOW;
}

const char *light_str(enum light l)
{
    return light_names[l];
}

enum light issue_light(const struct issue *i, int64_t now_ms)
{
    bool waits = issue_is_open(i) && !i->rectified_ms;
    int64_t at_ms = counted(i, now_ms);
    enum light rectify = light_of(i->rectify_due_ms, at_ms);
    enum light answer = i->answered ? LIGHT_GREEN : light_of(i->answer_due_ms, at_ms);
    enum light worse = answer > rectify ? answer : rectify;
    if (i->state == ISSUE_DISMISSED)
        return LIGHT_GREEN;
    /* what is rectified or over was late or in time; it is not about to be late */
    return worse == LIGHT_YELLOW && !waits ? LIGHT_GREEN : worse;
}

/* "疑似扬尘超标：…" until a person has confirmed what a device found, "扬尘超标：…" then. What people say
 * needs no suspicion of theirs, only a second pair of eyes: "反映问题，待核实：…". */
json_t *issue_title(const struct issue *i)
{
    const struct kind *kind = kind_find(i->kind);
    bool lead = kind->suspicion && !i->confirmed, said = lead && i->by_person;
    char zh[STEP_TITLE_MAX + 100], en[STEP_TITLE_MAX + 100];
    snprintf(zh, sizeof zh, "%s%s：%s", lead && !said ? "疑似" : "",
             said ? "反映问题，待核实" : kind->title_zh, i->title_zh);
    snprintf(en, sizeof en, "%s%s: %s", lead && !said ? "Suspected: " : "",
             said ? "Reported, to be verified" : kind->title_en, i->title_en);
    return json_pack("{s:s,s:s}", "zh", zh, "en", en);
}

/* A device's data are a lead, not proof [proposal]; so is a complaint. */
static json_t *basis(const struct issue *i)
{
    if (i->confirmed)
        return json_pack("{s:s,s:s}", "zh", "已由人员确认", "en", "confirmed by a person");
    if (i->by_person)
        return json_pack("{s:s,s:s}", "zh", "反映线索，待人员核实", "en",
                         "reported, to be verified by a person");
    return json_pack("{s:s,s:s}", "zh", "设备监测线索，待人员核实", "en",
                     "a lead from a device, to be verified by a person");
}

static void add_stamp(json_t *object, const char *key, int64_t at_ms)
{
    if (at_ms)
        json_object_set_new(object, key, json_integer(at_ms));
}

/* A list of the JSON texts. */
static json_t *list_of(char *const *texts, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, json_loads(texts[i], 0, NULL));
    return list;
}

/* As many of the last steps as fit. */
static void add_steps(json_t *object, const struct issue *i)
{
    json_t *steps = list_of(i->steps, i->nkept);
    json_object_set_new(object, "steps", steps);
    while (json_array_size(steps) > 1 && json_dumpb(object, NULL, 0, JSON_COMPACT) > LEDGER_ISSUE_MAX)
        json_array_remove(steps, 0);
}

static void add_plan(json_t *object, const struct issue *i)
{
    add_stamp(object, "found", i->found_ms);
    add_stamp(object, "answer_due", i->answer_due_ms);
    add_stamp(object, "rectify_due", i->rectify_due_ms);
    if (i->nodes_ms[0]) {
        json_t *nodes = json_array();
        for (int k = 0; k < ISSUE_NODES; k++)
            json_array_append_new(nodes, json_integer(i->nodes_ms[k]));
        json_object_set_new(object, "nodes", nodes);
    }
    step_add_text(object, "phase", i->phase);
    add_stamp(object, "ended", i->ended_ms);
}

static void add_history(json_t *object, const struct issue *i)
{
    step_add_text(object, "previous", i->previous);
    json_object_set_new(object, "relapse", json_boolean(i->relapse));
    step_add_text(object, "relapse_of", i->relapse_of);
    if (i->relapses)
        json_object_set_new(object, "relapses", json_integer(i->relapses));
    if (i->nphotos)
        json_object_set_new(object, "photos", list_of(i->photos, i->nphotos));
    json_object_set_new(object, "nsteps", json_integer(i->nsteps));
}

json_t *issue_json_brief(const struct issue *i, int64_t now_ms)
{
    enum light light = issue_light(i, now_ms);
    json_t *object =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o}", "id", i->id, "state", issue_state_str(i->state),
                  "state_zh", issue_state_zh(i->state), "kind", i->kind, "subject", i->subject, "cause",
                  i->cause, "title", issue_title(i), "basis", basis(i));
    json_object_set_new(object, "level", json_string(level_str(i->level)));
    json_object_set_new(object, "level_zh", json_string(level_zh(i->level)));
    json_object_set_new(object, "way", json_string(way_str(i->way)));
    json_object_set_new(object, "way_zh", json_string(way_zh(i->way)));
    step_add_text(object, "person", i->person);
    add_plan(object, i);
    json_object_set_new(object, "light", json_string(light_names[light]));
    json_object_set_new(object, "overdue", json_boolean(light == LIGHT_RED));
    json_object_set_new(object, "answered", json_boolean(i->answered));
    json_object_set_new(object, "evidence", json_integer(i->nevidence));
    add_history(object, i);
    return object;
}

json_t *issue_json(const struct issue *i, int64_t now_ms)
{
    json_t *object = issue_json_brief(i, now_ms);
    add_steps(object, i);
    return object;
}
