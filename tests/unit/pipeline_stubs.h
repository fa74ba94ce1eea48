/* What the main thread's struct is given in a pipeline_rig: a broker, buses and a reload that are none, and a
 * store that can refuse, or lose everything from a chosen commit on. Includes batches.c, whose commits come
 * here. */
#ifndef DUST_PIPELINE_STUBS_H
#define DUST_PIPELINE_STUBS_H

#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/yaml.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/inputs.h"
#include "daemon/options.h"
#include "daemon/required.h"
#include "drivers/bus.h"
#include "tests/unit/store_help.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int rig_commit(struct store *s, struct batch *batch);
static bool rig_takes(const struct store *s);
#define store_commit rig_commit
#define store_takes  rig_takes
#include "daemon/batches.c"
#undef store_commit
#undef store_takes

enum { RIG_SAID = 512 };

static struct { /* what the stubs do and have seen */
    bool full, dead;
    int until_death; /* commits; 0: none */
    int commits, now_messages;
    char topic[RIG_SAID][64];
    char *payload[RIG_SAID];
    int64_t committed, persisted, said_at; /* said_at: committed, when the last issue message came */
    int ready, rows, hurries;
    int waiting; /* now-messages that the broker has not been sent yet */
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

static bool rig_takes(const struct store *s)
{
    return !stub.full && store_takes(s);
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

bool mqtt_tell(struct mqtt *m, const char *topic, const char *payload, int64_t id)
{
    (void)id;
    mqtt_say(m, topic, payload);
    return true;
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

int mqtt_unsent(const struct mqtt *m)
{
    assert_non_null(m);
    return stub.waiting;
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

struct ring_state bus_queue(const struct bus *b, int64_t now_us)
{
    (void)b, (void)now_us;
    return (struct ring_state){.waiting = (size_t)orders.n, .room = (size_t)orders.room};
}

/* The last message on a topic, NULL for none. */
static inline const char *said(const char *topic)
{
    for (int i = stub.now_messages - 1; i >= 0 && i > stub.now_messages - RIG_SAID; i--)
        if (strcmp(stub.topic[i % RIG_SAID], topic) == 0)
            return stub.payload[i % RIG_SAID];
    return NULL;
}

#endif
