/* Where the journal ended, the daemon goes on. Main thread, before any other thread but the store's
 * and the buses'. */
#ifndef DUST_RESTORE_H
#define DUST_RESTORE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct dustd;
struct mean;

/* Opens the store and brings judge, ledger, requirements, cursors and the running minute to where the journal
 * ends; then lets the store's thread run. Else a negative enum err, and the reason is in the log.
 *
 * `measure` (NULL ok) is called once the journal's end is checked and it is known whether the clock is right:
 * it starts the buses, whose readings wait in their rings while the rest, which of a large ledger takes its
 * time, is read. */
int restore_all(struct dustd *d, int (*measure)(struct dustd *d));

/* Of that, what the journal's events made of ledger, tasks, alerts, settings of devices, inputs and commands.
 * ERR_… of the store. */
int restore_events(struct dustd *d);

/* The hours that limits of a calendar year look at, and what was told of the year, from the journal's rows;
 * minutes from from_ms on have been fed. As restore_all. */
int restore_years(struct dustd *d, int64_t from_ms);

/* What a row says of a point; false: nothing. */
bool restore_mean(const json_t *point, struct mean *mean);

#endif
