/* Why a bus's port or connection cannot be had or was lost, in words. Pure, any thread. */
#ifndef DUST_TROUBLE_H
#define DUST_TROUBLE_H

#include "drivers/device.h"

struct trouble {
    const char *text;   /* "no such port": as rows and answers name it; static */
    const char *advice; /* for the log, "" none; static */
};

/* Of an errno of line_open or of a line that was lost. One that is not known is called what the system calls
 * it. */
struct trouble trouble_of(enum transport transport, int error);

#endif
