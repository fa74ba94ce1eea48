/* What main is told of the units' and the bus's performance, every ten seconds of wire time. */
#include "drivers/bus_private.h"

#include "daemon/base/clock.h"
#include "drivers/bus.h"
#include "drivers/line.h"
#include "drivers/unit.h"

#include <stdlib.h>
#include <string.h>

enum { TALLY_US = 10000000 };

static int by_size(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void trips(const struct unit *u, struct bus_tally *t)
{
    int sorted[UNIT_TRIPS], n = u->ntrips < UNIT_TRIPS ? u->ntrips : UNIT_TRIPS;
    if (n == 0)
        return;
    memcpy(sorted, u->trips_us, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    t->rtt_min_us = sorted[0];
    t->rtt_median_us = sorted[n / 2];
    t->rtt_p99_us = sorted[(n * 99 + 99) / 100 - 1];
}

static void tell_unit(struct bus *b, struct unit *u, int64_t in_us)
{
    struct bus_message m = {.kind = BUS_TALLY, .device = bus_place(b, u)};
    m.u.tally =
        (struct bus_tally){.requests = (uint32_t)u->tally.requests,
                           .answers = (uint32_t)u->tally.answers,
                           .no_answer = (uint32_t)u->tally.no_answer,
                           .garbled = (uint32_t)u->tally.garbled,
                           .exceptions = (uint32_t)u->tally.exceptions,
                           .share_permille = (int)((u->tally.busy_us - u->tally.told_us) * 1000 / in_us)};
    u->tally.told_us = u->tally.busy_us;
    trips(u, &m.u.tally);
    bus_say(b, &m);
}

/* What a unit's schedule needs of the bus, in thousandths, at what its questions have cost so far. One in
 * quarantine needs what it takes. */
static double needed(const struct unit *u)
{
    double cost_us = u->tally.requests ? (double)u->tally.busy_us / (double)u->tally.requests : 0, all = 0;
    for (int i = 0; i < u->nreads && !u->quarantined; i++)
        all += cost_us * clock_rate() / (double)u->reads[i].period_ms;
    return all;
}

/* The least that its schedule takes: frames and silences. */
static double wire(const struct bus_config *config, const struct unit *u)
{
    double all = 0;
    for (int i = 0; i < u->nreads && !u->quarantined; i++) {
        const struct request r = unit_planned(u, i);
        all += (double)line_exchange_us(config, &r, u->turnaround_us) * clock_rate() /
               (double)u->reads[i].period_ms;
    }
    return all;
}

void bus_tell_tallies(struct bus *b, int64_t now_us)
{
    if (now_us < b->tally_us)
        return;
    double sum = 0, least = 0;
    int64_t busy_us = (int64_t)atomic_load(&b->busy_us);
    for (int i = 0; i < b->config->ndevices; i++) {
        if (b->tally_us)
            tell_unit(b, &b->units[i], now_us - b->tallied_us);
        sum += needed(&b->units[i]);
        least += wire(b->config, &b->units[i]);
    }
    struct bus_message m = {.kind = BUS_LOAD};
    m.u.load = (struct bus_load){.needed_permille = (int)sum,
                                 .wire_permille = (int)least,
                                 .late_slots = (uint32_t)atomic_load(&b->late_slots)};
    if (b->tally_us) {
        m.u.load.load_permille = (int)((busy_us - b->told_us) * 1000 / (now_us - b->tallied_us));
        bus_say(b, &m);
    }
    b->told_us = busy_us;
    b->tallied_us = now_us;
    b->tally_us = now_us + TALLY_US;
}
