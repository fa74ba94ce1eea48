#include "daemon/judge/window.h"

#include "daemon/base/clock.h"
#include "daemon/base/level.h"
#include "daemon/sample.h"

#include <math.h>
#include <string.h>

static const char letters[TALLY_LETTERS + 1] = "FMSDCB";
static const double scale = 1e4;
static const double too_large = 1e15;

double round4(double value)
{
    if (!(fabs(value) < too_large))
        return value;
    return rint(value * scale) / scale + 0.0; /* + 0.0: no minus zero */
}

bool enough(uint32_t n, uint32_t of)
{
    return n > 0 && (uint64_t)n * 4 >= (uint64_t)of * 3;
}

bool mean_valid(const struct mean *m)
{
    return m->quality == QUALITY_NORMAL || m->quality == QUALITY_OVER_RANGE;
}

uint32_t minute_due(int64_t period_ms)
{
    if (period_ms <= 0 || period_ms >= CLOCK_MINUTE_MS)
        return 1;
    return (uint32_t)(CLOCK_MINUTE_MS / period_ms);
}

static void add_failed(struct tally *t, uint8_t quality)
{
    const char *at = quality ? strchr(letters, quality) : NULL;
    if (!at)
        at = strchr(letters, QUALITY_FAULT);
    t->failed[at - letters]++;
    t->came++;
}

void tally_clear(struct tally *t)
{
    *t = (struct tally){.level = t->level};
}

static bool is_number(const struct tally *t, double value)
{
    return fabs(value) < (t->level ? LEVEL_MOST_DB : too_large);
}

static void add_valid(struct tally *t, double addend, double min, double max, bool lower)
{
    t->min = t->n == 0 || min < t->min ? min : t->min;
    t->max = t->n == 0 || max > t->max ? max : t->max;
    t->sum += addend;
    t->n++;
    t->came++;
    t->lower += lower;
}

void tally_sample(struct tally *t, const struct sample *s)
{
    bool valid = s->quality == QUALITY_NORMAL || s->quality == QUALITY_OVER_RANGE;
    if (valid && is_number(t, s->value))
        add_valid(t, t->level ? level_energy(s->value) : s->value * scale, s->value, s->value,
                  s->quality == QUALITY_OVER_RANGE);
    else
        add_failed(t, valid ? QUALITY_FAULT : s->quality);
}

void tally_minute(struct tally *t, const struct mean *m)
{
    if (mean_valid(m) && is_number(t, m->mean))
        add_valid(t, t->level ? level_energy(m->mean) : rint(m->mean * scale), m->min, m->max,
                  m->quality == QUALITY_OVER_RANGE);
    else
        add_failed(t, mean_valid(m) ? QUALITY_FAULT : m->quality);
}

/* The letter of more than half of what is missing; what never came has none. */
static uint8_t why_invalid(const struct tally *t, uint32_t of)
{
    uint32_t missing = of > t->n ? of - t->n : 1;
    for (int i = 0; i < TALLY_LETTERS; i++)
        if ((uint64_t)t->failed[i] * 2 > missing)
            return (uint8_t)letters[i];
    return QUALITY_FAULT;
}

struct mean tally_mean(const struct tally *t, uint32_t of)
{
    struct mean m = {.mean = NAN, .min = NAN, .max = NAN, .n = t->n, .of = of, .sum = t->sum};
    if (t->n > 0) {
        m.mean = t->level ? round4(level_of(t->sum / t->n)) : rint(t->sum / t->n) / scale + 0.0;
        m.min = round4(t->min);
        m.max = round4(t->max);
    }
    if (!enough(t->n, of))
        m.quality = why_invalid(t, of);
    else
        m.quality = t->lower ? QUALITY_OVER_RANGE : QUALITY_NORMAL;
    return m;
}
