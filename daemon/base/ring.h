/* A bounded ring of copied messages from one producer thread to one consumer thread, with an eventfd that
 * becomes readable when something waits. No lock. A full ring refuses and counts; it never overwrites and
 * never blocks. A message may own heap memory: ring_push hands it over when it returns ERR_OK, and only then.
 */
#ifndef DUST_RING_H
#define DUST_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring;

/* Room for `count` messages (rounded up to a power of two) of `size` bytes. NULL when no eventfd is to be
 * had. */
struct ring *ring_create(size_t count, size_t size);

/* Producer. ERR_FULL when there is no room: the message stays the caller's, ring_refused counts it. */
int ring_push(struct ring *r, const void *message);

/* Producer: the same, but the consumer is not woken before the next ring_push. For all but the last of
 * several messages that belong together. */
int ring_add(struct ring *r, const void *message);

/* Consumer. ERR_NOT_FOUND when empty. */
int ring_pop(struct ring *r, void *message);

/* Consumer: the descriptor to poll for POLLIN; ring_woken resets it, before popping until empty. */
int ring_fd(const struct ring *r);
void ring_woken(struct ring *r);

/* Any thread: waiting messages (a moment's view) and pushes refused so far. */
size_t ring_waiting(const struct ring *r);
uint64_t ring_refused(const struct ring *r);

/* A moment's view of it, any thread: how many wait and how long the first of them has (0: none), the most
 * that ever waited, for how many there is room, pushes refused so far. `now_us` is wire time. */
struct ring_state {
    size_t waiting, most, room;
    uint64_t refused;
    int64_t oldest_us;
};
struct ring_state ring_state(const struct ring *r, int64_t now_us);

/* Both threads are done. What messages own must have been popped before. Accepts NULL. */
void ring_destroy(struct ring *r);

#endif
