/* What the checks have in common. */
#include "daemon/judge/check.h"

#include "daemon/base/clock.h"
#include "daemon/config/config.h"
#include "daemon/judge/workday.h"

#include <string.h>

void check_tell(const struct judging *j, enum outcome outcome, enum cause cause, int64_t from_ms,
                int64_t to_ms, const char *about)
{
    struct opportunity o = {outcome, cause, from_ms, to_ms, about ? about : ""};
    j->sink(&o, j->arg);
}

/* --- hours --- */

bool check_in_hours(const struct judging *j, int64_t at_ms)
{
    return workday_is_worked(j->hours, at_ms - j->day_ms);
}

bool check_slot(const struct judging *j, int64_t slot_ms, int64_t least_ms, struct slot *s)
{
    int64_t from_ms, to_ms, after_ms = s->to_ms ? s->to_ms - j->day_ms : 0;
    for (; workday_stretch(j->hours, after_ms, &from_ms, &to_ms); after_ms = s->to_ms - j->day_ms) {
        int64_t end_ms = from_ms + slot_ms < to_ms ? from_ms + slot_ms : to_ms;
        *s = (struct slot){j->day_ms + from_ms, j->day_ms + end_ms};
        if (s->to_ms > j->now_ms)
            return false;
        bool whole = !workday_is_worked(j->hours, from_ms - CLOCK_MINUTE_MS), only = whole && end_ms == to_ms;
        if (end_ms - from_ms >= least_ms || only)
            return true;
    }
    return false;
}

int64_t check_slot_due(const struct judging *j, int64_t slot_ms, int64_t least_ms)
{
    struct judging all = *j;
    all.now_ms = INT64_MAX;
    for (struct slot s = {0}; check_slot(&all, slot_ms, least_ms, &s);)
        if (s.to_ms > j->now_ms)
            return s.to_ms;
    return INT64_MAX;
}

/* --- excuses --- */

static enum truth never_told(bool declared)
{
    return declared ? YES : NO;
}

/* "Below" is "not at or above": YES needs one point that is known to be below, NO all of them known not to
 * be. */
static enum truth below(const struct record *r, const struct role_points *of, double value, int64_t minute_ms,
                        const char **about)
{
    enum truth all = MAYBE;
    bool missing = false;
    for (int i = 0; i < of->n; i++) {
        double v = record_value(r, of->points[i], minute_ms);
        if (v < value)
            return YES;
        if (v >= value) {
            all = NO;
        } else {
            missing = true;
            *about = record_config(r)->points[of->points[i]].name;
        }
    }
    return missing ? MAYBE : all;
}

/* Without any point that could tell, an excuse by the weather is not made: what nobody measures excuses
 * nobody. */
static enum truth by_weather(const struct judging *j, enum excuse e, int64_t m, const char **about)
{
    bool frost = e == EXCUSE_FROST, humid = e == EXCUSE_HUMID;
    const struct role_points *of = record_asked(j->r, frost   ? ASKED_TEMPERATURE
                                                      : humid ? ASKED_HUMIDITY
                                                              : ASKED_RAIN);
    if (of->n == 0)
        return NO;
    if (frost)
        return below(j->r, of, j->all->frost_degc, m, about);
    return record_above(j->r, of, humid ? j->all->humid_percent : j->all->rain_mm, false, m, about);
}

static enum truth excuse_holds(const struct judging *j, enum excuse e, int64_t m, const char **about)
{
    switch (e) {
    case EXCUSE_FROST:
    case EXCUSE_HUMID: return by_weather(j, e, m, about);
    case EXCUSE_RAIN: return record_declared(j->r, "rain", m) ? YES : by_weather(j, e, m, about);
    case EXCUSE_HOLIDAY: return never_told(record_declared(j->r, "holiday", m));
    case EXCUSE_SUSPENDED: return never_told(record_declared(j->r, "suspended", m));
    }
    return NO;
}

static const struct {
    enum excuse excuse;
    enum cause cause;
} excuses[] = {{EXCUSE_SUSPENDED, CAUSE_SUSPENDED},
               {EXCUSE_HOLIDAY, CAUSE_HOLIDAY},
               {EXCUSE_RAIN, CAUSE_RAIN},
               {EXCUSE_FROST, CAUSE_FROST},
               {EXCUSE_HUMID, CAUSE_HUMID}};

enum truth check_excused(const struct judging *j, int64_t minute_ms, enum cause *cause, const char **about)
{
    enum truth result = NO;
    *cause = CAUSE_NONE;
    *about = "";
    for (size_t i = 0; i < sizeof excuses / sizeof *excuses; i++) {
        const char *who = "";
        if (!(j->c->excuses & excuses[i].excuse))
            continue;
        enum truth t = excuse_holds(j, excuses[i].excuse, minute_ms, &who);
        if (t <= result)
            continue;
        result = t;
        *cause = excuses[i].cause;
        *about = who;
        if (t == YES)
            break;
    }
    return result;
}

/* How many minutes from m on, until to_ms, the excuses are what they are in m: what was declared stays so
 * until the next word, the weather may be another each minute. */
static int64_t alike(const struct judging *j, int64_t m, int64_t to_ms)
{
    bool weather = j->c->excuses & (EXCUSE_FROST | EXCUSE_HUMID | EXCUSE_RAIN);
    int64_t until_ms = weather ? m + CLOCK_MINUTE_MS : record_declared_until(j->r, m);
    int64_t end_ms = until_ms < to_ms ? until_ms : to_ms;
    return (end_ms - m + CLOCK_MINUTE_MS - 1) / CLOCK_MINUTE_MS;
}

enum truth check_excused_for(const struct judging *j, int64_t from_ms, int64_t to_ms, enum cause *cause,
                             const char **about)
{
    int64_t minutes = (to_ms - from_ms) / CLOCK_MINUTE_MS, yes = 0, maybe = 0;
    enum cause which[3] = {CAUSE_NONE, CAUSE_NONE, CAUSE_NONE};
    const char *who[3] = {"", "", ""};
    for (int64_t m = from_ms, n; j->c->excuses && m < to_ms; m += n * CLOCK_MINUTE_MS) {
        enum cause one;
        const char *point;
        enum truth t = check_excused(j, m, &one, &point);
        n = alike(j, m, to_ms);
        yes += t == YES ? n : 0;
        maybe += t == MAYBE ? n : 0;
        if (which[t] == CAUSE_NONE) {
            which[t] = one;
            who[t] = point;
        }
    }
    enum truth t = yes && yes * 2 >= minutes ? YES : yes + maybe && (yes + maybe) * 2 >= minutes ? MAYBE : NO;
    *cause = which[t];
    *about = who[t];
    return t;
}

/* --- water --- */

struct water check_water(const struct judging *j, int64_t from_ms, int64_t to_ms)
{
    struct water w = {.about = ""};
    int64_t need = (j->c->flow_ms + CLOCK_MINUTE_MS - 1) / CLOCK_MINUTE_MS, sure = 0, perhaps = 0;
    for (int64_t m = from_ms; m < to_ms; m += CLOCK_MINUTE_MS) {
        const char *missing = NULL;
        enum truth t = record_above(j->r, record_asked(j->r, ASKED_FLOW), j->c->flow, true, m, &missing);
        if (t == MAYBE && missing)
            w.about = missing;
        sure = t == YES ? sure + 1 : 0;
        perhaps = t != NO ? perhaps + 1 : 0;
        w.runs += sure == need;
        w.more = w.more || (perhaps >= need && sure < need);
    }
    return w;
}
