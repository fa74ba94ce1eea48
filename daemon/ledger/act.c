/* What people do: every refusal says what is allowed now. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "daemon/ledger/book.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/life.h"
#include "daemon/ledger/plan.h"

#include <stdio.h>
#include <string.h>

/* By bit of enum role. */
static const char *const role_names[] = {"site", "contractor", "community", "office", "inspector"};

static void say_allowed(const struct ledger *l, const struct issue *i, const struct person *by, char *why,
                        size_t why_size)
{
    char verbs[160];
    size_t n = strlen(why);
    life_allowed(l->config, i, by, verbs);
    snprintf(why + n, why_size - n, "; %s may now: %s", by->name, *verbs ? verbs : "nothing");
}

static int refuse_role(const struct ledger *l, const struct act *a, char *why, size_t why_size)
{
    char who[80] = "";
    unsigned roles = life_roles(l->config, a->verb);
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++)
        if (roles & 1u << i)
            snprintf(who + strlen(who), sizeof who - strlen(who), "%s%s", *who ? ", " : "", role_names[i]);
    if (a->verb == VERB_OPEN)
        snprintf(why, why_size, "'open' makes a new issue");
    else if (!*who)
        snprintf(why, why_size, "'%s' is the machine's", verb_str(a->verb));
    else
        snprintf(why, why_size, "%s may not '%s': that is for %s%s", a->by->name, verb_str(a->verb), who,
                 life_judges(a->verb) ? ", and never for the responsible unit itself" : "");
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

/* Said again: to another, or until another day. What went before is in the step. */
static bool reassigns(const struct issue *i, enum verb verb)
{
    return verb == VERB_ASSIGN && i->state != ISSUE_CONFIRMED;
}

static int check_text(const struct issue *i, const struct act *a, char *why, size_t why_size)
{
    bool needed = life_needs_text(a->verb) || reassigns(i, a->verb) ||
                  (a->verb == VERB_CLOSE && kind_find(i->kind)->close_needs_text);
    if (a->text && *a->text)
        return step_check_text(a->text, why, why_size);
    if (!needed)
        return ERR_OK;
    snprintf(why, why_size, "'%s' needs a text: what was found or done, or why", verb_str(a->verb));
    return ERR_FORMAT;
}

/* One of the responsible unit, who can accept it. */
static int check_responsible(const struct ledger *l, const char *name, char *why, size_t why_size)
{
    const struct person *p = config_person(l->config, name);
    if (p && life_may(l->config, p, VERB_ACCEPT))
        return ERR_OK;
    if (p)
        snprintf(why, why_size, "%s is not of the site or the contractor", name);
    else if (*name)
        snprintf(why, why_size, "there is no person '%.60s' in the configuration", name);
    else
        snprintf(why, why_size, "'assign' needs a person: nobody is responsible yet");
    return ERR_FORMAT;
}

/* A deadline that a person sets is still to come, and within the campaign's phase. */
static int check_due(const struct ledger *l, int64_t now_ms, int64_t due_ms, char *why, size_t why_size)
{
    char text[32];
    const struct campaign_phase *phase;
    int64_t latest_ms = plan_due(l->config, now_ms, due_ms, &phase);
    int zone_min = l->config->site.zone_min;
    if (due_ms <= now_ms) {
        snprintf(why, why_size, "the deadline %.16s has passed; allowed: one that is still to come",
                 clock_text(due_ms, zone_min, text));
        return ERR_FORMAT;
    }
    if (due_ms > now_ms + (int64_t)3650 * CLOCK_DAY_MS) {
        snprintf(why, why_size, "the deadline is more than ten years away");
        return ERR_FORMAT;
    }
    if (!phase)
        return ERR_OK;
    snprintf(why, why_size, "the deadline is after the campaign's phase %s; allowed: until %.16s",
             phase->name, clock_text(latest_ms, zone_min, text));
    return ERR_FORMAT;
}

