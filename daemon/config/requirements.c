/* Requirement files and wordings: what is required, and how it is called here. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/loaded.h"
#include "daemon/config/lookup.h"
#include "drivers/profile.h"

#include <string.h>

static const struct word kinds[] = {{"during", CHECK_DURING},
                                    {"response", CHECK_RESPONSE},
                                    {"duty", CHECK_DUTY},
                                    {"passage", CHECK_PASSAGE},
                                    {"share", CHECK_SHARE},
                                    {"attest", CHECK_ATTEST},
                                    {0}};
static const struct word excuses[] = {{"frost", EXCUSE_FROST},         {"humid", EXCUSE_HUMID},
                                      {"rain", EXCUSE_RAIN},           {"holiday", EXCUSE_HOLIDAY},
                                      {"suspended", EXCUSE_SUSPENDED}, {0}};
static const struct word states[] = {{"off", STATE_OFF}, {"on", STATE_ON}, {"measured", STATE_MEASURED}, {0}};
static const struct word needs[] = {{"wash", NEED_WASH}, {"cover", NEED_COVER}, {0}};
static const struct word levels[] = {{"yellow", WARNING_YELLOW},
                                     {"orange", WARNING_ORANGE},
                                     {"red", WARNING_RED},
                                     {"never", WARNING_NEVER},
                                     {0}};
static const struct word sights[] = {{"soil", 0}, {"fence_gap", 1}, {"uncovered", 2}, {0}};
static const struct word times[] = {{"work", 0}, {"always", 1}, {0}};

enum {
    DURING = 1 << CHECK_DURING,
    RESPONSE = 1 << CHECK_RESPONSE,
    DUTY = 1 << CHECK_DUTY,
    PASSAGE = 1 << CHECK_PASSAGE,
    SHARE = 1 << CHECK_SHARE,
    ATTEST = 1 << CHECK_ATTEST,
    WATER = RESPONSE | DUTY,
};

static const struct setting check_rows[] = {
    {"name", SETTING_KEY, FIELD(struct check, name), .meaning = "name of the check"},
    {"kind", SETTING_CHOICE, FIELD(struct check, kind), .required = true, .words = kinds,
     .meaning = "what it looks at"},
    {"title", SETTING_TITLE, FIELD(struct check, title_zh), .required = true, .meaning = "as shown"},
    {"excuses", SETTING_SET, FIELD(struct check, excuses), .words = excuses,
     .meaning = "what makes an opportunity none"},
    {"hours", SETTING_CHOICE, FIELD(struct check, always), .absent = "work", .words = times,
     .meaning = "when there are opportunities"},
    {"role", SETTING_WORD, FIELD(struct check, role), .required = true, .only = DURING | RESPONSE,
     .words = role_words, .meaning = "of the points it looks at; each for itself (during), any (response)"},
    {"state", SETTING_CHOICE, FIELD(struct check, state), .absent = "on", .only = DURING, .words = states,
     .meaning = "what must hold"},
    {"every", SETTING_DURATION, FIELD(struct check, slot_ms), .required = true, .low = "1min", .high = "31d",
     .only = DURING | DUTY | SHARE | ATTEST,
     .meaning = "length of one opportunity; attest: how long an inspection counts"},
    {"grace", SETTING_DURATION, FIELD(struct check, grace_ms), .absent = "0s", .low = "0s", .high = "1d",
     .only = DURING, .meaning = "so long in each it need not hold"},
    {"vehicle", SETTING_DURATION, FIELD(struct check, vehicle_ms), .absent = "0s", .low = "0s", .high = "1h",
     .only = DURING, .meaning = "so long before and after a vehicle it need not hold; 0s: no such excuse"},
    {"over", SETTING_QUANTITY, FIELD(struct check, over), .required = true, .low = "0 ug/m3",
     .high = "100000 ug/m3", .unit = "ug/m3", .only = RESPONSE,
     .meaning = "a minute's mean above it triggers"},
    {"lasts", SETTING_DURATION, FIELD(struct check, lasts_ms), .required = true, .low = "1s", .high = "1h",
     .only = RESPONSE | PASSAGE,
     .meaning = "for so long (whole minutes) it is over; least washing of a vehicle"},
    {"within", SETTING_DURATION, FIELD(struct check, within_ms), .required = true, .low = "1min",
     .high = "4h", .only = RESPONSE | PASSAGE,
     .meaning = "until when there must be water; how long before the exit washing counts"},
    {"flow", SETTING_QUANTITY, FIELD(struct check, flow), .required = true, .low = "0 m3/h",
     .high = "10000 m3/h", .unit = "m3/h", .only = WATER, .meaning = "least mean of a minute that is water"},
    {"flow_for", SETTING_DURATION, FIELD(struct check, flow_ms), .absent = "1min", .low = "1min",
     .high = "4h", .only = WATER, .meaning = "for so long (whole minutes), so that it is watering"},
    {"more_in_warning", SETTING_BOOL, FIELD(struct check, more_in_warning), .absent = "false", .only = DUTY,
     .meaning = "1, 2, 3 times more in a yellow, orange, red warning"},
    {"need", SETTING_CHOICE, FIELD(struct check, need), .absent = "wash", .only = PASSAGE, .words = needs,
     .meaning = "what each vehicle that leaves needs"},
    {"banned_from", SETTING_CHOICE, FIELD(struct check, banned_from), .absent = "never", .only = PASSAGE,
     .words = levels, .meaning = "from this warning on none may leave"},
    {"what", SETTING_WORD, FIELD(struct check, what), .required = true, .only = SHARE, .words = sights,
     .meaning = "as the camera calls it"},
    {"at_most", SETTING_NUMBER, FIELD(struct check, at_most), .required = true, .low = "0", .high = "1000000",
     .only = SHARE, .meaning = "how much of it may be"},
    {"apart", SETTING_DURATION, FIELD(struct check, apart_ms), .absent = "1h", .low = "1min", .high = "1d",
     .only = SHARE, .meaning = "two sights of more, so far apart and none of less between, prove it"},
    {"silence_is_fine", SETTING_BOOL, FIELD(struct check, silence_is_fine), .absent = "false", .only = SHARE,
     .meaning = "a camera that watches (alive) and says nothing has seen nothing"},
    {"by", SETTING_SET, FIELD(struct check, by), .required = true, .only = ATTEST, .words = person_role_words,
     .meaning = "whose inspection counts"},
    {"renewed_by_stage", SETTING_BOOL, FIELD(struct check, renewed_by_stage), .absent = "false",
     .only = ATTEST, .meaning = "a new stage of work needs a new one"},
    {0},
};

static int check_check(const struct yaml_doc *doc, const struct yaml_node *map, const void *object,
                       struct complaint *why)
{
    const struct check *c = object;
    if (c->kind == CHECK_DURING && c->grace_ms >= c->slot_ms)
        return yaml_complain(doc, yaml_get(map, "grace"), why,
                             "found a grace that is not shorter than every; allowed: a shorter one");
    if (c->kind == CHECK_ATTEST && !c->by)
        return yaml_complain(doc, yaml_get(map, "by"), why, "found no role; allowed: at least one");
    return ERR_OK;
}

static const struct schema check_schema = {"check", sizeof(struct check), check_rows, &check_rows[1],
                                           check_check};

static const struct setting requirement_rows[] = {
    {"name", SETTING_KEY, FIELD(struct requirement, name), .meaning = "neutral name of the requirement"},
    {"title", SETTING_TITLE, FIELD(struct requirement, title_zh), .required = true,
     .meaning = "as shown where the wording has none"},
    {"rectify_within", SETTING_DURATION, FIELD(struct requirement, rectify_ms), .absent = "24h",
     .low = "1min", .high = "365d", .meaning = "from finding to the end of the work"},
    {"checks", SETTING_KEYED, FIELD(struct requirement, checks), COUNT(struct requirement, nchecks),
     .required = true, .sub = &check_schema, .meaning = "all of which it takes"},
    {0},
};
static const struct schema one_schema = {"requirement", sizeof(struct requirement), requirement_rows, NULL,
                                         NULL};

static const struct setting file_rows[] = {
    {"title", SETTING_TITLE, FIELD(struct requirement_file, title_zh), .required = true,
     .meaning = "of the file"},
    {"source", SETTING_TEXT, FIELD(struct requirement_file, source), .required = true,
     .meaning = "where the numbers come from"},
    {"doubt", SETTING_TEXT, FIELD(struct requirement_file, doubt), .meaning = "what is not proven"},
    {"frost_below", SETTING_QUANTITY, FIELD(struct requirement_file, frost_degc), .absent = "5 degC",
     .low = "-20 degC", .high = "15 degC", .unit = "degC", .meaning = "it is frost: no water"},
    {"humid_above", SETTING_QUANTITY, FIELD(struct requirement_file, humid_percent), .absent = "70 %",
     .low = "0 %", .high = "100 %", .unit = "%", .meaning = "it is humid: no water"},
    {"rain_above", SETTING_QUANTITY, FIELD(struct requirement_file, rain_mm), .absent = "0 mm", .low = "0 mm",
     .high = "100 mm", .unit = "mm", .meaning = "it rains, by the gauge's minute"},
    {"requirements", SETTING_KEYED, FIELD(struct requirement_file, list), COUNT(struct requirement_file, n),
     .required = true, .sub = &one_schema, .meaning = "what is required"},
    {0},
};
const struct schema requirement_schema = {"requirement file", sizeof(struct requirement_file), file_rows,
                                          NULL, NULL};

static const struct setting title_rows[] = {
    {"name", SETTING_KEY, FIELD(struct wording_title, name), .meaning = "name of the requirement"},
    {"title", SETTING_TITLE, FIELD(struct wording_title, title_zh), .required = true, .meaning = "as shown"},
    {0},
};
static const struct schema title_schema = {"wording", sizeof(struct wording_title), title_rows, NULL, NULL};

static const struct setting wording_rows[] = {
    {"title", SETTING_TITLE, FIELD(struct wording_file, title_zh), .required = true,
     .meaning = "of all together"},
    {"source", SETTING_TEXT, FIELD(struct wording_file, source), .required = true,
     .meaning = "who words it so"},
    {"doubt", SETTING_TEXT, FIELD(struct wording_file, doubt), .meaning = "what is not proven"},
    {"titles", SETTING_KEYED, FIELD(struct wording_file, titles), COUNT(struct wording_file, ntitles),
     .required = true, .sub = &title_schema, .meaning = "of each requirement"},
    {0},
};
const struct schema wording_schema = {"wording file", sizeof(struct wording_file), wording_rows, NULL, NULL};

static const struct yaml_node *at(const struct loading *l, const char *key)
{
    const struct yaml_node *map = yaml_get(yaml_root(l->doc), "requirements"), *value = yaml_get(map, key);
    return value ? value : map;
}

static int load_file(const struct loading *l, const char *kind, const char *key, const char *name,
                     const struct schema *schema, void *object)
{
    char *path;
    int error = find_file(l, kind, name, at(l, key), &path);
    if (error)
        return error;
    error = schema_load(schema, path, object, NULL, l->why);
    mem_free(path);
    return error;
}

static bool is_left_out(const struct requirements *r, const char *requirement, const char *check, bool *used)
{
    char *name = mem_printf("%s/%s", requirement, check);
    bool found = false;
    for (int i = 0; i < r->nleft_out && !found; i++) {
        found = strcmp(r->left_out[i], name) == 0;
        used[i] = used[i] || found;
    }
    mem_free(name);
    return found;
}

static void name_it(struct requirement *r, const struct wording_file *w)
{
    for (int i = 0; i < w->ntitles; i++)
        if (strcmp(w->titles[i].name, r->name) == 0) {
            r->title_zh = w->titles[i].title_zh;
            r->title_en = w->titles[i].title_en;
        }
}

/* A requirement all of whose checks are left out is left out. */
static void take(struct loaded *d, bool *used)
{
    struct requirements *r = &d->c.requirements;
    const struct requirement_file *f = &d->requirement_file;
    r->list = mem_array((size_t)f->n, sizeof *r->list);
    for (int i = 0; i < f->n; i++) {
        struct requirement *to = &r->list[r->n];
        *to = f->list[i];
        to->nchecks = 0;
        to->checks = mem_array((size_t)f->list[i].nchecks, sizeof *to->checks);
        for (int k = 0; k < f->list[i].nchecks; k++)
            if (!is_left_out(r, to->name, f->list[i].checks[k].name, used))
                to->checks[to->nchecks++] = f->list[i].checks[k];
        name_it(to, &d->wording_file);
        if (to->nchecks)
            r->n++;
        else
            mem_free(to->checks);
    }
    r->frost_degc = f->frost_degc;
    r->humid_percent = f->humid_percent;
    r->rain_mm = f->rain_mm;
}

