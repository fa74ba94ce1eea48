/* What alerts take on the line: of each channel a message as it is built at work, made up like the readings.
 */
#include "daemon/cost.h"

#include "daemon/alert/message.h"
#include "daemon/alert/robot.h"
#include "daemon/base/mem.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/config/person.h"

#include <string.h>

/* How many there are nobody knows before; what is behind the numbers of a connection is in cost.h. */
enum {
    TYPICAL_SEQ = 1000000,
    DAYS = 30,
    SEGMENTS_AROUND =
        14, /* of a short HTTPS exchange: SYN, hellos, certificates, both bodies, FIN, their answers */
    MAIL_SEGMENTS_AROUND = 36, /* SMTP's greetings, STARTTLS, its answers to each command */
    SEGMENT_BYTES = 52,        /* IPv4 and TCP with time stamps */
    HANDSHAKE_BYTES = 6000,    /* hellos, and a chain of three certificates */
    HEADERS_BYTES = 700,       /* of HTTP, there and back, in TLS's records; the robot's answer */
    NAME_BYTES = 300,          /* two questions for its address, and their answers */
};

static const struct alert_text typical = {
    .at_ms = INT64_C(1795420800000),
    .level = LEVEL_MAJOR,
    .subject = "LQ-2026-0001",
    .title = "逾期未回复：疑似扬尘超标：gate/pm10 小时均值 312.4 ug/m3，达到 250 ug/m3",
    .text = "编号 LQ-2026-0001；责任人 工地负责人；2026-11-26 12:00 前回复；2026-11-27 10:00 前整改到位",
};

static size_t body_bytes(const struct config *c, const struct channel_config *k, const struct person *p)
{
    struct alert_frame f = {true, c->site.title_zh, p->title, c->site.zone_min, false};
    int64_t row = TYPICAL_SEQ;
    char *subject = message_subject(&f, &typical, 1);
    char *text = message_text(&f, &typical, 1, robot_of(k->kind)->text_most);
    struct alert_message m = {.subject = subject,
                              .text = text,
                              .person = p->name,
                              .mobile = k->mention ? p->phone : "",
                              .site = c->site.name,
                              .level = typical.level,
                              .rows = &row,
                              .nrows = 1,
                              .at_ms = typical.at_ms};
    char *body = robot_body(k->kind, &m, "");
    size_t length = k->kind == CHANNEL_SMTP ? strlen(text) * 4 / 3 : strlen(body); /* mail is base64 */
    mem_free(body);
    mem_free(text);
    mem_free(subject);
    return length;
}

static const struct mqtt_config *broker_of(const struct config *c, const char *name)
{
    int i = 0;
    while (i < c->nmqtt && strcmp(c->mqtt[i].name, name) != 0)
        i++;
    return i < c->nmqtt ? &c->mqtt[i] : NULL;
}

/* Over a broker's own connection, or over one of its own. */
static int64_t month_bytes(const struct config *c, const struct channel_config *k, const struct person *p)
{
    const struct mqtt_config *b = k->kind == CHANNEL_MQTT ? broker_of(c, k->broker) : NULL;
    struct cost_message m = {.per_day = COST_ALERTS_A_DAY, .qos = 1, .payload = body_bytes(c, k, p)};
    struct cost_uplink on_line = {0};
    snprintf(m.topic, sizeof m.topic, "alert/%.80s", p->name);
    if (b) {
        int keepalive_s = b->keepalive_s;
        struct mqtt_config without_pings = *b;
        without_pings.keepalive_s = keepalive_s < 60 ? 60 : keepalive_s; /* they are counted once */
        cost_uplink(&without_pings, c->site.name, &m, 1, &on_line);
        return on_line.all;
    }
    int segments = k->kind == CHANNEL_SMTP ? MAIL_SEGMENTS_AROUND : SEGMENTS_AROUND;
    size_t one = m.payload + HANDSHAKE_BYTES + HEADERS_BYTES + NAME_BYTES + (size_t)segments * SEGMENT_BYTES;
    return (int64_t)one * COST_ALERTS_A_DAY * DAYS;
}

void cost_channel(const struct config *c, const struct channel_config *k, struct cost_channel *out)
{
    *out = (struct cost_channel){0};
    for (int i = 0; i < c->npeople; i++)
        for (int n = 0; n < c->people[i].nchannels; n++)
            if (strcmp(c->people[i].channels[n], k->name) == 0) {
                out->people++;
                out->all += month_bytes(c, k, &c->people[i]);
            }
}

int64_t cost_alerts(const struct config *c, const struct mqtt_config *b)
{
    int64_t all = 0;
    for (int i = 0; i < c->nchannels; i++) {
        const struct channel_config *k = &c->channels[i];
        struct cost_channel cost;
        if (k->kind != CHANNEL_MQTT || strcmp(k->broker, b->name) != 0)
            continue;
        cost_channel(c, k, &cost);
        all += cost.all;
    }
    return all;
}
