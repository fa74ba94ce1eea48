/* The requirements (六个百分之百), judged for a day of the site from what is recorded. Each check counts
 * opportunities; met, failed, excused, or unknown, and says why. Nothing is kept here: the same record gives
 * the same verdicts, so a day is judged again when something comes late. Pure, main thread.
 *
 *     breach   one opportunity failed
 *     unknown  none failed, but the evidence of one is missing: no data is not compliance, and no violation
 * either pass     all were met or excused; with none at all 0 of 0 (无作业)
 *
 * With an input missing an outcome may only turn into unknown, which names the input, or an excuse be lost.
 */
#ifndef DUST_REQUIREMENT_H
#define DUST_REQUIREMENT_H

#include "daemon/judge/judge.h"

#include <stdint.h>

struct check;
struct requirements;

enum outcome { OUTCOME_MET, OUTCOME_FAILED, OUTCOME_UNKNOWN, OUTCOME_EXCUSED, OUTCOME__COUNT };

/* Why; also what changed what was asked (cause_warning). The table is in requirement.c. */
enum cause {
    CAUSE_NONE,
    /* failed */
    CAUSE_STATE,
    CAUSE_NO_RESPONSE,
    CAUSE_NO_WATER,
    CAUSE_WASH_NONE,
    CAUSE_WASH_SHORT,
    CAUSE_WASH_BYPASS,
    CAUSE_UNCOVERED,
    CAUSE_BANNED,
    CAUSE_TOO_MUCH,
    CAUSE_FOUND,
    /* unknown */
    CAUSE_NO_POINT,
    CAUSE_NO_DATA,
    CAUSE_NO_SOURCE,
    CAUSE_SILENT,
    CAUSE_NOT_SEEN,
    CAUSE_ONE_SIGHT,
    CAUSE_EQUIPMENT,
    CAUSE_NO_WARNING,
    CAUSE_NO_INSPECTION,
    CAUSE_EXPIRED,
    CAUSE_NO_STAGE,
    CAUSE_NEW_STAGE,
    /* excused */
    CAUSE_FROST,
    CAUSE_HUMID,
    CAUSE_RAIN,
    CAUSE_HOLIDAY,
    CAUSE_SUSPENDED,
    CAUSE_NIGHT,
    CAUSE_VEHICLE,
    /* changed */
    CAUSE_WARNING,
    CAUSE__COUNT
};

const char *cause_str(enum cause c); /* "wash_none" */
const char *cause_zh(enum cause c);
const char *cause_en(enum cause c);
const char *outcome_str(enum outcome o); /* "met" */

/* One opportunity. `about` is the point, source, vehicle or inspection it is about, "" nothing; it lives as
 * long as the record is not changed. */
struct opportunity {
    enum outcome outcome;
    enum cause cause;
    int64_t from_ms, to_ms;
    const char *about;
};

typedef void (*opportunity_sink)(const struct opportunity *o, void *arg);

/* All opportunities of a check in the day that starts at day_ms and that were over by now_ms, in no order. An
 * excuse that was made use of without making an opportunity none (a vehicle at the gate) comes as one with
 * outcome OUTCOME__COUNT, and so does what changed the check (a warning). */
struct asked_day {
    const struct record *record;
    const struct requirement *of; /* the check is one of its */
    int64_t day_ms, now_ms;
};
void check_judge(const struct asked_day *day, const struct check *c, opportunity_sink sink, void *arg);

/* Those of one outcome, cause and `about`, together. */
struct reason {
    enum outcome outcome; /* OUTCOME__COUNT: changed something */
    enum cause cause;
    const char *about;
    int n;
    int64_t first_ms, last_ms; /* when the first began, when the last ended */
};

enum { REASONS_MAX = 24 };

struct check_result {
    const struct check *check;
    int count[OUTCOME__COUNT];
    struct reason reasons[REASONS_MAX]; /* the rest is added to the last */
    int nreasons;
    enum outcome last; /* of the opportunity that ended last; OUTCOME__COUNT: there was none */
    int64_t last_ms;   /* when */
};

/* Counts the opportunities of one check on that day, as far as day->now_ms. */
void check_sum(const struct asked_day *day, const struct check *c, struct check_result *out);

/* Until when the check has the opportunities that it has at day->now_ms, each with its outcome, if nothing
 * changes in the record (record_changes) and newer minutes come: they decide only what they end. Later than
 * now_ms; INT64_MAX: for the rest of the day. */
int64_t check_due(const struct asked_day *day, const struct check *c);

/* Adds one to a result that began as (struct check_result){.check = …, .last = OUTCOME__COUNT}; an
 * opportunity_sink. */
void check_add(const struct opportunity *o, void *check_result);

/* When the check's next opportunity is over, within the day; 0: none is left in it, or that is a vehicle's or
 * the dust's to say. */
int64_t check_next(const struct asked_day *day, const struct check *c);

struct requirement_result {
    const struct requirement *requirement;
    enum verdict verdict;
    int count[OUTCOME__COUNT];
    struct check_result *checks; /* requirement->nchecks; requirement_finish frees them */
};

/* now_ms of a day that is over: its end and requirements_settle_ms, the longest time after an opportunity
 * that it may still be met in. */
int64_t requirements_settle_ms(const struct requirements *r);
void requirement_judge(const struct record *r, const struct requirement *q, int64_t day_ms, int64_t now_ms,
                       struct requirement_result *out);
void requirement_finish(struct requirement_result *r);

#endif
