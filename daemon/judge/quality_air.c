/* The checks of the air around a meter: damp, sprayed, cleaner than the county's. */
#include "daemon/base/clock.h"
#include "daemon/config/config.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/history.h"
#include "daemon/judge/quality_inside.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double wind_steady_ms = 1;

/* A tag, no doubt of anybody's: light scattering takes the water on the dust for dust. */
enum holds is_damp(struct look *k, int point, struct run *r)
{
    (void)r;
    double percent = value_of(k, k->q->seen[point].humidity);
    return isnan(percent) || !k->means[point].n ? HOLDS_UNKNOWN : if_so(percent > k->is->damp);
}

void say_damp(const struct look *k, int point, const struct run *r, char *why)
{
    (void)r;
    snprintf(why, WHY, "relative humidity %.3g %%, over %.3g %%: light scattering reads high",
             value_of(k, k->q->seen[point].humidity), k->is->damp);
}

static bool wind_is_steady(const struct look *k)
{
    for (int i = 0; i < k->q->config->npoints; i++)
        if (strcmp(role_of(k, i), "wind_speed") == 0 &&
            fabs(five_ago(k->q, i, 0) - five_ago(k->q, i, 5)) > wind_steady_ms)
            return false;
    return true;
}

static bool spray_was_on(const struct look *k)
{
    for (int i = 0; i < k->q->config->npoints; i++)
        for (int ago = 0; ago < FIVE && strcmp(role_of(k, i), "spray_feedback") == 0; ago++)
            if (five_ago(k->q, i, ago) > 0)
                return true;
    return false;
}

/* As far as it is known: where the air of the whole county has cleared, the inlet was not sprayed. */
static bool background_is_steady(const struct look *k, int point)
{
    int64_t hour_ms = clock_window_start(k->from_ms, CLOCK_HOUR_MS, 0);
    double now = facts_background(k->facts, role_of(k, point), hour_ms, CLOCK_HOUR_MS);
    double before = facts_background(k->facts, role_of(k, point), hour_ms - CLOCK_HOUR_MS, CLOCK_HOUR_MS);
    return !(now <= before * (1 - k->is->spray_drop / 100)); /* also when one is not known */
}

enum holds is_sprayed(struct look *k, int point, struct run *r)
{
    (void)r;
    int humidity = k->q->seen[point].humidity;
    if (humidity < 0)
        return HOLDS_UNKNOWN;
    double rise = five_ago(k->q, humidity, 0) - five_ago(k->q, humidity, 5);
    double now = five_ago(k->q, point, 0), before = five_ago(k->q, point, 5);
    if (isnan(rise) || isnan(now) || isnan(before))
        return HOLDS_UNKNOWN;
    if (rise < k->is->spray_humidity || before <= 0 || now > before * (1 - k->is->spray_drop / 100))
        return HOLDS_NOT;
    snprintf(k->why, WHY, "humidity rose by %.3g %% and dust fell from %.6g to %.6g in 5 min", rise, before,
             now);
    return if_so(wind_is_steady(k) && background_is_steady(k, point) && spray_was_on(k));
}

/* At the end of an hour: the hour that ended two hours ago, of which the background should have come. */
enum holds is_below_background(struct look *k, int point, struct run *r)
{
    (void)r;
    if (k->to_ms % CLOCK_HOUR_MS)
        return HOLDS_UNKNOWN;
    int64_t end_ms = k->to_ms - 2 * (int64_t)CLOCK_HOUR_MS, start_ms = end_ms - CLOCK_HOUR_MS;
    double background = facts_background(k->facts, role_of(k, point), start_ms, CLOCK_HOUR_MS);
    if (isnan(background))
        return HOLDS_UNKNOWN;
    struct tally t = history_tally(k->past, point, start_ms, end_ms, 0, NULL);
    struct mean m = tally_mean(&t, CLOCK_HOUR_MS / CLOCK_MINUTE_MS);
    if (!mean_valid(&m))
        return HOLDS_UNKNOWN;
    double ugm3 = m.mean * k->q->seen[point].to_ugm3;
    snprintf(k->why, WHY, "hour mean %.6g ug/m3, background %.6g", ugm3, background);
    k->from_ms = start_ms;
    k->to_ms = end_ms;
    return if_so(ugm3 < background * k->is->background / 100);
}
