/* The table of checks: what each looks for in a minute of a point. */
#include "daemon/base/clock.h"
#include "daemon/base/hours.h"
#include "daemon/config/config.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/history.h"
#include "daemon/judge/quality_inside.h"
#include "daemon/sample.h"
#include "drivers/device.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COPY_CHANGES = 5, MOVED_MS = 10 * CLOCK_MINUTE_MS }; /* a position jumps now and then */
static const double round_from = 100;

const char *role_of(const struct look *k, int point)
{
    return k->q->config->points[point].point->role;
}

static bool is_pm(const struct look *k, int point)
{
    return k->q->seen[point].pm;
}

double value_of(const struct look *k, int point)
{
    return point >= 0 && k->means[point].n ? k->means[point].mean : NAN;
}

enum holds if_so(bool so)
{
    return so ? HOLDS : HOLDS_NOT;
}

/* --- one point by itself --- */

static enum holds is_offline(struct look *k, int point, struct run *r)
{
    (void)r;
    return if_so(k->means[point].quality == QUALITY_NO_COMMUNICATION && !k->means[point].n);
}

static enum holds is_zero(struct look *k, int point, struct run *r)
{
    (void)r;
    return k->means[point].n ? if_so(k->means[point].max <= 0) : HOLDS_UNKNOWN;
}

static enum holds is_flat(struct look *k, int point, struct run *r)
{
    const struct mean *m = &k->means[point];
    if (!m->n)
        return HOLDS_UNKNOWN;
    if (m->min < m->max)
        return HOLDS_NOT;
    bool same = r->last_ms && r->value == m->mean;
    r->value = m->mean;
    return same ? HOLDS : HOLDS_ANEW;
}

static void say_flat(const struct look *k, int point, const struct run *r, char *why)
{
    (void)k;
    (void)point;
    snprintf(why, WHY, "always %.10g", r->value);
}

static int64_t after_flat(const struct look *k, int point, const struct run *r)
{
    bool low = r->value * k->q->seen[point].to_ugm3 < k->is->flat_low;
    return low ? k->is->flat_low_ms : k->is->flat_ms;
}

static enum holds is_over_range(struct look *k, int point, struct run *r)
{
    (void)r;
    return k->means[point].n ? if_so(k->means[point].quality == QUALITY_OVER_RANGE) : HOLDS_UNKNOWN;
}

static enum holds is_spiky(struct look *k, int point, struct run *r)
{
    (void)r;
    return k->q->spiked[point] ? HOLDS : HOLDS_UNKNOWN;
}

static void say_spiky(const struct look *k, int point, const struct run *r, char *why)
{
    (void)r;
    snprintf(why, WHY, "%u single samples far off: kept, but in no mean", (unsigned)k->q->spiked[point]);
}

/* --- against other points --- */

/* The highest of the other concentrations. */
static double highest_other(const struct look *k, int point)
{
    double highest = NAN;
    for (int i = 0; i < k->q->config->npoints; i++) {
        double v = i != point && is_pm(k, i) ? value_of(k, i) * k->q->seen[i].to_ugm3 : NAN;
        highest = v > highest || isnan(highest) ? v : highest;
    }
    return highest;
}

/* Just below the next whole hundred (five hundred, thousand above 1000, 5000). */
static bool is_below_round(double ugm3, double span)
{
    double step = ugm3 < 1000 ? 100 : ugm3 < 5000 ? 500 : 1000;
    double next = ceil(ugm3 / step) * step;
    return ugm3 >= round_from - round_from * span && next - ugm3 <= next * span;
}

static enum holds is_plateau(struct look *k, int point, struct run *r)
{
    const struct mean *m = &k->means[point];
    double span = k->is->plateau_span / 100, ugm3 = m->mean * k->q->seen[point].to_ugm3;
    if (!m->n)
        return HOLDS_UNKNOWN;
    if (!is_below_round(ugm3, span))
        return HOLDS_NOT;
    double other = highest_other(k, point);
    bool same = r->last_ms && fabs(ugm3 - r->value) <= r->value * span;
    if (!same) {
        r->value = ugm3;
        r->other = other;
        r->has_value = false; /* the other has not risen yet */
        return HOLDS_ANEW;
    }
    r->has_value = r->has_value || other >= r->other * (1 + k->is->other_rise / 100);
    return HOLDS;
}

static void say_plateau(const struct look *k, int point, const struct run *r, char *why)
{
    snprintf(why, WHY, "stays near %.6g ug/m3 while another meter rises from %.6g to %.6g", r->value,
             r->other, highest_other(k, point));
}

static int64_t after_plateau(const struct look *k, int point, const struct run *r)
{
    (void)point;
    return r->has_value ? k->is->plateau_ms : INT64_MAX;
}

