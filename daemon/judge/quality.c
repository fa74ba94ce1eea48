/* The engine of the checks: what lasts, when it is sure, what it flags. */
#include "daemon/judge/quality.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/config/config.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/quality_inside.h"
#include "daemon/judge/window.h"
#include "daemon/sample.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

static int of_role(const struct config *c, const struct device *d, const char *role)
{
    for (int i = 0; i < c->npoints; i++)
        if ((!d || c->points[i].device == d) && strcmp(c->points[i].point->role, role) == 0)
            return i;
    return -1;
}

/* The neighbours in PM2.5 <= PM10 <= TSP that the device has. */
static void find_order(const struct config *c, int point, struct seen *s)
{
    static const char *const order[] = {"pm1", "pm25", "pm10", "tsp"};
    int own = -1;
    s->lower = s->upper = -1;
    for (int i = 0; i < 4; i++)
        if (strcmp(c->points[point].point->role, order[i]) == 0)
            own = i;
    for (int i = own - 1; own > 0 && i >= 0 && s->lower < 0; i--)
        s->lower = of_role(c, c->points[point].device, order[i]);
    for (int i = own + 1; own >= 0 && i < 4 && s->upper < 0; i++)
        s->upper = of_role(c, c->points[point].device, order[i]);
    s->pm = own >= 0;
}

static bool measures_dust(const struct config *c, const struct device *d)
{
    static const char *const dust[] = {"pm1", "pm25", "pm10", "tsp"};
    for (size_t i = 0; i < sizeof dust / sizeof *dust; i++)
        if (of_role(c, d, dust[i]) >= 0)
            return true;
    return false;
}

static struct seen see(const struct config *c, int point)
{
    struct seen s = {0};
    find_order(c, point, &s);
    if (unit_convert(1, c->points[point].point->unit, "ug/m3", &s.to_ugm3))
        s.to_ugm3 = NAN;
    s.pm = s.pm && !isnan(s.to_ugm3);
    s.alone = !measures_dust(c, c->points[point].device);
    bool places = strcmp(c->points[point].point->role, "latitude") == 0;
    s.longitude = places ? of_role(c, c->points[point].device, "longitude") : -1;
    s.humidity = of_role(c, c->points[point].device, "humidity");
    if (s.humidity < 0)
        s.humidity = of_role(c, NULL, "humidity");
    return s;
}

struct doubts *quality_create(const struct config *c)
{
    struct doubts *q = mem_new(struct doubts);
    size_t n = (size_t)c->npoints;
    q->config = c;
    q->seen = mem_array(n, sizeof *q->seen);
    q->runs = mem_array(n * RULES, sizeof *q->runs);
    q->five = mem_array(n * FIVE, sizeof *q->five);
    q->spiked = mem_array(n, sizeof *q->spiked);
    for (size_t i = 0; i < n; i++)
        q->seen[i] = see(c, (int)i);
    for (size_t i = 0; i < n * FIVE; i++)
        q->five[i] = NAN;
    return q;
}

void quality_destroy(struct doubts *q)
{
    if (!q)
        return;
    mem_free(q->seen);
    mem_free(q->runs);
    mem_free(q->five);
    mem_free(q->spiked);
    mem_free(q->findings);
    mem_free(q);
}

void quality_spiked(struct doubts *q, int point, uint32_t n)
{
    q->spiked[point] = n;
}

double quality_spike_floor(const struct doubts *q, int point)
{
    const struct quality_config *is = &q->config->quality;
    return q->seen[point].pm && is->spike_factor > 0 ? is->spike_floor / q->seen[point].to_ugm3 : NAN;
}

/* How far back a flag can reach. */
static int64_t reach_ms(const struct config *c)
{
    const struct quality_config *is = &c->quality;
    const int64_t flags[] = {is->zero_ms, is->flat_ms, is->flat_ms ? is->flat_low_ms : 0, is->inversion_ms};
    int64_t reach = 0;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        reach = flags[i] > reach ? flags[i] : reach;
    return reach ? reach + is->hole_ms : 0;
}

bool quality_looks_back(const struct doubts *q, int point)
{
    return q->seen[point].pm;
}

size_t quality_minutes(const struct config *c)
{
    int64_t keep = c->quality.background_ms ? 4 * CLOCK_HOUR_MS : 0, reach = reach_ms(c);
    if (c->quality.copy_ms)
        keep = CLOCK_DAY_MS + CLOCK_MINUTE_MS;
    if (reach) /* the day it falls in is summed again */
        keep = reach + CLOCK_DAY_MS + CLOCK_HOUR_MS;
    return (size_t)(keep / CLOCK_MINUTE_MS);
}

double five_ago(const struct doubts *q, int point, int minutes)
{
    int at = (q->at - minutes + FIVE) % FIVE;
    return q->five[point * FIVE + at];
}

static void remember(struct doubts *q, const struct mean *means)
{
    q->at = (q->at + 1) % FIVE;
    for (int i = 0; i < q->config->npoints; i++)
        q->five[i * FIVE + q->at] = means[i].n ? means[i].mean : NAN;
}

