/* From samples to rows: the running minute, its end, what the judge says of it. */
#include "daemon/dustd.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/block.h"
#include "daemon/bus_now.h"
#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/judge/judge.h"
#include "daemon/judging.h"
#include "daemon/now.h"
#include "daemon/pipeline.h"
#include "daemon/registers.h"
#include "daemon/retention.h"
#include "daemon/rows.h"
#include "daemon/service.h"
#include "daemon/tell.h"
#include "drivers/trouble.h"

#include <math.h>
#include <string.h>

enum {
    LATEST_CLOSE_MS = 10000, /* wire time that a minute waits for a bus that says nothing */
    STEP_MS = 500,           /* a clock that moved by more was set */
    STATE_MS = 10 * CLOCK_MINUTE_MS,
    BUS_FULL_PERMILLE = 950,
    JUMP_MS = 10 * CLOCK_MINUTE_MS, /* a hole longer than this is one row, not empty minutes */
};

int pipeline_point(const struct config *c, const char *name)
{
    for (int i = 0; i < c->npoints; i++)
        if (strcmp(c->points[i].name, name) == 0)
            return i;
    return -1;
}

void pipeline_keep(struct dustd *d, const struct sample *s)
{
    if (shed_sample(d))
        return;
    if (d->nsamples == d->room) {
        d->room = d->room ? d->room * 2 : 256;
        d->samples = mem_resize(d->samples, d->room, sizeof *d->samples);
    }
    d->samples[d->nsamples++] = *s;
}

static void take_sample(struct dustd *d, const struct sample *s)
{
    if (s->at_ms < d->minute_ms && !d->hold.late && d->late_samples++ == 0)
        log_warning("a sample came after its minute was closed; it is kept, but in no mean");
    pipeline_keep(d, s);
    d->now[s->point] = *s;
    if (d->config->points[s->point].point->watch)
        registers_sample(d, s);
    if (!isnan(s->value))
        d->devices[d->config->points[s->point].device->index].value_ms = s->at_ms;
}

/* A bus that a reload has started anew tells what was known already. */
static void take_device(struct dustd *d, int device, const struct bus_message *m)
{
    struct device_now *now = &d->devices[device];
    bool first = now->state == DEVICE_UNKNOWN;
    now->rtt_us = m->u.device.rtt_us;
    if (now->state == m->u.device.state)
        return;
    now->state = m->u.device.state;
    now->since_ms = m->u.device.at_ms;
    now->why = m->u.device.why;
    now->exception = m->u.device.exception;
    const char *name = d->config->devices[device].name;
    if (now->state == DEVICE_UP)
        log_info("device %s: %s", name, first ? "answers" : "answers again");
    else if (now->state == DEVICE_QUARANTINED)
        log_warning("device %s: stopped answering: %s; quarantined, it is only probed now", name,
                    why_str(now->why));
    else
        log_warning("device %s: down: %s", name, why_str(now->why));
    row_device(d, m->u.device.at_ms, device);
    now_device(d, -1, device);
}

static void take_line(struct dustd *d, int index, const struct bus_message *m)
{
    struct bus_now *bus = &d->buses[index];
    const struct bus_config *config = &d->config->buses[index];
    struct trouble t = trouble_of(config->transport, m->u.line.error);
    bool had = bus->line == LINE_UP || bus->line == LINE_JAMMED;
    bus->line = m->u.line.state;
    bus->error = m->u.line.error;
    bus->since_ms = m->u.line.at_ms;
    if (bus->line == LINE_UP)
        log_info("bus %s: open", config->name);
    else if (bus->line == LINE_JAMMED)
        log_warning("bus %s: jammed: somebody talks on it without end; nothing is asked until it is quiet",
                    config->name);
    else
        log_warning("bus %s: %s: %s: %s%s%s; tried again until it works", config->name,
                    had ? "gone" : "cannot be opened",
                    config->transport == TRANSPORT_RTU ? config->path : config->host, t.text,
                    *t.advice ? "; " : "", t.advice);
    row_bus(d, m->u.line.at_ms, index);
}

