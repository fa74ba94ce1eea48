/* The issues of a report: the 27 columns of a ledger as supervisors keep it (问题台账), from the ledger, from
 * what was done, and from the people of the settings row. */
#include "daemon/ctl/report.h"

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/life.h"

#include <string.h>

const char *const report_counted[] = {"found",       "rectified", "closed",   "dismissed",
                                      "in_progress", "overdue",   "relapses", NULL};

const struct report_column report_columns[] = {
    {"no", "序号", "No.", false},
    {"id", "问题编号", "Issue", false},
    {"found", "发现时间", "Found", true},
    {"found_by", "发现方式", "Found by", false},
    {"community", "所属社区", "Community", false},
    {"place", "工地/点位", "Site and place", false},
    {"item", "六个100%项", "Requirement", false},
    {"problem", "存在问题", "Problem", false},
    {"basis", "依据(限值/证据)", "Basis (limit, evidence)", false},
    {"level", "问题等级", "Level", false},
    {"department", "行业主管部门", "Department in charge", false},
    {"unit", "责任单位", "Responsible unit", false},
    {"person", "责任人", "Responsible person", false},
    {"phone", "联系电话", "Telephone", false},
    {"measure", "整改措施", "Measure", false},
    {"due", "整改时限", "Rectify by", true},
    {"nodes", "倒排节点", "Check nodes", false},
    {"result", "整改情况", "What was done", false},
    {"rectified", "整改到位时间", "Rectified", true},
    {"reviewer", "复核人", "Reviewed by", false},
    {"reviewed", "复核时间", "Reviewed", true},
    {"closer", "销号人", "Closed by", false},
    {"closed", "销号时间", "Closed", true},
    {"state_text", "状态", "State", false},
    {"light_text", "亮灯", "Light", false},
    {"relapse_text", "是否反弹", "Relapse", false},
    {"note", "备注", "Remarks", false},
    {NULL, NULL, NULL, false},
};

const char *report_cell(const struct ctl *c, const json_t *issue, const struct report_column *column,
                        char text[static 32])
{
    if (!column->time)
        return text_of(issue, column->key);
    if (!int_of(issue, column->key))
        return "";
    when_text(int_of(issue, column->key), c->zone_min, text);
    text[16] = 0; /* to the minute */
    return text;
}

static void put(json_t *to, const char *key, const char *text)
{
    json_object_set_new(to, key, json_string(text));
}

/* Whoever it was, as shown: a person's title, the machine, or the name of one who has left. */
static const char *who(const struct ctl *c, const struct gathered *g, const char *name)
{
    const char *title = text_of(json_object_get(g->people, name), "title");
    if (strcmp(name, "machine") == 0)
        return say(c, "系统自动", "automatic");
    return *title ? title : name;
}

static const json_t *organisation_of(const struct gathered *g, const char *person)
{
    return json_object_get(g->organisations, text_of(json_object_get(g->people, person), "organisation"));
}

/* The device of a point as it is called on the site. */
static json_t *place(const struct ctl *c, const struct gathered *g, const struct issue *i)
{
    const char *site = say_title(c, json_object_get(g->site, "title")), *slash = strchr(i->cause, '/');
    char device[64];
    snprintf(device, sizeof device, "%.*s", (int)(slash ? slash - i->cause : 63), i->cause);
    const char *title = say_title(c, json_object_get(g->devices, device));
    if (strcmp(i->kind, "finding") == 0)
        return json_sprintf("%s %s", site, i->cause);
    bool of_all = strcmp(i->kind, "limit") == 0 && !slash; /* the mean of the points, or their highest */
    if (strcmp(i->kind, "requirement") == 0 || strcmp(i->kind, "wash") == 0 || !*i->cause || of_all)
        return json_string(site);
    if (!*title)
        return json_sprintf("%s %s", site, i->cause);
    return json_sprintf("%s %s%s%s", site, title, slash ? " " : "", slash ? slash + 1 : "");
}

/* What of the requirements it is about, whoever found it: a person's category of the same name is the same.
 * Else the category, or the kind. */
static const char *item(const struct ctl *c, const struct gathered *g, const struct issue *i)
{
    static const char *const named[] = {"requirement", "wash", "finding"};
    const char *category = say_title(c, json_object_get(g->categories, i->subject));
    const struct kind *kind = kind_find(i->kind);
    bool is_named = false;
    for (size_t k = 0; k < sizeof named / sizeof *named; k++)
        is_named = is_named || strcmp(i->kind, named[k]) == 0;
    for (int k = 0; k < g->nrequirements && is_named; k++)
        if (strcmp(g->requirements[k].name, i->subject) == 0 && g->requirements[k].title)
            return say_title(c, g->requirements[k].title);
    if (is_named)
        return *category ? category : i->subject;
    return kind ? say(c, kind->title_zh, kind->title_en) : i->kind;
}

static bool within(const struct gathered *g, int64_t at_ms)
{
    return at_ms >= g->period.from_ms && at_ms < g->asof_ms;
}

