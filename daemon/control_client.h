/* One client of the control socket: its bytes in and out. It knows neither the other clients nor what is
 * waited for (control.c). Main thread; `now_us` is wire time. */
#ifndef DUST_CONTROL_CLIENT_H
#define DUST_CONTROL_CLIENT_H

#include "daemon/base/buf.h"
#include "daemon/control.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct client {
    uint64_t id; /* 0: the slot is free */
    int fd;
    uid_t uid;
    int file;          /* came with the request; -1: none */
    bool busy;         /* a request is with the handler; nothing is read meanwhile */
    bool skipping;     /* the rest of a line that was too long */
    bool ended;        /* it will send no more, but may still read */
    int64_t paused_us; /* until then nothing is read and nothing handed over; 0: not paused */
    int64_t since_us;  /* when it last began a line, took some of an answer or was done with a request */
    size_t got;        /* bytes in `in` */
    char in[CONTROL_REQUEST_MAX];
    struct buf out;
    size_t sent; /* of `out` */
};

/* Closes its descriptors and frees its slot. */
void client_drop(struct client *k);

/* Whether some of its answer is still to be sent. */
bool client_waits(const struct client *k);

/* Reads once into `in`, where there is room: what was read before has lost a line, or all of one that was too
 * long. The one file that came is kept; of several none. False when the client has gone. */
bool client_receive(struct client *k, int64_t now_us);

/* Sends as much of `out` as it takes. False when the client has gone. */
bool client_transmit(struct client *k, int64_t now_us);

/* When its silence is too long; INT64_MAX while it waits for us. Half a line must become a whole one soon:
 * what comes of it in the meantime does not count. */
int64_t client_deadline_us(const struct client *k);

#endif
