#include "daemon/control_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILES_MAX = 4 }; /* that are taken out of a message, to be closed where one is allowed */

void client_drop(struct client *k)
{
    close(k->fd); /* leaves the epoll set with it */
    if (k->file >= 0)
        close(k->file);
    buf_finish(&k->out);
    *k = (struct client){0};
}

bool client_waits(const struct client *k)
{
    return k->sent < k->out.length;
}

/* Keeps the one file that came; of several none. */
static void keep_file(struct client *k, struct msghdr *message)
{
    for (struct cmsghdr *h = CMSG_FIRSTHDR(message); h; h = CMSG_NXTHDR(message, h)) {
        int files[FILES_MAX];
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(files, CMSG_DATA(h), n * sizeof(int));
        bool one = n == 1 && k->file < 0 && !(message->msg_flags & MSG_CTRUNC);
        for (size_t i = 0; i < n && !one; i++)
            close(files[i]);
        if (one)
            k->file = files[0];
    }
}

static ssize_t receive_with_file(struct client *k)
{
    union {
        char room[CMSG_SPACE(FILES_MAX * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec into = {k->in + k->got, sizeof k->in - k->got};
    struct msghdr message = {.msg_iov = &into,
                             .msg_iovlen = 1,
                             .msg_control = control.room,
                             .msg_controllen = sizeof control.room};
    ssize_t n = recvmsg(k->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n >= 0)
        keep_file(k, &message);
    return n;
}

bool client_receive(struct client *k, int64_t now_us)
{
    ssize_t n = receive_with_file(k);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR;
    k->ended = n == 0;
    if (!k->got && !k->skipping)
        k->since_us = now_us;
    k->got += (size_t)n;
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

bool client_transmit(struct client *k, int64_t now_us)
{
    while (client_waits(k)) {
        ssize_t n = send(k->fd, k->out.data + k->sent, k->out.length - k->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) {
            bool here = errno == EAGAIN || errno == EINTR;
            forget_sent(k);
            return here;
        }
        k->sent += (size_t)n;
        k->since_us = now_us;
    }
    buf_finish(&k->out); /* an export's megabytes are not kept for the next status */
    k->sent = 0;
    return true;
}

int64_t client_deadline_us(const struct client *k)
{
    if (k->busy || k->paused_us)
        return INT64_MAX;
    bool half = (k->got || k->skipping) && !client_waits(k);
    return k->since_us + (half ? CONTROL_LINE_S : CONTROL_IDLE_S) * (int64_t)1000000;
}
