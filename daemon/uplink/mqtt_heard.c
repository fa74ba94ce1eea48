/* What comes in over the connection: what sources say, what people ask for. */
#include "daemon/uplink/mqtt_private.h"

#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"

#include <mosquitto.h>
#include <stdio.h>
#include <string.h>

/* The topic below "<prefix><room>", NULL for any other. */
static const char *below(const struct mqtt *m, const char *topic, const char *room)
{
    size_t n = strlen(m->prefix);
    if (strncmp(topic, m->prefix, n) != 0 || strncmp(topic + n, room, strlen(room)) != 0)
        return NULL;
    return topic + n + strlen(room);
}

/* The queue to main keeps room for what else there is to tell. */
static bool has_room(struct mqtt *m, const char *topic, const char *trouble)
{
    if (!trouble && m->noutbox >= MQTT_OUTBOX / 2)
        trouble = "too many at once";
    if (trouble && !m->input_trouble)
        log_warning("mqtt %s: a message on %.100s was dropped: %s", m->config->name, topic, trouble);
    m->input_trouble = trouble != NULL;
    return !trouble;
}

static struct mqtt_event *pass_on(struct mqtt *m, enum mqtt_event_kind kind, const char *topic)
{
    struct mqtt_event *e = tell(m, kind, 0);
    snprintf(e->text, sizeof e->text, "%s", topic);
    return e;
}

/* Its length is all that is checked here: it goes on as text, so a zero in it is none; main looks at it.
 * Somebody who asks for something is told what is wrong with it, a source is not. */
void heard_message(struct mqtt *m, const struct mosquitto_message *message)
{
    const char *input = below(m, message->topic, "in/"), *user = below(m, message->topic, "cmd/");
    const char *payload = message->payload;
    size_t length = (size_t)message->payloadlen;
    size_t most = user ? MQTT_COMMAND_MAX : MQTT_INPUT_MAX;
    bool text = length && length <= most && !memchr(payload, 0, length);
    struct mqtt_event *e = NULL;
    if (user && m->config->commands) {
        if (!canary_came_back(m, user, payload, length) && has_room(m, message->topic, NULL))
            e = pass_on(m, MQTT_COMMAND, user);
        if (e)
            e->limit = message->retain;
    } else if (input && m->config->inputs) { /* a session may know subscriptions of an older configuration */
        bool fits = text && strlen(input) < sizeof e->text;
        if (has_room(m, message->topic, fits ? NULL : "empty, no text, or longer than 4096 bytes"))
            e = pass_on(m, MQTT_INPUT, input);
    }
    if (e && text)
        e->payload = mem_printf("%.*s", (int)length, payload);
}

/* A refusal of the subscription shows as silence of the sources, which proves nothing: no verdict passes by
 * it. */
void heard_subscribe(struct mqtt *m)
{
    char *topics = mem_printf("%sin/+/+", m->prefix);
    int rc = m->config->inputs ? mosquitto_subscribe(m->handle, NULL, topics, 1) : MOSQ_ERR_SUCCESS;
    if (rc != MOSQ_ERR_SUCCESS)
        log_warning("mqtt %s: cannot subscribe to %s: %s", m->config->name, topics, mosquitto_strerror(rc));
    mem_free(topics);
}
