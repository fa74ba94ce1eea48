#include "daemon/base/notify.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/scalar.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum {
    SEND_US = 100000, /* longest main waits for a manager that reads nothing */
    FEEDS = 4,        /* in the time the manager waits for one */
};

static int address(struct notify *n, const char *name)
{
    size_t length = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof n->to.sun_path)
        return ERR_FORMAT;
    n->to = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(n->to.sun_path, name, length);
    if (name[0] == '@')
        n->to.sun_path[0] = '\0'; /* an abstract name: its length counts, no zero ends it */
    n->to_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + (name[0] == '/'));
    return ERR_OK;
}

/* The manager's patience with this process; its variables may have been inherited from another one. */
static int64_t patience_us(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    int64_t us = 0, of = 0;
    if (!usec || scalar_int(usec, &us) != ERR_OK || us < 1)
        return 0;
    if (pid && (scalar_int(pid, &of) != ERR_OK || of != getpid()))
        return 0;
    return us;
}

int notify_open(struct notify *n)
{
    *n = (struct notify){.fd = -1};
    const char *name = getenv("NOTIFY_SOCKET");
    if (!name || !name[0])
        return ERR_OK;
    int rc = address(n, name);
    if (rc != ERR_OK) {
        log_warning("NOTIFY_SOCKET %s: no path and no @name that can be used: the manager is told nothing",
                    name);
        return rc;
    }
    n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (n->fd < 0) {
        log_warning("NOTIFY_SOCKET %s: %s: the manager is told nothing", name, strerror(errno));
        return ERR_IO;
    }
    struct timeval wait = {.tv_usec = SEND_US};
    setsockopt(n->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    n->watchdog_us = patience_us();
    return ERR_OK;
}

void notify_close(struct notify *n)
{
    if (n->fd >= 0)
        close(n->fd);
    n->fd = -1;
}

static bool tell(struct notify *n, const char *text)
{
    if (n->fd < 0)
        return false;
    ssize_t sent =
        sendto(n->fd, text, strlen(text), MSG_NOSIGNAL, (const struct sockaddr *)&n->to, n->to_length);
    if (sent < 0 && !n->said_failure)
        log_warning("the service manager cannot be told: %s", strerror(errno));
    n->said_failure = sent < 0;
    return sent >= 0;
}

void notify_ready(struct notify *n)
{
    tell(n, "READY=1");
}

void notify_reloading(struct notify *n, int64_t now_us)
{
    char text[64];
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)now_us);
    tell(n, text);
}

void notify_stopping(struct notify *n)
{
    tell(n, "STOPPING=1");
}

void notify_status(struct notify *n, const char *format, ...)
{
    char text[sizeof "STATUS=" + NOTIFY_STATUS_MAX] = "STATUS=";
    char *status = text + strlen(text);
    va_list ap;
    va_start(ap, format);
    vsnprintf(status, NOTIFY_STATUS_MAX, format, ap);
    va_end(ap);
    if (strcmp(status, n->status) != 0 && tell(n, text))
        memcpy(n->status, status, NOTIFY_STATUS_MAX);
}

bool notify_feed(struct notify *n, int64_t now_us)
{
    if (n->watchdog_us == 0 || now_us < n->next_feed_us)
        return false;
    n->next_feed_us = now_us + n->watchdog_us / FEEDS;
    return tell(n, "WATCHDOG=1");
}

bool notify_moves(struct notify_pulse *p, uint64_t count, int64_t due_us, int64_t now_us)
{
    if (p->moved_us == 0 || p->count != count)
        *p = (struct notify_pulse){.count = count, .moved_us = now_us};
    return now_us - p->moved_us <= due_us;
}
