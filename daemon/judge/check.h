/* Between the files of the checks: hours, slots, excuses, water. Pure. */
#ifndef DUST_CHECK_H
#define DUST_CHECK_H

#include "daemon/judge/record.h"
#include "daemon/judge/requirement.h"

/* What a check is judged with. */
struct judging {
    const struct record *r;
    const struct requirements *all; /* thresholds, hours */
    const struct requirement *of;
    const struct check *c;
    int64_t day_ms, end_ms, now_ms;
    opportunity_sink sink;
    void *arg;
    const struct workday *hours;   /* the check's */
    const struct role_points *own; /* with the check's role; none */
};

/* The kinds: check_judge of one, and its check_due. */
void check_during(const struct judging *j);
void check_response(const struct judging *j);
void check_duty(const struct judging *j);
void check_passage(const struct judging *j);
void check_share(const struct judging *j);
void check_attest(const struct judging *j);
int64_t check_during_due(const struct judging *j);
int64_t check_response_due(const struct judging *j);
int64_t check_duty_due(const struct judging *j);
int64_t check_passage_due(const struct judging *j);
int64_t check_share_due(const struct judging *j);
int64_t check_attest_due(const struct judging *j);

void check_tell(const struct judging *j, enum outcome outcome, enum cause cause, int64_t from_ms,
                int64_t to_ms, const char *about);

/* The check's hours cut into slots of slot_ms, counted from the start of each stretch of hours; a last
 * shorter one counts when it is at least least_ms long, or all that there is. Only slots that are over by
 * now_ms. */
struct slot {
    int64_t from_ms, to_ms;
};
bool check_slot(const struct judging *j, int64_t slot_ms, int64_t least_ms,
                struct slot *s); /* the next one after s (to_ms 0: first) */

/* When the first of such slots that is not over by now_ms ends; INT64_MAX: none is left of the day. */
int64_t check_slot_due(const struct judging *j, int64_t slot_ms, int64_t least_ms);

bool check_in_hours(const struct judging *j, int64_t at_ms);

/* Whether one of the check's excuses holds in the minute; `cause` is which, `about` the point that says so or
 * would have to. */
enum truth check_excused(const struct judging *j, int64_t minute_ms, enum cause *cause, const char **about);

/* The same of a stretch: for at least half of its minutes. */
enum truth check_excused_for(const struct judging *j, int64_t from_ms, int64_t to_ms, enum cause *cause,
                             const char **about);

/* Minutes of water in [from_ms, to_ms): waterings that lasted for flow_ms are in `runs`; `more` says that
 * missing minutes may hide another. `about` is a point that is missing, or "" when there is none with the
 * role. */
struct water {
    int runs;
    bool more;
    const char *about;
};
struct water check_water(const struct judging *j, int64_t from_ms, int64_t to_ms);

#endif
