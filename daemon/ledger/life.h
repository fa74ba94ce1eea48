/* The tables of the ledger: which verb leads from which state to which, who may do what, what kinds of issues
 * there are. Const data; any thread. */
#ifndef DUST_LIFE_H
#define DUST_LIFE_H

#include "daemon/ledger/issue.h"

struct config;
struct person;

enum closer {
    CLOSER_PERSON, /* limits and requirements: only a person signs off (销号) */
    CLOSER_EVENT,  /* a vehicle's wash, a missed inspection: the next right event */
    CLOSER_SELF,   /* equipment and data: recovery (自动恢复) */
};

struct kind {
    const char *name;
    enum closer closer;
    const char *title_zh, *title_en;
    bool suspicion; /* a device's finding against somebody: 疑似 until a person confirms [proposal] */
    bool close_needs_text;
    enum level level; /* of an issue whose row says none [proposal] */
};

/* NULL: no such kind. */
const struct kind *kind_find(const char *name);

/* The state that `verb` leads to, ISSUE__STATES when it is not allowed. */
enum issue_state life_next(enum issue_state from, enum verb verb);

/* Roles (set of enum role) that may; 0: the machine's alone. The table is the configuration's (role_table),
 * or where that is empty the one that ships. */
unsigned life_roles(const struct config *c, enum verb verb);
bool life_machine(enum verb verb);
bool life_person(enum verb verb); /* somebody may, in any configuration */
bool life_needs_text(enum verb verb);

/* Confirming, assigning, looking again, returning, closing and dismissing judge the responsible unit. */
bool life_judges(enum verb verb);

/* Whether somebody may. Whatever the table says, who is of the responsible unit (role site or contractor, or
 * an organisation of kind unit) never judges, whatever other role he has. */
bool life_may(const struct config *c, const struct person *by, enum verb verb);

/* The verbs that somebody may on an issue in this state, "note photo"; returns `text`. */
char *life_allowed(const struct config *c, const struct issue *i, const struct person *by,
                   char text[static 160]);

int state_parse(const char *text, enum issue_state *s);

#endif
