/* The present, for the brokers: retained messages, all of them again after each connect. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/decimals.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/commands.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/device_now.h"
#include "daemon/inputs.h"
#include "daemon/ledger/issue.h"
#include "daemon/ledger/task.h"
#include "daemon/now.h"
#include "daemon/required.h"
#include "daemon/rows.h"
#include "daemon/service.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"

#include <math.h>
#include <string.h>

enum { MESSAGE_FITS = 12000, EVENTS_A_TURN = MQTT_RING };

static bool hears(const struct dustd *d, int uplink, int i)
{
    return (uplink < 0 || uplink == i) && d->uplinks[i].connected;
}

void now_text(struct dustd *d, int uplink, const char *topic, const char *text, int qos)
{
    for (int i = 0; i < d->config->nmqtt; i++)
        if (hears(d, uplink, i))
            mqtt_now(d->uplinks[i].mqtt, topic, text, qos);
}

/* Takes the reference. */
static void publish(struct dustd *d, int uplink, const char *topic, json_t *body, int qos)
{
    char *text = body ? json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12)) : mem_string("");
    now_text(d, uplink, topic, text, qos);
    mem_free(text);
    json_decref(body);
}

static json_t *titles(const char *zh, const char *en)
{
    return json_pack("{s:s,s:s}", "zh", zh, "en", en);
}

static json_t *quality_json(uint8_t quality)
{
    char letter = (char)quality;
    return json_stringn(&letter, 1);
}

json_t *now_state_json(const struct dustd *d)
{
    json_t *body = json_pack("{s:b,s:b,s:i,s:s,s:s,s:s}", "online", 1, "dated", !d->hold.undated, "rate",
                             clock_rate(), "clock", clock_synced() ? "synced" : "unsynced", "version",
                             DUST_VERSION, "journal", d->head.id);
    if (!d->hold.undated) { /* no wrong date leaves */
        json_object_set_new(body, "since", json_integer(d->since_ms));
        json_object_set_new(body, "now", json_integer(clock_site_ms()));
    }
    if (d->options.simulated)
        json_object_set_new(body, "simulated", json_true());
    return body;
}

void now_state(struct dustd *d, int uplink)
{
    publish(d, uplink, "state", now_state_json(d), 1);
}

static json_t *site_device(const struct device *device)
{
    json_t *points = json_array();
    for (int i = 0; i < device->profile->npoints; i++) {
        const struct point *p = &device->profile->points[i];
        if (p->watch)
            continue;
        json_t *point = json_pack("{s:s,s:o,s:s,s:i}", "name", p->name, "title",
                                  titles(p->title_zh, p->title_en), "unit", p->unit, "decimals", p->decimals);
        if (p->role[0])
            json_object_set_new(point, "role", json_string(p->role));
        json_array_append_new(points, point);
    }
    return json_pack("{s:s,s:o,s:s,s:o}", "name", device->name, "title",
                     titles(device->title_zh, device->title_en), "profile", device->profile->name, "points",
                     points);
}

json_t *now_site_json(const struct dustd *d, const struct config *c)
{
    json_t *devices = json_array(), *limits = json_array();
    for (int i = 0; i < c->ndevices; i++)
        json_array_append_new(devices, site_device(&c->devices[i]));
    for (int i = 0; i < c->nlimits; i++) {
        const struct limit *l = &c->limits[i];
        json_t *limit =
            json_pack("{s:s,s:o,s:s,s:I,s:s,s:f,s:s}", "id", l->id, "title", titles(l->title_zh, l->title_en),
                      "role", l->role, "window_s", (json_int_t)(l->window_ms / 1000), "compare",
                      l->compare == COMPARE_REACHES ? ">=" : ">", "value", l->value, "unit", l->unit);
        if (l->hours.from_min != l->hours.to_min)
            json_object_set_new(limit, "hours", json_string(hours_text(&l->hours, (char[16]){0})));
        json_array_append_new(limits, limit);
    }
    json_t *body = json_pack("{s:s,s:o,s:s,s:s,s:s,s:i,s:o,s:o}", "name", c->site.name, "title",
                             titles(c->site.title_zh, c->site.title_en), "community", c->site.community,
                             "contractor", c->site.contractor, "authority", c->site.authority, "zone_min",
                             c->site.zone_min, "devices", devices, "limits", limits);
    if (!isnan(c->site.longitude) && !isnan(c->site.latitude))
        json_object_set_new(body, "at", json_pack("[f,f]", c->site.longitude, c->site.latitude));
    seal_key(d, body);
    return body;
}

void now_site(struct dustd *d, int uplink)
{
    publish(d, uplink, "site", now_site_json(d, d->config), 1);
}

