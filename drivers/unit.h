/* One device as its bus thread sees it: what to ask, when, and how it has been answering. Pure: `now` is an
 * argument; site time in ms, wire time in us. */
#ifndef DUST_UNIT_H
#define DUST_UNIT_H

#include "daemon/sample.h"
#include "drivers/plan.h"

struct unit {
    const struct device *device;
    int timeout_us, turnaround_us; /* the profile's, or else the bus's */
    struct request requests[PROFILE_POINTS_MAX];
    int nrequests;
    int request_of[PROFILE_POINTS_MAX]; /* point: the request that reads it */
    int64_t phase_ms, next_ms;          /* slots are at k * period + phase */
    enum { UNIT_UNKNOWN, UNIT_UP, UNIT_DOWN } reported;
    enum why why; /* of the last failure */
    uint8_t exception;
    int failures;                /* requests in a row without an answer */
    int64_t failing_us;          /* since when */
    bool doubted;                /* an answer of its own may still be on the way: see unit_believes */
    bool dead;                   /* probed only, so that it starves nobody */
    int64_t probe_us, probe_gap; /* next probe not before; doubles */
};

/* `place` of `places` on its bus staggers the devices over the period. */
void unit_init(struct unit *u, const struct bus_config *bus, const struct device *d, int place, int places);

/* Sets next_ms to the first slot after `now_ms`. */
void unit_start(struct unit *u, int64_t now_ms);

/* The slot at next_ms is done at `now_ms`: sets the next one. Slots already over by more than a period are
 * skipped; returns how many. A clock stepped back starts anew. */
int unit_slot_done(struct unit *u, int64_t now_ms);

/* Whether the clock was stepped back so far that the slot would be long in coming. */
bool unit_is_stranded(const struct unit *u, int64_t now_ms);

/* Whether this slot may use the bus: always, but for a dead unit only when its probe is due. */
bool unit_may_ask(const struct unit *u, int64_t now_us);

/* Longest after a question that the unit's answer may still come. */
int unit_late_us(const struct unit *u);

/* Whether an answer (`answered`: one came) is to this question and not a late one to an earlier. After a
 * question whose answer stayed `outstanding` the next answer only proves that the unit is there; it must be
 * asked again. */
bool unit_believes(struct unit *u, bool answered, bool outstanding);

/* Takes one request's outcome into account; true when the unit just came up or went down (u->reported). */
bool unit_take(struct unit *u, enum why why, uint8_t exception, int64_t now_us);

/* Whether this outcome makes asking the rest of the slot's requests pointless. */
bool unit_gives_up(const struct unit *u, enum why why, uint8_t exception);

/* Replaces a request of several points that the unit refuses by one for each point; false when it is one
 * point's already. */
bool unit_split(struct unit *u, int request);

#endif
