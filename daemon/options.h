/* The command line of dustd. Main thread. */
#ifndef DUST_OPTIONS_H
#define DUST_OPTIONS_H

#include "daemon/dustd.h"

/* Fills `o` and sets up log and clock; returns -1 to go on, else the exit code (0 after --help, 2 for bad
 * usage). */
int options_parse(int argc, char **argv, struct options *o);

/* Loads the configuration that the options name; with --simulated also refuses whatever is not a pty or
 * loopback. */
int options_load(const struct options *o, struct config **out, struct complaint *why);

#endif
