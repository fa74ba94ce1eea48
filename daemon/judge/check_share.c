/* share: what a camera sees is not more than allowed. One sight of more proves nothing; two that lie `apart`,
 * with none of less between, do. All within one day: each day stands by itself. A slot is met only when the
 * camera watched all of it: what it did not see might have been the proof. */
#include "daemon/judge/check.h"

#include "daemon/base/clock.h"

#include <math.h>
#include <string.h>

static bool is_sight(const struct judging *j, const struct fact *f)
{
    return strcmp(f->what, j->c->what) == 0;
}

/* A camera that names what it sees and no number has seen one of it. */
static bool is_over(const struct judging *j, const struct fact *f)
{
    return (isnan(f->value) ? 1 : f->value) > j->c->at_most;
}

/* Whether sight i, which is over, is the later or earlier of two that prove it. */
static bool is_proven(const struct judging *j, int i)
{
    const struct fact *f = record_fact(j->r, INPUT_CAMERA, i);
    for (int step = -1; step <= 1; step += 2)
        for (int k = i + step; k >= 0 && k < record_count(j->r, INPUT_CAMERA); k += step) {
            const struct fact *other = record_fact(j->r, INPUT_CAMERA, k);
            int64_t apart_ms = llabs((long long)(other->from_ms - f->from_ms));
            if (other->from_ms > j->now_ms || other->from_ms < j->day_ms || other->from_ms >= j->end_ms)
                break;
            if (!is_sight(j, other) || strcmp(other->source, f->source) != 0)
                continue;
            if (!is_over(j, other))
                break;
            if (apart_ms >= j->c->apart_ms)
                return true;
        }
    return false;
}

/* Whether a later sight of less took it back. */
static bool is_taken_back(const struct judging *j, int i)
{
    const struct fact *f = record_fact(j->r, INPUT_CAMERA, i);
    for (int k = i + 1; k < record_count(j->r, INPUT_CAMERA); k++) {
        const struct fact *other = record_fact(j->r, INPUT_CAMERA, k);
        if (other->from_ms > j->now_ms || other->from_ms >= j->end_ms)
            return false;
        if (is_sight(j, other) && strcmp(other->source, f->source) == 0 && !is_over(j, other))
            return true;
    }
    return false;
}

struct seen {
    int sights, open, proven; /* open: over, and neither proven nor taken back */
    const char *source;
};

static struct seen look(const struct judging *j, struct slot s)
{
    struct seen seen = {.source = ""};
    for (int i = record_first(j->r, INPUT_CAMERA, s.from_ms); i < record_count(j->r, INPUT_CAMERA); i++) {
        const struct fact *f = record_fact(j->r, INPUT_CAMERA, i);
        if (f->from_ms >= s.to_ms)
            break;
        if (!is_sight(j, f))
            continue;
        bool proven = is_over(j, f) && is_proven(j, i);
        seen.sights++;
        seen.proven += proven;
        seen.open += is_over(j, f) && !proven && !is_taken_back(j, i);
        seen.source = proven || !seen.proven ? f->source : seen.source;
    }
    return seen;
}

static void judge_slot(const struct judging *j, struct slot s)
{
    struct seen seen = look(j, s);
    enum cause cause;
    const char *about, *camera = "";
    bool watched = record_watched(j->r, INPUT_CAMERA, s.from_ms, s.to_ms, &camera);
    if (!seen.proven && !seen.open && watched && (seen.sights || j->c->silence_is_fine)) {
        check_tell(j, OUTCOME_MET, CAUSE_NONE, s.from_ms, s.to_ms, seen.source);
        return;
    }
    enum truth excused = check_excused_for(j, s.from_ms, s.to_ms, &cause, &about);
    if (excused == YES)
        check_tell(j, OUTCOME_EXCUSED, cause, s.from_ms, s.to_ms, "");
    else if (seen.proven && excused == NO)
        check_tell(j, OUTCOME_FAILED, CAUSE_TOO_MUCH, s.from_ms, s.to_ms, seen.source);
    else if (seen.proven)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NO_DATA, s.from_ms, s.to_ms, about);
    else if (seen.open)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_ONE_SIGHT, s.from_ms, s.to_ms, seen.source);
    else if (watched)
        check_tell(j, OUTCOME_UNKNOWN, CAUSE_NOT_SEEN, s.from_ms, s.to_ms, j->c->what);
    else
        check_tell(j, OUTCOME_UNKNOWN, *camera ? CAUSE_SILENT : CAUSE_NO_SOURCE, s.from_ms, s.to_ms,
                   *camera ? camera : "camera");
}

/* A sight of a slot that is over may be proven or taken back by the next. */
int64_t check_share_due(const struct judging *j)
{
    int64_t due_ms = check_slot_due(j, j->c->slot_ms, j->c->slot_ms / 2);
    int next = record_first(j->r, INPUT_CAMERA, j->now_ms + 1);
    if (next == record_count(j->r, INPUT_CAMERA))
        return due_ms;
    int64_t at_ms = record_fact(j->r, INPUT_CAMERA, next)->from_ms;
    return at_ms < due_ms ? at_ms : due_ms;
}

void check_share(const struct judging *j)
{
    for (struct slot s = {0}; check_slot(j, j->c->slot_ms, j->c->slot_ms / 2, &s);)
        judge_slot(j, s);
}
