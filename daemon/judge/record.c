#include "daemon/judge/record_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/window.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

enum { DAY_MIN = 1440 };

static const char *const asked_roles[ASKED__COUNT] = {[ASKED_FLOW] = "flow",
                                                      [ASKED_TEMPERATURE] = "temperature",
                                                      [ASKED_HUMIDITY] = "humidity",
                                                      [ASKED_RAIN] = "rain",
                                                      [ASKED_SPRAY] = "spray_command",
                                                      [ASKED_WASH] = "wash",
                                                      [ASKED_WASH_ENTRY] = "wash_entry"};

/* --- points --- */

static bool role_asked(const struct config *c, const char *role)
{
    for (int i = 0; i < ASKED__COUNT; i++)
        if (strcmp(asked_roles[i], role) == 0)
            return true;
    for (int i = 0; i < c->requirements.n; i++)
        for (int k = 0; k < c->requirements.list[i].nchecks; k++) {
            const char *own = c->requirements.list[i].checks[k].role;
            if (own && strcmp(own, role) == 0)
                return true;
        }
    return false;
}

const struct role_points *record_points(const struct record *r, const char *role)
{
    static const struct role_points none = {0};
    for (int i = 0; i < r->nroles; i++)
        if (strcmp(r->roles[i].role, role) == 0)
            return &r->roles[i];
    return &none;
}

const struct role_points *record_asked(const struct record *r, enum asked_role role)
{
    return r->asked[role];
}

static void add_to_role(struct record *r, const char *role, int point)
{
    struct role_points *of = NULL;
    for (int i = 0; i < r->nroles && !of; i++)
        of = strcmp(r->roles[i].role, role) == 0 ? &r->roles[i] : NULL;
    if (!of) {
        r->roles = mem_resize(r->roles, (size_t)r->nroles + 1, sizeof *r->roles);
        of = &r->roles[r->nroles++];
        *of = (struct role_points){.role = role};
    }
    of->points = mem_resize(of->points, (size_t)of->n + 1, sizeof *of->points);
    of->points[of->n++] = point;
}

struct record *record_create(const struct config *c)
{
    struct record *r = mem_new(struct record);
    r->config = c;
    r->unwatched_ms = mem_new(int64_t);
    *r->unwatched_ms = INT64_MIN;
    workday_fill(&r->work, c->requirements.hours, c->requirements.nhours);
    workday_fill(&r->always, NULL, 0);
    r->ours = mem_array((size_t)c->npoints, sizeof *r->ours);
    for (int i = 0; i < c->npoints; i++) {
        const char *role = c->points[i].point->role;
        bool has = c->requirements.n && role && *role;
        r->ours[i] = has && role_asked(c, role) ? r->nours++ : -1;
        if (has)
            add_to_role(r, role, i);
    }
    for (int i = 0; i < ASKED__COUNT; i++)
        r->asked[i] = record_points(r, asked_roles[i]);
    return r;
}

void record_destroy(struct record *r)
{
    if (!r)
        return;
    for (int i = 0; i < RECORD_DAYS; i++)
        mem_free(r->days[i].values);
    for (int k = 0; k < INPUT__KINDS; k++)
        mem_free(r->facts[k].list);
    for (int i = 0; i < r->nroles; i++)
        mem_free(r->roles[i].points);
    mem_free(r->roles);
    mem_free(r->ours);
    mem_free(r->unwatched_ms);
    mem_free(r);
}

const struct config *record_config(const struct record *r)
{
    return r->config;
}

uint64_t record_changes(const struct record *r)
{
    return r->changes;
}

void record_answered(struct record *r, int64_t to_ms)
{
    *r->unwatched_ms = to_ms;
}

const struct workday *record_hours(const struct record *r, bool always)
{
    return always ? &r->always : &r->work;
}

static int64_t day_of(const struct record *r, int64_t at_ms)
{
    return clock_window_start(at_ms, CLOCK_DAY_MS, r->config->site.zone_min);
}

static struct day *place(const struct record *r, int64_t day_ms)
{
    int64_t number = day_ms / CLOCK_DAY_MS;
    return (struct day *)&r->days[(number % RECORD_DAYS + RECORD_DAYS) % RECORD_DAYS];
}

/* The day's room; an older day leaves it. NULL for one that is older than what is there. */
static struct day *open_day(struct record *r, int64_t day_ms)
{
    struct day *d = place(r, day_ms);
    if (d->start_ms == day_ms && d->values)
        return d;
    if (d->values && d->start_ms > day_ms)
        return NULL;
    size_t n = (size_t)r->nours * DAY_MIN;
    if (!d->values)
        d->values = mem_array(n, sizeof *d->values);
    for (size_t i = 0; i < n; i++)
        d->values[i] = NAN;
    d->start_ms = day_ms;
    return d;
}

