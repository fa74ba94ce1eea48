#include "drivers/sim/model.h"

#include "daemon/base/clock.h"

#include <math.h>

/* SplitMix64's finaliser (Steele, Lea, Flood 2014): every bit of the seed moves every bit of the result. */
uint64_t model_seed(uint64_t seed, uint64_t number)
{
    uint64_t z = seed + (number + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

uint64_t model_seed_text(uint64_t seed, const char *text)
{
    for (; *text; text++)
        seed = model_seed(seed, (uint8_t)*text);
    return seed;
}

double model_chance(uint64_t seed)
{
    return (double)(model_seed(seed, 0) >> 11) * 0x1p-53;
}

/* Box and Muller's transform of two chances into one normal deviate. */
static double normal(uint64_t seed)
{
    double u = 1 - model_chance(model_seed(seed, 1)), v = model_chance(model_seed(seed, 2));
    return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

static int64_t time_of_day(int64_t at_ms, int zone_min)
{
    return at_ms - clock_window_start(at_ms, CLOCK_DAY_MS, zone_min);
}

/* from..to may pass midnight; from == to is the whole day. */
static int within(int64_t day_ms, struct day_time from, struct day_time to)
{
    if (from.ms < to.ms)
        return day_ms >= from.ms && day_ms < to.ms;
    return day_ms >= from.ms || day_ms < to.ms;
}

/* The burst of slot k: it begins somewhere in its slot, rises for a fifth of its length and fades
 *
 *     height  |  /\_
 *             | /   \_
 *             |/______\__ length
 */
static double burst(const struct model *m, uint64_t seed, int64_t k, int64_t at_ms, int zone_min)
{
    uint64_t own = model_seed(seed, (uint64_t)k);
    double every = (double)m->bursts.every_ms;
    int64_t start = k * m->bursts.every_ms + (int64_t)(every * model_chance(model_seed(own, 1)));
    if (!within(time_of_day(start, zone_min), m->bursts.from, m->bursts.to))
        return 0;
    double length = (double)m->bursts.lasts_ms * (0.5 + model_chance(model_seed(own, 2)));
    double height = m->bursts.height * (0.4 + 0.6 * model_chance(model_seed(own, 3)));
    double x = (double)(at_ms - start) / length;
    if (x < 0 || x > 1)
        return 0;
    return height * (x < 0.2 ? x / 0.2 : (1 - x) / 0.8);
}

static double bursts(const struct model *m, uint64_t seed, int64_t at_ms, int zone_min)
{
    int64_t k = at_ms / m->bursts.every_ms;
    int64_t longest = m->bursts.lasts_ms * 3 / 2 / m->bursts.every_ms + 1;
    double sum = 0;
    for (int64_t i = k - longest; i <= k; i++)
        sum += burst(m, seed, i, at_ms, zone_min);
    return sum;
}

/* Random heights at each full period, joined by smooth steps. */
static double drift(uint64_t seed, int64_t at_ms, int64_t period_ms)
{
    int64_t k = at_ms / period_ms;
    double x = (double)(at_ms % period_ms) / (double)period_ms;
    double a = model_chance(model_seed(seed, (uint64_t)k)) * 2 - 1;
    double b = model_chance(model_seed(seed, (uint64_t)k + 1)) * 2 - 1;
    return a + (b - a) * x * x * (3 - 2 * x);
}

double model_course(const struct model *m, uint64_t seed, int64_t at_ms, int zone_min)
{
    int64_t day_ms = time_of_day(at_ms, zone_min);
    for (int i = 0; i < m->nsteps; i++)
        if (within(day_ms, m->steps[i].from, m->steps[i].to))
            return m->steps[i].value;
    double value = m->constant;
    if (m->daily.amplitude != 0) {
        double turns = (double)(day_ms - m->daily.peak.ms) / (double)CLOCK_DAY_MS;
        value += m->daily.amplitude * cos(2 * M_PI * turns);
    }
    if (m->bursts.height != 0)
        value += bursts(m, model_seed(seed, 11), at_ms, zone_min);
    if (m->wander.amplitude != 0) /* a slow part and quick gusts on it */
        value += m->wander.amplitude * (0.75 * drift(model_seed(seed, 12), at_ms, m->wander.period_ms) +
                                        0.25 * drift(model_seed(seed, 13), at_ms, m->wander.period_ms / 10));
    return value;
}

double model_finish(const struct model *m, double course, uint64_t seed, int64_t at_ms,
                    struct model_effect effect, double low)
{
    double value = course;
    if (m->noise > 0)
        value += m->noise * normal(model_seed(model_seed(seed, 14), (uint64_t)(at_ms / CLOCK_SECOND_MS)));
    value = value * (1 - m->lowers * effect.level) + m->adds * effect.level + m->adds_per_h * effect.hours;
    if (m->wrap > 0) {
        value = fmod(value, m->wrap);
        return value < 0 ? value + m->wrap : value;
    }
    return value < low ? low : value;
}
