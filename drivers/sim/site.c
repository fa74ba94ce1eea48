#include "drivers/sim/site.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "drivers/profile.h"
#include "drivers/sim/switch.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct loading {
    struct site *site;
    const struct yaml_doc *doc;
    const char *file;
    const char *const *dirs;
    struct complaint *why;
};

static const struct yaml_node *section(const struct loading *l, const char *key)
{
    return yaml_get(yaml_root(l->doc), key);
}

static const struct point *point_named(const struct profile *p, const char *name)
{
    for (int i = 0; i < p->npoints; i++)
        if (strcmp(p->points[i].name, name) == 0)
            return &p->points[i];
    return NULL;
}

/* Complains at `at` when the unit's profile has no point `name`. */
static int need_point(const struct loading *l, const struct yaml_node *at, const struct profile *p,
                      const char *name)
{
    if (point_named(p, name))
        return ERR_OK;
    struct buf list = {0};
    for (int i = 0; i < p->npoints; i++)
        buf_printf(&list, " %s", p->points[i].name);
    yaml_complain(l->doc, at, l->why, "found no point \"%s\" in profile %s; allowed:%s", name, p->name,
                  list.data ? list.data : " none");
    buf_finish(&list);
    return ERR_FORMAT;
}

/* --- profiles --- */

static int load_profile(const struct loading *l, const struct yaml_node *at, struct station_setup *unit)
{
    struct site *site = l->site;
    for (int i = 0; i < site->nprofiles; i++) {
        if (strcmp(site->profiles[i]->name, unit->profile_name) == 0) {
            unit->profile = site->profiles[i];
            return ERR_OK;
        }
    }
    for (const char *const *dir = l->dirs; *dir; dir++) {
        char *path = mem_printf("%s/%s.yaml", *dir, unit->profile_name);
        struct profile **next = &site->profiles[site->nprofiles];
        int rc = access(path, R_OK) ? ERR_NOT_FOUND : profile_load(path, next, l->why);
        mem_free(path);
        if (rc == ERR_OK)
            unit->profile = site->profiles[site->nprofiles++];
        if (rc != ERR_NOT_FOUND)
            return rc;
    }
    struct buf list = {0};
    for (const char *const *dir = l->dirs; *dir; dir++)
        buf_printf(&list, " %s", *dir);
    yaml_complain(l->doc, at, l->why, "found no profile \"%s\"; looked in:%s", unit->profile_name, list.data);
    buf_finish(&list);
    return ERR_NOT_FOUND;
}

/* --- points --- */

static void read_day_time(struct day_time *t)
{
    int hour = 0, minute = 0;
    if (t->text && sscanf(t->text, "%2d:%2d", &hour, &minute) == 2)
        t->ms = hour * (int64_t)CLOCK_HOUR_MS + minute * (int64_t)CLOCK_MINUTE_MS;
}

static const struct model *model_of(const struct station_setup *unit, const char *point)
{
    for (int i = 0; i < unit->nmodels; i++)
        if (strcmp(unit->models[i].point, point) == 0)
            return &unit->models[i];
    return NULL;
}

static int check_model(const struct loading *l, const struct yaml_node *at, const struct station_setup *unit,
                       struct model *m)
{
    struct day_time *times[] = {&m->daily.peak, &m->bursts.from, &m->bursts.to};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        read_day_time(times[i]);
    for (int i = 0; i < m->nsteps; i++) {
        read_day_time(&m->steps[i].from);
        read_day_time(&m->steps[i].to);
    }
    int rc = need_point(l, at, unit->profile, m->point);
    if (rc != ERR_OK || !*m->of)
        return rc;
    const struct model *of = model_of(unit, m->of);
    if (!of || *of->of)
        return yaml_complain(l->doc, at, l->why,
                             "found of: %s; allowed: a point of the unit in this list that has no \"of\"",
                             m->of);
    return ERR_OK;
}

static int check_models(const struct loading *l, const struct yaml_node *at, const struct station_setup *unit)
{
    const struct yaml_node *points = yaml_get(at, "points");
    int rc = ERR_OK;
    for (int i = 0; i < unit->nmodels && rc == ERR_OK; i++)
        rc = check_model(l, &points->keys[i], unit, &unit->models[i]);
    return rc;
}

/* --- recordings --- */

static char *beside(const char *file, const char *path)
{
    const char *slash = strrchr(file, '/');
    if (*path == '/' || !slash)
        return mem_string(path);
    return mem_printf("%.*s%s", (int)(slash - file + 1), file, path);
}

static int open_tape(const struct loading *l, const struct yaml_node *at, const struct station_setup *unit,
                     struct tape **tape)
{
    const struct yaml_node *replay = yaml_get(at, "replay"), *columns;
    const char *which = "";
    if (!replay)
        return ERR_OK;
    columns = yaml_get(replay, "columns");
    if (!*unit->tape.file || !unit->tape.ncolumns)
        return yaml_complain(l->doc, replay, l->why, "found no file or no columns; allowed: only with both");
    for (int i = 0; i < unit->tape.ncolumns; i++) {
        int rc = need_point(l, &columns->items[i], unit->profile, unit->tape.columns[i].point);
        if (rc != ERR_OK)
            return rc;
    }
    char *path = beside(l->file, unit->tape.file);
    int rc = tape_open(&unit->tape, path, l->site->world.zone_min, tape, &which);
    if (rc == ERR_NOT_FOUND)
        yaml_complain(l->doc, replay, l->why, "found no column \"%s\" in %s", which, path);
    else if (rc != ERR_OK)
        yaml_complain(l->doc, replay, l->why,
                      "found %s, which cannot be read; allowed: a text file or .gz of it", path);
    mem_free(path);
    return rc;
}

