/* The connection: one libmosquitto handle an attempt, so that nothing of the last connection is sent again
 * behind our back and password, CA and certificates are read anew. Handshake deadline, back-off and the
 * reasons for a failure are ours: libmosquitto 2.0.11 by itself gives up for ever on a TLS error, never
 * retries a failed first connect, and has no deadline. */
#include "daemon/uplink/mqtt_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/credential.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PACKET_MOST = 16384, /* what we let the broker send us */
    RECEIVED_MOST = 8,   /* packets read at once from a line that is already closed */
    CUT_SHORT_MOST = 3,
    INPUT_PAUSE = 8, /* events that wait for main, while nothing is read: then the sources wait too */
    SESSION_S = 600  /* how long a broker keeps commands for us: none is valid for longer */
};

static const char closed_by_far_end[] = "closed by the far end";

/* Callbacks mark, the loop acts. */
static void on_connect(struct mosquitto *handle, void *arg, int reason, int flags,
                       const mosquitto_property *props)
{
    (void)handle, (void)flags;
    struct mqtt *m = arg;
    m->connack = reason;
    m->packet_most = 0;
    mosquitto_property_read_int32(props, MQTT_PROP_MAXIMUM_PACKET_SIZE, &m->packet_most, false);
}

/* `reason` is a code of MQTT 5 (from 0x80 on) when the broker sent DISCONNECT, else one of MOSQ_ERR_…. */
static void on_disconnect(struct mosquitto *handle, void *arg, int reason, const mosquitto_property *props)
{
    (void)handle, (void)props;
    struct mqtt *m = arg;
    if (reason >= MQTT_RC_UNSPECIFIED && m->farewell_code < 0)
        m->farewell_code = reason;
}

static void on_publish(struct mosquitto *handle, void *arg, int mid, int reason,
                       const mosquitto_property *props)
{
    (void)handle, (void)props;
    struct mqtt *m = arg;
    if (canary_answered(m, mid, reason))
        return;
    bool ours = window_sent(&m->window, mid) || pending_flying(&m->pending, mid);
    if (ours && m->nanswers < MQTT_WINDOW) {
        m->answers[m->nanswers].mid = mid;
        m->answers[m->nanswers++].reason = reason;
    }
}

static void on_message(struct mosquitto *handle, void *arg, const struct mosquitto_message *message,
                       const mosquitto_property *props)
{
    (void)handle, (void)props;
    heard_message(arg, message);
}

static void on_subscribe(struct mosquitto *handle, void *arg, int mid, int count, const int *reasons,
                         const mosquitto_property *props)
{
    (void)handle, (void)props;
    canary_granted(arg, mid, count ? reasons[0] : MQTT_RC_UNSPECIFIED);
}

/* "OpenSSL Error[0]: error:0A000416:SSL routines::sslv3 alert certificate unknown": the end says it. */
static void on_log(struct mosquitto *handle, void *arg, int level, const char *text)
{
    (void)handle;
    struct mqtt *m = arg;
    if (level != MOSQ_LOG_ERR)
        return;
    const char *end = strrchr(text, ':');
    snprintf(m->library.text, sizeof m->library.text, "%s",
             end && end[1] ? end + 1 + strspn(end + 1, " ") : text);
}

/* The first line of the file; never logged, wiped by the caller. */
static int read_password(const char *name, char text[static CREDENTIAL_LINE_MAX], struct why *why)
{
    char reason[120];
    int rc = credential_line(name, text, reason, sizeof reason);
    if (rc != ERR_OK)
        snprintf(why->text, sizeof why->text, "password file %s", reason);
    return rc;
}

static int set_user(struct mqtt *m, struct why *why)
{
    const struct mqtt_config *c = m->config;
    if (!c->username || !*c->username)
        return ERR_OK;
    char password[CREDENTIAL_LINE_MAX] = "";
    int rc = c->password_file && *c->password_file ? read_password(c->password_file, password, why) : ERR_OK;
    if (rc == ERR_OK)
        mosquitto_username_pw_set(m->handle, c->username, *password ? password : NULL);
    explicit_bzero(password, sizeof password);
    return rc;
}