void now_clear(struct dustd *d, int uplink, const char *device)
{
    static const char *const topics[] = {"device", "live"};
    char topic[96];
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        snprintf(topic, sizeof topic, "%s/%s", topics[i], device);
        publish(d, uplink, topic, NULL, 1);
    }
}

void now_head(struct dustd *d, int uplink)
{
    json_t *body = seal_json(d);
    if (body)
        publish(d, uplink, "head", body, 1);
}

void now_health(struct dustd *d, int uplink)
{
    publish(d, uplink, "health", health_json(d, clock_site_ms()), 1);
}

void now_device(struct dustd *d, int uplink, int device)
{
    const struct device_now *now = &d->devices[device];
    if (now->state == DEVICE_UNKNOWN)
        return;
    char topic[96];
    snprintf(topic, sizeof topic, "device/%s", d->config->devices[device].name);
    json_t *body = json_pack("{s:s}", "state", device_state_str(now->state));
    if (clock_is_dated(now->since_ms))
        json_object_set_new(body, "since", json_integer(now->since_ms));
    if (now->state != DEVICE_UP)
        json_object_set_new(body, "why", json_string(why_str(now->why)));
    if (now->state != DEVICE_UP && now->why == WHY_EXCEPTION)
        json_object_set_new(body, "exception", json_integer(now->exception));
    if (now->rtt_us > 0)
        json_object_set_new(body, "rtt_ms", json_real(decimals_round(now->rtt_us / 1000.0, 1)));
    calibration_add(body, &d->config->devices[device], clock_site_ms());
    service_add(d, body, &d->config->devices[device], clock_site_ms());
    publish(d, uplink, topic, body, 1);
}

/* A failed read has no "v": {"q":"D","why":"exception 4"}. */
static json_t *live_value(const struct sample *s, const struct point *p)
{
    json_t *value = json_object();
    char why[48];
    if (!isnan(s->value)) {
        json_object_set_new(value, "v", json_real(decimals_round(s->value, p->decimals)));
        json_object_set_new(value, "unit", json_string(p->unit));
    }
    json_object_set_new(value, "q", quality_json(s->quality));
    if (s->why == WHY_EXCEPTION)
        snprintf(why, sizeof why, "exception %u", s->exception);
    else
        snprintf(why, sizeof why, "%s", why_str(s->why));
    if (s->quality != QUALITY_NORMAL)
        json_object_set_new(value, "why", json_string(why));
    return value;
}

json_t *now_live_json(const struct dustd *d, int device)
{
    const struct device *of = &d->config->devices[device];
    json_t *values = json_object();
    int64_t at_ms = 0;
    for (int k = 0; k < of->profile->npoints; k++) {
        const struct sample *s = &d->now[of->first_point + k];
        if (!s->at_ms || of->profile->points[k].watch)
            continue;
        at_ms = s->at_ms > at_ms ? s->at_ms : at_ms;
        json_object_set_new(values, of->profile->points[k].name, live_value(s, &of->profile->points[k]));
    }
    json_t *body = at_ms ? json_pack("{s:I,s:O}", "ts", (json_int_t)at_ms, "values", values) : NULL;
    json_decref(values);
    return body;
}

void now_live_of(struct dustd *d, int device)
{
    char topic[96];
    snprintf(topic, sizeof topic, "live/%s", d->config->devices[device].name);
    json_t *body = now_live_json(d, device);
    if (body)
        publish(d, -1, topic, body, 0);
}

void now_live(struct dustd *d)
{
    for (int i = 0; i < d->config->ndevices; i++)
        now_live_of(d, i);
}

/* A message is at most 12 KiB: of the reasons the first go, until it fits; dustctl shows them all. */
void now_requirements(struct dustd *d, int uplink)
{
    size_t i, k;
    json_t *board = required_board(d), *line, *check;
    if (d->options.simulated)
        json_object_set_new(board, "simulated", json_true());
    bool cut = true;
    while (cut && json_dumpb(board, NULL, 0, JSON_COMPACT) > MESSAGE_FITS) {
        cut = false;
        json_array_foreach(json_object_get(board, "requirements"), i, line)
        {
            json_array_foreach(json_object_get(line, "checks"), k, check)
            {
                cut = json_array_remove(json_object_get(check, "why"), 0) == 0 || cut;
            }
        }
    }
    publish(d, uplink, "requirements", board, 1);
}

