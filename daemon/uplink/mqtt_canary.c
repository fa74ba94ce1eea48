/* Whether what comes below cmd/ may be carried out: see enum mqtt_commands. Nobody has the name that the
 * canary is sent to, so no ACL that keeps people apart lets us write there; one that does lets anybody. */
#include "daemon/uplink/mqtt_private.h"

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum { HUNG_UP_MOST = 3 };

#define CANARY_TEXT "{\"canary\":true}"

static void set(struct mqtt *m, enum mqtt_commands is, const char *why)
{
    struct canary *c = &m->canary;
    if (c->is == is)
        return;
    if (is == COMMANDS_OPEN || is == COMMANDS_UNSAFE)
        log_error("mqtt %s: commands are refused: %s", m->config->name, why);
    else if (is == COMMANDS_CLOSED)
        log_info("mqtt %s: commands are taken", m->config->name);
    c->is = is;
    struct mqtt_event *e = tell(m, MQTT_COMMANDS, 0);
    e->limit = (int)is;
    snprintf(e->text, sizeof e->text, "%s", why);
}

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return a->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* TLS, or a peer on this machine, whatever its name was. */
static bool is_safe(const struct mqtt *m)
{
    struct sockaddr_storage peer = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof peer;
    if (m->config->ca_file && *m->config->ca_file)
        return true;
    return getpeername(mosquitto_socket(m->handle), (struct sockaddr *)&peer, &size) == 0 &&
           is_loopback(&peer);
}

/* A live message keeps its retained flag in MQTT 5, so that such a command is refused at once and not only
 * when it comes again. */
void canary_up(struct mqtt *m)
{
    struct canary *c = &m->canary;
    *c = (struct canary){.is = COMMANDS_OFF, .hung_up = c->hung_up, .reason = -1};
    if (!m->config->commands)
        return;
    if (!is_safe(m)) {
        set(m, COMMANDS_UNSAFE, "the line has no TLS and does not end on this machine");
        return;
    }
    char *topics = mem_printf("%scmd/+", m->prefix);
    int options = m->config->mqtt5 ? MQTT_SUB_OPT_RETAIN_AS_PUBLISHED : 0;
    int rc = mosquitto_subscribe_v5(m->handle, &c->subscription, topics, 1, options, NULL);
    mem_free(topics);
    if (rc == MOSQ_ERR_SUCCESS)
        set(m, COMMANDS_CHECKING, "");
    else
        set(m, COMMANDS_UNSAFE, mosquitto_strerror(rc));
}

void canary_granted(struct mqtt *m, int mid, int reason)
{
    struct canary *c = &m->canary;
    if (mid != c->subscription || c->is != COMMANDS_CHECKING)
        return;
    c->subscription = 0;
    c->granted = reason < MQTT_RC_UNSPECIFIED;
    if (!c->granted)
        set(m, COMMANDS_UNSAFE, "the broker does not let us read cmd/+");
}

bool canary_answered(struct mqtt *m, int mid, int reason)
{
    struct canary *c = &m->canary;
    if (!c->name[0] || mid != c->mid)
        return false;
    c->reason = reason;
    return true;
}

/* One of the connection before may still come: it is nobody's command either. */
bool canary_came_back(struct mqtt *m, const char *user, const char *payload, size_t length)
{
    struct canary *c = &m->canary;
    bool is_ours = c->name[0] && strcmp(user, c->name) == 0;
    c->came_back = c->came_back || is_ours;
    return is_ours || (length == strlen(CANARY_TEXT) && memcmp(payload, CANARY_TEXT, length) == 0);
}

static void make_name(char name[static CANARY_NAME])
{
    unsigned char bytes[CANARY_NAME / 2] = {0};
    if (getrandom(bytes, sizeof bytes, 0) < 0)
        log_error("no random numbers: the canary has a poor name");
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(name + 2 * i, 3, "%02x", bytes[i]);
}

static void send_canary(struct mqtt *m, int64_t now)
{
    struct canary *c = &m->canary;
    c->came_back = false;
    c->reason = -1;
    c->answered = 0;
    c->sent = now;
    make_name(c->name);
    char *topic = mem_printf("%scmd/%s", m->prefix, c->name);
    int rc = mosquitto_publish(m->handle, &c->mid, topic, (int)strlen(CANARY_TEXT), CANARY_TEXT, 1, false);
    mem_free(topic);
    if (rc == MOSQ_ERR_SUCCESS)
        return;
    c->name[0] = 0;
    c->next = now + (int64_t)m->timing.retry * 1000;
}

/* What the answer and the silence after it say. Another refusal (too many, …) says nothing: once more. */
static void judge(struct mqtt *m, int64_t now)
{
    struct canary *c = &m->canary;
    bool refused = c->reason == MQTT_RC_NOT_AUTHORIZED, odd = c->reason >= MQTT_RC_UNSPECIFIED && !refused;
    if (c->reason >= 0 && !c->answered)
        c->answered = now;
    bool silent = c->answered && now >= c->answered + (int64_t)m->timing.canary * 1000;
    if (!c->came_back && !refused && !odd && !silent)
        return;
    c->name[0] = 0;
    c->next = now + (int64_t)(c->came_back ? m->timing.canary_open
                              : odd        ? m->timing.retry
                                           : m->timing.canary_closed) *
                        1000;
    if (c->came_back)
        set(m, COMMANDS_OPEN,
            "the broker lets anybody write below cmd/: its ACL must keep each user to his own topic");
    else if (!odd)
        set(m, COMMANDS_CLOSED, "");
}

/* A broker that hangs up on what it does not allow would do so at each connect. Rows matter more: for a while
 * nothing more is asked. */
static void give_up(struct mqtt *m, int64_t now)
{
    m->canary.hung_up = HUNG_UP_MOST - 1;
    m->canary.next = now + (int64_t)m->timing.canary_closed * 1000;
    set(m, COMMANDS_UNSAFE,
        "the broker hangs up on a message that it does not allow (mosquitto 2.0 with max_queued_messages 0)");
}

void canary_turn(struct mqtt *m, int64_t now)
{
    struct canary *c = &m->canary;
    if (!c->granted)
        return;
    if (c->name[0])
        judge(m, now);
    else if (c->hung_up >= HUNG_UP_MOST)
        give_up(m, now);
    else if (now >= c->next)
        send_canary(m, now);
}

void canary_lost(struct mqtt *m, int64_t now)
{
    struct canary *c = &m->canary;
    bool soon = c->sent && now < c->sent + (int64_t)m->timing.canary * 1000;
    c->hung_up = soon ? c->hung_up + 1 : c->sent ? 0 : c->hung_up;
    c->sent = 0;
    c->name[0] = 0;
    c->granted = false;
    c->is = COMMANDS_OFF;
}
