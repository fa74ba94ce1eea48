/* The parts of a status and of the topic `health`, as docs/interface.md lists them. */
#include "daemon/commands.h"
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/decimals.h"
#include "daemon/base/err.h"
#include "daemon/base/process.h"
#include "daemon/bus_now.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"
#include "drivers/trouble.h"

#include <stdarg.h>
#include <string.h>

static json_t *rounded(double value, int decimals)
{
    return json_real(decimals_round(value, decimals));
}

/* A stamp, unless it is none: of a boot that has no date yet. No wrong date leaves. */
static void add_date(json_t *to, const char *name, int64_t at_ms)
{
    if (clock_is_dated(at_ms))
        json_object_set_new(to, name, json_integer(at_ms));
}

static void add_text(json_t *to, const char *name, const char *text)
{
    if (text[0])
        json_object_set_new(to, name, json_string(text));
}

/* ---- queues ---- */

static void add_queue(json_t *list, struct ring_state s, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void add_queue(json_t *list, struct ring_state s, const char *format, ...)
{
    char name[96];
    va_list ap;
    va_start(ap, format);
    vsnprintf(name, sizeof name, format, ap);
    va_end(ap);
    json_array_append_new(list,
                          json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "name", name, "depth", (json_int_t)s.waiting,
                                    "most", (json_int_t)s.most, "room", (json_int_t)s.room, "oldest_ms",
                                    (json_int_t)(s.oldest_us / 1000), "refused", (json_int_t)s.refused));
}

static json_t *queues_json(const struct dustd *d, int64_t now_us)
{
    static const char *const store_names[] = {"batches", "questions", "orders", "messages"};
    json_t *list = json_array();
    for (int i = 0; i < d->config->nbuses; i++) {
        const char *name = d->config->buses[i].name;
        add_queue(list, ring_state(d->buses[i].ring, now_us), "bus/%s", name);
        add_queue(list, bus_queue(d->buses[i].bus, now_us), "bus/%s/orders", name);
    }
    for (int i = 0; i < STORE_QUEUES; i++)
        add_queue(list, store_queue(d->store, (enum store_queue)i, now_us), "store/%s", store_names[i]);
    for (int i = 0; i < d->config->nmqtt; i++) {
        const struct uplink_now *u = &d->uplinks[i];
        const char *name = d->config->mqtt[i].name;
        if (!u->mqtt)
            continue;
        add_queue(list, mqtt_queue(u->mqtt, MQTT_NOWS, now_us), "mqtt/%s/now", name);
        add_queue(list, mqtt_queue(u->mqtt, MQTT_ROWS, now_us), "mqtt/%s/rows", name);
        add_queue(list, ring_state(u->ring, now_us), "mqtt/%s/events", name);
    }
    return list;
}

/* ---- the rest ---- */

static json_t *store_json(const struct dustd *d)
{
    struct store_state s = store_state(d->store);
    int64_t free_bytes, size_bytes;
    json_t *store =
        json_pack("{s:I,s:I,s:I,s:b}", "waiting", (json_int_t)s.waiting, "bytes", (json_int_t)s.bytes,
                  "wal_bytes", (json_int_t)s.wal_bytes, "stuck", d->store_stuck);
    json_object_set_new(store, "waiting_ms", json_integer(s.waiting_ms));
    json_object_set_new(store, "ballast", json_boolean(s.ballast || !d->config->store.ballast));
    json_object_set_new(store, "dropped_samples", json_integer((json_int_t)d->shed.all_samples));
    json_object_set_new(store, "dropped_rows", json_integer((json_int_t)d->shed.all_rows));
    if (d->store_stuck) {
        add_date(store, "since", d->stuck_ms);
        add_text(store, "why", d->store_error);
    }
    if (disk_look(d->config->store.dir, &free_bytes, &size_bytes) == ERR_OK) {
        json_object_set_new(store, "disk_free_bytes", json_integer(free_bytes));
        json_object_set_new(store, "disk_bytes", json_integer(size_bytes));
    }
    return store;
}

static json_t *buses_json(const struct dustd *d)
{
    json_t *buses = json_array();
    for (int i = 0; i < d->config->nbuses; i++) {
        const struct bus_now *b = &d->buses[i];
        struct bus_counters n = bus_count(b->bus);
        json_t *bus = json_pack("{s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "name", d->config->buses[i].name,
                                "up", b->line == LINE_UP, "requests", (json_int_t)n.requests, "answers",
                                (json_int_t)n.answers, "no_answer", (json_int_t)n.no_answer, "garbled",
                                (json_int_t)n.garbled, "exceptions", (json_int_t)n.exceptions, "late_slots",
                                (json_int_t)n.late_slots, "line_errors", (json_int_t)n.line_errors);
        json_object_set_new(bus, "state", json_string(line_state_str(b->line)));
        if (b->line == LINE_DOWN)
            add_text(bus, "why", trouble_of(d->config->buses[i].transport, b->error).text);
        add_date(bus, "since", b->since_ms);
        if (d->health.loads[i] >= 0)
            json_object_set_new(bus, "load", rounded(d->health.loads[i], 3));
        if (b->load.wire_permille)
            json_object_set_new(bus, "wire", rounded(b->load.wire_permille / 1000.0, 3));
        if (b->load.needed_permille)
            json_object_set_new(bus, "needed", rounded(b->load.needed_permille / 1000.0, 3));
        json_t *lent = lend_json(d, i);
        if (lent)
            json_object_set_new(bus, "lent", lent);
        json_array_append_new(buses, bus);
    }
    return buses;
}

