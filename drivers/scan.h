/* Finds who answers on a serial line, at which speed and parity. Only read functions, of which a unit keeps
 * nothing. A unit is one only when three answers to different questions, not all of one length and
 * function, have a right CRC: noise at a wrong speed has one now and then. One thread. */
#ifndef DUST_SCAN_H
#define DUST_SCAN_H

#include "drivers/scan_plan.h"

#include <stddef.h>

enum { SCAN_UNITS_MAX = 64 };

struct scan_unit {
    struct scan_setting setting;
    int unit_id;
    int answer_us; /* of its first answer, from the question to its end */
    int gap_ms;    /* silence that it needed before a question, beyond 3.5 characters */
};

/* What was heard at one setting. */
struct scan_heard {
    struct scan_setting setting;
    int asked, answered, silent, garbled; /* questions */
    int unasked;                          /* bytes that came before the first question */
    int bytes;                            /* of what was no answer, */
    int levels;  /* of these such as a line gives that is held at one level: 00 and FF and their shifts */
    bool echoes; /* the adapter hears itself */
    int other_master;     /* somebody else's unit was overheard; 0: none */
    bool abandoned;       /* it is never quiet */
    int unsure, collides; /* the first unit that answered once and was not confirmed; that answers garbled
                             only: two of one number? 0: none */
};

struct scan_result {
    struct scan_unit units[SCAN_UNITS_MAX];
    int nunits;
    struct scan_heard heard[SCAN_SETTINGS_MAX];
    int nheard;
    bool whole; /* nothing was left out */
};

struct scan_progress {
    int round; /* 1 or 2 */
    const struct scan_setting *setting;
    int unit_id;
    int64_t done_us, left_us; /* of this round, estimated */
};

struct scan_watch {
    bool (*go_on)(void *arg); /* asked before each question: false ends the scan */
    void (*progress)(const struct scan_progress *p, void *arg);
    void (*found)(const struct scan_unit *u, void *arg);
    void *arg;
};

/* Both rounds. `port` says path and rs485; the port is closed, unlocked and as it was before at the end.
 * ERR_IO with errno: it cannot be had, or is gone (`out` has what was found before). When `stop_fd` becomes
 * readable waits end early; go_on must then say false. */
int scan_run(const struct scan_plan *plan, const struct bus_config *port, int stop_fd,
             const struct scan_watch *watch, struct scan_result *out);

/* The line's configuration at a setting. */
struct bus_config scan_line(const struct bus_config *port, const struct scan_setting *s, int timeout_ms);

#endif