/* Fine dust is part of coarse dust. */
static enum holds is_inverted(struct look *k, int point, struct run *r)
{
    const struct seen *s = &k->q->seen[point];
    double margin = 1 + k->is->inversion / 100, own = value_of(k, point) * s->to_ugm3;
    double below = s->lower < 0 ? NAN : value_of(k, s->lower) * k->q->seen[s->lower].to_ugm3;
    double above = s->upper < 0 ? NAN : value_of(k, s->upper) * k->q->seen[s->upper].to_ugm3;
    (void)r;
    if (isnan(own) || (isnan(below) && isnan(above)))
        return HOLDS_UNKNOWN;
    bool under = below > own * margin, over = own > above * margin;
    if (under || over)
        snprintf(k->why, WHY, "%.6g ug/m3 is %s %s of %.6g", own, over ? "over" : "under",
                 role_of(k, over ? s->upper : s->lower), over ? above : below);
    return if_so(under || over);
}

static bool same_minute(const struct mean *a, const struct mean *b)
{
    return a->n && b->n && a->mean == b->mean && a->min == b->min && a->max == b->max;
}

/* Which point of another device has the same minute: its number; -2: itself a day before; -1 none. */
static int same_as(const struct look *k, int point)
{
    const struct config *c = k->q->config;
    for (int i = 0; i < c->npoints; i++)
        if (c->points[i].device != c->points[point].device && strcmp(role_of(k, i), role_of(k, point)) == 0 &&
            same_minute(&k->means[i], &k->means[point]))
            return i;
    struct mean before;
    bool known = history_minute(k->past, point, k->from_ms - CLOCK_DAY_MS, &before);
    return known && same_minute(&before, &k->means[point]) ? -2 : -1;
}

static enum holds is_copy(struct look *k, int point, struct run *r)
{
    const struct mean *m = &k->means[point];
    if (!m->n)
        return HOLDS_UNKNOWN;
    int with = same_as(k, point);
    if (with == -1)
        return HOLDS_NOT;
    if (!r->last_ms || r->with != with) {
        *r = (struct run){.with = with,
                          .value = m->mean,
                          .active = r->active,
                          .since_ms = r->since_ms,
                          .last_ms = r->last_ms};
        return HOLDS_ANEW;
    }
    r->changes += m->mean != r->value;
    r->value = m->mean;
    return HOLDS;
}

static void say_copy(const struct look *k, int point, const struct run *r, char *why)
{
    (void)point;
    snprintf(why, WHY, "the same values as %s",
             r->with < 0 ? "24 hours before" : k->q->config->points[r->with].name);
}

static int64_t after_copy(const struct look *k, int point, const struct run *r)
{
    (void)point;
    return r->changes >= COPY_CHANGES ? k->is->copy_ms : INT64_MAX;
}

/* --- the device and who is at it --- */

static void remember_setting(struct run *r, double value, int64_t at_ms)
{
    r->value = value;
    r->other = NAN;
    r->seen_ms = at_ms;
    r->has_value = true;
}

/* Two answers, of one minute or of two, must agree on the change: it accuses somebody. It may have happened
 * at any time since the setting was read last, so a maintenance in between explains it, also one that is
 * over. */
static enum holds is_set_anew(struct look *k, int point, struct run *r)
{
    const struct config_point *of = &k->q->config->points[point];
    const struct mean *m = &k->means[point];
    if (!of->point->watch || !m->n || m->min < m->max)
        return HOLDS_UNKNOWN;
    if (!r->has_value || r->value == m->mean) {
        remember_setting(r, m->mean, k->from_ms);
        return HOLDS_NOT;
    }
    bool sure = m->n > 1 || r->other == m->mean;
    bool served = facts_served(k->facts, of->device->name, r->seen_ms, k->to_ms);
    r->other = m->mean;
    if (!sure)
        return HOLDS_UNKNOWN;
    snprintf(k->why, WHY, "changed from %.10g to %.10g", r->value, m->mean);
    remember_setting(r, m->mean, k->from_ms);
    return if_so(!served);
}

void quality_setting(struct doubts *q, int point, double value, int64_t at_ms)
{
    for (size_t i = 0; i < RULES; i++)
        if (quality_rules[i].holds == is_set_anew)
            remember_setting(&q->runs[i * (size_t)q->config->npoints + (size_t)point], value, at_ms);
}

/* Told at the device's first point. */
static enum holds is_served_oddly(struct look *k, int point, struct run *r)
{
    (void)r;
    const struct device *d = k->q->config->points[point].device;
    bool night = false;
    if (d->first_point != point)
        return HOLDS_UNKNOWN;
    if (k->service == QUALITY_NORMAL)
        return HOLDS_NOT;
    if (k->is->night[0])
        hours_until(&k->is->night, 1, k->q->config->site.zone_min, k->from_ms, k->from_ms + 1, &night);
    int n = facts_services(k->facts, d->name, k->to_ms - 7 * (int64_t)CLOCK_DAY_MS, k->to_ms);
    snprintf(k->why, WHY, night ? "served at night" : "served %d times in 7 days", n);
    return if_so(night || (k->is->services && n > k->is->services));
}

