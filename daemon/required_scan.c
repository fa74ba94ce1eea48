/* At start: what the journal has of the days that may still be judged. */
#include "daemon/required_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/dustd.h"
#include "daemon/judge/record.h"
#include "daemon/pipeline.h"
#include "daemon/required.h"

#include <math.h>
#include <string.h>

static double mean_of(const json_t *point)
{
    const json_t *mean = json_object_get(point, "mean");
    return json_is_number(mean) ? json_number_value(mean) : NAN;
}

/* A minute may stand in several rows, each with some of the points: the others keep what they were. */
static void known_minute(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    const json_t *points = json_object_get(body, "points");
    struct mean *means = mem_array((size_t)d->config->npoints, sizeof *means);
    for (int i = 0; i < d->config->npoints; i++) {
        const json_t *point = json_object_get(points, d->config->points[i].name);
        const char *quality = json_string_value(json_object_get(point, "q"));
        double before = record_value(d->required->record, i, row->at_ms);
        means[i] = point
                       ? (struct mean){.mean = mean_of(point), .quality = quality ? (uint8_t)quality[0] : 'D'}
                       : (struct mean){.mean = before, .quality = isnan(before) ? 'D' : 'N'};
    }
    record_minute(d->required->record, row->at_ms, means);
    int64_t day_ms = required_day(d, row->at_ms);
    if (!d->required->next_day_ms || day_ms < d->required->next_day_ms)
        d->required->next_day_ms = day_ms;
    mem_free(means);
    json_decref(body);
}

/* The rows of the minutes themselves have the letter that they had when they closed. */
static void known_flag(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    const char *state = json_string_value(json_object_get(body, "state"));
    const char *name = json_string_value(json_object_get(body, "point"));
    int point = name ? pipeline_point(d->config, name) : -1;
    if (point >= 0 && state && strcmp(state, "begin") == 0 && json_object_get(body, "flag"))
        record_flag(d->required->record, point, json_integer_value(json_object_get(body, "from")),
                    json_integer_value(json_object_get(body, "to")));
    json_decref(body);
}

static enum verdict verdict_of(const json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "verdict"));
    for (int v = VERDICT_PASS; text && v < VERDICT_UNKNOWN; v++)
        if (strcmp(verdict_str((enum verdict)v), text) == 0)
            return (enum verdict)v;
    return VERDICT_UNKNOWN;
}

static int count_of(const json_t *body, const char *key)
{
    return (int)json_integer_value(json_object_get(body, key));
}

static void known_verdict(const struct row *row, void *arg)
{
    static const char *const ours[] = {"ts", "kind", "subject", "simulated", "late", "removed", "corrects"};
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        json_object_del(body, ours[i]);
    if (body)
        required_note(d->required, (struct judged){row->at_ms, row->seq, required_hash(0, row->subject),
                                                   required_content(body), verdict_of(body),
                                                   count_of(body, "num"), count_of(body, "den")});
    json_decref(body);
}

static void known_failure(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    failures_known(d->required, json_object_get(body, "evidence"));
    json_decref(body);
}

/* Days before the first that has minutes are not judged; those that have verdicts are not judged again. */
int required_scan(struct dustd *d)
{
    struct required *q = d->required;
    int64_t from_ms = required_day(d, d->opened.last_at_ms) - (RECORD_DAYS - 1) * (int64_t)CLOCK_DAY_MS;
    if (d->config->requirements.n == 0)
        return ERR_OK;
    int rc = store_scan_rows(d->store, "minute", from_ms, known_minute, d);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, "quality", from_ms, known_flag, d);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, "requirement", from_ms, known_verdict, d);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, "issue", from_ms, known_failure, d);
    record_answered(q->record, d->opened.last_at_ms + CLOCK_DAY_MS);
    for (size_t i = 0; i < q->njudged; i++)
        if (q->judged[i].day_ms >= q->next_day_ms)
            q->next_day_ms = q->judged[i].day_ms + CLOCK_DAY_MS;
    return rc;
}
