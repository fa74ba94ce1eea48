/* One simulated bus, a thread: hears requests, asks the stations, and lets each answer end at the moment it
 * would end on a real line: the request's first byte + the request's characters + the unit's turnaround + the
 * answer's characters. On Modbus TCP only the turnaround counts. */
#ifndef DUST_SIM_SIMBUS_H
#define DUST_SIM_SIMBUS_H

#include "drivers/sim/simlog.h"
#include "drivers/sim/site.h"

enum simbus_count {
    COUNT_POLLS,      /* requests to a unit of ours */
    COUNT_ANSWERS,    /* sent whole and unspoilt, exceptions included */
    COUNT_EXCEPTIONS, /* of them */
    COUNT_SILENT,     /* polls left without an answer */
    COUNT_SPOILT,     /* answers sent broken */
    COUNT_FAULTS,     /* polls with a fault, or a damaged line of a recording */
    COUNT_BROADCASTS,
    COUNT_FOREIGN, /* requests to units we do not have */
    COUNT_GARBLED, /* bytes that were no request: CRC, shape, wrong speed */
    COUNT_HASTY,   /* requests inside the 3.5 characters of silence, or into an answer */
    COUNT_LOST,    /* answers nobody took */
    COUNT__N
};

/* "polls", …; static. */
const char *simbus_count_str(enum simbus_count which);

struct simbus;

/* The bus number `index` of the site with its units; `dir` for a relative link. Takes their tapes. */
struct simbus *simbus_create(struct site *site, int index, const char *dir, struct simlog *log);

/* Opens the line (ERR_IO with errno) and starts the thread, which ends when `stop_fd` becomes readable. */
int simbus_start(struct simbus *b, int stop_fd);
void simbus_join(struct simbus *b);

/* "/tmp/x/bus1 -> /dev/pts/3, 9600 8N1" or "127.0.0.1:40123"; after the start, valid while the bus lives. */
const char *simbus_place(const struct simbus *b);

/* Any thread. */
uint64_t simbus_count(const struct simbus *b, enum simbus_count which);

/* Accepts NULL. Joined, or never started. */
void simbus_destroy(struct simbus *b);

#endif
