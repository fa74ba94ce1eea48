/* passage: each vehicle that leaves was washed, long enough, or was not seen uncovered. Vehicles come from
 * gates and cameras (in/passage/…); washing from the passage itself (wash_s), or from the pump's points of
 * the role wash; what happened in an hour that no source watched is unknown. */
#include "daemon/judge/check.h"

#include "daemon/base/clock.h"
#include "daemon/config/config.h"

#include <math.h>
#include <string.h>

/* Seconds in [from_ms, to_ms) for which a point with the role was on, at least and at most. */
struct seconds {
    double sure, perhaps;
    const char *missing; /* NULL: nothing is */
    bool any;            /* there is such a point */
};

static struct seconds ran(const struct judging *j, enum asked_role role, int64_t from_ms, int64_t to_ms)
{
    const struct role_points *of = record_asked(j->r, role);
    struct seconds s = {.missing = NULL, .any = of->n > 0};
    int64_t first_ms = clock_window_start(from_ms, CLOCK_MINUTE_MS, 0);
    for (int64_t m = first_ms; s.any && m < to_ms; m += CLOCK_MINUTE_MS) {
        double most = 0, least = 0;
        for (int i = 0; i < of->n; i++) {
            double v = record_value(j->r, of->points[i], m);
            double on = isnan(v) ? 1 : v < 0 ? 0 : v > 1 ? 1 : v;
            most = on > most ? on : most;
            least = !isnan(v) && on > least ? on : least;
            s.missing = isnan(v) ? record_config(j->r)->points[of->points[i]].name : s.missing;
        }
        s.sure += least * 60;
        s.perhaps += most * 60;
    }
    return s;
}

/* The vehicle before it has used up what was washed before. */
static int64_t since(const struct judging *j, int index)
{
    const struct fact *f = record_fact(j->r, INPUT_PASSAGE, index);
    int64_t from_ms = f->from_ms - j->c->within_ms;
    for (int i = index - 1; i >= 0; i--) {
        const struct fact *before = record_fact(j->r, INPUT_PASSAGE, i);
        if (strcmp(before->what, "out") == 0)
            return before->from_ms > from_ms ? before->from_ms : from_ms;
    }
    return from_ms;
}

struct finding_of {
    enum outcome outcome;
    enum cause cause;
    const char *about;
};

/* By the count of the wash bay, or of the pump's minutes. */
static struct finding_of washed(const struct judging *j, int index)
{
    const struct fact *f = record_fact(j->r, INPUT_PASSAGE, index);
    double need = (double)j->c->lasts_ms / 1000;
    bool bypass = strcmp(f->via, "bypass") == 0;
    struct seconds s = {f->value, f->value, NULL, true};
    if (isnan(f->value)) {
        s = ran(j, ASKED_WASH, since(j, index), f->from_ms);
        struct seconds entry = ran(j, ASKED_WASH_ENTRY, since(j, index), f->from_ms);
        bypass = bypass || (entry.any && entry.perhaps == 0);
    }
    if (bypass && (!s.any || s.perhaps < need))
        return (struct finding_of){OUTCOME_FAILED, CAUSE_WASH_BYPASS, f->about};
    if (!s.any)
        return (struct finding_of){OUTCOME_UNKNOWN, CAUSE_NO_POINT, "wash"};
    if (s.sure >= need)
        return (struct finding_of){OUTCOME_MET, CAUSE_NONE, f->about};
    if (s.perhaps >= need)
        return (struct finding_of){OUTCOME_UNKNOWN, CAUSE_NO_DATA, s.missing ? s.missing : ""};
    return (struct finding_of){OUTCOME_FAILED, s.perhaps > 0 ? CAUSE_WASH_SHORT : CAUSE_WASH_NONE, f->about};
}

/* Two plates that differ are two vehicles; where one was not read, time alone decides. */
static bool may_be_same(const struct fact *a, const struct fact *b)
{
    return !a->about[0] || !b->about[0] || strcmp(a->about, b->about) == 0;
}

static struct finding_of covered(const struct judging *j, int index)
{
    const struct fact *f = record_fact(j->r, INPUT_PASSAGE, index);
    int64_t from_ms = f->from_ms - j->c->within_ms, to_ms = f->from_ms + j->c->within_ms;
    const char *about;
    for (int i = record_first(j->r, INPUT_CAMERA, from_ms); i < record_count(j->r, INPUT_CAMERA); i++) {
        const struct fact *seen = record_fact(j->r, INPUT_CAMERA, i);
        if (seen->from_ms > to_ms)
            break;
        if (strcmp(seen->what, "uncovered") == 0 && may_be_same(f, seen))
            return (struct finding_of){OUTCOME_FAILED, CAUSE_UNCOVERED, f->about};
    }
    if (record_watched(j->r, INPUT_CAMERA, from_ms, to_ms, &about))
        return (struct finding_of){OUTCOME_MET, CAUSE_NONE, f->about};
    return (struct finding_of){OUTCOME_UNKNOWN, *about ? CAUSE_SILENT : CAUSE_NO_SOURCE,
                               *about ? about : "camera"};
}

