#include "daemon/control.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
    uint64_t id; /* 0: the slot is free */
    int fd;
    uid_t uid;
    bool busy;     /* a request is with the handler; nothing is read meanwhile */
    bool skipping; /* the rest of a line that was too long */
    bool ended;    /* it will send no more, but may still read */
    size_t got;    /* bytes in `in` */
    char in[CONTROL_REQUEST_MAX];
    struct buf out;
    size_t sent; /* of `out` */
};

struct control {
    int epoll, listener;
    int spare; /* given up for a moment to turn a client away when descriptors have run out */
    char *path;
    dev_t device; /* identity of our socket file */
    ino_t inode;
    control_handler handler;
    void *arg;
    uint64_t last_id;
    struct client clients[CONTROL_CLIENTS_MAX];
};

/* ---- the socket file ---- */

static int listen_on(const struct sockaddr_un *address)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* the mode of the unbound socket becomes the file's: at no moment may others connect */
    if (fchmod(fd, 0660) == 0 && bind(fd, (const struct sockaddr *)address, sizeof *address) == 0) {
        if (chmod(address->sun_path, 0660) == 0 && listen(fd, CONTROL_CLIENTS_MAX) == 0)
            return fd;
        unlink(address->sun_path);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* Whether the file is a socket nobody listens on any more. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused =
        connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

static int open_socket(const char *path, int *fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path)
        return ERR_RANGE;
    memcpy(address.sun_path, path, length + 1);
    *fd = listen_on(&address);
    if (*fd < 0 && errno == EADDRINUSE) {
        if (!is_stale(&address))
            return ERR_STATE;
        log_info("control socket %s: left over from an earlier run, removed", path);
        unlink(path);
        *fd = listen_on(&address);
    }
    return *fd < 0 ? ERR_IO : ERR_OK;
}

int control_open(const char *path, control_handler handler, void *arg, struct control **out)
{
    int fd = -1;
    int rc = open_socket(path, &fd);
    if (rc != ERR_OK)
        return rc;
    struct control *c = mem_new(struct control);
    c->listener = fd;
    c->path = mem_string(path);
    c->handler = handler;
    c->arg = arg;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct stat st;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0};
    if (lstat(path, &st) == 0) {
        c->device = st.st_dev;
        c->inode = st.st_ino;
    }
    if (c->epoll < 0 || epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        control_close(c);
        return ERR_IO;
    }
    *out = c;
    return ERR_OK;
}

int control_fd(const struct control *c)
{
    return c->epoll;
}

/* ---- clients ---- */

/* The client of that id; id 0 finds a free slot. */
static struct client *find(struct control *c, uint64_t id)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (c->clients[i].id == id)
            return &c->clients[i];
    return NULL;
}

static void drop(struct client *k)
{
    close(k->fd); /* leaves the epoll set with it */
    buf_finish(&k->out);
    *k = (struct client){0};
}

static bool is_waiting(const struct client *k)
{
    return k->sent < k->out.length;
}

/* What we wait for: requests while none is open, room while an answer waits. A hang-up is always reported. */
static void watch(struct control *c, struct client *k, int operation)
{
    struct epoll_event event = {.data.u64 = k->id};
    if (!k->busy && !k->ended)
        event.events |= EPOLLIN;
    if (is_waiting(k))
        event.events |= EPOLLOUT;
    epoll_ctl(c->epoll, operation, k->fd, &event);
}

