#include "daemon/ledger/ledger.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
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

void ledger_declare(struct ledger *l, int64_t now_ms, const char *what, int64_t from_ms, int64_t to_ms)
{
    declared_day(&l->declared, now_ms, what, from_ms, to_ms);
}

void ledger_stage(struct ledger *l, int64_t now_ms, const char *stage, int64_t from_ms)
{
    declared_stage(&l->declared, now_ms, stage, from_ms);
}

static void issue_finish(struct issue *i)
{
    for (int k = 0; k < i->nkept; k++)
        mem_free(i->steps[k]);
    for (int k = 0; k < i->nphotos; k++)
        mem_free(i->photos[k]);
    mem_free(i->steps);
    mem_free(i->photos);
    mem_free(i->title_zh);
    mem_free(i->title_en);
}

void ledger_destroy(struct ledger *l)
{
    if (!l)
        return;
    for (int i = 0; i < l->nissues; i++) {
        issue_finish(l->issues[i]);
        mem_free(l->issues[i]);
    }
    declared_free(l->declared);
    index_finish(&l->by_id);
    index_finish(&l->by_key);
    index_finish(&l->by_item);
    mem_free(l->issues);
    mem_free(l);
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

static json_t *opening_step(const struct ledger *l, int64_t now_ms, const struct finding *f)
{
    struct opening o = {f->kind,     f->subject, f->cause, STEP_MACHINE, f->person,
                        ISSUE_FOUND, WAY_DEVICE, -1,       f->answer_ms, f->rectify_ms};
    json_t *step = book_opening(l, now_ms, &o);
    step_add_title(step, f->text_zh, f->text_en);
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
    char key[BOOK_KEY_SIZE];
    int error = ERR_FORMAT;
    if (book_key(f->kind, f->subject, f->cause, key) == ERR_OK && finding_legal(f)) {
        const struct issue *i = book_newest(l, key);
        bool open = i && issue_is_open(i);
        enum verb verb = open && i->state == ISSUE_REVIEW ? VERB_RETURN : VERB_EVIDENCE;
        json_t *step = open ? further_step(i, now_ms, f, verb) : opening_step(l, now_ms, f);
        error = print_with_evidence(step, f->evidence, body, id);
    }
    json_decref(f->evidence);
    return error;
}

int ledger_withdraw(struct ledger *l, int64_t now_ms, const struct finding *f, char **body,
                    char id[static 32])
{
    char key[BOOK_KEY_SIZE];
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

static json_t *recovery_step(const struct ledger *l, const struct issue *i, int64_t now_ms)
{
    struct step s = {now_ms, i->id, STEP_MACHINE, VERB_RECOVER, i->state, book_recovered(l, i, now_ms)};
    json_t *step = step_new(&s);
    if (s.to == ISSUE_CLOSED)
        step_add_title(step, "自动恢复", "Recovered by itself");
    else
        step_add_title(step, "已恢复，待人员销号", "Recovered: a person closes it");
    return step;
}

static int recover_error(const struct ledger *l, int64_t now_ms, const struct finding *f,
                         char key[static BOOK_KEY_SIZE])
{
    if (book_key(f->kind, f->subject, f->cause, key) || !finding_legal(f))
        return ERR_FORMAT;
    const struct issue *i = book_newest(l, key);
    if (!i || !issue_is_open(i))
        return ERR_NOT_FOUND;
    if (kind_find(f->kind)->closer == CLOSER_PERSON)
        return ERR_STATE;
    return i->recovered && book_recovered(l, i, now_ms) == i->state ? ERR_NOT_FOUND : ERR_OK;
}

int ledger_recover(struct ledger *l, int64_t now_ms, const struct finding *f, char **body, char id[static 32])
{
    char key[BOOK_KEY_SIZE];
    int error = recover_error(l, now_ms, f, key);
    if (!error)
        error = print_with_evidence(recovery_step(l, book_newest(l, key), now_ms), f->evidence, body, id);
    json_decref(f->evidence);
    return error;
}

/* --- looking --- */

const struct issue *ledger_issue(const struct ledger *l, const char *id)
{
    return book_issue(l, id);
}

int ledger_relapses(const struct ledger *l)
{
    int n = 0;
    for (int i = 0; i < l->nissues; i++)
        n += l->issues[i]->relapse && l->issues[i]->found_ms >= l->config->issues.cycle_ms;
    return n;
}

int ledger_count(const struct ledger *l)
{
    return l->nissues;
}

const struct issue *ledger_at(const struct ledger *l, int i)
{
    return i >= 0 && i < l->nissues ? l->issues[i] : NULL;
}
