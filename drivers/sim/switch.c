#include "drivers/sim/switch.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"

#include <math.h>
#include <pthread.h>

struct sim_switch {
    pthread_mutex_t lock;
    int64_t constant_ms, at_ms;
    bool on;
    struct model_effect effect; /* at at_ms */
};

struct sim_switch *switch_create(int64_t constant_ms, int64_t at_ms)
{
    struct sim_switch *s = mem_new(struct sim_switch);
    pthread_mutex_init(&s->lock, NULL);
    s->constant_ms = constant_ms;
    s->at_ms = at_ms;
    return s;
}

/* level' = (target - level) / constant, solved over the time that has passed; hours is its integral. */
static void advance(struct sim_switch *s, int64_t at_ms)
{
    if (at_ms <= s->at_ms)
        return;
    double passed = (double)(at_ms - s->at_ms), constant = (double)s->constant_ms;
    double target = s->on ? 1 : 0, gap = s->effect.level - target;
    double left = constant > 0 ? gap * exp(-passed / constant) : 0;
    double area_ms = target * passed + constant * (gap - left);
    s->effect.level = target + left;
    s->effect.hours += area_ms / (double)CLOCK_HOUR_MS;
    s->at_ms = at_ms;
}

/* The only place that takes the lock: up to `at_ms`, then `on` (-1: as it is). */
static struct model_effect at(struct sim_switch *s, int64_t at_ms, int on)
{
    pthread_mutex_lock(&s->lock);
    advance(s, at_ms);
    if (on >= 0)
        s->on = on > 0;
    struct model_effect effect = s->effect;
    pthread_mutex_unlock(&s->lock);
    return effect;
}

void switch_set(struct sim_switch *s, bool on, int64_t at_ms)
{
    at(s, at_ms, on ? 1 : 0);
}

struct model_effect switch_effect(struct sim_switch *s, int64_t at_ms)
{
    return at(s, at_ms, -1);
}

void switch_destroy(struct sim_switch *s)
{
    if (!s)
        return;
    pthread_mutex_destroy(&s->lock);
    mem_free(s);
}
