#include "daemon/judge/limit.h"

#include "daemon/base/clock.h"
#include "daemon/base/level.h"
#include "daemon/base/scalar.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/window.h"
#include "daemon/sample.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

static const double scale = 1e4, finest = 1e11;

bool limit_is_about(const struct config *c, const struct limit *limit, int point)
{
    return strcmp(c->points[point].point->role, limit->role) == 0;
}

bool limit_holds(const struct config *c, const struct limit *limit, int64_t at_ms)
{
    return limit->valid_from_ms <= at_ms && at_ms < limit->valid_to_ms &&
           hours_hold_at(&limit->hours, at_ms, c->site.zone_min);
}

/* --- the comparison --- */

/* over / under, both whole, to the nearest whole number; a tie goes to the even one (GB/T 8170). Rounding
 * sum / n at once, not the mean that was rounded before: the standard forbids to round twice. */
static double half_even(double over, double under)
{
    double q = floor(over / under), rest = over - q * under;
    if (rest < 0) { /* the quotient was rounded to a whole number */
        q--;
        rest += under;
    } else if (rest >= under) {
        q++;
        rest -= under;
    }
    bool up = 2 * rest > under || (2 * rest == under && 2 * floor(q / 2) != q);
    return q + up;
}

/* In ten-thousandths, rounded. */
static double mean_rounded(const struct limit *limit, double sum, uint32_t n, double background)
{
    double step = rint(limit->round * scale), rest = sum - n * rint(background * scale);
    if (limit->level) { /* all the digits that it has, then rounded once */
        rest = rint(level_of(sum / n) * finest);
        return step > 0 ? half_even(rest, step * (finest / scale)) * step : half_even(rest, finest / scale);
    }
    return step > 0 ? half_even(rest, n * step) * step : rint(rest / n);
}

bool limit_exceeded(const struct limit *limit, double sum, uint32_t n, double background, double *compared)
{
    double tenths = mean_rounded(limit, sum, n, background);
    double value = rint(limit->value * scale); /* a converted unit brings noise: 0.8 mg/m3 is 800 ug/m3 */
    *compared = tenths / scale + 0.0;
    return limit->compare == COMPARE_REACHES ? tenths >= value : tenths > value;
}

static enum verdict unknown(struct judge_event *e, const char *why)
{
    e->why = why;
    return VERDICT_UNKNOWN;
}

/* What is over stays so until it is below another value. */
static enum verdict with_release(struct judge_event *e, const struct limit_state *s, bool over)
{
    if (over || !s || !s->in_force || !(e->compared >= e->limit->release && e->limit->release > 0))
        return over ? VERDICT_BREACH : VERDICT_PASS;
    e->why = "not yet below the value that ends it";
    return VERDICT_BREACH;
}

/* Of a mean that is not valid. */
static const char *what_is_missing(const struct limit *l, const struct mean *m)
{
    if (!limit_is_annual(l) || l->over == OVER_MEAN)
        return "too few valid values";
    bool days = l->days_needed ? m->n >= (uint32_t)l->days_needed : enough(m->n, m->of);
    return days ? "too few valid days in one of its months" : "too few valid days";
}

static enum verdict compare(struct judge_event *e, const struct limit_state *s)
{
    const struct limit *l = e->limit;
    if (l->stages && !e->stage)
        return unknown(e, "stage of the work not known");
    if (l->uncovered & (unsigned)e->stage)
        return unknown(e, "no rule of the file is for this stage of the work");
    if (!mean_valid(&e->mean))
        return unknown(e, what_is_missing(l, &e->mean));
    if (l->minus && isnan(e->background))
        return unknown(e, "background missing");
    bool over = limit_exceeded(l, e->mean.sum, e->mean.n, l->minus ? e->background : 0, &e->compared);
    if (!over && e->mean.quality == QUALITY_OVER_RANGE)
        return unknown(e, "values over the meter's range");
    return with_release(e, s, over);
}

/* --- the day's count --- */

static struct limit_state *state_of(const struct judging *j, int slot)
{
    return j->states ? &j->states[slot < 0 ? j->config->npoints : slot] : NULL;
}

/* The count of that day, or a new one in the place of the oldest. */
static struct day_count *find_day(struct limit_state *s, int64_t day_ms)
{
    for (int i = 0; i < COUNTED_DAYS; i++)
        if (s->days[i].day_ms == day_ms)
            return &s->days[i];
    return NULL;
}

