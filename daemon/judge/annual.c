/* Limits of a calendar year: judged when the year of the newest hour has ended, and once more when one of its
 * hours turns out to be another. */
#include "daemon/judge/annual.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/inside.h"
#include "daemon/judge/years.h"

#include <string.h>

static const int64_t longest_year_ms = 366 * (int64_t)CLOCK_DAY_MS;

static bool asks_for_years(const struct config *c, int point)
{
    for (int i = 0; i < c->nlimits; i++)
        if (limit_is_annual(&c->limits[i]) && limit_is_about(c, &c->limits[i], point))
            return true;
    return false;
}

void annual_create(struct judge *j)
{
    bool any = false, *kept = mem_array(npoints(j), sizeof *kept);
    for (int i = 0; i < j->config->npoints; i++)
        any |= kept[i] = asks_for_years(j->config, i);
    if (any)
        j->years = years_create(npoints(j), kept, j->config->site.zone_min);
    j->nyear_said = j->config->nlimits;
    j->year_said = mem_array((size_t)j->nyear_said, sizeof *j->year_said);
    mem_free(kept);
}

/* The configuration may be gone already. */
void annual_destroy(struct judge *j)
{
    for (int i = 0; i < j->nyear_said; i++)
        mem_free(j->year_said[i]);
    mem_free(j->year_said);
    years_destroy(j->years);
}

/* --- verdicts --- */

struct telling {
    struct judge *j;
    struct said *said;
    struct report to;
};

static void hear(const struct judge_event *e, void *arg)
{
    struct telling *t = arg;
    struct said *said = &t->said[pending_slot(t->j, e)];
    struct judge_event again = *e;
    if (!said->told)
        t->to.sink(e, t->to.arg);
    else if (!tell_corrected(t->j, said, &again, t->to))
        return;
    said_note(said, e);
}

/* `to` hears the verdicts, of a limit that said something of this year already only what is another. */
static void judge_year(struct judge *j, int limit, struct report to)
{
    const struct limit *l = &j->config->limits[limit];
    struct telling t = {j, j->year_said[limit], {to.sink ? to.sink : judge_mute, to.arg}};
    struct judging with = judging_of(j, NULL, hear, &t);
    struct mean *means = mem_array(npoints(j), sizeof *means);
    int64_t year_ms = clock_year_start(j->year_told_ms - 1, j->config->site.zone_min);
    for (int i = 0; i < j->config->npoints; i++)
        means[i] = years_mean(j->years, i, year_ms, l);
    limit_judge(
        &with, l,
        &(struct judge_event){.start_ms = year_ms, .length_ms = j->year_told_ms - year_ms, .means = means});
    mem_free(means);
}

static void judge_first(struct judge *j, struct report to)
{
    j->year_told_ms = j->year_end_ms;
    j->year_changed = false;
    for (int i = 0; i < j->config->nlimits; i++) {
        const struct limit *l = &j->config->limits[i];
        mem_free(j->year_said[i]);
        j->year_said[i] = NULL;
        if (!limit_is_annual(l) || !limit_holds(j->config, l, j->year_ms))
            continue;
        j->year_said[i] = mem_array(pending_slots(j, i), sizeof *j->year_said[i]);
        judge_year(j, i, to);
    }
}

void annual_turn(struct judge *j, int64_t now_ms, struct report to)
{
    if (j->year_changed)
        for (int i = 0; i < j->config->nlimits; i++)
            if (j->year_said[i])
                judge_year(j, i, to);
    j->year_changed = false;
    if (to.sink && j->year_told_ms != j->year_end_ms && now_ms >= j->year_end_ms)
        judge_first(j, to);
}

/* --- hours --- */

/* An hour of another year than the newest's: the next, before which the last was told; or the clock was set
 * back by more than what may still change, and that year runs again. */
static void begin_year(struct judge *j, int64_t start_ms)
{
    int zone_min = j->config->site.zone_min;
    if (start_ms >= j->year_end_ms && j->year_told_ms != j->year_end_ms)
        judge_first(j, (struct report){judge_mute, NULL});
    j->year_ms = clock_year_start(start_ms, zone_min);
    j->year_end_ms = clock_year_start(j->year_ms + longest_year_ms, zone_min);
    if (j->year_told_ms >= j->year_end_ms)
        j->year_told_ms = 0;
}

void annual_hour(struct judge *j, int point, int64_t start_ms, const struct mean *hour, bool corrects)
{
    if (!j->years)
        return;
    int64_t may_change_ms = YEARS_HOURS_DAYS * (int64_t)CLOCK_DAY_MS;
    if (start_ms >= j->year_end_ms || (!corrects && start_ms < j->year_ms - may_change_ms))
        begin_year(j, start_ms);
    years_hour(j->years, point, start_ms, hour, corrects);
    j->year_changed |= start_ms < j->year_told_ms;
}

void annual_hours(struct judge *j, int64_t start_ms, const struct mean *means)
{
    for (int i = 0; j->years && i < j->config->npoints; i++)
        annual_hour(j, i, start_ms, &means[i], false);
}

bool annual_wanted(const struct judge *j)
{
    return j->years != NULL;
}

void annual_restored(struct judge *j, int64_t told_ms)
{
    struct report nobody = {judge_mute, NULL};
    annual_turn(j, INT64_MIN, nobody);
    if (j->year_end_ms && told_ms == j->year_ms && j->year_told_ms != j->year_end_ms)
        judge_first(j, nobody);
}

bool annual_running(const struct judge *j, int point, const struct limit *limit, int64_t *start_ms,
                    int64_t *length_ms, struct mean *so_far)
{
    if (!j->years || !j->year_end_ms || j->year_told_ms == j->year_end_ms)
        return false;
    *start_ms = j->year_ms;
    *length_ms = j->year_end_ms - j->year_ms;
    *so_far = years_mean(j->years, point, j->year_ms, limit);
    return true;
}

/* --- reload --- */

static bool same_days(const struct limit *a, const struct limit *b)
{
    return a->hours_needed == b->hours_needed && a->days_needed == b->days_needed &&
           a->month_days_needed == b->month_days_needed && a->february_days_needed == b->february_days_needed;
}

void annual_carry(struct judge *j, const struct judge *was, const int *before)
{
    if (!j->years || !was->years)
        return;
    years_carry(j->years, was->years, before);
    j->year_ms = was->year_ms;
    j->year_end_ms = was->year_end_ms;
    j->year_told_ms = was->year_told_ms;
    j->year_changed = was->year_changed;
    for (int i = 0; i < j->config->nlimits; i++)
        for (int k = 0; k < was->config->nlimits; k++) {
            const struct limit *is = &j->config->limits[i], *of = &was->config->limits[k];
            struct pending told = {.limit = k, .said = was->year_said[k]};
            if (told.said && strcmp(is->id, of->id) == 0 && same_limit(of, is) && same_days(of, is))
                j->year_said[i] = carry_said(j, i, was, &told, before);
        }
}
