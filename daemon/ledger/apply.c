/* What a step does to the ledger. Everything is checked before anything is changed. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ledger/book.h"
#include "daemon/ledger/life.h"

#include <stdio.h>
#include <string.h>

/* As long as an ended issue is published (design: cleared 35 days after closing). */
static const int64_t steps_kept_ms = (int64_t)35 * CLOCK_DAY_MS;

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void add_step(struct issue *i, int64_t seq, json_t *root)
{
    json_array_append(i->steps, root);
    if (json_array_size(i->steps) > ISSUE_STEPS_KEPT)
        json_array_remove(i->steps, 0);
    i->nsteps++;
    i->last_seq = seq;
}

/* A stamp under a key, 0 when absent. */
static bool read_stamp(const json_t *root, const char *key, int64_t *at_ms)
{
    const json_t *value = json_object_get(root, key);
    *at_ms = value ? json_integer_value(value) : 0;
    return !value || json_is_integer(value);
}

/* Rows of before there were levels have their kind's. */
static int read_level(const json_t *root, const char *kind, enum level *level)
{
    const char *text = step_string(root, "level", 16);
    *level = kind_find(kind)->level;
    if (!text)
        return ERR_FORMAT;
    return *text ? level_parse(text, level) : ERR_OK;
}

/* The names, deadlines and texts of an opening step. */
static int read_opening(const json_t *root, const struct step *s, struct issue *i)
{
    const json_t *about = json_object_get(root, "about"), *title = json_object_get(root, "title");
    const char *kind = step_string(about, "kind", sizeof i->kind);
    const char *subject = step_string(about, "subject", sizeof i->subject);
    const char *cause = step_string(about, "cause", sizeof i->cause);
    const char *person = step_string(root, "person", sizeof i->person);
    const char *previous = step_string(root, "previous", sizeof i->previous);
    const json_t *evidence = json_object_get(root, "evidence");
    if (book_key(kind, subject, cause, i->key) || !person || !previous ||
        !step_string(title, "zh", STEP_TITLE_MAX + 1) || !step_string(title, "en", STEP_TITLE_MAX + 1) ||
        (evidence && !json_is_object(evidence)) || !read_stamp(root, "answer_due", &i->answer_due_ms) ||
        !read_stamp(root, "rectify_due", &i->rectify_due_ms) || read_level(root, kind, &i->level))
        return ERR_FORMAT;
    copy(i->id, sizeof i->id, s->issue);
    copy(i->kind, sizeof i->kind, kind);
    copy(i->subject, sizeof i->subject, subject);
    copy(i->cause, sizeof i->cause, cause);
    copy(i->person, sizeof i->person, person);
    copy(i->previous, sizeof i->previous, previous);
    i->found_ms = s->ts;
    return ERR_OK;
}

/* Numbers rise; one open issue a key; `previous` is the ended one before it. */
static int check_place(const struct ledger *l, struct issue *i, struct number *number)
{
    struct number newest = {0};
    if (!number_parse(i->id, number))
        return ERR_FORMAT;
    if (l->nissues && number_parse(l->issues[l->nissues - 1]->id, &newest) &&
        number_compare(*number, newest) <= 0)
        return ERR_FORMAT;
    const struct issue *before = book_newest(l, i->key);
    if (before && issue_is_open(before))
        return ERR_FORMAT;
    if (strcmp(i->previous, before ? before->id : "") != 0)
        return ERR_FORMAT;
    i->relapse = book_relapse(before, i->found_ms);
    return ERR_OK;
}

/* Years of ended issues stay in memory, years of their steps need not. */
static void forget_old_steps(struct ledger *l, int64_t now_ms)
{
    for (int k = 0; k < l->nissues; k++) {
        const struct issue *i = l->issues[k];
        while (!issue_is_open(i) && now_ms - i->ended_ms > steps_kept_ms && json_array_size(i->steps) > 1)
            json_array_remove(i->steps, 0);
    }
}

static int apply_open(struct ledger *l, int64_t seq, json_t *root, const struct step *s)
{
    struct issue new = {.state = ISSUE_FOUND, .nevidence = 1};
    struct number number;
    if (s->from != ISSUE__STATES || s->to != ISSUE_FOUND || strcmp(s->by, STEP_MACHINE) != 0)
        return ERR_FORMAT;
    if (read_opening(root, s, &new) || check_place(l, &new, &number))
        return ERR_FORMAT;
    forget_old_steps(l, s->ts);
    new.first = json_incref(root);
    new.steps = json_array();
    add_step(&new, seq, root);
    l->issues = mem_resize(l->issues, (size_t)l->nissues + 1, sizeof(struct issue *));
    l->issues[l->nissues] = mem_new(struct issue);
    *l->issues[l->nissues++] = new;
    if (number_compare(number, l->last) > 0) {
        l->last = number;
        copy(l->last_id, sizeof l->last_id, new.id);
    }
    return ERR_OK;
}

static enum issue_state target(const struct issue *i, const struct step *s)
{
    if (s->verb != VERB_RECOVER || !issue_is_open(i))
        return life_next(i->state, s->verb);
    return kind_find(i->kind)->closer == CLOSER_PERSON ? ISSUE__STATES : book_recovered(i, s->ts);
}

static void take_effect(struct issue *i, const struct step *s, const char *person, bool machine)
{
    switch (s->verb) {
    case VERB_CONFIRM: i->confirmed = true; break;
    case VERB_ASSIGN: copy(i->person, sizeof i->person, person); break;
    case VERB_ANSWER: i->answered = true; break;
    case VERB_RECTIFY:
        i->rectified_ms = s->ts;
        i->answered = true; /* says what was done */
        break;
    case VERB_RETURN: i->rectified_ms = 0; break;
    default: break;
    }
    if (s->verb == VERB_EVIDENCE || (s->verb == VERB_RETURN && machine))
        i->nevidence++;
    i->state = s->to;
    if (!issue_is_open(i) && i->ended_ms == 0)
        i->ended_ms = s->ts;
}

static int apply_next(struct ledger *l, int64_t seq, json_t *root, const struct step *s)
{
    struct issue *i = book_issue(l, s->issue);
    if (!i || s->from != i->state || target(i, s) != s->to || s->to == ISSUE__STATES)
        return ERR_FORMAT;
    bool machine = strcmp(s->by, STEP_MACHINE) == 0;
    if (machine ? !life_machine(s->verb) : life_roles(s->verb) == 0)
        return ERR_FORMAT;
    const char *person = step_string(root, "person", sizeof i->person);
    if (!person || (s->verb == VERB_ASSIGN && !*person))
        return ERR_FORMAT;
    take_effect(i, s, person, machine);
    add_step(i, seq, root);
    return ERR_OK;
}

int ledger_apply(struct ledger *l, int64_t seq, const char *body)
{
    struct step s;
    size_t length = strlen(body);
    if (seq <= l->seq || length > LEDGER_STEP_MAX)
        return ERR_FORMAT;
    json_t *root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);
    int error = step_read(root, &s);
    if (!error)
        error = s.verb == VERB_OPEN ? apply_open(l, seq, root, &s) : apply_next(l, seq, root, &s);
    if (!error)
        l->seq = seq;
    json_decref(root);
    return error;
}
