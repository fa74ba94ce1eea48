/* From samples to rows: the running minute is filled, closed when every bus has passed its end, and judged.
 * Stamps are site time, UTC ms. Main thread. */
#ifndef DUST_PIPELINE_H
#define DUST_PIPELINE_H

#include <stdint.h>

struct config;
struct dustd;
struct sample;

/* Takes what the thread of a bus has pushed: samples, marks, states, answers to orders. */
void pipeline_bus(struct dustd *d, int bus);

/* Closes minutes, notices that the clock was set, cuts chunks for the sample table. `boot_us` is the time
 * since the boot, which nobody sets. */
void pipeline_turn(struct dustd *d, int64_t now_ms, int64_t boot_us);

/* Ends the running minute; the next one starts at `next_ms`. And all minutes that are over by `now_ms`. */
void pipeline_close_minute(struct dustd *d, int64_t next_ms);
void pipeline_close_until(struct dustd *d, int64_t now_ms);

/* A sample goes to the running minute; it is copied. */
void pipeline_keep(struct dustd *d, const struct sample *s);

/* The number of the point "<device>/<point>"; -1: there is none. */
int pipeline_point(const struct config *c, const char *name);

#endif