/* --- the table --- */

#define AFTER(name, member)                                                           \
    static int64_t after_##name(const struct look *k, int point, const struct run *r) \
    {                                                                                 \
        (void)point;                                                                  \
        (void)r;                                                                      \
        return k->is->member;                                                         \
    }
#define SAY(name, text)                                                                     \
    static void say_##name(const struct look *k, int point, const struct run *r, char *why) \
    {                                                                                       \
        (void)k;                                                                            \
        (void)point;                                                                        \
        (void)r;                                                                            \
        snprintf(why, WHY, "%s", text);                                                     \
    }
#define ON(name, condition)                                \
    static bool on_##name(const struct quality_config *is) \
    {                                                      \
        return condition;                                  \
    }
SAY(offline, "no answer")
SAY(zero, "at or below 0")
SAY(door, "open, and nobody said why")
SAY(power, "no mains, and nobody said why")
SAY(range, "at the top of its range: a lower bound")
AFTER(offline, offline_ms)
AFTER(zero, zero_ms)
AFTER(range, range_ms)
AFTER(inversion, inversion_ms)
AFTER(damp, damp_ms)
AFTER(background, background_ms)
AFTER(power, power_ms)
static int64_t after_moved(const struct look *k, int point, const struct run *r)
{
    (void)k;
    (void)point;
    (void)r;
    return MOVED_MS;
}
static int64_t after_once(const struct look *k, int point, const struct run *r)
{
    (void)k;
    (void)point;
    (void)r;
    return 0;
}
ON(offline, is->offline_ms > 0)
ON(zero, is->zero_ms > 0)
ON(flat, is->flat_ms > 0)
ON(plateau, is->plateau_ms > 0)
ON(range, is->range_ms > 0)
ON(spike, is->spike_factor > 0)
ON(inversion, is->inversion_ms > 0)
ON(copy, is->copy_ms > 0)
ON(spray, is->spray_humidity > 0)
ON(damp, is->damp > 0)
ON(background, is->background_ms > 0)
ON(watch, is->watch)
ON(door, is->door)
ON(power, is->power_ms > 0)
ON(tilt, is->tilt > 0)
ON(moved, is->moved > 0)
ON(service, is->services > 0 || (is->night && is->night[0]))

// clang-format off
const struct rule quality_rules[RULES] = {
    {{"offline", "离线", "offline", 0, QUALITY_MENDS}, false, false, is_offline, after_offline, on_offline, say_offline},
    {{"zero", "零值或负值", "zero or below", 'D', QUALITY_MENDS}, true, false, is_zero, after_zero, on_zero, say_zero},
    {{"flatline", "恒值", "stuck", 'D', QUALITY_DOUBT}, true, false, is_flat, after_flat, on_flat, say_flat},
    {{"over_range", "超量程", "over its range", 0, QUALITY_MENDS}, false, false, is_over_range, after_range, on_range, say_range},
    {{"spike", "单点突变", "spikes", 0, QUALITY_MENDS}, true, false, is_spiky, after_once, on_spike, say_spiky},
    {{"inversion", "颗粒物倒挂", "inversion", 'D', QUALITY_MENDS}, true, false, is_inverted, after_inversion, on_inversion, NULL},
    {{"plateau", "高值压缩", "compressed", 0, QUALITY_DOUBT}, true, false, is_plateau, after_plateau, on_plateau, say_plateau},
    {{"copy", "数据雷同", "copied", 0, QUALITY_DOUBT}, true, false, is_copy, after_copy, on_copy, say_copy},
    {{"spray", "喷淋干扰", "sprayed inlet", 0, QUALITY_DOUBT}, true, false, is_sprayed, after_once, on_spray, NULL},
    {{"high_rh", "高湿", "damp air", 0, QUALITY_TAG}, true, false, is_damp, after_damp, on_damp, say_damp},
    {{"background", "明显低于背景值", "far below background", 0, QUALITY_DOUBT}, true, true, is_below_background, after_background, on_background, NULL},
    {{"setting", "仪器参数被改动", "settings changed", 0, QUALITY_DOUBT}, false, false, is_set_anew, after_once, on_watch, NULL},
    {{"door", "机柜门打开", "cabinet open", 0, QUALITY_DOUBT}, false, false, is_door_open, after_once, on_door, say_door},
    {{"power", "机柜断电", "cabinet without power", 0, QUALITY_DOUBT}, false, false, is_without_power, after_power, on_power, say_power},
    {{"tilt", "机柜倾斜", "cabinet tilted", 0, QUALITY_DOUBT}, false, false, is_tilted, after_once, on_tilt, NULL},
    {{"moved", "仪器移位", "meter moved", 0, QUALITY_DOUBT}, false, false, is_moved, after_moved, on_moved, NULL},
    {{"service", "维护校准异常", "odd maintenance", 0, QUALITY_DOUBT}, false, false, is_served_oddly, after_once, on_service, NULL},
};
// clang-format on
