/* The main thread's struct with a real store in a directory of its own, two buses that are only rings, one
 * broker that is a stub, and time that is a number. Commits go through rig_commit, which can refuse as a full
 * store does, or lose everything from a chosen one on as a power cut does. */
#ifndef DUST_PIPELINE_RIG_H
#define DUST_PIPELINE_RIG_H

#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/inputs.h"
#include "daemon/options.h"
#include "daemon/required.h"
#include "tests/unit/store_help.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int rig_commit(struct store *s, struct batch *batch);
#define store_commit rig_commit
#include "daemon/batches.c"
#undef store_commit

enum { RIG_POINTS = 2, RIG_EVERY_MS = 5000, RIG_START_MIN = 29454240, RIG_SAID = 512 };
#define RIG_START_MS ((int64_t)RIG_START_MIN * CLOCK_MINUTE_MS) /* 2026-01-01T16:00+08:00 */

struct rig {
    struct dustd d;
    char *dir;
    bool running;
    int64_t wire_us;
    int64_t since_ms; /* of the simulated clock's origin, when the rig starts */
};

static struct { /* what the stubs do and have seen */
    bool full, dead;
    int until_death; /* commits; 0: none */
    int commits, now_messages;
    char topic[RIG_SAID][64];
    char *payload[RIG_SAID];
    int64_t committed, persisted, said_at; /* said_at: committed, when the last issue message came */
    int ready, rows, hurries;
} stub;

static int rig_commit(struct store *s, struct batch *batch)
{
    if (stub.full)
        return ERR_FULL;
    stub.dead = stub.dead || (stub.until_death && --stub.until_death == 0);
    stub.commits++;
    if (!stub.dead)
        return store_commit(s, batch);
    batch_finish(batch);
    return ERR_OK;
}

/* ---- the broker that is none ---- */

void mqtt_now(struct mqtt *m, const char *topic, const char *payload, int qos)
{
    (void)qos;
    assert_non_null(m);
    int i = stub.now_messages++ % RIG_SAID;
    snprintf(stub.topic[i], sizeof stub.topic[i], "%.60s", topic);
    mem_free(stub.payload[i]);
    stub.payload[i] = mem_string(payload);
    if (strncmp(topic, "issue/", 6) == 0)
        stub.said_at = stub.committed;
}

void mqtt_say(struct mqtt *m, const char *topic, const char *payload)
{
    mqtt_now(m, topic, payload, 1);
}

void mqtt_ready(struct mqtt *m)
{
    assert_non_null(m);
    stub.ready++;
}

void mqtt_hurry(struct mqtt *m)
{
    assert_non_null(m);
    stub.hurries++;
}

void mqtt_committed(struct mqtt *m, int64_t seq)
{
    (void)m;
    stub.committed = seq;
}

void mqtt_persisted(struct mqtt *m, int64_t seq)
{
    (void)m;
    stub.persisted = seq;
}

void mqtt_rows(struct mqtt *m, struct row *rows, int nrows)
{
    assert_non_null(m);
    stub.rows += nrows;
    for (int i = 0; i < nrows; i++)
        row_finish(&rows[i]);
}

struct mqtt_state mqtt_state(const struct mqtt *m)
{
    (void)m;
    return (struct mqtt_state){0};
}

struct ring_state mqtt_queue(const struct mqtt *m, enum mqtt_queue which, int64_t now_us)
{
    (void)m, (void)which, (void)now_us;
    return (struct ring_state){.room = 4};
}

/* ---- what a reload starts and stops: rings without threads ---- */

static struct {
    int prepared, going, stopped, joined; /* uplinks */
    int64_t cursor;                       /* of the last that was let go */
    int buses_prepared, buses_going, buses_stopped, buses_joined;
    bool no_threads, hangs;
    struct config *next; /* what the next reload finds in the file; NULL: a mistake */
} restart;

struct mqtt *mqtt_prepare(const struct mqtt_config *config, const char *site, const char *journal_id,
                          struct ring *out)
{
    (void)config, (void)site, (void)journal_id, (void)out;
    if (restart.no_threads)
        return NULL;
    restart.prepared++;
    return (struct mqtt *)(void *)&stub;
}

