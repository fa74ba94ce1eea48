/* Where the journal ended, the daemon goes on. Main thread, before any other thread but the store's
 * and the buses'. */
#ifndef DUST_RESTORE_H
#define DUST_RESTORE_H

struct dustd;

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

#endif
