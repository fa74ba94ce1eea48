/* How much a bus may have to say before main listens. */
#include "drivers/bus.h"

#include "daemon/base/clock.h"

enum { RING_LEAST = 256, RING_MOST = 8192 };

size_t bus_ring_room(const struct bus_config *config)
{
    double room = 0;
    for (int i = 0; i < config->ndevices; i++)
        room += (double)config->devices[i]->profile->npoints * CLOCK_MINUTE_MS /
                (double)config->devices[i]->period_ms * clock_rate();
    return room < RING_LEAST ? RING_LEAST : room > RING_MOST ? RING_MOST : (size_t)room;
}
