/* How an issue looks: light, title, JSON. */
#include "daemon/base/clock.h"
#include "daemon/base/json_text.h"
#include "daemon/ledger/life.h"
#include "daemon/ledger/step.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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

struct words {
    char zh[STEP_TITLE_MAX + 100], en[STEP_TITLE_MAX + 100];
};

/* "疑似扬尘超标：…" until a person has confirmed what a device found, "扬尘超标：…" then. What people say
 * needs no suspicion of theirs, only a second pair of eyes: "反映问题，待核实：…". */
static struct words title_of(const struct issue *i)
{
    const struct kind *kind = kind_find(i->kind);
    bool lead = kind->suspicion && !i->confirmed, said = lead && i->by_person;
    struct words w;
    snprintf(w.zh, sizeof w.zh, "%s%s：%s", lead && !said ? "疑似" : "",
             said ? "反映问题，待核实" : kind->title_zh, i->title_zh);
    snprintf(w.en, sizeof w.en, "%s%s: %s", lead && !said ? "Suspected: " : "",
             said ? "Reported, to be verified" : kind->title_en, i->title_en);
    return w;
}

json_t *issue_title(const struct issue *i)
{
    struct words title = title_of(i);
    return json_pack("{s:s,s:s}", "zh", title.zh, "en", title.en);
}

static void add_words(struct buf *out, const char *key, const char *zh, const char *en)
{
    json_text_key(out, key);
    buf_text(out, "{");
    json_text_add(out, "zh", zh);
    json_text_add(out, "en", en);
    buf_text(out, "}");
}

/* A device's data are a lead, not proof [proposal]; so is a complaint. */
static void add_basis(struct buf *out, const struct issue *i)
{
    if (i->confirmed)
        add_words(out, "basis", "已由人员确认", "confirmed by a person");
    else if (i->by_person)
        add_words(out, "basis", "反映线索，待人员核实", "reported, to be verified by a person");
    else
        add_words(out, "basis", "设备监测线索，待人员核实",
                  "a lead from a device, to be verified by a person");
}

static void add_stamp(struct buf *out, const char *key, int64_t at_ms)
{
    if (at_ms)
        json_text_add_integer(out, key, at_ms);
}

static void add_if_any(struct buf *out, const char *key, const char *text)
{
    if (*text)
        json_text_add(out, key, text);
}

/* A list of JSON texts, as they are. */
static void add_list(struct buf *out, const char *key, char *const *texts, int n)
{
    json_text_key(out, key);
    for (int k = 0; k < n; k++) {
        buf_text(out, k ? "," : "[");
        buf_text(out, texts[k]);
    }
    buf_text(out, n ? "]" : "[]");
}

/* As many of the last steps as fit, one at least. `before` bytes of `out` are not the issue's. */
static void add_steps(struct buf *out, size_t before, const struct issue *i)
{
    size_t length = out->length - before + sizeof ",\"steps\":[]}" - 1;
    int first = i->nkept;
    while (first > 0) {
        length += strlen(i->steps[first - 1]) + (first < i->nkept);
        if (length > LEDGER_ISSUE_MAX && first < i->nkept)
            break;
        first--;
    }
    add_list(out, "steps", i->steps + first, i->nkept - first);
}

static void add_plan(struct buf *out, const struct issue *i)
{
    add_stamp(out, "found", i->found_ms);
    add_stamp(out, "answer_due", i->answer_due_ms);
    add_stamp(out, "rectify_due", i->rectify_due_ms);
    if (i->nodes_ms[0]) {
        json_text_key(out, "nodes");
        for (int k = 0; k < ISSUE_NODES; k++)
            buf_printf(out, "%s%" PRId64, k ? "," : "[", i->nodes_ms[k]);
        buf_text(out, "]");
    }
    add_if_any(out, "phase", i->phase);
    add_stamp(out, "ended", i->ended_ms);
}

static void add_history(struct buf *out, const struct issue *i)
{
    add_if_any(out, "previous", i->previous);
    json_text_add_bool(out, "relapse", i->relapse);
    add_if_any(out, "relapse_of", i->relapse_of);
    if (i->relapses)
        json_text_add_integer(out, "relapses", i->relapses);
    if (i->nphotos)
        add_list(out, "photos", i->photos, i->nphotos);
    json_text_add_integer(out, "nsteps", i->nsteps);
}

static void add_what(struct buf *out, const struct issue *i)
{
    struct words title = title_of(i);
    const char *const texts[][2] = {{"id", i->id},
                                    {"state", issue_state_str(i->state)},
                                    {"state_zh", issue_state_zh(i->state)},
                                    {"kind", i->kind},
                                    {"subject", i->subject},
                                    {"cause", i->cause}};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        json_text_add(out, texts[k][0], texts[k][1]);
    add_words(out, "title", title.zh, title.en);
    add_basis(out, i);
    json_text_add(out, "level", level_str(i->level));
    json_text_add(out, "level_zh", level_zh(i->level));
    json_text_add(out, "way", way_str(i->way));
    json_text_add(out, "way_zh", way_zh(i->way));
    add_if_any(out, "person", i->person);
}

void issue_print(const struct issue *i, int64_t now_ms, bool brief, struct buf *out)
{
    enum light light = issue_light(i, now_ms);
    size_t before = out->length;
    buf_text(out, "{");
    add_what(out, i);
    add_plan(out, i);
    json_text_add(out, "light", light_names[light]);
    json_text_add_bool(out, "overdue", light == LIGHT_RED);
    json_text_add_bool(out, "answered", i->answered);
    json_text_add_integer(out, "evidence", i->nevidence);
    add_history(out, i);
    if (!brief)
        add_steps(out, before, i);
    buf_text(out, "}");
}

static json_t *as_tree(const struct issue *i, int64_t now_ms, bool brief)
{
    struct buf text = {0};
    issue_print(i, now_ms, brief, &text);
    json_t *object = json_loadb(text.data, text.length, 0, NULL);
    buf_finish(&text);
    return object;
}

json_t *issue_json_brief(const struct issue *i, int64_t now_ms)
{
    return as_tree(i, now_ms, true);
}

json_t *issue_json(const struct issue *i, int64_t now_ms)
{
    return as_tree(i, now_ms, false);
}
