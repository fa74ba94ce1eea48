#include "daemon/cost.h"

#include "daemon/base/clock.h"
#include "daemon/base/decimals.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/dustd.h"
#include "daemon/judge/judge.h"
#include "daemon/now.h"
#include "daemon/rows.h"
#include "daemon/uplink/mqtt.h"
#include "drivers/line.h"
#include "drivers/profile.h"
#include "drivers/unit.h"

#include <string.h>

enum {
    HEADS_A_DAY = 144, /* one every 10 min */
    STATES_A_DAY = 144,
    ROW_BYTES = 130, /* of a row beside its body: two hashes, numbers, kind, subject, SQLite's own */
    /* A minute's raw block, measured with bench_raw: docs/benchmarks.md, "Raw blocks". */
    BLOCK_BYTES = 60,
    BLOCK_POINT_BYTES = 12,
    /* Of the topic health, which tells of what only a running daemon has; seen in
       tests/scenario/test_cost.py. */
    HEALTH_BYTES = 800,
    HEALTH_BUS_BYTES = 350,
    HEALTH_BROKER_BYTES = 395,
    HEALTH_CERTIFICATE_BYTES = 120,
    MQTT_TYPICAL_SEQ = 1000000,
    /* IPv4 and TCP with time stamps; one TLS 1.3 record; what of a message fits in one segment. */
    SEGMENT_BYTES = 52,
    RECORD_BYTES = 22,
    SEGMENT_ROOM = 1388,
    PUBACK_BYTES = 4,
    PING_BYTES = 2,
    DAYS = 30
};
static const double block_sample_bytes = 1.2;

/* --- buses --- */

static double load_at(const struct bus_config *b, int baud, double *requests_per_s)
{
    struct bus_config at = *b;
    double us = 0, requests = 0;
    at.baud = baud;
    for (int i = 0; i < b->ndevices; i++) {
        struct unit u;
        unit_init(&u, &at, b->devices[i], 0, 1);
        for (int k = 0; k < u.nreads; k++) {
            double per_s = 1000.0 / (double)u.reads[k].period_ms;
            const struct request asked = unit_planned(&u, k);
            us += per_s * (double)line_exchange_us(&at, &asked, u.turnaround_us);
            requests += per_s;
        }
    }
    *requests_per_s = requests;
    return us / 1e6;
}

void cost_bus(const struct bus_config *b, struct cost_bus *out)
{
    double requests;
    *out = (struct cost_bus){0};
    out->load = load_at(b, b->baud, &out->requests_per_s);
    out->answer_ms = 1000 * (1 - out->load) / out->requests_per_s;
    for (const struct word *w = baud_words; w->text && b->transport == TRANSPORT_RTU && !out->enough_baud;
         w++)
        if (w->value > b->baud && load_at(b, (int)w->value, &requests) < 0.8)
            out->enough_baud = (int)w->value;
}

/* --- messages and rows --- */

struct making {
    struct dustd d; /* as the daemon would be, without threads and files */
    const struct config *c;
    struct cost_message *list;
    int n;
};

static struct cost_message *add_message(struct making *m, const char *topic, int qos, double per_day)
{
    m->list = mem_resize(m->list, (size_t)m->n + 1, sizeof *m->list);
    struct cost_message *message = &m->list[m->n++];
    *message = (struct cost_message){.qos = qos, .per_day = per_day};
    snprintf(message->topic, sizeof message->topic, "%s", topic);
    return message;
}

static size_t json_bytes(json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12));
    size_t length = strlen(text);
    mem_free(text);
    json_decref(body);
    return length;
}

/* The rows that the last call of a row_ function appended, each a message. */
static void take_rows(struct making *m, double per_day)
{
    struct batch *b = &m->d.batch;
    for (int i = 0; i < b->nrows; i++) {
        struct row *row = &b->rows[i];
        struct cost_message *message = add_message(m, mqtt_row_topic(row->kind), 1, per_day);
        char *payload = mqtt_row_payload(m->d.head.id, row);
        message->payload = strlen(payload);
        message->row = strlen(row->body) + ROW_BYTES;
        mem_free(payload);
        row_finish(row);
    }
    b->nrows = 0;
}

