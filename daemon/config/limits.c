/* Limit files, config/limits/<name>.yaml: several rules of one standard, each dated. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/hours.h"
#include "daemon/base/level.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/base/yaml.h"
#include "daemon/config/loaded.h"
#include "daemon/config/stage.h"
#include "daemon/config/stage_words.h"
#include "drivers/profile.h"

#include <string.h>

/* "250 ug/m3" into 250 and the unit as written. */
static int read_value(const char *text, double *value, const char **unit)
{
    const char *space = strchr(text, ' ');
    *unit = space ? unit_name(space + 1) : "";
    return *unit ? scalar_quantity(text, *unit, value) : ERR_FORMAT;
}

static const char *check_value(const char *text)
{
    double value;
    const char *unit;
    return read_value(text, &value, &unit) ? "a number, a space and a unit, such as 250 ug/m3 or 0.8 mg/m3"
                                           : NULL;
}

static const struct word windows[] = {
    {"2min", 120000}, {"5min", 300000},  {"15min", 900000},   {"20min", 1200000},
    {"1h", 3600000},  {"24h", 86400000}, {"1y", RULE_A_YEAR}, {0}};
static const struct word compares[] = {{"over", COMPARE_OVER}, {"reaches", COMPARE_REACHES}, {0}};
static const struct word minuses[] = {{"nothing", false}, {"background", true}, {0}};
static const struct word overs[] = {{"each", OVER_EACH}, {"mean", OVER_MEAN}, {"max", OVER_MAX}, {0}};

static const struct setting rule_rows[] = {
    {"name", SETTING_KEY, FIELD(struct limit_rule, name), .meaning = "name of the rule"},
    {"title", SETTING_TITLE, FIELD(struct limit_rule, title_zh), .required = true, .meaning = "as shown"},
    {"role", SETTING_WORD, FIELD(struct limit_rule, role), .required = true, .words = role_words,
     .meaning = "of the points it judges"},
    {"window", SETTING_CHOICE, FIELD(struct limit_rule, window_ms), .required = true, .words = windows,
     .meaning = "over which the mean is taken"},
    {"compare", SETTING_CHOICE, FIELD(struct limit_rule, compare), .required = true, .words = compares,
     .meaning = "over is >, reaches is >="},
    {"value", SETTING_TEXT, FIELD(struct limit_rule, value), .required = true, .check = check_value,
     .meaning = "what the mean is compared with"},
    {"over", SETTING_CHOICE, FIELD(struct limit_rule, over), .absent = "each", .words = overs,
     .meaning = "each point, the mean or the highest of them"},
    {"round", SETTING_TEXT, FIELD(struct limit_rule, round), .check = check_value,
     .meaning = "the mean is rounded to a multiple of this before it is compared, by GB/T 8170"},
    {"allowed_per_day", SETTING_INT, FIELD(struct limit_rule, allowed), .absent = "0", .low = "0",
     .high = "719", .meaning = "windows over the value that a day may have; 0: each is a breach"},
    {"minus", SETTING_CHOICE, FIELD(struct limit_rule, minus), .absent = "nothing", .words = minuses,
     .meaning = "background: compared is the mean less the background of the same time"},
    {"background_cap", SETTING_TEXT, FIELD(struct limit_rule, cap), .check = check_value,
     .meaning = "the background counts as at most this"},
    {"background_within", SETTING_DURATION, FIELD(struct limit_rule, background_wait_ms), .absent = "2h",
     .low = "0s", .high = "24h",
     .meaning = "a window waits so long for its background, then it is unknown until one comes"},
    {"stages", SETTING_SET, FIELD(struct limit_rule, stages), .words = stage_words,
     .meaning = "of the work, in which it applies; without it always"},
    {"hours", SETTING_TEXT, FIELD(struct limit_rule, hours), .check = check_hours,
     .meaning = "of the day, site's zone, in which it applies: judged are the windows that start in them"},
    {"release", SETTING_TEXT, FIELD(struct limit_rule, release), .check = check_value,
     .meaning = "once over, it stays a breach until the mean is below this"},
    {"hours_needed", SETTING_INT, FIELD(struct limit_rule, hours_needed), .absent = "0", .low = "0",
     .high = "24",
     .meaning =
         "of 24h, and of each day of 1y: the mean of hourly means, at least so many; 0: of minutes, 75 %"},
    {"days_needed", SETTING_INT, FIELD(struct limit_rule, days_needed), .absent = "0", .low = "0",
     .high = "365", .meaning = "of 1y: the mean of daily means, at least so many; 0: 75 % of the year's"},
    {"days_needed_a_month", SETTING_INT, FIELD(struct limit_rule, month_days_needed), .absent = "0",
     .low = "0", .high = "28", .meaning = "of 1y: and in each month at least so many; 0: any number"},
    {"days_needed_in_february", SETTING_INT, FIELD(struct limit_rule, february_days_needed), .absent = "0",
     .low = "0", .high = "28", .meaning = "of 1y: the same of February, which has only 28"},
    {"informs_only", SETTING_BOOL, FIELD(struct limit_rule, informs), .absent = "false",
     .meaning = "true: a breach opens no issue; for information, or a condition nobody is to blame for"},
    {"valid_from", SETTING_TEXT, FIELD(struct limit_rule, valid_from), .check = check_day,
     .meaning = "first day of measurement it is for"},
    {"valid_to", SETTING_TEXT, FIELD(struct limit_rule, valid_to), .check = check_day,
     .meaning = "last day of measurement it is for"},
    {"action", SETTING_TITLE, FIELD(struct limit_rule, action_zh), .meaning = "what the site must do"},
    {0},
};

