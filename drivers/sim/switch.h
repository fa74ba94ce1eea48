/* A coil that acts on the world with a time constant: a spray wets the dust, a pump fills the pipe. Set by
 * the thread of the relay's bus, read by those of the points it acts on. Any thread. */
#ifndef DUST_SIM_SWITCH_H
#define DUST_SIM_SWITCH_H

#include "drivers/sim/model.h"

#include <stdbool.h>

struct sim_switch;

/* Off since `at_ms` (site time). The effect nears the coil's state by 63 % in each `constant_ms`. */
struct sim_switch *switch_create(int64_t constant_ms, int64_t at_ms);

/* The coil's state from `at_ms` on. Time never goes back: an earlier `at_ms` counts as the last one. */
void switch_set(struct sim_switch *s, bool on, int64_t at_ms);

struct model_effect switch_effect(struct sim_switch *s, int64_t at_ms);

/* Accepts NULL. */
void switch_destroy(struct sim_switch *s);

#endif