static int set_tls(struct mqtt *m, struct why *why)
{
    if (!m->config->ca_file || !*m->config->ca_file)
        return ERR_OK;
    struct ssl_ctx_st *tls;
    int rc = mqtt_tls_open(m->config, &tls, &m->untrusted, why);
    if (rc != ERR_OK)
        return rc;
    mosquitto_int_option(m->handle, MOSQ_OPT_SSL_CTX_WITH_DEFAULTS, 0);
    mosquitto_void_option(m->handle, MOSQ_OPT_SSL_CTX, tls);
    mqtt_tls_close(tls);
    return ERR_OK;
}

/* libmosquitto takes CONNECT properties only with its blocking connect, which would sit in connect() for two
 * minutes. It keeps them, though, before it finds that port -1 is none; the asynchronous connect then sends
 * them. Session expiry 0: our cursor is the session; but for commands, which the broker keeps while we are
 * away.
 */
static void set_properties(struct mqtt *m)
{
    if (!m->config->mqtt5)
        return;
    mosquitto_property *p = NULL;
    mosquitto_property_add_int32(&p, MQTT_PROP_MAXIMUM_PACKET_SIZE, PACKET_MOST);
    mosquitto_property_add_int32(&p, MQTT_PROP_SESSION_EXPIRY_INTERVAL, m->config->commands ? SESSION_S : 0);
    mosquitto_connect_bind_v5(m->handle, m->config->host, -1, m->config->keepalive_s, NULL, p);
    mosquitto_property_free_all(&p);
}