void mqtt_go(struct mqtt *m, int64_t cursor)
{
    assert_non_null(m);
    restart.going++;
    restart.cursor = cursor;
}

void mqtt_stop(struct mqtt *m)
{
    assert_non_null(m);
    restart.stopped++;
}

bool mqtt_join(struct mqtt *m, int wait_ms)
{
    (void)wait_ms;
    assert_non_null(m);
    restart.joined += !restart.hangs;
    return !restart.hangs;
}

struct bus *bus_prepare(const struct bus_config *config, struct ring *out)
{
    (void)config, (void)out;
    if (restart.no_threads)
        return NULL;
    restart.buses_prepared++;
    return (struct bus *)(void *)&restart;
}

void bus_go(struct bus *b)
{
    assert_non_null(b);
    restart.buses_going++;
}

void bus_stop(struct bus *b)
{
    assert_non_null(b);
    restart.buses_stopped++;
}

void bus_join(struct bus *b)
{
    assert_non_null(b);
    restart.buses_joined++;
}

int options_load(const struct options *o, struct config **out, struct complaint *why)
{
    (void)o;
    *out = restart.next;
    if (!restart.next)
        snprintf(why->text, sizeof why->text, "rig.yaml:7:3: found \"x\"; allowed: y");
    return restart.next ? ERR_OK : ERR_FORMAT;
}

struct config *config_keep(struct config *c)
{
    return c;
}

void config_free(struct config *c)
{
    (void)c;
}

/* Orders to buses, in the order they were given; only so many find room. */
enum { RIG_ORDERS = 16 };
static struct {
    struct bus_order given[RIG_ORDERS];
    int n, room;
} orders;

int bus_order(struct bus *b, const struct bus_order *order)
{
    (void)b;
    if (orders.n == orders.room)
        return ERR_FULL;
    orders.given[orders.n++] = *order;
    return ERR_OK;
}

struct bus_counters bus_count(const struct bus *b)
{
    (void)b;
    return (struct bus_counters){0};
}

/* The last message on a topic, NULL for none. */
static inline const char *said(const char *topic)
{
    for (int i = stub.now_messages - 1; i >= 0 && i > stub.now_messages - RIG_SAID; i--)
        if (strcmp(stub.topic[i % RIG_SAID], topic) == 0)
            return stub.payload[i % RIG_SAID];
    return NULL;
}

/* ---- the site ---- */

static struct point rig_point = {.name = "pm10",
                                 .title_zh = "",
                                 .title_en = "",
                                 .unit = "ug/m3",
                                 .role = "pm10",
                                 .table = TABLE_HOLDING,
                                 .type = TYPE_U16,
                                 .bit = -1,
                                 .scale = 1,
                                 .low = NAN,
                                 .high = NAN};
static struct profile rig_profile = {.name = "rig", .points = &rig_point, .npoints = 1, .max_registers = 125};
static struct device rig_devices[RIG_POINTS] = {
    {.name = "a", .title_zh = "", .title_en = "", .profile = &rig_profile, .unit_id = 1, .period_ms = 1000},
    {.name = "b",
     .title_zh = "",
     .title_en = "",
     .profile = &rig_profile,
     .unit_id = 2,
     .period_ms = 1000,
     .index = 1,
     .first_point = 1}};
static const struct device *const rig_on_bus[] = {&rig_devices[0], &rig_devices[1]};
static struct bus_config rig_buses[] = {
    {.name = "one", .host = "", .path = "", .devices = rig_on_bus, .ndevices = 1},
    {.name = "two", .host = "", .path = "", .devices = rig_on_bus + 1, .ndevices = 1, .index = 1}};
static struct config_point rig_points[] = {{&rig_devices[0], &rig_point, "a/pm10"},
                                           {&rig_devices[1], &rig_point, "b/pm10"}};
