#include "daemon/ctl/client.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANSWER_LIMIT_S = 30, LINE_MAX_BYTES = 16 * 1024 * 1024 };

struct client {
    int fd;
    struct buf in;
    size_t taken; /* of `in`: lines handed out already */
    int attached; /* a file for the next request; -1: none */
};

int client_open(const char *path, struct client **out)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path)
        return ERR_RANGE;
    memcpy(address.sun_path, path, length + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return ERR_IO;
    struct timeval limit = {.tv_sec = ANSWER_LIMIT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int saved = errno;
        close(fd);
        errno = saved;
        bool nobody = saved == ENOENT || saved == ENOTDIR || saved == ECONNREFUSED;
        return nobody ? ERR_NOT_FOUND : saved == EACCES || saved == EPERM ? ERR_DENIED : ERR_IO;
    }
    *out = mem_new(struct client);
    (*out)->fd = fd;
    (*out)->attached = -1;
    return ERR_OK;
}

static int failed(ssize_t n)
{
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return ERR_TIMEOUT;
    return n < 0 && errno != ECONNRESET && errno != EPIPE ? ERR_IO : ERR_CLOSED;
}

/* The first byte of a request goes with the file. */
static int send_attached(int fd, int file, const char *text)
{
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec byte = {(void *)(uintptr_t)text, 1};
    struct msghdr message = {.msg_iov = &byte,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof control.room};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &file, sizeof file);
    ssize_t n;
    do
        n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == 1 ? ERR_OK : failed(n);
}

static int send_all(int fd, const char *text, size_t length)
{
    while (length) {
        ssize_t n = send(fd, text, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return failed(n);
        text += n;
        length -= (size_t)n;
    }
    return ERR_OK;
}

/* The next line, valid until the next call; its end becomes a zero byte. With MSG_DONTWAIT in `flags`
 * ERR_TIMEOUT while there is none. */
static int read_line(struct client *k, int flags, char **line, size_t *length)
{
    size_t searched = k->taken;
    for (;;) {
        char *start = k->in.data + k->taken;
        char *end =
            k->in.length > searched ? memchr(k->in.data + searched, '\n', k->in.length - searched) : NULL;
        if (end) {
            *end = 0;
            *line = start;
            *length = (size_t)(end - start);
            k->taken += *length + 1;
            return ERR_OK;
        }
        if (k->taken) { /* what was handed out makes room */
            k->in.length -= k->taken;
            memmove(k->in.data, start, k->in.length);
            k->taken = 0;
        }
        searched = k->in.length;
        if (k->in.length > LINE_MAX_BYTES)
            return ERR_FORMAT;
        char some[65536];
        ssize_t n = recv(k->fd, some, sizeof some, flags);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed(n);
        buf_add(&k->in, some, (size_t)n);
    }
}

/* The daemon puts "ok" first. */
static bool looks_final(const char *text)
{
    static const char start[] = "{\"ok\":";
    return strncmp(text, start, sizeof start - 1) == 0;
}

/* `plain`: data lines are handed on as they are. */
static int read_answer(struct client *k, int flags, bool plain, client_line each, void *arg, json_t **final)
{
    bool wanted = each != NULL;
    for (;;) {
        char *text;
        size_t length;
        int rc = read_line(k, flags, &text, &length);
        if (rc != ERR_OK)
            return rc;
        if (plain && !looks_final(text)) {
            wanted = wanted && each(text, NULL, arg) == ERR_OK;
            continue;
        }
        json_t *data = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(data)) {
            json_decref(data);
            return ERR_FORMAT;
        }
        if (json_is_boolean(json_object_get(data, "ok"))) {
            *final = data;
            return ERR_OK;
        }
        wanted = wanted && each(text, data, arg) == ERR_OK;
        json_decref(data);
    }
}

static int add_to_buf(const char *text, size_t length, void *arg)
{
    buf_add(arg, text, length);
    return 0;
}

int client_send(struct client *k, json_t *request)
{
    struct buf text = {0};
    int rc = json_dump_callback(request, add_to_buf, &text, JSON_COMPACT) == 0 ? ERR_OK : ERR_FORMAT;
    buf_text(&text, "\n");
    size_t sent = k->attached >= 0;
    if (rc == ERR_OK && sent)
        rc = send_attached(k->fd, k->attached, text.data);
    k->attached = -1;
    if (rc == ERR_OK)
        rc = send_all(k->fd, text.data + sent, text.length - sent);
    buf_finish(&text);
    json_decref(request);
    return rc;
}

int client_take(struct client *k, client_line each, void *arg, json_t **final)
{
    return read_answer(k, MSG_DONTWAIT, false, each, arg, final);
}

static int ask(struct client *k, json_t *request, bool plain, client_line each, void *arg, json_t **final)
{
    int rc = client_send(k, request);
    /* a daemon that turned us away may have said why before it hung up */
    return rc == ERR_OK || rc == ERR_CLOSED ? read_answer(k, 0, plain, each, arg, final) : rc;
}

int client_ask(struct client *k, json_t *request, client_line each, void *arg, json_t **final)
{
    return ask(k, request, false, each, arg, final);
}

int client_ask_text(struct client *k, json_t *request, client_line each, void *arg, json_t **final)
{
    return ask(k, request, true, each, arg, final);
}

void client_attach(struct client *k, int fd)
{
    k->attached = fd;
}

int client_fd(const struct client *k)
{
    return k->fd;
}

void client_close(struct client *k)
{
    if (!k)
        return;
    close(k->fd);
    buf_finish(&k->in);
    mem_free(k);
}
