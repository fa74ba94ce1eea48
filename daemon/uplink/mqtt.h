/* One broker, one thread: external loop, own reconnect (1 s to 300 s, jitter), MQTT v5 or 3.1.1, at most 20
 * messages in flight. Rows come by cursor, in order, QoS 1, never retained; now-messages are retained, merged
 * by topic, and all of them come again after each connect, before the backlog. Nothing is queued while the
 * line is down. Main thread unless said. */
#ifndef DUST_MQTT_H
#define DUST_MQTT_H

#include "daemon/base/ring.h"

#include <stdbool.h>

struct mqtt_config;
struct row;

enum mqtt_event_kind {
    MQTT_CONNECTED, /* main answers each with every now-message (mqtt_now), then mqtt_ready */
    MQTT_LOST,      /* `text` says why; also when there was no connection yet, once per reason */
    MQTT_WANT, /* rows after `seq`, at most `limit`: main answers with mqtt_rows, also when there are none yet
                */
    MQTT_TAKEN,    /* the far end has taken everything up to `seq`: the cursor moves */
    MQTT_INPUT,    /* a source said something: `text` is the topic below in/, `payload` the taker's to free */
    MQTT_TOLD,     /* message `seq` of mqtt_tell is answered: `text` "" taken, else why it was refused */
    MQTT_COMMAND,  /* somebody asks for something: `text` is the user below cmd/, `limit` 1 when it was
                      retained,  `payload` as of MQTT_INPUT, or NULL: it is empty, no text, or longer */
    MQTT_COMMANDS, /* `limit` is enum mqtt_commands now, `text` why */
    MQTT_REFUSED,  /* row `seq` was refused for good after three tries: `text`; the cursor moves past it */
};

/* Whether what comes below cmd/ may be carried out. Who speaks is known by the topic alone, so that is up to
 * the broker's ACL. After each connect, and from time to time, a message is sent to cmd/<32 random hex
 * digits>, a name that nobody has: if it comes back, anybody may speak in anybody's name. */
enum mqtt_commands {
    COMMANDS_OFF,      /* none are taken there */
    COMMANDS_CHECKING, /* not known yet on this connection: they wait */
    COMMANDS_OPEN,     /* it came back: refused until it does not */
    COMMANDS_CLOSED,   /* the broker has answered, and it did not: carried out */
    COMMANDS_UNSAFE,   /* refused: neither TLS nor this machine, or it cannot be found out */
};

struct mqtt_event {
    enum mqtt_event_kind kind;
    int64_t seq;
    int limit;
    char *payload; /* MQTT_INPUT, MQTT_COMMAND: at most MQTT_INPUT_MAX, MQTT_COMMAND_MAX bytes and zero */
    char text[160];
};

enum { MQTT_INPUT_MAX = 4096, MQTT_COMMAND_MAX = 12288 }; /* a command may carry a part of a photo */

struct mqtt;

/* Starts the thread; events go to `out`, whose only producer it is. `cursor` is the last row taken. NULL when
 * no thread is to be had. Reads the password file itself; a missing one is logged and tried again. */
struct mqtt *mqtt_start(const struct mqtt_config *config, const char *site, const char *journal_id,
                        int64_t cursor, struct ring *out);

/* mqtt_start in two steps: the thread is there but connects to nothing until it is let go, with the cursor as
 * it is then. One that was not may be stopped and joined all the same. */
struct mqtt *mqtt_prepare(const struct mqtt_config *config, const char *site, const char *journal_id,
                          struct ring *out);
void mqtt_go(struct mqtt *m, int64_t cursor);

/* A now-message: `topic` below dust/1/<site>/, JSON `payload` copied; "" clears the topic. Dropped while the
 * line is down. `qos` 0 or 1, always retained. The way to the thread holds 2048; beyond that messages are
 * dropped too, and one more MQTT_CONNECTED asks for all of them again. */
void mqtt_now(struct mqtt *m, const char *topic, const char *payload, int qos);

/* Once, not retained, QoS 1, never merged: an answer to a source. Dropped while the line is down, and beyond
 * 256 that wait. */
void mqtt_say(struct mqtt *m, const char *topic, const char *payload);

/* The same, answered by MQTT_TOLD with `id` (not 0), unless the line breaks first (MQTT_LOST). False: the
 * line is down, nothing was said. */
bool mqtt_tell(struct mqtt *m, const char *topic, const char *payload, int64_t id);

/* After MQTT_CONNECTED: every now-message has been given; rows may follow. */
void mqtt_ready(struct mqtt *m);

/* The clock was set: a certificate that was not valid may be now. Tries to connect at once, if it waits. */
void mqtt_hurry(struct mqtt *m);

/* Rows up to here are committed: wakes the thread if it waits for more. */
void mqtt_committed(struct mqtt *m, int64_t seq);

/* The answer to MQTT_WANT. The rows' strings become the uplink's; `rows` itself is copied from. `persisted`
 * is the cursor that is on the disk: the thread never runs further than 20 rows ahead of it. */
void mqtt_rows(struct mqtt *m, struct row *rows, int nrows);
void mqtt_persisted(struct mqtt *m, int64_t seq);

/* Topic of a row below dust/1/<site>/: "minute", "hour", "day" or "event". */
const char *mqtt_row_topic(const char *kind);

/* {"journal":"…","seq":…,"hash":"…",<body without its first brace>: the message of a row, never
 * re-serialised. */
char *mqtt_row_payload(const char *journal_id, const struct row *row);

struct mqtt_state {
    bool connected;
    int64_t taken; /* cursor */
    uint64_t sent, reconnects;
    int in_flight;
};
/* A copy, of values that the thread changes one by one. Any thread. */
struct mqtt_state mqtt_state(const struct mqtt *m);

/* The two ways from main to the thread, for status; `now_us` is wire time. */
enum mqtt_queue { MQTT_NOWS, MQTT_ROWS, MQTT_QUEUES };
struct ring_state mqtt_queue(const struct mqtt *m, enum mqtt_queue which, int64_t now_us);

/* Now-messages that the broker has not been sent yet, here or there. */
int mqtt_unsent(const struct mqtt *m);

/* Finishes the rows in hand, says {"online":false}, disconnects, ends, all within 1.5 s. mqtt_stop asks;
 * mqtt_join waits at most `wait_ms` and returns false when the thread still hangs in a name server: the
 * caller then leaves by _exit. True: `m` is gone, and what it told at last is in `out`. */
void mqtt_stop(struct mqtt *m);
bool mqtt_join(struct mqtt *m, int wait_ms);

#endif
