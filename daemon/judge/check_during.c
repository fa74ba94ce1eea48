/* during: a contact or state holds. Time is counted, not events: a slot fails when it did not hold for longer
 * than `grace` in it, whatever is unknown; it is met when it held for all but `grace` even if all that is
 * unknown was bad.
 *
 *      |####....################..........????####|     # holds  . does not  ? unknown
 *           ^ around a vehicle     ^ counts  ^ counts against "met" only
 */
#include "daemon/judge/check.h"

#include "daemon/base/clock.h"
#include "daemon/config/config.h"

#include <math.h>

struct hold {
    double sure_ms, perhaps_ms; /* did not hold; might not have */
    const char *missing;        /* a point or source that would tell */
    enum cause why;             /* it is missing */
    bool vehicle;               /* a vehicle excused some of it */
};

/* Whether a vehicle was near that minute. */
static enum truth vehicle_near(const struct judging *j, int64_t minute_ms, const char **missing)
{
    int64_t from_ms = minute_ms - j->c->vehicle_ms, to_ms = minute_ms + CLOCK_MINUTE_MS + j->c->vehicle_ms;
    if (j->c->vehicle_ms == 0)
        return NO;
    int i = record_first(j->r, INPUT_PASSAGE, from_ms);
    if (i < record_count(j->r, INPUT_PASSAGE) && record_fact(j->r, INPUT_PASSAGE, i)->from_ms < to_ms)
        return YES;
    return record_watched(j->r, INPUT_PASSAGE, from_ms, to_ms, missing) ? NO : MAYBE;
}

/* The part of the minute in which it does not hold, NaN unknown. */
static double bad_share(const struct judging *j, int point, int64_t minute_ms)
{
    double v = record_value(j->r, point, minute_ms);
    if (isnan(v) || j->c->state == STATE_MEASURED)
        return isnan(v) ? v : 0;
    double on = v < 0 ? 0 : v > 1 ? 1 : v;
    return j->c->state == STATE_ON ? 1 - on : on;
}

static void add_minute(const struct judging *j, int point, int64_t m, struct hold *h)
{
    double bad = bad_share(j, point, m);
    if (bad == 0)
        return;
    const char *source = "";
    double most = (isnan(bad) ? 1 : bad) * CLOCK_MINUTE_MS;
    enum truth near = vehicle_near(j, m, &source);
    if (near == YES) {
        h->vehicle = h->vehicle || !isnan(bad);
        return;
    }
    h->perhaps_ms += most;
    if (isnan(bad) || near == MAYBE) {
        h->why = isnan(bad) ? CAUSE_NO_DATA : *source ? CAUSE_SILENT : CAUSE_NO_SOURCE;
        h->missing = isnan(bad) ? record_config(j->r)->points[point].name : source;
    } else {
        h->sure_ms += most;
    }
}

static void judge_slot(const struct judging *j, int point, struct slot s)
{
    enum cause cause;
    const char *about, *name = record_config(j->r)->points[point].name;
    struct hold h = {.missing = ""};
    for (int64_t m = s.from_ms; m < s.to_ms; m += CLOCK_MINUTE_MS)
        add_minute(j, point, m, &h);
    if (h.vehicle)
        check_tell(j, OUTCOME__COUNT, CAUSE_VEHICLE, s.from_ms, s.to_ms, name);
    if (h.perhaps_ms <= (double)j->c->grace_ms) {
        check_tell(j, OUTCOME_MET, CAUSE_NONE, s.from_ms, s.to_ms, name);
        return;
    }
    enum truth excused = check_excused_for(j, s.from_ms, s.to_ms, &cause, &about);
    if (excused == YES)
        check_tell(j, OUTCOME_EXCUSED, cause, s.from_ms, s.to_ms, name);
    else if (excused == MAYBE)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_DATA, s.from_ms, s.to_ms, about);
    else if (h.sure_ms > (double)j->c->grace_ms)
        check_tell(j, OUTCOME_FAILED, CAUSE_STATE, s.from_ms, s.to_ms, name);
    else
        check_tell(j, OUTCOME_UNKNOWN, h.why, s.from_ms, s.to_ms, h.missing);
}

int64_t check_during_due(const struct judging *j)
{
    return check_slot_due(j, j->c->slot_ms, CLOCK_MINUTE_MS);
}

void check_during(const struct judging *j)
{
    if (j->own->n == 0)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_POINT, j->day_ms, j->end_ms, j->c->role);
    for (int i = 0; i < j->own->n; i++)
        for (struct slot s = {0}; check_slot(j, j->c->slot_ms, CLOCK_MINUTE_MS, &s);)
            judge_slot(j, j->own->points[i], s);
}
