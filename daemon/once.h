/* dustd --once: each point is read once and printed. */
#ifndef DUST_ONCE_H
#define DUST_ONCE_H

struct config;

/* Prints to stdout; the exit code: 0, or 1 when something could not be read. */
int once_run(const struct config *c);

#endif
