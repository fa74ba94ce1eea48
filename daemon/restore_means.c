/* A year's limits are judged from hours: those are read back from their rows, which retention keeps, so that
 * it does not matter how far the minutes reach. */
#include "daemon/dustd.h"

#include "daemon/again.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/annual.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/years.h"
#include "daemon/pipeline.h"
#include "daemon/restore.h"

#include <math.h>
#include <string.h>

static double real_or_nan(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

bool restore_mean(const json_t *point, struct mean *mean)
{
    const char *quality = json_string_value(json_object_get(point, "q"));
    if (!quality)
        return false;
    *mean = (struct mean){real_or_nan(point, "mean"),
                          real_or_nan(point, "min"),
                          real_or_nan(point, "max"),
                          (uint32_t)json_integer_value(json_object_get(point, "n")),
                          (uint32_t)json_integer_value(json_object_get(point, "of")),
                          (uint8_t)quality[0],
                          0};
    return true;
}

struct restoring {
    struct dustd *d;
    int64_t hour_seq; /* of the newest hour */
    int64_t told_ms;  /* the year that has a verdict after it; INT64_MIN: none */
};

static void restore_hour(const struct row *row, void *arg)
{
    struct restoring *r = arg;
    struct dustd *d = r->d;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL, *point;
    const char *name;
    bool corrects = json_object_get(body, "corrects");
    r->hour_seq = corrects ? r->hour_seq : row->seq;
    json_object_foreach(json_object_get(body, "removed") ? NULL : json_object_get(body, "points"), name,
                        point)
    {
        struct mean hour;
        int i = pipeline_point(d->config, name);
        if (i >= 0 && restore_mean(point, &hour))
            annual_hour(d->judge, i, row->at_ms, &hour, corrects);
    }
    json_decref(body);
}

static const struct limit *annual_limit(const struct config *c, const char *id)
{
    for (int i = 0; i < c->nlimits; i++)
        if (limit_is_annual(&c->limits[i]) && strcmp(c->limits[i].id, id) == 0)
            return &c->limits[i];
    return NULL;
}

/* Also the row that one which corrects it will name. */
static void restore_verdict(const struct row *row, void *arg)
{
    struct restoring *r = arg;
    const struct limit *limit = annual_limit(r->d->config, row->subject);
    json_t *body = limit && row->body ? json_loads(row->body, 0, NULL) : NULL;
    const char *point = json_string_value(json_object_get(body, "point"));
    int64_t length_s = json_integer_value(json_object_get(body, "window_s"));
    if (limit && length_s > CLOCK_DAY_MS / CLOCK_SECOND_MS && !json_object_get(body, "removed")) {
        r->told_ms = row->seq > r->hour_seq ? row->at_ms : r->told_ms;
        again_note(
            &r->d->again,
            (struct again_window){.start_ms = row->at_ms,
                                  .length_s = length_s,
                                  .of = again_of(row->subject, point && limit->over != OVER_MAX ? point : ""),
                                  .seq = row->seq});
    }
    json_decref(body);
}

int restore_years(struct dustd *d, int64_t from_ms)
{
    static const int64_t before_ms = YEARS_HOURS_DAYS * (int64_t)CLOCK_DAY_MS;
    int zone_min = d->config->site.zone_min;
    struct restoring r = {.d = d, .told_ms = INT64_MIN};
    if (!annual_wanted(d->judge))
        return ERR_OK;
    int64_t year_ms = clock_year_start(from_ms - before_ms, zone_min);
    int rc = store_scan_rows(d->store, "hour", year_ms, restore_hour, &r);
    if (rc == ERR_OK) /* a verdict is stamped with its window's start */
        rc = store_scan_between(d->store, "verdict", year_ms, year_ms + 1, restore_verdict, &r);
    annual_restored(d->judge, r.told_ms);
    return rc;
}
