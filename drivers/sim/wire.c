#include "drivers/sim/wire.h"

#include "daemon/base/err.h"
#include "drivers/sim/site.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

static const struct {
    int baud;
    speed_t code;
} speeds[] = {
    {300, B300},       {600, B600},       {1200, B1200},     {2400, B2400},   {4800, B4800},
    {9600, B9600},     {19200, B19200},   {38400, B38400},   {57600, B57600}, {115200, B115200},
    {230400, B230400}, {460800, B460800}, {921600, B921600},
};

/* B0 for a speed the terminals have no code for. */
static speed_t speed_code(int baud)
{
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++)
        if (speeds[i].baud == baud)
            return speeds[i].code;
    return B0;
}

void wire_init(struct wire *w, const struct bus_setup *setup, const char *dir)
{
    *w = (struct wire){.setup = setup, .port = setup->port, .listener = -1, .hold = -1};
    for (int i = 0; i < WIRE_PEERS_MAX; i++)
        w->peers[i].fd = -1;
    if (setup->transport == TRANSPORT_RTU)
        snprintf(w->link, sizeof w->link, "%s%s%s", *setup->link == '/' ? "" : dir,
                 *setup->link == '/' ? "" : "/", setup->link);
}

static void add_peer(struct wire *w, struct wire_peer *peer, int fd)
{
    peer->fd = fd;
    peer->have = 0;
    peer->number = ++w->number;
}

/* --- terminal --- */

static bool leads_to_us(const struct wire *w)
{
    char target[sizeof w->place];
    ssize_t n = readlink(w->link, target, sizeof target - 1);
    return n > 0 && (size_t)n == strlen(w->place) && memcmp(target, w->place, (size_t)n) == 0;
}

static int set_link(const struct wire *w)
{
    char fresh[sizeof w->link + 8];
    struct stat old;
    if (lstat(w->link, &old) == 0 && !S_ISLNK(old.st_mode)) {
        errno = EEXIST;
        return ERR_IO;
    }
    snprintf(fresh, sizeof fresh, "%s.new", w->link);
    unlink(fresh);
    return symlink(w->place, fresh) == 0 && rename(fresh, w->link) == 0 ? ERR_OK : ERR_IO;
}

static int open_terminal(struct wire *w)
{
    int master;
    struct termios raw = {0};
    cfmakeraw(&raw);
    raw.c_cflag |= CREAD | CLOCAL;
    if (speed_code(w->setup->baud) != B0)
        cfsetspeed(&raw, speed_code(w->setup->baud));
    if (openpty(&master, &w->hold, NULL, &raw, NULL) != 0)
        return ERR_IO;
    fcntl(master, F_SETFL, O_NONBLOCK);
    fcntl(master, F_SETFD, FD_CLOEXEC);
    fcntl(w->hold, F_SETFD, FD_CLOEXEC);
    add_peer(w, &w->peers[0], master);
    errno = ptsname_r(master, w->place, sizeof w->place);
    return errno ? ERR_IO : set_link(w);
}

bool wire_speed_fits(const struct wire *w)
{
    struct termios t;
    speed_t code = speed_code(w->setup->baud);
    if (w->setup->transport != TRANSPORT_RTU || code == B0 || tcgetattr(w->peers[0].fd, &t) != 0)
        return true;
    return cfgetospeed(&t) == code;
}

/* --- TCP --- */

static int open_port(struct wire *w)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)w->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int on = 1;
    w->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (w->listener < 0)
        return ERR_IO;
    setsockopt(w->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(w->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(w->listener, WIRE_PEERS_MAX) != 0 ||
        getsockname(w->listener, (struct sockaddr *)&at, &length) != 0)
        return ERR_IO;
    w->port = ntohs(at.sin_port);
    snprintf(w->place, sizeof w->place, "127.0.0.1:%d", w->port);
    return ERR_OK;
}

void wire_accept(struct wire *w)
{
    int on = 1, fd = accept4(w->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (int i = 0; i < WIRE_PEERS_MAX; i++) {
        if (w->peers[i].fd < 0) {
            add_peer(w, &w->peers[i], fd);
            return;
        }
    }
    close(fd);
}

/* --- both --- */

int wire_open(struct wire *w)
{
    int rc = w->setup->transport == TRANSPORT_RTU ? open_terminal(w) : open_port(w);
    if (rc != ERR_OK) {
        int error = errno;
        wire_close(w);
        errno = error;
    }
    return rc;
}

bool wire_is_open(const struct wire *w)
{
    return w->listener >= 0 || w->hold >= 0;
}

void wire_close(struct wire *w)
{
    if (w->hold >= 0 && leads_to_us(w))
        unlink(w->link);
    for (int i = 0; i < WIRE_PEERS_MAX; i++)
        wire_drop(&w->peers[i]);
    if (w->hold >= 0)
        close(w->hold);
    if (w->listener >= 0)
        close(w->listener);
    w->hold = w->listener = -1;
}

void wire_take(struct wire *w, struct wire_peer *peer, int64_t now_us)
{
    ssize_t n = read(peer->fd, peer->bytes + peer->have, sizeof peer->bytes - peer->have);
    if (n > 0) {
        if (peer->have == 0)
            peer->first_us = now_us;
        peer->last_us = now_us;
        peer->have += (size_t)n;
    } else if (w->setup->transport != TRANSPORT_RTU && (n == 0 || errno != EAGAIN))
        wire_drop(peer);
}

bool wire_send(struct wire_peer *peer, const uint8_t *bytes, size_t length)
{
    return peer->fd >= 0 && write(peer->fd, bytes, length) == (ssize_t)length;
}

void wire_drop(struct wire_peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
    peer->have = 0;
}
