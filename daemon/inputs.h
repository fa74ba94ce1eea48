/* The door for what does not come over Modbus: dustctl and in/<kind>/<source>. Who may is looked at here,
 * what comes twice is dropped here, the rest becomes a row of its kind. Main thread. */
#ifndef DUST_INPUTS_H
#define DUST_INPUTS_H

#include "daemon/config/input_kind.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct dustd;
struct inputs;

/* Nothing has come in yet. The caller's (inputs_destroy). */
struct inputs *inputs_create(void);
void inputs_destroy(struct inputs *in); /* accepts NULL */

/* Who says it. */
struct inputs_from {
    const char *source;          /* a source's name, or the person's */
    const struct person *person; /* NULL: a source that speaks for itself */
    unsigned kinds;              /* set of 1 << enum input_kind: what it may say at all */
    bool as_root;
};

struct inputs_said {
    int64_t seq;    /* the row's; 0: none */
    bool duplicate; /* known already: nothing was done */
    char text[400]; /* why not; or with ERR_OK what looks odd, "" nothing */
};

/* Takes one message. ERR_OK: there is a row in the batch, or it was a duplicate. ERR_DENIED, ERR_FORMAT,
 * ERR_RANGE, ERR_STATE (no date yet), ERR_FULL (the disk takes nothing) with `said->text`. */
int inputs_take(struct dustd *d, const struct inputs_from *from, enum input_kind kind, const json_t *message,
                struct inputs_said *said);

/* A message of a broker: `topic` below in/. It is answered on reply/<source>, once its row is on the disk. */
void inputs_reply(struct dustd *d, const char *source, const char *reply);
void inputs_message(struct dustd *d, int uplink, const char *topic, const char *payload);

/* The control socket's "input". */
void inputs_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);

/* At start, before store_start: what the journal knows. ERR_… of the store. */
int inputs_scan(struct dustd *d);

#endif
