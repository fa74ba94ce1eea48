/* The reports that `dustctl report --record` hands over: each summary becomes a row of kind `report`, and the
 * newest of each kind is the retained topic report/<kind>. Main thread. */
#ifndef DUST_REPORTED_H
#define DUST_REPORTED_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct dustd;

enum { REPORTED_KINDS = 2, REPORTED_MAX = 8000 }; /* weekly, half-month; bytes of a summary */

struct reported {
    struct {
        char *body; /* the newest row's; NULL: none yet. Its own */
        int64_t seq;
        bool told; /* published since it was committed */
    } newest[REPORTED_KINDS];
};

/* {"do":"report","kind":"weekly","report":{…},"as":"…"} of the control socket: for root, for the user that
 * dustd runs as (its timer), and for persons of the community, the office or the inspectors who are not of
 * the site or the contractor too. */
void reported_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);

/* Publishes what is on the disk to one uplink; -1: to all that are connected, what was not told yet. */
void reported_publish(struct dustd *d, int uplink);

/* At start: the newest of the journal. */
int reported_scan(struct dustd *d);

void reported_finish(struct reported *r);

#endif