static void make_readings(struct making *m, int64_t now_ms)
{
    size_t n = (size_t)m->c->npoints;
    m->d.means = mem_array(n, sizeof *m->d.means);
    m->d.now = mem_array(n, sizeof *m->d.now);
    for (size_t i = 0; i < n; i++) {
        bool bit = m->c->points[i].point->type == TYPE_BIT;
        double mean = bit ? 0.25 : 123.4567, value = bit ? 1 : 123.4567;
        m->d.means[i] = (struct mean){mean, 0.9 * value, 1.1 * value, 60, 60, QUALITY_NORMAL, 0};
        m->d.now[i] = (struct sample){
            .at_ms = now_ms, .point = (uint16_t)i, .quality = QUALITY_NORMAL, .nreg = 1, .value = value};
    }
}

static void round_readings(struct making *m)
{
    for (int i = 0; i < m->c->npoints; i++) {
        int decimals = m->c->points[i].point->decimals;
        m->d.means[i].min = decimals_round(m->d.means[i].min, decimals);
        m->d.means[i].max = decimals_round(m->d.means[i].max, decimals);
    }
}

static int points_of_role(const struct config *c, const char *role)
{
    int n = 0;
    for (int i = 0; i < c->npoints; i++)
        n += strcmp(c->points[i].point->role, role) == 0;
    return n;
}

static void add_verdicts(struct making *m, int64_t now_ms)
{
    for (int i = 0; i < m->c->nlimits; i++) {
        const struct limit *l = &m->c->limits[i];
        int point = 0, verdicts = l->over == OVER_EACH ? points_of_role(m->c, l->role) : 1;
        while (l->over != OVER_MEAN && strcmp(m->c->points[point].point->role, l->role) != 0)
            point++;
        struct judge_event e = {.start_ms = now_ms,
                                .length_ms = l->window_ms,
                                .limit = l,
                                .point = l->over == OVER_MEAN ? -1 : point,
                                .compared = m->d.means[point].mean,
                                .background = m->d.means[point].mean,
                                .why = "",
                                .mean = m->d.means[point]};
        row_verdict(&m->d, &e);
        take_rows(m, verdicts * (double)hours_minutes(&l->hours) * CLOCK_MINUTE_MS / (double)l->window_ms);
    }
}

static void add_windows(struct making *m, int64_t now_ms)
{
    static const struct {
        int64_t length_ms;
        double per_day;
    } windows[] = {{CLOCK_HOUR_MS, 24}, {CLOCK_DAY_MS, 1}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct judge_event e = {
            .kind = JUDGE_WINDOW, .start_ms = now_ms, .length_ms = windows[i].length_ms, .means = m->d.means};
        row_window(&m->d, &e);
        take_rows(m, windows[i].per_day);
    }
}

static void add_minute(struct making *m, int64_t now_ms)
{
    const char *sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    double samples = 0;
    int first = m->n;
    row_minute(&m->d, now_ms, m->d.means, sha256);
    take_rows(m, 1440);
    for (int i = 0; i < m->c->npoints; i++)
        samples += 60000.0 / (double)point_period_ms(m->c->points[i].device, m->c->points[i].point);
    m->list[first].block =
        (size_t)(BLOCK_BYTES + BLOCK_POINT_BYTES * m->c->npoints + block_sample_bytes * samples);
}

static void add_head(struct making *m, int64_t now_ms)
{
    struct signed_head head = {.head = m->d.head, .at_ms = now_ms};
    json_t *body = row_begin(&m->d, now_ms, "head", "");
    head_print(&head, body);
    row_append(&m->d, now_ms, "head", "", body);
    size_t row = strlen(m->d.batch.rows[0].body);
    take_rows(m, HEADS_A_DAY);
    add_message(m, "head", 1, HEADS_A_DAY)->payload = row; /* retained too, about as long */
}

/* Live messages of a device: where live_every is 0 one for each of its readings. */
static double lives_a_day(const struct config *c, const struct device *device)
{
    const struct profile *p = device->profile;
    double a_day = 0;
    if (c->live_every_ms)
        return (double)CLOCK_DAY_MS / (double)c->live_every_ms;
    for (int i = 0; i < p->npoints; i++) {
        int first = 0;
        while (point_period_ms(device, &p->points[first]) != point_period_ms(device, &p->points[i]))
            first++;
        if (first == i)
            a_day += (double)CLOCK_DAY_MS / (double)point_period_ms(device, &p->points[i]);
    }
    return a_day;
}

static void add_live(struct making *m)
{
    for (int i = 0; i < m->c->ndevices; i++) {
        char *topic = mem_printf("live/%s", m->c->devices[i].name);
        json_t *body = now_live_json(&m->d, i);
        struct cost_message *message = add_message(m, topic, 0, lives_a_day(m->c, &m->c->devices[i]));
        message->payload = body ? json_bytes(body) : 0;
        mem_free(topic);
    }
}

