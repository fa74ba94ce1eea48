/* What a bus hangs on: a serial port or a connection, opened without ever blocking on a name or a dead host.
 * Used by one bus thread. */
#ifndef DUST_PORT_H
#define DUST_PORT_H

#include <stdbool.h>
#include <stdint.h>

struct bus_config;

/* Opens the port only to lock it (flock), so that two masters never share a line; the lock lives as long as
 * the descriptor. ERR_IO with errno (EWOULDBLOCK: taken by another program). */
int port_lock(const char *path);

/* Keeps other programs from opening a serial port that we have open. Not for a pseudo terminal: there the
 * mark would outlive a killed owner as long as the other end stays open. port_release takes it back, before
 * the port is closed: another program that had it open before us would keep the mark alive. */
void port_claim(int fd);
void port_release(int fd);

/* Asks the driver to switch the line's direction by itself (TIOCSRS485). ERR_IO with errno:
 * EOPNOTSUPP, it cannot. */
int port_rs485(int fd);

/* Whether the library sets this speed; it takes 9600 for one it does not know. */
bool port_speed_known(int baud);

/* Connects to the numeric IPv4 or IPv6 address of a bus, with its limits. The descriptor or ERR_IO with
 * errno; ECANCELED when `stop_fd` became readable. */
int port_connect(const struct bus_config *config, int stop_fd);

/* Waits until `fd` (-1: none) is ready for `events` or hung up, at most until wire time `until_us`.
 * ERR_OK: ready. ERR_TIMEOUT. ERR_STATE: `stop_fd` (-1: none) became readable. */
int port_wait(int fd, short events, int stop_fd, int64_t until_us);

enum { PORT_FD_END = 900 }; /* libmodbus puts descriptors into an fd_set and aborts from 1024 on */

#endif
