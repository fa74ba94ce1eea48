/* A device as main knows it: what its bus's thread said of it last. Main thread. */
#ifndef DUST_DEVICE_NOW_H
#define DUST_DEVICE_NOW_H

#include "daemon/calibration.h"
#include "drivers/bus.h"

struct device_now {
    enum device_state state;
    int64_t since_ms;
    uint8_t why, exception;
    int rtt_us;
    int64_t value_ms;             /* its last value; 0: none yet */
    struct bus_tally tally;       /* what became of its questions; all 0 until the first came */
    enum calibration calibration; /* as it was last told */
    int64_t served_until_ms;      /* maintenance or calibration as it was last told; 0: none */
    bool fresh;                   /* read, and with live_every 0 not told yet */
};

#endif
