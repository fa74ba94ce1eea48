/* A report as one JSON object: what docs/interface.md describes, and what the page and the table are made of.
 */
#include "daemon/ctl/report.h"

#include "daemon/base/clock.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/source.h"
#include "daemon/ledger/ledger.h"

#include <math.h>
#include <string.h>

/* One entry for each text that the issues have under `key`, and at least for those of `always`. */
static json_t *groups(const json_t *issues, const char *key, const char *always)
{
    size_t i;
    const json_t *issue;
    json_t *list = json_array(), *seen = json_object();
    if (*always) {
        json_object_set_new(seen, always, json_true());
        json_array_append_new(
            list, json_pack("{s:s,s:o}", "name", always, "counts", report_counts(issues, key, always)));
    }
    json_array_foreach(issues, i, issue)
    {
        const char *name = text_of(issue, key);
        if (json_object_get(seen, name))
            continue;
        json_object_set_new(seen, name, json_true());
        json_array_append_new(
            list, json_pack("{s:s,s:o}", "name", name, "counts", report_counts(issues, key, name)));
    }
    json_decref(seen);
    return list;
}

/* ---- requirements ---- */

static json_t *day_json(const struct gathered *g, const struct requirement_days *r, int day)
{
    const struct day_verdict *d = &r->days[day];
    int64_t day_ms = g->period.from_ms + (int64_t)day * CLOCK_DAY_MS;
    if (!d->known)
        return json_pack("{s:I}", "day", (json_int_t)day_ms);
    return json_pack("{s:I,s:s,s:i,s:i,s:i,s:i}", "day", (json_int_t)day_ms, "verdict", d->verdict, "num",
                     d->num, "den", d->den, "unknown", d->unknown, "excused", d->excused);
}

static json_t *requirement_json(const struct gathered *g, const struct requirement_days *r)
{
    static const char *const verdicts[] = {"pass", "breach", "unknown"};
    int count[3] = {0}, missing = 0, num = 0, den = 0;
    json_t *days = json_array(), *j = json_pack("{s:s,s:O?}", "name", r->name, "title", r->title);
    for (int day = 0; day < g->ndays; day++) {
        const struct day_verdict *d = &r->days[day];
        for (int k = 0; k < 3; k++)
            count[k] += d->known && strcmp(d->verdict, verdicts[k]) == 0;
        missing += !d->known && g->period.from_ms + (int64_t)(day + 1) * CLOCK_DAY_MS <= g->asof_ms;
        num += d->num;
        den += d->den;
        json_array_append_new(days, day_json(g, r, day));
    }
    for (int k = 0; k < 3; k++)
        json_object_set_new(j, verdicts[k], json_integer(count[k]));
    json_object_set_new(j, "no_record", json_integer(missing));
    json_object_set_new(j, "num", json_integer(num));
    json_object_set_new(j, "den", json_integer(den));
    json_object_set_new(j, "days", days);
    return j;
}

/* ---- limits ---- */

/* Windows that are over, of those that the limit is for. */
static int64_t due_windows(const struct gathered *g, const struct judged_series *s)
{
    int64_t n = 0;
    for (int64_t ms = g->period.from_ms; s->window_ms && ms + s->window_ms <= g->asof_ms; ms += s->window_ms)
        n += hours_hold_at(&s->hours, ms, g->zone_min);
    return n;
}

static json_t *limit_json(const struct gathered *g, const struct judged_series *s)
{
    int over = 0, breach = 0, unknown = 0;
    double most = NAN;
    for (int i = 0; i < s->n; i++) {
        over += s->at[i].over;
        breach += s->at[i].breach;
        unknown += s->at[i].unknown;
        if (!isnan(s->at[i].mean) && !(s->at[i].mean <= most))
            most = s->at[i].mean;
    }
    json_t *j =
        json_pack("{s:s,s:s,s:s,s:f,s:s,s:I}", "limit", s->limit, "point", s->point, "compare", s->compare,
                  "value", s->value, "unit", s->unit, "window_s", (json_int_t)(s->window_ms / 1000));
    json_object_set_new(j, "windows", json_integer(s->n));
    json_object_set_new(j, "due", json_integer(due_windows(g, s)));
    json_object_set_new(j, "over", json_integer(over));
    json_object_set_new(j, "breach", json_integer(breach));
    json_object_set_new(j, "unknown", json_integer(unknown));
    if (!isnan(most))
        json_object_set_new(j, "most", json_real(most));
    return j;
}

