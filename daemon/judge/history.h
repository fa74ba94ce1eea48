/* The minutes of the last hours of the points that are looked back at, so that what turns out to be no
 * measurement can be taken out of the windows it went into. A ring: memory does not grow. 16 bytes a minute
 * and point: mean, lowest and highest in ten-thousandths of the unit as whole numbers, which is all that a
 * published minute has; above 214,748 units, more than any dust meter can show in ug/m3, nine digits. */
#ifndef DUST_HISTORY_H
#define DUST_HISTORY_H

#include "daemon/judge/window.h"

#include <stddef.h>
#include <stdint.h>

struct history;

/* `minutes` may be 0: nothing is kept. kept[npoints]: of which points; the others have no minutes here. */
struct history *history_create(size_t minutes, size_t npoints, const bool *kept);
void history_destroy(struct history *h); /* accepts NULL */

/* Whether minutes of the point are kept. */
bool history_keeps(const struct history *h, int point);

/* Adds a minute in the order of feeding (npoints means); with a full ring the oldest goes. */
void history_add(struct history *h, int64_t start_ms, const struct mean *means);

/* Minutes of the point that start in [from_ms, to_ms) get the letter, if they were valid; the number of
 * those.
 */
size_t history_flag(struct history *h, int point, int64_t from_ms, int64_t to_ms, uint8_t letter);

/* Whether everything that was fed of [start_ms, …) is still here. */
bool history_reaches(const struct history *h, int64_t start_ms);

/* How many minutes were ever fed. */
uint64_t history_fed(const struct history *h);

/* The tally of the point over the minutes that start in [start_ms, end_ms), of those that were fed after
 * `since` others; `again` (may be NULL) are those that came again after the clock stepped back. */
struct tally history_tally(const struct history *h, int point, int64_t start_ms, int64_t end_ms,
                           uint64_t since, uint32_t *again);

/* The point's minute that starts then: mean, min, max, quality, and n 1 when it has values, else 0 (how many
 * there were is not kept). False: it is not here, or cannot be found because the clock stepped back. */
bool history_minute(const struct history *h, int point, int64_t start_ms, struct mean *minute);

/* Reload: the same with the points of another configuration; before[i] is what point i was, -1 new. */
void history_carry(struct history *to, const struct history *from, const int *before);

#endif
