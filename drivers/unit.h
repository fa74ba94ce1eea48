/* One device as its bus thread sees it: what to ask, when, and how it has been answering. Pure: `now` is an
 * argument; site time in ms, wire time in us. */
#ifndef DUST_UNIT_H
#define DUST_UNIT_H

#include "daemon/sample.h"
#include "drivers/frame.h"
#include "drivers/plan.h"

enum { UNIT_PENDING_MAX = 16, UNIT_ORDERED_MAX = 8, UNIT_PARTS_MAX = 4, UNIT_TRIPS = 128 };

/* An order that the unit may still answer: the answer repeats its first bytes. */
struct unit_ordered {
    uint8_t first[FRAME_OBEYED];
    int64_t asked_us;
};

/* A question, ours or another master's, that the unit may still answer: nothing in an RTU answer says which
 * question it is to, but its length and function must be those of the question. */
struct unit_pending {
    enum modbus_table table;
    int bytes; /* of the answer */
    int64_t asked_us;
};

/* A request of the plan and its schedule: slots are at k * period + the unit's phase. */
struct unit_read {
    struct request request;
    int more; /* registers, or groups of eight bits, asked for beyond it: no two answers of a unit are alike
               */
    int64_t period_ms, next_ms;
};

/* What became of the unit's questions since the start. */
struct unit_tally {
    uint64_t requests, answers, no_answer, garbled, exceptions;
    int64_t busy_us,
        told_us; /* wire time that its questions, answers and silences took; the same when last told */
};

struct unit {
    const struct device *device;
    int longest_us, floor_us, turnaround_us; /* time-out: the profile's or the bus's, and the least of it */
    struct unit_read reads[PROFILE_POINTS_MAX];
    int nreads;
    int read_of[PROFILE_POINTS_MAX]; /* point: what reads it */
    double last[PROFILE_POINTS_MAX]; /* point: its last value, NaN: none; for spikes */
    int64_t phase_ms;
    enum device_state reported;
    enum why why; /* of the last failure */
    uint8_t exception;
    int failures;       /* requests in a row without an answer */
    int64_t failing_us; /* since when */
    bool tagged;        /* TCP: transaction numbers tell answers apart */
    bool narrow, whole; /* refuses registers beyond its own; less than a whole request */
    struct unit_pending pending[UNIT_PENDING_MAX];
    int npending;
    struct unit_ordered ordered[UNIT_ORDERED_MAX]; /* orders whose answers may still come */
    int nordered;
    struct request asked;        /* last */
    int64_t lag_us;              /* how late an answer has been seen to come; fades */
    int think_us;                /* longest it has thought lately before an answer; fades; -1: not known */
    bool quarantined;            /* probed only, so that it starves nobody */
    int64_t probe_us, probe_gap; /* next probe not before; doubles */
    int probe_for_us;            /* 0: none is under way; else how long it waits (quarantine.h) */
    struct unit_tally tally;
    int trips_us[UNIT_TRIPS]; /* its last round trips, trips[tally.answers % UNIT_TRIPS] the next to go */
    int ntrips;
};

/* `place` of `places` on its bus staggers the devices over the period. */
void unit_init(struct unit *u, const struct bus_config *bus, const struct device *d, int place, int places);

/* Puts its points into reads; unit_init does so. `overhead_bytes` as in plan.h. */
void unit_plan(struct unit *u, int overhead_bytes);

/* What stands for a read when no answer is missing: its request, and a little more where two of the unit's
 * answers would have the same length, unless the unit refuses that. */
struct request unit_planned(const struct unit *u, int read);

/* Makes a request longer by so many registers (groups of eight bits); false: there are none. */
bool unit_stretch(const struct unit *u, int by, struct request *r);

/* Sets all slots to the first after `now_ms`. */
void unit_start(struct unit *u, int64_t now_ms);

/* The read to do first among those due at `now_ms`: the one whose slot ends first, so the one with the
 * shortest period when several are late. -1: none is due. unit_next_ms: when the next one is. */
int unit_due(const struct unit *u, int64_t now_ms);
int64_t unit_next_ms(const struct unit *u);

/* The slot of a read is done at `now_ms`: sets the next one. Slots already over by more than a period are
 * skipped; returns how many. A clock stepped back starts anew. */
int unit_slot_done(struct unit *u, int read, int64_t now_ms);

/* Whether the clock was stepped back so far that a slot would be long in coming. */
bool unit_is_stranded(const struct unit *u, int64_t now_ms);

/* Whether this slot may use the bus: always, but for a quarantined unit only when its probe is due. */
bool unit_may_ask(const struct unit *u, int64_t now_us);

/* Four times as long as it has lately thought; 0: not known. */
int unit_quick_us(const struct unit *u);

/* How long its answer may take to start: as a probe under way says, else four times as long as it has lately
 * thought, within the limits set. */
int unit_timeout_us(const struct unit *u);

/* How long after a question it is worth listening to nobody else, for its answer to come. */
int unit_late_us(const struct unit *u);

/* What to send for a request so that no late answer to an earlier question can be taken for the answer: the
 * request itself; when an answer of its length may still be on the way, more registers (bits) than it needs;
 * or, where the unit refuses those, parts of it, none of which cuts a point. Returns how many requests `out`
 * has, in the order of their addresses. 0: there is no such way now, the request must wait. */
int unit_shape(struct unit *u, const struct request *planned, int64_t now_us,
               struct request out[static UNIT_PARTS_MAX]);

/* Whether an answer that would look like one to this request may still come. */
bool unit_owes(const struct unit *u, const struct request *r);

/* `sent` was asked at `asked_us`, with this outcome: remembers it when its answer may still come. `spoken`:
 * what came was garbled, but the whole answer. */
void unit_asked(struct unit *u, const struct request *sent, enum why why, bool spoken, int64_t asked_us);

/* An order, of which `first` is what its answer repeats, had this outcome. True: it is answered, and it is
 * sure that this is its own answer, not that to the same order before. */
bool unit_answers_order(struct unit *u, const uint8_t first[static FRAME_OBEYED], enum why why,
                        int64_t asked_us);

/* A whole answer came that was none to the last question: it is that to an earlier one of this length, and
 * says how late this unit can be. */
void unit_heard_late(struct unit *u, enum modbus_table table, int bytes, int64_t now_us);

/* Another master asked the unit something: an answer of this length may come. */
void unit_overheard(struct unit *u, enum modbus_table table, int bytes, int64_t now_us);

/* An answer came: after so long in all, of which the unit thought so long. */
void unit_tripped(struct unit *u, int trip_us, int think_us);

/* Takes one request's outcome into account; true when u->reported is news. */
bool unit_take(struct unit *u, enum why why, uint8_t exception, int64_t now_us);

/* Whether this outcome makes asking the rest of what is due pointless. */
bool unit_gives_up(const struct unit *u, enum why why, uint8_t exception);

/* The unit refused `sent` (exception 2 or 3), which stood for a read. True when asking again differently may
 * help, from now on: without registers beyond its own; not in parts; or, where a request has several points,
 * each with a request of its own. */
bool unit_refused(struct unit *u, int read, const struct request *sent);

/* Whether `value` of a point is further from the one before than its spike limit, or of a watched one another
 * than before or the first; remembers it. */
bool unit_spikes(struct unit *u, int point, double value);

#endif
