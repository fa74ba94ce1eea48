/* What goes wrong, and when. A schedule is a function of the clocks, the poll number and the seed: the same
 * site file goes wrong in the same way each time. Pure, any thread. */
#ifndef DUST_SIM_FAULT_H
#define DUST_SIM_FAULT_H

#include <stdbool.h>
#include <stdint.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_SILENT,     /* no answer */
    FAULT_CRC,        /* one bit of the answer is wrong (TCP: of its protocol id) */
    FAULT_LATE,       /* the answer comes `by` later */
    FAULT_EXCEPTION,  /* exception `code` */
    FAULT_TRUNCATED,  /* half of the answer */
    FAULT_WRONG_UNIT, /* the answer of the unit numbered one higher, with a right CRC */
    FAULT_DRIP,       /* a byte of the answer each `by` */
    FAULT_GARBAGE,    /* random bytes, as many as the answer has */
    FAULT_UNPLUG,     /* bus: the port is gone, then there again */
    FAULT_STUCK,      /* the values stay what they were */
    FAULT_INVALID,    /* the profile's invalid raw value; exception 4 for a point without one */
    FAULT__COUNT
};

enum fault_clock {
    FAULT_SITE, /* site time: since the start, or stamps */
    FAULT_WIRE, /* wire time since the start */
    FAULT_POLLS /* the unit's requests, from 1, both ends included */
};

struct fault {
    enum fault_kind kind;
    enum fault_clock clock;
    const char *unit, *bus, *point; /* "" all; a bus stands for its units */
    const char *from, *to;          /* as written: "10s", a stamp, a poll; "" open */
    int64_t every_ms;               /* begins again with this period; 0 once */
    double probability;             /* of each poll in the range */
    int64_t by_ms;
    int code;
    int64_t first, last; /* set by fault_prepare: ms, or polls; the range is [first, last) */
};

/* A moment on all clocks. */
struct fault_moment {
    int64_t site_ms, site_start_ms;
    int64_t wire_ms; /* since the start */
    int64_t poll;    /* of the unit, from 1 */
};

/* Reads `from` and `to`. ERR_FORMAT when they do not suit the clock, `*which` is then the one. */
int fault_prepare(struct fault *f, int64_t site_start_ms, const char **which);

/* Whether `f` holds now; `seed` must be the poll's own when probability is below 1. */
bool fault_active(const struct fault *f, const struct fault_moment *now, uint64_t seed);

/* Whether the bus is unplugged now; `now` NULL: whether it ever can be. */
bool fault_unplugs(const struct fault *faults, int count, const char *bus, const struct fault_moment *now);

/* "wrong_unit"; "" for none; static. */
const char *fault_str(enum fault_kind kind);

#endif
