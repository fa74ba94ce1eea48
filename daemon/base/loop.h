/* What main's poll set is made of: signals and a timer as descriptors, so no code runs in a signal handler.
 * Main thread only, before other threads start (they inherit the blocked signals). */
#ifndef DUST_LOOP_H
#define DUST_LOOP_H

#include <stdint.h>

/* Blocks SIGINT, SIGTERM, SIGHUP in this and all later threads, ignores SIGPIPE, puts /dev/null on closed
 * descriptors 0 to 2; returns a signalfd or ERR_IO. */
int loop_signals(void);

/* The next waiting signal's number, 0 for none. */
int loop_signal_next(int fd);

/* A timerfd (CLOCK_MONOTONIC) or ERR_IO; set to go off `in_us` from now (at least 1), once. */
int loop_timer(void);
void loop_timer_set(int fd, int64_t in_us);

/* Resets a timer that went off. */
void loop_timer_woken(int fd);

#endif
