#include "daemon/dustd.h"

#include "daemon/alert/message.h"
#include "daemon/alert/outbox.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"
#include "daemon/config/change.h"
#include "daemon/config/config.h"
#include "daemon/config/person.h"
#include "daemon/rows.h"
#include "daemon/uplink/alert.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>

enum {
    BROKER_US = 30000000, /* longest that a broker's answer is waited for */
    UNDO_MS = 5000,       /* a thread without work ends at once */
    SETTLE_MS = 20,
};

static struct outbox_time now_of(const struct dustd *d)
{
    return (struct outbox_time){clock_site_ms(), clock_wire_us() / 1000, d->committed};
}

/* ---- start ---- */

void alerts_create(struct dustd *d)
{
    d->alerts.outbox = outbox_create(d->config);
    d->alerts.channels = mem_array((size_t)d->config->nchannels, sizeof *d->alerts.channels);
}

static void scan_alert(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    if (outbox_alert(d->alerts.outbox, row->seq, body) != ERR_OK)
        log_error("row %" PRId64 " is no alert; nobody is told", row->seq);
    json_decref(body);
}

static void scan_alerted(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    outbox_alerted(d->alerts.outbox, body);
    json_decref(body);
}

int alerts_scan(struct dustd *d)
{
    int64_t from_ms = d->opened.last_at_ms - d->config->alerts.keep_ms;
    int rc = store_scan_rows(d->store, "alert", from_ms, scan_alert, d);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, "alerted", from_ms, scan_alerted, d);
    d->alerts.restored = true;
    return rc;
}

static int open_channel(struct channel_now *n, struct config *c, int i, bool simulated)
{
    if (c->channels[i].kind == CHANNEL_MQTT)
        return ERR_OK;
    n->ring = ring_create(ALERT_RING, sizeof(struct alert_said));
    n->uplink = n->ring ? alert_start(&c->channels[i], c->site.name, simulated, n->ring) : NULL;
    if (!n->uplink)
        return ERR_IO;
    n->held = config_keep(c);
    return ERR_OK;
}

int alerts_start(struct dustd *d)
{
    int rc = ERR_OK;
    for (int i = 0; i < d->config->nchannels && rc == ERR_OK; i++)
        rc = open_channel(&d->alerts.channels[i], d->config, i, d->options.simulated);
    return rc;
}

void alerts_free(struct dustd *d)
{
    struct alerts *a = &d->alerts;
    for (int i = 0; a->channels && i < d->config->nchannels; i++) {
        ring_destroy(a->channels[i].ring);
        config_free(a->channels[i].held);
    }
    for (int i = 0; i < ALERT_TESTS; i++)
        json_decref(a->tests[i].channels);
    mem_free(a->channels);
    mem_free(a->leaving);
    outbox_free(a->outbox);
    *a = (struct alerts){0};
}

/* ---- rows ---- */

void alerts_row(struct dustd *d, int64_t seq, const char *kind, const char *body)
{
    if (!d->alerts.outbox || strcmp(kind, "alert") != 0)
        return;
    json_t *alert = json_loads(body, 0, NULL);
    if (outbox_alert(d->alerts.outbox, seq, alert) != ERR_OK)
        log_error("row %" PRId64 " is no alert; nobody is told", seq);
    json_decref(alert);
}

static void write_verdict(struct dustd *d, const struct outbox_verdict *v)
{
    int64_t now_ms = clock_site_ms();
    json_t *rows = json_array(), *body = row_begin(d, now_ms, "alerted", v->person);
    for (int i = 0; i < v->nrows; i++)
        json_array_append_new(rows, json_integer(v->rows[i]));
    json_object_set_new(body, "channel", json_string(v->channel));
    json_object_set_new(body, "rows", rows);
    json_object_set_new(body, "ok", json_boolean(v->ok));
    if (!v->ok)
        json_object_set_new(body, "why", json_string(v->why));
    row_append(d, now_ms, "alerted", v->person, body);
    if (!v->ok)
        log_error("channel %s: %d alerts for %s are given up: %s", v->channel, v->nrows, v->person, v->why);
    alerts_test_verdict(d, v);
}

/* ---- out ---- */

static struct alert_job job_of(const struct dustd *d, int channel, const struct outbox_letter *l)
{
    const struct config *c = d->config;
    const struct channel_config *k = &c->channels[channel];
    bool zh = strcmp(c->language, "zh") == 0;
    struct alert_frame f = {zh, zh ? c->site.title_zh : c->site.title_en, l->person->title, c->site.zone_min,
                            d->options.simulated};
    struct alert_job job = {.level = l->level, .nrows = l->n};
    job.subject = message_subject(&f, l->list, l->n);
    job.text = message_text(&f, l->list, l->n, robot_of(k->kind)->text_most);
    job.person = mem_string(l->person->name);
    job.mobile = mem_string(k->mention ? l->person->phone : "");
    job.email = mem_string(l->person->email);
    job.rows = mem_array((size_t)l->n, sizeof *job.rows);
    memcpy(job.rows, l->rows, (size_t)l->n * sizeof *job.rows);
    return job;
}

