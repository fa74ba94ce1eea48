/* Reload: the new configuration is built whole and proven (read, checked, every thread and ring that it needs
 * is there), and only then takes the place of the old one, in one go between two turns of main's loop;
 * nothing of that can fail. A bus or broker that the new one leaves as it was keeps its thread, which goes on
 * reading the configuration it was started with: that one is kept as long. A bus of which only devices change
 * keeps its thread and its open line too, and the devices that do not change their slots. Everything else is
 * stopped and started anew. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/batches.h"
#include "daemon/bus_now.h"
#include "daemon/calibration.h"
#include "daemon/carry.h"
#include "daemon/config/broker.h"
#include "daemon/config/change.h"
#include "daemon/config/config.h"
#include "daemon/leave.h"
#include "daemon/ledger/ledger.h"
#include "daemon/libraries.h"
#include "daemon/now.h"
#include "daemon/options.h"
#include "daemon/people.h"
#include "daemon/pipeline.h"
#include "daemon/reload.h"
#include "daemon/reload_inside.h"
#include "daemon/rows.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"

#include <string.h>

enum { UNDO_MS = 5000 }; /* a thread that was never let go ends at once */

bool change_keeps(const int *before, int n, int k)
{
    for (int i = 0; i < n; i++)
        if (before[i] == k)
            return true;
    return false;
}

/* ---- prove ---- */

static int prepare_bus(const struct change *c, int i)
{
    struct bus_now *b = &c->bus_now[i];
    b->ring = ring_create(bus_ring_room(&c->is->buses[i]), sizeof(struct bus_message));
    if (b->ring && c->lines[i] >= 0)
        return ERR_OK;
    b->bus = b->ring ? bus_prepare(&c->is->buses[i], b->ring) : NULL;
    if (!b->bus)
        return ERR_IO;
    b->held = config_keep(c->is);
    return ERR_OK;
}

static void compare(const struct dustd *d, struct change *c)
{
    const struct config *was = d->config, *is = c->is;
    c->points = points_before(was, is);
    c->buses = buses_before(was, is);
    c->lines = lines_before(was, is);
    for (int i = 0; i < is->nbuses; i++)
        if (c->lines[i] >= 0 && d->buses[c->lines[i]].line != LINE_UP)
            c->lines[i] = -1; /* nothing is interrupted, and nobody waits for a connection to be made */
    c->devices = devices_before(was, is);
    c->brokers = brokers_before(was, is);
    c->broker_kept = mem_array((size_t)is->nmqtt, sizeof *c->broker_kept);
    for (int i = 0; i < is->nmqtt; i++) {
        int k = c->brokers[i];
        c->broker_kept[i] = k >= 0 && same_broker(&was->mqtt[k], &is->mqtt[i]);
    }
    c->gone = mem_array((size_t)was->npoints, sizeof *c->gone);
    for (int i = 0; i < was->npoints; i++) {
        c->gone[i] = !change_keeps(c->points, is->npoints, i);
        c->any_gone = c->any_gone || c->gone[i];
    }
}

/* Whether points that are taken out can end now: that takes rows with a date, and room for a raw block. */
static int check_gone(const struct dustd *d, const struct change *c, struct complaint *why)
{
    const char *not_now = d->hold.undated ? "what was measured of them has no date before the clock is right"
                          : d->hold.late  ? "what was held of them is being told: try again"
                          : d->batch.raw  ? "the disk takes nothing at the moment: try again"
                                          : NULL;
    if (!c->any_gone || !not_now)
        return ERR_OK;
    snprintf(why->text, sizeof why->text, "%s: points are taken out, but %s", c->is->file, not_now);
    return ERR_STATE;
}

/* A bus that is lent is not ours to end or to open. */
static int check_lent(const struct dustd *d, const struct change *c, struct complaint *why)
{
    for (int i = 0; i < d->config->nbuses; i++) {
        const struct loan *loan = &d->buses[i].loan;
        if (loan->state == LOAN_NONE || change_keeps(c->buses, c->is->nbuses, i))
            continue;
        snprintf(why->text, sizeof why->text, "%s: bus %s changes, but it is lent to %s: try again later",
                 c->is->file, d->config->buses[i].name, loan->by);
        return ERR_STATE;
    }
    return ERR_OK;
}

