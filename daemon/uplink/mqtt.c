/* The MQTT uplink as main sees it. Two rings go to the thread. Now-messages have one that holds those of a
 * site several times over; when it is full all the same, the message is dropped and the thread asks main for
 * all of them again. Answers to MQTT_WANT have their own, which cannot fill: there is never more than one
 * question. What is only a number (committed, persisted, ready) is an atomic and a wake-up. */
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink/mqtt_private.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"

#include <mosquitto.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

enum { NOW_RING = 2048, ROWS_RING = 4 };

static const struct mqtt_timing timing_default = {.handshake = 10000,
                                                  .answer = 30000,
                                                  .retry = 10000,
                                                  .first = 500,
                                                  .most = 300000,
                                                  .stable = 60000,
                                                  .taken_over = 300000,
                                                  .stop = 1500,
                                                  .canary = 3000,
                                                  .canary_open = 60000,
                                                  .canary_closed = 600000};

static void signal_fd(int fd)
{
    uint64_t one = 1;
    if (write(fd, &one, sizeof one) < 0) {
        /* EAGAIN at 2^64-2: the thread is awake already */
    }
}

static void destroy(struct mqtt *m)
{
    struct now_input n;
    while (m->nows && ring_pop(m->nows, &n) == ERR_OK) {
        mem_free(n.topic);
        mem_free(n.payload);
    }
    struct rows_input r;
    while (m->rows && ring_pop(m->rows, &r) == ERR_OK) {
        for (int i = 0; i < r.count; i++)
            row_finish(&r.rows[i]);
        mem_free(r.rows);
    }
    ring_destroy(m->nows);
    ring_destroy(m->rows);
    if (m->wake >= 0)
        close(m->wake);
    if (m->ended >= 0)
        close(m->ended);
    sem_destroy(&m->go);
    window_finish(&m->window);
    pending_finish(&m->pending);
    mem_free(m->prefix);
    mem_free(m->client_id);
    mem_free(m);
}

struct mqtt *mqtt_create(const struct mqtt_config *config, const char *site, const char *journal_id,
                         struct ring *out)
{
    struct mqtt *m = mem_new(struct mqtt);
    m->config = config;
    m->prefix = mem_printf("dust/1/%s/", site);
    m->client_id = config->client_id && *config->client_id ? mem_string(config->client_id)
                                                           : mem_printf("dustd-%s", site);
    snprintf(m->journal_id, sizeof m->journal_id, "%s", journal_id);
    m->timing = timing_default;
    m->out = out;
    m->nows = ring_create(NOW_RING, sizeof(struct now_input));
    m->rows = ring_create(ROWS_RING, sizeof(struct rows_input));
    m->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    m->ended = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    sem_init(&m->go, 0, 0);
    if (getrandom(&m->backoff.random, sizeof m->backoff.random, 0) < 0)
        m->backoff.random = (uint64_t)(uintptr_t)m; /* any seed will do */
    if (m->nows && m->rows && m->wake >= 0 && m->ended >= 0)
        return m;
    destroy(m);
    return NULL;
}

bool mqtt_park(struct mqtt *m)
{
    m->backoff.first_ms = m->timing.first;
    m->backoff.most_ms = m->timing.most;
    mosquitto_lib_init();
    if (pthread_create(&m->thread, NULL, mqtt_loop, m) == 0)
        return true;
    mosquitto_lib_cleanup();
    destroy(m);
    return false;
}

struct mqtt *mqtt_prepare(const struct mqtt_config *config, const char *site, const char *journal_id,
                          struct ring *out)
{
    struct mqtt *m = mqtt_create(config, site, journal_id, out);
    return m && mqtt_park(m) ? m : NULL;
}

void mqtt_go(struct mqtt *m, int64_t cursor)
{
    m->window.taken = m->window.last = m->window.persisted = cursor;
    atomic_store(&m->taken, cursor);
    atomic_store(&m->persisted, cursor);
    sem_post(&m->go);
}

struct mqtt *mqtt_start(const struct mqtt_config *config, const char *site, const char *journal_id,
                        int64_t cursor, struct ring *out)
{
    struct mqtt *m = mqtt_prepare(config, site, journal_id, out);
    if (m)
        mqtt_go(m, cursor);
    return m;
}

static bool say(struct mqtt *m, const char *topic, const char *payload, int qos, int64_t id)
{
    if (!atomic_load(&m->connected))
        return false;
    struct now_input n = {.topic = mem_string(topic), .payload = mem_string(payload), .qos = qos, .id = id};
    if (ring_push(m->nows, &n) == ERR_OK)
        return true;
    mem_free(n.topic);
    mem_free(n.payload);
    return false;
}

void mqtt_now(struct mqtt *m, const char *topic, const char *payload, int qos)
{
    say(m, topic, payload, qos, 0);
}

void mqtt_say(struct mqtt *m, const char *topic, const char *payload)
{
    say(m, topic, payload, MQTT_ONCE, 0);
}

bool mqtt_tell(struct mqtt *m, const char *topic, const char *payload, int64_t id)
{
    return say(m, topic, payload, MQTT_ONCE, id);
}

void mqtt_ready(struct mqtt *m)
{
    atomic_fetch_add(&m->readies, 1);
    signal_fd(m->wake);
}

void mqtt_hurry(struct mqtt *m)
{
    atomic_store(&m->hurry, true);
    signal_fd(m->wake);
}

void mqtt_committed(struct mqtt *m, int64_t seq)
{
    atomic_store(&m->committed, seq);
    signal_fd(m->wake);
}

void mqtt_rows(struct mqtt *m, struct row *rows, int nrows)
{
    struct rows_input r = {.rows = mem_array((size_t)nrows, sizeof *rows), .count = nrows};
    if (nrows)
        memcpy(r.rows, rows, (size_t)nrows * sizeof *rows);
    if (ring_push(m->rows, &r) == ERR_OK)
        return;
    for (int i = 0; i < nrows; i++) /* nobody asked: they stay in the journal */
        row_finish(&r.rows[i]);
    mem_free(r.rows);
}

void mqtt_persisted(struct mqtt *m, int64_t seq)
{
    atomic_store(&m->persisted, seq);
    signal_fd(m->wake);
}

struct mqtt_state mqtt_state(const struct mqtt *m)
{
    return (struct mqtt_state){.connected = atomic_load(&m->connected),
                               .taken = atomic_load(&m->taken),
                               .sent = atomic_load(&m->sent),
                               .reconnects = atomic_load(&m->reconnects),
                               .in_flight = atomic_load(&m->in_flight)};
}

struct ring_state mqtt_queue(const struct mqtt *m, enum mqtt_queue which, int64_t now_us)
{
    return ring_state(which == MQTT_NOWS ? m->nows : m->rows, now_us);
}

int mqtt_unsent(const struct mqtt *m)
{
    return (int)ring_waiting(m->nows) + atomic_load(&m->nows_unsent);
}

void mqtt_stop(struct mqtt *m)
{
    atomic_store(&m->stop, true);
    signal_fd(m->wake);
    sem_post(&m->go); /* it may not have been let go yet */
}

bool mqtt_join(struct mqtt *m, int wait_ms)
{
    struct pollfd p = {.fd = m->ended, .events = POLLIN};
    if (poll(&p, 1, wait_ms) <= 0)
        return false;
    pthread_join(m->thread, NULL);
    mosquitto_lib_cleanup();
    destroy(m);
    return true;
}
