#include "daemon/base/ring.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* head and tail only grow; (head - tail) messages wait. The producer writes head, base, most and the slots'
 * stamps, the consumer tail. Message n is in slot n - base: an empty ring begins again at its first slot, so
 * that it touches no more memory than ever waited in it. */
struct ring {
    char *slots;
    atomic_int_fast64_t *stamps; /* wire time of each slot's push */
    size_t size, mask;
    int fd;
    _Alignas(64) atomic_size_t head;
    atomic_size_t base;
    atomic_size_t most;
    _Alignas(64) atomic_size_t tail;
    _Alignas(64) atomic_uint_fast64_t refused;
};

struct ring *ring_create(size_t count, size_t size)
{
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
        return NULL;
    size_t room = 2;
    while (room < count)
        room *= 2;
    struct ring *r = mem_new(struct ring);
    r->slots = mem_pages(room, size);
    r->stamps = mem_pages(room, sizeof *r->stamps);
    r->size = size;
    r->mask = room - 1;
    r->fd = fd;
    return r;
}

static size_t slot(const struct ring *r, size_t n)
{
    return (n - atomic_load_explicit(&r->base, memory_order_relaxed)) & r->mask;
}

/* base changes only while nothing waits, and the consumer looks at it only after it has seen a head that was
 * stored later. */
int ring_add(struct ring *r, const void *message)
{
    size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    if (head - tail > r->mask) {
        atomic_fetch_add(&r->refused, 1);
        return ERR_FULL;
    }
    if (head == tail)
        atomic_store_explicit(&r->base, head, memory_order_relaxed);
    size_t at = slot(r, head);
    memcpy(r->slots + at * r->size, message, r->size);
    atomic_store_explicit(&r->stamps[at], clock_wire_us(), memory_order_relaxed);
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    if (head + 1 - tail > atomic_load_explicit(&r->most, memory_order_relaxed))
        atomic_store_explicit(&r->most, head + 1 - tail, memory_order_relaxed);
    return ERR_OK;
}

int ring_push(struct ring *r, const void *message)
{
    int rc = ring_add(r, message);
    uint64_t one = 1;
    if (rc == ERR_OK && write(r->fd, &one, sizeof one) < 0) {
        /* EAGAIN at 2^64-2: the reader is awake already */
    }
    return rc;
}

int ring_pop(struct ring *r, void *message)
{
    size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    size_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    if (head == tail)
        return ERR_NOT_FOUND;
    memcpy(message, r->slots + slot(r, tail) * r->size, r->size);
    atomic_store_explicit(&r->tail, tail + 1, memory_order_release);
    return ERR_OK;
}

int ring_fd(const struct ring *r)
{
    return r->fd;
}

void ring_woken(struct ring *r)
{
    uint64_t count;
    if (read(r->fd, &count, sizeof count) < 0) {
        /* EAGAIN: woken for nothing, which is harmless */
    }
}

size_t ring_waiting(const struct ring *r)
{
    return atomic_load(&r->head) - atomic_load(&r->tail);
}

uint64_t ring_refused(const struct ring *r)
{
    return atomic_load(&r->refused);
}

struct ring_state ring_state(const struct ring *r, int64_t now_us)
{
    size_t tail = atomic_load(&r->tail), head = atomic_load(&r->head);
    struct ring_state s = {.waiting = head - tail,
                           .most = atomic_load(&r->most),
                           .room = r->mask + 1,
                           .refused = atomic_load(&r->refused)};
    int64_t age_us = now_us - atomic_load(&r->stamps[slot(r, tail)]);
    s.oldest_us = s.waiting && age_us > 0 ? age_us : 0;
    return s;
}

void ring_destroy(struct ring *r)
{
    if (!r)
        return;
    close(r->fd);
    mem_pages_free(r->slots, r->mask + 1, r->size);
    mem_pages_free(r->stamps, r->mask + 1, sizeof *r->stamps);
    mem_free(r);
}
