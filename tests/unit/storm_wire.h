/* How the storm's bytes travel: through a real pseudo terminal or real connections, but in a wire time of our
 * own, which stands still while anything runs and moves on only when the driver waits. So each byte comes
 * exactly when it should, however busy the machine is, and hours pass in seconds. The test is linked with
 * --wrap for the functions below: in virtual time the driver's waiting calls the units, in the same thread.
 */
#ifndef STORM_WIRE_H
#define STORM_WIRE_H

#include "daemon/base/wait.h"
#include "drivers/bus_private.h"
#include "drivers/line.h"
#include "storm_slave.h"

#include <errno.h>
#include <fcntl.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct storm_wire {
    struct storm storm;
    struct bus *bus;
    char dir[32], path[64];       /* of the pseudo terminal's link */
    int master, held;             /* its ends; ours keeps the terminal alive */
    int listener, port, fd, peer; /* the connection, -1: none, and the port it comes from */
    int64_t now_us;
    uint64_t sent_at; /* how many requests the bus had counted when it sent the last one */
};

static struct storm_wire *storm_wire; /* NULL: time is real */

int64_t __real_clock_wire_us(void);
void __real_clock_wire_sleep_until(int64_t at_us);
int __real_wait_us(struct pollfd *fds, nfds_t n, int64_t left_us);
int __real_modbus_send_raw_request(modbus_t *ctx, const uint8_t *raw, int n);
ssize_t __real_send(int fd, const void *bytes, size_t n, int flags);
int64_t __wrap_clock_wire_us(void);
void __wrap_clock_wire_sleep_until(int64_t at_us);
int __wrap_wait_us(struct pollfd *fds, nfds_t n, int64_t left_us);
int __wrap_modbus_send_raw_request(modbus_t *ctx, const uint8_t *raw, int n);
ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags);

/* Real time, for what the kernel does by itself in a moment. */
enum { STORM_PATIENCE_MS = 20000 };

static inline bool storm_read(int fd, uint8_t *to, size_t n)
{
    for (size_t have = 0; have < n;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, STORM_PATIENCE_MS) <= 0)
            abort();
        ssize_t got = read(fd, to + have, n - have);
        if (got <= 0)
            return false;
        have += (size_t)got;
    }
    return true;
}

static inline int storm_unread(int fd)
{
    int n = 0;
    return ioctl(fd, FIONREAD, &n) == 0 ? n : 0;
}

static inline void storm_await_unread(int fd, int n)
{
    int64_t until_us = __real_clock_wire_us() + 1000 * (int64_t)STORM_PATIENCE_MS;
    for (int tries = 0; storm_unread(fd) != n; tries++) {
        if (__real_clock_wire_us() > until_us)
            abort();
        if (tries > 20)
            usleep(20);
    }
}

/* The port from which the driver's connection comes, 0 without one. */
static inline int storm_client_port(const struct storm_wire *w)
{
    struct sockaddr_in from = {0};
    socklen_t length = sizeof from;
    int fd = line_fd(w->bus->line);
    return fd >= 0 && getsockname(fd, (struct sockaddr *)&from, &length) == 0 ? ntohs(from.sin_port) : 0;
}

static inline void storm_hang_up(struct storm_wire *w, bool reset)
{
    struct linger now = {.l_onoff = 1};
    if (w->fd < 0)
        return;
    if (reset)
        setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(w->fd);
    w->fd = -1;
}

/* Takes the connection that the driver has now, if there is one that we have not ended. */
static inline bool storm_connected(struct storm_wire *w)
{
    int port = storm_client_port(w), on = 1;
    struct pollfd p = {.fd = w->listener, .events = POLLIN};
    while (poll(&p, 1, 0) > 0) {
        struct sockaddr_in from;
        socklen_t length = sizeof from;
        storm_hang_up(w, false);
        w->fd = accept4(w->listener, (struct sockaddr *)&from, &length, SOCK_CLOEXEC);
        if (w->fd < 0)
            abort();
        setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        w->peer = ntohs(from.sin_port);
        w->storm.connection++;
    }
    return port && port == w->peer && w->fd >= 0;
}

static inline bool storm_is_open(const struct storm_wire *w)
{
    return w->storm.open.unit && atomic_load(&w->bus->requests) == w->sent_at;
}

static inline void storm_end_connection(struct storm_wire *w, bool reset)
{
    struct pollfd p = {.fd = line_fd(w->bus->line), .events = POLLRDHUP};
    storm_hang_up(w, reset);
    if (poll(&p, 1, STORM_PATIENCE_MS) <= 0)
        abort();
}

static inline void storm_deliver(struct storm_wire *w, const struct storm_piece *p)
{
    bool stream = w->storm.transport != TRANSPORT_RTU;
    if (stream && (!storm_connected(w) || w->storm.mute == w->storm.connection ||
                   (p->connection && p->connection != w->storm.connection)))
        return;
    if (storm_is_open(w))
        storm_heard(&w->storm, p);
    int seen = stream ? line_fd(w->bus->line) : w->held, before = storm_unread(seen);
    if (p->data.length) {
        if (write(stream ? w->fd : w->master, p->data.bytes, (size_t)p->data.length) != p->data.length)
            abort();
        storm_await_unread(seen, before + p->data.length);
    }
    if (p->then)
        storm_end_connection(w, p->then == THEN_RESET);
}

