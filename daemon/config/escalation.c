/* The section `escalation:`, one row a setting. */
#include "daemon/config/escalation.h"

#include "daemon/base/err.h"
#include "daemon/base/yaml.h"
#include "daemon/config/loaded.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"

#include <string.h>

static const struct word moments[] = {{"found", WHEN_FOUND},           {"assigned", WHEN_ASSIGNED},
                                      {"unanswered", WHEN_UNANSWERED}, {"due_soon", WHEN_DUE_SOON},
                                      {"overdue", WHEN_OVERDUE},       {0}};
static const struct word listeners[] = {{"responsible", TELL_RESPONSIBLE},
                                        {"site", ROLE_SITE},
                                        {"contractor", ROLE_CONTRACTOR},
                                        {"community", ROLE_COMMUNITY},
                                        {"office", ROLE_OFFICE},
                                        {"inspector", ROLE_INSPECTOR},
                                        {0}};
static const struct word organisations[] = {{"community", 1 << ORGANISATION_COMMUNITY},
                                            {"department", 1 << ORGANISATION_DEPARTMENT},
                                            {"unit", 1 << ORGANISATION_UNIT},
                                            {0}};
static const struct word levels[] = {
    {"general", 1 << LEVEL_GENERAL}, {"major", 1 << LEVEL_MAJOR}, {"critical", 1 << LEVEL_CRITICAL}, {0}};

enum { SOON = 1 << WHEN_DUE_SOON, AFTER = 1 << WHEN_FOUND | 1 << WHEN_UNANSWERED | 1 << WHEN_OVERDUE };

static const struct setting step_rows[] = {
    {"name", SETTING_KEY, FIELD(struct escalation_step, name), .meaning = "name of the step"},
    {"when", SETTING_CHOICE, FIELD(struct escalation_step, when), .required = true, .words = moments,
     .meaning = "from when on it is said"},
    {"title", SETTING_TITLE, FIELD(struct escalation_step, title_zh), .required = true,
     .meaning = "as shown"},
    {"after", SETTING_DURATION, FIELD(struct escalation_step, after_ms), .absent = "0s", .low = "0s",
     .high = "365d", .only = AFTER, .meaning = "so long after that moment"},
    {"before", SETTING_DURATION, FIELD(struct escalation_step, before_ms), .absent = "24h", .low = "1min",
     .high = "30d", .only = SOON,
     .meaning = "so long before the deadline; not said where the whole time is no longer than this"},
    {"tell", SETTING_SET, FIELD(struct escalation_step, tell), .words = listeners,
     .meaning = "who is told: the person responsible for the issue, and whoever has one of these roles"},
    {"organisations", SETTING_SET, FIELD(struct escalation_step, organisations), .words = organisations,
     .meaning = "and whoever is of an organisation of this kind"},
    {"levels", SETTING_SET, FIELD(struct escalation_step, levels), .words = levels,
     .meaning = "only of issues of these levels; none: of every level"},
    {0},
};

static const struct yaml_node *at(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *node = yaml_get(map, key);
    return node ? node : map;
}

static int check_step(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                      struct complaint *why)
{
    static const char *const ours[] = {"ended", "task", "test"};
    const struct escalation_step *s = object;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(s->name, ours[i]) == 0)
            return yaml_complain(
                doc, map, why, "found a step called %s; allowed: any name but ended, task and test", s->name);
    if (!s->tell && !s->organisations)
        return yaml_complain(doc, at(map, "tell"), why,
                             "found nobody to tell; allowed: at least one in tell or organisations");
    return ERR_OK;
}

const struct schema escalation_schema = {"step", sizeof(struct escalation_step), step_rows, &step_rows[1],
                                         check_step};

static bool is_heard(const struct config *c, unsigned role, unsigned organisation)
{
    for (int i = 0; i < c->npeople; i++) {
        const struct person *p = &c->people[i];
        const struct organisation *o = p->organisation[0] ? config_organisation(c, p->organisation) : NULL;
        if (p->roles & role || (o && organisation & 1u << o->kind))
            return true;
    }
    return role & TELL_RESPONSIBLE;
}

const char *config_unheard(const struct config *c, const struct escalation_step *s, int k)
{
    for (const struct word *w = listeners; w->text; w++)
        if (s->tell & (unsigned)w->value && !is_heard(c, (unsigned)w->value, 0) && k-- == 0)
            return w->text;
    for (const struct word *w = organisations; w->text; w++)
        if (s->organisations & (unsigned)w->value && !is_heard(c, 0, (unsigned)w->value) && k-- == 0)
            return w->text;
    return NULL;
}
