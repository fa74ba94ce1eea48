#include "daemon/dustd.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/block.h"
#include "daemon/bus_now.h"
#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/now.h"
#include "daemon/registers.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"

#include <stdio.h>
#include <string.h>

enum {
    LOOK_EVERY_US = 100000,
    LONG_MIN = 60, /* without a date: worth a word */
    STEP_MS = 500, /* the clock was set */
};

/* ---- what the journal and the table say at start ---- */

void hold_known(struct hold *h, const char *boot, int64_t offset_ms)
{
    if (h->ndated == HOLD_BOOTS) { /* the oldest goes, never this one */
        int oldest = strcmp(h->dated[0].id, clock_boot_id()) == 0;
        h->ndated--;
        memmove(h->dated + oldest, h->dated + oldest + 1, (size_t)(h->ndated - oldest) * sizeof *h->dated);
    }
    struct dated_boot *b = &h->dated[h->ndated++];
    snprintf(b->id, sizeof b->id, "%s", boot);
    b->offset_ms = offset_ms;
}

void hold_entry(const struct held *entry, void *hold)
{
    struct hold *h = hold;
    if (!h->low)
        h->low = entry->number;
    h->next = entry->number + 1;
    h->last_stopped = strcmp(entry->kind, "stop") == 0;
    if (strcmp(entry->kind, "boot") == 0)
        snprintf(h->last_boot, sizeof h->last_boot, "%s", entry->boot);
}

bool hold_offset(const struct hold *h, const char *boot, int64_t *offset_ms)
{
    for (int i = h->ndated - 1; i >= 0; i--)
        if (boot[0] && strcmp(h->dated[i].id, boot) == 0) {
            *offset_ms = h->dated[i].offset_ms;
            return true;
        }
    return false;
}

/* ---- entries ---- */

static void add(struct dustd *d, struct held entry, int64_t number)
{
    struct batch *b = &d->batch;
    struct hold *h = &d->hold;
    if (!entry.kind[0] && shed_row(d, "minute", entry.length)) { /* rows were asked about before */
        mem_free(entry.data);
        return;
    }
    b->held = mem_resize(b->held, (size_t)b->nheld + 1, sizeof *b->held);
    entry.number = number;
    b->held[b->nheld++] = entry;
    if (h->next - h->low < h->most)
        return;
    b->held_done = h->low++;
    if (!h->said_full)
        log_error("%lld entries are held without a date: from now on the oldest are lost",
                  (long long)h->most);
    h->said_full = true;
}

void hold_row(struct dustd *d, int64_t at_ms, const char *kind, char *body)
{
    struct held entry = {.at_ms = at_ms, .data = body, .length = strlen(body)};
    snprintf(entry.boot, sizeof entry.boot, "%s", clock_boot_id());
    snprintf(entry.kind, sizeof entry.kind, "%s", kind);
    add(d, entry, d->hold.next++);
}

static struct held block_of(struct dustd *d, int64_t from_ms, int64_t end_ms, int64_t at_ms, const char *boot)
{
    struct buf block = {0};
    struct held entry = {.at_ms = at_ms};
    snprintf(entry.boot, sizeof entry.boot, "%s", boot);
    pipeline_block(d, from_ms, end_ms, false, &block);
    entry.length = block.length;
    entry.data = buf_take(&block);
    return entry;
}

void hold_samples(struct dustd *d, int64_t from_ms, int64_t end_ms)
{
    if (d->nsamples)
        add(d, block_of(d, from_ms, end_ms, d->minute_ms, clock_boot_id()), d->hold.next++);
}

/* ---- start ---- */

/* Samples that the run before left without a minute. Dated ones belong before everything that is held, and
 * wait there while there is no date; the others are the end of the newest held run. */
static void hold_leftover(struct dustd *d)
{
    int64_t dated_ms = INT64_MAX, undated_ms = INT64_MAX;
    for (size_t i = 0; i < d->nsamples; i++) {
        int64_t at_ms = d->samples[i].at_ms;
        int64_t *first = clock_is_dated(at_ms) ? &dated_ms : &undated_ms;
        *first = at_ms < *first ? at_ms : *first;
    }
    struct hold *h = &d->hold;
    d->chunked = d->nsamples;
    if (undated_ms != INT64_MAX)
        add(d, block_of(d, INT64_MIN, CLOCK_DATED_MS, undated_ms, h->last_boot), h->next++);
    if (dated_ms != INT64_MAX && h->undated)
        add(d, block_of(d, INT64_MIN, INT64_MAX, dated_ms, ""), --h->low);
}

