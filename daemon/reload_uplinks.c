/* Brokers over a reload: one that ends is not waited for, its cursor goes to its successor or is remembered
 * until it is configured again. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/now.h"
#include "daemon/reload.h"
#include "daemon/reload_inside.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"

#include <stdio.h>
#include <string.h>

int reload_uplink_prepare(const struct dustd *d, const struct change *c, int i)
{
    struct uplink_now *u = &c->uplink_now[i];
    u->ring = ring_create(MQTT_RING, sizeof(struct mqtt_event));
    u->own = &c->is->mqtt[i];
    u->mqtt = u->ring ? mqtt_prepare(u->own, c->is->site.name, d->head.id, u->ring) : NULL;
    if (!u->mqtt)
        return ERR_IO;
    u->held = config_keep(c->is);
    u->waits = true;
    return ERR_OK;
}

/* The cursor of a broker that is not configured: remembered until it is again. */
static void remember_cursor(struct dustd *d, const char *name, const struct uplink_now *u)
{
    int i = 0;
    while (i < d->ncursors && strcmp(d->cursors[i].uplink, name) != 0)
        i++;
    if (i == d->ncursors) {
        d->cursors = mem_resize(d->cursors, (size_t)d->ncursors + 1, sizeof *d->cursors);
        d->cursors[d->ncursors++] = (struct store_cursor){.seq = 0};
        snprintf(d->cursors[i].uplink, sizeof d->cursors[i].uplink, "%s", name);
    }
    struct store_cursor *c = &d->cursors[i];
    c->seq = u->taken > c->seq ? u->taken : c->seq;
    c->lost = u->lost > c->lost ? u->lost : c->lost;
    d->cursor_left = true;
}

static struct store_cursor recall_cursor(struct dustd *d, const char *name)
{
    for (int i = 0; i < d->ncursors; i++) {
        if (strcmp(d->cursors[i].uplink, name) != 0)
            continue;
        struct store_cursor cursor = d->cursors[i];
        d->cursors[i] = d->cursors[--d->ncursors];
        return cursor;
    }
    return (struct store_cursor){0};
}

void reload_uplinks_end(struct dustd *d, const struct change *c)
{
    for (int i = 0; i < d->config->nmqtt; i++) {
        struct uplink_now *u = &d->uplinks[i];
        int k = 0;
        while (k < c->is->nmqtt && !(c->brokers[k] == i && c->broker_kept[k]))
            k++;
        if (k < c->is->nmqtt)
            continue;
        mqtt_stop(u->mqtt);
        if (!change_keeps(c->brokers, c->is->nmqtt, i))
            remember_cursor(d, u->own->name, u);
        d->leaving = mem_resize(d->leaving, (size_t)d->nleaving + 1, sizeof *d->leaving);
        d->leaving[d->nleaving++] = *u;
    }
}

void reload_uplinks_start(struct dustd *d, struct change *c)
{
    for (int i = 0; i < c->is->nmqtt; i++) {
        struct uplink_now *u = &c->uplink_now[i];
        if (c->broker_kept[i]) {
            *u = d->uplinks[c->brokers[i]];
            continue;
        }
        if (c->brokers[i] >= 0) {
            const struct uplink_now *before = &d->uplinks[c->brokers[i]];
            u->taken = before->taken;
            u->handed = before->handed;
            u->persisted = before->persisted;
            u->lost = before->lost;
        } else {
            struct store_cursor cursor = recall_cursor(d, c->is->mqtt[i].name);
            u->taken = u->handed = u->persisted = cursor.seq;
            u->lost = cursor.lost;
        }
        u->asker = ASKER_UPLINK | ++d->uplinks_started;
        mqtt_committed(u->mqtt, d->committed);
    }
    mem_free(d->uplinks);
    d->uplinks = c->uplink_now;
    c->uplink_now = NULL;
}

/* Its last word on its cursor; to its successor, when it has one. */
static void bury(struct dustd *d, struct uplink_now *u)
{
    const char *name = u->own->name;
    now_last(d, u);
    int i = 0;
    while (i < d->config->nmqtt && strcmp(d->config->mqtt[i].name, name) != 0)
        i++;
    if (i == d->config->nmqtt)
        remember_cursor(d, name, u);
    else if (u->taken > d->uplinks[i].taken)
        d->uplinks[i].taken = u->taken;
    ring_destroy(u->ring);
    config_free(u->held);
}

static bool join_leaving(struct dustd *d, int64_t until_us)
{
    int left = 0;
    for (int i = 0; i < d->nleaving; i++) {
        int64_t wait_us = until_us - clock_wire_us();
        if (mqtt_join(d->leaving[i].mqtt, wait_us > 0 ? (int)(wait_us / 1000) : 0))
            bury(d, &d->leaving[i]);
        else
            d->leaving[left++] = d->leaving[i];
    }
    d->nleaving = left;
    return left == 0;
}

/* A successor waits until all that are leaving have left: two connections with one client id would throw each
 * other out. */
void reload_turn(struct dustd *d)
{
    if (!join_leaving(d, 0))
        return;
    for (int i = 0; i < d->config->nmqtt; i++) {
        struct uplink_now *u = &d->uplinks[i];
        if (!u->waits)
            continue;
        u->waits = false;
        mqtt_go(u->mqtt, u->taken);
    }
}

bool reload_end(struct dustd *d, int wait_ms)
{
    return join_leaving(d, clock_wire_us() + (int64_t)wait_ms * 1000);
}