static void add_client(struct control *c, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    struct client *k = find(c, 0);
    static const char full[] = "{\"ok\":false,\"error\":\"too many clients\"}\n";
    if (!k || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        if (send(fd, full, sizeof full - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            log_debug("control socket: a client too many left before it was told");
        close(fd);
        return;
    }
    k->id = ++c->last_id;
    k->fd = fd;
    k->uid = peer.uid;
    watch(c, k, EPOLL_CTL_ADD);
}

/* Without this a client that cannot be accepted would keep the descriptor readable, and main spinning. */
static void turn_away(struct control *c)
{
    log_warning("control socket: no descriptor left for a client");
    close(c->spare);
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_all(struct control *c)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        int fd = accept4(c->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            add_client(c, fd);
        else if (errno == EMFILE || errno == ENFILE)
            turn_away(c);
        else if (errno != EINTR && errno != ECONNABORTED)
            return;
    }
}

/* ---- answers ---- */

static int add_to_buf(const char *text, size_t length, void *arg)
{
    buf_add(arg, text, length);
    return 0;
}

/* Ends a line in `out`; a client that does not read is dropped. */
static void end_line(struct control *c, struct client *k)
{
    buf_text(&k->out, "\n");
    if (k->out.length - k->sent > CONTROL_WAITING_MAX) {
        log_warning("control socket: dropped a client of uid %u that does not read its answer",
                    (unsigned)k->uid);
        drop(k);
        return;
    }
    watch(c, k, EPOLL_CTL_MOD);
}

void control_line(struct control *c, uint64_t client, const char *json_line)
{
    struct client *k = client ? find(c, client) : NULL;
    if (!k || !k->busy)
        return;
    buf_text(&k->out, json_line);
    end_line(c, k);
}

void control_finish(struct control *c, uint64_t client, json_t *final)
{
    struct client *k = client ? find(c, client) : NULL;
    if (k && k->busy) {
        k->busy = false;
        json_dump_callback(final, add_to_buf, &k->out, JSON_COMPACT);
        end_line(c, k);
    }
    json_decref(final);
}

static void refuse(struct control *c, struct client *k, const char *why)
{
    json_t *final = json_pack("{s:b, s:s}", "ok", 0, "error", why);
    k->busy = true;
    control_finish(c, k->id, final);
}

/* ---- requests ---- */

static void handle(struct control *c, struct client *k, json_t *request, const json_error_t *error)
{
    char why[256];
    if (!request) {
        snprintf(why, sizeof why, "the request is not JSON: %s (column %d)", error->text, error->column);
        refuse(c, k, why);
    } else if (!json_is_string(json_object_get(request, "do"))) {
        refuse(c, k, "the request is not a JSON object with a text \"do\"");
    } else {
        k->busy = true;
        watch(c, k, EPOLL_CTL_MOD);
        c->handler(k->id, k->uid, request, c->arg);
    }
}

/* Hands over the first whole line that waits, if no request is open. Further lines wait for the next step:
 * each answer makes the descriptor writable, so there is one. */
static void serve(struct control *c, struct client *k)
{
    char *end = k->busy ? NULL : memchr(k->in, '\n', k->got);
    if (!end) {
        if (!k->busy && k->got == sizeof k->in) {
            k->skipping = true;
            k->got = 0;
        }
        return;
    }
    json_error_t error;
    size_t length = (size_t)(end - k->in);
    bool skipped = k->skipping;
    json_t *request = skipped ? NULL : json_loadb(k->in, length, JSON_REJECT_DUPLICATES, &error);
    k->skipping = false;
    k->got -= length + 1;
    memmove(k->in, end + 1, k->got);
    if (skipped)
        refuse(c, k, "the request is longer than 16384 bytes");
    else
        handle(c, k, request, &error);
    json_decref(request);
}

/* There is room: what was read before has lost a line, or all of one that was too long. False when the client
 * has gone. */
static bool receive(struct control *c, struct client *k)
{
    ssize_t n = recv(k->fd, k->in + k->got, sizeof k->in - k->got, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    k->ended = n == 0;
    k->got += (size_t)n;
    if (k->ended)
        watch(c, k, EPOLL_CTL_MOD);
    return true;
}

/* A long answer to a slow reader must not keep what has been sent already. */
static void forget_sent(struct client *k)
{
    if (k->sent < k->out.length / 2)
        return;
    k->out.length -= k->sent;
    memmove(k->out.data, k->out.data + k->sent, k->out.length);
    k->sent = 0;
}

/* False when the client has gone. */
static bool transmit(struct control *c, struct client *k)
{
    while (is_waiting(k)) {
        ssize_t n = send(k->fd, k->out.data + k->sent, k->out.length - k->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            bool here = errno == EAGAIN || errno == EINTR;
            forget_sent(k);
            return here;
        }
        k->sent += (size_t)n;
    }
    buf_finish(&k->out); /* an export's megabytes are not kept for the next status */
    k->sent = 0;
    watch(c, k, EPOLL_CTL_MOD);
    return true;
}

static void step_client(struct control *c, uint64_t id, uint32_t events)
{
    struct client *k = find(c, id);
    if (!k)
        return;
    bool here = !(events & (EPOLLHUP | EPOLLERR));
    if (here && (events & EPOLLIN) && !k->busy)
        here = receive(c, k);
    if (here && (events & EPOLLOUT))
        here = transmit(c, k);
    if (!here) {
        drop(k);
        return;
    }
    serve(c, k);
    k = find(c, id); /* the handler may have made us drop it */
    if (k && k->ended && !k->busy && !is_waiting(k))
        drop(k);
}

void control_step(struct control *c)
{
    struct epoll_event events[CONTROL_CLIENTS_MAX + 1];
    int n = epoll_wait(c->epoll, events, CONTROL_CLIENTS_MAX + 1, 0);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u64 == 0)
            accept_all(c);
        else
            step_client(c, events[i].data.u64, events[i].events);
    }
}

void control_close(struct control *c)
{
    if (!c)
        return;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (c->clients[i].id)
            drop(&c->clients[i]);
    struct stat st;
    if (lstat(c->path, &st) == 0 && st.st_dev == c->device && st.st_ino == c->inode)
        unlink(c->path);
    close(c->listener);
    if (c->epoll >= 0)
        close(c->epoll);
    if (c->spare >= 0)
        close(c->spare);
    mem_free(c->path);
    mem_free(c);
}
