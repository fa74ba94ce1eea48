/* Another configuration takes over: SIGHUP and `dustctl reload`. Main thread. */
#ifndef DUST_RELOAD_H
#define DUST_RELOAD_H

#include <stdbool.h>

struct complaint;
struct dustd;

/* Who changed the settings. */
struct author {
    const char *name; /* a person's, "root" or "SIGHUP" */
    bool as_root;     /* root in the person's name */
};

struct reloaded {
    bool changed;                                 /* there is a settings row */
    int buses, buses_kept, brokers, brokers_kept; /* kept: the line, or connection, stayed open */
};

/* Builds the new configuration, proves it, takes it over whole; or leaves everything as it is and returns a
 * negative enum err, with one message in the log and in `why`. */
int reload(struct dustd *d, const struct author *by, struct reloaded *what, struct complaint *why);

/* A turn of main's loop: uplinks of the configuration before end, their successors start. */
void reload_turn(struct dustd *d);

/* At a stop: false when a thread of them hangs. */
bool reload_end(struct dustd *d, int wait_ms);

#endif
