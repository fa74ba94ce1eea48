/* What goes over the connection: now-messages first, then rows, together at most MQTT_WINDOW unanswered. */
#include "daemon/uplink/mqtt_private.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"

#include <inttypes.h>
#include <mosquitto.h>
#include <stdio.h>
#include <string.h>

enum { SAYS_WAITING = 256 };

int feed_in_flight(const struct mqtt *m)
{
    return window_in_flight(&m->window) + m->pending.in_flight;
}

static void take_rows(struct mqtt *m, struct rows_input r)
{
    m->asked = false;
    m->dry = r.count == 0;
    for (int i = 0; i < r.count; i++) {
        struct row *row = &r.rows[i];
        char *payload = row->body ? mqtt_row_payload(m->journal_id, row) : NULL;
        if (!window_add(&m->window, row->seq, mqtt_row_topic(row->kind), payload))
            mem_free(payload);
        row_finish(row);
    }
    mem_free(r.rows);
}

/* Whoever waits for the answer of a message gets one. */
static void told(struct mqtt *m, int64_t id, const char *why)
{
    if (id)
        snprintf(tell(m, MQTT_TOLD, id)->text, sizeof m->outbox->text, "%s", why);
}

static void take_once(struct mqtt *m, struct now_input n)
{
    struct now_message *said = pending_say(&m->pending, n.topic, n.payload, SAYS_WAITING);
    if (said)
        said->id = n.id;
    else
        told(m, n.id, "too many wait");
}

/* Readies are read before the ring: what main gave before it said ready is then in `pending`. */
void feed_input(struct mqtt *m)
{
    struct now_input n;
    struct rows_input r;
    m->ready = m->phase == PHASE_UP && atomic_load(&m->readies) >= m->connects;
    while (ring_pop(m->nows, &n) == ERR_OK) {
        if (m->phase == PHASE_UP && n.qos == MQTT_ONCE) {
            take_once(m, n);
        } else if (m->phase == PHASE_UP) {
            pending_put(&m->pending, n.topic, n.payload, n.qos);
        } else {
            mem_free(n.topic);
            mem_free(n.payload);
        }
    }
    atomic_store(&m->nows_unsent, m->pending.count);
    while (ring_pop(m->rows, &r) == ERR_OK)
        take_rows(m, r);
    int64_t persisted = atomic_load(&m->persisted);
    if (persisted > m->window.persisted)
        m->window.persisted = persisted;
}

/* Nothing more of this sort for a while. */
static void hold(struct mqtt *m, int64_t *after, int64_t now)
{
    *after =
        now +
        (int64_t)backoff_even(&m->backoff, m->timing.retry, m->timing.retry + m->timing.retry / 10) * 1000;
}

/* Trouble is said once, until the cursor has passed the last row that had it. */
static void row_answered(struct mqtt *m, struct slot *s, enum mqtt_answer answer, const char *why,
                         int64_t now)
{
    slot_answered(s, answer, why);
    if (s->state == SLOT_TAKEN)
        return;
    hold(m, &m->rows_after, now);
    if (!m->row_trouble)
        log_warning("mqtt %s: row %" PRId64 " not taken: %s", m->config->name, s->seq, why);
    if (s->seq > m->row_trouble)
        m->row_trouble = s->seq;
}

static void nows_refused(struct mqtt *m, const char *topic, const char *why, int64_t now)
{
    hold(m, &m->nows_after, now);
    if (!m->now_trouble)
        log_warning("mqtt %s: message of %s not taken: %s", m->config->name, topic, why);
    m->now_trouble = true;
}

static void now_answered(struct mqtt *m, int mid, enum mqtt_answer answer, const char *why, int64_t now)
{
    struct now_message *n = pending_flying(&m->pending, mid);
    if (!n)
        return;
    if (answer == ANSWER_TAKEN || answer == ANSWER_CANNOT_TELL)
        m->now_trouble = false;
    else
        nows_refused(m, n->topic, why, now);
    if (answer != ANSWER_LATER)
        told(m, n->id, answer == ANSWER_NEVER ? why : "");
    pending_answered(&m->pending, mid, answer);
}

static void settle(struct mqtt *m)
{
    int64_t refused;
    const char *why;
    while (window_settle(&m->window, &refused, &why)) {
        struct mqtt_event *e = tell(m, refused ? MQTT_REFUSED : MQTT_TAKEN, m->window.taken);
        if (refused)
            snprintf(e->text, sizeof e->text, "%s", why);
        else if (m->window.taken >= m->row_trouble)
            m->row_trouble = 0;
    }
    atomic_store(&m->taken, m->window.taken);
}

void feed_answers(struct mqtt *m, int64_t now)
{
    for (int i = 0; i < m->nanswers; i++) {
        int mid = m->answers[i].mid, reason = m->answers[i].reason;
        enum mqtt_answer answer = mqtt_answer(m->config->mqtt5, reason);
        struct slot *s = window_sent(&m->window, mid);
        m->heard = now;
        if (s)
            row_answered(m, s, answer, mosquitto_reason_string(reason), now);
        else
            now_answered(m, mid, answer, mosquitto_reason_string(reason), now);
    }
    m->nanswers = 0;
    settle(m);
}

struct message {
    const char *topic, *payload;
    int qos;
    bool retain;
};

/* Larger than the broker said it takes. libmosquitto 2.0.11 checks too, but is some bytes off: in between it
 * runs into an assertion of its own. Head, topic, message id and no properties are at most 10 bytes. */
