/* Reading: one request of a unit's plan, the samples of its points, and what the outcome means for the unit.
 */
#include "drivers/bus_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "drivers/bus.h"
#include "drivers/decode.h"
#include "drivers/line.h"
#include "drivers/unit.h"

#include <errno.h>
#include <math.h>
#include <string.h>

enum { EXCEPTION_ADDRESS = 2, EXCEPTION_VALUE = 3 };

static void say_device(struct bus *b, const struct unit *u, int rtt_us)
{
    struct bus_message m = {.kind = BUS_DEVICE, .device = bus_place(b, u)};
    m.u.device.at_ms = clock_site_ms();
    m.u.device.state = u->reported;
    m.u.device.why = (uint8_t)(u->reported == DEVICE_UP ? WHY_NONE : u->why);
    m.u.device.exception = u->reported == DEVICE_UP ? 0 : u->exception;
    m.u.device.rtt_us = rtt_us;
    bus_say(b, &m);
}

static struct sample sample_of(const struct unit *u, int point, const struct line_answer *a, int64_t at_ms)
{
    const struct point *p = &u->device->profile->points[point];
    const struct request *r = &u->reads[u->read_of[point]].request;
    struct sample s = {.at_ms = at_ms, .point = (uint16_t)point, .value = NAN};
    if (a->why == WHY_NONE && a->values) {
        s.nreg = (uint8_t)point_registers(p);
        memcpy(s.reg, a->values + (p->address - r->address), s.nreg * sizeof *s.reg);
        decode_point(p, &s);
        return s;
    }
    s.quality = a->why == WHY_EXCEPTION ? QUALITY_FAULT
                : a->why == WHY_LENT    ? QUALITY_MAINTENANCE
                                        : QUALITY_NO_COMMUNICATION;
    s.why = (uint8_t)a->why;
    s.exception = a->exception;
    return s;
}

/* One sample for each point of a read, main is woken by the last; whether one of them is a spike. */
static bool say_samples(struct bus *b, struct unit *u, int read, const struct line_answer *a)
{
    int64_t now = clock_site_ms();
    bool spike = false;
    int last = u->device->profile->npoints - 1;
    while (last > 0 && u->read_of[last] != read)
        last--;
    for (int i = 0; i <= last; i++) {
        if (u->read_of[i] != read)
            continue;
        struct bus_message m = {.kind = BUS_SAMPLE, .device = bus_place(b, u)};
        m.u.sample = sample_of(u, i, a, now);
        spike = unit_spikes(u, i, m.u.sample.value) || spike;
        if (i < last)
            bus_add(b, &m);
        else
            bus_say(b, &m);
    }
    return spike;
}

static void slot_done(struct bus *b, struct unit *u, int read, int64_t now_ms)
{
    if (!bus_heed_clock(b))
        atomic_fetch_add(&b->late_slots, (uint64_t)unit_slot_done(u, read, now_ms));
}

/* All that is due has come to nothing. */
static void fail_due(struct bus *b, struct unit *u, const struct line_answer *a, int64_t now_ms)
{
    for (int read = unit_due(u, now_ms); read >= 0; read = unit_due(u, now_ms)) {
        say_samples(b, u, read, a);
        slot_done(b, u, read, clock_site_ms() > now_ms ? clock_site_ms() : now_ms);
        if (u->reads[read].next_ms <= now_ms) /* late by more than its period: again in the next turn */
            return;
    }
}

static bool answered(const struct line_answer *a)
{
    return a->why == WHY_NONE || a->why == WHY_EXCEPTION;
}

static void count(struct bus *b, struct unit *u, const struct line_answer *a)
{
    struct unit_tally *t = &u->tally;
    struct {
        atomic_uint_fast64_t *all;
        uint64_t *own;
    } of[WHY__COUNT] = {
        [WHY_NONE] = {&b->answers, &t->answers},
        [WHY_NO_ANSWER] = {&b->no_answer, &t->no_answer},
        [WHY_GARBLED] = {&b->garbled, &t->garbled},
        [WHY_EXCEPTION] = {&b->exceptions, &t->exceptions},
    };
    atomic_fetch_add(&b->requests, 1);
    atomic_fetch_add(&b->turns, 1);
    t->requests++;
    if (of[a->why].all) {
        atomic_fetch_add(of[a->why].all, 1);
        (*of[a->why].own)++;
    }
    if (!answered(a))
        return;
    unit_tripped(u, a->rtt_us, a->think_us);
    atomic_store(&b->rtt_us, a->rtt_us);
    b->reopen_gap = 0;
}

static void spend(struct bus *b, struct unit *u, int64_t since_us)
{
    int64_t us = clock_wire_us() - since_us;
    atomic_fetch_add(&b->busy_us, (uint64_t)us);
    u->tally.busy_us += us;
}

/* A unit has an answer of some length on its way, to whomever, or has it no more. */
static void hear(const struct frame_heard *heard, void *bus)
{
    struct bus *b = bus;
    int64_t now_us = clock_wire_us();
    for (int i = 0; i < b->config->ndevices; i++) {
        struct unit *u = &b->units[i];
        if (u->device->unit_id != heard->unit)
            continue;
        if (heard->question)
            unit_overheard(u, heard->table, heard->bytes, now_us);
        else
            unit_heard_late(u, heard->table, heard->bytes, now_us);
    }
}

