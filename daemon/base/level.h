/* Levels in decibels: 10 lg of an energy over a reference. Their mean is the level of the mean of the
 * energies, the equivalent level (Leq), not the mean of the numbers: of 60 and 70 dB it is 67.4 dB. For
 * levels read at equal steps L = 10 lg (1/n x sum of 10^(0.1 Li)): GB/T 14623-93, 3.2; the same as an
 * integral over time in GB 12348-2008, 3.3 (both seen as re-postings, the formula itself lost in one). GB
 * 3096-2008 and GB 12523 define it so too [memory]. Pure. */
#ifndef DUST_LEVEL_H
#define DUST_LEVEL_H

#include <stdbool.h>

/* Beyond plus or minus this a number is no level: its energy and sums of it stay finite and above 0. */
enum { LEVEL_MOST_DB = 1000 };

/* Whether values in that unit (unit_name) are levels: dB and dB(A) are. */
bool unit_is_level(const char *unit);

/* 10^(db / 10): 1 for 0 dB. |db| < LEVEL_MOST_DB. */
double level_energy(double db);

/* 10 lg energy, to 1e-11 dB: what binary arithmetic adds is gone. energy > 0. */
double level_of(double energy);

#endif
