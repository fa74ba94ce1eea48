#include "drivers/port.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/wait.h"
#include "drivers/device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

enum { PTY_MAJOR_FIRST = 136, PTY_MAJOR_LAST = 143, KEEPALIVE_TRIES = 3 };

static int refuse(int fd, int error)
{
    if (fd >= 0)
        close(fd);
    errno = error;
    return ERR_IO;
}

int port_lock(const char *path)
{
    int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    return flock(fd, LOCK_EX | LOCK_NB) == 0 ? fd : refuse(fd, errno);
}

void port_claim(int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return;
    unsigned kind = major(st.st_rdev);
    if (kind < PTY_MAJOR_FIRST || kind > PTY_MAJOR_LAST)
        ioctl(fd, TIOCEXCL);
}

void port_release(int fd)
{
    ioctl(fd, TIOCNXCL);
}

int port_rs485(int fd)
{
    struct serial_rs485 mode = {.flags = SER_RS485_ENABLED | SER_RS485_RTS_ON_SEND};
    if (ioctl(fd, TIOCSRS485, &mode) == 0)
        return ERR_OK;
    errno = errno == ENOTTY || errno == ENOSYS ? EOPNOTSUPP : errno;
    return ERR_IO;
}

bool port_speed_known(int baud)
{
    static const int speeds[] = {300,   600,   1200,   2400,   4800,   9600,   19200,
                                 38400, 57600, 115200, 230400, 460800, 921600, 1000000};
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++)
        if (speeds[i] == baud)
            return true;
    return false;
}

int port_wait(int fd, short events, int stop_fd, int64_t until_us)
{
    for (;;) {
        struct pollfd p[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = fd, .events = events}};
        int n = wait_us(p, 2, until_us - clock_wire_us());
        if (n < 0 && errno == EINTR)
            continue;
        if (p[0].revents)
            return ERR_STATE;
        return n > 0 ? ERR_OK : ERR_TIMEOUT;
    }
}

static socklen_t numeric_address(const char *host, int port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return sizeof *v4;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        return sizeof *v6;
    }
    return 0;
}

/* A peer that is gone without a word is noticed, also while nobody asks it. */
static void limit(int fd, const struct bus_config *c)
{
    int on = 1, every_s = c->keepalive_s > 1 ? c->keepalive_s / 2 : 1, tries = KEEPALIVE_TRIES;
    unsigned unanswered_ms = (unsigned)c->half_open_ms;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unanswered_ms, sizeof unanswered_ms);
    if (!c->keepalive_s)
        return;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &c->keepalive_s, sizeof c->keepalive_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof every_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
}

int port_connect(const struct bus_config *config, int stop_fd)
{
    struct sockaddr_storage to;
    socklen_t length = numeric_address(config->host, config->port, &to);
    if (!length)
        return refuse(-1, EINVAL);
    int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    if (fd >= PORT_FD_END)
        return refuse(fd, EMFILE);
    limit(fd, config);
    if (connect(fd, (struct sockaddr *)&to, length) == 0)
        return fd;
    if (errno != EINPROGRESS)
        return refuse(fd, errno);
    int rc = port_wait(fd, POLLOUT, stop_fd,
                       config->connect_ms ? clock_wire_us() + config->connect_ms * 1000LL : INT64_MAX);
    if (rc != ERR_OK)
        return refuse(fd, rc == ERR_STATE ? ECANCELED : ETIMEDOUT);
    int error = 0;
    length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0 || error)
        return refuse(fd, error ? error : errno);
    return fd;
}
