/* What a scan of a serial line asks, and in which order: an installer has an hour. Pure.
 *
 * First round: at each setting (speed, parity) the units that are likely: number 1, which is everyone's
 * factory address, and what the profiles say. Second round: where somebody answered, all other units; where
 * nobody did anywhere, all units at all settings. */
#ifndef DUST_SCAN_PLAN_H
#define DUST_SCAN_PLAN_H

#include "drivers/plan.h"

enum {
    SCAN_UNIT_MAX = 255, /* 248 to 255 are reserved, but some boards leave the factory so */
    SCAN_SETTINGS_MAX = 32,
    SCAN_KNOCKS_MAX = 48,
    SCAN_TIMEOUT_MS = 200 /* unless told otherwise: some meters think for more than 100 ms */
};

/* Always 8 data bits: Modbus RTU has no others. */
struct scan_setting {
    int baud;
    char parity; /* 'N', 'E', 'O' */
    int stop_bits;
};

struct scan_wish {
    struct scan_setting first; /* tried before all others, what the line is said to be set to; baud 0: none */
    int bauds[SCAN_SETTINGS_MAX], nbauds;                   /* only these; none: what is common */
    struct scan_setting formats[8];                         /* only these, their baud is not heeded */
    int nformats;                                           /* none: what is common */
    bool known[SCAN_UNIT_MAX + 1], only[SCAN_UNIT_MAX + 1]; /* units said to be there; only these */
    bool limited;                                           /* `only` holds */
    int timeout_ms;                                         /* 0: SCAN_TIMEOUT_MS */
};

struct scan_plan {
    struct scan_setting settings[SCAN_SETTINGS_MAX];
    int nsettings;
    uint8_t likely[SCAN_UNIT_MAX], others[SCAN_UNIT_MAX];
    int nlikely, nothers;
    struct scan_knock {
        struct request request;
        int baud, unit_id;     /* only at this speed, only this unit; 0: any */
    } knocks[SCAN_KNOCKS_MAX]; /* the first is for everybody */
    int nknocks;
    bool thorough[SCAN_UNIT_MAX + 1]; /* units that are asked all of them, at the first setting */
    bool everywhere;                  /* and at all others */
    int timeout_ms;
};

/* `profiles` are those that may be on the line: what is common among them comes early. */
void scan_plan(const struct scan_wish *wish, const struct profile *const *profiles, int n,
               struct scan_plan *out);

/* What a unit is asked in the first round before it counts as silent; returns how many. In the second it is
 * the first of these. */
int scan_knocks(const struct scan_plan *p, const struct scan_setting *s, int unit,
                struct request out[static SCAN_KNOCKS_MAX]);

/* Wire time that one question without an answer takes; that the first round takes at one setting, and the
 * second. */
int64_t scan_question_us(const struct scan_plan *p, const struct scan_setting *s);
int64_t scan_first_us(const struct scan_plan *p, const struct scan_setting *s);
int64_t scan_second_us(const struct scan_plan *p, const struct scan_setting *s);

/* The same line: stop bits make no difference to who understands whom. */
bool scan_same(const struct scan_setting *a, const struct scan_setting *b);

#endif
