/* The ledger of problems (问题台账): issues and their life cycle (design: found 疑似 -> confirmed 已确认 ->
 * assigned 交办 -> working 整改中 -> review 待复核 -> closed 销号; dismissed 误报). Pure: an issue is what
 * its steps make it, a step is the body of one journal row, so the ledger is made anew from the journal. Main
 * thread. */
#ifndef DUST_LEDGER_H
#define DUST_LEDGER_H

#include "daemon/ledger/issue.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;

enum { LEDGER_STEP_MAX = 8000 }; /* bytes of JSON */

struct ledger;

/* Without issues. `c` must outlive it, or be replaced at a reload. The caller's (ledger_destroy). */
struct ledger *ledger_create(const struct config *c);

/* Reload: from now on `c` says who the people are and how numbers start. Issues stay as they are, also those
 * of limits and points that are gone: a person ends them. */
void ledger_configure(struct ledger *l, const struct config *c);

/* What people have said of the days of work since, said again at start in the order of the rows: "holiday",
 * "suspended" or "work" in [from_ms, to_ms); the stage of construction from `from_ms` on, of which
 * "suspended" counts. It moves the check nodes of deadlines that are set from now on; those that are written
 * down stay. */
void ledger_declare(struct ledger *l, int64_t now_ms, const char *what, int64_t from_ms, int64_t to_ms);
void ledger_stage(struct ledger *l, int64_t now_ms, const char *stage, int64_t from_ms);

/* What a machine's finding says. `evidence` is a JSON object that becomes the step's (the reference is
 * taken). */
struct finding {
    const char *kind, *subject, *cause;
    const char *text_zh, *text_en; /* what happened, as people read it */
    const char *person;
    int64_t answer_ms, rectify_ms; /* allowed from now; 0: as config_duty says, else none */
    json_t *evidence;
};

/* A finding opens an issue, or adds evidence to the open one of the same key, or returns one that waits for
 * review. `body` is the step as a journal body (mem_free), `id` the issue's. Nothing changes before
 * ledger_apply: apply each step before the next is asked for. Texts are cut to 400 bytes on a code point;
 * ERR_FORMAT: unknown kind, names too long, evidence that is no object or more than 4 KiB. */
int ledger_find(struct ledger *l, int64_t now_ms, const struct finding *f, char **body, char id[static 32]);

/* The trouble is over; of `f` the names and the evidence count. Equipment and data kinds (自动恢复) and
 * events close themselves by it; an outage past its first deadline stays for a person to close and only notes
 * it, once until it is found again. ERR_NOT_FOUND: nothing is open, or it is noted. ERR_STATE: only a person
 * closes this kind. ERR_FORMAT as ledger_find.
 */
int ledger_recover(struct ledger *l, int64_t now_ms, const struct finding *f, char **body,
                   char id[static 32]);

/* What an earlier finding said does not stand any more (something came late, a meter turned out to be stuck).
 * That is evidence of the open issue, whose state it leaves: a person judges what remains. ERR_NOT_FOUND:
 * nothing is open. ERR_FORMAT as ledger_find. */
int ledger_withdraw(struct ledger *l, int64_t now_ms, const struct finding *f, char **body,
                    char id[static 32]);

/* What a person has found. All texts are needed but `person` and `level`. */
struct report {
    const struct person *by;
    bool as_root;
    const char *category; /* one of the configuration's */
    const char *place;    /* at most 95 bytes */
    const char *way;      /* "inspection" … */
    const char *text;     /* what was found */
    const char *person;   /* who is responsible; NULL or "": whoever it is assigned to */
    const char *level;    /* NULL or "": the category's */
};

/* A new issue of kind "finding". Confirmed at once when who finds it may confirm and it is no complaint.
 * Errors as of ledger_act; ERR_STATE: one is open for the same category and place. */
enum { LEDGER_WHY_SIZE = 400 };
int ledger_report(struct ledger *l, int64_t now_ms, const struct report *r, char **body, char id[static 32],
                  char why[static LEDGER_WHY_SIZE]);

/* A photo that is kept already. */
struct photo {
    const char *sha256; /* 64 hex digits */
    const char *type;   /* "jpg" */
    const char *name;   /* as the sender called it */
    int64_t bytes;
    const char *when; /* "before", "after"; NULL or "": by the state */
};

/* What a person does, as life.c's tables allow: state x verb, role x verb. `as_root` is recorded. Assigning
 * what is assigned or worked on already needs a text, changes person or deadline, has both as they were in
 * the step's "before", and must be accepted anew. ERR_DENIED, ERR_STATE, ERR_NOT_FOUND, ERR_FORMAT (a text is
 * missing or over 1,000 bytes) with `why` in plain words. */
struct act {
    const char *issue;
    enum verb verb;
    const struct person *by;
    bool as_root;
    const char *text;   /* the reason, the measure; some verbs need one */
    const char *person; /* assign: to whom; NULL or "": who is responsible already */
    int64_t due_ms;     /* assign: until when; 0: as it is */
    const struct photo *photo;
    int clean_windows; /* close: so many windows of its limit and point were kept one after the other */
};
int ledger_act(struct ledger *l, int64_t now_ms, const struct act *a, char **body, char *why,
               size_t why_size);

/* Whether somebody may `verb` on the issue now, so that main need not take in what will be refused. */
int ledger_may(const struct ledger *l, const struct act *a, char *why, size_t why_size);

/* Applies a step row (kind "issue"): now, or at start from the journal. ERR_FORMAT for a body that is no step
 * of this ledger (unreadable, from another state, out of turn, an old seq): nothing of it is applied. */
int ledger_apply(struct ledger *l, int64_t seq, const char *body);

/* Issue numbers go on after `last` ("LQ-2026-0007"), from journal.last of a lost database. */
void ledger_continue(struct ledger *l, const char *last);
const char *ledger_last_number(const struct ledger *l); /* "" none */

/* The issue of that number, NULL: none. It may move or change with the next step that is applied. */
const struct issue *ledger_issue(const struct ledger *l, const char *id);
int ledger_relapses(const struct ledger *l); /* of the site in this construction cycle */
int ledger_count(const struct ledger *l);
const struct issue *ledger_at(const struct ledger *l, int i); /* by number */

void ledger_destroy(struct ledger *l);

#endif
