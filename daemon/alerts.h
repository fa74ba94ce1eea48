/* People are told: alert rows in, messages out over the channels, alerted rows for what became of them. The
 * outbox decides (alert/outbox.h), a thread a channel sends (uplink/alert.h), MQTT goes over the brokers' own
 * threads. Main thread. */
#ifndef DUST_ALERTS_H
#define DUST_ALERTS_H

#include "daemon/alert/robot.h"

#include <jansson.h>
#include <sys/types.h>

struct dustd;
struct mqtt_event;
struct outbox_verdict;

struct channel_now {
    struct alert_uplink *uplink; /* NULL: goes over a broker */
    struct ring *ring;
    struct config *held;       /* the one its thread reads, which after a reload may be an older one */
    uint64_t id;               /* of the message on its way; 0: none */
    int64_t sent_us;           /* wire time of it */
    char said[ALERT_WHY_SIZE]; /* the reason that is in the log; "" none */
};

/* Somebody waits for what became of a test. */
struct alert_test {
    uint64_t client; /* 0: nobody */
    int64_t seq, until_us;
    char person[64];
    json_t *channels; /* what is known */
};

enum { ALERT_TESTS = 4 };

struct alerts {
    struct outbox *outbox;
    struct channel_now *channels; /* one a channel of the configuration */
    uint64_t last_id;
    struct channel_now *leaving; /* of the configurations before: asked to end, not joined yet */
    int nleaving;
    struct alert_test tests[ALERT_TESTS];
    bool restored; /* what the journal knew is in the outbox: from here on rows come one by one */
};

/* d->alerts as d->config has it, without threads: first of all; alerts_free also without the others. */
void alerts_create(struct dustd *d);
int alerts_scan(
    struct dustd *d); /* what the journal says is still to be told; from the store, before it runs */
int alerts_start(struct dustd *d); /* the threads; ERR_IO: none are to be had */
void alerts_free(struct dustd *d);

/* A row has been appended: its kind is alert or another. */
void alerts_row(struct dustd *d, int64_t seq, const char *kind, const char *body);

/* What a channel's thread says (its ring in alerts_fd), what a broker says of a message (MQTT_TOLD), and that
 * its line is lost. */
int alerts_fd(const struct dustd *d, int channel); /* -1: it has none */
void alerts_take(struct dustd *d, int channel);
void alerts_told(struct dustd *d, const struct mqtt_event *e);
void alerts_broker_lost(struct dustd *d, const char *broker);

/* Sends what is to be sent, gives up what is too old, answers tests whose time is up. */
void alerts_turn(struct dustd *d);

/* At a stop: what is on its way gets until `until_us` (wire); then alerts_end, and false: a thread hangs. */
void alerts_settle(struct dustd *d, int64_t until_us);
bool alerts_end(struct dustd *d, int wait_ms);

/* A reload: threads for channels that are new or others are made before anything else changes (NULL: none are
 * to be had), and then take the place of those before, or are ended again. */
struct channel_now *alerts_prepare(const struct dustd *d, struct config *is);
void alerts_take_over(struct dustd *d, struct config *is, struct channel_now *prepared);
void alerts_undo(const struct config *is, struct channel_now *prepared);

/* alerts_json.c: the member "alerts" of a status, what waits for whom, and warnings (health.h). */
json_t *alerts_channels_json(const struct dustd *d, int64_t now_ms);
json_t *alerts_queues_json(const struct dustd *d);
void alerts_warn(const struct dustd *d, json_t *list);

/* alerts_test.c: the control socket's alerts and alert_test. */
void alerts_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);
void alert_test_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);
void alerts_test_verdict(struct dustd *d, const struct outbox_verdict *v);
void alerts_test_turn(struct dustd *d, int64_t now_us);

#endif