/* Windows are cut from midnight on. */
static int check_cut(const struct yaml_doc *doc, const struct yaml_node *map, const struct limit_rule *r,
                     struct complaint *why)
{
    struct hours h = {0};
    char window[32];
    if (!r->hours[0] || hours_parse(r->hours, &h))
        return ERR_OK;
    if (h.from_min * (int64_t)CLOCK_MINUTE_MS % r->window_ms == 0 &&
        h.to_min * (int64_t)CLOCK_MINUTE_MS % r->window_ms == 0)
        return ERR_OK;
    return yaml_complain(doc, yaml_get(map, "hours"), why,
                         "found hours %s, which cut through a window of %s; allowed: hours that begin and "
                         "end a whole number of windows after midnight",
                         r->hours, duration_text(r->window_ms, window));
}

/* What a rule's settings say about each other. */
static int check_shape(const struct yaml_doc *doc, const struct yaml_node *map, const struct limit_rule *r,
                       struct complaint *why)
{
    const struct {
        bool wrong;
        const char *key, *what, *allowed;
    } rules[] = {
        {r->allowed && r->window_ms == CLOCK_DAY_MS, "allowed_per_day", "with a window of 24h",
         "a shorter window: a day has only one of 24h"},
        {r->allowed && r->stages, "allowed_per_day", "with stages",
         "one of both: a stage may change within a day"},
        {r->allowed && r->hours[0], "allowed_per_day", "with hours",
         "one of both: what is allowed is counted by the calendar day"},
        {r->cap[0] && !r->minus, "background_cap", "without minus: background", "both"},
        {r->minus && r->hours_needed, "hours_needed", "with minus: background", "one of both"},
        {r->hours_needed && r->window_ms < CLOCK_DAY_MS, "hours_needed", "with a window shorter than 24h",
         "a window of 24h or 1y"},
        {r->hours_needed && r->hours_needed < 18, "hours_needed", "fewer than 18 hours",
         "18 to 24, at least 75 % of the day"},
        {r->allowed && r->release[0], "release", "with allowed_per_day", "one of both"},
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].wrong)
            return yaml_complain(doc, yaml_get(map, rules[i].key), why, "found %s %s; allowed: %s",
                                 rules[i].key, rules[i].what, rules[i].allowed);
    return ERR_OK;
}

static int check_rule(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                      struct complaint *why)
{
    const struct limit_rule *r = object;
    if (r->valid_from[0] && r->valid_to[0] && strcmp(r->valid_from, r->valid_to) > 0)
        return yaml_complain(doc, yaml_get(map, "valid_to"), why,
                             "found %s before valid_from, %s; allowed: later", r->valid_to, r->valid_from);
    int error = check_rule_year(doc, map, r, why);
    if (error == ERR_OK)
        error = check_cut(doc, map, r, why);
    return error ? error : check_shape(doc, map, r, why);
}

static const struct schema rule_schema = {"rule", sizeof(struct limit_rule), rule_rows, NULL, check_rule};

static const struct setting file_rows[] = {
    {"title", SETTING_TITLE, FIELD(struct limit_file, title_zh), .required = true,
     .meaning = "of the standard"},
    {"standard", SETTING_TEXT, FIELD(struct limit_file, standard), .required = true,
     .meaning = "number and year, or what kind of rule it is"},
    {"source", SETTING_TEXT, FIELD(struct limit_file, source), .required = true,
     .meaning = "where it was seen"},
    {"doubt", SETTING_TEXT, FIELD(struct limit_file, doubt), .meaning = "what is not proven"},
    {"rules", SETTING_KEYED, FIELD(struct limit_file, rules), COUNT(struct limit_file, nrules),
     .required = true, .sub = &rule_schema, .meaning = "what it limits"},
    {0},
};
const struct schema limit_schema = {"limit file", sizeof(struct limit_file), file_rows, NULL, NULL};

