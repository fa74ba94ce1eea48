/* The units of a bus that do not answer share a fiftieth of its time, so that they take none from those that
 * live. Pure: wire time is an argument, in us. */
#ifndef DUST_QUARANTINE_H
#define DUST_QUARANTINE_H

#include <stdbool.h>
#include <stdint.h>

struct unit;

/* What they may use: grows with time, and a probe may put it into debt, which is waited out. All 0 at the
 * start. */
struct quarantine {
    int64_t at_us, saved_us;
};

/* Whether a unit may be asked now: always, but for a quarantined one only when its own gap is over, it has
 * waited longest of those of the `n` units that are quarantined and have a slot soon (`now_ms` is site time),
 * and they have not had their share. Then sets how long its probe waits (u->probe_for_us): four times what it
 * has lately thought or 60 ms, and as long as its time-out as soon as so much was saved, because a unit may
 * have become slow. */
bool quarantine_lets(struct quarantine *q, const struct unit *units, int n, struct unit *u, int64_t now_us,
                     int64_t now_ms);

/* A probe is over, which has taken the bus for so long, with listening. */
void quarantine_spent(struct quarantine *q, struct unit *u, int64_t took_us);

#endif
