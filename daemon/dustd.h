/* The whole daemon is this struct, on main's stack: it knows all parts and none of them knows another's
 * inside. Each part's header beside it says what it does. All of it belongs to the main thread. */
#ifndef DUST_DUSTD_H
#define DUST_DUSTD_H

#include "daemon/again.h"
#include "daemon/alerts.h"
#include "daemon/base/notify.h"
#include "daemon/clean.h"
#include "daemon/denied.h"
#include "daemon/health.h"
#include "daemon/hold.h"
#include "daemon/options.h"
#include "daemon/rate.h"
#include "daemon/reported.h"
#include "daemon/seal.h"
#include "daemon/shed.h"
#include "daemon/store/store.h"
#include "daemon/unsaid.h"
#include "daemon/verbs.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct dustd {
    struct options options;
    const struct hearing *hearing; /* NULL: the store */
    struct config *config;
    int64_t since_ms;
    json_t *last_run; /* how the last one ended: {"before","machine","gap_ms"} */
    bool stopping;
    int exit_code;
    struct notify notify;
    int64_t next_status_us; /* wire */

    struct store *store;
    struct store_opened opened;
    struct journal head; /* where the next row goes */
    int64_t committed;   /* everything up to here is on the disk */
    uint8_t committed_hash[HASH_SIZE];
    bool store_stuck;
    char store_error[160];
    int64_t stuck_ms;   /* site time since when */
    struct batch batch; /* being filled; handed over at the end of each turn of the loop */
    int batch_room;
    struct store_cursor *cursors; /* of brokers that were ever configured, but for those that are */
    int ncursors;
    bool cursor_left; /* one of these has just come: the next batch takes them along */
    struct shed shed;
    struct unsaid unsaid;        /* by the judge, and for whom the disk has no room yet */
    int64_t deleted[STORE_KEPT]; /* a row says so, up to here */
    struct store_cursor *handed; /* cursors of the batches on their way, config.nmqtt a batch */
    struct journal *heads;       /* and the head that each leaves */
    int nhanded;
    uint64_t batches_done; /* batches on the disk */

    struct hold hold;   /* what cannot be dated yet */
    struct again again; /* what has been told of windows */
    struct inputs *inputs;
    struct commands *commands;
    struct required *required;
    struct judge *judge;
    struct ledger *ledger;
    struct photo_keeper *photos;
    struct clean clean; /* windows that were kept */
    struct escalation *escalation;
    struct tasks *tasks;
    char *tasks_said;       /* of the tasks to the brokers last; NULL: nothing */
    int64_t tasks_seq;      /* once this row is on the disk they are told anew; 0: nothing to tell */
    int64_t told_minute_ms; /* in which it was last looked who is to be told */
    struct mean *means;     /* of the minute just closed, one a point */

    /* the running minute, and what came of the next one while a slower bus still works on this one */
    int64_t minute_ms;
    int64_t closed_ms; /* end of the last minute that has a row; INT64_MAX: none */
    int64_t alive_ms;  /* last sign of life before the running minute's; 0: none */
    struct sample *samples;
    size_t nsamples, room, chunked; /* chunked: the first so many are in the sample table */
    uint64_t late_samples;
    bool *said_bad; /* a point: it has been said that its minutes are not valid */

    struct sample *now;             /* last sample a point; at_ms 0: none yet */
    struct register_now *registers; /* a point: what it was read as, of those that are watched */
    struct device_now *devices;
    struct bus_now *buses;
    uint64_t last_order; /* number of the last order to a bus */
    struct uplink_now *uplinks;
    uint64_t uplinks_started;
    struct uplink_now *leaving; /* of the configurations before: asked to end, not joined yet */
    int nleaving;
    char **removed; /* devices that a reload took out: their topics are cleared at each connect */
    int nremoved;
    const bool *gone; /* while points that are taken out end: rows are about these only, and say so */
    struct control *control;
    uid_t *person_uid; /* of config.people; (uid_t)-1: none */

    struct seal seal;
    struct health health;
    struct alerts alerts;

    struct told *told;
    int ntold;
    struct asked asked[ASKED_MAX];
    struct rate_book rates; /* of the control socket's clients */
    struct writer writer;
    struct denied denied;
    struct reported reported;

    int64_t next_chunk_ms, next_live_ms, next_state_ms, next_keep_ms; /* site time */
    int64_t step_site_ms, step_boot_us; /* for noticing that the clock was set */
    int64_t stepped_ms;                 /* forward, and no minute has ended since */
};

#endif