static int prove(const struct dustd *d, struct change *c, struct complaint *why)
{
    const struct config *is = c->is;
    c->bus_now = mem_array((size_t)is->nbuses, sizeof *c->bus_now);
    c->uplink_now = mem_array((size_t)is->nmqtt, sizeof *c->uplink_now);
    int rc = ERR_OK;
    for (int i = 0; i < is->nbuses && rc == ERR_OK; i++)
        if (c->buses[i] < 0)
            rc = prepare_bus(c, i);
    for (int i = 0; i < is->nmqtt && rc == ERR_OK; i++)
        if (!c->broker_kept[i])
            rc = reload_uplink_prepare(d, c, i);
    if (rc == ERR_OK && !(c->channels = alerts_prepare(d, c->is)))
        rc = ERR_IO;
    if (rc != ERR_OK)
        snprintf(why->text, sizeof why->text, "%s: no thread or descriptor is to be had for it", is->file);
    return rc;
}

/* What was prepared, for a configuration that does not come. */
static void undo(struct change *c)
{
    for (int i = 0; c->bus_now && i < c->is->nbuses; i++) {
        struct bus_now *b = &c->bus_now[i];
        if (b->bus) {
            bus_stop(b->bus);
            bus_join(b->bus);
            config_free(b->held);
        }
        ring_destroy(b->ring);
    }
    for (int i = 0; c->uplink_now && i < c->is->nmqtt; i++) {
        struct uplink_now *u = &c->uplink_now[i];
        if (u->mqtt) {
            mqtt_stop(u->mqtt);
            mqtt_join(u->mqtt, UNDO_MS);
            config_free(u->held);
        }
        ring_destroy(u->ring);
    }
    alerts_undo(c->is, c->channels);
    config_free(c->is);
}

static void forget(struct change *c)
{
    void *const lists[] = {c->points,      c->buses, c->lines,   c->devices,   c->brokers,
                           c->broker_kept, c->gone,  c->bus_now, c->uplink_now};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        mem_free(lists[i]);
}

/* ---- take over ---- */

enum fate { STAYS, PAUSES, ENDS };

static enum fate fate_of(const struct change *c, int bus)
{
    return change_keeps(c->buses, c->is->nbuses, bus)   ? STAYS
           : change_keeps(c->lines, c->is->nbuses, bus) ? PAUSES
                                                        : ENDS;
}

/* What a bus has said until now is taken under the numbers it was said with. */
static void end_bus(struct dustd *d, int bus, enum fate fate)
{
    struct bus_now *b = &d->buses[bus];
    while (fate == PAUSES && !bus_stands(b->bus))
        pipeline_bus(d, bus); /* it may be waiting for room */
    if (fate == ENDS)
        bus_join(b->bus);
    pipeline_bus(d, bus);
    if (fate == STAYS)
        return;
    ring_destroy(b->ring);
    config_free(b->held);
    b->ring = NULL;
    b->bus = fate == ENDS ? NULL : b->bus;
}

/* Those that do not go on end, those that get other devices stand still. From here to start_buses nothing may
 * ask how they are. */
static void end_buses(struct dustd *d, const struct change *c)
{
    for (int i = 0; i < d->config->nbuses; i++) {
        enum fate fate = fate_of(c, i);
        if (fate == PAUSES)
            bus_pause(d->buses[i].bus);
        else if (fate == ENDS)
            bus_stop(d->buses[i].bus);
    }
    for (int i = 0; i < d->config->nbuses; i++)
        end_bus(d, i, fate_of(c, i));
}

/* All that is known of it stays true, but for its ring and the configuration that its thread reads. */
static void change_bus(const struct dustd *d, const struct change *c, int i)
{
    int was = c->lines[i];
    struct bus_now now = d->buses[was];
    now.ring = c->bus_now[i].ring;
    now.held = config_keep(c->is);
    c->bus_now[i] = now;
    int *before = places_before(&d->config->buses[was], &c->is->buses[i]);
    bus_change(now.bus, &c->is->buses[i], now.ring, before);
    mem_free(before);
}