/* Its thread may have read the clock just before that was found to be right. */
static void date_message(const struct dustd *d, struct bus_message *m)
{
    switch (m->kind) {
    case BUS_SAMPLE: m->u.sample.at_ms = hold_date(d, m->u.sample.at_ms); break;
    case BUS_MARK: m->u.mark_ms = m->u.mark_ms ? hold_date(d, m->u.mark_ms) : 0; break;
    case BUS_DEVICE: m->u.device.at_ms = hold_date(d, m->u.device.at_ms); break;
    case BUS_LINE: m->u.line.at_ms = hold_date(d, m->u.line.at_ms); break;
    case BUS_TALLY:
    case BUS_LOAD:
    case BUS_OBEYED:
    case BUS_LENT: break; /* without a stamp */
    }
}

/* A bus that cannot keep its schedule says so, once, and when it can again. */
static void take_load(struct dustd *d, int bus, const struct bus_load *load)
{
    struct bus_now *now = &d->buses[bus];
    const char *name = d->config->buses[bus].name;
    bool was = now->overloaded, much = load->needed_permille > BUS_FULL_PERMILLE;
    now->overloaded = much && (was || load->late_slots > now->load.late_slots);
    if (now->overloaded && !was)
        log_warning("bus %s: cannot keep its schedule: that needs %d %% of the line; read less often", name,
                    load->needed_permille / 10);
    else if (was && !now->overloaded)
        log_info("bus %s: keeps its schedule again (%d %% of the line)", name, load->needed_permille / 10);
    now->load = *load;
}

/* live_every 0: each reading is told at once. */
static void tell_readings(struct dustd *d, int bus)
{
    const struct bus_config *of = &d->config->buses[bus];
    for (int i = 0; i < of->ndevices; i++) {
        struct device_now *now = &d->devices[of->devices[i]->index];
        if (now->fresh && !d->config->live_every_ms && !d->hold.undated)
            now_live_of(d, of->devices[i]->index);
        now->fresh = false;
    }
}

void pipeline_bus(struct dustd *d, int bus)
{
    struct bus_message m;
    const struct device *const *devices = d->config->buses[bus].devices;
    ring_woken(d->buses[bus].ring);
    while (ring_pop(d->buses[bus].ring, &m) == ERR_OK) {
        date_message(d, &m);
        switch (m.kind) {
        case BUS_SAMPLE:
            m.u.sample.point = (uint16_t)(m.u.sample.point + devices[m.device]->first_point);
            take_sample(d, &m.u.sample);
            d->devices[devices[m.device]->index].fresh = true;
            break;
        case BUS_MARK: d->buses[bus].mark_ms = m.u.mark_ms; break;
        case BUS_DEVICE: take_device(d, devices[m.device]->index, &m); break;
        case BUS_LINE: take_line(d, bus, &m); break;
        case BUS_TALLY: d->devices[devices[m.device]->index].tally = m.u.tally; break;
        case BUS_LOAD: take_load(d, bus, &m.u.load); break;
        case BUS_OBEYED: lend_obeyed(d, bus, m.device, &m.u.obeyed); break;
        case BUS_LENT: lend_told(d, bus, m.u.lent); break;
        }
    }
    tell_readings(d, bus);
}

/* The raw block of the running minute into the batch; its samples leave, the next minute's stay. */
static void minute_block(struct dustd *d, int64_t from_ms, char hex[static 65])
{
    struct buf block = {0};
    uint8_t hash[HASH_SIZE];
    pipeline_block(d, from_ms, d->minute_ms + CLOCK_MINUTE_MS, true, &block);
    hash_bytes(block.data, block.length, hash);
    hash_hex(hash, hex);
    d->batch.raw_length = block.length;
    d->batch.raw = buf_take(&block);
}

/* The same when the store still has not taken the block before: the samples are judged and dropped. */
static void minute_without_block(struct dustd *d, int64_t from_ms)
{
    struct buf block = {0};
    size_t before = d->nsamples;
    pipeline_block(d, from_ms, d->minute_ms + CLOCK_MINUTE_MS, true, &block);
    buf_finish(&block);
    judge_minute(d->judge, d->means);
    judge_check(d->judge, d->minute_ms, d->means);
    int64_t seq = row_minute(d, d->minute_ms, d->means, NULL);
    shed_minute(d, d->minute_ms, before - d->nsamples, seq != 0);
}

