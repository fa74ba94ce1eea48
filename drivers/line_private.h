/* What the files of the line share: line.c (opening, asking), line_listen.c (its silence). Nobody else
 * includes it. */
#ifndef DUST_LINE_PRIVATE_H
#define DUST_LINE_PRIVATE_H

#include "drivers/device.h"
#include "drivers/frame.h"

#include <modbus/modbus.h>

enum {
    REQUEST_CHARACTERS = 8,
    LINE_BYTES = 512 /* an echo, an answer and what follows it */
};

struct line {
    const struct bus_config *config;
    modbus_t *ctx; /* NULL while closed */
    int stop_fd, lock_fd;
    int64_t character_ns, silence_us;
    int64_t last_byte_us, asked_us, frames_us; /* of the last question: when asked, and its frames' time */
    bool unsettled;                            /* the last answer was bad */
    bool jammed;                               /* it did not get quiet when it was listened to last */
    enum echo echo;    /* whether questions are heard back; ECHO_AUTO: nobody has answered yet */
    bool spoken;       /* but something as long as an answer has come: not worth listening for long */
    bool perhaps_echo; /* what came last may be our own order, heard back, or its answer */
    uint16_t tid;
    int unit;      /* the one last asked */
    size_t have;   /* bytes since then, as far as there is room */
    size_t echoed; /* of them are our own question, heard back */
    size_t told;   /* of them line_each_heard has told all that is whole */
    uint8_t bytes[LINE_BYTES];
    uint16_t values[FRAME_VALUES_MAX];
};

/* line_listen.c. Drops what comes until nothing has come for 3.5 characters (or a lump) and wire time
 * `until_us` has passed; a line that does not get quiet is jammed then. */
void line_listen_until_quiet(struct line *l, int64_t until_us);

#endif
