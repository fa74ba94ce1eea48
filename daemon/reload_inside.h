/* Between the files of a reload. Nobody else includes it. */
#ifndef DUST_RELOAD_INSIDE_H
#define DUST_RELOAD_INSIDE_H

#include <stdbool.h>

struct dustd;

struct change {
    struct config *is;
    int *points, *buses, *lines, *devices, *brokers; /* where each was before: change.h */
    bool *broker_kept;                               /* also its connection */
    bool *gone, any_gone;                            /* points before that are none now */
    struct channel_now *channels;                    /* of `is`; the new ones prepared */
    struct bus_now *bus_now; /* of `is`; the new ones prepared, of a line that stays open only
                                the ring, the others empty */
    struct uplink_now *uplink_now;
};

/* Whether number `k` of before is one of the `n` that are now. */
bool change_keeps(const int *before, int n, int k);

/* reload_uplinks.c: the thread of broker i of the new configuration, which waits to be let go. ERR_IO: there
 * is none to be had. */
int reload_uplink_prepare(const struct dustd *d, const struct change *c, int i);

/* Those that do not go on are asked to end, which may take them some seconds; nobody waits for that here. And
 * what was prepared takes their place, with the cursors. */
void reload_uplinks_end(struct dustd *d, const struct change *c);
void reload_uplinks_start(struct dustd *d, struct change *c);

#endif
