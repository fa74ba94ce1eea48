/* The minutes of the last hours of all points, so that what turns out to be no measurement can be taken out
 * of the windows it went into. A ring: memory does not grow. */
#ifndef DUST_HISTORY_H
#define DUST_HISTORY_H

#include "daemon/judge/judge.h"
#include "daemon/judge/window.h"

struct history;

/* `minutes` may be 0: nothing is kept. */
struct history *history_create(size_t minutes, size_t npoints);
void history_destroy(struct history *h); /* accepts NULL */

/* Adds a minute in the order of feeding; with a full ring the oldest goes. */
void history_add(struct history *h, int64_t start_ms, const struct mean *means);

/* Minutes of the point that start in [from_ms, to_ms) get the letter, if they were valid; the number of
 * those.
 */
size_t history_flag(struct history *h, int point, int64_t from_ms, int64_t to_ms, uint8_t letter);

/* Whether everything that was fed of [start_ms, …) is still here. */
bool history_reaches(const struct history *h, int64_t start_ms);

/* The tally of the point over the minutes that start in [start_ms, end_ms); `again` (may be NULL) are those
 * that came again after the clock stepped back. */
struct tally history_tally(const struct history *h, int point, int64_t start_ms, int64_t end_ms,
                           uint32_t *again);

/* The point's minute that starts then; NULL: it is not here, or cannot be found because the clock stepped
 * back. */
const struct mean *history_minute(const struct history *h, int point, int64_t start_ms);

/* Reload: the same with the points of another configuration; before[i] is what point i was, -1 new. */
void history_carry(struct history *to, const struct history *from, const int *before);

#endif