/* --- rules into limits --- */

/* The point that a rule is checked against: NULL when none has its role. */
static const struct config_point *point_of_role(const struct config *c, const char *role)
{
    for (int i = 0; i < c->npoints; i++)
        if (strcmp(c->points[i].point->role, role) == 0)
            return &c->points[i];
    return NULL;
}

/* A limit has one unit: all points it judges must be in it. */
static int check_one_unit(const struct loading *l, const struct config_point *first)
{
    const struct config *c = &l->l->c;
    for (int i = 0; i < c->npoints; i++) {
        const struct point *p = c->points[i].point;
        if (strcmp(p->role, first->point->role) != 0 || strcmp(p->unit, first->point->unit) == 0)
            continue;
        const char *device = c->points[i].device->name;
        return yaml_complain(
            l->doc, place(l, "devices", device, "profile"), l->why,
            "found %s in %s, but %s in %s; allowed: one unit for all points of the role %s, which a "
            "limit judges",
            c->points[i].name, p->unit, first->name, first->point->unit, p->role);
    }
    return ERR_OK;
}

struct rule_value {
    const char *key, *text; /* as written, "" none */
    double *out;
};

/* A value of the rule in the unit in which the points are read: converted and checked, never assumed. */
static int convert(const struct loading *l, const struct limit_file *f, const struct limit_rule *r,
                   const struct config_point *p, const struct rule_value *v)
{
    const char *unit;
    double value;
    if (!v->text[0] ||
        (!read_value(v->text, &value, &unit) && !unit_convert(value, unit, p->point->unit, v->out)))
        return ERR_OK;
    const struct yaml_node *rule = yaml_get(yaml_get(yaml_root(f->doc), "rules"), r->name);
    return yaml_complain(
        f->doc, yaml_get(rule, v->key), l->why,
        "found \"%s\" for the role %s; allowed: a unit that fits \"%s\", in which %s is read", v->text,
        r->role, p->point->unit, p->name);
}

static int convert_values(const struct loading *l, const struct limit_file *f, const struct limit_rule *r,
                          const struct config_point *p, struct limit *limit)
{
    const struct rule_value values[] = {{"value", r->value, &limit->value},
                                        {"round", r->round, &limit->round},
                                        {"background_cap", r->cap, &limit->cap},
                                        {"release", r->release, &limit->release}};
    int error = ERR_OK;
    for (size_t i = 0; i < sizeof values / sizeof *values && !error; i++)
        error = convert(l, f, r, p, &values[i]);
    return error;
}

/* What comes in as background is a concentration. */
static int check_background(const struct loading *l, const struct limit_file *f, const struct limit_rule *r,
                            const struct config_point *p)
{
    double converted;
    if (!r->minus || !unit_convert(1, "ug/m3", p->point->unit, &converted))
        return ERR_OK;
    const struct yaml_node *rule = yaml_get(yaml_get(yaml_root(f->doc), "rules"), r->name);
    return yaml_complain(
        f->doc, yaml_get(rule, "minus"), l->why,
        "found minus: background for the role %s, read in \"%s\"; allowed: for a role that is "
        "read in a unit that fits \"ug/m3\", as a background is",
        r->role, p->point->unit);
}

/* The day means of a year are summed as numbers. */
static int check_no_level(const struct loading *l, const struct limit_file *f, const struct limit_rule *r,
                          const struct config_point *p)
{
    if (r->window_ms != RULE_A_YEAR || !unit_is_level(p->point->unit))
        return ERR_OK;
    const struct yaml_node *rule = yaml_get(yaml_get(yaml_root(f->doc), "rules"), r->name);
    return yaml_complain(f->doc, yaml_get(rule, "window"), l->why,
                         "found a window of 1y for the role %s, read in \"%s\"; allowed: a window of at most "
                         "24h: the days of a year are summed as numbers",
                         r->role, p->point->unit);
}

