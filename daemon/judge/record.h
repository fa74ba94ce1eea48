/* What is known of the last days: the minutes of the points that requirements look at, and what came in
 * beside Modbus. Questions are answered in three values, because what is missing is neither yes nor no: with
 * less known an answer may only turn into MAYBE. Pure, main thread; memory does not grow with the length of
 * the run. */
#ifndef DUST_RECORD_H
#define DUST_RECORD_H

#include "daemon/config/requirements.h"
#include "daemon/judge/input.h"

struct config;
struct mean;

enum { RECORD_DAYS = INPUT_LATE_DAYS + 2, INSPECTION_DAYS = 62 };

enum truth { NO, MAYBE, YES };

/* An input as it is kept; strings as in struct input. */
struct fact {
    int64_t from_ms, to_ms;
    double value;
    unsigned roles; /* of whoever said it */
    char what[16], via[16], about[64], source[32];
    int by; /* of config.sources; -1: a person, or a source that is no longer configured */
};

struct record;

/* Empty. `c` must outlive it. The caller's (record_destroy). */
struct record *record_create(const struct config *c);
void record_destroy(struct record *r); /* accepts NULL */

/* Reload: a record for `c` that knows what `was` knew, by the names of points. `was` stays the caller's. */
struct record *record_carry(const struct record *was, const struct config *c);

/* A closed minute; one that comes twice is what it was last. A valid mean counts, anything else is missing.
 */
void record_minute(struct record *r, int64_t start_ms, const struct mean *means);

/* The point's minutes that start in [from_ms, to_ms) have turned out to be no measurement. */
void record_flag(struct record *r, int point, int64_t from_ms, int64_t to_ms);

/* What came in. `roles` are those of the person who said it, 0 of nobody. */
void record_input(struct record *r, const struct input *i, unsigned roles);

const struct config *record_config(const struct record *r);

/* Grows whenever the record may say something else than it has said: with each input, flag and minute that is
 * not newer than all; but with an `alive` only where somebody has been told that it was not watched then. */
uint64_t record_changes(const struct record *r);

/* A record before this one, of a run before, has answered about the time before to_ms. */
void record_answered(struct record *r, int64_t to_ms);

/* The mean of a point's minute, NaN when it is not known. */
double record_value(const struct record *r, int point, int64_t minute_ms);

/* The points with a role, in the order of the configuration. What a record is asked for each minute of a day
 * is worked out with it, as its configuration does not change: these, and the hours. */
struct role_points {
    const char *role;
    int *points; /* indexes into config.points */
    int n;
};

/* Roles that checks ask for beside their own. */
enum asked_role {
    ASKED_FLOW,
    ASKED_TEMPERATURE,
    ASKED_HUMIDITY,
    ASKED_RAIN,
    ASKED_SPRAY,
    ASKED_WASH,
    ASKED_WASH_ENTRY,
    ASKED__COUNT
};
const struct role_points *record_asked(const struct record *r, enum asked_role role);
const struct role_points *record_points(const struct record *r, const char *role); /* n 0: none has it */

/* The configuration's hours of work, or round the clock. */
const struct workday *record_hours(const struct record *r, bool always);

/* Whether any of the points is above (at_least: at or above) `value` in the minute. NO needs all of
 * them to be known, and at least one. `about` (or NULL) gets the name of one that is missing. */
enum truth record_above(const struct record *r, const struct role_points *of, double value, bool at_least,
                        int64_t minute_ms, const char **about);

/* The first minute in [from_ms, to_ms), which are of one day, in which some of the points is above `value` or
 * not known; to_ms: none. */
int64_t record_next_above(const struct record *r, const struct role_points *of, double value, int64_t from_ms,
                          int64_t to_ms);

/* Facts of a kind, by the time they begin. */
int record_count(const struct record *r, enum input_kind kind);
const struct fact *record_fact(const struct record *r, enum input_kind kind, int i);
int record_first(const struct record *r, enum input_kind kind,
                 int64_t from_ms); /* first that begins then or later */

/* Whether every source that may say `kind` has watched all of [from_ms, to_ms) but for two minutes: NO one
 * that has not, in `about`. A kind that no source may say is never watched, about "". */
bool record_watched(const struct record *r, enum input_kind kind, int64_t from_ms, int64_t to_ms,
                    const char **about);

/* The calendar's word ("holiday", "suspended", "rain"); a day of work overrides a holiday. A suspended stage
 * is suspended too. What was not declared is not. */
bool record_declared(const struct record *r, const char *what, int64_t at_ms);

/* When what is declared may be something else than at at_ms; INT64_MAX: never, as far as is known. */
int64_t record_declared_until(const struct record *r, int64_t at_ms);

/* The warning in force; false: a source of warnings is configured, and neither says one nor has watched
 * (about). Without such a source what no person has declared is none. */
bool record_warning(const struct record *r, int64_t at_ms, enum warning *level, const char **about);

/* When the stage changed last at or before at_ms; INT64_MIN: never told. */
int64_t record_stage_since(const struct record *r, int64_t at_ms);

#endif
