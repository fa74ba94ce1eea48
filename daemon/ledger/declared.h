/* What was said of working days while running (dustctl calendar, dustctl stage): holidays, days of work,
 * suspensions (停工). It joins the configuration's `calendar:` when a deadline's check nodes are planned;
 * what was planned before stays as it was written down. Pure; main thread. */
#ifndef DUST_DECLARED_H
#define DUST_DECLARED_H

#include <stdbool.h>
#include <stdint.h>

struct declared;

/* What holds at a time: nothing was said; no work; work, whatever the configuration's days say. */
enum declared_word { DECLARED_NOTHING, DECLARED_OFF, DECLARED_WORK };

void declared_free(struct declared *d); /* accepts NULL */

/* "holiday", "suspended" or "work" in [from_ms, to_ms); any other word ("rain": others go on) is not kept.
 * `*d` is NULL before the first. What was over at `now_ms` is dropped. */
void declared_day(struct declared **d, int64_t now_ms, const char *what, int64_t from_ms, int64_t to_ms);

/* The stage of construction from `from_ms` on, until the next one's time: "suspended" is no work. */
void declared_stage(struct declared **d, int64_t now_ms, const char *stage, int64_t from_ms);

/* The end of the stretch from `from_ms` on, at most `to_ms`, in which one word holds, and that word. A
 * suspension is over everything, a day of work over a holiday. */
int64_t declared_until(const struct declared *d, int64_t from_ms, int64_t to_ms, enum declared_word *word);

#endif