void bus_hush(struct bus *b, struct unit *u)
{
    int64_t from_us = clock_wire_us();
    line_hush(b->line, u->turnaround_us, unit_timeout_us(u));
    line_each_heard(b->line, hear, b);
    spend(b, u, from_us);
}

void bus_ask(struct bus *b, struct unit *u, const struct line_question *q, struct line_answer *a)
{
    int64_t from_us = clock_wire_us();
    b->asked_us = from_us;
    line_ask(b->line, q, a);
    if (a->why != WHY_JAMMED)
        count(b, u, a);
    spend(b, u, from_us);
    if (a->why == WHY_LINE)
        bus_lose_line(b, a->error);
}

static void ask_part(struct bus *b, struct unit *u, const struct request *part, struct line_answer *a)
{
    int64_t now_us = clock_wire_us();
    struct line_question q = {.unit = u->device->unit_id,
                              .request = part,
                              .timeout_us = unit_timeout_us(u),
                              .turnaround_us = u->turnaround_us};
    bus_ask(b, u, &q, a);
    unit_asked(u, part, a->why, a->spoken, now_us);
}

/* Before a further part: another master may have asked for as much meanwhile. */
static bool still_free(struct bus *b, struct unit *u, const struct request *part)
{
    bus_hush(b, u);
    return !unit_owes(u, part);
}

/* Asks what stands for one read of the plan, and puts the parts together; `sent` is the last one. False when
 * that must wait, because a late answer could not be told from its own. */
static bool ask(struct bus *b, struct unit *u, int read, struct request *sent, struct line_answer *a)
{
    *a = (struct line_answer){.why = WHY_LINE};
    const struct request planned = unit_planned(u, read);
    *sent = planned;
    bool ready = b->state != LINE_JAMMED && bus_line_ready(b);
    if (b->state == LINE_JAMMED)
        a->why = WHY_JAMMED;
    if (!ready || a->why == WHY_JAMMED)
        return true;
    struct request parts[UNIT_PARTS_MAX];
    bus_hush(b, u);
    int n = unit_shape(u, &planned, clock_wire_us(), parts);
    a->why = n == 0 ? WHY_NO_ANSWER : WHY_NONE;
    for (int i = 0; i < n && a->why == WHY_NONE; i++) {
        *sent = parts[i];
        if (i > 0 && !still_free(b, u, sent)) {
            a->why = WHY_NO_ANSWER;
            return false;
        }
        ask_part(b, u, sent, a);
        if (n > 1 && a->why == WHY_NONE)
            memcpy(b->values + (sent->address - planned.address), a->values, sent->count * sizeof *b->values);
    }
    if (n > 1)
        a->values = b->values;
    return n > 0;
}

/* A unit may refuse registers in the gaps between its points, or beyond them. */
static bool refused(struct bus *b, struct unit *u, int read, const struct request *sent,
                    const struct line_answer *a)
{
    const struct request r = u->reads[read].request;
    if (a->why != WHY_EXCEPTION || (a->exception != EXCEPTION_ADDRESS && a->exception != EXCEPTION_VALUE) ||
        !unit_refused(u, read, sent))
        return false;
    if (sent->count == r.count)
        log_info(
            "bus %s: %s refuses %u registers at %u in one request (exception %u); reads each point alone",
            b->config->name, u->device->name, r.count, r.address, a->exception);
    return true;
}

void bus_heed(struct bus *b, struct unit *u, const struct line_answer *a)
{
    int late_us = unit_late_us(u);
    int64_t from_us = clock_wire_us();
    bool jammed = line_is_jammed(b->line) && !answered(a);
    if (unit_take(u, jammed ? WHY_JAMMED : a->why, a->exception, from_us))
        say_device(b, u, a->rtt_us);
    bool open = line_is_open(b->line);
    line_settle(b->line, late_us);
    if (open && !line_is_open(b->line) && b->config->transport == TRANSPORT_RTU)
        bus_lose_line(b, EIO); /* pulled out while we listened */
    bus_heed_jam(b);
    line_each_heard(b->line, hear, b);
    spend(b, u, from_us);
    if (u->probe_for_us)
        quarantine_spent(&b->quarantine, u, answered(a) ? 0 : clock_wire_us() - b->asked_us);
}

void bus_read(struct bus *b, struct unit *u, int read, int64_t now_ms)
{
    struct line_answer a = {.why = u->why, .exception = u->exception};
    if (b->lent)
        a = (struct line_answer){.why = WHY_LENT};
    if (b->lent || (b->state == LINE_UP && !quarantine_lets(&b->quarantine, b->units, b->config->ndevices, u,
                                                            clock_wire_us(), now_ms))) {
        fail_due(b, u, &a, now_ms);
        return;
    }
    struct request sent;
    bool asked;
    do
        asked = ask(b, u, read, &sent, &a);
    while (asked && refused(b, u, read, &sent, &a));
    bool spike = say_samples(b, u, read, &a);
    slot_done(b, u, read, clock_site_ms() > now_ms ? clock_site_ms() : now_ms);
    if (asked && unit_gives_up(u, a.why, a.exception))
        fail_due(b, u, &a, now_ms);
    if (asked)
        bus_heed(b, u, &a);
    u->probe_for_us = 0;
    if (spike && b->out &&
        ask(b, u, read, &sent, &a)) { /* whether it is one, two samples say better than one */
        say_samples(b, u, read, &a);
        bus_heed(b, u, &a);
    }
}
