/* The parts of the MQTT uplink that decide and never touch the network: what an answer means, how long to
 * wait, which row goes out next, which now-messages are due. Thread of the uplink only; `now` is wire time in
 * us. */
#ifndef DUST_MQTT_PARTS_H
#define DUST_MQTT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    MQTT_WINDOW = 20, /* most messages in flight, and most rows sent beyond the cursor on the disk */
    MQTT_TRIES = 3    /* a row that is refused as often for good is given up */
};

/* What the far end's answer to a message means. */
enum mqtt_answer { ANSWER_TAKEN, ANSWER_LATER, ANSWER_NEVER, ANSWER_CANNOT_TELL, ANSWER_BROKEN };

/* Of a PUBACK: `reason` as in MQTT 5, 3.4.2.1. 3.1.1 has no reasons: ANSWER_CANNOT_TELL, which counts as
 * taken. */
enum mqtt_answer mqtt_answer(bool mqtt5, int reason);

/* Of what mosquitto_publish returned (MOSQ_ERR_…): taken is handed over, never is a message that the broker
 * said it would not take or that cannot be written as MQTT, broken is the line. */
enum mqtt_answer mqtt_answer_local(int rc);

/* Exponential back-off with full jitter: the n-th wait is even between 0 and first_ms * 2^n, at most most_ms.
 */
struct backoff {
    int first_ms, most_ms;
    int tries;
    uint64_t random; /* state of the generator; any seed */
};

int backoff_next(struct backoff *b);                    /* ms to wait before the next try */
int backoff_even(struct backoff *b, int low, int high); /* ms, even between the two */

/* The rows between the cursor and the end of what main gave: sent in order, answered in any order, taken off
 * in order. */
enum slot_state { SLOT_WAITING, SLOT_SENT, SLOT_TAKEN, SLOT_REFUSED };

struct slot {
    int64_t seq;
    enum slot_state state;
    const char *topic; /* static */
    char *payload;     /* NULL: a row whose body retention has deleted */
    int mid, tries;    /* message id while SENT; refusals so far */
    const char *why;   /* static: the last refusal */
};

struct window {
    struct slot slots[MQTT_WINDOW]; /* by seq; slots[0] is the one after `taken` */
    int count;
    int64_t taken, last; /* the cursor; the last row main gave */
    int64_t persisted;   /* the cursor on the disk */
};

/* Adds a row; its payload becomes the window's. False when there is no room or it does not come after `last`:
 * then the payload stays the caller's. */
bool window_add(struct window *w, int64_t seq, const char *topic, char *payload);

/* The next row to send: the first waiting one, unless it is too far ahead of the disk, or an earlier one was
 * refused and has yet to be settled. NULL for none. */
struct slot *window_next(struct window *w);

/* The row sent with this message id, NULL for none. */
struct slot *window_sent(struct window *w, int mid);

/* A row's answer, `why` (static) in words. Refused or to come later it waits again; refused MQTT_TRIES times
 * it is given up. */
void slot_answered(struct slot *s, enum mqtt_answer answer, const char *why);

/* The line broke: what was sent and not answered waits again. */
void window_broke(struct window *w);

/* Takes settled rows off the front: all that are taken (then `refused` is 0), or else one that was given up
 * (`refused` is its seq and `why` says so). `w->taken` moves. Call until false. */
bool window_settle(struct window *w, int64_t *refused, const char **why);

/* Rows that were sent and are not answered yet; and all rows are let go of. */
int window_in_flight(const struct window *w);
void window_finish(struct window *w);

/* Now-messages: the waiting ones, one a topic, oldest first, and those in flight. */
struct now_message {
    char *topic, *payload;
    int qos, mid;
    bool once;  /* neither retained nor merged */
    int64_t id; /* main waits for its answer; 0: nobody does */
};

struct pending {
    struct now_message *waiting;
    int count, room;
    struct now_message flight[MQTT_WINDOW];
    int in_flight;
};

/* Takes over both strings. A waiting message of the same topic is replaced and keeps its turn. */
void pending_put(struct pending *p, char *topic, char *payload, int qos);

/* Takes over both strings of one that is said once; NULL: dropped, `most` wait already. */
struct now_message *pending_say(struct pending *p, char *topic, char *payload, int most);

/* The oldest waiting message, NULL for none. pending_sent moves it to those in flight (QoS 0: ends it);
 * pending_drop ends it unsent. */
struct now_message *pending_first(struct pending *p);
void pending_sent(struct pending *p, int mid);
void pending_drop(struct pending *p);

/* The message in flight with this id is answered; ANSWER_LATER puts it back, unless a newer one of its topic
 * waits. Nothing happens when there is none. */
void pending_answered(struct pending *p, int mid, enum mqtt_answer answer);

/* The one in flight with this id, NULL for none. */
struct now_message *pending_flying(struct pending *p, int mid);

/* Forgets everything: after the next connect all of it is given again. */
void pending_clear(struct pending *p);
void pending_finish(struct pending *p);

#endif
