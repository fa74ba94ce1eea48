/* A simulated site as its YAML file says it: buses, units, switches, faults. The file's format is described
 * by config/sim/demo-site.yaml and by the tables of site_schema.c. Main thread; const once loaded. */
#ifndef DUST_SIM_SITE_H
#define DUST_SIM_SITE_H

#include "daemon/base/schema.h"
#include "drivers/device.h"
#include "drivers/sim/station.h"

struct complaint;

struct bus_setup {
    const char *name;
    enum transport transport;
    const char *link; /* RTU: the symbolic link that leads to the pseudo terminal */
    int port;         /* TCP, on 127.0.0.1; 0: a free one */
    int baud;         /* RTU and RTU over TCP */
    int format;       /* index into site_formats */
};

struct site {
    uint64_t seed;
    const char *zone;
    struct bus_setup *buses;
    int nbuses;
    struct station_setup *units;
    int nunits;
    struct switch_setup *switches;
    int nswitches;
    struct fault *faults;
    int nfaults;
    /* made of the above by site_load: */
    struct world world;
    struct profile **profiles; /* each once */
    int nprofiles;
    struct tape **tapes; /* of each unit, open, or NULL; taken by whoever sets it to NULL */
};

/* Bits of a character on the wire, start and stop included. */
struct site_format {
    const char *name;
    int character_bits;
};
extern const struct site_format site_formats[];

extern const struct schema site_schema;

/* Loads and checks `file`. Profiles are looked for as "<name>.yaml" in the NULL-ended `dirs`; recordings
 * beside the file. `start_ms` is the site time the faults' times count from; `seed` (NULL: the file's)
 * replaces the file's. ERR_FORMAT, ERR_IO, ERR_NOT_FOUND with `why`. */
int site_load(const char *file, const char *const *dirs, int64_t start_ms, const uint64_t *seed,
              struct site *out, struct complaint *why);

void site_finish(struct site *site);

#endif
