/* The gateway's key, and the head of its journal signed with it every ten minutes of site time, at midnight,
 * at start and at stop: head.h says what is signed. Main thread. */
#ifndef DUST_SEAL_H
#define DUST_SEAL_H

#include "daemon/store/head.h"

struct dustd;

struct seal {
    struct signer *signer; /* NULL: no key; why_not says why, and nothing is signed */
    char fingerprint[FINGERPRINT_SIZE], before[FINGERPRINT_SIZE]; /* before: in the last run, "" unknown */
    bool made;                                                    /* the key is new */
    char why_not[200];
    struct signed_head last; /* of row `seq` */
    int64_t seq, window_ms;  /* window_ms: the ten minutes in which it is signed next are over */
    bool told;               /* the brokers know of it */
};

/* From $CREDENTIALS_DIRECTORY/gateway.key if that is there, else from gateway.key in the state directory,
 * else a new one is made there (0600). Reads the journal for the key of the run before: before store_start.
 */
void seal_open(struct dustd *d);

/* Adds key and fingerprint to a body or a now-message; nothing without a key. */
void seal_key(const struct dustd *d, json_t *body);

/* After the boot row, and whenever a key is had at last: a row when it is not that of before. */
void seal_changed(struct dustd *d, int64_t now_ms);

/* A row with the signed head, when ten minutes are over; and at once. */
void seal_turn(struct dustd *d, int64_t now_ms);
void seal_head(struct dustd *d, int64_t now_ms);

/* The topic `head`, NULL while no signed head is on the disk: a new reference. */
json_t *seal_json(const struct dustd *d);

void seal_close(struct dustd *d);

#endif
