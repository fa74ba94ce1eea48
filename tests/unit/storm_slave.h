/* A bus of bad units on a pseudo terminal. Every register of an answer says where it is from and when: four
 * registers make a cell {unit, address of the cell, number of the request, high and low}. Each request is
 * numbered, also one that is lost on its way; so whoever reads a cell can tell whether it answers what was
 * asked last. Faults are drawn by weight from a seeded generator; an answer that is late comes when it is due
 * and overtakes nothing or everything. */
#ifndef STORM_SLAVE_H
#define STORM_SLAVE_H

#include "pty_slave.h"

enum storm_fault {
    STORM_NONE,
    STORM_LATE,      /* by up to `late_ms` */
    STORM_LOST,      /* the request never arrives */
    STORM_CRC,       /* a broken check sum */
    STORM_NOISE,     /* one to three bytes of the answer are others */
    STORM_TRUNCATED, /* at any byte */
    STORM_DOUBLED,   /* the answer comes twice */
    STORM_ECHO,      /* the request is heard back, then comes the answer */
    STORM_FOREIGN,   /* another unit answers instead */
    STORM_PRECEDED,  /* another unit's answer comes first, then ours */
    STORM_DRIP,      /* a byte every 6 ms */
    STORM_PREFIX,    /* one to twelve bytes of noise, then the answer */
    STORM_SUFFIX,    /* the same, after it */
    STORM_EXCEPTION, /* server device busy */
    STORM_TWO,       /* two units at once: the bytes collide */
    STORM_OVERHEARD, /* another master asks this unit for other registers, as many, and gets them */
    STORM__COUNT
};

enum {
    STORM_DELAY_MS = 10, /* that a busy machine may add to what is late; more, and the answer is lost */
    STORM_WAITING = 64,
    STORM_FOREIGN_UNIT = 99,
    STORM_CELL = 4
};

struct storm_frame {
    int64_t due_us, last_us; /* 0: free; from last_us on it is too late and is not sent */
    int length;
    uint8_t bytes[300];
};

struct storm {
    struct slave slave; /* its terminal; its thread is ours */
    uint64_t random;
    int weight[STORM__COUNT], late_ms;
    bool refuse_beyond; /* what lies beyond the cells of a block is exception 2 */
    int end[4];         /* of the blocks: first address behind each */
    atomic_int asked;
    atomic_int injected[STORM__COUNT];
    struct storm_frame waiting[STORM_WAITING];
};

static inline unsigned storm_draw(struct storm *s, unsigned below)
{
    s->random = s->random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((s->random >> 33) % below);
}

static inline enum storm_fault storm_fault(struct storm *s)
{
    int sum = 0;
    for (int i = 0; i < STORM__COUNT; i++)
        sum += s->weight[i];
    int at = (int)storm_draw(s, (unsigned)sum);
    for (int i = 0; i < STORM__COUNT; i++)
        if ((at -= s->weight[i]) < 0)
            return (enum storm_fault)i;
    return STORM_NONE;
}

static inline int storm_answer(int unit, int address, int count, int number, uint8_t *frame)
{
    frame[0] = (uint8_t)unit;
    frame[1] = 3;
    frame[2] = (uint8_t)(2 * count);
    for (int i = 0; i < count; i++) {
        int cell = (address + i) / STORM_CELL * STORM_CELL;
        int words[STORM_CELL] = {unit, cell, number >> 16, number & 0xFFFF};
        int value = words[(address + i) % STORM_CELL];
        frame[3 + 2 * i] = (uint8_t)(value >> 8);
        frame[4 + 2 * i] = (uint8_t)value;
    }
    return slave_seal(frame, 3 + frame[2]);
}

static inline void storm_send(struct storm *s, const uint8_t *bytes, int length, int64_t due_us)
{
    for (int i = 0; i < STORM_WAITING; i++) {
        if (s->waiting[i].due_us)
            continue;
        s->waiting[i].due_us = due_us;
        s->waiting[i].last_us = clock_wire_us() + 1000 * (int64_t)(s->late_ms + STORM_DELAY_MS);
        s->waiting[i].length = length;
        memcpy(s->waiting[i].bytes, bytes, (size_t)length);
        return;
    }
    abort();
}

static inline void storm_noise(struct storm *s, uint8_t *bytes, int n)
{
    for (int i = 0; i < n; i++)
        bytes[i] = (uint8_t)storm_draw(s, 256);
}

static inline bool storm_refuses(const struct storm *s, int address, int count)
{
    for (int i = 0; s->refuse_beyond && i < 4; i++)
        if (address < s->end[i] && address + count > s->end[i])
            return true;
    return false;
}

static inline int storm_overheard(const uint8_t *request, int number, uint8_t *frame)
{
    int address = (request[2] << 8 | request[3]) + 40 * STORM_CELL, count = request[4] << 8 | request[5];
    memcpy(frame, request, 2);
    frame[2] = (uint8_t)(address >> 8);
    frame[3] = (uint8_t)address;
    memcpy(frame + 4, request + 4, 2);
    int n = slave_seal(frame, 6);
    return n + storm_answer(request[0], address, count, number, frame + n);
}

static inline void storm_drip(struct storm *s, const uint8_t *frame, int n, int64_t now)
{
    for (int i = 0; i < n && i < 12; i++)
        storm_send(s, frame + i, i == 11 ? n - 11 : 1, now + i * 6000);
}

