#include "daemon/control.h"
#include "daemon/control_client.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/loop.h"
#include "daemon/base/mem.h"
#include "daemon/listener.h"
#include "daemon/rate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Who is not accepted, or turned away, faster than this waits in the listener's queue. */
static const struct rate connects = {.per_s = 100, .burst = 200};

enum { MALFORMED_PAUSE_US = 50 * 1000 }; /* what is no request costs its sender this long */

struct control {
    int epoll, timer;
    int spare; /* given up for a moment to turn a client away when descriptors have run out */
    bool starved;
    struct listener listener;
    struct bucket accepted;
    bool crowded; /* the listener rests until its bucket has something */
    control_handler handler;
    void *arg;
    int64_t now_us;
    uint64_t last_id;
    struct client clients[CONTROL_CLIENTS_MAX];
};

/* What epoll reports beside the clients' ids. */
#define EVENT_LISTENER 0
#define EVENT_TIMER    UINT64_MAX

/* ---- start ---- */

static int add_event(struct control *c, int fd, uint64_t id)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = id};
    return fd < 0 ? -1 : epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event);
}

int control_open(const char *path, control_handler handler, void *arg, struct control **out)
{
    struct listener listener;
    int rc = listener_open(&listener, path, CONTROL_CLIENTS_MAX);
    if (rc != ERR_OK)
        return rc;
    struct control *c = mem_pages(1, sizeof *c);
    c->listener = listener;
    c->handler = handler;
    c->arg = arg;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->timer = loop_timer();
    c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (c->epoll < 0 || add_event(c, listener.fd, EVENT_LISTENER) != 0 ||
        add_event(c, c->timer, EVENT_TIMER) != 0) {
        control_close(c);
        return ERR_IO;
    }
    *out = c;
    return ERR_OK;
}

int control_give(struct control *c, const char *name)
{
    return listener_give(&c->listener, name);
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

/* What we wait for: requests while none is open and it is not paused, room while an answer waits. A hang-up
 * is always reported. */
static void watch(struct control *c, struct client *k, int operation)
{
    struct epoll_event event = {.data.u64 = k->id};
    if (!k->busy && !k->ended && !k->paused_us)
        event.events |= EPOLLIN;
    if (client_waits(k))
        event.events |= EPOLLOUT;
    epoll_ctl(c->epoll, operation, k->fd, &event);
}

/* Why no client of `uid` is let in now; NULL: it is. */
static const char *no_room(struct control *c, uid_t uid)
{
    int same = 0;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        same += c->clients[i].id && c->clients[i].uid == uid;
    if (!find(c, 0))
        return "{\"ok\":false,\"error\":\"too many clients\"}\n";
    return same < CONTROL_CLIENTS_OF_USER ? NULL
                                          : "{\"ok\":false,\"error\":\"too many clients of your user\"}\n";
}

static void add_client(struct control *c, int fd, uid_t uid)
{
    const char *full = no_room(c, uid);
    if (full) {
        if (send(fd, full, strlen(full), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            log_debug("control socket: a client too many left before it was told");
        close(fd);
        return;
    }
    struct client *k = find(c, 0);
    k->id = ++c->last_id;
    k->fd = fd;
    k->file = -1;
    k->uid = uid;
    k->since_us = c->now_us;
    watch(c, k, EPOLL_CTL_ADD);
}

/* Without this a client that cannot be accepted would keep the descriptor readable, and main spinning. */
static void turn_away(struct control *c)
{
    if (!c->starved)
        log_warning("control socket: no descriptor left for a client");
    c->starved = true;
    close(c->spare);
    int fd = accept4(c->listener.fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    c->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void welcome(struct control *c, int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    c->starved = false;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0)
        add_client(c, fd, peer.uid);
    else
        close(fd);
}

/* A crowd at the door waits there: while the listener rests, it costs nothing. */
static void rest_listener(struct control *c, bool rest)
{
    struct epoll_event event = {.events = rest ? 0 : EPOLLIN, .data.u64 = EVENT_LISTENER};
    c->crowded = rest;
    epoll_ctl(c->epoll, EPOLL_CTL_MOD, c->listener.fd, &event);
}

static void accept_all(struct control *c)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (bucket_wait_us(&c->accepted, connects, c->now_us)) {
            rest_listener(c, true);
            return;
        }
        int fd = accept4(c->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0 || errno != EAGAIN)
            bucket_take(&c->accepted, connects, c->now_us);
        if (fd >= 0)
            welcome(c, fd);
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
        client_drop(k);
        return;
    }
    watch(c, k, EPOLL_CTL_MOD);
}

bool control_has(const struct control *c, uint64_t client)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (client && c->clients[i].id == client)
            return true;
    return false;
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
        if (k->file >= 0) /* nobody wanted it */
            close(k->file);
        k->file = -1;
        k->since_us = c->now_us;
        json_dump_callback(final, add_to_buf, &k->out, JSON_COMPACT);
        end_line(c, k);
    }
    json_decref(final);
}