static void start_buses(struct dustd *d, struct change *c)
{
    for (int i = 0; i < c->is->nbuses; i++) {
        if (c->buses[i] >= 0) {
            c->bus_now[i] = d->buses[c->buses[i]];
            continue;
        }
        if (c->lines[i] >= 0)
            change_bus(d, c, i);
        else
            c->bus_now[i].mark_ms = clock_site_ms(); /* it has said nothing of the time before */
        bus_go(c->bus_now[i].bus);
    }
    mem_free(d->buses);
    d->buses = c->bus_now;
    c->bus_now = NULL;
}

static bool hashes_differ(const struct config *a, const struct config *b)
{
    char x[65], y[65];
    config_hash(a, x);
    config_hash(b, y);
    return strcmp(x, y) != 0;
}

static void take_over(struct dustd *d, struct change *c, const struct author *by, bool changed)
{
    struct config *was = d->config;
    json_t *site = now_site_json(d, was), *site_now = now_site_json(d, c->is);
    int64_t now_ms = clock_site_ms();
    for (int i = 0; i < was->nmqtt; i++)
        now_uplink(d, i); /* whoever has just connected is told of everything: while all of it is there */
    end_buses(d, c);
    if (c->any_gone)
        leave_points(d, c->gone);
    carry_removed(d, c->is);
    reload_uplinks_end(d, c);
    reload_uplinks_start(d, c);
    alerts_take_over(d, c->is, c->channels);
    carry_cursors(d, c->is, c->brokers);
    carry_points(d, c->is, c->points);
    carry_devices(d, c->is, c->devices);
    start_buses(d, c);
    ledger_configure(d->ledger, c->is);
    d->config = c->is;
    people_lookup(d);
    health_reload(d);
    if (was->live_every_ms != c->is->live_every_ms)
        d->next_live_ms = now_ms;
    if (was->store.commit_every_ms != c->is->store.commit_every_ms)
        d->next_chunk_ms = now_ms;
    if (changed)
        row_settings(d, now_ms, by);
    if (!json_equal(site, site_now))
        now_site(d, -1);
    for (int i = 0; changed && i < d->config->ndevices; i++)
        now_device(d, -1, i); /* what it is certified by may be another */
    calibration_turn(d, now_ms);
    json_decref(site);
    json_decref(site_now);
    config_free(was);
    reload_turn(d);
    batch_flush(d);
}

static struct reloaded count(const struct change *c, bool changed)
{
    struct reloaded what = {.changed = changed, .buses = c->is->nbuses, .brokers = c->is->nmqtt};
    for (int i = 0; i < c->is->nbuses; i++)
        what.buses_kept += c->buses[i] >= 0 || c->lines[i] >= 0;
    for (int i = 0; i < c->is->nmqtt; i++)
        what.brokers_kept += c->broker_kept[i];
    return what;
}

static int check_restart(const struct dustd *d, const struct config *is, struct complaint *why)
{
    char text[300];
    if (!needs_restart(d->config, is, text, sizeof text))
        return ERR_OK;
    snprintf(why->text, sizeof why->text, "%s: %s", is->file, text);
    return ERR_STATE;
}

static int build(struct dustd *d, struct change *c, struct complaint *why)
{
    int rc = options_load(&d->options, &c->is, why);
    if (rc != ERR_OK)
        return rc;
    batch_flush(d);
    compare(d, c);
    rc = check_restart(d, c->is, why);
    if (rc == ERR_OK)
        rc = check_gone(d, c, why);
    if (rc == ERR_OK)
        rc = check_lent(d, c, why);
    if (rc == ERR_OK)
        rc = prove(d, c, why);
    if (rc != ERR_OK)
        undo(c);
    return rc;
}

int reload(struct dustd *d, const struct author *by, struct reloaded *what, struct complaint *why)
{
    struct change c = {0};
    notify_reloading(&d->notify, clock_wire_us());
    int rc = build(d, &c, why);
    if (rc == ERR_OK) {
        bool changed = hashes_differ(d->config, c.is);
        *what = count(&c, changed);
        take_over(d, &c, by, changed);
        log_info("%s: reloaded for %s: %s; %d of %d buses and %d of %d brokers went on", d->config->file,
                 by->name, changed ? "the settings have changed" : "nothing has changed", what->buses_kept,
                 what->buses, what->brokers_kept, what->brokers);
    } else {
        log_error("not reloaded, the settings before stay in force: %s", why->text);
    }
    forget(&c);
    libraries_settle();
    notify_ready(&d->notify);
    return rc;
}
