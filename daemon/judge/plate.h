/* Number plates: they are personal data, so only a part of one is ever kept. Pure. */
#ifndef DUST_PLATE_H
#define DUST_PLATE_H

#include <stdbool.h>
#include <stddef.h>

/* "晋J12345" to "晋J1***5"; anything short to "***", nothing to "". */
void plate_mask(const char *plate, char *out, size_t out_size);

/* Whether it looks like "晋J12345" or "晋AD12345" (GA 36 [memory]: one character for the province, a letter,
 * five or six letters and digits). */
bool plate_known(const char *plate);

#endif
