/* duty: water in every slot of the hours of work. response: water soon after dust. */
#include "daemon/judge/check.h"

#include "daemon/base/clock.h"
#include "daemon/judge/workday.h"

#include <string.h>

/* --- duty --- */

/* How many waterings a slot needs: `least` for sure, at most `most`. A yellow, orange or red
 * warning asks for 1, 2 or 3 more (cities' plans for heavy pollution, seen in re-postings only, so a check
 * has it as a setting, more_in_warning); the highest of the slot counts. */
struct need {
    int least, most;
    enum warning level;
    const char *about;
};

static struct need needed(const struct judging *j, struct slot s)
{
    struct need n = {1, 1, WARNING_NONE, ""};
    for (int64_t m = s.from_ms; j->c->more_in_warning && m < s.to_ms; m += CLOCK_MINUTE_MS) {
        enum warning level;
        const char *about;
        if (!record_warning(j->r, m, &level, &about)) {
            n.most = 1 + WARNING_RED;
            n.about = about;
        } else if (level > n.level) {
            n.level = level;
        }
    }
    n.least = 1 + (int)n.level;
    n.most = n.most > n.least ? n.most : n.least;
    return n;
}

/* The valve was open and nothing flowed: the equipment's fault, not neglect [proposal]. */
static enum truth ran_dry(const struct judging *j, struct slot s, const char **about)
{
    enum truth result = NO;
    const struct role_points *valves = record_asked(j->r, ASKED_SPRAY),
                             *flow = record_asked(j->r, ASKED_FLOW);
    if (valves->n == 0)
        return NO;
    for (int64_t m = s.from_ms; m < s.to_ms; m += CLOCK_MINUTE_MS) {
        const char *missing = NULL;
        enum truth on = record_above(j->r, valves, 1, true, m, &missing);
        bool dry = record_above(j->r, flow, j->c->flow, true, m, NULL) == NO;
        if (on == YES && dry)
            return YES;
        if (on == MAYBE) {
            result = MAYBE;
            *about = missing ? missing : "";
        }
    }
    return result;
}

static void tell_times(const struct judging *j, int n, enum outcome outcome, enum cause cause, struct slot s,
                       const char *about)
{
    for (int i = 0; i < n; i++)
        check_tell(j, outcome, cause, s.from_ms, s.to_ms, about);
}

/* `missing` waterings were not seen. */
static void judge_missing(const struct judging *j, struct slot s, struct water w, int missing)
{
    enum cause cause;
    const char *about = "", *fault = "";
    enum truth excused = check_excused_for(j, s.from_ms, s.to_ms, &cause, &about);
    if (excused == YES) {
        tell_times(j, missing, OUTCOME_EXCUSED, cause, s, "");
        return;
    }
    if (w.more) {
        tell_times(j, missing, OUTCOME_UNKNOWN, *w.about ? CAUSE_NO_DATA : CAUSE_NO_POINT, s,
                   *w.about ? w.about : "flow");
        return;
    }
    enum truth dry = ran_dry(j, s, &fault);
    if (dry != NO)
        tell_times(j, missing, OUTCOME_UNKNOWN, dry == YES ? CAUSE_EQUIPMENT : CAUSE_NO_DATA, s, fault);
    else if (excused == MAYBE)
        tell_times(j, missing, OUTCOME_UNKNOWN, CAUSE_NO_DATA, s, about);
    else
        tell_times(j, missing, OUTCOME_FAILED, CAUSE_NO_WATER, s, "");
}

static void judge_duty(const struct judging *j, struct slot s)
{
    struct need n = needed(j, s);
    struct water w = check_water(j, s.from_ms, s.to_ms);
    int met = w.runs < n.least ? w.runs : n.least;
    if (n.level != WARNING_NONE)
        check_tell(j, OUTCOME__COUNT, CAUSE_WARNING, s.from_ms, s.to_ms, "");
    tell_times(j, met, OUTCOME_MET, CAUSE_NONE, s, "");
    if (met < n.least)
        judge_missing(j, s, w, n.least - met);
    else if (w.runs < n.most)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_WARNING, s.from_ms, s.to_ms, n.about);
}

int64_t check_duty_due(const struct judging *j)
{
    return check_slot_due(j, j->c->slot_ms, j->c->slot_ms / 2);
}

void check_duty(const struct judging *j)
{
    for (struct slot s = {0}; check_slot(j, j->c->slot_ms, j->c->slot_ms / 2, &s);)
        judge_duty(j, s);
}

