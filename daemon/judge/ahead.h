/* Within a running window: what the rest of it may still be. */
#ifndef DUST_AHEAD_H
#define DUST_AHEAD_H

#include <stdbool.h>
#include <stdint.h>

struct limit;

/* A running window as it would end if its rest were nothing. */
struct so_far {
    double sum; /* as struct mean has it: of the valid minutes; over: mean: of the points' means as they would
                   end */
    uint32_t n; /* valid minutes and those to come; over: mean: points */
    double rest;       /* of the window that is to come, over 0 and at most 1 */
    double background; /* that will be taken off; while nobody knows, the most it can be; 0: none */
};

struct ahead {
    double may;  /* the mean that the rest may have so that the limit is just met, in its unit; not below 0 */
    double used; /* of what the whole window may take, 1 is all; without rounding; of levels: of the energy */
    bool lost;   /* even a rest of nothing keeps the mean over the limit, as it will be rounded */
};

/* Minutes that failed are taken for lost, not for to come. */
struct ahead limit_ahead(const struct limit *limit, const struct so_far *window);

#endif
