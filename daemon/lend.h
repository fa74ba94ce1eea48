/* Lending a bus to a program that asks for it on the control socket, dustctl probe: the line is closed and
 * left to that program for at most 15 minutes. Before, what has the role spray_command on it is switched off
 * and read back; while it is lent, the bus thread refuses all orders, and every reading is an M. The loan
 * lasts as long as the connection that asked for it: whoever ends it, is killed, or hangs, gives it back. Who
 * and until when is a row, and so is the end. Main thread. */
#ifndef DUST_LEND_H
#define DUST_LEND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct bus_obeyed;

enum { LOAN_LONGEST_S = 900 };

struct dustd;

struct loan {
    enum {
        LOAN_NONE,
        LOAN_ASKED,   /* the thread is to switch off, and to close the line */
        LOAN_WRITTEN, /* it has; the row is on its way to the disk */
        LOAN_OUT,     /* the borrower knows */
        LOAN_ENDING,  /* the thread is to be told, once it has room for it */
        LOAN_BACK     /* and has been */
    } state;
    uint64_t client; /* the control client whose request is open; 0: answered */
    char by[64];
    bool as_root;
    int64_t from_ms, until_ms;   /* site time */
    int64_t until_us;            /* wire time */
    int64_t seq;                 /* of its row, 0: none (yet) */
    uint64_t off_first, off_end; /* the orders that switch off are numbered from .. up to */
    char not_off[64];            /* the first that was not obeyed, "" none */
    int not_off_why;
};

/* {"do":"lend","bus":name or path,"seconds":n,"as":person}. */
void lend_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);

/* What the bus thread said. */
void lend_told(struct dustd *d, int bus, bool lent);
void lend_obeyed(struct dustd *d, int bus, int device, const struct bus_obeyed *outcome);

/* What commits, time and clients that have left mean for the loans. */
void lend_turn(struct dustd *d, int64_t now_us);

/* The daemon stops: the rows of those that are out. */
void lend_stop(struct dustd *d);

/* {"by","as_root","since","until"} of a bus that is lent, NULL of another. */
json_t *lend_json(const struct dustd *d, int bus);

#endif
