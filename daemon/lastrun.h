/* How the last run ended, and what was not measured since. Main thread, at the start. */
#ifndef DUST_LASTRUN_H
#define DUST_LASTRUN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct dustd;

/* The body of this run's boot row, a new reference, and d->last_run. `last_boot`: the machine's boot in which
 * the last run was, "" unknown; `clean`: it was told to stop. */
json_t *lastrun_boot(struct dustd *d, int64_t now_ms, const char *last_boot, bool clean);

/* A run begins: its rows (boot, clock, gaps, settings). The reference of `boot` is stolen. */
void lastrun_begin(struct dustd *d, int64_t at_ms, json_t *boot);

#endif