static json_t *brokers_json(const struct dustd *d, int64_t now_ms)
{
    json_t *brokers = json_array();
    for (int i = 0; i < d->config->nmqtt; i++) {
        const struct uplink_now *u = &d->uplinks[i];
        const struct unsent *unsent = &d->health.unsent[i];
        struct mqtt_state s = {0};
        if (u->mqtt)
            s = mqtt_state(u->mqtt);
        json_t *broker = json_pack("{s:s,s:b,s:I,s:I,s:I,s:I,s:i}", "name", d->config->mqtt[i].name,
                                   "connected", s.connected, "taken", (json_int_t)u->taken, "behind",
                                   (json_int_t)(d->committed - u->taken), "sent", (json_int_t)s.sent,
                                   "reconnects", (json_int_t)s.reconnects, "in_flight", s.in_flight);
        add_date(broker, "since", u->since_ms);
        add_text(broker, "why", u->why);
        if (d->config->mqtt[i].commands) {
            add_text(broker, "commands", commands_state_str(u->commands));
            add_text(broker, "commands_why", u->commands_why);
        }
        if (u->taken < d->committed && unsent->seq == u->taken + 1)
            json_object_set_new(broker, "oldest_ms",
                                json_integer(now_ms > unsent->at_ms ? now_ms - unsent->at_ms : 0));
        json_array_append_new(brokers, broker);
    }
    return brokers;
}

static json_t *clock_json(const struct dustd *d)
{
    const struct health *h = &d->health;
    json_t *clock = json_pack("{s:b,s:b}", "synced", h->synced, "dated", !d->hold.undated);
    add_date(clock, "since", h->synced_since_ms);
    if (clock_is_dated(h->step_at_ms))
        json_object_set_new(
            clock, "step",
            json_pack("{s:I,s:I}", "ts", (json_int_t)h->step_at_ms, "step_ms", (json_int_t)h->step_ms));
    return clock;
}

static void add_known(json_t *to, const char *name, int64_t number)
{
    if (number >= 0)
        json_object_set_new(to, name, json_integer(number));
}

static json_t *process_json(const struct dustd *d, int64_t now_us)
{
    struct process_state s;
    process_look(&s);
    json_t *process = json_pack("{s:s,s:I}", "version", DUST_VERSION, "uptime_ms",
                                (json_int_t)((now_us - d->health.opened_us) / 1000));
    add_known(process, "rss_bytes", s.rss_bytes);
    add_known(process, "cpu_ms", s.cpu_us < 0 ? -1 : s.cpu_us / 1000);
    add_known(process, "fds", s.fds);
    add_known(process, "threads", s.threads);
    if (d->health.cpu_share >= 0)
        json_object_set_new(process, "cpu", rounded(d->health.cpu_share, 4));
    return process;
}

static json_int_t whole_days(int64_t ms)
{
    return ms / CLOCK_DAY_MS - (ms % CLOCK_DAY_MS < 0);
}

static json_t *certs_json(const struct dustd *d, int64_t now_ms)
{
    const struct health *h = &d->health;
    json_t *list = json_array();
    for (int i = 0; i < h->ncerts; i++) {
        const struct cert *c = &h->certs[i];
        json_t *cert = json_pack("{s:s,s:s,s:s}", "broker", d->config->mqtt[c->uplink].name, "what", c->what,
                                 "file", c->file);
        if (c->error) {
            json_object_set_new(cert, "why", json_string(err_str(c->error)));
        } else if (c->ends_ms) {
            json_object_set_new(cert, "ends", json_integer(c->ends_ms));
            if (clock_is_dated(now_ms))
                json_object_set_new(cert, "days", json_integer(whole_days(c->ends_ms - now_ms)));
        }
        json_array_append_new(list, cert);
    }
    return list;
}

void health_add(const struct dustd *d, int64_t now_ms, json_t *to)
{
    json_object_set_new(to, "warnings", health_warnings(d, now_ms));
    json_object_set(to, "last_run", d->last_run);
    json_object_set_new(to, "store", store_json(d));
    json_object_set_new(to, "buses", buses_json(d));
    json_object_set_new(to, "mqtt", brokers_json(d, now_ms));
    json_object_set_new(to, "alerts", alerts_channels_json(d, now_ms));
    json_object_set_new(to, "commands", commands_json(d)); /* nothing when there is none */
    json_object_set_new(to, "timekeeping", clock_json(d));
    json_object_set_new(to, "process", process_json(d, clock_wire_us()));
    json_object_set_new(to, "certificates", certs_json(d, now_ms));
    json_object_set_new(to, "queues", queues_json(d, clock_wire_us()));
}

json_t *health_json(const struct dustd *d, int64_t now_ms)
{
    json_t *body = json_object();
    add_date(body, "ts", now_ms);
    add_date(body, "since", d->since_ms);
    if (d->options.simulated)
        json_object_set_new(body, "simulated", json_true());
    health_add(d, now_ms, body);
    return body;
}
