/* Between the files of the MQTT uplink, and its tests. mqtt.c is main's side, mqtt_loop.c the thread's loop,
 * mqtt_line.c the connection, mqtt_feed.c what goes over it, mqtt_heard.c what comes back, mqtt_canary.c
 * whether commands may. */
#ifndef DUST_MQTT_PRIVATE_H
#define DUST_MQTT_PRIVATE_H

#include "daemon/store/journal.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink/mqtt_parts.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct mosquitto;
struct ssl_ctx_st;

/* Wire time, ms. Tests set shorter ones between mqtt_create and mqtt_park. */
struct mqtt_timing {
    int handshake;   /* from the first SYN to the CONNACK, TLS included */
    int answer;      /* longest silence while messages are in flight */
    int retry;       /* before a refused row is tried again */
    int first, most; /* back-off: the first wait is at most `first`, then doubles up to `most` */
    int stable;      /* a connection that held as long starts the back-off anew */
    int taken_over;  /* wait when another client has our id */
    int stop;        /* for the last answers and the farewell */
    int canary;      /* from the broker's answer to the canary until it is taken for kept back */
    int canary_open, canary_closed; /* before the next one, when it came back; when it did not */
};

enum phase { PHASE_WAIT, PHASE_CONNECT, PHASE_HANDSHAKE, PHASE_UP, PHASE_END };

struct why {
    char text[160];
};

enum { CANARY_NAME = 33 };

/* Callbacks mark, canary_turn acts. */
struct canary {
    enum mqtt_commands is;
    char name[CANARY_NAME]; /* that is out, "" none */
    int mid, subscription;  /* of the message, of our SUBSCRIBE; 0: none is out */
    int reason;             /* of the broker's answer, -1: none yet */
    bool came_back, granted;
    int64_t sent, answered; /* when the last one was; 0: none was on this connection, it was not yet */
    int64_t next;           /* when to send one */
    int hung_up;            /* connections in a row that ended soon after one was sent */
};

/* Main to thread: a now-message, strings owned. */
struct now_input {
    char *topic, *payload;
    int qos;    /* MQTT_ONCE: an answer to a source, or an alert */
    int64_t id; /* of an alert, 0 none */
};

enum { MQTT_ONCE = -1 };

/* Main to thread: the answer to MQTT_WANT, `rows` owned. */
struct rows_input {
    struct row *rows;
    int count;
};

enum { MQTT_OUTBOX = 64, MQTT_SAID = 6 };

#define MQTT_OFFLINE "{\"online\":false}" /* on `state`: our will, and our farewell */

struct mqtt {
    /* set before the thread starts */
    const struct mqtt_config *config;
    char *prefix, *client_id; /* "dust/1/<site>/" */
    char journal_id[JOURNAL_ID_SIZE];
    struct mqtt_timing timing;
    struct ring *nows, *rows, *out;
    int wake, ended; /* eventfds: look at the atomics; the thread is done */
    pthread_t thread;
    sem_t go; /* until then everything here is main's */

    /* written by one side, read by the other */
    atomic_bool stop, connected, hurry;
    atomic_int_fast64_t committed, persisted, taken;
    atomic_uint_fast64_t readies, sent, reconnects;
    atomic_int in_flight, nows_unsent;