/* Of what is over the oldest goes first when it does not fit. */
void now_task(struct dustd *d, int uplink)
{
    json_t *list = tasks_json(d->tasks, d->config, clock_site_ms());
    if (json_array_size(list) == 0 && !d->tasks_said) {
        json_decref(list);
        return;
    }
    json_t *body = json_pack("{s:o}", "tasks", list);
    if (d->options.simulated)
        json_object_set_new(body, "simulated", json_true());
    while (json_array_size(list) > 1 && json_dumpb(body, NULL, 0, JSON_COMPACT) > MESSAGE_FITS)
        json_array_remove(list, 0);
    publish(d, uplink, "task", body, 1);
}

void now_report(struct dustd *d, int uplink, const char *kind, const char *body)
{
    char topic[32];
    snprintf(topic, sizeof topic, "report/%s", kind);
    publish(d, uplink, topic, json_loads(body, 0, NULL), 1);
}

void now_all(struct dustd *d, int uplink)
{
    now_state(d, uplink);
    now_site(d, uplink);
    if (d->config->requirements.n && !d->hold.undated)
        now_requirements(d, uplink);
    if (!d->hold.undated)
        now_task(d, uplink);
    now_head(d, uplink);
    now_health(d, uplink);
    reported_publish(d, uplink);
    for (int i = 0; i < d->config->ndevices; i++)
        now_device(d, uplink, i);
    for (int i = 0; i < d->nremoved; i++)
        now_clear(d, uplink, d->removed[i]);
    now_every_issue(d, uplink);
}

static void want_rows(struct dustd *d, int uplink, int64_t after, int limit)
{
    struct question q = {
        .asker = d->uplinks[uplink].asker, .after = after, .to_ms = INT64_MAX, .limit = limit};
    if (store_ask(d->store, &q) != ERR_OK)
        mqtt_rows(d->uplinks[uplink].mqtt, NULL, 0); /* asked again after the next commit */
}

/* A row refused for good is a row; the cursor has moved past it. */
static void take_refusal(struct dustd *d, const struct uplink_now *u, const struct mqtt_event *e)
{
    const char *name = u->own->name;
    int64_t now_ms = clock_site_ms();
    json_t *body = row_begin(d, now_ms, "refused", name);
    json_object_set_new(body, "row", json_integer(e->seq));
    json_object_set_new(body, "why", json_string(e->text));
    row_append(d, now_ms, "refused", name, body);
    log_error("broker %s: row %lld refused: %s", name, (long long)e->seq, e->text);
}

static void take_event(struct dustd *d, int uplink, const struct mqtt_event *e)
{
    struct uplink_now *u = &d->uplinks[uplink];
    switch (e->kind) {
    case MQTT_CONNECTED:
        u->connected = true;
        u->since_ms = clock_site_ms();
        u->issues.readies++;
        now_all(d, uplink);
        break;
    case MQTT_LOST:
        u->issues = (struct sweep){.readies = u->issues.readies};
        u->since_ms = u->connected || !u->since_ms ? clock_site_ms() : u->since_ms;
        u->connected = false;
        u->commands = COMMANDS_OFF;
        snprintf(u->why, sizeof u->why, "%s", e->text);
        alerts_broker_lost(d, u->own->name);
        break;
    case MQTT_WANT: want_rows(d, uplink, e->seq, e->limit); break;
    case MQTT_TAKEN: u->taken = e->seq; break;
    case MQTT_TOLD: alerts_told(d, e); break;
    case MQTT_REFUSED:
        take_refusal(d, u, e);
        u->taken = e->seq > u->taken ? e->seq : u->taken;
        break;
    case MQTT_INPUT:
        inputs_message(d, uplink, e->text, e->payload);
        mem_free(e->payload);
        break;
    case MQTT_COMMAND:
        commands_message(d, uplink, e);
        mem_free(e->payload);
        break;
    case MQTT_COMMANDS: commands_guarded(d, uplink, e); break;
    }
}

void now_uplink(struct dustd *d, int uplink)
{
    struct mqtt_event e;
    struct uplink_now *u = &d->uplinks[uplink];
    int left = EVENTS_A_TURN; /* whoever sends faster than is read keeps nothing else from being done */
    if (ring_waiting(u->ring) <= (size_t)left)
        ring_woken(u->ring); /* else it stays readable */
    while (left-- > 0 && ring_pop(u->ring, &e) == ERR_OK)
        take_event(d, uplink, &e);
}

void now_last(struct dustd *d, struct uplink_now *u)
{
    struct mqtt_event e;
    while (ring_pop(u->ring, &e) == ERR_OK) {
        if (e.kind == MQTT_INPUT || e.kind == MQTT_COMMAND) /* was not answered: its source says it again */
            mem_free(e.payload);
        if (e.kind == MQTT_REFUSED)
            take_refusal(d, u, &e);
        if ((e.kind == MQTT_TAKEN || e.kind == MQTT_REFUSED) && e.seq > u->taken)
            u->taken = e.seq;
    }
}
