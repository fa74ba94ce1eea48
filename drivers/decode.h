/* Registers to value, by ourselves: libmodbus' float helpers changed meaning between 3.1.8 and 3.1.11. Pure,
 * any thread. */
#ifndef DUST_DECODE_H
#define DUST_DECODE_H

#include <stdint.h>

struct point;
struct sample;

/* Judges `s->reg[0..nreg)` by the point: sets quality, why and value (NaN unless N or T). Fewer registers
 * than the type has are a garbled answer. */
void decode_point(const struct point *p, struct sample *s);

/* The raw number before scale, after word order, as an unsigned bit pattern (-1 of an i16 is 0xFFFF): what
 * invalid values are compared with. For a bit of a register it is the whole register. `reg` holds
 * point_registers(p) registers. */
uint64_t decode_raw(const struct point *p, const uint16_t *reg);

/* The other way, for the simulator: the registers that decode to the nearest value to `value`. NaN gives the
 * first invalid value (0 without one), a float's own NaN. A bit of a register changes only that bit of *reg.
 */
void encode_point(const struct point *p, double value, uint16_t *reg);

#endif
