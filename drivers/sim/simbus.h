/* One simulated bus, a thread: hears requests, asks the stations, and lets each answer end at the moment it
 * would end on a real line: the request's first byte + the request's characters + the unit's turnaround + the
 * answer's characters. On Modbus TCP only the turnaround counts. */
#ifndef DUST_SIM_SIMBUS_H
#define DUST_SIM_SIMBUS_H

struct simbus;
struct simlog;
struct site;

/* The bus number `index` of the site with its units; `dir` for a relative link. Takes their tapes. */
struct simbus *simbus_create(struct site *site, int index, const char *dir, struct simlog *log);

/* Opens the line (ERR_IO with errno) and starts the thread, which ends when `stop_fd` becomes readable. */
int simbus_start(struct simbus *b, int stop_fd);
void simbus_join(struct simbus *b);

/* "/tmp/x/bus1 -> /dev/pts/3, 9600 8N1" or "127.0.0.1:40123"; after the start, valid while the bus lives. */
const char *simbus_place(const struct simbus *b);

/* What it has counted so far; any thread may read it. */
const struct tally *simbus_tally(const struct simbus *b);

/* Accepts NULL. Joined, or never started. */
void simbus_destroy(struct simbus *b);

#endif