static void tell(struct doubts *q, const struct rule *rule, int point, const struct run *r, bool ended,
                 const char *why)
{
    if (q->nfindings == q->room) {
        q->room = q->room ? q->room * 2 : 8;
        q->findings = mem_resize(q->findings, q->room, sizeof *q->findings);
    }
    struct quality_finding *f = &q->findings[q->nfindings++];
    *f = (struct quality_finding){&rule->check, point, ended, r->since_ms, r->last_ms, ""};
    memcpy(f->why, why, strlen(why) + 1);
}

static void end_run(struct doubts *q, const struct rule *rule, int point, struct run *r)
{
    if (r->active)
        tell(q, rule, point, r, true, "");
    r->active = false;
    r->last_ms = 0;
}

/* Returns whether the check holds, for sure, in this minute. */
static bool look_at(struct look *k, const struct rule *rule, int point, struct run *r)
{
    struct look own = *k;
    if (!rule->hourly && r->last_ms && k->from_ms - r->last_ms > k->is->hole_ms)
        end_run(k->q, rule, point, r);
    enum holds holds = rule->holds(&own, point, r);
    if (k->service != QUALITY_NORMAL && strcmp(rule->check.name, "service") != 0)
        return false;
    if (holds == HOLDS_UNKNOWN)
        return false;
    bool apart = rule->hourly && r->last_ms && own.from_ms - r->last_ms > k->is->hole_ms;
    if (holds != HOLDS || apart)
        end_run(k->q, rule, point, r);
    if (holds == HOLDS_NOT)
        return false;
    r->since_ms = r->last_ms ? r->since_ms : own.from_ms;
    r->last_ms = own.to_ms;
    if (!r->active && r->last_ms - r->since_ms >= rule->after(k, point, r)) {
        r->active = true;
        if (rule->say)
            rule->say(&own, point, r, k->why);
        tell(k->q, rule, point, r, false, k->why);
    }
    return r->active;
}

static bool applies(const struct doubts *q, const struct rule *rule, int point)
{
    return rule->on(&q->config->quality) && (!rule->pm_only || q->seen[point].pm);
}

static void look_at_point(struct look *k, int point, char *letter)
{
    size_t n = (size_t)k->q->config->npoints;
    for (size_t i = 0; i < RULES; i++) {
        const struct rule *rule = &quality_rules[i];
        if (!applies(k->q, rule, point))
            continue;
        bool holds = look_at(k, rule, point, &k->q->runs[i * n + (size_t)point]);
        if (holds && rule->check.flag && !*letter)
            *letter = rule->check.flag;
    }
}

/* M or C when the device is served in any part of the minute. */
static char service_of(const struct look *k, int point)
{
    const char *device = k->q->config->points[point].device->name;
    char letter = facts_service(k->facts, device, k->from_ms);
    if (letter != QUALITY_NORMAL)
        return letter;
    return facts_service(k->facts, device, k->to_ms - 1);
}

void quality_minute(struct doubts *q, const struct facts *facts, const struct history *past, int64_t start_ms,
                    struct mean *means)
{
    char why[160] = "", letters[64];
    struct look k = {.q = q,
                     .is = &q->config->quality,
                     .facts = facts,
                     .past = past,
                     .from_ms = start_ms,
                     .to_ms = start_ms + CLOCK_MINUTE_MS,
                     .means = means,
                     .why = why};
    size_t n = (size_t)q->config->npoints;
    char *letter = n <= sizeof letters ? letters : mem_array(n, 1);
    q->nfindings = 0;
    memset(letter, 0, n);
    remember(q, means);
    for (size_t i = 0; i < n; i++) {
        k.service = service_of(&k, (int)i);
        look_at_point(&k, (int)i, &letter[i]);
        if (k.service != QUALITY_NORMAL)
            letter[i] = k.service;
    }
    for (size_t i = 0; i < n; i++)
        if (letter[i] && (mean_valid(&means[i]) || letter[i] != QUALITY_FAULT))
            means[i].quality = (uint8_t)letter[i];
    if (letter != letters)
        mem_free(letter);
    memset(q->spiked, 0, n * sizeof *q->spiked);
}

const struct quality_finding *quality_finding(const struct doubts *q, size_t i)
{
    return i < q->nfindings ? &q->findings[i] : NULL;
}

void quality_carry(struct doubts *to, const struct doubts *from, const int *before)
{
    size_t n = (size_t)to->config->npoints, was = (size_t)from->config->npoints;
    to->at = from->at;
    for (size_t i = 0; i < n; i++) {
        if (before[i] < 0)
            continue;
        for (size_t r = 0; r < RULES; r++)
            to->runs[r * n + i] = from->runs[r * was + (size_t)before[i]];
        memcpy(&to->five[i * FIVE], &from->five[(size_t)before[i] * FIVE], FIVE * sizeof *to->five);
    }
}