static int prepare(struct mqtt *m, struct why *why)
{
    bool fresh = !m->config->commands || !m->config->mqtt5; /* 3.1.1 would keep a session for ever */
    m->handle = mosquitto_new(m->client_id, fresh, m);
    if (!m->handle) {
        snprintf(why->text, sizeof why->text, "client id %.80s cannot be used", m->client_id);
        return ERR_FORMAT;
    }
    mosquitto_connect_v5_callback_set(m->handle, on_connect);
    mosquitto_disconnect_v5_callback_set(m->handle, on_disconnect);
    mosquitto_publish_v5_callback_set(m->handle, on_publish);
    mosquitto_message_v5_callback_set(m->handle, on_message);
    mosquitto_subscribe_v5_callback_set(m->handle, on_subscribe);
    mosquitto_log_callback_set(m->handle, on_log);
    mosquitto_int_option(m->handle, MOSQ_OPT_PROTOCOL_VERSION,
                         m->config->mqtt5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
    mosquitto_int_option(m->handle, MOSQ_OPT_TCP_NODELAY, 1);
    if (m->ipv4)
        mosquitto_string_option(m->handle, MOSQ_OPT_BIND_ADDRESS, "0.0.0.0");
    char *topic = mem_printf("%sstate", m->prefix);
    mosquitto_will_set(m->handle, topic, (int)strlen(MQTT_OFFLINE), MQTT_OFFLINE, 1, true);
    mem_free(topic);
    set_properties(m);
    int rc = set_user(m, why);
    return rc == ERR_OK ? set_tls(m, why) : rc;
}

/* What to say about a libmosquitto error; `saved` is errno after it. */
static const char *explain(struct mqtt *m, int rc, int saved)
{
    if (m->farewell_code >= 0)
        return mosquitto_reason_string(m->farewell_code);
    if (m->connack > 0)
        return m->connack >= MQTT_RC_UNSPECIFIED ? mosquitto_reason_string(m->connack)
                                                 : mosquitto_connack_string(m->connack);
    if (m->untrusted.text[0])
        return m->untrusted.text;
    if (m->library.text[0])
        return m->library.text;
    if (rc == MOSQ_ERR_EAI)
        return gai_strerror(saved);
    if (rc == MOSQ_ERR_CONN_LOST || rc == MOSQ_ERR_SUCCESS)
        return closed_by_far_end;
    if (rc == MOSQ_ERR_ERRNO && saved == EPROTO) /* what libmosquitto makes of any TLS error */
        return "closed in the middle of TLS";
    if (rc == MOSQ_ERR_ERRNO && saved != 0)
        return strerrordesc_np(saved);
    return mosquitto_strerror(rc);
}

void line_try(struct mqtt *m, int64_t now)
{
    struct why why = {""};
    m->connack = m->farewell_code = -1;
    m->library.text[0] = m->untrusted.text[0] = 0;
    if (prepare(m, &why) != ERR_OK) {
        m->phase = PHASE_HANDSHAKE; /* other addresses would not help */
        line_lost(m, now, why.text);
        return;
    }
    m->phase = PHASE_CONNECT;
    int rc = mosquitto_connect_async(m->handle, m->config->host, m->config->port, m->config->keepalive_s);
    int saved = errno;
    now = clock_wire_us(); /* the name server may have taken its time */
    m->deadline = now + (int64_t)m->timing.handshake * 1000;
    if (rc > 0 && rc != MOSQ_ERR_ERRNO)
        m->phase = PHASE_HANDSHAKE;
    if (rc > 0)
        line_lost(m, now, explain(m, rc, saved));
}

/* A wait before the next attempt. Right after the first addresses of a name failed the others are tried: a
 * "localhost" whose broker listens on 127.0.0.1 only, a network with half an IPv6. */
static void plan_next(struct mqtt *m, int64_t now, bool unreachable)
{
    m->next_try = now;
    if (unreachable && !m->ipv4) {
        m->ipv4 = true;
        return;
    }
    m->ipv4 = false;
    int ms = backoff_next(&m->backoff);
    if (m->farewell_code == MQTT_RC_SESSION_TAKEN_OVER)
        ms =
            backoff_even(&m->backoff, m->timing.taken_over, m->timing.taken_over + m->timing.taken_over / 10);
    m->next_try += (int64_t)ms * 1000;
}

/* A broker of MQTT 5 says 0x8E when another client connects with our id; mosquitto 2.0.11 and 3.1.1 only
 * close. Closed again and again soon after the connect is worth a word, and the back-off grows. */
static void suspect_twin(struct mqtt *m, int64_t now, bool closed)
{
    if (now - m->up_since >= (int64_t)m->timing.stable * 1000) {
        m->backoff.tries = 0;
        m->cut_short = 0;
    } else if (closed && ++m->cut_short == CUT_SHORT_MOST) {
        log_error("mqtt %s: the broker closed %d connections soon after they were made: is another client "
                  "connected as %s?",
                  m->config->name, CUT_SHORT_MOST, m->client_id);
    }
}

/* Each reason is said once, also when two take turns. */
static bool said_before(const struct mqtt *m, const char *why)
{
    for (int i = 0; i < m->nsaid; i++)
        if (strcmp(m->said[i].text, why) == 0)
            return true;
    return m->nsaid == MQTT_SAID;
}

static void say_lost(struct mqtt *m, bool was_up, const char *why)
{
    const struct mqtt_config *c = m->config;
    if (!was_up && said_before(m, why))
        return;
    if (m->farewell_code == MQTT_RC_SESSION_TAKEN_OVER)
        log_error("mqtt %s: duplicate client id: another client connected as %s; waiting %d s", c->name,
                  m->client_id, m->timing.taken_over / 1000);
    else
        log_warning("mqtt %s: %s %s:%d: %s; trying again", c->name, was_up ? "lost" : "no connection to",
                    c->host, c->port, why);
    struct mqtt_event *e = tell(m, MQTT_LOST, 0);
    snprintf(e->text, sizeof e->text, "%s", why);
    if (m->nsaid < MQTT_SAID)
        snprintf(m->said[m->nsaid++].text, sizeof m->said->text, "%s", why);
}

void line_lost(struct mqtt *m, int64_t now, const char *why)
{
    struct why text;
    bool was_up = m->phase == PHASE_UP, unreachable = m->phase == PHASE_CONNECT;
    bool second = m->ipv4;
    snprintf(text.text, sizeof text.text, "%s", second && unreachable ? m->first.text : why);
    feed_answers(m, now); /* what came before the end */
    canary_lost(m, now);
    if (m->handle)
        mosquitto_destroy(m->handle);
    m->handle = NULL;
    m->ready = false;
    atomic_store(&m->connected, false);
    window_broke(&m->window);
    pending_clear(&m->pending);
    m->phase = PHASE_WAIT;
    if (was_up)
        suspect_twin(m, now, why == closed_by_far_end);
    plan_next(m, now, unreachable);
    if (m->ipv4)
        m->first = text; /* said when the other addresses fail too */
    else if (!atomic_load(&m->stop))
        say_lost(m, was_up, text.text);
}

static void line_up(struct mqtt *m, int64_t now)
{
    if (m->up_since)
        atomic_fetch_add(&m->reconnects, 1);
    m->phase = PHASE_UP;
    m->up_since = m->heard = now;
    m->nsaid = 0;
    m->rows_after = m->nows_after = 0;
    m->connects++;
    log_info("mqtt %s: connected to %s:%d", m->config->name, m->config->host, m->config->port);
    atomic_store(&m->connected, true);
    tell(m, MQTT_CONNECTED, 0);
    heard_subscribe(m);
    canary_up(m);
}

int line_events(const struct mqtt *m)
{
    if (!m->handle || mosquitto_socket(m->handle) < 0)
        return 0;
    int events = m->noutbox < INPUT_PAUSE ? POLLIN | POLLRDHUP : POLLRDHUP;
    bool shaking = m->phase == PHASE_HANDSHAKE && mqtt_tls_shaking(mosquitto_ssl_get(m->handle));
    if (m->phase == PHASE_CONNECT || (!shaking && mosquitto_want_write(m->handle)))
        events |= POLLOUT;
    return events;
}

/* Whether TCP stands: then the first bytes are on their way. */
static void see_connected(struct mqtt *m, int revents, int64_t now)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (!(revents & (POLLOUT | POLLERR | POLLHUP)))
        return;
    getsockopt(mosquitto_socket(m->handle), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0 && (revents & (POLLERR | POLLHUP)))
        error = ECONNREFUSED; /* a write has eaten the code */
    if (error)
        line_lost(m, now, strerrordesc_np(error));
    else
        m->phase = PHASE_HANDSHAKE;
}

