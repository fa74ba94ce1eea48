/* What a back-test has found so far, counted: each window once, by the last word on it. Pure. Memory does not
 * depend on the length of the run: a word is corrected at most some 28 h later (judge/history.h),
 * INPUT_LATE_DAYS where background or stage may come late, as a requirement's day is. */
#ifndef DUST_REPLAY_TALLY_H
#define DUST_REPLAY_TALLY_H

#include "daemon/judge/judge.h"

#include <jansson.h>
#include <stdint.h>

enum { TALLY_VERDICTS = VERDICT_EXCEEDED + 1 };

struct limit_tally {
    int64_t windows[TALLY_VERDICTS]; /* by enum verdict */
    int64_t days[TALLY_VERDICTS];    /* of a limit that allows some exceedances a day */
    int64_t warnings, corrected;
};

struct requirement_tally {
    int64_t days[TALLY_VERDICTS];
    int64_t met, of, unknown; /* opportunities: met, met or failed, unknown */
};

struct tallies {
    const struct config *config;
    struct limit_tally *limits; /* config.nlimits */
    struct requirement_tally *requirements;
    int64_t *valid; /* minutes, a point */
    int64_t minutes, issues, findings;
    struct told_words *told;      /* a limit: what was said of its newest windows, */
    struct told_words *told_days; /* and of its newest days */
    struct told_day *days;
};

/* Nothing is counted yet. `c` must outlive it. The caller's (tallies_destroy). */
struct tallies *tallies_create(const struct config *c);
void tallies_destroy(struct tallies *t); /* accepts NULL */

/* A verdict or a warning; true: it is not what was said of this window before. */
bool tallies_event(struct tallies *t, const struct judge_event *e);

void tallies_minute(struct tallies *t, const struct mean *means);

/* The body of a requirement's verdict row. */
void tallies_requirement(struct tallies *t, const char *name, const json_t *body);

/* {"limits":[…],"requirements":[…],"points":[…],"unjudged":[…],"minutes","issues","findings"}. A new
 * reference. */
json_t *tallies_json(const struct tallies *t);

#endif