/* --- response --- */

/* The next minute of the hours from m on that is not known to be clean; to_ms: none before. */
static int64_t next_dusty(const struct judging *j, int64_t m, int64_t to_ms)
{
    int64_t from_ms, end_ms;
    while (m < to_ms && workday_stretch(j->hours, m - j->day_ms, &from_ms, &end_ms)) {
        end_ms = j->day_ms + end_ms < to_ms ? j->day_ms + end_ms : to_ms;
        m = record_next_above(j->r, j->own, j->c->over, j->day_ms + from_ms, end_ms);
        if (m < end_ms)
            return m;
    }
    return to_ms;
}

/* Dust since `trigger_ms`: was there water until `within` later, or already. With a point missing just before
 * (`missing`, else "") it may have begun earlier, so that the water that answered it came earlier too. */
static void judge_answer(const struct judging *j, int64_t trigger_ms, const char *missing)
{
    enum cause cause;
    const char *about;
    int64_t until_ms = trigger_ms + j->c->within_ms;
    if (until_ms > j->now_ms)
        return;
    struct slot s = {trigger_ms, until_ms};
    struct water w = check_water(j, trigger_ms - j->c->flow_ms, until_ms);
    enum truth excused = check_excused(j, trigger_ms, &cause, &about);
    if (w.runs)
        check_tell(j, OUTCOME_MET, CAUSE_NONE, s.from_ms, s.to_ms, "");
    else if (excused == YES)
        check_tell(j, OUTCOME_EXCUSED, cause, s.from_ms, s.to_ms, "");
    else if (w.more)
        check_tell(j, OUTCOME_UNKNOWN, *w.about ? CAUSE_NO_DATA : CAUSE_NO_POINT, s.from_ms, s.to_ms,
                   *w.about ? w.about : "flow");
    else if (excused == MAYBE || *missing)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_DATA, s.from_ms, s.to_ms, *missing ? missing : about);
    else
        check_tell(j, OUTCOME_FAILED, CAUSE_NO_RESPONSE, s.from_ms, s.to_ms, "");
}

/* A stretch of minutes of which none is known to be clean. Dust for sure in `need` of them in a row triggers,
 * once; with a hole in it, long enough to be a trigger, each hour of it is unknown: another may have been in
 * it. */
struct stretch {
    int64_t sure, perhaps; /* minutes in a row, up to now */
    bool triggered;
    const char *missing; /* "": no hole yet */
    int64_t told_hour;   /* that there is a hole was told of */
};

static void add_minute(struct stretch *t, enum truth d, const char *missing)
{
    if (d == MAYBE)
        t->missing = missing;
    t->sure = d == YES ? t->sure + 1 : 0;
    t->perhaps++;
}

static void judge_dusty(const struct judging *j, int64_t m, struct stretch *t)
{
    int64_t need = (j->c->lasts_ms + CLOCK_MINUTE_MS - 1) / CLOCK_MINUTE_MS, hour = m / CLOCK_HOUR_MS;
    const char *missing = "";
    enum truth d = record_above(j->r, j->own, j->c->over, false, m, &missing);
    add_minute(t, d, missing);
    if (t->sure >= need && !t->triggered) {
        t->triggered = true;
        judge_answer(j, m + CLOCK_MINUTE_MS, t->missing);
    }
    if (*t->missing && t->perhaps >= need && t->told_hour != hour) {
        t->told_hour = hour;
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_DATA, m, m + CLOCK_MINUTE_MS, t->missing);
    }
}

/* The next minute may be the one that triggers. */
int64_t check_response_due(const struct judging *j)
{
    return j->now_ms + CLOCK_MINUTE_MS;
}

/* Clean minutes only end a stretch: most are, and are passed over. */
void check_response(const struct judging *j)
{
    int64_t over_ms = j->now_ms - CLOCK_MINUTE_MS + 1, to_ms = over_ms < j->end_ms ? over_ms : j->end_ms;
    struct stretch t = {.missing = ""};
    if (j->own->n == 0) {
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_POINT, j->day_ms, j->end_ms, j->c->role);
        return;
    }
    for (int64_t m = next_dusty(j, j->day_ms, to_ms), next; m < to_ms; m = next) {
        judge_dusty(j, m, &t);
        next = next_dusty(j, m + CLOCK_MINUTE_MS, to_ms);
        if (next > m + CLOCK_MINUTE_MS)
            t = (struct stretch){.missing = "", .told_hour = t.told_hour};
    }
}