/* A server does not put one answer into the middle of another, and nobody could tell if it did: Modbus TCP
 * has no check sum. */
static inline bool storm_must_wait(const struct storm_wire *w, const struct storm_piece *p)
{
    return w->storm.transport == TRANSPORT_TCP && storm_is_open(w) && w->storm.open.heard > 0 &&
           p->data.length && p->number != w->storm.open.number;
}

/* One thing that is due until `until_us`, at its time; false: nothing is, and it is `until_us` now. */
static inline bool storm_step(struct storm_wire *w, int64_t until_us)
{
    int64_t next_us;
    struct storm_piece *p = storm_due(&w->storm, until_us, &next_us);
    w->now_us = !p ? until_us : p->due_us > w->now_us ? p->due_us : w->now_us;
    if (!p)
        return false;
    if (storm_must_wait(w, p)) {
        p->due_us += 1000;
        return true;
    }
    storm_deliver(w, p);
    p->due_us = 0;
    return true;
}

/* `n`: how long the request is on the wire */
static inline void storm_sent(struct storm_wire *w, int unit, size_t n, bool ok)
{
    uint8_t request[sizeof w->storm.order.bytes];
    bool stream = w->storm.transport != TRANSPORT_RTU;
    w->sent_at = atomic_load(&w->bus->requests);
    ok = ok && (!stream || storm_connected(w)) && storm_read(stream ? w->fd : w->master, request, n);
    storm_take(&w->storm, unit, ok ? request : NULL, n, w->now_us);
}

int64_t __wrap_clock_wire_us(void)
{
    return storm_wire ? storm_wire->now_us : __real_clock_wire_us();
}

void __wrap_clock_wire_sleep_until(int64_t at_us)
{
    if (!storm_wire) {
        __real_clock_wire_sleep_until(at_us);
        return;
    }
    while (storm_wire->now_us < at_us && storm_step(storm_wire, at_us)) {
        /* what comes meanwhile */
    }
}

int __wrap_wait_us(struct pollfd *fds, nfds_t n, int64_t left_us)
{
    if (!storm_wire)
        return __real_wait_us(fds, n, left_us);
    int64_t until_us = storm_wire->now_us + (left_us > 0 ? left_us : 0);
    bool connects = fds[n - 1].events & POLLOUT;
    for (;;) {
        int ready = poll(fds, n, connects ? STORM_PATIENCE_MS : 0);
        if (ready != 0 || connects || !storm_step(storm_wire, until_us))
            return ready;
    }
}

int __wrap_modbus_send_raw_request(modbus_t *ctx, const uint8_t *raw, int n)
{
    int rc = __real_modbus_send_raw_request(ctx, raw, n);
    if (storm_wire)
        storm_sent(storm_wire, raw[0], (size_t)n + 2, rc >= 0);
    return rc;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags)
{
    ssize_t rc = __real_send(fd, bytes, n, flags);
    int error = errno;
    if (storm_wire)
        storm_sent(storm_wire, ((const uint8_t *)bytes)[STORM_HEADER], n, rc >= 0);
    errno = error;
    return rc;
}

static inline void storm_open_terminal(struct storm_wire *w)
{
    struct termios raw;
    char name[64];
    memset(&raw, 0, sizeof raw);
    cfmakeraw(&raw);
    strcpy(w->dir, "/tmp/dust-storm-XXXXXX");
    if (!mkdtemp(w->dir) || openpty(&w->master, &w->held, name, &raw, NULL) != 0)
        abort();
    snprintf(w->path, sizeof w->path, "%s/port", w->dir);
    if (symlink(name, w->path) != 0)
        abort();
}

static inline void storm_listen(struct storm_wire *w)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(w->listener, (struct sockaddr *)&at, length) != 0 || listen(w->listener, 16) != 0 ||
        getsockname(w->listener, (struct sockaddr *)&at, &length) != 0)
        abort();
    w->port = ntohs(at.sin_port);
}

/* The storm's weights, blocks and knobs are the caller's; time is virtual from now on. */
static inline void storm_start(struct storm_wire *w, uint64_t seed)
{
    w->storm.random = seed;
    w->master = w->held = w->listener = w->fd = -1;
    if (w->storm.transport == TRANSPORT_RTU)
        storm_open_terminal(w);
    else
        storm_listen(w);
    w->now_us = 1000000;
    storm_wire = w;
}

/* After the bus has been destroyed. */
static inline void storm_stop(struct storm_wire *w)
{
    storm_wire = NULL;
    storm_hang_up(w, false);
    int ends[] = {w->master, w->held, w->listener};
    for (int i = 0; i < 3; i++)
        if (ends[i] >= 0)
            close(ends[i]);
    unlink(w->path);
    rmdir(w->dir);
}

#endif
