/* What the files of the record share. Nobody else includes it. */
#ifndef DUST_RECORD_INSIDE_H
#define DUST_RECORD_INSIDE_H

#include "daemon/judge/record.h"
#include "daemon/judge/workday.h"

struct day {
    int64_t start_ms; /* of the site's zone; 0: none */
    float *values;    /* [point of ours][minute], NaN missing */
};

struct facts_of {
    struct fact *list; /* by the time they begin */
    size_t n, room;
    int64_t longest_ms; /* none has lasted longer */
};

struct record {
    const struct config *config;
    struct workday work, always;
    struct role_points *roles; /* each that a point has */
    int nroles;
    const struct role_points *asked[ASKED__COUNT]; /* of roles, or of none */
    int *ours;                                     /* a configured point: its place here, -1 not asked for */
    int nours;
    struct day days[RECORD_DAYS];
    const struct day *today; /* of the last minute that came: most questions are about it; NULL: none yet */
    struct facts_of facts[INPUT__KINDS];
    int64_t newest_ms;
    int64_t
        *unwatched_ms; /* somebody was told that some time before it was not watched; an answer notes it */
    uint64_t changes;
};

/* record_facts.c */
void facts_add(struct facts_of *f, const struct fact *new);
int fact_source(const struct record *r, const char *name); /* fact.by */
void facts_forget_old(struct record *r, int64_t now_ms);

#endif
