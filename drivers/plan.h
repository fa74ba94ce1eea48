/* Merges the points of a profile into the fewest requests that are legal and worth it: two ranges of one
 * table become one request when reading the gap between them takes less wire time than a second request.
 * Pure. */
#ifndef DUST_PLAN_H
#define DUST_PLAN_H

#include "drivers/device.h"

struct request {
    enum modbus_table table;
    uint16_t address; /* first register or bit */
    uint16_t count;   /* registers (1 to 125) or bits (1 to 2000) */
};

/* Fills `out` (room for `max`, PROFILE_POINTS_MAX is always enough) in table and address order with what
 * reads the points whose own period is `period_ms` (0: those that have none); returns how many.
 * `overhead_bytes` is what a second request costs, in characters of wire time: its 8 bytes, the answer's 5,
 * two silences of 3.5 and the turnaround. */
int plan_build(const struct profile *profile, int64_t period_ms, int overhead_bytes, struct request *out,
               int max);

/* Whether a table holds bits, and the most that one request may ask a device for (registers or bits). */
bool plan_bits(enum modbus_table table);
int plan_longest(const struct profile *profile, enum modbus_table table);

/* Whether all of the point's registers (or its bit) are in the request. */
bool plan_covers(const struct request *r, const struct point *p);

#endif
