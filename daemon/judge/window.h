/* The arithmetic of a mean: a tally takes what came, in time order, and closes as a struct mean. Sums are
 * kept in ten-thousandths, so that a window's sum of (rounded) minutes is a sum of whole numbers: exact below
 * 6e8, the same for whoever recomputes it, no binary noise at a limit. Of levels (dB) energies are summed,
 * and the mean is their level (level.h); lowest and highest are those of the levels. */
#ifndef DUST_WINDOW_H
#define DUST_WINDOW_H

#include "daemon/judge/judge.h"

#include <stdint.h>

struct sample;

enum { TALLY_LETTERS = 6 }; /* F M S D C B */

struct tally {  /* zeroed: empty, of no levels */
    double sum; /* of what is valid: in ten-thousandths; of levels their energies (level_energy) */
    double min, max;
    uint32_t n;     /* valid: N and T */
    uint32_t lower; /* of them T: the value stands for "this or more" */
    uint32_t came;  /* valid or not */
    uint32_t failed[TALLY_LETTERS];
    bool level; /* set by who makes it */
};

/* Empties it; it stays one of levels, or of none. */
void tally_clear(struct tally *t);

/* Adds one sample. Only N and T count. Not averaged: M, C, D, B, F and S too, because a number
 * that somebody typed is no measurement of this moment. A value that is no number, or 1e15 and more (a level:
 * LEVEL_MOST_DB), is D. */
void tally_sample(struct tally *t, const struct sample *s);

/* Adds one closed minute: its mean; the lowest and highest of its samples. */
void tally_minute(struct tally *t, const struct mean *m);

/* The mean of what came; `of` is what was due. Valid (N or T) with n >= 75 % of `of`. */
struct mean tally_mean(const struct tally *t, uint32_t of);

/* Samples that a device read every period_ms owes a minute: at least 1. */
uint32_t minute_due(int64_t period_ms);

/* Whether n of `of` are enough: 75 % (HJ 212-2017 has it for flue gas, none for dust). */
bool enough(uint32_t n, uint32_t of);

/* To 4 decimals; a tie goes to the even digit (GB/T 8170). */
double round4(double value);

/* N and T: `mean` may be compared. */
bool mean_valid(const struct mean *m);

#endif
