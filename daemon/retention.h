/* What is too old: main says so, the store finds the rows, a row of main's names them, and with that row's
 * commit the store may delete them. Main thread. */
#ifndef DUST_RETENTION_H
#define DUST_RETENTION_H

#include <stdint.h>

struct dustd;
struct store_plan;

/* Once a minute: what is too old by now, if the clock is to be believed; and a row `lost` for each broker
 * that is behind what is deleted. */
void retention_turn(struct dustd *d, int64_t now_ms);

/* The rows that the store found: the row about them. */
void retention_plan(struct dustd *d, int64_t now_ms, const struct store_plan *plan);

#endif
