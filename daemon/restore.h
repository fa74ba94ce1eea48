/* Where the journal ended, the daemon goes on. Main thread, before any other thread but the store's. */
#ifndef DUST_RESTORE_H
#define DUST_RESTORE_H

struct dustd;

/* Opens the store and brings judge, ledger, requirements, cursors and the running minute to where the journal
 * ends; then lets the store's thread run. Else a negative enum err, and the reason is in the log. */
int restore_all(struct dustd *d);

#endif
