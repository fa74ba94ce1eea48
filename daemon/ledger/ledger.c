#include "daemon/ledger/ledger.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ledger/book.h"
#include "daemon/ledger/life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ledger *ledger_create(const struct config *c)
{
    struct ledger *l = mem_new(struct ledger);
    l->config = c;
    return l;
}

void ledger_configure(struct ledger *l, const struct config *c)
{
    l->config = c;
}

void ledger_destroy(struct ledger *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->nissues; i++) {
        json_decref(l->issues[i]->steps);
        json_decref(l->issues[i]->first);
        mem_free(l->issues[i]);
    }
    mem_free(l->issues);
    mem_free(l);
}

struct issue *book_newest(const struct ledger *l, const char *key)
{
    for (int i = l->nissues - 1; i >= 0; i--)
        if (strcmp(l->issues[i]->key, key) == 0)
            return l->issues[i];
    return NULL;
}

struct issue *book_issue(const struct ledger *l, const char *id)
{
    for (int i = l->nissues - 1; i >= 0; i--)
        if (strcmp(l->issues[i]->id, id) == 0)
            return l->issues[i];
    return NULL;
}

int book_key(const char *kind, const char *subject, const char *cause, char key[static 180])
{
    const struct issue *sizes = NULL;
    if (!kind || !subject || !cause || !kind_find(kind) || !*subject ||
        strlen(subject) >= sizeof sizes->subject || strlen(cause) >= sizeof sizes->cause)
        return ERR_FORMAT;
    if (strchr(subject, '|') || strchr(cause, '|'))
        return ERR_FORMAT;
    snprintf(key, 180, "%s|%s|%s", kind, subject, cause);
    return ERR_OK;
}

enum issue_state book_recovered(const struct issue *i, int64_t at_ms)
{
    int64_t due = i->answer_due_ms ? i->answer_due_ms : i->rectify_due_ms;
    if (kind_find(i->kind)->closer == CLOSER_SELF && due && at_ms > due)
        return i->state;
    return life_next(i->state, VERB_RECOVER);
}

/* Within 30 days [proposal]. */
static const int64_t relapse_ms = (int64_t)30 * CLOCK_DAY_MS;

bool book_relapse(const struct issue *before, int64_t at_ms)
{
    return before && before->state == ISSUE_CLOSED && at_ms - before->ended_ms <= relapse_ms;
}

/* --- numbers --- */

static int site_year(const struct ledger *l, int64_t now_ms)
{
    char text[32];
    return (int)strtol(clock_text(now_ms, l->config->site.zone_min, text), NULL, 10);
}

/* A number is never given twice, also when the clock stepped back over new year. */
static void next_id(const struct ledger *l, int64_t now_ms, char id[static 32])
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

void ledger_continue(struct ledger *l, const char *last)
{
    struct number n;
    if (!number_parse(last, &n) || number_compare(n, l->last) <= 0)
        return;
    l->last = n;
    snprintf(l->last_id, sizeof l->last_id, "%s", last);
}

const char *ledger_last_number(const struct ledger *l)
{
    return l->last_id;
}

/* --- the machine --- */

/* A relapse is one level above the issue that it repeats, and no lower than its kind. */
static enum level level_of(const struct finding *f, const struct issue *before, int64_t now_ms)
{
    enum level level = kind_find(f->kind)->level;
    if (book_relapse(before, now_ms) && before->level >= level)
        level = before->level == LEVEL_CRITICAL ? LEVEL_CRITICAL : before->level + 1;
    return level;
}

static json_t *opening_step(const struct ledger *l, int64_t now_ms, const struct finding *f,
                            const struct issue *before)
{
    char id[32];
    next_id(l, now_ms, id);
    struct step s = {now_ms, id, STEP_MACHINE, VERB_OPEN, ISSUE__STATES, ISSUE_FOUND};
    json_t *step = step_new(&s);
    json_object_set_new(
        step, "about", json_pack("{s:s,s:s,s:s}", "kind", f->kind, "subject", f->subject, "cause", f->cause));
    step_add_title(step, f->text_zh, f->text_en);
    step_add_text(step, "level", level_str(level_of(f, before, now_ms)));
    step_add_text(step, "person", f->person);
    if (f->answer_ms > 0)
        json_object_set_new(step, "answer_due", json_integer(now_ms + f->answer_ms));
    if (f->rectify_ms > 0)
        json_object_set_new(step, "rectify_due", json_integer(now_ms + f->rectify_ms));
    step_add_text(step, "previous", before ? before->id : NULL);
    return step;
}