static void minute_with_block(struct dustd *d, int64_t from_ms)
{
    char hex[65];
    minute_block(d, from_ms, hex);
    judge_minute(d->judge, d->means);
    judge_check(d->judge, d->minute_ms, d->means);
    d->batch.raw_seq = row_minute(d, d->minute_ms, d->means, hex);
    if (d->batch.raw_seq)
        return;
    mem_free(d->batch.raw); /* no row that would name it */
    d->batch.raw = NULL;
    shed_minute(d, d->minute_ms, 0, false);
}

/* Why a point of a unit that answers has no valid minute, said once; a unit that is down has been reported.
 */
static void say_quality(struct dustd *d)
{
    for (int i = 0; i < d->config->npoints; i++) {
        const struct sample *last = &d->now[i];
        if (d->config->points[i].point->watch)
            continue;
        bool bad = d->means[i].quality != QUALITY_NORMAL && d->means[i].quality != QUALITY_OVER_RANGE;
        bool up = d->devices[d->config->points[i].device->index].state == DEVICE_UP;
        if (bad && up && last->why && !d->said_bad[i])
            log_warning("%s: no valid minute: %s %.0d", d->config->points[i].name, why_str(last->why),
                        (int)last->exception);
        else if (!bad && d->said_bad[i])
            log_info("%s: valid again", d->config->points[i].name);
        else
            continue;
        d->said_bad[i] = bad;
    }
}

/* A minute without a date is held as its samples: it is cut anew once it has one. */
static void hold_minute(struct dustd *d, int64_t next_ms)
{
    batch_flush(d);
    hold_samples(d, INT64_MIN, d->minute_ms + CLOCK_MINUTE_MS);
    d->minute_ms = next_ms;
    batch_flush(d);
}

/* Of the samples, those from `from_ms` on. */
static void close_minute(struct dustd *d, int64_t from_ms, int64_t next_ms)
{
    int64_t start_ms = d->minute_ms;
    batch_flush(d);
    if (d->batch.raw)
        minute_without_block(d, from_ms);
    else
        minute_with_block(d, from_ms);
    judging_minute(d, start_ms);
    d->minute_ms = next_ms;
    say_quality(d);
    batch_flush(d);
}

void pipeline_close_minute(struct dustd *d, int64_t next_ms)
{
    if (d->hold.undated)
        hold_minute(d, next_ms);
    else
        close_minute(d, INT64_MIN, next_ms);
}

/* A minute may end when every bus has told all it knows of it; a bus that says nothing is not waited for
 * longer than its own time-outs allow. */
static bool minute_is_over(const struct dustd *d, int64_t now_ms)
{
    int64_t end_ms = d->minute_ms + CLOCK_MINUTE_MS;
    if (now_ms < end_ms)
        return false;
    if (d->hold.late)
        return true;
    if (now_ms >= end_ms + (int64_t)LATEST_CLOSE_MS * clock_rate())
        return true;
    for (int i = 0; i < d->config->nbuses; i++)
        if (d->buses[i].mark_ms < end_ms)
            return false;
    return true;
}

/* The running minute ends where it is, without what was read since the step; the minute to which that belongs
 * comes next, perhaps for the second time. What the buses said of the time before is void. */
static void step_back(struct dustd *d, int64_t now_ms)
{
    int64_t first_ms = now_ms;
    d->next_chunk_ms = d->next_live_ms = d->next_state_ms = now_ms;
    for (int i = 0; i < d->config->nbuses; i++)
        if (d->buses[i].mark_ms > now_ms)
            d->buses[i].mark_ms = 0;
    if (now_ms >= d->minute_ms || d->hold.late)
        return;
    for (size_t i = 0; i < d->nsamples; i++)
        if (d->samples[i].at_ms <= now_ms && d->samples[i].at_ms > now_ms - CLOCK_MINUTE_MS &&
            d->samples[i].at_ms < first_ms)
            first_ms = d->samples[i].at_ms;
    close_minute(d, now_ms + 1, clock_window_start(first_ms, CLOCK_MINUTE_MS, 0));
}

