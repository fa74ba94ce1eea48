/* The ledger as it was at the end of a period, and what was done about each issue. */
#include "daemon/base/err.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/report.h"
#include "daemon/ledger/ledger.h"
#include "daemon/store/journal.h"

#include <string.h>

static json_t *story_of(struct gathered *g, const char *issue)
{
    json_t *story = json_object_get(g->stories, issue);
    if (!story) {
        story = json_object();
        json_object_set_new(g->stories, issue, story);
    }
    return story;
}

/* Adds a text to those of before. */
static void add_text(json_t *story, const char *key, const char *text)
{
    const char *before = text_of(story, key);
    if (!*text)
        return;
    if (*before)
        json_object_set_new(story, key, json_sprintf("%s；%s", before, text));
    else
        json_object_set_new(story, key, json_string(text));
}

static void set_text(json_t *story, const char *key, const char *text)
{
    if (*text)
        json_object_set_new(story, key, json_string(text));
}

/* Who and when, of a review or a closing. */
static void set_who(json_t *story, const char *who, const char *when, const json_t *step)
{
    json_object_set(story, who, json_object_get(step, "by"));
    json_object_set(story, when, json_object_get(step, "ts"));
}

static void tell_rectify(json_t *story, const json_t *step)
{
    set_text(story, "result", text_of(step, "text"));
    json_object_set(story, "rectified", json_object_get(step, "ts"));
}

static void tell_return(json_t *story, const json_t *step)
{
    json_object_del(story, "rectified");
    set_who(story, "reviewer", "reviewed", step);
    add_text(story, "note", text_of(step, "text"));
}

static void tell_review(json_t *story, const json_t *step)
{
    set_who(story, "reviewer", "reviewed", step);
    add_text(story, "note", text_of(step, "text"));
}

static void tell_note(json_t *story, const json_t *step)
{
    add_text(story, "note", text_of(step, "text"));
}

static void tell_measure(json_t *story, const json_t *step)
{
    set_text(story, "measure", text_of(step, "text"));
}

static void tell_order(json_t *story, const json_t *step)
{
    if (!*text_of(story, "measure"))
        tell_measure(story, step);
}

static const struct {
    const char *step;
    void (*tell)(json_t *story, const json_t *step);
} steps[] = {
    {"answer", tell_measure}, {"assign", tell_order}, {"close", tell_review},    {"dismiss", tell_note},
    {"inspect", tell_review}, {"note", tell_note},    {"rectify", tell_rectify}, {"return", tell_return},
};

static void tell(struct gathered *g, const json_t *step)
{
    json_t *story = story_of(g, text_of(step, "subject"));
    const char *to = text_of(step, "to"), *from = text_of(step, "from");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (strcmp(text_of(step, "step"), steps[i].step) == 0)
            steps[i].tell(story, step);
    if (strcmp(to, from) == 0 || (strcmp(to, "closed") != 0 && strcmp(to, "dismissed") != 0))
        return;
    if (int_of(step, "ts") < g->period.from_ms) { /* over before: the report does not list it */
        json_object_del(g->stories, text_of(step, "subject"));
        return;
    }
    set_who(story, "closer", "closed", step);
    if (strcmp(to, "closed") == 0 && !json_object_get(story, "rectified"))
        json_object_set(story, "rectified", json_object_get(step, "ts"));
}

/* Most steps are evidence, of which a story tells nothing. In a text the quotation marks would be escaped. */
static bool is_evidence(const char *body)
{
    return strstr(body, ",\"step\":\"evidence\",") != NULL;
}

/* What was done later is left out, with all that followed it. */
int report_take_step(const struct row *row, void *gathered)
{
    struct gathered *g = gathered;
    if (row->at_ms >= g->asof_ms || row->seq > g->head_seq)
        json_object_set_new(g->cut, row->subject, json_true());
    if (!row->body || json_object_get(g->cut, row->subject))
        return ERR_OK;
    if (ledger_apply(g->ledger, row->seq, row->body) != ERR_OK) {
        g->unreadable++; /* the daemon leaves it out as well */
        return ERR_OK;
    }
    if (is_evidence(row->body))
        return ERR_OK;
    json_t *step = json_loads(row->body, 0, NULL);
    tell(g, step);
    json_decref(step);
    return ERR_OK;
}