static int make_limit(const struct loading *l, const struct limit_entry *e, const struct limit_file *f,
                      const struct limit_rule *r, const struct config_point *p)
{
    struct config *c = &l->l->c;
    struct limit limit = {.title_zh = r->title_zh,
                          .title_en = r->title_en,
                          .standard = f->standard,
                          .source = f->source,
                          .doubt = f->doubt,
                          .role = r->role,
                          .window_ms = r->window_ms == RULE_A_YEAR ? LIMIT_YEAR_MS : r->window_ms,
                          .compare = r->compare,
                          .over = r->over,
                          .unit = p->point->unit,
                          .level = unit_is_level(p->point->unit),
                          .valid_from_ms = INT64_MIN,
                          .valid_to_ms = INT64_MAX,
                          .action_zh = r->action_zh,
                          .action_en = r->action_en,
                          .person = e->person,
                          .answer_ms = e->answer_ms,
                          .rectify_ms = e->rectify_ms,
                          .warn_share = e->warn_percent / 100,
                          .allowed = r->allowed,
                          .minus = r->minus,
                          .background_wait_ms = r->background_wait_ms,
                          .stages = r->stages,
                          .hours_needed = r->hours_needed,
                          .days_needed = r->days_needed,
                          .month_days_needed = r->month_days_needed,
                          .february_days_needed = r->february_days_needed,
                          .informs = r->informs};
    int error = convert_values(l, f, r, p, &limit);
    if (!error)
        error = check_background(l, f, r, p);
    if (!error)
        error = check_no_level(l, f, r, p);
    if (error)
        return error;
    if (r->valid_from[0])
        read_day(r->valid_from, c->site.zone_min, &limit.valid_from_ms);
    if (r->valid_to[0] && !read_day(r->valid_to, c->site.zone_min, &limit.valid_to_ms))
        limit.valid_to_ms += CLOCK_DAY_MS;
    if (r->hours[0])
        hours_parse(r->hours, &limit.hours);
    limit.id = mem_printf("%s/%s", f->name, r->name);
    c->limits[c->nlimits++] = limit;
    return check_one_unit(l, p);
}

static void leave_out(struct config *c, const struct limit_file *f, const struct limit_rule *r)
{
    c->unjudged = mem_resize(c->unjudged, (size_t)c->nunjudged + 1, sizeof(*c->unjudged));
    c->unjudged[c->nunjudged++] =
        (struct unjudged){.id = mem_printf("%s/%s", f->name, r->name), .role = r->role};
}

/* Whether some time is both rules', of the same points. */
static bool overlap(const struct limit *a, const struct limit *b)
{
    bool hours = hours_hold(&a->hours, b->hours.from_min) || hours_hold(&b->hours, a->hours.from_min);
    return hours && strcmp(a->role, b->role) == 0 && a->valid_from_ms < b->valid_to_ms &&
           b->valid_from_ms < a->valid_to_ms;
}

/* Stages in which no rule of a file judges what some of its rules judge in others. `limits`: the file's. */
static void find_uncovered(struct limit *limits, int n)
{
    for (int i = 0; i < n; i++) {
        bool first = limits[i].stages && !limits[i].informs;
        unsigned missing = STAGE_ALL;
        for (int k = 0; k < n; k++)
            if (overlap(&limits[i], &limits[k])) {
                missing &= limits[k].stages ? ~limits[k].stages : 0;
                first = first && !(k < i && limits[k].stages && !limits[k].informs);
            }
        limits[i].uncovered = first ? missing : 0;
    }
}

/* A rule without a point is left out and said: the file may be for more than this site has. A file of which
 * no rule has a point is a mistake. */
static int make_limits(const struct loading *l, const struct limit_entry *e, const struct limit_file *f)
{
    struct config *c = &l->l->c;
    int before = c->nlimits, error = ERR_OK;
    c->limits = mem_resize(c->limits, (size_t)c->nlimits + (size_t)f->nrules, sizeof(*c->limits));
    for (int i = 0; i < f->nrules && !error; i++) {
        const struct config_point *p = point_of_role(c, f->rules[i].role);
        if (p)
            error = make_limit(l, e, f, &f->rules[i], p);
        else
            leave_out(c, f, &f->rules[i]);
    }
    if (!error && c->nlimits == before)
        return yaml_complain(
            l->doc, place(l, "limits", f->name, NULL), l->why,
            "found the limit %s, but no point has the role %s; allowed: a limit that has something to "
            "judge",
            f->name, f->rules[0].role);
    if (!error)
        find_uncovered(c->limits + before, c->nlimits - before);
    return error;
}

int load_limits(const struct loading *l)
{
    struct loaded *d = l->l;
    d->limit_files = mem_array((size_t)d->nlimits, sizeof(*d->limit_files));
    for (int i = 0; i < d->nlimits; i++) {
        char *path;
        int error =
            find_file(l, "limits", d->limits[i].name, place(l, "limits", d->limits[i].name, NULL), &path);
        if (error)
            return error;
        struct limit_file *f = &d->limit_files[d->nlimit_files];
        error = schema_load(&limit_schema, path, f, &f->doc, l->why);
        mem_free(path);
        if (error)
            return error;
        d->nlimit_files++;
        f->name = mem_string(d->limits[i].name);
        error = make_limits(l, &d->limits[i], f);
        if (error)
            return error;
    }
    return ERR_OK;
}
