/* What answers mean, and how long to wait: tables. */
#include "daemon/uplink/mqtt_parts.h"

#include <mosquitto.h>
#include <mqtt_protocol.h>
#include <stddef.h>

struct answer {
    int reason;
    enum mqtt_answer means;
};

/* MQTT 5, 3.4.2.1, and 0x95, which mosquitto puts into a PUBACK too. Not here: below 0x80 taken, from there
 * on later. "No matching subscribers" is taken: nobody listens, and the broker has done its part. */
static const struct answer puback[] = {
    {MQTT_RC_SUCCESS, ANSWER_TAKEN},          {MQTT_RC_NO_MATCHING_SUBSCRIBERS, ANSWER_TAKEN},
    {MQTT_RC_UNSPECIFIED, ANSWER_LATER},      {MQTT_RC_IMPLEMENTATION_SPECIFIC, ANSWER_LATER},
    {MQTT_RC_NOT_AUTHORIZED, ANSWER_NEVER},   {MQTT_RC_TOPIC_NAME_INVALID, ANSWER_NEVER},
    {MQTT_RC_PACKET_ID_IN_USE, ANSWER_LATER}, {MQTT_RC_PACKET_TOO_LARGE, ANSWER_NEVER},
    {MQTT_RC_QUOTA_EXCEEDED, ANSWER_LATER},   {MQTT_RC_PAYLOAD_FORMAT_INVALID, ANSWER_NEVER},
};

static const struct answer local[] = {
    {MOSQ_ERR_SUCCESS, ANSWER_TAKEN},           {MOSQ_ERR_INVAL, ANSWER_NEVER}, /* a topic that is none */
    {MOSQ_ERR_PAYLOAD_SIZE, ANSWER_NEVER},      {MOSQ_ERR_MALFORMED_UTF8, ANSWER_NEVER},
    {MOSQ_ERR_OVERSIZE_PACKET, ANSWER_NEVER}, /* larger than the broker's CONNACK allows */
    {MOSQ_ERR_QOS_NOT_SUPPORTED, ANSWER_LATER},
};

static const struct answer *find(const struct answer *table, size_t count, int reason)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].reason == reason)
            return &table[i];
    return NULL;
}

enum mqtt_answer mqtt_answer(bool mqtt5, int reason)
{
    if (!mqtt5)
        return ANSWER_CANNOT_TELL;
    const struct answer *a = find(puback, sizeof puback / sizeof *puback, reason);
    if (a)
        return a->means;
    return reason < MQTT_RC_UNSPECIFIED ? ANSWER_TAKEN : ANSWER_LATER;
}

enum mqtt_answer mqtt_answer_local(int rc)
{
    const struct answer *a = find(local, sizeof local / sizeof *local, rc);
    return a ? a->means : ANSWER_BROKEN;
}

/* splitmix64: one line of state, any seed will do. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

int backoff_even(struct backoff *b, int low, int high)
{
    return high <= low ? low : low + (int)(next_random(&b->random) % ((uint64_t)(high - low) + 1));
}

int backoff_next(struct backoff *b)
{
    int64_t most = b->first_ms;
    for (int i = 0; i < b->tries && most < b->most_ms; i++)
        most *= 2;
    b->tries++;
    return backoff_even(b, 0, (int)(most < b->most_ms ? most : b->most_ms));
}
