/* Registers to value, by ourselves: libmodbus' float helpers changed meaning between 3.1.8 and 3.1.11. Pure.
 */
#ifndef DUST_DECODE_H
#define DUST_DECODE_H

#include "daemon/sample.h"
#include "drivers/device.h"

/* Judges `s->reg[0..nreg)` by the point: sets quality, why and value (NaN unless N or T). */
void decode_point(const struct point *p, struct sample *s);

/* The raw number before scale, after word order: what invalid values are compared with. */
uint64_t decode_raw(const struct point *p, const uint16_t *reg);

/* The other way, for the simulator: the registers that decode to the nearest value to `value`. */
void encode_point(const struct point *p, double value, uint16_t *reg);

#endif
