/* Bounded memory while the store takes nothing: what is let go of is counted, said once, and becomes a row
 * when the store is back. Main thread. */
#ifndef DUST_SHED_H
#define DUST_SHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dustd;

/* What was let go of since the store last took a batch, and in all. */
struct shed {
    bool refused;                   /* the store takes no more */
    size_t bytes;                   /* of the rows in the batch being filled */
    uint64_t samples, rows;         /* dropped */
    int64_t from_ms, to_ms;         /* the minutes of which samples were; 0: none */
    int64_t gap_from_ms, gap_to_ms; /* and of which there is no row either */
    uint64_t all_samples, all_rows; /* dropped since the start */
};

/* Whether a row of this kind, `length` bytes of body, has no room, which is counted; the same of a sample. */
bool shed_row(struct dustd *d, const char *kind, size_t length);
bool shed_sample(struct dustd *d);

/* Whether the running minute ends without its samples; and that it did, `row`: it has one. */
bool shed_due(const struct dustd *d, int64_t now_ms);
void shed_minute(struct dustd *d, int64_t start_ms, size_t samples, bool row);

/* The store has refused a batch; it takes batches (again). */
void shed_refused(struct dustd *d);
void shed_taken(struct dustd *d);

#endif
