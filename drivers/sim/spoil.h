/* What a bad line or a bad unit makes of an answer. Pure. */
#ifndef DUST_SIM_SPOIL_H
#define DUST_SIM_SPOIL_H

#include "drivers/sim/adu.h"
#include "drivers/sim/fault.h"

/* Spoils the frame in place; returns its new length. Kinds that leave the bytes alone do nothing. `seed`
 * gives the garbage. */
size_t spoil(enum fault_kind kind, enum framing framing, uint64_t seed, uint8_t *bytes, size_t length);

#endif