/* What came, what waits to go out, keep-alive. Returns MOSQ_ERR_…. */
static int move_bytes(struct mqtt *m, int revents)
{
    int rc = MOSQ_ERR_SUCCESS;
    int reads = revents & (POLLRDHUP | POLLHUP | POLLERR) ? RECEIVED_MOST : 1;
    if (revents || m->phase == PHASE_HANDSHAKE)
        for (int i = 0; i < reads && rc == MOSQ_ERR_SUCCESS && mosquitto_socket(m->handle) >= 0; i++)
            rc = mqtt_guarded_read(m->handle);
    if (rc == MOSQ_ERR_SUCCESS && mosquitto_socket(m->handle) >= 0 && mosquitto_want_write(m->handle))
        rc = mosquitto_loop_write(m->handle, 1);
    if (rc == MOSQ_ERR_SUCCESS && m->phase == PHASE_UP && mosquitto_socket(m->handle) >= 0)
        rc = mosquitto_loop_misc(m->handle);
    return rc;
}

void line_io(struct mqtt *m, int revents, int64_t now)
{
    if (m->phase == PHASE_CONNECT)
        see_connected(m, revents, now);
    if (m->phase == PHASE_WAIT)
        return;
    int rc = m->phase == PHASE_CONNECT ? MOSQ_ERR_SUCCESS : move_bytes(m, revents);
    int saved = errno;
    bool hung_up =
        m->phase == PHASE_HANDSHAKE && m->connack != 0 && (revents & (POLLRDHUP | POLLHUP | POLLERR));
    if (rc != MOSQ_ERR_SUCCESS || mosquitto_socket(m->handle) < 0 || hung_up)
        line_lost(m, now, explain(m, rc, saved));
    else if (m->phase == PHASE_HANDSHAKE && m->connack == 0)
        line_up(m, now);
    else if (m->phase != PHASE_UP && now >= m->deadline)
        line_lost(m, now,
                  m->phase == PHASE_CONNECT ? "no answer" : "accepted the connection and said nothing");
    else if (m->phase == PHASE_UP && feed_in_flight(m) && now - m->heard >= (int64_t)m->timing.answer * 1000)
        line_lost(m, now, "no answer to what was sent");
}
