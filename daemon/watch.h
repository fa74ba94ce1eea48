/* What the service manager hears of us: that every bus thread and main itself move, and one line of status.
 * Not of the disk: while it is stuck dustd goes on measuring. Main thread. */
#ifndef DUST_WATCH_H
#define DUST_WATCH_H

#include <stdint.h>

struct bus_config;
struct dustd;

/* Wire time within which the thread of a bus that is well finishes a question or a nap: waiting for the
 * port, the silence, the longest time-out of its devices, the frames, listening until it is quiet. */
int64_t watch_due_us(const struct bus_config *config);

/* A turn of main's loop: feeds the watchdog when every bus has moved in its time; says once which has not,
 * and when it moves again. */
void watch_turn(struct dustd *d, int64_t now_us);

#endif
