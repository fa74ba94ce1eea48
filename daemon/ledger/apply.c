/* What a step does to the ledger. Everything is checked before anything is changed. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ledger/book.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/life.h"

#include <stdio.h>
#include <string.h>

/* As long as an ended issue is published (design: cleared 35 days after closing). */
static const int64_t steps_kept_ms = (int64_t)35 * CLOCK_DAY_MS;

static void copy(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

static void drop_first(struct issue *i)
{
    mem_free(i->steps[0]);
    i->nkept--;
    memmove(i->steps, i->steps + 1, (size_t)i->nkept * sizeof *i->steps);
}

static void add_step(struct issue *i, int64_t seq, const char *body)
{
    if (i->nkept == ISSUE_STEPS_KEPT)
        drop_first(i);
    i->steps = mem_resize(i->steps, (size_t)i->nkept + 1, sizeof *i->steps);
    i->steps[i->nkept++] = mem_string(body);
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

/* Check nodes under a key, 0 when absent. */
static bool read_nodes(const json_t *root, int64_t nodes_ms[static ISSUE_NODES])
{
    const json_t *list = json_object_get(root, "nodes");
    if (list && json_array_size(list) != ISSUE_NODES)
        return false;
    for (size_t i = 0; i < ISSUE_NODES && list; i++) {
        const json_t *node = json_array_get(list, i);
        nodes_ms[i] = json_integer_value(node);
        if (!json_is_integer(node))
            return false;
    }
    return true;
}

/* Deadline, check nodes and phase: of an opening step, or of an assignment that sets another. */
static int read_plan(const json_t *root, struct issue *i)
{
    const char *phase = step_string(root, "phase", sizeof i->phase);
    if (!phase || !read_stamp(root, "rectify_due", &i->rectify_due_ms) || !read_nodes(root, i->nodes_ms))
        return ERR_FORMAT;
    copy(i->phase, sizeof i->phase, phase);
    return ERR_OK;
}

static int read_way(const json_t *root, enum way *way)
{
    const char *text = step_string(root, "way", 16);
    *way = WAY_DEVICE;
    if (!text)
        return ERR_FORMAT;
    return *text ? way_parse(text, way) : ERR_OK;
}

/* The names, deadlines and texts of an opening step. Nothing of `i` is its own yet. */
static int read_opening(const json_t *root, const struct step *s, struct issue *i)
{
    const json_t *about = json_object_get(root, "about"), *title = json_object_get(root, "title");
    const char *kind = step_string(about, "kind", 16);
    const char *subject = step_string(about, "subject", sizeof i->subject);
    const char *cause = step_string(about, "cause", sizeof i->cause);
    const char *person = step_string(root, "person", sizeof i->person);
    const char *previous = step_string(root, "previous", sizeof i->previous);
    const json_t *evidence = json_object_get(root, "evidence");
    char key[BOOK_KEY_SIZE];
    if (book_key(kind, subject, cause, key) || !person || !previous ||
        !step_string(title, "zh", STEP_TITLE_MAX + 1) || !step_string(title, "en", STEP_TITLE_MAX + 1) ||
        (evidence && !json_is_object(evidence)) || !read_stamp(root, "answer_due", &i->answer_due_ms) ||
        read_plan(root, i) || read_level(root, kind, &i->level) || read_way(root, &i->way))
        return ERR_FORMAT;
    copy(i->id, sizeof i->id, s->issue);
    i->kind = kind_find(kind)->name;
    copy(i->subject, sizeof i->subject, subject);
    copy(i->cause, sizeof i->cause, cause);
    copy(i->person, sizeof i->person, person);
    copy(i->previous, sizeof i->previous, previous);
    i->found_ms = s->ts;
    return ERR_OK;
}

/* Rows of before there were levels say nothing of relapses: there it is the same key, closed within 30 days.
 */
static void read_relapse_before_levels(const struct issue *before, struct issue *i)
{
    static const int64_t within_ms = (int64_t)30 * CLOCK_DAY_MS;
    i->relapse = before && before->state == ISSUE_CLOSED && i->found_ms - before->ended_ms <= within_ms;
}

static int read_relapse(const struct ledger *l, const json_t *root, struct issue *i)
{
    const json_t *count = json_object_get(root, "relapses");
    const char *of = step_string(root, "relapse_of", sizeof i->relapse_of);
    if (!of || (*of != 0) != (count != NULL))
        return ERR_FORMAT;
    if (!*of)
        return ERR_OK;
    const struct issue *before = book_issue(l, of);
    if (!before || before->state != ISSUE_CLOSED || strcmp(before->kind, i->kind) != 0 ||
        strcmp(before->subject, i->subject) != 0 || !json_is_integer(count) ||
        json_integer_value(count) < 1 || json_integer_value(count) > 1000000)
        return ERR_FORMAT;
    i->relapse = true;
    i->relapses = (int)json_integer_value(count);
    copy(i->relapse_of, sizeof i->relapse_of, of);
    return ERR_OK;
}

/* Numbers rise; one open issue a key; `previous` is the ended one before it. */
static int check_place(const struct ledger *l, const json_t *root, struct issue *i, struct number *number)
{
    struct number newest = {0};
    char key[BOOK_KEY_SIZE];
    if (!number_parse(i->id, number) || book_key(i->kind, i->subject, i->cause, key))
        return ERR_FORMAT;
    if (l->nissues && number_parse(l->issues[l->nissues - 1]->id, &newest) &&
        number_compare(*number, newest) <= 0)
        return ERR_FORMAT;
    const struct issue *before = book_newest(l, key);
    if (before && issue_is_open(before))
        return ERR_FORMAT;
    if (strcmp(i->previous, before ? before->id : "") != 0)
        return ERR_FORMAT;
    if (json_object_get(root, "level"))
        return read_relapse(l, root, i);
    read_relapse_before_levels(before, i);
    return ERR_OK;
}

/* Years of ended issues stay in memory, years of their steps need not. */
static void forget_old_steps(struct ledger *l, int64_t now_ms)
{
    bool all = true;
    for (int k = l->nforgotten; k < l->nissues; k++) {
        struct issue *i = l->issues[k];
        bool old = !issue_is_open(i) && now_ms - i->ended_ms > steps_kept_ms;
        while (old && i->nkept > 1)
            drop_first(i);
        all = all && old;
        l->nforgotten += all;
    }
}

/* The machine finds; a person finds, or confirms by finding. */
static bool opens_legally(const struct step *s, const struct issue *i)
{
    bool machine = strcmp(s->by, STEP_MACHINE) == 0;
    if (s->from != ISSUE__STATES || machine != (i->way == WAY_DEVICE))
        return false;
    return s->to == ISSUE_FOUND || (!machine && s->to == ISSUE_CONFIRMED);
}

static int apply_open(struct ledger *l, int64_t seq, const json_t *root, const struct step *s,
                      const char *body)
{
    struct issue new = {.state = s->to, .nevidence = 1};
    struct number number;
    if (read_opening(root, s, &new) || !opens_legally(s, &new) || check_place(l, root, &new, &number))
        return ERR_FORMAT;
    const json_t *title = json_object_get(root, "title");
    forget_old_steps(l, s->ts);
    new.by_person = new.way != WAY_DEVICE;
    new.confirmed = s->to == ISSUE_CONFIRMED;
    new.title_zh = mem_string(step_string(title, "zh", STEP_TITLE_MAX + 1));
    new.title_en = mem_string(step_string(title, "en", STEP_TITLE_MAX + 1));
    add_step(&new, seq, body);
    book_add(l, &new);
    if (number_compare(number, l->last) > 0) {
        l->last = number;
        copy(l->last_id, sizeof l->last_id, new.id);
    }
    return ERR_OK;
}

/* What is recovered is over or waits for a person: which, the configuration of that time said. */
static bool leads_there(const struct issue *i, const struct step *s)
{
    if (s->to == ISSUE__STATES)
        return false;
    if (s->verb != VERB_RECOVER || !issue_is_open(i))
        return life_next(i->state, s->verb) == s->to;
    return kind_find(i->kind)->closer != CLOSER_PERSON && (s->to == ISSUE_CLOSED || s->to == i->state);
}

static bool photo_legal(const struct issue *i, const json_t *photo)
{
    const char *sha256 = step_string(photo, "sha256", 65), *when = step_string(photo, "when", 8);
    return i->nphotos < ISSUE_PHOTOS_MAX && sha256 && strlen(sha256) == 64 &&
           strspn(sha256, "0123456789abcdef") == 64 && when &&
           (strcmp(when, "before") == 0 || strcmp(when, "after") == 0) && step_string(photo, "type", 8) &&
           step_string(photo, "name", STEP_TITLE_MAX + 1) && json_is_integer(json_object_get(photo, "bytes"));
}

static void take_photo(struct issue *i, const json_t *photo)
{
    bool after = strcmp(step_string(photo, "when", 8), "after") == 0;
    i->before = i->before || !after;
    i->after = i->after || after;
    char *text = mem_array(json_dumpb(photo, NULL, 0, JSON_COMPACT) + 1, 1);
    json_dumpb(photo, text, json_dumpb(photo, NULL, 0, JSON_COMPACT), JSON_COMPACT);
    i->photos = mem_resize(i->photos, (size_t)i->nphotos + 1, sizeof *i->photos);
    i->photos[i->nphotos++] = text;
}

static void take_assignment(struct issue *i, const json_t *root)
{
    copy(i->person, sizeof i->person, step_string(root, "person", sizeof i->person));
    if (json_object_get(root, "rectify_due"))
        read_plan(root, i);
}

static void take_effect(struct issue *i, const struct step *s, const json_t *root, bool machine)
{
    switch (s->verb) {
    case VERB_CONFIRM: i->confirmed = true; break;
    case VERB_ASSIGN: take_assignment(i, root); break;
    case VERB_ANSWER: i->answered = true; break;
    case VERB_RECTIFY:
        i->rectified_ms = s->ts;
        i->answered = true; /* says what was done */
        i->inspected = false;
        break;
    case VERB_RETURN:
        i->rectified_ms = 0;
        i->after = false; /* what it shows was not good enough */
        break;
    case VERB_INSPECT: i->inspected = true; break;
    case VERB_RECOVER: i->recovered = true; break;
    case VERB_PHOTO: take_photo(i, json_object_get(root, "photo")); break;
    default: break;
    }
    if (s->verb == VERB_EVIDENCE || (s->verb == VERB_RETURN && machine)) {
        i->nevidence++;
        i->recovered = false;
    }
    i->state = s->to;
    if (!issue_is_open(i) && i->ended_ms == 0)
        i->ended_ms = s->ts;
}

/* What only some verbs carry. */
static bool carries_legally(const struct issue *i, const struct step *s, const json_t *root)
{
    struct issue scratch = {0};
    const char *person = step_string(root, "person", sizeof i->person);
    if (!person)
        return false;
    if (s->verb == VERB_PHOTO)
        return photo_legal(i, json_object_get(root, "photo"));
    return s->verb != VERB_ASSIGN || (*person && read_plan(root, &scratch) == ERR_OK);
}

static int apply_next(struct ledger *l, int64_t seq, const json_t *root, const struct step *s,
                      const char *body)
{
    struct issue *i = book_issue(l, s->issue);
    if (!i || s->from != i->state || !leads_there(i, s))
        return ERR_FORMAT;
    bool machine = strcmp(s->by, STEP_MACHINE) == 0;
    if (machine ? !life_machine(s->verb) : !life_person(s->verb))
        return ERR_FORMAT;
    if (!carries_legally(i, s, root))
        return ERR_FORMAT;
    take_effect(i, s, root, machine);
    add_step(i, seq, body);
    if (i->state == ISSUE_CLOSED && (s->verb == VERB_CLOSE || kind_find(i->kind)->closer == CLOSER_EVENT))
        book_close(l, i);
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
        error = s.verb == VERB_OPEN ? apply_open(l, seq, root, &s, body) : apply_next(l, seq, root, &s, body);
    if (!error)
        l->seq = seq;
    json_decref(root);
    return error;
}
