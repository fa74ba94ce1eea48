/* The file dust.lock keeps a second dustd out of the directory, and shows whether the file system takes
 * writes. The database itself is never opened but by SQLite: closing any descriptor on it would drop SQLite's
 * locks. The store thread, once it runs. */
#ifndef DUST_STORE_LOCK_H
#define DUST_STORE_LOCK_H

#include <stdbool.h>

/* `create`: makes the file, otherwise ERR_NOT_FOUND where there is none (of a directory whose file system is
 * not mounted). ERR_STATE: another dustd has it; ERR_IO with errno. On failure *fd is -1. */
int lock_take(const char *dir, bool create, int *fd);

/* Gives it up, so that the file system can be unmounted. -1 is accepted. */
void lock_release(int *fd);

/* Whether the file system says that it is read-only: to be asked before a commit, because under Linux 6.1 one
 * that was remounted by force still takes writes and syncs, and puts nothing on the disk. */
bool lock_is_read_only(int fd);

/* False when it is, or does not take a write and its sync for that reason. */
bool lock_takes_writes(int fd);

#endif