static struct day_count *day_of(struct limit_state *s, int64_t day_ms)
{
    struct day_count *oldest = &s->days[0], *d = find_day(s, day_ms);
    if (d)
        return d;
    for (int i = 1; i < COUNTED_DAYS; i++)
        if (s->days[i].day_ms < oldest->day_ms)
            oldest = &s->days[i];
    *oldest = (struct day_count){.day_ms = day_ms};
    return oldest;
}

static uint32_t windows_of_day(const struct limit *limit)
{
    return (uint32_t)(CLOCK_DAY_MS / limit->window_ms);
}

/* With those that never came. */
static uint32_t unknowns_of(const struct day_count *d, uint32_t of)
{
    return d->unknown + (of > d->windows ? of - d->windows : 0);
}

static enum verdict verdict_of_day(const struct day_count *d, const struct limit *limit)
{
    uint32_t allowed = (uint32_t)limit->allowed;
    if (d->exceeded > allowed)
        return VERDICT_BREACH;
    return d->exceeded + unknowns_of(d, windows_of_day(limit)) > allowed ? VERDICT_UNKNOWN : VERDICT_PASS;
}

/* While it runs a warning that the next exceedance is one too many, and the breach; at its end the verdict.
 */
static void tell_day(const struct judging *j, struct judge_event e, struct day_count *d)
{
    uint32_t of = windows_of_day(e.limit);
    e.start_ms = d->day_ms;
    e.length_ms = CLOCK_DAY_MS;
    e.mean = (struct mean){.mean = NAN, .min = NAN, .max = NAN, .quality = QUALITY_NORMAL};
    e.compared = e.background = NAN;
    e.why = "";
    e.count = (struct judge_count){d->exceeded, unknowns_of(d, of), of};
    e.verdict = verdict_of_day(d, e.limit);
    if (e.verdict == VERDICT_UNKNOWN)
        e.why = "windows without a verdict";
    d->told = d->told || (e.running && e.kind == JUDGE_VERDICT);
    j->sink(&e, j->arg);
}

/* After `e`, one more or one that was counted otherwise. */
static void tell_running_day(const struct judging *j, const struct judge_event *e, struct day_count *d)
{
    struct judge_event day = {.limit = e->limit, .point = e->point, .running = true};
    uint32_t allowed = (uint32_t)e->limit->allowed;
    day.kind = d->exceeded > allowed ? JUDGE_VERDICT : JUDGE_WARNING;
    bool warns = d->exceeded == allowed && e->verdict == VERDICT_EXCEEDED;
    if (warns || (d->exceeded > allowed && !d->told))
        tell_day(j, day, d);
}

static void change(uint16_t *counted, bool before, bool after)
{
    if (after && !before)
        (*counted)++;
    if (before && !after && *counted > 0)
        (*counted)--;
}

static void count(const struct judging *j, const struct judge_event *e, struct limit_state *s)
{
    struct day_count *d = day_of(s, clock_window_start(e->start_ms, CLOCK_DAY_MS, j->config->site.zone_min));
    d->windows++;
    change(&d->exceeded, false, e->verdict == VERDICT_EXCEEDED);
    change(&d->unknown, false, e->verdict == VERDICT_UNKNOWN);
    tell_running_day(j, e, d);
}

void limit_recount(const struct judging *j, const struct limit *limit, enum verdict was,
                   const struct judge_event *after)
{
    struct limit_state *s = state_of(j, limit->over == OVER_EACH ? after->point : -1);
    int64_t day_ms = clock_window_start(after->start_ms, CLOCK_DAY_MS, j->config->site.zone_min);
    struct day_count *d = s ? find_day(s, day_ms) : NULL;
    if (!d)
        return;
    struct judge_event day = {.kind = JUDGE_VERDICT, .limit = limit, .point = after->point, .corrects = true};
    day.was = verdict_of_day(d, limit);
    change(&d->exceeded, was == VERDICT_EXCEEDED, after->verdict == VERDICT_EXCEEDED);
    change(&d->unknown, was == VERDICT_UNKNOWN, after->verdict == VERDICT_UNKNOWN);
    if (d->ended)
        tell_day(j, day, d);
    else if (was != after->verdict)
        tell_running_day(j, after, d);
}

/* Whether that point (-1: the site) is judged by itself. */
static bool is_judged(const struct config *c, const struct limit *limit, int point)
{
    return point < 0 ? limit->over != OVER_EACH : limit->over == OVER_EACH && limit_is_about(c, limit, point);
}

