#include "daemon/ledger/life.h"

#include "daemon/base/err.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum {
    UNIT = ROLE_SITE | ROLE_CONTRACTOR,                        /* 责任单位 */
    AUTHORITY = ROLE_COMMUNITY | ROLE_OFFICE | ROLE_INSPECTOR, /* 属地、主管部门、检查人员 */
    ALL = UNIT | AUTHORITY,
    NO = ISSUE__STATES
};

#define F ISSUE_FOUND
#define C ISSUE_CONFIRMED
#define A ISSUE_ASSIGNED
#define W ISSUE_WORKING
#define R ISSUE_REVIEW
#define X ISSUE_CLOSED
#define D ISSUE_DISMISSED

#define TABLE(verb) offsetof(struct role_table, verb)
#define MACHINE     SIZE_MAX

/* Columns: whose in the configuration's table; roles as shipped; the machine may; it judges; it needs a text;
 * from found, confirmed, assigned, working, review, closed, dismissed. */
// clang-format off
static const struct {
    const char *name;
    size_t table;
    unsigned roles;
    bool machine, judges, text;
    unsigned char next[ISSUE__STATES];
} verbs[VERB__COUNT] = {
    [VERB_OPEN]     = {"open",     TABLE(open),      ALL,       true,  false, false, {NO, NO, NO, NO, NO, NO, NO}},
    [VERB_EVIDENCE] = {"evidence", MACHINE,          0,         true,  false, false, { F,  C,  A,  W,  R, NO, NO}},
    [VERB_RECOVER]  = {"recover",  MACHINE,          0,         true,  false, false, { X,  X,  X,  X,  X, NO, NO}},
    [VERB_CONFIRM]  = {"confirm",  TABLE(confirm),   AUTHORITY, false, true,  false, { C, NO, NO, NO, NO, NO, NO}},
    [VERB_ASSIGN]   = {"assign",   TABLE(assign),    AUTHORITY, false, true,  false, {NO,  A,  A,  A, NO, NO, NO}},
    [VERB_ACCEPT]   = {"accept",   TABLE(accept),    UNIT,      false, false, false, {NO, NO,  W, NO, NO, NO, NO}},
    [VERB_ANSWER]   = {"answer",   TABLE(answer),    UNIT,      false, false, true,  { F,  C,  A,  W,  R, NO, NO}},
    [VERB_RECTIFY]  = {"rectify",  TABLE(rectify),   UNIT,      false, false, true,  {NO, NO, NO,  R, NO, NO, NO}},
    [VERB_RETURN]   = {"return",   TABLE(send_back), AUTHORITY, true,  true,  true,  {NO, NO, NO, NO,  W, NO, NO}},
    [VERB_CLOSE]    = {"close",    TABLE(close),     AUTHORITY, false, true,  false, {NO, NO, NO, NO,  X, NO, NO}},
    [VERB_DISMISS]  = {"dismiss",  TABLE(dismiss),   AUTHORITY, false, true,  true,  { D,  D,  D,  D,  D, NO, NO}},
    [VERB_NOTE]     = {"note",     TABLE(note),      ALL,       false, false, true,  { F,  C,  A,  W,  R,  X,  D}},
    [VERB_INSPECT]  = {"inspect",  TABLE(inspect),   AUTHORITY, false, true,  true,  {NO, NO, NO, NO,  R, NO, NO}},
    [VERB_PHOTO]    = {"photo",    TABLE(photo),     ALL,       false, false, false, { F,  C,  A,  W,  R, NO, NO}},
};
// clang-format on

#undef F
#undef C
#undef A
#undef W
#undef R
#undef X
#undef D

static const struct {
    const char *name, *zh;
} states[ISSUE__STATES] = {
    [ISSUE_FOUND] = {"found", "疑似"},         [ISSUE_CONFIRMED] = {"confirmed", "已确认"},
    [ISSUE_ASSIGNED] = {"assigned", "交办"},   [ISSUE_WORKING] = {"working", "整改中"},
    [ISSUE_REVIEW] = {"review", "待复核"},     [ISSUE_CLOSED] = {"closed", "销号"},
    [ISSUE_DISMISSED] = {"dismissed", "误报"},
};