/* Site time against the time since the boot, suspend included, since the last turn: a difference means that
 * somebody set the clock. */
static void notice_step(struct dustd *d, int64_t now_ms, int64_t boot_us)
{
    int64_t step = now_ms - d->step_site_ms - (boot_us - d->step_boot_us) * clock_rate() / 1000;
    bool first = d->step_boot_us == 0;
    d->step_site_ms = now_ms;
    d->step_boot_us = boot_us;
    if (first || (step < (int64_t)STEP_MS * clock_rate() && step > -(int64_t)STEP_MS * clock_rate()))
        return;
    log_warning("the clock was set by %lld ms", (long long)step);
    row_clock(d, now_ms, step);
    if (step > 0)
        d->stepped_ms = step;
    else
        step_back(d, now_ms);
}

/* Where the minute after the running one starts. A long hole is skipped, but not what was measured in it
 * while a full store let no minute close. */
static int64_t next_minute(const struct dustd *d, int64_t now_ms)
{
    int64_t next_ms = d->minute_ms + CLOCK_MINUTE_MS;
    if (now_ms - next_ms <= (int64_t)JUMP_MS * clock_rate())
        return next_ms;
    int64_t jump_ms = clock_window_start(now_ms, CLOCK_MINUTE_MS, 0);
    for (size_t i = 0; i < d->nsamples; i++) {
        int64_t minute_ms = clock_window_start(d->samples[i].at_ms, CLOCK_MINUTE_MS, 0);
        if (minute_ms >= next_ms && minute_ms < jump_ms)
            jump_ms = minute_ms;
    }
    return jump_ms;
}

/* Minutes that there are none of: skipped by a clock that was set forward, or main did not run. */
static void say_hole(struct dustd *d, int64_t now_ms, int64_t from_ms, int64_t to_ms)
{
    bool set = d->stepped_ms > 0;
    d->stepped_ms = 0;
    if (!d->hold.undated && to_ms > from_ms)
        row_gap(d, d->hold.late ? clock_site_ms() : now_ms, from_ms, to_ms, set ? "clock" : "paused");
}

void pipeline_close_until(struct dustd *d, int64_t now_ms)
{
    /* with a block still in the batch the store takes no more: then minutes wait for an hour */
    while ((!d->batch.raw || shed_due(d, now_ms)) && minute_is_over(d, now_ms)) {
        int64_t end_ms = d->minute_ms + CLOCK_MINUTE_MS, next_ms = next_minute(d, now_ms);
        pipeline_close_minute(d, next_ms);
        if (!d->hold.undated)
            judge_advance(d->judge, d->minute_ms, judging_heard, d);
        say_hole(d, now_ms, end_ms, next_ms);
    }
}

void pipeline_turn(struct dustd *d, int64_t now_ms, int64_t boot_us)
{
    if (hold_turn(d, now_ms, boot_us))
        return;        /* now_ms was no date yet */
    if (!d->batch.raw) /* a step may end the minute; it is noticed as well when there is room again */
        notice_step(d, now_ms, boot_us);
    if (!d->hold.late)
        pipeline_close_until(d, now_ms);
    tell_turn(d, now_ms);
    retention_turn(d, now_ms);
    if (now_ms >= d->next_chunk_ms) {
        batch_chunk(d);
        d->next_chunk_ms = now_ms + d->config->store.commit_every_ms;
    }
    if (now_ms >= d->next_live_ms) {
        int64_t every_ms = d->config->live_every_ms;
        if (every_ms && !d->hold.undated)
            now_live(d);
        d->next_live_ms = now_ms + (every_ms ? every_ms : CLOCK_SECOND_MS);
    }
    if (now_ms >= d->next_state_ms) {
        now_state(d, -1);
        calibration_turn(d, now_ms);
        service_turn(d, now_ms);
        if (!d->hold.undated)
            now_issues(d, now_ms);
        d->next_state_ms = now_ms + STATE_MS;
    }
}
