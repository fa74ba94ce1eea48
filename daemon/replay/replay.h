/* dustd --replay FILE…: recorded samples through the daemon's own judge in virtual time. An installer tries
 * his limits on last month before he switches them on. No device, broker, control socket or database is
 * touched.
 */
#ifndef DUST_REPLAY_H
#define DUST_REPLAY_H

struct config;
struct options;

/* Prints what would have been found to standard output; returns an exit code: 1 when a file cannot be read as
 * what it is, 2 for a bad --as, with one message. */
int replay_run(const struct options *o, struct config *c);

#endif