static const struct kind kinds[] = {
    {"data", CLOSER_SELF, "数据异常", "Data fault", false, false, LEVEL_GENERAL},
    {"doubt", CLOSER_PERSON, "数据存疑", "Data in doubt", true, true, LEVEL_MAJOR},
    {"device", CLOSER_SELF, "设备故障", "Equipment fault", false, false, LEVEL_GENERAL},
    {"finding", CLOSER_PERSON, "人员发现问题", "Found by a person", true, true, LEVEL_GENERAL},
    {"limit", CLOSER_PERSON, "扬尘超标", "Dust limit breached", true, true, LEVEL_MAJOR},
    {"requirement", CLOSER_PERSON, "六个百分之百不到位", "Requirement not met", true, true, LEVEL_GENERAL},
    {"wash", CLOSER_EVENT, "车辆未冲洗", "Vehicle not washed", true, true, LEVEL_GENERAL},
    {"task", CLOSER_EVENT, "到期任务未完成", "Task not done in time", false, false, LEVEL_GENERAL},
};

const struct kind *kind_find(const char *name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

enum issue_state life_next(enum issue_state from, enum verb verb)
{
    return (enum issue_state)verbs[verb].next[from];
}

unsigned life_roles(const struct config *c, enum verb verb)
{
    static const struct role_table nothing;
    unsigned roles = verbs[verb].roles;
    if (verbs[verb].table != MACHINE && memcmp(&c->roles, &nothing, sizeof nothing) != 0)
        memcpy(&roles, (const char *)&c->roles + verbs[verb].table, sizeof roles);
    return verbs[verb].judges ? roles & ~(unsigned)UNIT : roles;
}

bool life_machine(enum verb verb)
{
    return verbs[verb].machine;
}

bool life_person(enum verb verb)
{
    return verbs[verb].table != MACHINE;
}

bool life_needs_text(enum verb verb)
{
    return verbs[verb].text;
}

bool life_judges(enum verb verb)
{
    return verbs[verb].judges;
}

bool life_may(const struct config *c, const struct person *by, enum verb verb)
{
    if (verbs[verb].judges && config_roles(c, by) & ROLES_UNIT)
        return false;
    return (by->roles & life_roles(c, verb)) != 0;
}

char *life_allowed(const struct config *c, const struct issue *i, const struct person *by,
                   char text[static 160])
{
    int n = 0;
    text[0] = 0;
    for (int v = 0; v < VERB__COUNT; v++) {
        bool own = verbs[v].judges && strcmp(by->name, i->person) == 0;
        if (verbs[v].next[i->state] != NO && !own && life_may(c, by, (enum verb)v))
            n += snprintf(text + n, 160 - (size_t)n, "%s%s", n ? " " : "", verbs[v].name);
    }
    return text;
}

static const struct {
    const char *name, *zh;
} ways[WAY__COUNT] = {
    [WAY_DEVICE] = {"device", "设备"}, [WAY_INSPECTION] = {"inspection", "检查"},
    [WAY_SPOT] = {"spot", "抽查"},     [WAY_UNANNOUNCED] = {"unannounced", "暗访"},
    [WAY_VISIT] = {"visit", "观摩"},   [WAY_COMPLAINT] = {"complaint", "群众"},
};

const char *way_str(enum way w)
{
    return ways[w].name;
}

const char *way_zh(enum way w)
{
    return ways[w].zh;
}

int way_parse(const char *text, enum way *w)
{
    for (int i = 0; i < WAY__COUNT; i++)
        if (strcmp(ways[i].name, text) == 0) {
            *w = (enum way)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

const char *issue_state_str(enum issue_state s)
{
    return states[s].name;
}

const char *issue_state_zh(enum issue_state s)
{
    return states[s].zh;
}

int state_parse(const char *text, enum issue_state *s)
{
    for (int i = 0; i < ISSUE__STATES; i++)
        if (strcmp(states[i].name, text) == 0) {
            *s = (enum issue_state)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

static const struct {
    const char *name, *zh;
} levels[] = {[LEVEL_GENERAL] = {"general", "一般"},
              [LEVEL_MAJOR] = {"major", "较大"},
              [LEVEL_CRITICAL] = {"critical", "重大"}};

const char *level_str(enum level l)
{
    return levels[l].name;
}

const char *level_zh(enum level l)
{
    return levels[l].zh;
}

int level_parse(const char *text, enum level *l)
{
    for (int i = 0; i <= LEVEL_CRITICAL; i++)
        if (strcmp(levels[i].name, text) == 0) {
            *l = (enum level)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}

const char *verb_str(enum verb v)
{
    return verbs[v].name;
}

int verb_parse(const char *text, enum verb *v)
{
    for (int i = 0; i < VERB__COUNT; i++)
        if (strcmp(verbs[i].name, text) == 0) {
            *v = (enum verb)i;
            return ERR_OK;
        }
    return ERR_NOT_FOUND;
}
