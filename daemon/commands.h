/* What people ask for over MQTT (cmd/<user>), carried out by the control socket's verbs in the name of the
 * person whom the topic names. What has come waits here, at most COMMANDS_WAITING of them, until it is known
 * that the broker keeps people apart and nobody else waits for a commit. Main thread. */
#ifndef DUST_COMMANDS_H
#define DUST_COMMANDS_H

#include "daemon/uplink/mqtt.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct dustd;

enum { COMMANDS_WAITING = 32 };

/* A client of the verbs that is no connection to the control socket: COMMAND_CLIENT | number. */
#define COMMAND_CLIENT ((uint64_t)1 << 62)

struct commands;

/* None waits, none was carried out. The caller's (commands_destroy). */
struct commands *commands_create(void);
void commands_destroy(struct commands *c); /* accepts NULL */

/* Events of a broker. The message is refused at once, with a reply and in the counters, or waits. */
void commands_message(struct dustd *d, int uplink, const struct mqtt_event *e);
void commands_guarded(struct dustd *d, int uplink, const struct mqtt_event *e);

/* Carries out the next ones whose turn it is. */
void commands_turn(struct dustd *d);

/* For the verbs. Whose command `client` is: NULL when it is none, or his person is no more. */
bool commands_is(uint64_t client);
const struct person *commands_person(const struct dustd *d, uint64_t client);
const char *commands_user(const struct dustd *d, uint64_t client); /* at the broker; "" none */

/* Row `seq` is what the command became: its id is remembered by a row `command` in the same transaction. */
void commands_wrote(struct dustd *d, uint64_t client, int64_t seq);

/* The answer, on reply/<user> of the broker it came from; steals `final`. */
void commands_finish(struct dustd *d, uint64_t client, json_t *final);

/* At start, before store_start: the ids that are remembered. ERR_… of the store. */
int commands_scan(struct dustd *d);

/* {"waiting","carried_out","refused","unanswered","why"}; NULL when no broker takes commands. */
json_t *commands_json(const struct dustd *d);
const char *commands_state_str(enum mqtt_commands is); /* "closed" */

#endif