/* ---- completeness ---- */

/* Valid minutes of a point's day; -1: there is not even a row. */
static int valid_minutes(const struct point_hours *p, int day)
{
    int sum = -1;
    for (int hour = day * 24; hour < (day + 1) * 24; hour++)
        if (p->valid[hour] != HOUR_WITHOUT_ROW)
            sum = (sum < 0 ? 0 : sum) + p->valid[hour];
    return sum;
}

/* Minutes of a day that are over. */
static int due_minutes(const struct gathered *g, int day)
{
    int64_t from_ms = g->period.from_ms + (int64_t)day * CLOCK_DAY_MS, ms = g->asof_ms - from_ms;
    return (int)((ms < 0 ? 0 : ms > CLOCK_DAY_MS ? CLOCK_DAY_MS : ms) / CLOCK_HOUR_MS) * 60;
}

static bool is_of(const char *point, const char *device, size_t length)
{
    return strncmp(point, device, length) == 0 && point[length] == '/';
}

static json_t *device_json(const struct gathered *g, const char *device, size_t length)
{
    int points = 0, all_valid = 0, all_due = 0;
    json_t *days = json_array();
    for (int day = 0; day < g->ndays; day++) {
        int valid = -1, due = 0;
        points = 0;
        for (int i = 0; i < g->npoints; i++) {
            int n = is_of(g->points[i].name, device, length) ? valid_minutes(&g->points[i], day) : -1;
            points += is_of(g->points[i].name, device, length);
            valid = n < 0 ? valid : (valid < 0 ? 0 : valid) + n;
        }
        due = points * due_minutes(g, day);
        valid = valid > due ? due : valid; /* the hour that runs has no row yet */
        all_valid += valid < 0 ? 0 : valid;
        all_due += due;
        json_array_append_new(days, valid < 0 || !due ? json_null() : json_real((double)valid / due));
    }
    return json_pack("{s:o,s:i,s:i,s:i,s:o}", "device", json_stringn(device, length), "points", points,
                     "valid", all_valid, "due", all_due, "days", days);
}

static json_t *completeness_json(const struct gathered *g)
{
    json_t *devices = json_array(), *device;
    int64_t valid = 0, due = 0;
    size_t k;
    for (int i = 0; i < g->npoints; i++) {
        size_t length = strcspn(g->points[i].name, "/");
        int first = 0;
        while (!is_of(g->points[first].name, g->points[i].name, length))
            first++;
        if (first == i)
            json_array_append_new(devices, device_json(g, g->points[i].name, length));
    }
    json_array_foreach(devices, k, device)
    {
        valid += int_of(device, "valid");
        due += int_of(device, "due");
    }
    return json_pack("{s:I,s:I,s:o}", "valid", (json_int_t)valid, "due", (json_int_t)due, "devices", devices);
}

/* ---- the whole ---- */

static json_t *made_from(const struct source_about *about)
{
    char hash[65];
    hash_hex(about->head.hash, hash);
    json_t *j = json_pack("{s:s,s:I,s:s}", "journal", about->head.id, "seq", (json_int_t)about->head.seq,
                          "hash", hash);
    if (*about->fingerprint)
        json_object_set_new(j, "fingerprint", json_string(about->fingerprint));
    return j;
}

static int relapses_in_all(const struct gathered *g)
{
    int n = 0;
    for (int i = 0; i < ledger_count(g->ledger); i++)
        n += ledger_at(g->ledger, i)->relapse;
    return n;
}