/* The frame as the fault makes it, into `out`; returns its length. */
static inline int storm_spoil(struct storm *s, enum storm_fault fault, const uint8_t *request,
                              const uint8_t *frame, int n, uint8_t *out)
{
    int number = atomic_load(&s->asked), extra = 1 + (int)storm_draw(s, 12);
    memcpy(out, frame, (size_t)n);
    switch ((int)fault) {
    case STORM_CRC: out[n - 1] ^= 0x5A; return n;
    case STORM_NOISE:
        for (int i = 0; i <= extra % 3; i++)
            out[storm_draw(s, (unsigned)n)] ^= (uint8_t)(1 + storm_draw(s, 255));
        return n;
    case STORM_TRUNCATED: return 1 + (int)storm_draw(s, (unsigned)n - 1);
    case STORM_DOUBLED: memcpy(out + n, frame, (size_t)n); return 2 * n;
    case STORM_ECHO:
        memcpy(out, request, 8);
        memcpy(out + 8, frame, (size_t)n);
        return n + 8;
    case STORM_FOREIGN:
        return storm_answer(STORM_FOREIGN_UNIT, request[2] << 8 | request[3], request[5], number, out);
    case STORM_PRECEDED: {
        int first = storm_answer(STORM_FOREIGN_UNIT, 0, 4, number, out);
        memcpy(out + first, frame, (size_t)n);
        return first + n;
    }
    case STORM_PREFIX:
        storm_noise(s, out, extra);
        memcpy(out + extra, frame, (size_t)n);
        return n + extra;
    case STORM_SUFFIX: storm_noise(s, out + n, extra); return n + extra;
    case STORM_EXCEPTION:
        out[1] |= 0x80;
        out[2] = 6;
        return slave_seal(out, 3);
    case STORM_TWO:
        for (int i = 1 + extra % 3; i < n; i++)
            out[i] &= frame[i - 1];
        return n;
    case STORM_OVERHEARD: return storm_overheard(request, number, out);
    default: return n;
    }
}

static inline void storm_take(struct storm *s, const uint8_t *request)
{
    uint8_t frame[300], out[600];
    int address = request[2] << 8 | request[3], count = request[4] << 8 | request[5];
    int number = atomic_fetch_add(&s->asked, 1) + 1;
    enum storm_fault fault = storm_fault(s);
    int64_t now = clock_wire_us();
    atomic_fetch_add(&s->injected[fault], 1);
    if (fault == STORM_LOST)
        return;
    int n = storm_answer(request[0], address, count, number, frame);
    if (storm_refuses(s, address, count)) {
        frame[1] |= 0x80;
        frame[2] = 2;
        n = slave_seal(frame, 3);
    }
    if (fault == STORM_DRIP) {
        storm_drip(s, frame, n, now);
        return;
    }
    int64_t due = now + (fault == STORM_LATE ? 1000 * (int64_t)storm_draw(s, (unsigned)s->late_ms) : 500);
    n = storm_spoil(s, fault, request, frame, n, out);
    storm_send(s, out, n < 300 ? n : 300, due);
}

/* Sends what is due; how long until the next, in ms, at most 50. */
static inline int storm_turn(struct storm *s)
{
    int64_t now = clock_wire_us(), next = now + 50000;
    for (;;) {
        struct storm_frame *first = NULL;
        for (int i = 0; i < STORM_WAITING; i++)
            if (s->waiting[i].due_us && (!first || s->waiting[i].due_us < first->due_us))
                first = &s->waiting[i];
        if (!first || first->due_us > now) {
            next = first && first->due_us < next ? first->due_us : next;
            return (int)((next - now + 999) / 1000);
        }
        if (now < first->last_us)
            slave_write(&s->slave, first->bytes, first->length);
        first->due_us = 0;
    }
}

static inline void *storm_run(void *arg)
{
    struct storm *s = arg;
    uint8_t request[8];
    size_t have = 0;
    for (;;) {
        struct pollfd p[] = {{.fd = s->slave.stop_fd, .events = POLLIN},
                             {.fd = s->slave.master, .events = POLLIN}};
        if (poll(p, 2, storm_turn(s)) < 0 || p[0].revents)
            return NULL;
        if (!(p[1].revents & POLLIN))
            continue;
        ssize_t n = read(s->slave.master, request + have, sizeof request - have);
        if (n <= 0)
            return NULL;
        have += (size_t)n;
        if (have == sizeof request) {
            have = 0;
            storm_take(s, request);
        }
    }
}

/* Weights, blocks and knobs are the caller's, before. */
static inline void storm_start(struct storm *s, uint64_t seed)
{
    struct termios raw;
    char name[64];
    s->random = seed;
    memset(&raw, 0, sizeof raw);
    cfmakeraw(&raw);
    strcpy(s->slave.dir, "/tmp/dust-storm-XXXXXX");
    if (!mkdtemp(s->slave.dir) || openpty(&s->slave.master, &s->slave.held, name, &raw, NULL) != 0)
        abort();
    snprintf(s->slave.path, sizeof s->slave.path, "%s/port", s->slave.dir);
    s->slave.stop_fd = eventfd(0, EFD_CLOEXEC);
    if (symlink(name, s->slave.path) != 0 || pthread_create(&s->slave.thread, NULL, storm_run, s) != 0)
        abort();
}

static inline void storm_stop(struct storm *s)
{
    slave_stop(&s->slave);
}

#endif
