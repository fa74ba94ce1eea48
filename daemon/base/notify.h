/* Tells the service manager how we are: sd_notify(3)'s protocol, datagrams of "NAME=value" lines to
 * $NOTIFY_SOCKET (a path, or "@name" in the abstract name space). Without that variable, under no manager,
 * everything here does nothing. A message that cannot be sent is logged once and costs nothing else. Main
 * thread. */
#ifndef DUST_NOTIFY_H
#define DUST_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { NOTIFY_STATUS_MAX = 200 }; /* bytes of a status line */

struct notify {
    int fd; /* -1: nobody is to be told */
    struct sockaddr_un to;
    socklen_t to_length;
    int64_t watchdog_us; /* wire: the manager ends us when it hears nothing for so long; 0: it does not */
    int64_t next_feed_us;
    bool said_failure;
    char status[NOTIFY_STATUS_MAX];
};

/* A thread's progress as seen from outside: `count` moves whenever it finishes a turn. All zero: not seen
 * yet. */
struct notify_pulse {
    uint64_t count;
    int64_t moved_us;
};

/* Reads $NOTIFY_SOCKET, $WATCHDOG_USEC and $WATCHDOG_PID. ERR_FORMAT for a socket that is neither "/…" nor
 * "@…" or is too long, ERR_IO when there is no descriptor for it: then nobody is told, which is logged. */
int notify_open(struct notify *n);
void notify_close(struct notify *n);

/* READY=1, also the end of a reload; RELOADING=1 with the reading of the monotonic clock, which tells the
 * manager this reload from the one before; STOPPING=1. */
void notify_ready(struct notify *n);
void notify_reloading(struct notify *n, int64_t now_us);
void notify_stopping(struct notify *n);

/* STATUS=text, one line for `systemctl status`; sent when it differs from the last, cut at
 * NOTIFY_STATUS_MAX. */
void notify_status(struct notify *n, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* WATCHDOG=1 when a quarter of the manager's patience has passed since the last; true when it was sent. The
 * caller says by calling that everything that must move does. */
bool notify_feed(struct notify *n, int64_t now_us);

/* Whether the thread whose counter stands at `count` now has moved within `due_us` of `now_us`. Pure but for
 * `p`. */
bool notify_moves(struct notify_pulse *p, uint64_t count, int64_t due_us, int64_t now_us);

#endif