static void add_issues(const struct ctl *c, const struct gathered *g, json_t *report)
{
    json_t *issues = report_issues(c, g);
    const char *site = say_title(c, json_object_get(g->site, "title"));
    json_object_set_new(report, "counts", report_counts(issues, NULL, NULL));
    json_object_set_new(report, "relapses_in_all", json_integer(relapses_in_all(g)));
    json_object_set_new(report, "by_site",
                        json_pack("[{s:s,s:o}]", "name", site, "counts", report_counts(issues, NULL, NULL)));
    json_object_set_new(report, "by_community", groups(issues, "community", text_of(g->site, "community")));
    json_object_set_new(report, "by_requirement", groups(issues, "item", ""));
    json_object_set_new(report, "issues", issues);
}

json_t *report_json(const struct ctl *c, const struct source_about *about, const struct gathered *g,
                    bool public)
{
    json_t *requirements = json_array(), *limits = json_array();
    json_t *report = json_pack("{s:s,s:I,s:I,s:I,s:b,s:b,s:O?,s:o}", "report", period_str(g->kind), "from",
                               (json_int_t)g->period.from_ms, "to", (json_int_t)g->period.to_ms, "asof",
                               (json_int_t)g->asof_ms, "public", public, "simulated", about->simulated,
                               "site", g->site, "made_from", made_from(about));
    for (int i = 0; i < g->nrequirements; i++)
        json_array_append_new(requirements, requirement_json(g, &g->requirements[i]));
    for (int i = 0; i < g->nseries; i++)
        json_array_append_new(limits, limit_json(g, &g->series[i]));
    add_issues(c, g, report);
    json_object_set_new(report, "requirements", requirements);
    json_object_set_new(report, "limits", limits);
    json_object_set_new(report, "completeness", completeness_json(g));
    if (public)
        report_to_notice(g, report, c->zh);
    return report;
}

/* Copies the members that are named, of each object of a list. */
static json_t *only(const json_t *list, const char *const *members)
{
    size_t i;
    const json_t *object;
    json_t *kept = json_array();
    json_array_foreach(list, i, object)
    {
        json_t *j = json_object();
        for (const char *const *m = members; *m; m++)
            if (json_object_get(object, *m))
                json_object_set(j, *m, json_object_get(object, *m));
        json_array_append_new(kept, j);
    }
    return kept;
}

/* A row and a message have little room: of a site with very many points these go, the least needed first. */
static void make_fit(json_t *summary)
{
    static const char *const last[] = {"limits", "requirements", "by_requirement", "by_community"};
    enum { FITS = 7000 }; /* bytes; the daemon takes 8,000, and the names of the files come yet */
    json_t *complete = json_object_get(summary, "completeness");
    if (json_dumpb(summary, NULL, 0, JSON_COMPACT) > FITS)
        json_object_del(complete, "devices");
    for (size_t i = 0; i < sizeof last / sizeof *last && json_dumpb(summary, NULL, 0, JSON_COMPACT) > FITS;
         i++)
        json_object_del(summary, last[i]);
}

json_t *report_summary(const json_t *report)
{
    static const char *const whole[] = {"from",           "to",      "asof",         "made_from",
                                        "counts",         "by_site", "by_community", "by_requirement",
                                        "relapses_in_all"};
    static const char *const requirement[] = {"name",      "title", "pass", "breach", "unknown",
                                              "no_record", "num",   "den",  NULL};
    static const char *const limit[] = {"limit",  "point",   "windows", "due",  "over",
                                        "breach", "unknown", "most",    "unit", NULL};
    static const char *const device[] = {"device", "points", "valid", "due", NULL};
    const json_t *complete = json_object_get(report, "completeness");
    json_t *j = json_object();
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        json_object_set(j, whole[i], json_object_get(report, whole[i]));
    json_object_set_new(j, "requirements", only(json_object_get(report, "requirements"), requirement));
    json_object_set_new(j, "limits", only(json_object_get(report, "limits"), limit));
    json_object_set_new(j, "completeness",
                        json_pack("{s:O?,s:O?,s:o}", "valid", json_object_get(complete, "valid"), "due",
                                  json_object_get(complete, "due"), "devices",
                                  only(json_object_get(complete, "devices"), device)));
    make_fit(j);
    return j;
}