static json_t *further_step(const struct issue *i, int64_t now_ms, const struct finding *f, enum verb verb)
{
    struct step s = {now_ms, i->id, STEP_MACHINE, verb, i->state, life_next(i->state, verb)};
    json_t *step = step_new(&s);
    step_add_title(step, f->text_zh, f->text_en);
    return step;
}

static bool finding_legal(const struct finding *f)
{
    const struct issue *sizes = NULL;
    if (f->person && strlen(f->person) >= sizeof sizes->person)
        return false;
    if (!f->evidence)
        return true;
    return json_is_object(f->evidence) && json_dumpb(f->evidence, NULL, 0, JSON_COMPACT) <= STEP_EVIDENCE_MAX;
}

static int print_with_evidence(json_t *step, json_t *evidence, char **body, char id[static 32])
{
    snprintf(id, 32, "%s", step_string(step, "subject", 32));
    if (evidence)
        json_object_set(step, "evidence", evidence);
    return step_print(step, body);
}

int ledger_find(struct ledger *l, int64_t now_ms, const struct finding *f, char **body, char id[static 32])
{
    char key[180];
    int error = ERR_FORMAT;
    if (book_key(f->kind, f->subject, f->cause, key) == ERR_OK && finding_legal(f)) {
        const struct issue *i = book_newest(l, key);
        bool open = i && issue_is_open(i);
        enum verb verb = open && i->state == ISSUE_REVIEW ? VERB_RETURN : VERB_EVIDENCE;
        json_t *step = open ? further_step(i, now_ms, f, verb) : opening_step(l, now_ms, f, i);
        error = print_with_evidence(step, f->evidence, body, id);
    }
    json_decref(f->evidence);
    return error;
}

int ledger_withdraw(struct ledger *l, int64_t now_ms, const struct finding *f, char **body,
                    char id[static 32])
{
    char key[180];
    int error = ERR_FORMAT;
    if (book_key(f->kind, f->subject, f->cause, key) == ERR_OK && finding_legal(f)) {
        const struct issue *i = book_newest(l, key);
        error = ERR_NOT_FOUND;
        if (i && issue_is_open(i))
            error = print_with_evidence(further_step(i, now_ms, f, VERB_EVIDENCE), f->evidence, body, id);
    }
    json_decref(f->evidence);
    return error;
}

static json_t *recovery_step(const struct issue *i, int64_t now_ms)
{
    struct step s = {now_ms, i->id, STEP_MACHINE, VERB_RECOVER, i->state, book_recovered(i, now_ms)};
    json_t *step = step_new(&s);
    if (s.to == ISSUE_CLOSED)
        step_add_title(step, "自动恢复", "Recovered by itself");
    else
        step_add_title(step, "已恢复，但已逾期，待人员销号",
                       "Recovered after its deadline: a person closes it");
    return step;
}

static int recover_error(const struct ledger *l, const struct finding *f, char key[static 180])
{
    if (book_key(f->kind, f->subject, f->cause, key) || !finding_legal(f))
        return ERR_FORMAT;
    const struct issue *i = book_newest(l, key);
    if (!i || !issue_is_open(i))
        return ERR_NOT_FOUND;
    return kind_find(f->kind)->closer == CLOSER_PERSON ? ERR_STATE : ERR_OK;
}

int ledger_recover(struct ledger *l, int64_t now_ms, const struct finding *f, char **body, char id[static 32])
{
    char key[180];
    int error = recover_error(l, f, key);
    if (!error)
        error = print_with_evidence(recovery_step(book_newest(l, key), now_ms), f->evidence, body, id);
    json_decref(f->evidence);
    return error;
}

/* --- people --- */

/* By bit of enum role. */
static const char *const role_names[] = {"site", "contractor", "community", "office", "inspector"};

