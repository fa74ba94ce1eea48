/* One thread per bus: it owns the line, keeps the schedule, and pushes samples. It sees neither windows nor
 * database. Duties:
 *   - each point is read on an absolute schedule in site time (its period, staggered over the devices); a
 * missed slot leaves no debt; when several are late, the one whose slot ends first comes first;
 *   - orders to write go ahead of reads, and are read back where that is asked for;
 *   - one sample per point and slot, also when the read failed: quality and why, no value;
 *   - the line is silent for 3.5 characters (1.75 ms above 19200 baud) before each request;
 *   - after any error the line is listened to until it is quiet, what came is dropped, then flushed; TCP
 * closes;
 *   - while the answer to a question may still be on the way, the unit is asked nothing whose answer has the
 * same length: a late answer is well-formed, and nothing in it says what it answers (unit.h);
 *   - a vanished port is opened again with back-off, for ever;
 *   - a unit that has not answered twice and for 3 s of wire time is quarantined: its slots report the
 * failure without using the bus, but for a probe at gaps of 1 to 8 s; all quarantined units take at most 2 %
 * of the bus together. Its first answer, to an order too, brings a unit back. An exception is an answer,
 * unless a gateway says that nobody is there. While the line is down so are its units;
 *   - a value further from the one before than its spike limit is read again at once, both are samples; so is
 * a watched setting that is another than before, or read for the first time; all settings of a unit are read
 * when it comes (back);
 *   - a range that a unit refuses to be read as one (exception 2 or 3) is read point by point from then on;
 *   - a line on which somebody talks without end (2 s, 4 KiB) is jammed: no read is asked, each slot reports
 * that, an order is sent all the same. It is looked at each 1 to 8 s, and serves again after so long a
 * silence;
 *   - a full ring delays the thread, it costs no sample;
 *   - while it is lent, the line is closed for another program to use: every slot gives a sample M without a
 * value, orders to write are refused, and units stay in the state they were in;
 *   - changes of state (line, device) are pushed once, on the change, the first state too. Logging them is
 * main's work. */
#ifndef DUST_BUS_H
#define DUST_BUS_H

#include "daemon/sample.h"
#include "drivers/device.h"
#include "drivers/frame.h"

struct ring;

enum bus_message_kind {
    BUS_SAMPLE, /* u.sample */
    BUS_MARK, /* u.mark_ms: every sample stamped before this site time has been pushed; at least once a minute
               */
    BUS_DEVICE, /* u.device: a unit came up, went down with its line, or was quarantined */
    BUS_LINE,   /* u.line: the port opened or vanished, or the line is jammed, or not any more */
    BUS_TALLY,  /* u.tally: what became of a unit's questions since the start; every 10 s of wire time */
    BUS_LOAD,   /* u.load: after the tallies */
    BUS_OBEYED, /* u.obeyed: what became of an order to write */
    BUS_LENT,   /* u.lent: the line is closed, for somebody else to use; or it is ours again */
};

/* A bus speaks of its own devices by their place on it, never by a number of the whole site: that stays true
 * when the rest of the configuration is another after a reload. */
struct bus_message {
    enum bus_message_kind kind;
    int device; /* BUS_SAMPLE, BUS_DEVICE, BUS_TALLY, BUS_OBEYED: in bus_config.devices; -1: all of them */
    union {
        struct sample sample; /* .point counts within the device's profile */
        int64_t mark_ms;
        struct {
            int64_t at_ms;
            enum device_state state;
            uint8_t why, exception; /* of the failure, when it is not up */
            int rtt_us;             /* wire: last round trip, request to end of answer */
        } device;
        struct {
            int64_t at_ms;
            enum line_state state;
            int error; /* errno, when it is down */
        } line;
        struct bus_tally {
            uint32_t requests, answers, no_answer, garbled, exceptions;
            int share_permille; /* of wire time in the last 10 s, with its silences and time-outs */
            int rtt_min_us, rtt_median_us, rtt_p99_us; /* of its last 128 answers; 0: none yet */
        } tally;
        struct bus_load {
            int load_permille;   /* of wire time in the last 10 s */
            int needed_permille; /* what the schedule needs, with what questions have cost so far */
            int wire_permille;   /* of that, what frames and silences alone take: the wire's own limit */
            uint32_t late_slots; /* since the start */
        } load;
        struct bus_obeyed {
            uint64_t id;
            uint8_t why, exception; /* of the order, or else of reading back */
            bool read_back;         /* `values` were read after it, and are what was ordered */
            uint8_t nvalues;
            uint16_t values[4]; /* the first of them */
        } obeyed;
        bool lent;
    } u;
};