int load_requirements(const struct loading *l)
{
    struct loaded *d = l->l;
    struct requirements *r = &d->c.requirements;
    if (!r->file[0] && !r->wording[0] && !r->person[0] && !r->nleft_out)
        return ERR_OK;
    if (!r->file[0])
        return yaml_complain(l->doc, at(l, "requirements"), l->why,
                             "found requirements without a file; allowed: file: and a name");
    if (!config_person(&d->c, r->person))
        return yaml_complain(l->doc, at(l, "person"), l->why,
                             "found no person who answers for the requirements; allowed: a name in people");
    int error = load_file(l, "requirements", "file", r->file, &requirement_schema, &d->requirement_file);
    if (!error && r->wording[0])
        error = load_file(l, "wording", "wording", r->wording, &wording_schema, &d->wording_file);
    if (error)
        return error;
    bool *used = mem_array((size_t)r->nleft_out + 1, sizeof *used);
    take(d, used);
    for (int i = 0; i < r->nleft_out && !error; i++)
        if (!used[i])
            error = yaml_complain(l->doc, at(l, "leave_out"), l->why,
                                  "found %s, which %s does not have; allowed: <requirement>/<check> of it",
                                  r->left_out[i], r->file);
    mem_free(used);
    return error;
}

void free_requirements(struct loaded *d)
{
    struct requirements *r = &d->c.requirements;
    for (int i = 0; i < r->n; i++)
        mem_free(r->list[i].checks);
    mem_free(r->list);
    schema_finish(&requirement_schema, &d->requirement_file);
    schema_finish(&wording_schema, &d->wording_file);
}