void hold_decide(struct dustd *d)
{
    struct hold *h = &d->hold;
    int64_t ignored;
    h->undated =
        !hold_offset(h, clock_boot_id(), &ignored) && !clock_is_plausible(d->config->clock.require_sync);
    h->seen_ms = clock_offset_ms();
    h->since_us = clock_boot_us();
    if (h->undated) {
        clock_undate();
        log_warning(
            "the clock is not right yet: readings are held until it is, and nothing is judged or sent");
    } else {
        clock_date();
    }
}

void hold_begin(struct dustd *d)
{
    struct hold *h = &d->hold;
    bool any = h->low != 0;
    if (!any)
        h->low = h->next = HOLD_FIRST;
    h->most = HOLD_MOST;
    hold_leftover(d);
    if (!h->undated && (any || h->next > HOLD_FIRST))
        late_begin(d, clock_site_ms());
}

/* ---- the clock becomes right ---- */

static void date_now(struct dustd *d)
{
    int64_t offset_ms = d->hold.offset_ms;
    d->since_ms += offset_ms;
    for (int i = 0; i < d->config->npoints; i++) {
        if (d->now[i].at_ms)
            d->now[i].at_ms += offset_ms;
        if (d->registers[i].nreg && !clock_is_dated(d->registers[i].since_ms))
            d->registers[i].since_ms += offset_ms;
    }
    for (int i = 0; i < d->config->ndevices; i++)
        if (d->devices[i].state != DEVICE_UNKNOWN)
            d->devices[i].since_ms += offset_ms;
    for (int i = 0; i < d->config->nbuses; i++) {
        d->buses[i].since_ms += d->buses[i].since_ms ? offset_ms : 0;
        d->buses[i].mark_ms = 0;
    }
    for (int i = 0; i < d->config->nmqtt; i++)
        d->uplinks[i].since_ms += d->uplinks[i].since_ms ? offset_ms : 0;
    d->stuck_ms += d->stuck_ms ? offset_ms : 0;
}

static void give_date(struct dustd *d, int64_t now_ms)
{
    struct hold *h = &d->hold;
    char text[32];
    hold_samples(d, INT64_MIN, INT64_MAX);
    batch_flush(d);
    h->offset_ms = h->seen_ms = clock_offset_ms();
    clock_date();
    h->undated = false;
    now_ms += h->offset_ms;
    log_info("the clock is right: %s", clock_text(now_ms, d->config->site.zone_min, text));
    date_now(d);
    d->step_boot_us = 0;
    d->next_chunk_ms = d->next_live_ms = d->next_state_ms = now_ms;
    late_begin(d, now_ms);
    for (int i = 0; i < d->config->nmqtt; i++)
        now_all(d, i);
}

static void say_long(struct hold *h, int64_t boot_us)
{
    if (h->said || (boot_us - h->since_us) * clock_rate() / 1000 < (int64_t)LONG_MIN * CLOCK_MINUTE_MS)
        return;
    log_error(
        "the clock is not right since over an hour: readings are held, nothing is judged or sent. Is there a "
        "time server? (clock: require_sync)");
    h->said = true;
}

/* What failed for the date's sake, a certificate not valid yet, is worth another try. */
static void notice_set(struct dustd *d)
{
    int64_t offset_ms = clock_offset_ms(), moved_ms = offset_ms - d->hold.seen_ms;
    if (moved_ms < STEP_MS && moved_ms > -STEP_MS)
        return;
    d->hold.seen_ms = offset_ms;
    for (int i = 0; i < d->config->nmqtt; i++)
        mqtt_hurry(d->uplinks[i].mqtt);
}

bool hold_turn(struct dustd *d, int64_t now_ms, int64_t boot_us)
{
    struct hold *h = &d->hold;
    if (boot_us - h->seen_us >= LOOK_EVERY_US) {
        h->seen_us = boot_us;
        notice_set(d);
        if (h->undated && clock_is_plausible(d->config->clock.require_sync)) {
            give_date(d, now_ms);
            return true;
        }
        if (h->undated)
            say_long(h, boot_us);
    }
    if (h->late)
        late_turn(d);
    return false;
}

int64_t hold_date(const struct dustd *d, int64_t at_ms)
{
    return d->hold.undated || clock_is_dated(at_ms) ? at_ms : at_ms + d->hold.offset_ms;
}
