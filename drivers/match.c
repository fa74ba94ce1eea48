#include "drivers/match.h"

#include "daemon/base/err.h"
#include "daemon/base/scalar.h"
#include "daemon/sample.h"
#include "drivers/scan_plan.h"

#include <math.h>
#include <string.h>

/* For points whose profile names no usual range: what these quantities can be in the open on a building site,
 * to tell numbers from nonsense. Direction and humidity end there by definition; temperature and pressure are
 * wider than any record of the World Meteorological Organization's archive of extremes for inhabited places;
 * the rest are instruments' ends. */
static const struct plausible {
    const char *role, *unit;
    double low, high;
} plausible[] = {
    {"pm1", "ug/m3", 0, 5000},        {"pm25", "ug/m3", 0, 5000},   {"pm10", "ug/m3", 0, 10000},
    {"tsp", "ug/m3", 0, 20000},       {"wind_speed", "m/s", 0, 60}, {"wind_direction", "deg", 0, 360},
    {"temperature", "degC", -60, 60}, {"humidity", "%", 0, 100},    {"pressure", "kPa", 45, 110},
    {"noise", "dB", 20, 140},
};

/* Each fraction is at most the next. */
static const char *const fractions[] = {"pm1", "pm25", "pm10", "tsp"};

enum { NFRACTIONS = sizeof fractions / sizeof *fractions };

/* What a point says for or against the profile. A switch that is read at all says more than a bare number:
 * most meters refuse to be asked for coils. */
#define WEIGHT_FITS    1.0
#define WEIGHT_SWITCH  0.8
#define WEIGHT_WEAK    0.3
#define WEIGHT_WRONG   (-1.0)
#define WEIGHT_MISSING (-0.7)
#define BONUS_FACTORY  4 /* for its speed, and for its unit id */

static const struct plausible *range_of(const struct point *p)
{
    for (size_t i = 0; i < sizeof plausible / sizeof *plausible; i++)
        if (strcmp(plausible[i].role, p->role) == 0)
            return &plausible[i];
    return NULL;
}

/* Whether the value is one of an ordinary day: what the profile calls usual, else what the quantity can be.
 */
static bool is_possible(const struct point *p, const struct plausible *range, double value)
{
    double converted = value;
    if (!isnan(p->usual_low) || !isnan(p->usual_high))
        return point_is_usual(p, value);
    if (!range || unit_convert(value, p->unit, range->unit, &converted) != ERR_OK)
        return point_is_usual(p, value);
    return converted >= range->low && converted <= range->high;
}

static double weigh(const struct point *p, const struct sample *s, struct match *m)
{
    if (s->nreg == 0) {
        m->missing++;
        return WEIGHT_MISSING;
    }
    const struct plausible *range = range_of(p);
    bool bad = s->why != WHY_NONE && s->why != WHY_INVALID;
    if (bad || (s->why == WHY_NONE && !is_possible(p, range, s->value))) {
        m->wrong++;
        return WEIGHT_WRONG;
    }
    bool bounded = range || !isnan(p->usual_high) || (!isnan(p->low) && !isnan(p->high));
    if (s->why == WHY_NONE && p->type != TYPE_BIT && bounded && fabs(s->value) > 0) {
        m->fits++;
        return WEIGHT_FITS;
    }
    m->weak++;
    return p->table == TABLE_COIL || p->table == TABLE_DISCRETE_INPUT ? WEIGHT_SWITCH : WEIGHT_WEAK;
}

static double value_of_role(const struct profile *p, const struct sample *samples, const char *role)
{
    for (int i = 0; i < p->npoints; i++)
        if (strcmp(p->points[i].role, role) == 0 && samples[i].why == WHY_NONE && samples[i].nreg)
            return samples[i].value;
    return NAN;
}

/* Fine dust is part of coarse dust; a little more is noise. */
static double weigh_fractions(const struct profile *p, const struct sample *samples, struct match *m)
{
    double before = NAN, sum = 0;
    for (int i = 0; i < NFRACTIONS; i++) {
        double value = value_of_role(p, samples, fractions[i]);
        if (isnan(value))
            continue;
        if (before > 1.1 * value + 5) {
            m->wrong++;
            sum += WEIGHT_WRONG;
        }
        before = value;
    }
    return sum;
}

struct match match_profile(const struct profile *p, const struct sample *samples,
                           const struct scan_setting *where, int unit_id)
{
    struct match m = {0};
    double sum = 0;
    for (int i = 0; i < p->npoints; i++)
        sum += weigh(&p->points[i], &samples[i], &m);
    sum += weigh_fractions(p, samples, &m);
    if (sum <= 0)
        return m;
    /* one point that fits proves little: as if there were one more that says nothing */
    double score = 100 * sum / (p->npoints + 1);
    score += p->unit_id == unit_id ? BONUS_FACTORY : 0;
    score += p->baud == where->baud && p->parity && p->parity[0] && p->parity[1] == where->parity
                 ? BONUS_FACTORY
                 : 0;
    m.score = score > 100 ? 100 : (int)lrint(score);
    return m;
}