    /* the thread's own */
    enum phase phase;
    struct mosquitto *handle;          /* one an attempt: nothing is left over from the last connection */
    int64_t deadline;                  /* of the handshake */
    int64_t next_try, up_since, heard; /* heard: last answer, or first message in flight */
    struct backoff backoff;
    int cut_short;              /* connections in a row that the broker closed soon */
    bool ipv4;                  /* this attempt asks for an IPv4 address only */
    struct why first;           /* why the attempt before it, at the other addresses, failed */
    struct why said[MQTT_SAID]; /* reasons in the log since the line was up last */
    int nsaid;
    struct why untrusted;       /* why the broker's certificate was refused, "" not */
    struct why library;         /* last error line of libmosquitto */
    uint32_t packet_most;       /* the largest packet the broker takes, 0 any */
    int connack, farewell_code; /* reason codes the broker gave, -1 none */
    struct window window;
    struct pending pending;
    struct {
        int mid, reason;
    } answers[MQTT_WINDOW];
    int nanswers;
    uint64_t connects;              /* MQTT_CONNECTED told: rows flow when main has said ready as often */
    uint64_t refused;               /* now-messages the ring had no room for, as known */
    bool ready;                     /* every now-message of this connection has been given */
    bool asked, dry;                /* a MQTT_WANT is out; the last answer was empty */
    int64_t asked_at;               /* `committed` when asking */
    int64_t rows_after, nows_after; /* pauses after a refusal */
    const char *local;              /* static: what mosquitto_publish said last */
    int64_t row_trouble;            /* last row not taken, once that is in the log; 0 none */
    bool input_trouble;             /* a message of a source was dropped, as the log says */
    struct canary canary;
    bool now_trouble; /* now-messages not taken, as the log says */
    int64_t stop_at;
    bool farewell, left; /* {"online":false} is on its way; DISCONNECT is */
    struct mqtt_event outbox[MQTT_OUTBOX];
    int noutbox;
};

/* mqtt_prepare in two steps, so that tests can set `timing` between; false: no thread, `m` is gone. */
struct mqtt *mqtt_create(const struct mqtt_config *config, const char *site, const char *journal_id,
                         struct ring *out);
bool mqtt_park(struct mqtt *m);

void *mqtt_loop(void *arg); /* a struct mqtt */

/* Events to main: kept when the ring is full, in order. tell_flush returns whether all are out. */
struct mqtt_event *tell(struct mqtt *m, enum mqtt_event_kind kind, int64_t seq);
bool tell_flush(struct mqtt *m);

/* The connection. line_lost ends the attempt or connection and sets the time of the next. */
void line_try(struct mqtt *m, int64_t now);
int line_events(const struct mqtt *m); /* for poll(); 0 when there is no socket */
void line_io(struct mqtt *m, int revents, int64_t now);
void line_lost(struct mqtt *m, int64_t now, const char *why);

/* What comes in: in/ and cmd/ go to main, the canary stays here. heard_subscribe once the line is up. */
struct mosquitto_message;
void heard_message(struct mqtt *m, const struct mosquitto_message *message);
void heard_subscribe(struct mqtt *m);

/* The canary (enum mqtt_commands). canary_up once the line is: it subscribes. The next two mark what the
 * broker said, and return whether it was about the canary; canary_lost when the line breaks. */
void canary_up(struct mqtt *m);
bool canary_answered(struct mqtt *m, int mid, int reason);
bool canary_came_back(struct mqtt *m, const char *user, const char *payload, size_t length);
void canary_granted(struct mqtt *m, int mid, int reason);
void canary_turn(struct mqtt *m, int64_t now);
void canary_lost(struct mqtt *m, int64_t now);

/* mosquitto_loop_read, which a packet cannot end the program with. MOSQ_ERR_MALFORMED_PACKET: only destroying
 * the handle is left. */
int mqtt_guarded_read(struct mosquitto *handle);

/* What goes over it: takes what main gave; acts on the answers; sends; says farewell and ends (PHASE_END). */
void feed_input(struct mqtt *m);
void feed_answers(struct mqtt *m, int64_t now);
void feed_send(struct mqtt *m, int64_t now);
void feed_stop(struct mqtt *m, int64_t now);
int feed_in_flight(const struct mqtt *m);

/* TLS context for one attempt; why the broker's certificate is refused goes to `untrusted`. mqtt_tls_close
 * gives back our reference. */
int mqtt_tls_open(const struct mqtt_config *c, struct ssl_ctx_st **out, struct why *untrusted,
                  struct why *why);
void mqtt_tls_close(struct ssl_ctx_st *tls);
bool mqtt_tls_shaking(void *ssl); /* a TLS handshake is going on */

#endif