/* The topic of a broker; false: its line is down. */
static bool tell_broker(struct dustd *d, const struct channel_config *k, const struct alert_job *job)
{
    struct alert_message m = {.subject = job->subject,
                              .text = job->text,
                              .person = job->person,
                              .mobile = "",
                              .site = d->config->site.name,
                              .level = job->level,
                              .rows = job->rows,
                              .nrows = job->nrows,
                              .at_ms = clock_site_ms(),
                              .simulated = d->options.simulated};
    int i = 0;
    while (i < d->config->nmqtt && strcmp(d->config->mqtt[i].name, k->broker) != 0)
        i++;
    char *topic = mem_printf("alert/%s", job->person), *body = robot_body(CHANNEL_MQTT, &m, "");
    bool said = i < d->config->nmqtt && d->uplinks[i].mqtt && d->uplinks[i].connected &&
                mqtt_tell(d->uplinks[i].mqtt, topic, body, (int64_t)job->id);
    mem_free(topic);
    mem_free(body);
    return said;
}

static void replied(struct dustd *d, int channel, const struct robot_reply *said)
{
    struct channel_now *n = &d->alerts.channels[channel];
    const char *name = d->config->channels[channel].name;
    bool taken = said->answer == ALERT_TAKEN;
    struct outbox_verdict v;
    n->id = 0;
    if (taken && n->said[0])
        log_info("channel %s: takes alerts again", name);
    else if (!taken && strcmp(n->said, said->why) != 0)
        log_warning("channel %s: not taken: %s", name, said->why);
    snprintf(n->said, sizeof n->said, "%s", taken ? "" : said->why);
    if (outbox_answer(d->alerts.outbox, channel, now_of(d), said, &v))
        write_verdict(d, &v);
}

static void answered(struct dustd *d, int channel, enum alert_answer answer, const char *why)
{
    struct robot_reply said = {.answer = answer};
    snprintf(said.why, sizeof said.why, "%s", why);
    replied(d, channel, &said);
}

static void send_next(struct dustd *d, int channel)
{
    struct channel_now *n = &d->alerts.channels[channel];
    struct outbox_letter l;
    if (n->id || !outbox_next(d->alerts.outbox, channel, now_of(d), &l))
        return;
    struct alert_job job = job_of(d, channel, &l);
    job.id = n->id = ++d->alerts.last_id;
    n->sent_us = clock_wire_us();
    if (n->uplink && alert_send(n->uplink, &job))
        return; /* the job is the thread's */
    if (!n->uplink && !tell_broker(d, &d->config->channels[channel], &job))
        answered(d, channel, ALERT_LATER, "the broker is not connected");
    else if (n->uplink)
        answered(d, channel, ALERT_LATER, "its thread is busy");
    alert_job_finish(&job);
}

/* Of channels that a reload has ended. */
static bool join_leaving(struct alerts *a, int wait_ms)
{
    int left = 0;
    for (int i = 0; i < a->nleaving; i++) {
        if (!alert_join(a->leaving[i].uplink, wait_ms)) {
            a->leaving[left++] = a->leaving[i];
            continue;
        }
        ring_destroy(a->leaving[i].ring);
        config_free(a->leaving[i].held);
    }
    a->nleaving = left;
    return left == 0;
}

void alerts_turn(struct dustd *d)
{
    int64_t now_us = clock_wire_us();
    struct outbox_verdict v;
    join_leaving(&d->alerts, 0);
    if (d->hold.undated || d->hold.late)
        return; /* no row has a date, and no certificate would be valid */
    while (outbox_give_up(d->alerts.outbox, now_of(d), &v))
        write_verdict(d, &v);
    for (int i = 0; i < d->config->nchannels; i++) {
        struct channel_now *n = &d->alerts.channels[i];
        if (n->id && !n->uplink && now_us - n->sent_us > BROKER_US)
            answered(d, i, ALERT_LATER, "the broker gave no answer");
        send_next(d, i);
    }
    alerts_test_turn(d, now_us);
}

/* ---- in ---- */

int alerts_fd(const struct dustd *d, int channel)
{
    const struct channel_now *n = &d->alerts.channels[channel];
    return n->ring ? ring_fd(n->ring) : -1;
}