/* A warning may forbid that anybody leaves. */
static struct finding_of allowed(const struct judging *j, int64_t at_ms, struct finding_of f,
                                 const char *plate)
{
    enum warning level;
    const char *about;
    if (j->c->banned_from == WARNING_NEVER || f.outcome == OUTCOME_FAILED)
        return f;
    if (!record_warning(j->r, at_ms, &level, &about))
        return (struct finding_of){OUTCOME_UNKNOWN, CAUSE_NO_WARNING, about};
    return level >= j->c->banned_from ? (struct finding_of){OUTCOME_FAILED, CAUSE_BANNED, plate} : f;
}

/* When what is to be known of a vehicle is. */
static int64_t settled(const struct judging *j, const struct fact *f)
{
    if (j->c->need == NEED_COVER)
        return f->from_ms + j->c->within_ms;
    return clock_window_start(f->from_ms, CLOCK_MINUTE_MS, 0) + CLOCK_MINUTE_MS;
}

static void judge_exit(const struct judging *j, int index)
{
    const struct fact *f = record_fact(j->r, INPUT_PASSAGE, index);
    int64_t minute_ms = clock_window_start(f->from_ms, CLOCK_MINUTE_MS, 0);
    enum cause cause;
    const char *about;
    if (strcmp(f->what, "out") != 0 || settled(j, f) > j->now_ms)
        return;
    struct finding_of found = j->c->need == NEED_COVER ? covered(j, index) : washed(j, index);
    found = allowed(j, f->from_ms, found, f->about);
    enum truth excused = check_excused(j, minute_ms, &cause, &about);
    if (found.outcome != OUTCOME_MET && !check_in_hours(j, f->from_ms))
        found = (struct finding_of){OUTCOME_EXCUSED, CAUSE_NIGHT, f->about};
    else if (found.outcome != OUTCOME_MET && excused == YES)
        found = (struct finding_of){OUTCOME_EXCUSED, cause, f->about};
    else if (found.outcome == OUTCOME_FAILED && excused == MAYBE)
        found = (struct finding_of){OUTCOME_UNKNOWN, CAUSE_NO_DATA, about};
    check_tell(j, found.outcome, found.cause, f->from_ms, f->from_ms, found.about);
}

/* An hour that was not watched may hide a vehicle. */
static void judge_hour(const struct judging *j, struct slot s)
{
    const char *source;
    enum cause cause;
    const char *about;
    if (record_watched(j->r, INPUT_PASSAGE, s.from_ms, s.to_ms, &source))
        return;
    if (check_excused_for(j, s.from_ms, s.to_ms, &cause, &about) == YES)
        check_tell(j, OUTCOME__COUNT, cause, s.from_ms, s.to_ms, "");
    else
        check_tell(j, OUTCOME_UNKNOWN, *source ? CAUSE_SILENT : CAUSE_NO_SOURCE, s.from_ms, s.to_ms,
                   *source ? source : "passage");
}

int64_t check_passage_due(const struct judging *j)
{
    int64_t due_ms = check_slot_due(j, CLOCK_HOUR_MS, CLOCK_MINUTE_MS);
    int n = record_count(j->r, INPUT_PASSAGE);
    for (int i = record_first(j->r, INPUT_PASSAGE, j->day_ms); i < n; i++) {
        int64_t settled_ms = settled(j, record_fact(j->r, INPUT_PASSAGE, i));
        if (settled_ms > j->now_ms)
            return settled_ms < due_ms ? settled_ms : due_ms;
    }
    return due_ms;
}

void check_passage(const struct judging *j)
{
    int n = record_count(j->r, INPUT_PASSAGE);
    for (int i = record_first(j->r, INPUT_PASSAGE, j->day_ms); i < n; i++) {
        if (record_fact(j->r, INPUT_PASSAGE, i)->from_ms >= j->end_ms)
            break;
        judge_exit(j, i);
    }
    for (struct slot s = {0}; check_slot(j, CLOCK_HOUR_MS, CLOCK_MINUTE_MS, &s);)
        judge_hour(j, s);
}