void limit_judge_day(const struct judging *j, const struct limit *limit, int64_t day_ms)
{
    for (int i = -1; i < j->config->npoints; i++) {
        struct limit_state *s = state_of(j, i);
        if (!s || !is_judged(j->config, limit, i))
            continue;
        struct judge_event e = {.kind = JUDGE_VERDICT, .limit = limit, .point = i};
        struct day_count *d = day_of(s, day_ms);
        d->ended = true;
        tell_day(j, e, d);
    }
}

/* --- the points --- */

static double background_of(const struct judging *j, const struct limit *limit,
                            const struct judge_event *window)
{
    double value = NAN;
    double ugm3 = facts_background(j->facts, limit->role, window->start_ms, window->length_ms);
    if (!limit->minus || isnan(ugm3) || unit_convert(ugm3, "ug/m3", limit->unit, &value))
        return NAN;
    return limit->cap > 0 && value > limit->cap ? limit->cap : value;
}

/* `slot`: of the state; the highest of several points is the site's, whichever it is. */
static void tell(const struct judging *j, const struct judge_event *window, int slot, int point,
                 const struct mean *m)
{
    struct limit_state *s = state_of(j, slot);
    struct judge_event e = *window;
    e.point = point;
    e.mean = *m;
    e.verdict = compare(&e, s);
    if (s && e.verdict != VERDICT_UNKNOWN)
        s->in_force = e.verdict == VERDICT_BREACH;
    if (e.limit->allowed && e.verdict == VERDICT_BREACH)
        e.verdict = VERDICT_EXCEEDED;
    j->sink(&e, j->arg);
    if (s && e.limit->allowed)
        count(j, &e, s);
}

static void judge_each(const struct judging *j, const struct judge_event *window)
{
    for (int i = 0; i < j->config->npoints; i++)
        if (limit_is_about(j->config, window->limit, i))
            tell(j, window, i, i, &window->means[i]);
}

/* Breach before unknown before pass; among equals the higher mean. */
static bool weighs_more(const struct judge_event *window, const struct mean *a, const struct mean *b)
{
    static const int weight[] = {[VERDICT_PASS] = 0, [VERDICT_UNKNOWN] = 1, [VERDICT_BREACH] = 2};
    struct judge_event x = *window, y = *window;
    x.mean = *a;
    y.mean = *b;
    int more = weight[compare(&x, NULL)] - weight[compare(&y, NULL)];
    return more != 0 ? more > 0 : a->mean > b->mean;
}

static void judge_max(const struct judging *j, const struct judge_event *window)
{
    int top = -1;
    for (int i = 0; i < j->config->npoints; i++)
        if (limit_is_about(j->config, window->limit, i) &&
            (top < 0 || weighs_more(window, &window->means[i], &window->means[top])))
            top = i;
    if (top >= 0)
        tell(j, window, -1, top, &window->means[top]);
}

static void judge_mean(const struct judging *j, const struct judge_event *window)
{
    struct tally site = {.level = window->limit->level};
    uint32_t of = 0;
    for (int i = 0; i < j->config->npoints; i++) {
        if (!limit_is_about(j->config, window->limit, i))
            continue;
        tally_minute(&site, &window->means[i]);
        of++;
    }
    struct mean m = tally_mean(&site, of);
    if (of > 0)
        tell(j, window, -1, -1, &m);
}

void limit_judge(const struct judging *j, const struct limit *limit, const struct judge_event *window)
{
    static void (*const rules[])(const struct judging *, const struct judge_event *) = {
        [OVER_EACH] = judge_each, [OVER_MEAN] = judge_mean, [OVER_MAX] = judge_max};
    struct judge_event event = *window;
    event.kind = JUDGE_VERDICT;
    event.limit = limit;
    event.compared = NAN;
    event.why = "";
    event.stage = limit->stages ? facts_stage(j->facts, window->start_ms) : STAGE_UNKNOWN;
    event.background = background_of(j, limit, window);
    if (limit->stages && event.stage && !((limit->stages | limit->uncovered) & (unsigned)event.stage))
        return;
    rules[limit->over](j, &event);
}

const char *verdict_str(enum verdict v)
{
    static const char *const names[] = {[VERDICT_PASS] = "pass",
                                        [VERDICT_BREACH] = "breach",
                                        [VERDICT_UNKNOWN] = "unknown",
                                        [VERDICT_EXCEEDED] = "exceeded",
                                        [VERDICT_VOID] = "void"};
    return names[v];
}
