/* The rules of the limit files that are in force on a site. Plain const data; any thread. */
#ifndef DUST_CONFIG_LIMITS_H
#define DUST_CONFIG_LIMITS_H

#include "daemon/base/hours.h"

#include <stdbool.h>
#include <stdint.h>

enum limit_compare { COMPARE_OVER, COMPARE_REACHES }; /* > and >= */
enum limit_over { OVER_EACH, OVER_MEAN, OVER_MAX };   /* of the points with its role */

/* One rule of a limit file, config/limits/<profile>.yaml. */
struct limit {
    const char *id; /* "shanxi-taiyuan/pm10-hour": profile and rule, unique */
    const char *title_zh, *title_en;
    const char *standard, *source, *doubt;
    const char *role;  /* of the points it judges, "pm10" */
    int64_t window_ms; /* 2, 5, 15, 20 min, 1 h, 24 h: divides a day; or LIMIT_YEAR_MS */
    enum limit_compare compare;
    double value;     /* in `unit` */
    const char *unit; /* of the points: converted when the file says another that fits */
    bool level;       /* it is one of levels (level.h): a mean is one of energies */
    enum limit_over over;
    double round; /* in `unit`: compared is the whole multiple of it nearest to the mean, a tie goes to the
                     even one (GB/T 8170); 0: the mean, to 4 decimals */
    int allowed;  /* exceedances a day may have; 0: each is a breach */
    bool minus;   /* compared is the mean less the background of the same time */
    double cap;   /* the background counts as at most this, in `unit`; 0: as it is */
    int64_t background_wait_ms; /* a window waits for its background, then it is unknown */
    unsigned stages;            /* set of enum stage in which it applies; 0: always */
    struct hours hours; /* of the day, site's zone, in which it applies; no window lies across their ends */
    unsigned uncovered; /* set of enum stage for which no rule of its file judges its role: unknown then; told
                           by the first such rule, 0 for the others */
    double release;     /* once exceeded it is a breach until the mean is below this; 0: no such rule */
    int hours_needed; /* of 24 h: the mean of hourly means, at least so many; 0: of minutes, 75 %; of a year:
                         of each of its days */
    int days_needed;  /* of a year: valid days, at least so many; 0: 75 % */
    int month_days_needed, february_days_needed; /* and in each month, in February; 0: any number */
    bool informs; /* a breach is recorded, but opens no issue: for information, or a condition */
    int64_t valid_from_ms, valid_to_ms; /* of the time of measurement; INT64_MIN / INT64_MAX: open */
    const char *action_zh, *action_en;  /* what the site must do */
    /* from the site's configuration: */
    const char *person;            /* who is responsible: person.name */
    int64_t answer_ms, rectify_ms; /* deadlines from finding, site time */
    double warn_share;             /* of what a window may still take; 0: no warning */
};

/* Stands for the calendar year of the site's zone, whichever its length. */
#define LIMIT_YEAR_MS ((int64_t)365 * 86400000)

static inline bool limit_is_annual(const struct limit *l)
{
    return l->window_ms == LIMIT_YEAR_MS;
}

struct unjudged {
    const char *id; /* as a limit's */
    const char *role;
};

#endif
