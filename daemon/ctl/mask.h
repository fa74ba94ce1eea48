/* What must not stand in a public notice (通报): number plates in full, telephone numbers, names of people.
 * Pure. */
#ifndef DUST_MASK_H
#define DUST_MASK_H

#include <stdbool.h>

/* `text` with each plate as plate_mask shows it ("晋J1***5"), each telephone number as "***", and each of the
 * `n` names as "某某" ("N.N."); of plates also those with a blank, a hyphen or a dot in them, of numbers also
 * those in full-width digits. A date or an issue's number stays. The caller frees (mem_free). */
char *mask_text(const char *text, const char *const *names, int n, bool zh);

#endif
