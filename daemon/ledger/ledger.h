/* The ledger of problems (问题台账): issues and their life cycle (design: found 疑似 -> confirmed 已确认 ->
 * assigned 交办 -> working 整改中 -> review 待复核 -> closed 销号; dismissed 误报). Pure: an issue is what
 * its steps make it, a step is the body of one journal row, so the ledger is made anew from the journal. Main
 * thread. */
#ifndef DUST_LEDGER_H
#define DUST_LEDGER_H

#include "daemon/config/duty.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct config;

enum issue_state {
    ISSUE_FOUND,
    ISSUE_CONFIRMED,
    ISSUE_ASSIGNED,
    ISSUE_WORKING,
    ISSUE_REVIEW,
    ISSUE_CLOSED,
    ISSUE_DISMISSED,
    ISSUE__STATES
};

/* What anybody may do; evidence and recover are the machine's, and open is too. */
enum verb {
    VERB_OPEN,
    VERB_EVIDENCE,
    VERB_RECOVER,
    VERB_CONFIRM,
    VERB_ASSIGN,
    VERB_ACCEPT,
    VERB_ANSWER,
    VERB_RECTIFY,
    VERB_RETURN,
    VERB_CLOSE,
    VERB_DISMISS,
    VERB_NOTE,
    VERB_INSPECT, /* 复查: looked again while it waits for review */
    VERB_PHOTO,
    VERB__COUNT
};

/* How it was found (发现方式). */
enum way {
    WAY_DEVICE,
    WAY_INSPECTION,  /* 检查 */
    WAY_SPOT,        /* 抽查 */
    WAY_UNANNOUNCED, /* 暗访 */
    WAY_VISIT,       /* 观摩 */
    WAY_COMPLAINT,   /* 群众: a person must confirm it */
    WAY__COUNT
};

enum light { LIGHT_GREEN, LIGHT_YELLOW, LIGHT_RED }; /* on time; 24 h or less left; overdue */

enum { ISSUE_NODES = 3, ISSUE_PHOTOS_MAX = 40 };

struct issue {
    char id[32];      /* "LQ-2026-0001" */
    const char *kind; /* "limit", "device", "finding" */
    char subject[96]; /* limit id, device name, category of what people find */
    char cause[96];   /* point or device; of what people find the place */
    enum issue_state state;
    enum level level; /* as it was opened; a relapse is one level up */
    enum way way;
    int64_t found_ms, answer_due_ms, rectify_due_ms, ended_ms; /* 0: none */
    int64_t nodes_ms[ISSUE_NODES]; /* 50, 80, 100 % of the working time until rectify_due_ms; 0: none */
    char phase[32];                /* of the campaign, which set the last day; "" none */
    char person[64];               /* responsible */
    int64_t rectified_ms;          /* since when it waits for review; 0 */
    int nsteps, nevidence;
    bool answered;
    bool confirmed;      /* by a person; until then a device's finding is a lead (线索) */
    bool by_person;      /* found by one */
    bool before, after;  /* there is a photo of before; of after, since it was last returned */
    bool inspected;      /* since it was rectified */
    bool recovered;      /* by itself, since it was found last; a person closes it all the same */
    bool relapse;        /* 反弹: found again soon after the one before was signed off */
    int relapses;        /* which one of this kind and subject in this construction cycle, 0: none */
    char relapse_of[32]; /* which, of the same kind and subject; "" none */
    char previous[32];   /* the issue of the same kind, subject and cause before this one; "" none */
    int64_t last_seq;
    char *title_zh, *title_en; /* what was found, its own */
    char **steps; /* bodies of the last 20; from 35 days after the end of the last one. Its own */
    int nkept;
    char **photos; /* JSON of each, its own */
    int nphotos;
};

enum { LEDGER_ISSUE_MAX = 12000, LEDGER_STEP_MAX = 8000 }; /* bytes of JSON */

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
bool issue_is_open(const struct issue *i);
enum light issue_light(const struct issue *i, int64_t now_ms);

/* {"zh","en"}: its kind and what was found, "疑似…" or, of what people say, "反映问题，待核实" until a person
 * has confirmed it. A new reference. */
json_t *issue_title(const struct issue *i);

/* The issue as published and shown, at most LEDGER_ISSUE_MAX bytes (older steps are left out):
 * {"id","state","state_zh","kind","subject","cause","title":{zh,en},"basis":{zh,en},"level","level_zh","way","way_zh","person","found",
 * "answer_due","rectify_due","nodes":[ms,ms,ms],"phase","ended","light","overdue","answered","evidence","previous",
 * "relapse","relapse_of","relapses","photos":[…],"nsteps","steps":[…]}; what there is none of is absent.
 * `brief`: without the steps. Added to `out`; or the same as a tree, a new reference. */
void issue_print(const struct issue *i, int64_t now_ms, bool brief, struct buf *out);
json_t *issue_json(const struct issue *i, int64_t now_ms);
json_t *issue_json_brief(const struct issue *i, int64_t now_ms);

const char *issue_state_str(enum issue_state s); /* "found" */
const char *issue_state_zh(enum issue_state s);  /* "疑似" */
const char *level_str(enum level l);             /* "general" */
const char *level_zh(enum level l);              /* "一般" */
int level_parse(const char *text, enum level *l);
const char *light_str(enum light l); /* "green" */
const char *way_str(enum way w);     /* "spot" */
const char *way_zh(enum way w);      /* "抽查" */
int way_parse(const char *text, enum way *w);
const char *verb_str(enum verb v);
int verb_parse(const char *text, enum verb *v);

void ledger_destroy(struct ledger *l);

#endif
