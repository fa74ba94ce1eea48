/* Reads what a report needs, kind by kind. Rows after the head that was named at the start are left out, so
 * the report is of exactly that journal. */
#include "daemon/ctl/report.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/source.h"
#include "daemon/ledger/ledger.h"

#include <string.h>

static int take_settings(const struct row *row, void *gathered)
{
    struct gathered *g = gathered;
    json_t *body = row->body && row->seq <= g->head_seq ? json_loads(row->body, 0, NULL) : NULL;
    static const char *const members[] = {"people", "organisations", "categories", "site"};
    json_t **const to[] = {&g->people, &g->organisations, &g->categories, &g->site};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = json_object_get(body, members[i]);
        if (!json_is_object(value) || (*to[i] && row->at_ms >= g->asof_ms))
            continue;
        json_decref(*to[i]);
        *to[i] = json_incref(value);
    }
    json_decref(body);
    return ERR_OK;
}

static struct requirement_days *requirement_of(struct gathered *g, const char *name)
{
    for (int i = 0; i < g->nrequirements; i++)
        if (strcmp(g->requirements[i].name, name) == 0)
            return &g->requirements[i];
    g->requirements = mem_resize(g->requirements, (size_t)g->nrequirements + 1, sizeof *g->requirements);
    g->requirements[g->nrequirements] = (struct requirement_days){
        mem_string(name), NULL, mem_array((size_t)g->ndays, sizeof(struct day_verdict))};
    return &g->requirements[g->nrequirements++];
}

/* A corrected verdict comes later and takes the place of the one before. */
static int take_requirement(const struct row *row, void *gathered)
{
    struct gathered *g = gathered;
    int64_t day = (row->at_ms - g->period.from_ms) / CLOCK_DAY_MS;
    json_t *body = row->body && row->seq <= g->head_seq ? json_loads(row->body, 0, NULL) : NULL;
    if (body && day >= 0 && day < g->ndays) {
        struct requirement_days *r = requirement_of(g, row->subject);
        struct day_verdict *d = &r->days[day];
        *d = (struct day_verdict){.day_ms = row->at_ms,
                                  .known = true,
                                  .num = (int)int_of(body, "num"),
                                  .den = (int)int_of(body, "den"),
                                  .unknown = (int)int_of(body, "unknown"),
                                  .excused = (int)int_of(body, "excused")};
        snprintf(d->verdict, sizeof d->verdict, "%s", text_of(body, "verdict"));
        json_decref(r->title);
        r->title = json_incref(json_object_get(body, "title"));
    }
    json_decref(body);
    return ERR_OK;
}

static struct point_hours *point_of(struct gathered *g, const char *name)
{
    size_t nhours = (size_t)g->ndays * 24;
    for (int i = 0; i < g->npoints; i++)
        if (strcmp(g->points[i].name, name) == 0)
            return &g->points[i];
    g->points = mem_resize(g->points, (size_t)g->npoints + 1, sizeof *g->points);
    g->points[g->npoints] = (struct point_hours){mem_string(name), mem_array(nhours, 1)};
    memset(g->points[g->npoints].valid, HOUR_WITHOUT_ROW, nhours);
    return &g->points[g->npoints++];
}

static int take_hour(const struct row *row, void *gathered)
{
    struct gathered *g = gathered;
    int64_t hour = (row->at_ms - g->period.from_ms) / CLOCK_HOUR_MS;
    json_t *body = row->body && row->seq <= g->head_seq ? json_loads(row->body, 0, NULL) : NULL, *mean;
    const char *name;
    if (hour >= 0 && hour < (int64_t)g->ndays * 24)
        json_object_foreach(json_object_get(body, "points"), name, mean)
        {
            int64_t n = int_of(mean, "n");
            point_of(g, name)->valid[hour] = (unsigned char)(n < 0 ? 0 : n > 60 ? 60 : n);
        }
    json_decref(body);
    return ERR_OK;
}

int report_gather(struct source *s, struct gathered *g)
{
    const struct span whole = {"", 0, INT64_MIN, INT64_MAX};
    const struct span within = {"", 0, g->period.from_ms, g->asof_ms};
    const struct {
        const char *kind;
        struct span span;
        source_row take;
    } kinds[] = {
        {"settings", whole, take_settings},
        {"issue", whole, report_take_step},
        {"verdict", within, report_take_verdict},
        {"requirement", within, take_requirement},
        {"hour", within, take_hour},
    };
    int rc = ERR_OK;
    g->head_seq = source_about(s)->head.seq;
    g->cut = json_object();
    g->stories = json_object();
    g->config = (struct config){
        .file = "", .language = "zh", .site = {.issue_prefix = "LQ", .zone_min = g->zone_min}};
    g->ledger = ledger_create(&g->config);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && rc == ERR_OK; i++) {
        struct span span = kinds[i].span;
        span.kind = kinds[i].kind;
        rc = source_rows(s, &span, kinds[i].take, g);
    }
    report_sort_verdicts(g);
    if (!g->site)
        g->site = json_incref(source_about(s)->site);
    return rc;
}

void report_forget(struct gathered *g)
{
    for (int i = 0; i < g->nseries; i++) {
        char *const texts[] = {g->series[i].limit, g->series[i].point, g->series[i].unit,
                               g->series[i].compare};
        for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
            mem_free(texts[k]);
        mem_free(g->series[i].at);
    }
    for (int i = 0; i < g->nrequirements; i++) {
        mem_free(g->requirements[i].name);
        mem_free(g->requirements[i].days);
        json_decref(g->requirements[i].title);
    }
    for (int i = 0; i < g->npoints; i++) {
        mem_free(g->points[i].name);
        mem_free(g->points[i].valid);
    }
    mem_free(g->series);
    mem_free(g->requirements);
    mem_free(g->points);
    if (g->ledger)
        ledger_destroy(g->ledger);
    json_t *const objects[] = {g->cut,        g->stories, g->people, g->organisations,
                               g->categories, g->devices, g->site};
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        json_decref(objects[i]);
}
