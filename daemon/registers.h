/* Settings of devices, such as calibration factors and limits: what they were read as, and that one changed.
 * A change is told when two answers in a row agree on it, because it accuses somebody: a row `device`, a line
 * in the log. What was known survives a restart, so that a change while dustd was off is one too. Main
 * thread. */
#ifndef DUST_REGISTERS_H
#define DUST_REGISTERS_H

#include "daemon/sample.h"

#include <jansson.h>
#include <stdbool.h>

struct dustd;

/* What a watched point was read as. */
struct register_now {
    uint8_t nreg; /* 0: never read */
    uint16_t reg[SAMPLE_REGISTERS_MAX];
    int64_t since_ms; /* it was first read so; of a row */
    bool changed;     /* it was something else before */
    bool doubted;     /* the last answer, below, was another */
    uint16_t other[SAMPLE_REGISTERS_MAX];
};

/* Takes a sample of a watched point. */
void registers_sample(struct dustd *d, const struct sample *s);

/* Takes a row `device` of the journal, at the start; of another kind of change it is ignored. */
void registers_restore(struct dustd *d, const char *device, int64_t at_ms, const json_t *body);

/* At the start, after those and once d->alive_ms is known: tells the judge, whose minutes have no settings,
 * what they were when the run before ended. */
void registers_known(struct dustd *d);

/* {"v","unit",…} of a watched point with `since` and `changed`, for those who ask; NULL when it was never
 * read. */
json_t *registers_json(const struct dustd *d, int point);

#endif