/* Of what it is one in this period. Rectified: done (整改到位) by the end, and not sent back. */
static json_t *counted(const struct gathered *g, const struct issue *i, const json_t *issue,
                       const json_t *story)
{
    const bool is[] = {
        within(g, i->found_ms),
        i->state != ISSUE_DISMISSED && within(g, int_of(story, "rectified")),
        i->state == ISSUE_CLOSED && within(g, i->ended_ms),
        i->state == ISSUE_DISMISSED && within(g, i->ended_ms),
        issue_is_open(i),
        issue_is_open(i) && is_true(issue, "overdue"),
        i->relapse && within(g, i->found_ms),
    };
    json_t *list = json_array();
    for (size_t k = 0; k < sizeof is / sizeof *is; k++)
        if (is[k])
            json_array_append_new(list, json_string(report_counted[k]));
    return list;
}

static void put_people(json_t *to, const struct ctl *c, const struct gathered *g, const struct issue *i,
                       const json_t *story)
{
    const json_t *organisation = organisation_of(g, i->person);
    bool unit = strcmp(text_of(organisation, "kind"), "unit") == 0;
    put(to, "community", text_of(g->site, "community"));
    put(to, "department", text_of(g->site, "authority"));
    put(to, "unit",
        unit ? say_title(c, json_object_get(organisation, "title")) : text_of(g->site, "contractor"));
    put(to, "person", who(c, g, i->person));
    put(to, "phone", text_of(json_object_get(g->people, i->person), "phone"));
    put(to, "reviewer", who(c, g, text_of(story, "reviewer")));
    put(to, "closer", who(c, g, text_of(story, "closer")));
}

static void put_state(json_t *to, const struct ctl *c, const struct issue *i, const json_t *issue)
{
    put(to, "state", issue_state_str(i->state));
    put(to, "state_text", word_state(issue_state_str(i->state), c->zh));
    put(to, "light", issue_is_open(i) ? text_of(issue, "light") : "");
    put(to, "light_text", issue_is_open(i) ? word_state(text_of(issue, "light"), c->zh) : "");
    json_object_set_new(to, "relapse", json_boolean(i->relapse));
    put(to, "relapse_text", !i->relapse ? say(c, "否", "no") : say(c, "是", "yes"));
    put(to, "level", c->zh ? text_of(issue, "level_zh") : text_of(issue, "level"));
}

/* The check nodes (倒排节点): by when half of it, four fifths and all must be done. */
static json_t *nodes(const struct ctl *c, const json_t *list)
{
    static const char *const shares[] = {"50%", "80%", "100%"};
    char at[3][32];
    for (size_t i = 0; i < 3; i++) {
        when_text(json_integer_value(json_array_get(list, i)), c->zone_min, at[i]);
        at[i][16] = 0; /* to the minute */
    }
    if (json_array_size(list) != 3)
        return json_string("");
    return json_sprintf("%s %s; %s %s; %s %s", shares[0], at[0], shares[1], at[1], shares[2], at[2]);
}

static json_t *one(const struct ctl *c, const struct gathered *g, const struct issue *i, int number)
{
    static const char *const stamps[] = {"rectified", "reviewed", "closed"};
    static const char *const texts[] = {"measure", "result", "note"};
    const json_t *story = json_object_get(g->stories, i->id);
    json_t *issue = issue_json_brief(i, g->asof_ms), *j = json_object();
    json_object_set_new(j, "no", json_sprintf("%d", number));
    put(j, "id", i->id);
    put(j, "kind", i->kind);
    put(j, "subject", i->subject);
    put(j, "found_by", text_of(issue, say(c, "way_zh", "way")));
    json_object_set_new(j, "found", json_integer(i->found_ms));
    json_object_set_new(j, "due", json_integer(i->rectify_due_ms));
    json_object_set_new(j, "place", place(c, g, i));
    put(j, "item", item(c, g, i));
    put(j, "problem", say_title(c, json_object_get(issue, "title")));
    put(j, "basis", say_title(c, json_object_get(issue, "basis")));
    json_object_set_new(j, "nodes", nodes(c, json_object_get(issue, "nodes")));
    put_people(j, c, g, i, story);
    put_state(j, c, i, issue);
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        put(j, texts[k], text_of(story, texts[k]));
    for (size_t k = 0; k < sizeof stamps / sizeof *stamps; k++)
        json_object_set_new(j, stamps[k], json_integer(int_of(story, stamps[k])));
    json_object_set_new(j, "counted", counted(g, i, issue, story));
    json_decref(issue);
    return j;
}

json_t *report_issues(const struct ctl *c, const struct gathered *g)
{
    json_t *list = json_array();
    for (int k = 0; k < ledger_count(g->ledger); k++) {
        const struct issue *i = ledger_at(g->ledger, k);
        if (issue_is_open(i) || i->ended_ms >= g->period.from_ms)
            json_array_append_new(list, one(c, g, i, (int)json_array_size(list) + 1));
    }
    return list;
}

static void count_one(json_t *counts, const json_t *issue)
{
    size_t k;
    const json_t *as;
    json_array_foreach(json_object_get(issue, "counted"), k, as)
    {
        const char *name = json_string_value(as);
        json_object_set_new(counts, name, json_integer(int_of(counts, name) + 1));
    }
}

json_t *report_counts(const json_t *issues, const char *group, const char *is)
{
    size_t i;
    const json_t *issue;
    json_t *counts = json_object();
    for (const char *const *name = report_counted; *name; name++)
        json_object_set_new(counts, *name, json_integer(0));
    json_array_foreach(issues, i, issue)
    {
        if (!is || strcmp(text_of(issue, group), is) == 0)
            count_one(counts, issue);
    }
    return counts;
}