static int refuse_role(const struct act *a, char *why, size_t why_size)
{
    char who[80] = "";
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++)
        if (life_roles(a->verb) & 1u << i)
            snprintf(who + strlen(who), sizeof who - strlen(who), "%s%s", *who ? ", " : "", role_names[i]);
    if (!*who)
        snprintf(why, why_size, "'%s' is the machine's", verb_str(a->verb));
    else
        snprintf(why, why_size, "%s may not '%s': that is for %s%s", a->by->name, verb_str(a->verb), who,
                 life_roles(a->verb) & ROLE_SITE ? "" : ", and never for the responsible unit itself");
    return ERR_DENIED;
}

static int refuse_state(const struct issue *i, enum verb verb, char *why, size_t why_size)
{
    char from[80] = "";
    for (int s = 0; s < ISSUE__STATES; s++)
        if (life_next((enum issue_state)s, verb) != ISSUE__STATES)
            snprintf(from + strlen(from), sizeof from - strlen(from), "%s%s", *from ? ", " : "",
                     issue_state_str((enum issue_state)s));
    snprintf(why, why_size, "%s is %s: '%s' is possible from %s", i->id, issue_state_str(i->state),
             verb_str(verb), from);
    return ERR_STATE;
}

static int check_text(const struct issue *i, const struct act *a, char *why, size_t why_size)
{
    bool needed = life_needs_text(a->verb) || (a->verb == VERB_CLOSE && kind_find(i->kind)->close_needs_text);
    if (a->text && *a->text)
        return step_check_text(a->text, why, why_size);
    if (!needed)
        return ERR_OK;
    snprintf(why, why_size, "'%s' needs a text: what was found or done, or why", verb_str(a->verb));
    return ERR_FORMAT;
}

/* To whom: one of the responsible unit, who can accept it. */
static int check_assignee(const struct ledger *l, const char *name, char *why, size_t why_size)
{
    const struct config *c = l->config;
    for (int i = 0; i < c->npeople; i++)
        if (strcmp(c->people[i].name, name) == 0) {
            if (life_may(c->people[i].roles, VERB_ACCEPT))
                return ERR_OK;
            snprintf(why, why_size, "%s is not of the site or the contractor", name);
            return ERR_FORMAT;
        }
    if (*name)
        snprintf(why, why_size, "there is no person '%s' in the configuration", name);
    else
        snprintf(why, why_size, "'assign' needs a person: nobody is responsible yet");
    return ERR_FORMAT;
}

static bool may(const struct issue *i, const struct act *a)
{
    if (strcmp(a->by->name, STEP_MACHINE) == 0 || !life_may(a->by->roles, a->verb))
        return false;
    /* who is responsible judges nothing against himself */
    return life_roles(a->verb) & ROLE_SITE || strcmp(a->by->name, i->person) != 0;
}

int ledger_act(struct ledger *l, int64_t now_ms, const struct act *a, char **body, char *why, size_t why_size)
{
    const struct issue *i = book_issue(l, a->issue);
    if (!i) {
        snprintf(why, why_size, "there is no issue '%.40s'", a->issue);
        return ERR_NOT_FOUND;
    }
    if (!may(i, a))
        return refuse_role(a, why, why_size);
    enum issue_state to = life_next(i->state, a->verb);
    if (to == ISSUE__STATES)
        return refuse_state(i, a->verb, why, why_size);
    const char *person = a->person && *a->person ? a->person : i->person;
    int error = check_text(i, a, why, why_size);
    if (!error && a->verb == VERB_ASSIGN)
        error = check_assignee(l, person, why, why_size);
    if (error)
        return error;
    struct step s = {now_ms, i->id, a->by->name, a->verb, i->state, to};
    json_t *step = step_new(&s);
    if (a->as_root)
        json_object_set_new(step, "as_root", json_true());
    step_add_text(step, "text", a->text);
    step_add_text(step, "person", a->verb == VERB_ASSIGN ? person : NULL);
    return step_print(step, body);
}

/* --- looking --- */

const struct issue *ledger_issue(const struct ledger *l, const char *id)
{
    return book_issue(l, id);
}

int ledger_count(const struct ledger *l)
{
    return l->nissues;
}

const struct issue *ledger_at(const struct ledger *l, int i)
{
    return i >= 0 && i < l->nissues ? l->issues[i] : NULL;
}
