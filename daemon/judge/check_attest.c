/* attest: a person has looked, lately enough, and found all in order. One opportunity a day: what counts is
 * the last look that still holds when the day ends. */
#include "daemon/judge/check.h"

#include "daemon/base/clock.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"

#include <string.h>

static bool is_about(const struct fact *f, const struct judging *j)
{
    size_t n = strlen(j->of->name);
    return strncmp(f->about, j->of->name, n) == 0 && f->about[n] == '/' &&
           strcmp(f->about + n + 1, j->c->name) == 0;
}

/* The last inspection of this check by somebody who may, before `by_ms`; NULL. */
static const struct fact *last_look(const struct judging *j, int64_t by_ms)
{
    for (int i = record_first(j->r, INPUT_INSPECTION, by_ms); i > 0; i--) {
        const struct fact *f = record_fact(j->r, INPUT_INSPECTION, i - 1);
        if (config_attests(j->c, f->roles) && is_about(f, j))
            return f;
    }
    return NULL;
}

static int64_t valid_until(const struct judging *j, const struct fact *f)
{
    int64_t most_ms = f->from_ms + j->c->slot_ms;
    return f->to_ms < most_ms ? f->to_ms : most_ms;
}

/* The look that counts at by_ms, and how far it does. */
struct look {
    const struct fact *fact; /* NULL: nobody has looked */
    bool valid, renewed;     /* not expired; after the stage of work began, where that is asked */
    bool stage_known;
};

static struct look look_at(const struct judging *j, int64_t by_ms)
{
    struct look l = {.fact = last_look(j, by_ms), .stage_known = true, .renewed = true};
    l.valid = l.fact && valid_until(j, l.fact) >= by_ms;
    if (j->c->renewed_by_stage) {
        int64_t stage_ms = record_stage_since(j->r, by_ms - 1);
        l.stage_known = stage_ms != INT64_MIN;
        l.renewed = !l.fact || (l.stage_known && stage_ms <= l.fact->from_ms);
    }
    return l;
}

static int64_t judged_by(const struct judging *j)
{
    return j->now_ms < j->end_ms ? j->now_ms : j->end_ms;
}

void check_attest(const struct judging *j)
{
    int64_t by_ms = judged_by(j);
    struct look l = look_at(j, by_ms);
    const struct fact *f = l.fact;
    enum cause cause;
    const char *about;
    if (l.valid && l.renewed && f->value >= 100)
        check_tell(j, OUTCOME_MET, CAUSE_NONE, f->from_ms, f->from_ms, f->source);
    else if (l.valid && l.renewed)
        check_tell(j, OUTCOME_FAILED, CAUSE_FOUND, f->from_ms, f->from_ms, f->source);
    else if (check_excused_for(j, j->day_ms, by_ms, &cause, &about) == YES)
        check_tell(j, OUTCOME_EXCUSED, cause, j->day_ms, j->end_ms, "");
    else if (!f)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_INSPECTION, j->day_ms, j->end_ms, "inspection");
    else if (!l.valid)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_EXPIRED, valid_until(j, f), j->end_ms, f->source);
    else
        check_tell(j, OUTCOME_UNKNOWN, l.stage_known ? CAUSE_NEW_STAGE : CAUSE_NO_STAGE, j->day_ms, j->end_ms,
                   "stage");
}

/* The sooner of the two that is after `after_ms`, which due_ms is. */
static int64_t sooner(int64_t due_ms, int64_t at_ms, int64_t after_ms)
{
    return at_ms > after_ms && at_ms < due_ms ? at_ms : due_ms;
}

/* The look that counts expires; a later one is known already; a stage begins or ends: each counts in the
 * millisecond after its time. An excuse is one by its share of the day so far. */
int64_t check_attest_due(const struct judging *j)
{
    int64_t by_ms = judged_by(j), due_ms = INT64_MAX;
    struct look l = look_at(j, by_ms);
    if (l.valid)
        due_ms = sooner(due_ms, valid_until(j, l.fact) + 1, by_ms);
    if (j->c->excuses && !(l.valid && l.renewed))
        due_ms = sooner(due_ms, j->now_ms + CLOCK_MINUTE_MS, by_ms);
    int next = record_first(j->r, INPUT_INSPECTION, by_ms);
    if (next < record_count(j->r, INPUT_INSPECTION))
        due_ms = sooner(due_ms, record_fact(j->r, INPUT_INSPECTION, next)->from_ms + 1, by_ms);
    for (int i = 0; j->c->renewed_by_stage && i < record_count(j->r, INPUT_STAGE); i++) {
        const struct fact *stage = record_fact(j->r, INPUT_STAGE, i);
        due_ms = sooner(due_ms, stage->from_ms + 1, by_ms);
        due_ms = stage->to_ms == INPUT_OPEN ? due_ms : sooner(due_ms, stage->to_ms + 1, by_ms);
    }
    return due_ms;
}
