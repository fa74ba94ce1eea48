/* The side file journal.last: where the journal stood, kept apart from the database, so that a new one after
 * damage names its predecessor and goes on with the issue numbers. It is never ahead of the database: a
 * database that does not hold this row is damaged. */
#ifndef DUST_LAST_H
#define DUST_LAST_H

#include "daemon/store/journal.h"

#include <stdbool.h>

struct last {
    struct journal head; /* id "": there is no such file */
    bool simulated;
    char issue[32]; /* "" none yet */
};

/* ERR_OK, also where there is none; ERR_DAMAGED when it fails its own check; ERR_IO. */
int last_read(const char *dir, struct last *last);

/* Whole or not at all: a temporary file, fsync, rename, fsync of the directory. ERR_IO. */
int last_write(const char *dir, const struct last *last);

int dir_sync(const char *dir);

#endif
