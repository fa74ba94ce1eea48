/* One limit against one closed window. */
#ifndef DUST_LIMIT_H
#define DUST_LIMIT_H

#include "daemon/judge/input.h"
#include "daemon/judge/judge.h"

/* What a limit remembers of one point from window to window; zeroed: nothing. */
struct day_count {
    int64_t day_ms; /* its start; 0: none */
    uint16_t windows, exceeded, unknown;
    bool told;  /* its breach, while it ran */
    bool ended; /* its verdict */
};

enum { COUNTED_DAYS = INPUT_LATE_DAYS + 2 }; /* what comes late may change the count of that many */

struct limit_state {
    bool in_force;                       /* exceeded, and not below `release` since */
    struct day_count days[COUNTED_DAYS]; /* in no order */
    int64_t warned_ms, lost_ms;          /* 1 + start of the running window of which that was told; 0: none */
};

struct judging {
    const struct config *config;
    const struct facts *facts;  /* NULL: nothing is known */
    struct limit_state *states; /* of this limit: one a point, then the site's; NULL: nothing is remembered */
    judge_sink sink;
    void *arg;
};

/* Judges `limit` on window->means (config.npoints) and tells the sink one verdict (over: mean, max) or one
 * per point with its role (over: each); none when no point has the role, or when the limit is for another
 * stage of the work than that at the window's start. Call it for windows that it holds for (limit_holds).
 *
 * A mean with enough behind it passes or breaches, both after rounding; below 75 % it is unknown: no data is
 * not compliance, and not a breach either. With values over range the mean is a lower bound: at or over the
 * limit it is a breach, under it unknown. Unknown too: a stage or a background that nobody told.
 *   max:  a breach if one point is; else unknown if one point is (event.point names it); else pass.
 *   mean: of the points' means, if 75 % of the points are valid.
 * A window over a limit that allows some a day is VERDICT_EXCEEDED; the one that is too many is followed by
 * the day's breach, `running`. */
void limit_judge(const struct judging *j, const struct limit *limit, const struct judge_event *window);

/* The day of a limit that allows some: breach with more than it allows; unknown while windows without a
 * verdict could make it more; else pass. After the day's last window. */
void limit_judge_day(const struct judging *j, const struct limit *limit, int64_t day_ms);

/* A window of a limit that allows some has another verdict now (it was `was`, of the same point):
 * its day counts anew, and if it is over is told again, `corrects`; if it still runs, it is told when this
 * one is one too many. */
void limit_recount(const struct judging *j, const struct limit *limit, enum verdict was,
                   const struct judge_event *after);

/* Whether it is the limit of that time of measurement: by its dates and its hours of the day. A window is
 * judged by the time at which it starts. */
bool limit_holds(const struct config *c, const struct limit *limit, int64_t at_ms);

/* Whether the point has the limit's role. */
bool limit_is_about(const struct config *c, const struct limit *limit, int point);

/* Whether a mean sum / n (as struct mean has them) less `background` (0: none, as of a limit on levels)
 * exceeds the limit; `compared` is what was compared. */
bool limit_exceeded(const struct limit *limit, double sum, uint32_t n, double background, double *compared);

#endif
