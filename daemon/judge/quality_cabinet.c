/* The checks of the cabinet that a meter stands in: door, mains, tilt, place. */
#include "daemon/base/clock.h"
#include "daemon/base/hours.h"
#include "daemon/config/config.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/quality_inside.h"
#include "daemon/sample.h"
#include "drivers/device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool has_role(const struct look *k, int point, const char *role)
{
    return strcmp(k->q->config->points[point].point->role, role) == 0 && k->means[point].n;
}

/* Whoever opens a cabinet declares the meter in it, not the board that its contacts are wired to. */
static bool is_served(const struct look *k, int point)
{
    const char *device = k->q->seen[point].alone ? NULL : k->q->config->points[point].device->name;
    return k->service != QUALITY_NORMAL || facts_served(k->facts, device, k->from_ms, k->to_ms);
}

enum holds is_door_open(struct look *k, int point, struct run *r)
{
    (void)r;
    if (!has_role(k, point, "door"))
        return HOLDS_UNKNOWN;
    return k->means[point].max > 0 && !is_served(k, point) ? HOLDS : HOLDS_NOT;
}

/* Hours in which the site's power is off as a rule are declared. */
static bool is_off_as_a_rule(const struct look *k)
{
    const struct config *c = k->q->config;
    bool inside = false;
    if (c->npower_off)
        hours_until(c->power_off, c->npower_off, c->site.zone_min, k->from_ms, k->from_ms + 1, &inside);
    return inside;
}

enum holds is_without_power(struct look *k, int point, struct run *r)
{
    (void)r;
    if (!has_role(k, point, "power"))
        return HOLDS_UNKNOWN;
    bool explained = is_off_as_a_rule(k) || is_served(k, point);
    return k->means[point].min <= 0 && !explained ? HOLDS : HOLDS_NOT;
}

/* As it was set up, or as whoever served the device has left it. */
static bool is_left_so(const struct look *k, int point, struct run *r, double value, double other)
{
    if (r->has_value && !is_served(k, point))
        return false;
    r->value = value;
    r->other = other;
    r->has_value = true;
    return true;
}

enum holds is_tilted(struct look *k, int point, struct run *r)
{
    if (!has_role(k, point, "tilt"))
        return HOLDS_UNKNOWN;
    double deg = k->means[point].mean;
    if (is_left_so(k, point, r, deg, NAN))
        return HOLDS_NOT;
    double off = fabs(remainder(deg - r->value, 360));
    snprintf(k->why, WHY, "leans by %.3g deg more or less than the %.3g deg it was left at", off, r->value);
    return off > k->is->tilt ? HOLDS : HOLDS_NOT;
}

/* Metres between two places, near enough for those of one site. */
static double metres(double latitude, double longitude, double from_latitude, double from_longitude)
{
    const double per_degree = 111195, radian = 57.29577951308232; /* a sphere of 6371 km */
    double north = (latitude - from_latitude) * per_degree;
    double east = remainder(longitude - from_longitude, 360) * per_degree * cos(from_latitude / radian);
    return hypot(north, east);
}

enum holds is_moved(struct look *k, int point, struct run *r)
{
    int longitude = k->q->seen[point].longitude;
    if (!has_role(k, point, "latitude") || longitude < 0 || !k->means[longitude].n)
        return HOLDS_UNKNOWN;
    double north = k->means[point].mean, east = k->means[longitude].mean;
    if (is_left_so(k, point, r, north, east))
        return HOLDS_NOT;
    double away = metres(north, east, r->value, r->other);
    snprintf(k->why, WHY, "%.0f m from where it was left", away);
    return away > k->is->moved ? HOLDS : HOLDS_NOT;
}
