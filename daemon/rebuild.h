/* dustd --rebuild: makes the ledger anew from a stopped daemon's journal alone, and holds against it what is
 * kept beside it, the photos. Changes nothing. */
#ifndef DUST_REBUILD_H
#define DUST_REBUILD_H

struct config;
struct options;

/* Prints what it came to, with --json each issue as a line. Returns an exit code: failed when a row is no
 * step, or a photo is not what its step says. */
int rebuild_run(const struct options *o, const struct config *c);

#endif
