/* Numbers as they are shown and published. */
#ifndef DUST_DECIMALS_H
#define DUST_DECIMALS_H

enum { DECIMALS_MAX = 6 };

/* The value to so many decimals (0 to DECIMALS_MAX), a tie to the even digit. NaN stays NaN. Without libm's
 * pow: the tables that it looks into are 300 KiB of memory for ten powers. */
double decimals_round(double value, int decimals);

#endif