/* To whom: whoever is responsible already, when nobody is named. */
static const char *assignee(const struct issue *i, const struct act *a)
{
    return a->person && *a->person ? a->person : i->person;
}

static int check_assign(const struct ledger *l, int64_t now_ms, const struct act *a, char *why,
                        size_t why_size)
{
    const struct issue *i = book_issue(l, a->issue);
    const char *person = assignee(i, a);
    int error = check_responsible(l, person, why, why_size);
    if (!error && a->due_ms)
        error = check_due(l, now_ms, a->due_ms, why, why_size);
    if (error || !reassigns(i, a->verb) || a->due_ms || strcmp(person, i->person) != 0)
        return error;
    snprintf(why, why_size, "%s is assigned to %s already; 'assign' again takes another person or a deadline",
             i->id, person);
    return ERR_FORMAT;
}

/* What the configuration demands before the work counts as done, and before it is signed off. */
static int check_duty(const struct ledger *l, const struct issue *i, const struct act *a, char *why,
                      size_t why_size)
{
    const struct duty *is = config_duty(l->config, i->kind, i->subject);
    const char *verb = verb_str(a->verb);
    why[0] = 0;
    if (is && is->photo_before && !i->before)
        snprintf(why, why_size, "'%s' takes a photo of before: dustctl issue %s photo FILE before", verb,
                 i->id);
    else if (is && is->photo_after && !i->after)
        snprintf(why, why_size, "'%s' takes a photo of after: dustctl issue %s photo FILE after", verb,
                 i->id);
    else if (is && a->verb == VERB_CLOSE && is->inspection && !i->inspected)
        snprintf(why, why_size, "'close' takes a fresh inspection: dustctl issue %s inspect TEXT", i->id);
    else if (is && a->verb == VERB_CLOSE && a->clean_windows < is->clean_windows &&
             strcmp(i->kind, "limit") == 0)
        snprintf(why, why_size, "'close' takes %d windows that were kept, one after the other; there are %d",
                 is->clean_windows, a->clean_windows > 0 ? a->clean_windows : 0);
    return why[0] ? ERR_STATE : ERR_OK;
}

static int check_photo(const struct issue *i, const struct act *a, char *why, size_t why_size)
{
    const struct photo *p = a->photo;
    bool open = i->state == ISSUE_WORKING || i->state == ISSUE_REVIEW;
    const char *when = p && p->when && *p->when ? p->when : "";
    why[0] = 0;
    if (!p)
        snprintf(why, why_size, "'photo' needs a photo");
    else if (strlen(p->sha256) != 64 || strspn(p->sha256, "0123456789abcdef") != 64)
        snprintf(why, why_size, "a photo is named by 64 hex digits");
    else if (i->nphotos >= ISSUE_PHOTOS_MAX)
        snprintf(why, why_size, "%s has %d photos; allowed: at most %d", i->id, i->nphotos, ISSUE_PHOTOS_MAX);
    else if (*when && strcmp(when, "before") != 0 && strcmp(when, "after") != 0)
        snprintf(why, why_size, "a photo is of 'before' or 'after'");
    else if (strcmp(when, "after") == 0 && !open)
        snprintf(why, why_size, "%s is %s: a photo of after is possible from working, review", i->id,
                 issue_state_str(i->state));
    return why[0] ? ERR_FORMAT : ERR_OK;
}

static bool may(const struct ledger *l, const struct issue *i, const struct act *a)
{
    if (a->verb == VERB_OPEN || strcmp(a->by->name, STEP_MACHINE) == 0 ||
        !life_may(l->config, a->by, a->verb))
        return false;
    /* who is responsible judges nothing against himself */
    return !life_judges(a->verb) || strcmp(a->by->name, i->person) != 0;
}

