/* The issues of a ledger, found by number and by what they are about. */
#include "daemon/ledger/book.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/ledger/life.h"
#include "daemon/ledger/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int book_key(const char *kind, const char *subject, const char *cause, char key[static BOOK_KEY_SIZE])
{
    const struct issue *sizes = NULL;
    if (!kind || !subject || !cause || !kind_find(kind) || !*subject ||
        strlen(subject) >= sizeof sizes->subject || strlen(cause) >= sizeof sizes->cause)
        return ERR_FORMAT;
    if (strchr(subject, '|') || strchr(cause, '|'))
        return ERR_FORMAT;
    snprintf(key, BOOK_KEY_SIZE, "%s|%s|%s", kind, subject, cause);
    return ERR_OK;
}

static int is_id(int value, const char *key, const void *ledger)
{
    return strcmp(((const struct ledger *)ledger)->issues[value]->id, key) == 0;
}

static int is_key(int value, const char *key, const void *ledger)
{
    const struct issue *i = ((const struct ledger *)ledger)->issues[value];
    char own[BOOK_KEY_SIZE];
    return book_key(i->kind, i->subject, i->cause, own) == ERR_OK && strcmp(own, key) == 0;
}

static int is_item(int value, const char *key, const void *ledger)
{
    const struct issue *i = ((const struct ledger *)ledger)->issues[value];
    char own[BOOK_KEY_SIZE];
    return book_key(i->kind, i->subject, "", own) == ERR_OK && strcmp(own, key) == 0;
}

static struct issue *at(const struct ledger *l, int value)
{
    return value < 0 ? NULL : l->issues[value];
}

struct issue *book_issue(const struct ledger *l, const char *id)
{
    return at(l, index_find(&l->by_id, id, is_id, l));
}

struct issue *book_newest(const struct ledger *l, const char *key)
{
    return at(l, index_find(&l->by_key, key, is_key, l));
}

struct issue *book_signed_off(const struct ledger *l, const char *kind, const char *subject)
{
    char key[BOOK_KEY_SIZE];
    if (book_key(kind, subject, "", key))
        return NULL;
    return at(l, index_find(&l->by_item, key, is_item, l));
}

static int number_of(const struct ledger *l, const char *id)
{
    return index_find(&l->by_id, id, is_id, l);
}

void book_add(struct ledger *l, const struct issue *new)
{
    char key[BOOK_KEY_SIZE];
    l->issues = mem_resize(l->issues, (size_t)l->nissues + 1, sizeof *l->issues);
    l->issues[l->nissues] = mem_new(struct issue);
    *l->issues[l->nissues] = *new;
    if (book_key(new->kind, new->subject, new->cause, key) == ERR_OK)
        index_set(&l->by_key, key, l->nissues, is_key, l);
    index_set(&l->by_id, new->id, l->nissues, is_id, l);
    l->nissues++;
}

void book_close(struct ledger *l, const struct issue *i)
{
    char key[BOOK_KEY_SIZE];
    if (book_key(i->kind, i->subject, "", key) == ERR_OK)
        index_set(&l->by_item, key, number_of(l, i->id), is_item, l);
}

enum issue_state book_recovered(const struct ledger *l, const struct issue *i, int64_t at_ms)
{
    const struct duty *duty = config_duty(l->config, i->kind, i->subject);
    int64_t due = i->answer_due_ms ? i->answer_due_ms : i->rectify_due_ms;
    if (duty && duty->person_closes)
        return i->state;
    if (kind_find(i->kind)->closer == CLOSER_SELF && due && at_ms > due)
        return i->state;
    return life_next(i->state, VERB_RECOVER);
}

/* --- numbers --- */

static int site_year(const struct ledger *l, int64_t now_ms)
{
    char text[32];
    return (int)strtol(clock_text(now_ms, l->config->site.zone_min, text), NULL, 10);
}

