/* One issue of the ledger (ledger.h): what its steps have made it, and how it is shown. Pure. Main thread;
 * the words of states, levels, ways and verbs any thread. */
#ifndef DUST_ISSUE_H
#define DUST_ISSUE_H

#include "daemon/config/duty.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct buf;

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

enum { LEDGER_ISSUE_MAX = 12000 }; /* bytes of JSON */

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

#endif
