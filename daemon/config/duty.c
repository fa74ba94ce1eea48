/* The ledger's tables in the site's file. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/yaml.h"
#include "daemon/config/loaded.h"
#include "daemon/config/person.h"

#include <string.h>

/* As life.c has them; unit/test_ledger_rules compares. */
const char *const issue_kind_names[] = {"data",        "device", "doubt", "finding", "limit",
                                        "requirement", "task",   "wash",  NULL};

/* --- roles --- */

#define ALL       "site contractor community office inspector"
#define UNIT      "site contractor"
#define AUTHORITY "community office inspector"
#define ROLES     SETTING_SET, .words = person_role_words

static const struct setting role_rows[] = {
    {"open", ROLES, FIELD(struct loaded, c.roles.open), .absent = ALL, .meaning = "finds something"},
    {"confirm", ROLES, FIELD(struct loaded, c.roles.confirm), .absent = AUTHORITY,
     .meaning = "确认: it is so"},
    {"assign", ROLES, FIELD(struct loaded, c.roles.assign), .absent = AUTHORITY,
     .meaning = "交办: to whom, until when"},
    {"accept", ROLES, FIELD(struct loaded, c.roles.accept), .absent = UNIT,
     .meaning = "接办: the work begins"},
    {"answer", ROLES, FIELD(struct loaded, c.roles.answer), .absent = UNIT,
     .meaning = "回复: what is being done"},
    {"rectify", ROLES, FIELD(struct loaded, c.roles.rectify), .absent = UNIT,
     .meaning = "整改完成: the work is done"},
    {"inspect", ROLES, FIELD(struct loaded, c.roles.inspect), .absent = AUTHORITY,
     .meaning = "复查: looked again"},
    {"return", ROLES, FIELD(struct loaded, c.roles.send_back), .absent = AUTHORITY,
     .meaning = "退回: not good enough"},
    {"close", ROLES, FIELD(struct loaded, c.roles.close), .absent = AUTHORITY, .meaning = "销号"},
    {"dismiss", ROLES, FIELD(struct loaded, c.roles.dismiss), .absent = AUTHORITY,
     .meaning = "误报: it was none"},
    {"note", ROLES, FIELD(struct loaded, c.roles.note), .absent = ALL, .meaning = "备注"},
    {"photo", ROLES, FIELD(struct loaded, c.roles.photo), .absent = ALL, .meaning = "照片"},
    {0},
};
const struct schema role_schema = {"roles", 0, role_rows, NULL, NULL};

/* Confirming, assigning, looking again, returning, closing and dismissing judge the responsible unit. */
static int check_roles(const struct loading *l)
{
    static const char *const judging[] = {"confirm", "assign", "inspect", "return", "close", "dismiss"};
    const struct yaml_node *map = yaml_get(yaml_root(l->doc), "roles");
    for (const struct setting *row = role_rows; row->key; row++) {
        unsigned roles;
        memcpy(&roles, (const char *)l->l + row->offset, sizeof roles);
        if (!roles)
            return yaml_complain(l->doc, yaml_get(map, row->key), l->why,
                                 "found nobody who may %s; allowed: at least one of " ALL, row->key);
        for (size_t i = 0; i < sizeof judging / sizeof *judging; i++)
            if (strcmp(judging[i], row->key) == 0 && roles & (ROLE_SITE | ROLE_CONTRACTOR))
                return yaml_complain(l->doc, yaml_get(map, row->key), l->why,
                                     "found the responsible unit (site, contractor) among those who %s: it "
                                     "never judges its own case; allowed: " AUTHORITY,
                                     row->key);
    }
    return ERR_OK;
}

/* --- kinds and categories --- */

static const struct word levels[] = {
    {"own", -1}, {"general", LEVEL_GENERAL}, {"major", LEVEL_MAJOR}, {"critical", LEVEL_CRITICAL}, {0}};