int ledger_may(const struct ledger *l, const struct act *a, char *why, size_t why_size)
{
    const struct issue *i = book_issue(l, a->issue);
    if (!i) {
        snprintf(why, why_size, "there is no issue '%.40s'", a->issue);
        return ERR_NOT_FOUND;
    }
    int error = !may(l, i, a)                                   ? refuse_role(l, a, why, why_size)
                : life_next(i->state, a->verb) == ISSUE__STATES ? refuse_state(i, a->verb, why, why_size)
                                                                : ERR_OK;
    if (error)
        say_allowed(l, i, a->by, why, why_size);
    return error;
}

static int check(const struct ledger *l, int64_t now_ms, const struct act *a, char *why, size_t why_size)
{
    const struct issue *i = book_issue(l, a->issue);
    int error = check_text(i, a, why, why_size);
    if (!error && a->verb == VERB_ASSIGN)
        error = check_assign(l, now_ms, a, why, why_size);
    if (!error && a->verb == VERB_PHOTO)
        error = check_photo(i, a, why, why_size);
    if (!error && (a->verb == VERB_RECTIFY || a->verb == VERB_CLOSE))
        error = check_duty(l, i, a, why, why_size);
    return error;
}

/* A name is shown, never opened: what stands before its last slash is nobody's business. */
static void add_photo(const struct issue *i, const struct photo *p, json_t *step)
{
    const char *slash = p->name ? strrchr(p->name, '/') : NULL;
    const char *name = slash ? slash + 1 : p->name ? p->name : "";
    bool after = i->state == ISSUE_WORKING || i->state == ISSUE_REVIEW;
    const char *when = p->when && *p->when ? p->when : after ? "after" : "before";
    json_t *photo = json_pack("{s:s,s:I,s:s,s:s}", "sha256", p->sha256, "bytes", (json_int_t)p->bytes, "type",
                              p->type, "when", when);
    json_object_set_new(photo, "name", step_text(name));
    json_object_set_new(step, "photo", photo);
}

static void add_assignment(const struct ledger *l, int64_t now_ms, const struct issue *i, const struct act *a,
                           json_t *step)
{
    step_add_text(step, "person", assignee(i, a));
    if (a->due_ms)
        book_plan(l, now_ms, a->due_ms, step);
    if (!reassigns(i, a->verb))
        return;
    json_t *before = json_pack("{s:s}", "person", i->person);
    if (i->rectify_due_ms)
        json_object_set_new(before, "rectify_due", json_integer(i->rectify_due_ms));
    json_object_set_new(step, "before", before);
}

int ledger_act(struct ledger *l, int64_t now_ms, const struct act *a, char **body, char *why, size_t why_size)
{
    int error = ledger_may(l, a, why, why_size);
    if (error)
        return error;
    const struct issue *i = book_issue(l, a->issue);
    error = check(l, now_ms, a, why, why_size);
    if (error)
        return error;
    struct step s = {now_ms, i->id, a->by->name, a->verb, i->state, life_next(i->state, a->verb)};
    json_t *step = step_new(&s);
    if (a->as_root)
        json_object_set_new(step, "as_root", json_true());
    step_add_text(step, "text", a->text);
    if (a->verb == VERB_ASSIGN)
        add_assignment(l, now_ms, i, a, step);
    if (a->verb == VERB_PHOTO)
        add_photo(i, a->photo, step);
    return step_print(step, body);
}

/* --- findings by people --- */

static int check_category(const struct ledger *l, const char *name, char *why, size_t why_size)
{
    const struct issue_rules *is = &l->config->issues;
    if (name && config_category(l->config, name))
        return ERR_OK;
    int n = snprintf(why, why_size, "there is no category '%.40s'; allowed:", name ? name : "");
    for (int i = 0; i < is->ncategories && n > 0 && (size_t)n < why_size; i++)
        n += snprintf(why + n, why_size - (size_t)n, " %s", is->categories[i].name);
    return ERR_FORMAT;
}