void book_next_id(const struct ledger *l, int64_t now_ms, char id[static 32])
{
    int year = site_year(l, now_ms);
    int count = 1;
    if (year <= l->last.year) {
        year = l->last.year;
        count = l->last.count + 1;
    }
    snprintf(id, 32, "%.16s-%04u-%04u", l->config->site.issue_prefix, (unsigned)year % 10000u,
             (unsigned)count % 1000000000u);
}

/* --- opening --- */

/* What is found again soon after a person signed it off; NULL. */
static const struct issue *relapsed(const struct ledger *l, const struct opening *o, int64_t now_ms)
{
    static const int64_t usual_ms = (int64_t)30 * CLOCK_DAY_MS; /* [proposal]; of a ledger without settings */
    int64_t within_ms = l->config->issues.relapse_ms ? l->config->issues.relapse_ms : usual_ms;
    const struct issue *before = book_signed_off(l, o->kind, o->subject);
    return before && now_ms - before->ended_ms <= within_ms ? before : NULL;
}

/* A relapse is one level above the issue that it repeats, and no lower than its kind. */
static enum level level_of(const struct opening *o, const struct duty *duty, const struct issue *before)
{
    enum level level = o->level >= 0              ? (enum level)o->level
                       : duty && duty->level >= 0 ? (enum level)duty->level
                                                  : kind_find(o->kind)->level;
    if (before && before->level >= level)
        level = before->level == LEVEL_CRITICAL ? LEVEL_CRITICAL : before->level + 1;
    return level;
}

void book_plan(const struct ledger *l, int64_t now_ms, int64_t due_ms, json_t *step)
{
    const struct campaign_phase *phase;
    int64_t nodes_ms[ISSUE_NODES];
    json_t *nodes = json_array();
    due_ms = plan_due(l->config, now_ms, due_ms, &phase);
    plan_nodes(&(struct calendar_of){l->config, l->declared}, now_ms, due_ms, nodes_ms);
    for (int i = 0; i < ISSUE_NODES; i++)
        json_array_append_new(nodes, json_integer(nodes_ms[i]));
    json_object_set_new(step, "rectify_due", json_integer(due_ms));
    json_object_set_new(step, "nodes", nodes);
    step_add_text(step, "phase", phase ? phase->name : NULL);
}

static void add_relapse(const struct ledger *l, const struct issue *before, json_t *step)
{
    if (!before)
        return;
    bool counts = before->found_ms >= l->config->issues.cycle_ms;
    step_add_text(step, "relapse_of", before->id);
    json_object_set_new(step, "relapses", json_integer(1 + (counts ? before->relapses : 0)));
}

json_t *book_opening(const struct ledger *l, int64_t now_ms, const struct opening *o)
{
    char id[32], key[BOOK_KEY_SIZE];
    const struct duty *duty = config_duty(l->config, o->kind, o->subject);
    int64_t answer_ms = o->answer_ms ? o->answer_ms : duty ? duty->answer_ms : 0;
    int64_t rectify_ms = o->rectify_ms ? o->rectify_ms : duty ? duty->rectify_ms : 0;
    const struct issue *before = relapsed(l, o, now_ms), *previous = NULL;
    book_next_id(l, now_ms, id);
    if (book_key(o->kind, o->subject, o->cause, key) == ERR_OK)
        previous = book_newest(l, key);
    struct step s = {now_ms, id, o->by, VERB_OPEN, ISSUE__STATES, o->to};
    json_t *step = step_new(&s);
    json_object_set_new(
        step, "about", json_pack("{s:s,s:s,s:s}", "kind", o->kind, "subject", o->subject, "cause", o->cause));
    step_add_text(step, "level", level_str(level_of(o, duty, before)));
    step_add_text(step, "way", o->way == WAY_DEVICE ? NULL : way_str(o->way));
    step_add_text(step, "person", o->person);
    if (answer_ms > 0)
        json_object_set_new(step, "answer_due", json_integer(now_ms + answer_ms));
    if (rectify_ms > 0)
        book_plan(l, now_ms, now_ms + rectify_ms, step);
    step_add_text(step, "previous", previous ? previous->id : NULL);
    add_relapse(l, before, step);
    return step;
}
