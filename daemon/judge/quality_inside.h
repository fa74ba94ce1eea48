/* What the engine of the checks and their conditions share. Nobody else includes it. */
#ifndef DUST_QUALITY_INSIDE_H
#define DUST_QUALITY_INSIDE_H

#include "daemon/judge/quality.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a check remembers of one point. */
struct run {
    int64_t since_ms, last_ms; /* it held in [since, last), but for holes; last_ms 0: it does not hold */
    double value, other;       /* the condition's own */
    int changes, with;
    bool has_value, active;
    int64_t seen_ms; /* start of the latest minute that had `value` (setting) */
};

enum holds {
    HOLDS_UNKNOWN, /* there is no value to say it by */
    HOLDS_NOT,
    HOLDS,
    HOLDS_ANEW, /* a new run begins with this minute */
};

/* A point in the words of the checks, worked out once. */
struct seen {
    double to_ugm3; /* factor of its unit; NaN: it measures no concentration */
    bool pm;
    bool alone;       /* its device measures no dust: a board that watches the cabinet of others */
    int lower, upper; /* points of its device that it must not be below, above (inversion); -1 none */
    int humidity;     /* of its device, else of the site; -1 none */
    int longitude;    /* of its device, of a latitude; -1 none */
};

struct doubts {
    const struct config *config;
    struct seen *seen; /* one a point */
    struct run *runs;  /* for each check one a point */
    struct quality_finding *findings;
    size_t nfindings, room;
    double *five; /* the last minutes of each point, a ring of FIVE */
    int at;
    uint32_t *spiked; /* samples of the minute, one a point */
};

enum { WHY = 160, FIVE = 6 }; /* now, and 1 to 5 minutes ago */

struct look {
    struct doubts *q;
    const struct quality_config *is;
    const struct facts *facts;
    const struct history *past;
    int64_t from_ms, to_ms; /* the minute; a condition that looks at another time says so here */
    const struct mean *means;
    char service; /* of the point's device: 'N', 'M' or 'C' */
    char *why;    /* WHY bytes: the reason, of a condition that has no `say` */
};

struct rule {
    struct quality_check check;
    bool pm_only; /* of concentrations */
    bool hourly;  /* looks at hours that are over */
    enum holds (*holds)(struct look *k, int point, struct run *r);
    int64_t (*after)(const struct look *k, int point, const struct run *r); /* it must hold so long */
    bool (*on)(const struct quality_config *is);
    /* Prints the reason (WHY bytes) when it begins, not each minute; NULL: `holds` has written k->why. */
    void (*say)(const struct look *k, int point, const struct run *r, char *why);
};

enum { RULES = 17 };
extern const struct rule quality_rules[RULES];

/* quality_checks.c: what conditions are made of. The minute's mean, NaN without one or without a point (-1).
 */
const char *role_of(const struct look *k, int point);
double value_of(const struct look *k, int point);
enum holds if_so(bool so);

/* quality_air.c */
enum holds is_sprayed(struct look *k, int point, struct run *r);
enum holds is_damp(struct look *k, int point, struct run *r);
void say_damp(const struct look *k, int point, const struct run *r, char *why);
enum holds is_below_background(struct look *k, int point, struct run *r);

/* quality_cabinet.c */
enum holds is_door_open(struct look *k, int point, struct run *r);
enum holds is_without_power(struct look *k, int point, struct run *r);
enum holds is_tilted(struct look *k, int point, struct run *r);
enum holds is_moved(struct look *k, int point, struct run *r);

double five_ago(const struct doubts *q, int point, int minutes); /* NaN: it was none */

#endif