#define DUTY_ROWS                                                                                       \
    {"level",                                                                                           \
     SETTING_CHOICE,                                                                                    \
     FIELD(struct duty, level),                                                                         \
     .absent = "own",                                                                                   \
     .words = levels,                                                                                   \
     .meaning = "how grave: general 一般, major 较大, critical 重大; own: as life.h says of the kind"}, \
        {"answer_within",                                                                               \
         SETTING_DURATION,                                                                              \
         FIELD(struct duty, answer_ms),                                                                 \
         .absent = "2h",                                                                                \
         .low = "1min",                                                                                 \
         .high = "30d",                                                                                 \
         .meaning = "from finding to the first answer, where nothing nearer says it"},                  \
        {"rectify_within",                                                                              \
         SETTING_DURATION,                                                                              \
         FIELD(struct duty, rectify_ms),                                                                \
         .absent = "24h",                                                                               \
         .low = "1min",                                                                                 \
         .high = "365d",                                                                                \
         .meaning = "from finding to the end of the work, where nothing nearer says it"},               \
        {"person_closes", SETTING_BOOL, FIELD(struct duty, person_closes), .absent = "false",           \
         .meaning = "only a person closes it, also when it is over by itself"},                         \
        {"photo_before", SETTING_BOOL, FIELD(struct duty, photo_before), .absent = "false",             \
         .meaning = "rectifying and closing take a photo of before"},                                   \
        {"photo_after", SETTING_BOOL, FIELD(struct duty, photo_after), .absent = "false",               \
         .meaning = "rectifying and closing take a photo of after"},                                    \
    {                                                                                                   \
        "inspection", SETTING_BOOL, FIELD(struct duty, inspection),                                     \
            .absent = "false", .meaning = "closing takes a fresh inspection (inspect)"                  \
    }

static const struct setting kind_rows[] = {
    {"name", SETTING_KEY, FIELD(struct duty, name),
     .meaning = "kind of issue: data device doubt finding limit requirement task wash"},
    DUTY_ROWS,
    {"clean_windows", SETTING_INT, FIELD(struct duty, clean_windows), .absent = "0", .low = "0",
     .high = "100", .meaning = "of limit: closing takes so many windows kept one after the other"},
    {0},
};
const struct schema kind_schema = {"kind of issue", sizeof(struct duty), kind_rows, NULL, NULL};

static const struct setting category_rows[] = {
    {"name", SETTING_KEY, FIELD(struct duty, name), .meaning = "name of the category"},
    {"title", SETTING_TITLE, FIELD(struct duty, title_zh), .required = true, .meaning = "as shown"},
    DUTY_ROWS,
    {0},
};
const struct schema category_schema = {"category", sizeof(struct duty), category_rows, NULL, NULL};

static int check_kinds(const struct loading *l)
{
    const struct issue_rules *r = &l->l->c.issues;
    const struct yaml_node *kinds = yaml_get(yaml_get(yaml_root(l->doc), "issues"), "kinds");
    for (int i = 0; i < r->nkinds; i++) {
        const char *const *name = issue_kind_names;
        while (*name && strcmp(*name, r->kinds[i].name) != 0)
            name++;
        const char *near = *name ? NULL : schema_suggest(r->kinds[i].name, issue_kind_names);
        if (!*name)
            return yaml_complain(l->doc, &kinds->keys[i], l->why,
                                 "found \"%s\", which is no kind of issue%s%s%s; allowed: data device doubt "
                                 "finding limit requirement task wash",
                                 r->kinds[i].name, near ? " (did you mean \"" : "", near ? near : "",
                                 near ? "\"?)" : "");
        if (r->kinds[i].clean_windows && strcmp(r->kinds[i].name, "limit") != 0)
            return yaml_complain(l->doc, yaml_get(&kinds->items[i], "clean_windows"), l->why,
                                 "found clean_windows for %s; allowed: for limit, which alone has windows",
                                 r->kinds[i].name);
    }
    return ERR_OK;
}

