/* The requirements of a site, config/requirements/<file>.yaml: each a list of checks of few kinds, which the
 * file combines and numbers. Plain const data. */
#ifndef DUST_CONFIG_REQUIREMENT_H
#define DUST_CONFIG_REQUIREMENT_H

#include <stdbool.h>
#include <stdint.h>

enum check_kind {
    CHECK_DURING,   /* a contact or state holds in hours */
    CHECK_RESPONSE, /* after a trigger there is water within minutes */
    CHECK_DUTY,     /* there is water in every so many dry hours */
    CHECK_PASSAGE,  /* each vehicle that leaves was washed, or was covered */
    CHECK_SHARE,    /* what a camera sees is not more than */
    CHECK_ATTEST,   /* a person has looked, lately enough */
    CHECK__KINDS
};

enum excuse {
    EXCUSE_FROST = 1,
    EXCUSE_HUMID = 2,
    EXCUSE_RAIN = 4,
    EXCUSE_HOLIDAY = 8,
    EXCUSE_SUSPENDED = 16,
};

enum check_state { STATE_OFF, STATE_ON, STATE_MEASURED };
enum check_need { NEED_WASH, NEED_COVER };

/* Levels of a heavy-pollution warning, in order. */
enum warning { WARNING_NONE, WARNING_YELLOW, WARNING_ORANGE, WARNING_RED, WARNING_NEVER };

struct check {
    const char *name;
    const char *title_zh, *title_en;
    enum check_kind kind;
    unsigned excuses; /* set of enum excuse */
    bool always;      /* round the clock, not in the hours of work */

    const char *role;       /* during: of its points; response: of those that trigger */
    enum check_state state; /* during: what must hold */
    int64_t slot_ms;        /* during, duty, share: one opportunity; attest: how long one counts */
    int64_t grace_ms;       /* during: so long in a slot it need not hold */
    int64_t vehicle_ms;     /* during: around a vehicle it need not hold; 0: no such excuse */

    double over;          /* response: a minute's mean above it triggers, ug/m3 */
    int64_t lasts_ms;     /* response: for so long; passage: least washing */
    int64_t within_ms;    /* response: water until then; passage: washing before, a camera's word around */
    double flow;          /* response, duty: least flow that is water, m3/h */
    int64_t flow_ms;      /* response, duty: for so long */
    bool more_in_warning; /* duty: 1, 2, 3 times more in a yellow, orange, red warning */

    enum check_need need;
    enum warning banned_from; /* passage: no vehicle leaves from this level on */

    const char *what;      /* share: as the camera calls it */
    double at_most;        /* share */
    int64_t apart_ms;      /* share: two that are over, so far apart, prove it */
    bool silence_is_fine;  /* share: a camera that watches and says nothing has seen nothing */
    unsigned by;           /* attest: roles of who may (set of enum role) */
    bool renewed_by_stage; /* attest: a new stage needs a new one */
};

struct requirement {
    const char *name;                /* neutral: "washing" */
    const char *title_zh, *title_en; /* by the wording in force */
    int64_t rectify_ms;              /* 0: none */
    struct check *checks;
    int nchecks;
};

struct requirements {
    const char *file, *wording, *person; /* file "": none */
    int64_t answer_ms;
    const char **hours; /* of work, site's zone */
    int nhours;
    const char **left_out; /* "<requirement>/<check>" */
    int nleft_out;
    double frost_degc, humid_percent, rain_mm; /* below, above, above: an excuse */
    struct requirement *list;                  /* without what is left out */
    int n;
};

#endif
