/* A scripted Modbus TCP slave (or converter with RTU frames) on a free loopback port; one connection at a
 * time. Its registers are those of pty_slave.h. */
#ifndef TCP_SLAVE_H
#define TCP_SLAVE_H

#include "pty_slave.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct tcp_slave {
    int listener, connection, port;
    bool rtu; /* RTU frames instead of MBAP */
    pthread_t thread;
    void (*behave)(struct tcp_slave *s, const uint8_t *request, int number);
    atomic_int requests, connections;
};

/* The right answer to a request as it came; returns its length. */
static inline int tcp_slave_answer(const struct tcp_slave *s, const uint8_t *request, uint8_t *frame)
{
    if (s->rtu)
        return slave_answer(request, frame);
    int n = slave_answer(request + 6, frame + 6) - 2; /* without CRC */
    memcpy(frame, request, 4);
    frame[4] = 0;
    frame[5] = (uint8_t)n;
    return n + 6;
}

static inline void tcp_slave_write(struct tcp_slave *s, const uint8_t *bytes, int n)
{
    if (send(s->connection, bytes, (size_t)n, MSG_NOSIGNAL) < 0) {
        /* they have hung up */
    }
}

static inline void tcp_slave_good(struct tcp_slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    (void)number;
    tcp_slave_write(s, frame, tcp_slave_answer(s, request, frame));
}

static inline void *tcp_slave_run(void *arg)
{
    struct tcp_slave *s = arg;
    uint8_t request[12];
    size_t length = s->rtu ? 8 : 12;
    while ((s->connection = accept(s->listener, NULL, NULL)) >= 0) {
        atomic_fetch_add(&s->connections, 1);
        while (recv(s->connection, request, length, MSG_WAITALL) == (ssize_t)length)
            s->behave(s, request, atomic_fetch_add(&s->requests, 1));
        close(s->connection);
    }
    return NULL;
}

static inline void tcp_slave_start(struct tcp_slave *s, bool rtu,
                                   void (*behave)(struct tcp_slave *s, const uint8_t *request, int number))
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    memset(s, 0, sizeof *s);
    s->rtu = rtu;
    s->behave = behave;
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->listener, (struct sockaddr *)&at, length) != 0 || listen(s->listener, 4) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&at, &length) != 0 ||
        pthread_create(&s->thread, NULL, tcp_slave_run, s) != 0)
        abort();
    s->port = ntohs(at.sin_port);
}

/* After the other side has closed its connection. */
static inline void tcp_slave_stop(struct tcp_slave *s)
{
    shutdown(s->listener, SHUT_RDWR);
    pthread_join(s->thread, NULL);
    close(s->listener);
}

#endif
