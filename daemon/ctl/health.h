/* The parts of `dustctl status` that tell how the daemon is. */
#ifndef DUST_CTL_HEALTH_H
#define DUST_CTL_HEALTH_H

#include <jansson.h>

struct ctl;
struct table;

/* Lines of the overview (two columns): what somebody should look after, none when all is well; disk, clock,
 * process, key. */
void health_print_warnings(struct table *t, const struct ctl *c, const json_t *status);
void health_lines(struct table *t, const struct ctl *c, const json_t *status);

/* Lines, brokers, certificates and queues, a table each. */
void health_tables(const struct ctl *c, const json_t *status);

#endif
