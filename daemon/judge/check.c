/* What the checks have in common. */
#include "daemon/judge/check.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/hours.h"

#include <string.h>

void check_tell(const struct judging *j, enum outcome outcome, enum cause cause, int64_t from_ms,
                int64_t to_ms, const char *about)
{
    struct opportunity o = {outcome, cause, from_ms, to_ms, about ? about : ""};
    j->sink(&o, j->arg);
}

/* --- hours --- */

static bool holds(const struct hours *h, int minute)
{
    if (h->from_min < h->to_min)
        return minute >= h->from_min && minute < h->to_min;
    return minute >= h->from_min || minute < h->to_min;
}

void check_fill_hours(struct judging *j)
{
    bool all_day = j->c->always || j->all->nhours == 0;
    memset(j->work, all_day, sizeof j->work);
    for (int i = 0; !all_day && i < j->all->nhours; i++) {
        struct hours h;
        if (hours_parse(j->all->hours[i], &h) != ERR_OK)
            continue; /* the configuration has been checked */
        for (int m = 0; m < CHECK_DAY_MIN; m++)
            j->work[m] = j->work[m] || holds(&h, m);
    }
}

bool check_in_hours(const struct judging *j, int64_t at_ms)
{
    int64_t minute = (at_ms - j->day_ms) / CLOCK_MINUTE_MS;
    return minute >= 0 && minute < CHECK_DAY_MIN && j->work[minute];
}

/* Where the stretch of hours that at_ms is in, or the next one, begins and ends within the day. */
static bool stretch(const struct judging *j, int64_t at_ms, int64_t *from_ms, int64_t *to_ms)
{
    for (*from_ms = at_ms; *from_ms < j->end_ms && !check_in_hours(j, *from_ms);)
        *from_ms += CLOCK_MINUTE_MS;
    for (*to_ms = *from_ms; *to_ms < j->end_ms && check_in_hours(j, *to_ms);)
        *to_ms += CLOCK_MINUTE_MS;
    return *from_ms < j->end_ms;
}

static int64_t stretch_from(const struct judging *j, int64_t at_ms)
{
    while (at_ms > j->day_ms && check_in_hours(j, at_ms - CLOCK_MINUTE_MS))
        at_ms -= CLOCK_MINUTE_MS;
    return at_ms;
}

bool check_slot(const struct judging *j, int64_t slot_ms, int64_t least_ms, struct slot *s)
{
    int64_t from_ms, to_ms;
    if (!s->to_ms)
        s->to_ms = j->day_ms;
    while (stretch(j, s->to_ms, &from_ms, &to_ms)) {
        int64_t end_ms = from_ms + slot_ms < to_ms ? from_ms + slot_ms : to_ms;
        *s = (struct slot){from_ms, end_ms};
        if (end_ms > j->now_ms)
            return false;
        bool only = from_ms == stretch_from(j, from_ms) && end_ms == to_ms;
        if (end_ms - from_ms >= least_ms || only)
            return true;
    }
    return false;
}

/* --- excuses --- */

static enum truth never_told(bool declared)
{
    return declared ? YES : NO;
}

/* "Below" is "not at or above": YES needs one point that is known to be below, NO all of them known not to
 * be. */
static enum truth below(const struct record *r, const char *role, double value, int64_t minute_ms,
                        const char **about)
{
    enum truth all = MAYBE;
    bool missing = false;
    for (int p = record_point(r, role, -1); p >= 0; p = record_point(r, role, p)) {
        double v = record_value(r, p, minute_ms);
        if (v < value)
            return YES;
        if (v >= value) {
            all = NO;
        } else {
            missing = true;
            *about = record_config(r)->points[p].name;
        }
    }
    return missing ? MAYBE : all;
}

/* Without any point that could tell, an excuse by the weather is not made: what nobody measures excuses
 * nobody. */
static enum truth by_weather(const struct judging *j, const char *role, enum truth said)
{
    return record_point(j->r, role, -1) < 0 ? NO : said;
}

static enum truth excuse_holds(const struct judging *j, enum excuse e, int64_t m, const char **about)
{
    switch (e) {
    case EXCUSE_FROST:
        return by_weather(j, "temperature", below(j->r, "temperature", j->all->frost_degc, m, about));
    case EXCUSE_HUMID:
        return by_weather(j, "humidity",
                          record_above(j->r, "humidity", j->all->humid_percent, false, m, about));
    case EXCUSE_RAIN:
        if (record_declared(j->r, "rain", m))
            return YES;
        return by_weather(j, "rain", record_above(j->r, "rain", j->all->rain_mm, false, m, about));
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

enum truth check_excused_for(const struct judging *j, int64_t from_ms, int64_t to_ms, enum cause *cause,
                             const char **about)
{
    int64_t minutes = (to_ms - from_ms) / CLOCK_MINUTE_MS, yes = 0, maybe = 0;
    enum cause which[3] = {CAUSE_NONE, CAUSE_NONE, CAUSE_NONE};
    const char *who[3] = {"", "", ""};
    for (int64_t m = from_ms; j->c->excuses && m < to_ms; m += CLOCK_MINUTE_MS) {
        enum cause one;
        const char *point;
        enum truth t = check_excused(j, m, &one, &point);
        yes += t == YES;
        maybe += t == MAYBE;
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
        enum truth t = record_above(j->r, "flow", j->c->flow, true, m, &missing);
        if (t == MAYBE && missing)
            w.about = missing;
        sure = t == YES ? sure + 1 : 0;
        perhaps = t != NO ? perhaps + 1 : 0;
        w.runs += sure == need;
        w.more = w.more || (perhaps >= need && sure < need);
    }
    return w;
}
