/* The main thread's struct with a real store in a directory of its own, two buses that are only rings, one
 * broker that is a stub, and time that is a number. Commits go through rig_commit, which can refuse as a full
 * store does, or lose everything from a chosen one on as a power cut does. */
#ifndef DUST_PIPELINE_RIG_H
#define DUST_PIPELINE_RIG_H

#include "daemon/bus_now.h"
#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/judging.h"
#include "daemon/pipeline.h"
#include "daemon/registers.h"
#include "daemon/restore.h"
#include "daemon/uplink_now.h"
#include "drivers/bus.h"
#include "tests/unit/pipeline_site.h"
#include "tests/unit/pipeline_stubs.h"

enum { RIG_START_MIN = 29454240 };
#define RIG_START_MS ((int64_t)RIG_START_MIN * CLOCK_MINUTE_MS) /* 2026-01-01T16:00+08:00 */

struct rig {
    struct dustd d;
    char *dir;
    bool running;
    int64_t wire_us;
    int64_t since_ms;                /* of the simulated clock's origin, when the rig starts */
    int (*measure)(struct dustd *d); /* of the next start: the buses have their threads */
};

static struct config *rig_in_force = &rig_config; /* what the next start finds */

/* What daemon_run does before its loop, at site time now_ms. */
static inline void rig_start(struct rig *r, int64_t now_ms)
{
    struct dustd *d = &r->d;
    *d = (struct dustd){.config = rig_in_force};
    rig_in_force->store.dir = r->dir;
    stub.dead = stub.full = false;
    stub.until_death = 0;
    clock_simulate_since(now_ms, 1, clock_wire_us() - r->since_ms * 1000);
    clock_date();
    judging_open(d);
    alerts_create(d);
    d->now = mem_array((size_t)d->config->npoints, sizeof *d->now);
    d->said_bad = mem_array((size_t)d->config->npoints, sizeof *d->said_bad);
    d->registers = mem_array((size_t)d->config->npoints, sizeof *d->registers);
    d->devices = mem_array((size_t)d->config->ndevices, sizeof *d->devices);
    d->uplinks = mem_array((size_t)d->config->nmqtt, sizeof *d->uplinks);
    d->buses = mem_array((size_t)d->config->nbuses, sizeof *d->buses);
    d->person_uid = mem_array(2, sizeof *d->person_uid);
    d->person_uid[0] = 1001;
    d->person_uid[1] = (uid_t)-1;
    for (int i = 0; i < d->config->nbuses; i++) {
        d->buses[i].ring = ring_create(1024, sizeof(struct bus_message));
        d->buses[i].bus = (struct bus *)(void *)&restart; /* as below */
    }
    assert_int_equal(restore_all(d, r->measure), ERR_OK);
    d->step_boot_us = 0; /* the turns have a wire time of their own */
    for (int i = 0; i < d->config->nmqtt; i++) {
        struct uplink_now *u = &d->uplinks[i];
        u->mqtt = (struct mqtt *)(void *)&stub; /* the stubs look only whether there is one */
        u->ring = ring_create(64, sizeof(struct mqtt_event));
        u->own = &d->config->mqtt[i];
        u->asker = ASKER_UPLINK | ++d->uplinks_started;
        u->connected = true;
    }
    health_open(d);
    stub.committed = d->committed;
    r->running = true;
}

/* Drops the struct as it is; what was handed to the store reaches the disk unless the stub is dead. */
static inline void rig_kill(struct rig *r)
{
    struct dustd *d = &r->d;
    store_stop(d->store, 20000);
    alerts_free(d);
    judging_close(d);
    seal_close(d);
    health_close(d);
    batch_finish(&d->batch);
    for (int i = 0; i < d->config->nbuses; i++)
        ring_destroy(d->buses[i].ring);
    for (int i = 0; i < d->config->nmqtt; i++)
        ring_destroy(d->uplinks[i].ring);
    for (int i = 0; i < d->nleaving; i++)
        ring_destroy(d->leaving[i].ring);
    for (int i = 0; i < d->nremoved; i++)
        mem_free(d->removed[i]);
    page_free(d->hold.page);
    again_finish(&d->again);
    reported_finish(&d->reported);
    clean_finish(&d->clean);
    unsaid_finish(&d->unsaid);
    json_decref(d->last_run);
    void *const owned[] = {d->registers, d->now,     d->said_bad,   d->devices, d->uplinks,
                           d->buses,     d->told,    d->person_uid, d->samples, d->handed,
                           d->heads,     d->leaving, d->removed,    d->cursors};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        mem_free(owned[i]);
    r->running = false;
}

