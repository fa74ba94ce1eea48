/* poll(2) with a time-out in microseconds: a character of 115200 baud takes 87 of them. Any thread. */
#ifndef DUST_WAIT_H
#define DUST_WAIT_H

#include <poll.h>
#include <stdint.h>

/* Waits at most `left_us` (less than 0: not at all; INT64_MAX: for ever). Returns what poll returns, with
 * errno. */
int wait_us(struct pollfd *fds, nfds_t n, int64_t left_us);

#endif
