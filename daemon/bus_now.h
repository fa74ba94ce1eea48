/* A bus as main knows it: its thread, the ring from there, and what came through it. Main thread. */
#ifndef DUST_BUS_NOW_H
#define DUST_BUS_NOW_H

#include "daemon/base/notify.h"
#include "daemon/lend.h"
#include "drivers/bus.h"

struct bus_now {
    struct bus *bus;
    struct ring *ring;
    struct config *held; /* the one its thread reads, which after a reload may be an older one */
    int64_t mark_ms;     /* every sample stamped before has arrived */
    enum line_state line;
    int error; /* errno, when it is down */
    int64_t since_ms;
    struct notify_pulse pulse; /* watch.c */
    bool said_still;
    struct bus_load load;
    bool overloaded; /* said */
    struct loan loan;
};

#endif