/* An order to write: to a device (in bus_config.devices), or with -1 to all units of the bus, which nobody
 * answers. */
struct bus_order {
    uint64_t id;
    int device;
    struct frame_order order;
    bool read_back; /* not of a broadcast, and not where the number written is no state (a relay's time): then
                       an answer that may be to the same order before, which was not answered, does not count
                     */
    /* BUS_LEND: the line is closed and left to another program, BUS_TAKE_BACK: opened again; BUS_LENT follows
     * each. These have no device. BUS_WAKE: nothing (bus_pause). */
    enum bus_order_kind { BUS_WRITE, BUS_LEND, BUS_TAKE_BACK, BUS_WAKE } kind;
};

/* Counters since start; a copy made under no lock (each is atomic). turns moves with each question and each
 * turn of the thread's loop, so a thread that stands still shows. line_errors counts the port's losses and
 * the failed tries to open it again, late_slots the slots that were skipped. busy_us is the wire time for
 * which the line could not have been asked anything else. */
struct bus_counters {
    uint64_t requests, answers, no_answer, garbled, exceptions, line_errors, late_slots, turns, busy_us;
    int rtt_us; /* wire, of the last answer */
};

struct bus;

/* Starts the thread. `config` must outlive it. Messages go to `out` (size sizeof(struct bus_message)), whose
 * only producer this bus is. NULL when no thread is to be had. Main thread. */
struct bus *bus_start(const struct bus_config *config, struct ring *out);

/* bus_start in two steps: the thread is there but touches nothing until it is let go. One that was not may be
 * stopped and joined all the same. Main thread. */
struct bus *bus_prepare(const struct bus_config *config, struct ring *out);
void bus_go(struct bus *b);

/* Asks the thread to end (returns at once); waits for it (at most one response time-out) and frees it. What
 * it said last is then in the ring. Main thread. */
void bus_stop(struct bus *b);
void bus_join(struct bus *b);

/* Asks the thread to stand still between two reads (returns at once). Whether it does now, after at most 1 ms
 * (true once): it may first take an exchange, the listening after it, a connection that is being made, room
 * in the ring. Then the line stays open, what it said is in the ring, and until bus_go it touches nothing.
 * Main thread. */
void bus_pause(struct bus *b);
bool bus_stands(struct bus *b);

/* Other devices on the same line, from bus_go on: while it is paused. `before[i]` is where device i of
 * `config` was on this bus, read in the same way and as often; -1: nowhere. One that was goes on as if
 * nothing had been: its slots, whether it answers, what it refuses. Speaks to `out` from then on. Main
 * thread. */
void bus_change(struct bus *b, const struct bus_config *config, struct ring *out, const int *before);

/* Main thread, also after bus_stop. */
struct bus_counters bus_count(const struct bus *b);

/* The orders that wait; `now_us` is wire time. Main thread. */
struct ring_state bus_queue(const struct bus *b, int64_t now_us);

/* Queues an order ahead of all reads, behind those before it; BUS_OBEYED or BUS_LENT follows. ERR_FULL: 64
 * are waiting. Main thread. */
int bus_order(struct bus *b, const struct bus_order *order);

/* How many messages a ring must hold so that main may be a minute late: 256 to 8192. */
size_t bus_ring_room(const struct bus_config *config);

/* Without a thread: opens the line, reads every device once, closes; `sink` gets each sample, its .point as
 * in config.points. For dustd --once. ERR_IO with errno when the line cannot be opened (nothing is sunk
 * then). */
int bus_once(const struct bus_config *config, void (*sink)(const struct sample *s, void *arg), void *arg);

#endif
