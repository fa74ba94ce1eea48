/* Points that a reload takes out. Main thread. */
#ifndef DUST_LEAVE_H
#define DUST_LEAVE_H

#include <stdbool.h>

struct dustd;

/* Ends what is open of the points of which `gone` (one a point) is true, as it stands. Only while no raw
 * block is in the batch, and no minute is without a date or late. */
void leave_points(struct dustd *d, const bool *gone);

#endif
