/* One thread per bus: it owns the line, keeps the schedule, and pushes samples. It sees neither windows nor
 * database. Duties:
 *   - each device is read on an absolute schedule in site time (its period, staggered over the devices); a
 * missed slot leaves no debt;
 *   - one sample per point and slot, also when the read failed: quality and why, no value;
 *   - the line is silent for 3.5 characters (1.75 ms above 19200 baud) before each request;
 *   - after any error the line is listened to until it is quiet, what came is dropped, then flushed; TCP
 * closes;
 *   - while the answer to a question may still be on the way, the unit is asked nothing whose answer has the
 * same length: a late answer is well-formed, and nothing in it says what it answers (unit.h);
 *   - a vanished port is opened again with back-off, for ever;
 *   - a unit that has not answered twice and for 3 s of wire time is down: its slots report the failure
 * without using the bus, but for a probe at gaps of 1 to 30 s; its first answer brings it back. An exception
 * is an answer, unless a gateway says that nobody is there. While the line is down so are its units;
 *   - a range that a unit refuses to be read as one (exception 2 or 3) is read point by point from then on;
 *   - a full ring delays the thread, it costs no sample;
 *   - changes of state (line, device) are pushed once, on the change, the first state too. Logging them is
 * main's work. */
#ifndef DUST_BUS_H
#define DUST_BUS_H

#include "daemon/base/ring.h"
#include "daemon/sample.h"
#include "drivers/device.h"

enum bus_message_kind {
    BUS_SAMPLE, /* u.sample */
    BUS_MARK, /* u.mark_ms: every sample stamped before this site time has been pushed; at least once a minute
               */
    BUS_DEVICE, /* u.device: a unit came up or went down */
    BUS_LINE,   /* u.line: the port opened or vanished */
};

/* A bus speaks of its own devices by their place on it, never by a number of the whole site: that stays true
 * when the rest of the configuration is another after a reload. */
struct bus_message {
    enum bus_message_kind kind;
    int device; /* BUS_SAMPLE, BUS_DEVICE: in bus_config.devices */
    union {
        struct sample sample; /* .point counts within the device's profile */
        int64_t mark_ms;
        struct {
            int64_t at_ms;
            bool up;
            uint8_t why, exception; /* of the failure that took it down */
            int rtt_us;             /* wire: last round trip, request to end of answer */
        } device;
        struct {
            int64_t at_ms;
            bool up;
            int error; /* errno */
        } line;
    } u;
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

struct bus_counters bus_count(const struct bus *b);

/* Without a thread: opens the line, reads every device once, closes; `sink` gets each sample, its .point as
 * in config.points. For dustd --once. ERR_IO with errno when the line cannot be opened (nothing is sunk
 * then). */
int bus_once(const struct bus_config *config, void (*sink)(const struct sample *s, void *arg), void *arg);

#endif