/* --- the parts --- */

static int load_unit(const struct loading *l, int i)
{
    struct station_setup *unit = &l->site->units[i];
    const struct yaml_node *units = section(l, "units"), *at = &units->items[i];
    for (int k = 0; k < i; k++) {
        const struct station_setup *other = &l->site->units[k];
        if (other->unit_id == unit->unit_id && strcmp(other->bus, unit->bus) == 0)
            return yaml_complain(l->doc, yaml_get(at, "unit_id"), l->why,
                                 "found unit_id %d twice on bus %s, also %s; allowed: once", unit->unit_id,
                                 unit->bus, other->name);
    }
    int rc = load_profile(l, yaml_get(at, "profile"), unit);
    if (rc == ERR_OK)
        rc = check_models(l, at, unit);
    return rc == ERR_OK ? open_tape(l, at, unit, &l->site->tapes[i]) : rc;
}

static const struct station_setup *unit_named(const struct site *site, const char *name)
{
    for (int i = 0; i < site->nunits; i++)
        if (strcmp(site->units[i].name, name) == 0)
            return &site->units[i];
    return NULL;
}

static int load_switch(const struct loading *l, int i)
{
    struct switch_setup *s = &l->site->switches[i];
    const struct yaml_node *at = &section(l, "switches")->items[i];
    const struct profile *p = unit_named(l->site, s->unit)->profile;
    int rc = need_point(l, yaml_get(at, "point"), p, s->point);
    if (rc != ERR_OK)
        return rc;
    const struct point *point = point_named(p, s->point);
    if (!point->writable || point_registers(point) != 1)
        return yaml_complain(l->doc, yaml_get(at, "point"), l->why,
                             "found %s; allowed: a coil or register that can be written", s->point);
    s->state = switch_create(s->constant_ms, l->site->world.start_ms);
    return ERR_OK;
}

static int load_fault(const struct loading *l, int i)
{
    struct fault *f = &l->site->faults[i];
    const struct yaml_node *at = &section(l, "faults")->items[i];
    const char *which = "";
    if (!*f->unit == !*f->bus)
        return yaml_complain(l->doc, at, l->why, "found %s; allowed: one of unit and bus",
                             *f->unit ? "both unit and bus" : "neither unit nor bus");
    if (f->kind == FAULT_UNPLUG && (!*f->bus || f->clock == FAULT_POLLS))
        return yaml_complain(l->doc, at, l->why,
                             "found unplug of a unit or by polls; allowed: of a bus, by time");
    if (*f->unit && *f->point) {
        int rc = need_point(l, yaml_get(at, "point"), unit_named(l->site, f->unit)->profile, f->point);
        if (rc != ERR_OK)
            return rc;
    }
    if (fault_prepare(f, l->site->world.start_ms, &which) == ERR_OK)
        return ERR_OK;
    return yaml_complain(
        l->doc, at, l->why,
        "found from: %s, to: %s; allowed: by the clock site a duration since the start or a stamp, by "
        "wire a duration, by polls a number; the end after the begin",
        *f->from ? f->from : "(open)", *f->to ? f->to : "(open)");
}

static int load_parts(const struct loading *l)
{
    struct site *site = l->site;
    int rc = ERR_OK;
    for (int i = 0; i < site->nunits && rc == ERR_OK; i++)
        rc = load_unit(l, i);
    for (int i = 0; i < site->nswitches && rc == ERR_OK; i++)
        rc = load_switch(l, i);
    for (int i = 0; i < site->nfaults && rc == ERR_OK; i++)
        rc = load_fault(l, i);
    return rc;
}

static int zone_minutes(const char *zone)
{
    int hours = 0, minutes = 0;
    int n = sscanf(zone + 1, "%2d:%2d", &hours, &minutes);
    return n == 2 ? (hours * 60 + minutes) * (*zone == '-' ? -1 : 1) : 0;
}

int site_load(const char *file, const char *const *dirs, int64_t start_ms, const uint64_t *seed,
              struct site *out, struct complaint *why)
{
    struct yaml_doc *doc = NULL;
    int rc = schema_load(&site_schema, file, out, &doc, why);
    if (rc != ERR_OK)
        return rc;
    struct loading l = {out, doc, file, dirs, why};
    out->profiles = mem_array((size_t)out->nunits + 1, sizeof(struct profile *));
    out->tapes = mem_array((size_t)out->nunits + 1, sizeof(struct tape *));
    out->world = (struct world){.seed = seed ? *seed : out->seed,
                                .zone_min = zone_minutes(out->zone),
                                .start_ms = start_ms,
                                .faults = out->faults,
                                .nfaults = out->nfaults,
                                .switches = out->switches,
                                .nswitches = out->nswitches};
    rc = load_parts(&l);
    yaml_close(doc);
    if (rc != ERR_OK)
        site_finish(out);
    return rc;
}

void site_finish(struct site *site)
{
    for (int i = 0; site->tapes && i < site->nunits; i++)
        tape_close(site->tapes[i]);
    mem_free(site->tapes);
    for (int i = 0; i < site->nprofiles; i++)
        profile_free(site->profiles[i]);
    mem_free(site->profiles);
    for (int i = 0; i < site->nswitches; i++)
        switch_destroy(site->switches[i].state);
    schema_finish(&site_schema, site);
}
