/* A broker as main knows it: its thread, the ring from there, and its cursor in the journal. Main thread. */
#ifndef DUST_UPLINK_NOW_H
#define DUST_UPLINK_NOW_H

#include "daemon/uplink/mqtt.h"

#include <stdbool.h>
#include <stdint.h>

/* Messages that the ring of a broker's thread holds. */
enum { MQTT_RING = 256 };

struct uplink_now {
    struct mqtt *mqtt; /* NULL: its thread has ended, only its last events are still taken */
    struct ring *ring;
    struct config *held;           /* the one its thread reads, and there: */
    const struct mqtt_config *own; /* itself */
    bool waits;                    /* for one of the last configuration to leave its place: not let go yet */
    uint64_t asker;                /* its questions to the store; never given twice */
    int64_t lost;                  /* rows up to here that it will never get are named in a row */
    int64_t taken, handed, persisted; /* cursor: known, in a batch, on the disk */
    int64_t since_ms;                 /* of the change to or from connected; 0: none yet */
    char why[160];                    /* the last reason that the line was lost or not had, "" none */
    bool connected;
    enum mqtt_commands commands; /* of this connection */
    char commands_why[160];
    struct sweep {            /* now_issues.c */
        bool open, all, time; /* under way; of all, of those that time may have changed */
        int readies;          /* connects that the thread wants to hear of when it is over */
        int64_t since, again; /* of those with a step from this row on; what has changed meanwhile; 0: none */
        int next;             /* by number */
    } issues;
};

#endif
