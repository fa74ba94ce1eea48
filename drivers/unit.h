/* One device as its bus thread sees it: what to ask, when, and how it has been answering. Pure: `now` is an
 * argument; site time in ms, wire time in us. */
#ifndef DUST_UNIT_H
#define DUST_UNIT_H

#include "daemon/sample.h"
#include "drivers/plan.h"

enum { UNIT_PENDING_MAX = 16 };

/* A question that the unit may still answer: nothing in an RTU answer says which question it is to, but its
 * length and function must be those of the question. */
struct unit_pending {
    enum modbus_table table;
    int bytes; /* of the answer */
    int64_t asked_us;
};

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
    int failures;       /* requests in a row without an answer */
    int64_t failing_us; /* since when */
    bool tagged;        /* TCP: transaction numbers tell answers apart */
    bool narrow;        /* refuses registers beyond its own */
    struct unit_pending pending[UNIT_PENDING_MAX];
    int npending;
    int64_t lag_us;              /* how late an answer has been seen to come; fades */
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

/* How long after a question it is worth listening to nobody else, for its answer to come. */
int unit_late_us(const struct unit *u);

/* What to send for `request` so that no late answer to an earlier question can be taken for the answer: the
 * request itself, or more registers (bits) than it needs when an answer of its length may still be on the
 * way. ERR_STATE: there is no such way now, the request must wait. */
int unit_shape(struct unit *u, int request, int64_t now_us, struct request *out);

/* `sent` was asked at `asked_us`, with this outcome: remembers it when its answer may still come. */
void unit_asked(struct unit *u, const struct request *sent, enum why why, int64_t asked_us);

/* A whole answer came that was none to the last question: it is that to an earlier one of this length, and
 * says how late this unit can be. */
void unit_heard_late(struct unit *u, enum modbus_table table, int bytes, int64_t now_us);

/* Takes one request's outcome into account; true when the unit just came up or went down (u->reported). */
bool unit_take(struct unit *u, enum why why, uint8_t exception, int64_t now_us);

/* Whether this outcome makes asking the rest of the slot's requests pointless. */
bool unit_gives_up(const struct unit *u, enum why why, uint8_t exception);

/* The unit refused `sent` (exception 2 or 3), which stood for `request`. True when asking again differently
 * may help, from now on: without registers beyond its own, or, where a request has several points, each with
 * a request of its own. */
bool unit_refused(struct unit *u, int request, const struct request *sent);

#endif
