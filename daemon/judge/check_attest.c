/* attest: a person has looked, lately enough, and found all in order. One opportunity a day: what counts is
 * the last look that still holds when the day ends. */
#include "daemon/judge/check.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"

#include <string.h>

/* The last inspection of this check by somebody who may, before `by_ms`; NULL. */
static const struct fact *last_look(const struct judging *j, int64_t by_ms)
{
    char *name = mem_printf("%s/%s", j->of->name, j->c->name);
    const struct fact *found = NULL;
    for (int i = 0; i < record_count(j->r, INPUT_INSPECTION); i++) {
        const struct fact *f = record_fact(j->r, INPUT_INSPECTION, i);
        if (f->from_ms < by_ms && config_attests(j->c, f->roles) && strcmp(f->about, name) == 0)
            found = f;
    }
    mem_free(name);
    return found;
}

static int64_t valid_until(const struct judging *j, const struct fact *f)
{
    int64_t most_ms = f->from_ms + j->c->slot_ms;
    return f->to_ms < most_ms ? f->to_ms : most_ms;
}

void check_attest(const struct judging *j)
{
    int64_t by_ms = j->now_ms < j->end_ms ? j->now_ms : j->end_ms;
    const struct fact *f = last_look(j, by_ms);
    enum cause cause;
    const char *about;
    int64_t stage_ms = record_stage_since(j->r, by_ms - 1);
    bool valid = f && valid_until(j, f) >= by_ms;
    bool known = !j->c->renewed_by_stage || stage_ms != INT64_MIN;
    bool renewed = !f || !j->c->renewed_by_stage || (known && stage_ms <= f->from_ms);
    if (valid && renewed && f->value >= 100)
        check_tell(j, OUTCOME_MET, CAUSE_NONE, f->from_ms, f->from_ms, f->source);
    else if (valid && renewed)
        check_tell(j, OUTCOME_FAILED, CAUSE_FOUND, f->from_ms, f->from_ms, f->source);
    else if (check_excused_for(j, j->day_ms, by_ms, &cause, &about) == YES)
        check_tell(j, OUTCOME_EXCUSED, cause, j->day_ms, j->end_ms, "");
    else if (!f)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_INSPECTION, j->day_ms, j->end_ms, "inspection");
    else if (!valid)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_EXPIRED, valid_until(j, f), j->end_ms, f->source);
    else
        check_tell(j, OUTCOME_UNKNOWN, known ? CAUSE_NEW_STAGE : CAUSE_NO_STAGE, j->day_ms, j->end_ms,
                   "stage");
}
