#include "daemon/watch.h"

#include "daemon/base/log.h"
#include "daemon/bus_now.h"
#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/dustd.h"
#include "daemon/uplink_now.h"

enum {
    BASE_US = 10000000,     /* naps, settling, and a machine that has other things to do */
    FRAME_CHARACTERS = 300, /* a question and the longest answer */
    CHARACTER_BITS = 12,
    STATUS_US = 10000000,
};

int64_t watch_due_us(const struct bus_config *config)
{
    int64_t slowest_ms = config->timeout_ms + config->turnaround_ms;
    int64_t connect_us = 1000LL * config->connect_ms;
    for (int i = 0; i < config->ndevices; i++) {
        const struct profile *p = config->devices[i]->profile;
        int64_t ms = (p->timeout_ms ? p->timeout_ms : config->timeout_ms) +
                     (p->turnaround_ms ? p->turnaround_ms : config->turnaround_ms);
        slowest_ms = ms > slowest_ms ? ms : slowest_ms;
    }
    int64_t frame_us = config->baud > 0 ? 1000000LL * FRAME_CHARACTERS * CHARACTER_BITS / config->baud : 0;
    return BASE_US + connect_us + 2 * slowest_ms * 1000 + frame_us;
}

static bool bus_moves(struct dustd *d, int bus, int64_t now_us)
{
    struct bus_now *b = &d->buses[bus];
    const struct bus_config *config = &d->config->buses[bus];
    bool moves = notify_moves(&b->pulse, bus_count(b->bus).turns, watch_due_us(config), now_us);
    if (!moves && !b->said_still)
        log_error("bus %s: its thread has not moved for %lld s; the watchdog is no longer fed", config->name,
                  (long long)((now_us - b->pulse.moved_us) / 1000000));
    else if (moves && b->said_still)
        log_warning("bus %s: its thread moves again", config->name);
    b->said_still = !moves;
    return moves;
}

static void say_status(struct dustd *d, int64_t now_us)
{
    if (now_us < d->next_status_us)
        return;
    d->next_status_us = now_us + STATUS_US;
    int up = 0;
    for (int i = 0; i < d->config->ndevices; i++)
        up += d->devices[i].state == DEVICE_UP;
    int connected = 0;
    for (int i = 0; i < d->config->nmqtt; i++)
        connected += d->uplinks[i].connected;
    notify_status(&d->notify, "%s: %d of %d devices answer, %d of %d brokers connected%s",
                  d->config->site.name, up, d->config->ndevices, connected, d->config->nmqtt,
                  d->store_stuck ? ", the disk takes nothing" : "");
}

void watch_turn(struct dustd *d, int64_t now_us)
{
    bool all = true;
    for (int i = 0; i < d->config->nbuses; i++)
        all = bus_moves(d, i, now_us) && all;
    if (all)
        notify_feed(&d->notify, now_us);
    say_status(d, now_us);
}