static struct limit rig_limit = {.id = "test/pm10-hour",
                                 .title_zh = "",
                                 .title_en = "",
                                 .standard = "",
                                 .source = "",
                                 .doubt = "",
                                 .role = "pm10",
                                 .window_ms = CLOCK_HOUR_MS,
                                 .compare = COMPARE_REACHES,
                                 .value = 250,
                                 .unit = "ug/m3",
                                 .over = OVER_EACH,
                                 .valid_from_ms = INT64_MIN,
                                 .valid_to_ms = INT64_MAX,
                                 .action_zh = "",
                                 .action_en = "",
                                 .person = "manager"};
static struct person rig_people[] = {{"manager", "项目经理", ROLE_SITE, "m"},
                                     {"officer", "办公室", ROLE_OFFICE, ""}};
static struct mqtt_config rig_mqtt = {.name = "broker",
                                      .host = "127.0.0.1",
                                      .client_id = "",
                                      .username = "",
                                      .password_file = "",
                                      .ca_file = "",
                                      .cert_file = "",
                                      .key_file = ""};
static struct config rig_config = {.file = "rig",
                                   .language = "en",
                                   .site = {.name = "example",
                                            .title_zh = "示例工地",
                                            .title_en = "Example Site",
                                            .community = "",
                                            .contractor = "",
                                            .authority = "",
                                            .address = "",
                                            .issue_prefix = "EX",
                                            .longitude = NAN,
                                            .latitude = NAN,
                                            .zone_min = 480},
                                   .store = {.dir = "",
                                             .commit_every_ms = RIG_EVERY_MS,
                                             .keep_raw_ms = 30 * (int64_t)CLOCK_DAY_MS,
                                             .keep_minutes_ms = 60 * (int64_t)CLOCK_DAY_MS,
                                             .max_size = 64000000},
                                   .control_socket = "",
                                   .live_every_ms = 10000,
                                   .buses = rig_buses,
                                   .nbuses = 2,
                                   .devices = rig_devices,
                                   .ndevices = 2,
                                   .points = rig_points,
                                   .npoints = RIG_POINTS,
                                   .limits = &rig_limit,
                                   .nlimits = 1,
                                   .people = rig_people,
                                   .npeople = 2,
                                   .mqtt = &rig_mqtt,
                                   .nmqtt = 1};

/* The rig's configuration was not loaded from a file, so the real ones cannot print it. */
void config_print(const struct config *c, FILE *out)
{
    fprintf(out, "site: {name: %s}\n", c->site.name);
}

void config_hash(const struct config *c, char hex[static 65])
{
    uint8_t hash[HASH_SIZE];
    char *text = mem_printf("%s %s", c->site.name, c->file);
    hash_bytes(text, strlen(text), hash);
    mem_free(text);
    hash_hex(hash, hex);
}

const struct person *config_person(const struct config *c, const char *name)
{
    for (int i = 0; i < c->npeople; i++)
        if (strcmp(c->people[i].name, name) == 0)
            return &c->people[i];
    return NULL;
}

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
    d->inputs = inputs_create();
    d->required = required_create(d->config);
    d->judge = judge_create(d->config);
    judge_know(d->judge, required_facts(d->required));
    d->ledger = ledger_create(d->config);
    d->means = mem_array((size_t)d->config->npoints, sizeof *d->means);
    d->now = mem_array((size_t)d->config->npoints, sizeof *d->now);
    d->said_bad = mem_array((size_t)d->config->npoints, sizeof *d->said_bad);
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
    assert_int_equal(restore_all(d), ERR_OK);
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
    inputs_destroy(d->inputs);
    required_destroy(d->required);
    judge_destroy(d->judge);
    ledger_destroy(d->ledger);
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
    json_decref(d->last_run);
    void *const owned[] = {d->means, d->now,     d->said_bad,   d->devices, d->uplinks,
                           d->buses, d->told,    d->person_uid, d->samples, d->handed,
                           d->heads, d->leaving, d->removed,    d->cursors};
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
    stub.commits = stub.now_messages = stub.ready = stub.rows = 0;
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
