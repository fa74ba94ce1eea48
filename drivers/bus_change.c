/* Other devices on a line that stays open: the thread stands still between two reads while main changes what
 * it reads. */
#include "drivers/bus_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/base/wait.h"
#include "drivers/bus.h"
#include "drivers/line.h"
#include "drivers/unit.h"

void bus_stand_by(struct bus *b)
{
    if (!atomic_exchange(&b->pausing, false))
        return;
    sem_post(&b->still);
    while (sem_wait(&b->go) != 0) {
        /* EINTR */
    }
}

void bus_pause(struct bus *b)
{
    const struct bus_order wake = {.kind = BUS_WAKE, .device = -1};
    atomic_store(&b->pausing, true);
    bus_order(b, &wake); /* no room: then it is awake */
}

bool bus_stands(struct bus *b)
{
    if (sem_trywait(&b->still) == 0)
        return true;
    wait_us(NULL, 0, 1000);
    return sem_trywait(&b->still) == 0;
}

void bus_change(struct bus *b, const struct bus_config *config, struct ring *out, const int *before)
{
    int n = config->ndevices;
    int64_t now_ms = clock_site_ms();
    struct unit *units = mem_array((size_t)n, sizeof *units);
    for (int i = 0; i < n; i++) {
        if (before[i] >= 0) {
            units[i] = b->units[before[i]];
            units[i].device = config->devices[i];
        } else {
            unit_init(&units[i], config, config->devices[i], i, n);
            unit_start(&units[i], now_ms);
        }
    }
    mem_free(b->units);
    b->units = units;
    b->config = config;
    b->out = out;
    line_configure(b->line, config);
}
