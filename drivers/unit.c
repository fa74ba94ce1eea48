/* A dead unit costs its time-out at every slot. So after two failures and three seconds it is quarantined:
 * only probed, one request at doubling gaps, and its slots report "no answer" without using the bus. One
 * answer restores it. An answer is an answer even when it is an exception: the unit lives. But a gateway's
 * "no answer from behind me" is none. */
#include "drivers/unit.h"

#include "daemon/base/err.h"
#include "drivers/frame.h"
#include "drivers/line.h"

#include <math.h>

enum {
    FAILURES_MOST = 2,
    QUARANTINE_AFTER_US = 3000000,
    PROBE_FIRST_US = 1000000,
    PROBE_LAST_US = 8000000,
    LISTEN_FACTOR = 2, /* after silence the line is listened to for a second time-out */
    THINK_FACTOR = 4,  /* waited for as long as four times what it has lately needed */
    THINK_FADES = 256, /* and of how long it thinks less: a unit may be slow once in minutes */
    EXCEPTION_GATEWAY_PATH = 0x0A,
    EXCEPTION_GATEWAY_TARGET = 0x0B
};

void unit_init(struct unit *u, const struct bus_config *bus, const struct device *d, int place, int places)
{
    const struct profile *profile = d->profile;
    *u = (struct unit){.device = d, .tagged = bus->transport == TRANSPORT_TCP, .think_us = -1};
    u->longest_us = 1000 * (profile->timeout_ms ? profile->timeout_ms : bus->timeout_ms);
    u->floor_us = bus->timeout_floor_ms ? 1000 * bus->timeout_floor_ms : u->longest_us;
    u->turnaround_us = 1000 * (profile->turnaround_ms ? profile->turnaround_ms : bus->turnaround_ms);
    u->phase_ms = d->period_ms * place / places;
    unit_plan(u, line_overhead_bytes(bus, u->turnaround_us));
}

void unit_start(struct unit *u, int64_t now_ms)
{
    for (int i = 0; i < u->nreads; i++) {
        int64_t period = u->reads[i].period_ms, over = (now_ms - u->phase_ms) % period;
        u->reads[i].next_ms = now_ms - over + (over < 0 ? 0 : period);
    }
}

int unit_due(const struct unit *u, int64_t now_ms)
{
    int first = -1;
    for (int i = 0; i < u->nreads; i++) {
        const struct unit_read *r = &u->reads[i], *best = first < 0 ? NULL : &u->reads[first];
        if (r->next_ms <= now_ms && (!best || r->next_ms + r->period_ms < best->next_ms + best->period_ms))
            first = i;
    }
    return first;
}

int64_t unit_next_ms(const struct unit *u)
{
    int64_t next = INT64_MAX;
    for (int i = 0; i < u->nreads; i++)
        next = u->reads[i].next_ms < next ? u->reads[i].next_ms : next;
    return next;
}

int unit_slot_done(struct unit *u, int read, int64_t now_ms)
{
    struct unit_read *r = &u->reads[read];
    r->next_ms += r->period_ms;
    if (now_ms < r->next_ms)
        return 0;
    int64_t missed = (now_ms - r->next_ms) / r->period_ms;
    r->next_ms += missed * r->period_ms;
    return missed > INT32_MAX ? INT32_MAX : (int)missed;
}

bool unit_is_stranded(const struct unit *u, int64_t now_ms)
{
    for (int i = 0; i < u->nreads; i++)
        if (u->reads[i].next_ms > now_ms + u->reads[i].period_ms)
            return true;
    return false;
}

bool unit_may_ask(const struct unit *u, int64_t now_us)
{
    return !u->quarantined || now_us >= u->probe_us;
}

int unit_quick_us(const struct unit *u)
{
    if (u->think_us < 0)
        return 0;
    return u->think_us > u->longest_us / THINK_FACTOR ? u->longest_us : THINK_FACTOR * u->think_us;
}

int unit_timeout_us(const struct unit *u)
{
    if (u->probe_for_us)
        return u->probe_for_us;
    int us = u->think_us < 0 ? u->longest_us : unit_quick_us(u);
    us = us < u->floor_us ? u->floor_us : us;
    return us < u->longest_us ? us : u->longest_us;
}

int unit_late_us(const struct unit *u)
{
    return u->quarantined ? unit_timeout_us(u) : LISTEN_FACTOR * u->longest_us;
}

void unit_tripped(struct unit *u, int trip_us, int think_us)
{
    u->trips_us[u->ntrips++ % UNIT_TRIPS] = trip_us;
    if (u->ntrips >= 2 * UNIT_TRIPS)
        u->ntrips -= UNIT_TRIPS;
    think_us = think_us < 0 ? 0 : think_us;
    u->think_us -= u->think_us / THINK_FADES;
    u->think_us = think_us > u->think_us ? think_us : u->think_us;
}

static bool from_a_gateway(enum why why, uint8_t exception)
{
    return why == WHY_EXCEPTION &&
           (exception == EXCEPTION_GATEWAY_PATH || exception == EXCEPTION_GATEWAY_TARGET);
}

static bool report(struct unit *u, enum device_state state)
{
    bool news = u->reported != state;
    u->reported = state;
    return news;
}

/* A device that comes (back) may have been opened meanwhile: its settings are read in its next slot, not only
 * when their hour is over. */
static void hurry_settings(struct unit *u)
{
    int64_t soon_ms = unit_next_ms(u);
    for (int i = 0; i < u->device->profile->npoints; i++)
        if (u->device->profile->points[i].watch)
            u->reads[u->read_of[i]].next_ms = soon_ms;
}

static bool take_answer(struct unit *u)
{
    u->failures = 0;
    u->quarantined = false;
    bool back = report(u, DEVICE_UP);
    if (back)
        hurry_settings(u);
    return back;
}

bool unit_take(struct unit *u, enum why why, uint8_t exception, int64_t now_us)
{
    if (why == WHY_NONE || (why == WHY_EXCEPTION && !from_a_gateway(why, exception)))
        return take_answer(u);
    u->why = why;
    u->exception = exception;
    if (why == WHY_LINE ||
        why == WHY_JAMMED) { /* not the unit's fault: it starts afresh when the line is back */
        u->failures = 0;
        u->quarantined = false;
        return report(u, DEVICE_DOWN);
    }
    if (u->failures++ == 0)
        u->failing_us = now_us;
    if (u->quarantined) {
        u->probe_gap = u->probe_gap * 2 > PROBE_LAST_US ? PROBE_LAST_US : u->probe_gap * 2;
        u->probe_us = now_us + u->probe_gap;
        return false;
    }
    if (u->failures < FAILURES_MOST || now_us - u->failing_us < QUARANTINE_AFTER_US)
        return false;
    u->quarantined = true;
    u->probe_gap = PROBE_FIRST_US;
    u->probe_us = now_us + u->probe_gap;
    return report(u, DEVICE_QUARANTINED);
}

bool unit_gives_up(const struct unit *u, enum why why, uint8_t exception)
{
    return why == WHY_NO_ANSWER || why == WHY_LINE || why == WHY_JAMMED || from_a_gateway(why, exception) ||
           (u->quarantined && why == WHY_GARBLED);
}

bool unit_spikes(struct unit *u, int point, double value)
{
    const struct point *p = &u->device->profile->points[point];
    double limit = p->spike, before = u->last[point];
    if (isnan(value))
        return false;
    u->last[point] = value;
    if (p->watch)
        return !(value == before); /* a change accuses somebody; so does one since the last run */
    return limit > 0 && fabs(value - before) > limit;
}