void alerts_take(struct dustd *d, int channel)
{
    struct channel_now *n = &d->alerts.channels[channel];
    struct alert_said said;
    ring_woken(n->ring);
    while (ring_pop(n->ring, &said) == ERR_OK)
        if (said.id == n->id)
            replied(d, channel, &said.reply);
}

void alerts_told(struct dustd *d, const struct mqtt_event *e)
{
    for (int i = 0; i < d->config->nchannels; i++)
        if (d->alerts.channels[i].id && (int64_t)d->alerts.channels[i].id == e->seq)
            answered(d, i, e->text[0] ? ALERT_NEVER : ALERT_TAKEN, e->text);
}

void alerts_broker_lost(struct dustd *d, const char *broker)
{
    for (int i = 0; i < d->config->nchannels; i++)
        if (d->alerts.channels[i].id && strcmp(d->config->channels[i].broker, broker) == 0)
            answered(d, i, ALERT_LATER, "the broker's line was lost");
}

/* ---- stop ---- */

static bool any_on_its_way(const struct dustd *d)
{
    for (int i = 0; i < d->config->nchannels; i++)
        if (d->alerts.channels[i].id && d->alerts.channels[i].uplink)
            return true;
    return false;
}

void alerts_settle(struct dustd *d, int64_t until_us)
{
    while (any_on_its_way(d) && clock_wire_us() < until_us) {
        poll(NULL, 0, SETTLE_MS);
        for (int i = 0; i < d->config->nchannels; i++)
            if (d->alerts.channels[i].ring)
                alerts_take(d, i);
    }
}

bool alerts_end(struct dustd *d, int wait_ms)
{
    int64_t until_us = clock_wire_us() + (int64_t)wait_ms * 1000;
    bool whole = true;
    for (int i = 0; i < d->config->nchannels; i++)
        if (d->alerts.channels[i].uplink)
            alert_stop(d->alerts.channels[i].uplink);
    for (int i = 0; i < d->config->nchannels; i++) {
        int64_t left_us = until_us - clock_wire_us();
        struct channel_now *n = &d->alerts.channels[i];
        if (n->uplink)
            whole = alert_join(n->uplink, left_us > 0 ? (int)(left_us / 1000) : 0) && whole;
        n->uplink = NULL;
    }
    return join_leaving(&d->alerts, 0) && whole;
}

/* ---- reload ---- */

static int before(const struct config *was, const struct channel_config *is)
{
    for (int i = 0; i < was->nchannels; i++)
        if (same_channel(&was->channels[i], is))
            return i;
    return -1;
}

struct channel_now *alerts_prepare(const struct dustd *d, struct config *is)
{
    struct channel_now *prepared = mem_array((size_t)is->nchannels, sizeof *prepared);
    int rc = ERR_OK;
    for (int i = 0; i < is->nchannels && rc == ERR_OK; i++)
        if (before(d->config, &is->channels[i]) < 0)
            rc = open_channel(&prepared[i], is, i, d->options.simulated);
    if (rc == ERR_OK)
        return prepared;
    alerts_undo(is, prepared);
    return NULL;
}

void alerts_undo(const struct config *is, struct channel_now *prepared)
{
    for (int i = 0; prepared && i < is->nchannels; i++) {
        if (prepared[i].uplink) {
            alert_stop(prepared[i].uplink);
            alert_join(prepared[i].uplink, UNDO_MS);
            config_free(prepared[i].held);
        }
        ring_destroy(prepared[i].ring);
    }
    mem_free(prepared);
}

static void leave(struct alerts *a, const struct channel_now *n)
{
    if (!n->uplink)
        return;
    alert_stop(n->uplink);
    a->leaving = mem_resize(a->leaving, (size_t)a->nleaving + 1, sizeof *a->leaving);
    a->leaving[a->nleaving++] = *n;
}

/* While d->config is still the one before. */
void alerts_take_over(struct dustd *d, struct config *is, struct channel_now *prepared)
{
    struct alerts *a = &d->alerts;
    const struct config *was = d->config;
    bool *restarted = mem_array((size_t)is->nchannels, sizeof *restarted);
    bool *stays = mem_array((size_t)was->nchannels, sizeof *stays);
    join_leaving(a, 0);
    for (int i = 0; i < is->nchannels; i++) {
        int k = before(was, &is->channels[i]);
        restarted[i] = k < 0;
        if (k < 0)
            continue;
        prepared[i] = a->channels[k];
        stays[k] = true;
    }
    for (int i = 0; i < was->nchannels; i++)
        if (!stays[i])
            leave(a, &a->channels[i]);
    mem_free(a->channels);
    a->channels = prepared;
    outbox_configure(a->outbox, is, restarted);
    mem_free(restarted);
    mem_free(stays);
}
