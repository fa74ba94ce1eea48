#include "daemon/judge/spike.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *of, int n)
{
    qsort(of, (size_t)n, sizeof *of, by_size);
    return n % 2 ? of[n / 2] : (of[n / 2 - 1] + of[n / 2]) / 2;
}

/* Median absolute deviation of the samples kept; 0 of none. */
static double deviation(const struct spike *s)
{
    double of[SPIKE_KEPT];
    memcpy(of, s->kept, (size_t)s->nkept * sizeof *of);
    if (!s->nkept)
        return 0;
    double middle = median(of, s->nkept);
    for (int i = 0; i < s->nkept; i++)
        of[i] = fabs(s->kept[i] - middle);
    return median(of, s->nkept);
}

static void keep(struct spike *s, const struct sample *sample)
{
    if (sample->at_ms < s->next_ms && s->next_ms - sample->at_ms <= SPIKE_EVERY_MS)
        return;
    s->next_ms = sample->at_ms + SPIKE_EVERY_MS;
    s->kept[s->at] = sample->value;
    s->at = (s->at + 1) % SPIKE_KEPT;
    s->nkept += s->nkept < SPIKE_KEPT;
}

static bool is_far(const struct spike *s, double a, double b, double far, double floor)
{
    double distance = fabs(a - b);
    return distance > floor && distance > far * deviation(s); /* the cheap comparison first */
}

static void let_go(struct spike *s, void (*use)(const struct sample *, void *), void *arg)
{
    s->holding = false;
    s->before = s->held.value;
    keep(s, &s->held);
    use(&s->held, arg);
}

void spike_sample(struct spike *s, const struct sample *sample, double far, double floor,
                  void (*use)(const struct sample *, void *), void *arg)
{
    if (sample->quality != QUALITY_NORMAL) {
        use(sample, arg);
        return;
    }
    if (s->holding && !is_far(s, sample->value, s->before, far, floor) &&
        is_far(s, sample->value, s->held.value, far, floor)) {
        s->holding = false; /* alone between two that agree */
        s->found++;
        s->held.quality = QUALITY_FAULT;
        use(&s->held, arg);
    } else if (s->holding) {
        let_go(s, use, arg);
    }
    if (s->has_before && is_far(s, sample->value, s->before, far, floor)) {
        s->held = *sample;
        s->holding = true;
        return;
    }
    s->has_before = true;
    s->before = sample->value;
    keep(s, sample);
    use(sample, arg);
}

void spike_minute(struct spike *s, void (*use)(const struct sample *, void *), void *arg)
{
    if (s->holding)
        let_go(s, use, arg);
}