static const struct setting issues_rows[] = {
    {"relapse_within", SETTING_DURATION, FIELD(struct loaded, c.issues.relapse_ms), .absent = "30d",
     .low = "1d", .high = "365d",
     .meaning = "the same again so soon after it was signed off is a relapse (反弹), one level up"},
    {"cycle_from", SETTING_TEXT, FIELD(struct loaded, c.issues.cycle_from), .check = check_day,
     .meaning = "first day of this construction cycle: relapses are counted from then on"},
    {"photo_size", SETTING_SIZE, FIELD(struct loaded, c.issues.photo_size), .absent = "8 MB", .low = "100 kB",
     .high = "50 MB", .meaning = "of one photo at most"},
    {"photo_room", SETTING_SIZE, FIELD(struct loaded, c.issues.photo_room), .absent = "1 GB", .low = "1 MB",
     .high = "1000 GB", .meaning = "of all photos: beyond it no more are taken; none is ever deleted"},
    {"kinds", SETTING_KEYED, FIELD(struct loaded, c.issues.kinds), COUNT(struct loaded, c.issues.nkinds),
     .sub = &kind_schema, .meaning = "what each kind of issue demands"},
    {"categories", SETTING_KEYED, FIELD(struct loaded, c.issues.categories),
     COUNT(struct loaded, c.issues.ncategories), .sub = &category_schema,
     .meaning = "of what people find; dustctl issue open names one"},
    {0},
};
const struct schema issues_schema = {"issues", 0, issues_rows, NULL, NULL};

/* --- campaign and calendar --- */

static const struct setting phase_rows[] = {
    {"name", SETTING_KEY, FIELD(struct campaign_phase, name), .meaning = "name of the phase"},
    {"title", SETTING_TITLE, FIELD(struct campaign_phase, title_zh), .required = true, .meaning = "as shown"},
    {"from", SETTING_TEXT, FIELD(struct campaign_phase, from), .required = true, .check = check_day,
     .meaning = "its first day"},
    {"to", SETTING_TEXT, FIELD(struct campaign_phase, to), .check = check_day,
     .meaning = "its last day, which no deadline exceeds that is set in it; absent: open"},
    {0},
};
const struct schema phase_schema = {"phase", sizeof(struct campaign_phase), phase_rows, NULL, NULL};

static int load_phases(const struct loading *l)
{
    struct config *c = &l->l->c;
    for (int i = 0; i < c->nphases; i++) {
        struct campaign_phase *p = &c->phases[i];
        p->to_ms = INT64_MAX;
        if (read_day(p->from, c->site.zone_min, &p->from_ms))
            return yaml_complain(l->doc, place(l, "campaign", p->name, "from"), l->why,
                                 "found no first day; allowed: a day such as 2026-03-01");
        if (p->to[0] && read_day(p->to, c->site.zone_min, &p->to_ms) == ERR_OK)
            p->to_ms += CLOCK_DAY_MS; /* the day itself counts */
        if (p->to_ms <= p->from_ms)
            return yaml_complain(l->doc, place(l, "campaign", p->name, "to"), l->why,
                                 "found a last day before the first; allowed: %s or later", p->from);
    }
    return ERR_OK;
}

static const struct word days[] = {{"mon", 1},  {"tue", 2},  {"wed", 4},  {"thu", 8},
                                   {"fri", 16}, {"sat", 32}, {"sun", 64}, {0}};

static const struct setting calendar_rows[] = {
    {"hours", SETTING_TEXTS, FIELD(struct loaded, c.calendar.hours), COUNT(struct loaded, c.calendar.nhours),
     .check = check_hours, .meaning = "of work, site's zone; none: round the clock"},
    {"days", SETTING_SET, FIELD(struct loaded, c.calendar.days), .words = days,
     .absent = "mon tue wed thu fri sat sun", .meaning = "of work"},
    {"holidays", SETTING_TEXTS, FIELD(struct loaded, c.calendar.holidays),
     COUNT(struct loaded, c.calendar.nholidays), .check = check_day, .meaning = "days without work"},
    {0},
};
const struct schema calendar_schema = {"calendar", 0, calendar_rows, NULL, NULL};

int load_duties(const struct loading *l)
{
    struct config *c = &l->l->c;
    if (c->issues.cycle_from[0])
        read_day(c->issues.cycle_from, c->site.zone_min, &c->issues.cycle_ms);
    int error = check_roles(l);
    if (!error)
        error = check_kinds(l);
    return error ? error : load_phases(l);
}