static inline void rig_sample(struct rig *r, int point, int64_t at_ms, double value)
{
    struct bus_message m = {.kind = BUS_SAMPLE};
    m.u.sample =
        (struct sample){.at_ms = at_ms,
                        .quality = (uint8_t)(isnan(value) ? QUALITY_NO_COMMUNICATION : QUALITY_NORMAL),
                        .why = (uint8_t)(isnan(value) ? WHY_NO_ANSWER : WHY_NONE),
                        .nreg = (uint8_t)(isnan(value) ? 0 : 1),
                        .reg = {isnan(value) ? 0 : (uint16_t)value},
                        .value = value};
    assert_int_equal(ring_push(r->d.buses[point].ring, &m), ERR_OK);
}

static inline void rig_mark(struct rig *r, int bus, int64_t mark_ms)
{
    struct bus_message m = {.kind = BUS_MARK, .u.mark_ms = mark_ms};
    assert_int_equal(ring_push(r->d.buses[bus].ring, &m), ERR_OK);
}

/* One turn of the loop at site time now_ms, wire_ms after the last one. */
static inline void rig_turn(struct rig *r, int64_t now_ms, int64_t wire_ms)
{
    r->wire_us += wire_ms * 1000;
    for (int i = 0; i < r->d.config->nbuses; i++)
        pipeline_bus(&r->d, i);
    pipeline_turn(&r->d, now_ms, r->wire_us);
    batch_flush(&r->d);
    batch_store(&r->d);
}

/* Seconds of both buses from `from_ms` on: a sample and a mark each, and a turn after it. */
static inline void rig_seconds(struct rig *r, int64_t from_ms, int seconds, double value)
{
    for (int s = 0; s < seconds; s++) {
        int64_t at_ms = from_ms + (int64_t)s * CLOCK_SECOND_MS;
        for (int i = 0; i < RIG_POINTS; i++) {
            rig_sample(r, i, at_ms + 37, value);
            rig_mark(r, i, at_ms + CLOCK_SECOND_MS);
        }
        rig_turn(r, at_ms + CLOCK_SECOND_MS, CLOCK_SECOND_MS);
    }
}

/* A number of a row's body; 0 without it. */
static inline int64_t rig_member(const char *body, const char *name)
{
    json_t *j = json_loads(body, 0, NULL);
    int64_t value = json_integer_value(json_object_get(j, name));
    json_decref(j);
    return value;
}

/* Takes the store's word until nothing waits. */
static inline void rig_settle(struct rig *r)
{
    for (int i = 0; r->d.committed < r->d.head.seq || r->d.nhanded; i++) {
        assert_in_range(i, 0, 4000);
        struct pollfd p = {.fd = ring_fd(store_ring(r->d.store)), .events = POLLIN};
        poll(&p, 1, 5);
        batch_store(&r->d);
        batch_flush(&r->d); /* what a full store refused */
    }
}

static inline int rig_setup(void **state)
{
    struct rig *r = mem_new(struct rig);
    log_open("test", LOG_LEVEL_ERROR);
    json_set_alloc_funcs(mem_bytes, mem_free);
    clock_simulate_unsynced(INT64_MIN, "");
    rig_config.clock.require_sync = false;
    help_in_memory();
    r->dir = help_dir();
    r->wire_us = 1000000;
    memset(&restart, 0, sizeof restart);
    memset(&orders, 0, sizeof orders);
    orders.room = RIG_ORDERS;
    rig_in_force = &rig_config;
    stub.commits = stub.now_messages = stub.ready = stub.rows = stub.waiting = 0;
    rig_start(r, RIG_START_MS);
    *state = r;
    return 0;
}

static inline int rig_teardown(void **state)
{
    struct rig *r = *state;
    if (r->running)
        rig_kill(r);
    help_dir_remove(r->dir);
    for (int i = 0; i < RIG_SAID; i++) {
        mem_free(stub.payload[i]);
        stub.payload[i] = NULL;
    }
    mem_free(r);
    return 0;
}

/* ---- what is on the disk, once the rig is killed ---- */

struct rig_rows {
    const char *kind;
    int n;
    int64_t at_ms, seq;      /* of the last */
    const char *has;         /* counts only bodies that hold this */
    char body[ROW_BODY_MAX]; /* of the last */
};

static inline void rig_count_row(const struct row *row, void *arg)
{
    struct rig_rows *rows = arg;
    if (rows->has && !strstr(row->body, rows->has))
        return;
    rows->n++;
    rows->at_ms = row->at_ms;
    rows->seq = row->seq;
    snprintf(rows->body, sizeof rows->body, "%s", row->body);
}

/* Kills the rig first, if it runs. */
static inline struct rig_rows rig_rows(struct rig *r, const char *kind, const char *has)
{
    if (r->running) {
        rig_settle(r);
        rig_kill(r);
    }
    struct store *s;
    struct store_opened opened;
    struct rig_rows rows = {.kind = kind, .has = has};
    assert_int_equal(store_open(r->dir, false, &s, &opened), ERR_OK);
    assert_int_equal(store_scan_rows(s, kind, INT64_MIN, rig_count_row, &rows), ERR_OK);
    store_stop(s, 0);
    return rows;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)

#endif