static int check_place(const char *place, char *why, size_t why_size)
{
    const struct issue *sizes = NULL;
    if (!place || !*place) {
        snprintf(why, why_size, "'open' needs a place: where it is");
        return ERR_FORMAT;
    }
    if (strlen(place) >= sizeof sizes->cause || strchr(place, '|')) {
        snprintf(why, why_size,
                 "the place has %zu bytes; allowed: at most %zu (about %zu Chinese characters), no |",
                 strlen(place), sizeof sizes->cause - 1, (sizeof sizes->cause - 1) / 3);
        return ERR_FORMAT;
    }
    return step_check_text(place, why, why_size);
}

static int check_report_text(const char *text, char *why, size_t why_size)
{
    if (text && *text && strlen(text) <= STEP_TITLE_MAX)
        return step_check_text(text, why, why_size);
    snprintf(why, why_size,
             "'open' needs a text of what was found, at most %d bytes (about %d Chinese characters)",
             STEP_TITLE_MAX, STEP_TITLE_MAX / 3);
    return ERR_FORMAT;
}

static int check_words(const struct report *r, enum way *way, int *level, char *why, size_t why_size)
{
    enum level grave;
    *level = -1;
    if (!r->way || way_parse(r->way, way) || *way == WAY_DEVICE) {
        snprintf(why, why_size,
                 "'open' needs how it was found: inspection, spot, unannounced, visit or complaint");
        return ERR_FORMAT;
    }
    if (!r->level || !*r->level)
        return ERR_OK;
    if (level_parse(r->level, &grave)) {
        snprintf(why, why_size, "there is no level '%.20s'; allowed: general major critical", r->level);
        return ERR_FORMAT;
    }
    *level = (int)grave;
    return ERR_OK;
}

static int check_new(const struct ledger *l, const struct report *r, char *why, size_t why_size)
{
    char key[BOOK_KEY_SIZE];
    if (book_key("finding", r->category, r->place, key))
        return ERR_FORMAT;
    const struct issue *open = book_newest(l, key);
    if (!open || !issue_is_open(open))
        return ERR_OK;
    snprintf(why, why_size, "%s is open for this category and place: add a note or a photo to it", open->id);
    return ERR_STATE;
}

static int check_report(const struct ledger *l, const struct report *r, enum way *way, int *level, char *why,
                        size_t why_size)
{
    if (strcmp(r->by->name, STEP_MACHINE) == 0 || !life_may(l->config, r->by, VERB_OPEN)) {
        snprintf(why, why_size, "%s may not 'open': the roles of the configuration say who may", r->by->name);
        return ERR_DENIED;
    }
    int error = check_category(l, r->category, why, why_size);
    if (!error)
        error = check_place(r->place, why, why_size);
    if (!error)
        error = check_report_text(r->text, why, why_size);
    if (!error)
        error = check_words(r, way, level, why, why_size);
    if (!error && r->person && *r->person)
        error = check_responsible(l, r->person, why, why_size);
    return error ? error : check_new(l, r, why, why_size);
}

int ledger_report(struct ledger *l, int64_t now_ms, const struct report *r, char **body, char id[static 32],
                  char why[static LEDGER_WHY_SIZE])
{
    enum way way = WAY_INSPECTION;
    int level, error = check_report(l, r, &way, &level, why, LEDGER_WHY_SIZE);
    if (error)
        return error;
    bool sure = way != WAY_COMPLAINT && life_may(l->config, r->by, VERB_CONFIRM) &&
                !(r->person && strcmp(r->person, r->by->name) == 0);
    struct opening o = {.kind = "finding",
                        .subject = r->category,
                        .cause = r->place,
                        .by = r->by->name,
                        .person = r->person,
                        .to = sure ? ISSUE_CONFIRMED : ISSUE_FOUND,
                        .way = way,
                        .level = level};
    json_t *step = book_opening(l, now_ms, &o);
    if (r->as_root)
        json_object_set_new(step, "as_root", json_true());
    step_add_title(step, r->text, r->text);
    snprintf(id, 32, "%s", step_string(step, "subject", 32));
    return step_print(step, body);
}