/* Of the point in that place, in a minute of the day. */
static float *value_at(const struct day *d, int place, int64_t minute_ms)
{
    return d->values + (size_t)place * DAY_MIN + (size_t)((minute_ms - d->start_ms) / CLOCK_MINUTE_MS);
}

void record_minute(struct record *r, int64_t start_ms, const struct mean *means)
{
    struct day *d = r->nours ? open_day(r, day_of(r, start_ms)) : NULL;
    r->today = d ? d : r->today;
    if (start_ms > r->newest_ms) {
        if (day_of(r, start_ms) != day_of(r, r->newest_ms))
            facts_forget_old(r, start_ms);
        r->newest_ms = start_ms;
    } else {
        r->changes++;
    }
    for (int i = 0; d && i < r->config->npoints; i++)
        if (r->ours[i] >= 0)
            *value_at(d, r->ours[i], start_ms) = mean_valid(&means[i]) ? (float)means[i].mean : NAN;
}

void record_flag(struct record *r, int point, int64_t from_ms, int64_t to_ms)
{
    r->changes++;
    for (int64_t ms = from_ms; r->ours[point] >= 0 && ms < to_ms; ms += CLOCK_MINUTE_MS) {
        const struct day *d = place(r, day_of(r, ms));
        if (d->values && d->start_ms == day_of(r, ms))
            *value_at(d, r->ours[point], ms) = NAN;
    }
}

/* The day that a minute is of; NULL: nothing is known of it. */
static const struct day *day_at(const struct record *r, int64_t minute_ms)
{
    if (r->today && minute_ms >= r->today->start_ms && minute_ms - r->today->start_ms < CLOCK_DAY_MS)
        return r->today;
    int64_t day_ms = day_of(r, minute_ms);
    const struct day *d = place(r, day_ms);
    return d->values && d->start_ms == day_ms ? d : NULL;
}

double record_value(const struct record *r, int point, int64_t minute_ms)
{
    const struct day *d = day_at(r, minute_ms);
    if (r->ours[point] < 0 || !d)
        return NAN;
    return (double)*value_at(d, r->ours[point], minute_ms);
}

enum truth record_above(const struct record *r, const struct role_points *of, double value, bool at_least,
                        int64_t minute_ms, const char **about)
{
    enum truth all = MAYBE;
    bool missing = false;
    for (int i = 0; i < of->n; i++) {
        double v = record_value(r, of->points[i], minute_ms);
        if (isnan(v)) {
            missing = true;
            if (about)
                *about = r->config->points[of->points[i]].name;
        } else if (at_least ? v >= value : v > value) {
            return YES;
        } else {
            all = NO;
        }
    }
    return missing ? MAYBE : all;
}

/* Whether all of the points are known, and none is above. */
static bool is_clean(const struct record *r, const struct role_points *of, double value, const struct day *d,
                     int64_t minute_ms)
{
    for (int i = 0; i < of->n; i++) {
        int place = r->ours[of->points[i]];
        if (place < 0 || !((double)*value_at(d, place, minute_ms) <= value)) /* NaN is not */
            return false;
    }
    return true;
}

int64_t record_next_above(const struct record *r, const struct role_points *of, double value, int64_t from_ms,
                          int64_t to_ms)
{
    const struct day *d = day_at(r, from_ms);
    int64_t m = from_ms;
    while (d && m < to_ms && is_clean(r, of, value, d, m))
        m += CLOCK_MINUTE_MS;
    return m < to_ms ? m : to_ms;
}

/* --- reload --- */

static int same_point(const struct config *c, const char *name)
{
    for (int i = 0; i < c->npoints; i++)
        if (strcmp(c->points[i].name, name) == 0)
            return i;
    return -1;
}

struct record *record_carry(const struct record *was, const struct config *c)
{
    struct record *r = record_create(c);
    r->newest_ms = was->newest_ms;
    *r->unwatched_ms = *was->unwatched_ms;
    for (int k = 0; k < INPUT__KINDS; k++)
        for (size_t i = 0; i < was->facts[k].n; i++) {
            struct fact f = was->facts[k].list[i];
            f.by = fact_source(r, f.source);
            facts_add(&r->facts[k], &f);
        }
    for (int i = 0; i < RECORD_DAYS; i++) {
        const struct day *from = &was->days[i];
        struct day *to = from->values && r->nours ? open_day(r, from->start_ms) : NULL;
        for (int p = 0; to && p < c->npoints; p++) {
            int before = r->ours[p] < 0 ? -1 : same_point(was->config, c->points[p].name);
            if (before >= 0 && was->ours[before] >= 0)
                memcpy(value_at(to, r->ours[p], to->start_ms),
                       value_at(from, was->ours[before], from->start_ms), DAY_MIN * sizeof *to->values);
        }
    }
    return r;
}
