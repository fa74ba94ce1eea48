/* The windows that the journal has, as far back as matters, so that one that comes twice after the clock was
 * set back names the first. Main thread. */
#ifndef DUST_AGAIN_H
#define DUST_AGAIN_H

#include <stddef.h>
#include <stdint.h>

struct again_window {
    int64_t start_ms, length_s;
    uint64_t of; /* of a verdict: its limit and point ("" of the highest of several); of a corrected hour or
                    day: "" and its point; 0 */
    int64_t seq; /* of its first row */
};

struct again { /* zeroed: empty */
    struct again_window *ring;
    size_t next, count;
};

/* A limit and a point ("" none) by name, as a number: configurations change. */
uint64_t again_of(const char *limit, const char *point);

/* The seq of the last row of this window (its `seq` does not count), 0: there is none, or too many came
 * since. */
int64_t again_find(const struct again *a, struct again_window w);

/* w.seq is the row of this window now; the oldest of too many is forgotten. again_finish frees what is kept.
 */
void again_note(struct again *a, struct again_window w);
void again_finish(struct again *a);

#endif