static void add_health(struct making *m)
{
    const struct config *c = m->c;
    size_t certificates = 0;
    for (int i = 0; i < c->nmqtt; i++)
        certificates += (c->mqtt[i].ca_file[0] ? 1u : 0) + (c->mqtt[i].cert_file[0] ? 1u : 0);
    /* and when a warning comes or goes */
    add_message(m, "health", 1, (double)CLOCK_DAY_MS / (double)c->health_every_ms)->payload =
        HEALTH_BYTES + HEALTH_BUS_BYTES * (size_t)c->nbuses + HEALTH_BROKER_BYTES * (size_t)c->nmqtt +
        HEALTH_CERTIFICATE_BYTES * certificates;
}

int cost_messages(const struct config *c, struct cost_message **out)
{
    struct making *m = mem_new(struct making);
    int64_t now_ms = INT64_C(1795420800000); /* as many digits as any time of this century */
    m->c = m->d.config = (struct config *)c;
    memset(m->d.head.id, 'a', JOURNAL_ID_SIZE - 1);
    m->d.head.seq = MQTT_TYPICAL_SEQ;
    make_readings(m, now_ms);
    round_readings(m);
    add_minute(m, now_ms);
    add_windows(m, now_ms);
    add_verdicts(m, now_ms);
    add_head(m, now_ms);
    add_live(m);
    add_message(m, "state", 1, STATES_A_DAY)->payload = json_bytes(now_state_json(&m->d));
    add_health(m);
    *out = m->list;
    int n = m->n;
    batch_finish(&m->d.batch);
    again_finish(&m->d.again);
    clean_finish(&m->d.clean);
    mem_free(m->d.means);
    mem_free(m->d.now);
    mem_free(m);
    return n;
}

int64_t cost_disk_year(const struct cost_message *m, int n)
{
    double bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += 365 * m[i].per_day * (double)(m[i].row + m[i].block);
    return (int64_t)bytes;
}

double cost_days_until(const struct cost_message *m, int n, int64_t size, int64_t keep_raw_ms)
{
    double rows = 0, blocks = 0, keep_days = (double)keep_raw_ms / (double)CLOCK_DAY_MS; /* bytes a day */
    for (int i = 0; i < n; i++) {
        rows += m[i].per_day * (double)m[i].row;
        blocks += m[i].per_day * (double)m[i].block;
    }
    double days = (double)size / (rows + blocks);
    return days < keep_days ? days : ((double)size - blocks * keep_days) / rows;
}

/* --- uplinks --- */

/* The bytes of one control packet and what TCP and TLS put around it. */
static double packet_bytes(const struct mqtt_config *b, size_t packet)
{
    size_t segments = (packet + SEGMENT_ROOM - 1) / SEGMENT_ROOM;
    return (double)(packet + segments * SEGMENT_BYTES + (b->ca_file[0] ? RECORD_BYTES : 0));
}

static double message_bytes(const struct mqtt_config *b, const char *site, const struct cost_message *m)
{
    size_t rest = 2 + strlen("dust/1//") + strlen(site) + strlen(m->topic) + (m->qos ? 2 : 0) +
                  (b->mqtt5 ? 1 : 0) + m->payload;
    size_t length = rest < 128 ? 1 : rest < 16384 ? 2 : 3;
    double bytes = packet_bytes(b, 1 + length + rest) + SEGMENT_BYTES; /* and TCP's own answer */
    return m->qos ? bytes + packet_bytes(b, PUBACK_BYTES) : bytes;
}

void cost_uplink(const struct mqtt_config *b, const char *site, const struct cost_message *m, int n,
                 struct cost_uplink *out)
{
    double rows = 0, live = 0, rest = 0;
    for (int i = 0; i < n; i++) {
        double bytes = DAYS * m[i].per_day * message_bytes(b, site, &m[i]);
        if (m[i].row)
            rows += bytes;
        else if (m[i].qos == 0)
            live += bytes;
        else
            rest += bytes;
    }
    int pings = b->keepalive_s < 60 ? 59 / b->keepalive_s : 0; /* a minute's: its row is answered anyhow */
    rest += DAYS * 1440.0 * pings * (2 * packet_bytes(b, PING_BYTES) + SEGMENT_BYTES);
    *out = (struct cost_uplink){(int64_t)rows, (int64_t)live, (int64_t)rest, (int64_t)(rows + live + rest)};
}