static bool too_large(const struct mqtt *m, const char *topic, const char *payload)
{
    return m->packet_most && strlen(topic) + strlen(payload) + 10 > m->packet_most;
}

/* ANSWER_TAKEN: handed over as `mid`; otherwise m->local says why not. */
static enum mqtt_answer publish(struct mqtt *m, struct message n, int *mid, int64_t now)
{
    int rc = MOSQ_ERR_OVERSIZE_PACKET;
    char *topic = mem_printf("%s%s", m->prefix, n.topic);
    if (!feed_in_flight(m))
        m->heard = now;
    if (!too_large(m, topic, n.payload))
        rc = mosquitto_publish(m->handle, mid, topic, (int)strlen(n.payload), n.payload, n.qos, n.retain);
    mem_free(topic);
    enum mqtt_answer answer = mqtt_answer_local(rc);
    if (answer == ANSWER_TAKEN)
        atomic_fetch_add(&m->sent, 1);
    else
        m->local = mosquitto_strerror(rc);
    return answer;
}

static bool may_send(const struct mqtt *m)
{
    return m->phase == PHASE_UP && !m->left && feed_in_flight(m) < MQTT_WINDOW &&
           !mosquitto_want_write(m->handle);
}

static void send_nows(struct mqtt *m, int64_t now)
{
    struct now_message *n;
    while (now >= m->nows_after && may_send(m) && (n = pending_first(&m->pending)) != NULL) {
        int mid = 0;
        enum mqtt_answer answer =
            publish(m, (struct message){n->topic, n->payload, n->qos, !n->once}, &mid, now);
        if (answer == ANSWER_BROKEN) {
            line_lost(m, now, m->local);
        } else if (answer == ANSWER_TAKEN) {
            pending_sent(&m->pending, mid);
        } else {
            nows_refused(m, n->topic, m->local, now);
            told(m, n->id, m->local);
            pending_drop(&m->pending);
        }
    }
}

static void send_rows(struct mqtt *m, int64_t now)
{
    struct slot *s;
    while (now >= m->rows_after && may_send(m) && (s = window_next(&m->window)) != NULL) {
        enum mqtt_answer answer = publish(m, (struct message){s->topic, s->payload, 1, false}, &s->mid, now);
        if (answer == ANSWER_BROKEN) {
            line_lost(m, now, m->local);
        } else if (answer == ANSWER_TAKEN) {
            s->state = SLOT_SENT;
        } else {
            row_answered(m, s, answer, m->local, now);
            settle(m);
        }
    }
}

/* More rows when half the window is free, one question at a time. After an empty answer only once more is
 * committed than was when we asked. */
static void want(struct mqtt *m)
{
    int64_t committed = atomic_load(&m->committed);
    bool idle = m->dry && committed == m->asked_at;
    if (m->asked || idle || m->noutbox > 1 || m->window.count > MQTT_WINDOW / 2 || atomic_load(&m->stop))
        return;
    struct mqtt_event *e = tell(m, MQTT_WANT, m->window.last);
    e->limit = MQTT_WINDOW - m->window.count;
    m->asked = true;
    m->asked_at = committed;
}

/* The ring of now-messages was full: main gives all of them again. */
static void ask_again(struct mqtt *m, int64_t now)
{
    uint64_t refused = ring_refused(m->nows);
    if (refused == m->refused || now < m->nows_after || m->noutbox)
        return;
    m->refused = refused;
    nows_refused(m, "many topics", "too many at once", now);
    m->connects++;
    m->ready = false;
    tell(m, MQTT_CONNECTED, 0);
}

void feed_send(struct mqtt *m, int64_t now)
{
    send_nows(m, now);
    atomic_store(&m->nows_unsent, m->pending.count);
    if (m->ready && !m->farewell && (!m->pending.count || now < m->nows_after))
        send_rows(m, now);
    if (m->phase != PHASE_UP)
        return;
    if (m->ready)
        want(m);
    ask_again(m, now);
}

static void end(struct mqtt *m)
{
    if (m->handle)
        mosquitto_destroy(m->handle);
    m->handle = NULL;
    atomic_store(&m->connected, false);
    m->phase = PHASE_END;
}

/* {"online":false} once everything else is answered or half the time is up, DISCONNECT once that is taken. */
static void leave(struct mqtt *m, int64_t now)
{
    bool said = !m->pending.count && !m->pending.in_flight;
    bool more = window_in_flight(&m->window) || (m->ready && window_next(&m->window));
    bool half = now >= m->stop_at - (int64_t)m->timing.stop * 500;
    if (!m->farewell && ((said && !more) || half)) {
        m->farewell = true;
        m->nows_after = 0;
        pending_put(&m->pending, mem_string("state"), mem_string(MQTT_OFFLINE), 1);
        send_nows(m, now);
    } else if (m->farewell && said && !m->left) {
        m->left = true;
        mosquitto_disconnect(m->handle);
    }
}

/* When the time is up before the farewell was taken, the line is cut without DISCONNECT: then the broker
 * sends our will, which says the same. */
void feed_stop(struct mqtt *m, int64_t now)
{
    if (!m->stop_at)
        m->stop_at = now + (int64_t)m->timing.stop * 1000;
    if (m->phase == PHASE_UP && now < m->stop_at)
        leave(m, now);
    if (m->phase != PHASE_UP || now >= m->stop_at || mosquitto_socket(m->handle) < 0)
        end(m);
}
