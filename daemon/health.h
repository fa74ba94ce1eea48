/* How the daemon is: every queue, the disk, the lines, the brokers, the clock, the process, certificates; and
 * what of it somebody should look after. For `dustctl status` and the retained topic `health`. Main thread;
 * now_ms is site time, now_us wire time. */
#ifndef DUST_HEALTH_H
#define DUST_HEALTH_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct dustd;
struct page;

/* A PEM file of a broker's TLS. */
struct cert {
    int uplink;
    const char *what; /* "client", "ca" */
    const char *file;
    int64_t ends_ms; /* 0: error says why not */
    int error;
};

/* The row that a broker has not taken yet. */
struct unsent {
    int64_t seq, at_ms;
};

struct health {
    int64_t opened_us, next_us, next_look_us, next_tell_us, next_certs_us;
    bool synced;
    int64_t synced_since_ms, step_at_ms, step_ms; /* of the clock: the last change, the last step */
    double *loads; /* a bus: share of the last minute that it was busy; <0: not known yet */
    uint64_t *busy_us;
    double cpu_share; /* of one core, in the last minute; <0: not known yet */
    int64_t cpu_us, looked_us;
    struct unsent *unsent;
    uint64_t asking; /* of the uplink whose oldest row the store is asked for; 0: none */
    struct cert *certs;
    int ncerts;
    char *said; /* the warnings as they were published last */
};

/* d->health for d->config, once the store is open; the buses need not run yet. */
void health_open(struct dustd *d);
void health_reload(struct dustd *d); /* another configuration is in force: loads are looked at anew */

/* Each second it looks whether a warning has come or gone, and says so at once; each minute at the loads;
 * each `health_every` it says everything. */
void health_turn(struct dustd *d, int64_t now_ms, int64_t now_us);

/* The store's answer to health_turn's question. */
void health_page(struct dustd *d, const struct page *page);

/* Adds the members that docs/interface.md lists to a status; and the whole message of the topic `health`, a
 * new reference. */
void health_add(const struct dustd *d, int64_t now_ms, json_t *to);
json_t *health_json(const struct dustd *d, int64_t now_ms);

/* What somebody should look after: [{"what":"bus_down","about":"bus1"},…], a new reference. */
json_t *health_warnings(const struct dustd *d, int64_t now_ms);

void health_close(struct dustd *d);

#endif
