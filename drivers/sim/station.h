/* One simulated unit: a request goes in, the answer and what is to go wrong with it come out. It knows no
 * line and waits for nothing. One thread; switches are shared. */
#ifndef DUST_SIM_STATION_H
#define DUST_SIM_STATION_H

#include "drivers/sim/adu.h"
#include "drivers/sim/fault.h"
#include "drivers/sim/tape.h"

struct station_setup { /* as the site file says it */
    const char *name, *bus, *profile_name;
    int unit_id;
    int64_t turnaround_ms; /* wire: from the end of a request to the start of its answer */
    bool silence;          /* and before that it waits for 3.5 characters of silence, to know that it ended */
    bool strict;           /* see image_create */
    struct model *models;
    int nmodels;
    struct tape_setup tape; /* file "": no replay */
    const struct profile *profile;
};

struct switch_setup {
    const char *name, *unit, *point; /* coil or bit of a unit */
    int64_t constant_ms;             /* site time */
    struct sim_switch *state;
};

struct world { /* what all units share; `faults` and `switches` live as long as the stations */
    uint64_t seed;
    int zone_min;
    int64_t start_ms; /* site time */
    const struct fault *faults;
    int nfaults;
    const struct switch_setup *switches;
    int nswitches;
};

enum { STATION_VALUES_MAX = 2000 };

/* What one request led to: for the wire and for the log. */
struct station_poll {
    bool silent;     /* nothing is to be sent */
    bool damaged;    /* the recorded line is: the CRC is to be wrong */
    bool tape_ended; /* there was no line left: silent */
    uint8_t exception;
    unsigned faults;       /* set of 1 << enum fault_kind that had a part in it */
    enum fault_kind fault; /* what is to be done to the answer; FAULT_NONE */
    int64_t by_ms;         /* its `by` */
    int64_t poll;          /* number of the request, from 1 */
    long line;             /* of the tape, 0: none played */
    int nvalues;           /* registers or bits read or written */
    uint16_t values[STATION_VALUES_MAX];
    size_t length;
    uint8_t pdu[ADU_PDU_MAX];
};

struct station;

/* `tape` (or NULL) becomes the station's. */
struct station *station_create(const struct station_setup *setup, const struct world *world,
                               struct tape *tape);

/* Takes one request that is for this unit, or a broadcast. */
void station_poll(struct station *s, const struct adu_request *r, int64_t site_ms, int64_t wire_ms,
                  struct station_poll *out);

const struct station_setup *station_setup(const struct station *s);

/* Accepts NULL. */
void station_destroy(struct station *s);

#endif
