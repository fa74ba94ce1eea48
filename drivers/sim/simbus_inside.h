/* Between the files of a simulated bus: simbus.c hears and runs, simbus_answer.c answers in time. Nobody else
 * includes it. All of a bus belongs to its thread; times in us are wire time. */
#ifndef DUST_SIMBUS_INSIDE_H
#define DUST_SIMBUS_INSIDE_H

#include "drivers/sim/adu.h"
#include "drivers/sim/simlog.h"
#include "drivers/sim/station.h"
#include "drivers/sim/tally.h"
#include "drivers/sim/wire.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus_setup;
struct world;

enum { SENDING_MAX = 16 };

/* An answer on its way. */
struct sending {
    bool used;
    int64_t begin_us, due_us; /* its first byte leaves the unit; the next write is due */
    int64_t drip_us;          /* 0: all at once */
    int peer;
    unsigned number; /* of the peer that asked */
    size_t length, sent;
    uint8_t bytes[ADU_MAX];
    struct simlog_entry entry;
    struct station_poll poll;
};

struct seat { /* a station on this bus */
    struct station *station;
    int64_t busy_us; /* its last answer ends then */
    bool tape_ended; /* said once */
};

struct simbus {
    const struct bus_setup *setup;
    const struct world *world;
    struct simlog *log;
    struct wire wire;
    enum framing framing;
    bool serial; /* characters take time, and silence separates frames */
    struct seat *seats;
    int nseats, stop_fd;
    int64_t line_end_us; /* when the last byte was on the line */
    int64_t started_us;
    bool deaf, hasty; /* each said once */
    char place[512];
    struct sending queue[SENDING_MAX];
    struct station_poll unheard; /* what a broadcast led to */
    struct tally tally;
    pthread_t thread;
    bool threaded;
};

/* How long `n` characters are on the line, 0 where they take no time; and the silence between two frames. */
int64_t simbus_characters_us(const struct simbus *b, size_t n);
int64_t simbus_silence_us(const struct simbus *b);

int64_t simbus_wire_ms(const struct simbus *b); /* since the bus was started */

/* A question and what became of it, into the log. */
void simbus_log_poll(struct simbus *b, struct simlog_entry *entry, const char *outcome);

/* Asks the station on `seat`, and queues what it answers as its faults want it; the request's last byte was
 * there at `end_us`. What is due of all answers is sent by simbus_send_due. */
void simbus_answer(struct simbus *b, int peer, struct seat *seat, const struct adu_request *r,
                   int64_t end_us);
void simbus_send_due(struct simbus *b);

#endif
