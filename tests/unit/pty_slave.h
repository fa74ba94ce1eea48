/* A scripted Modbus slave on a pseudo terminal, behind a symlink that stands for /dev/serial/by-id. Its
 * registers say where they are from: register a of unit u is 1000 u + a, coil a is a & 1. A test gives
 * `behave`, called in the slave's thread for each request. */
#ifndef PTY_SLAVE_H
#define PTY_SLAVE_H

#include "daemon/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct slave {
    int master, held, stop_fd; /* `held`: our own end of the terminal, so that it outlives its user */
    char dir[32], path[64];
    pthread_t thread;
    void (*behave)(struct slave *s, const uint8_t *request, int number);
    atomic_int requests, arg; /* `arg`: a test's knob, turned while the slave runs */
    atomic_llong shortest_us; /* between the end of an answer and the next request */
    atomic_llong answered_us;
};

static inline void slave_sleep_ms(int ms)
{
    clock_wire_sleep_until(clock_wire_us() + ms * 1000);
}

static inline void slave_write(struct slave *s, const uint8_t *bytes, int n)
{
    s->answered_us = clock_wire_us(); /* before: afterwards we might be late ourselves */
    if (n > 0 && write(s->master, bytes, (size_t)n) < 0) {
        /* unplugged */
    }
}

static inline int slave_seal(uint8_t *frame, int n)
{
    unsigned crc = 0xFFFF;
    for (int i = 0; i < n; i++) {
        crc ^= frame[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    frame[n] = (uint8_t)crc;
    frame[n + 1] = (uint8_t)(crc >> 8);
    return n + 2;
}

/* The right answer to a request; returns its length. */
static inline int slave_answer(const uint8_t *request, uint8_t *frame)
{
    int address = request[2] << 8 | request[3], count = request[4] << 8 | request[5];
    frame[0] = request[0];
    frame[1] = request[1];
    if (request[1] <= 2) {
        frame[2] = (uint8_t)((count + 7) / 8);
        memset(frame + 3, 0, frame[2]);
        for (int i = 0; i < count; i++)
            frame[3 + i / 8] |= (uint8_t)(((address + i) & 1) << i % 8);
    } else {
        frame[2] = (uint8_t)(2 * count);
        for (int i = 0; i < count; i++) {
            int value = 1000 * request[0] + address + i;
            frame[3 + 2 * i] = (uint8_t)(value >> 8);
            frame[4 + 2 * i] = (uint8_t)value;
        }
    }
    return slave_seal(frame, 3 + frame[2]);
}

static inline void slave_good(struct slave *s, const uint8_t *request, int number)
{
    uint8_t frame[260];
    (void)number;
    slave_write(s, frame, slave_answer(request, frame));
}

static inline void slave_exception(struct slave *s, const uint8_t *request, int code)
{
    uint8_t frame[5] = {request[0], (uint8_t)(request[1] | 0x80), (uint8_t)code};
    slave_write(s, frame, slave_seal(frame, 3));
}

static inline void slave_note_gap(struct slave *s)
{
    long long gap = clock_wire_us() - s->answered_us;
    if (s->answered_us && gap < atomic_load(&s->shortest_us))
        atomic_store(&s->shortest_us, gap);
}

/* Of a request that has begun so; functions 15 and 16 say it in their seventh byte. */
static inline size_t slave_request_bytes(const uint8_t *request, size_t have)
{
    bool many = have >= 2 && (request[1] == 15 || request[1] == 16);
    return !many ? 8 : have < 7 ? 9 : 9U + request[6];
}

static inline void *slave_run(void *arg)
{
    struct slave *s = arg;
    uint8_t request[80];
    size_t have = 0;
    for (;;) {
        struct pollfd p[] = {{.fd = s->stop_fd, .events = POLLIN}, {.fd = s->master, .events = POLLIN}};
        if (poll(p, 2, -1) < 0 || p[0].revents)
            return NULL;
        if (have == 0)
            slave_note_gap(s);
        size_t whole = slave_request_bytes(request, have);
        ssize_t n = read(s->master, request + have, whole - have);
        if (n < 0 && errno == EAGAIN)
            continue; /* the bus has flushed the line since */
        if (n <= 0)
            return NULL;
        have += (size_t)n;
        if (have < slave_request_bytes(request, have))
            continue;
        have = 0;
        s->behave(s, request, atomic_fetch_add(&s->requests, 1));
    }
}

static inline void slave_plug(struct slave *s)
{
    struct termios raw;
    char name[64];
    memset(&raw, 0, sizeof raw);
    cfmakeraw(&raw);
    if (openpty(&s->master, &s->held, name, &raw, NULL) != 0 || symlink(name, s->path) != 0)
        abort();
    fcntl(s->master, F_SETFL, O_NONBLOCK);
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (pthread_create(&s->thread, NULL, slave_run, s) != 0)
        abort();
}

static inline void slave_unplug(struct slave *s)
{
    uint64_t one = 1;
    if (write(s->stop_fd, &one, sizeof one) < 0)
        abort();
    pthread_join(s->thread, NULL);
    unlink(s->path);
    close(s->master);
    close(s->held);
    close(s->stop_fd);
}

static inline void slave_start(struct slave *s,
                               void (*behave)(struct slave *s, const uint8_t *request, int number))
{
    memset(s, 0, sizeof *s);
    s->behave = behave;
    s->shortest_us = INT64_MAX;
    strcpy(s->dir, "/tmp/dust-slave-XXXXXX");
    if (!mkdtemp(s->dir))
        abort();
    snprintf(s->path, sizeof s->path, "%s/port", s->dir);
    slave_plug(s);
}

static inline void slave_stop(struct slave *s)
{
    slave_unplug(s);
    rmdir(s->dir);
}

#endif
