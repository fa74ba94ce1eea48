#include "daemon/ledger/life.h"

#include "daemon/base/err.h"

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

/* Columns: from found, confirmed, assigned, working, review, closed, dismissed. */
// clang-format off
static const struct {
    const char *name;
    unsigned roles;
    bool machine, text;
    unsigned char next[ISSUE__STATES];
} verbs[VERB__COUNT] = {
    [VERB_OPEN]     = {"open",     0,         true,  false, {NO, NO, NO, NO, NO, NO, NO}}, /* makes the issue */
    [VERB_EVIDENCE] = {"evidence", 0,         true,  false, { F,  C,  A,  W,  R, NO, NO}},
    [VERB_RECOVER]  = {"recover",  0,         true,  false, { X,  X,  X,  X,  X, NO, NO}},
    [VERB_CONFIRM]  = {"confirm",  AUTHORITY, false, false, { C, NO, NO, NO, NO, NO, NO}},
    [VERB_ASSIGN]   = {"assign",   AUTHORITY, false, false, {NO,  A, NO, NO, NO, NO, NO}},
    [VERB_ACCEPT]   = {"accept",   UNIT,      false, false, {NO, NO,  W, NO, NO, NO, NO}},
    [VERB_ANSWER]   = {"answer",   UNIT,      false, true,  { F,  C,  A,  W,  R, NO, NO}},
    [VERB_RECTIFY]  = {"rectify",  UNIT,      false, true,  {NO, NO, NO,  R, NO, NO, NO}},
    [VERB_RETURN]   = {"return",   AUTHORITY, true,  true,  {NO, NO, NO, NO,  W, NO, NO}},
    [VERB_CLOSE]    = {"close",    AUTHORITY, false, false, {NO, NO, NO, NO,  X, NO, NO}},
    [VERB_DISMISS]  = {"dismiss",  AUTHORITY, false, true,  { D,  D,  D,  D,  D, NO, NO}},
    [VERB_NOTE]     = {"note",     ALL,       false, true,  { F,  C,  A,  W,  R,  X,  D}},
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

unsigned life_roles(enum verb verb)
{
    return verbs[verb].roles;
}

bool life_machine(enum verb verb)
{
    return verbs[verb].machine;
}

bool life_needs_text(enum verb verb)
{
    return verbs[verb].text;
}

bool life_may(unsigned roles, enum verb verb)
{
    unsigned allowed = verbs[verb].roles;
    if (allowed == AUTHORITY && roles & UNIT)
        return false;
    return (roles & allowed) != 0;
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