int control_take_file(struct control *c, uint64_t client)
{
    struct client *k = client ? find(c, client) : NULL;
    int file = k ? k->file : -1;
    if (k)
        k->file = -1;
    return file;
}

void control_pause(struct control *c, uint64_t client, int64_t for_us)
{
    struct client *k = client ? find(c, client) : NULL;
    if (!k)
        return;
    k->paused_us = c->now_us + (for_us > 0 ? for_us : 1);
    watch(c, k, EPOLL_CTL_MOD);
}

static void refuse(struct control *c, struct client *k, const char *why)
{
    json_t *final = json_pack("{s:b, s:s}", "ok", 0, "error", why);
    k->busy = true;
    control_pause(c, k->id, MALFORMED_PAUSE_US);
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

/* Hands over the first whole line that waits, if no request is open and the client is not paused. Further
 * lines wait for the next step: each answer makes the descriptor writable, so there is one. */
static void serve(struct control *c, struct client *k)
{
    bool ready = !k->busy && !k->paused_us;
    char *end = ready ? memchr(k->in, '\n', k->got) : NULL;
    if (!end) {
        if (ready && k->got == sizeof k->in) {
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

static void step_client(struct control *c, uint64_t id, uint32_t events)
{
    struct client *k = find(c, id);
    if (!k)
        return;
    bool here = !(events & (EPOLLHUP | EPOLLERR));
    if (here && (events & EPOLLIN) && !k->busy && !k->paused_us)
        here = client_receive(k, c->now_us);
    if (here && (events & EPOLLOUT))
        here = client_transmit(k, c->now_us);
    if (here && (k->ended || (events & EPOLLOUT && !client_waits(k))))
        watch(c, k, EPOLL_CTL_MOD);
    if (!here) {
        client_drop(k);
        return;
    }
    serve(c, k);
    k = find(c, id); /* the handler may have made us drop it */
    if (k && k->ended && !k->busy && !k->paused_us && !client_waits(k))
        client_drop(k);
}

/* What time alone has brought: pauses that are over, clients that have been silent for too long. */
static void step_time(struct control *c)
{
    if (c->crowded && !bucket_wait_us(&c->accepted, connects, c->now_us))
        rest_listener(c, false);
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct client *k = &c->clients[i];
        if (k->id && k->paused_us && k->paused_us <= c->now_us) {
            k->paused_us = 0;
            k->since_us = c->now_us;
            watch(c, k, EPOLL_CTL_MOD);
            step_client(c, k->id, 0);
        }
        if (k->id && client_deadline_us(k) <= c->now_us) {
            log_debug("control socket: dropped a client of uid %u that was silent for too long",
                      (unsigned)k->uid);
            client_drop(k);
        }
    }
}

/* Goes off when step_time has something to do. */
static void set_timer(struct control *c)
{
    int64_t next_us = INT64_MAX;
    if (c->crowded)
        next_us = c->now_us + bucket_wait_us(&c->accepted, connects, c->now_us);
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const struct client *k = &c->clients[i];
        int64_t at_us = !k->id ? INT64_MAX : k->paused_us ? k->paused_us : client_deadline_us(k);
        next_us = at_us < next_us ? at_us : next_us;
    }
    if (next_us != INT64_MAX)
        loop_timer_set(c->timer, next_us - c->now_us);
}

void control_step(struct control *c, int64_t wire_us)
{
    struct epoll_event events[CONTROL_CLIENTS_MAX + 2];
    int n = epoll_wait(c->epoll, events, CONTROL_CLIENTS_MAX + 2, 0);
    c->now_us = wire_us;
    for (int i = 0; i < n; i++) {
        uint64_t id = events[i].data.u64;
        if (id == EVENT_LISTENER)
            accept_all(c);
        else if (id == EVENT_TIMER)
            loop_timer_woken(c->timer);
        else
            step_client(c, id, events[i].events);
    }
    step_time(c);
    set_timer(c);
}

void control_close(struct control *c)
{
    if (!c)
        return;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        if (c->clients[i].id)
            client_drop(&c->clients[i]);
    listener_close(&c->listener);
    const int fds[] = {c->epoll, c->timer, c->spare};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    mem_pages_free(c, 1, sizeof *c);
}
