/* Data quality and anti-fraud: one table of checks over the minutes of all points. A check
 * either gives the minutes an HJ 212 flag, or raises a suspicion (疑似) or sets a tag that take no value
 * away; the reason is kept. Means are never altered. Pure, main thread. */
#ifndef DUST_QUALITY_H
#define DUST_QUALITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct facts;
struct history;
struct mean;

enum quality_weight {
    QUALITY_MENDS, /* equipment: it mends itself, or somebody mends it */
    QUALITY_DOUBT, /* a suspicion, 疑似: a person looks at it */
    QUALITY_TAG,   /* said beside the values: nothing to mend and nobody's fault, so no issue */
};

struct quality_check {
    const char *name; /* "flatline": the subject of its rows */
    const char *zh, *en;
    char flag; /* letter that the minutes get; 0: they keep theirs */
    enum quality_weight weight;
};

/* A check began or ended to hold for a point. */
struct quality_finding {
    const struct quality_check *check;
    int point;
    bool ended;
    int64_t from_ms, to_ms; /* since when, and the end of the last minute so far */
    char why[160];          /* English, one line */
};

struct doubts;

/* No doubt is open. `c` must outlive it. The caller's (quality_destroy). */
struct doubts *quality_create(const struct config *c);
void quality_destroy(struct doubts *q); /* accepts NULL */

/* So many samples of the point's next minute were spikes (spike.h). */
void quality_spiked(struct doubts *q, int point, uint32_t n);

/* What the point, a setting of its device, was at at_ms: known of the run before. */
void quality_setting(struct doubts *q, int point, double value, int64_t at_ms);

/* How far in the point's unit a spike is off at least; NaN: none is looked for there. */
double quality_spike_floor(const struct doubts *q, int point);

/* Whether a check looks back at the point's minutes, or can flag them; and so does every limit on such a
 * point. How many minutes must be kept for that. */
bool quality_looks_back(const struct doubts *q, int point);
size_t quality_minutes(const struct config *c);

/* Looks at a minute (before it is in `past`): writes the letters of maintenance, calibration and of the
 * checks that hold into `means`. What came of it is then in quality_finding(): a finding with a flag that
 * begins reaches back to from_ms. */
void quality_minute(struct doubts *q, const struct facts *facts, const struct history *past, int64_t start_ms,
                    struct mean *means);

/* The findings of the last minute, in the order of the table; NULL after the last. */
const struct quality_finding *quality_finding(const struct doubts *q, size_t i);

/* Reload, as judge_carry. */
void quality_carry(struct doubts *to, const struct doubts *from, const int *before);

#endif
