/* The section `inspections:`, one row a setting. */
#include "daemon/config/inspection.h"

#include "daemon/base/err.h"
#include "daemon/base/yaml.h"
#include "daemon/config/loaded.h"
#include "daemon/config/lookup.h"

#include <string.h>

static const struct word weekdays[] = {{"monday", 0}, {"tuesday", 1},  {"wednesday", 2}, {"thursday", 3},
                                       {"friday", 4}, {"saturday", 5}, {"sunday", 6},    {0}};

static const struct setting inspection_rows[] = {
    {"name", SETTING_KEY, FIELD(struct inspection, name), .meaning = "name of the inspection"},
    {"title", SETTING_TITLE, FIELD(struct inspection, title_zh), .required = true, .meaning = "as shown"},
    {"weekday", SETTING_CHOICE, FIELD(struct inspection, weekday), .absent = "friday", .words = weekdays,
     .meaning = "its last day in each week, site's zone"},
    {"checks", SETTING_TEXTS, FIELD(struct inspection, checks), COUNT(struct inspection, nchecks),
     .meaning = "what is looked at, <requirement>/<check> of the kind attest; none: all of these"},
    {"person", SETTING_REF, FIELD(struct inspection, person), .required = true, .of = "people",
     .meaning = "who answers for one that was missed"},
    {"remind_before", SETTING_DURATION, FIELD(struct inspection, remind_ms), .absent = "24h", .low = "0s",
     .high = "7d", .meaning = "so long before its end whoever may inspect is reminded; 0s: never"},
    {"answer_within", SETTING_DURATION, FIELD(struct inspection, answer_ms), .absent = "24h", .low = "1min",
     .high = "30d", .meaning = "once missed: to the first answer"},
    {"rectify_within", SETTING_DURATION, FIELD(struct inspection, rectify_ms), .absent = "3d", .low = "1min",
     .high = "365d", .meaning = "once missed: to the end of the work"},
    {0},
};
const struct schema inspection_schema = {"inspection", sizeof(struct inspection), inspection_rows, NULL,
                                         NULL};

static bool is_any(const struct config *c)
{
    for (int i = 0; i < c->requirements.n; i++)
        for (int k = 0; k < c->requirements.list[i].nchecks; k++)
            if (c->requirements.list[i].checks[k].kind == CHECK_ATTEST)
                return true;
    return false;
}

int check_inspections(const struct loading *l)
{
    const struct config *c = &l->l->c;
    for (int i = 0; i < c->ninspections; i++) {
        const struct inspection *n = &c->inspections[i];
        for (int k = 0; k < n->nchecks; k++)
            if (!config_attest(c, n->checks[k]))
                return yaml_complain(l->doc, place(l, "inspections", n->name, "checks"), l->why,
                                     "found %s, which is no such check here; allowed: checks of the kind "
                                     "attest in the requirement file that are not left out",
                                     n->checks[k]);
        if (!n->nchecks && !is_any(c))
            return yaml_complain(l->doc, place(l, "inspections", n->name, NULL), l->why,
                                 "found nothing to inspect; allowed: with a requirement file that has checks "
                                 "of the kind attest");
    }
    return ERR_OK;
}
