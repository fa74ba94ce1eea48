/* Reads a unit by one profile after the other, for whoever compares them: what was asked once is not asked
 * again. Only read functions. Uses a line that is open; one thread. */
#ifndef DUST_READER_H
#define DUST_READER_H

#include "daemon/sample.h"
#include "drivers/plan.h"

enum { READER_ANSWERS_MAX = 512 };

struct reader {
    struct line *line;
    const struct bus_config *config;
    int unit_id, timeout_ms, gap_ms; /* gap: silence before each question, if the profile has no longer one */
    int silent;                      /* questions without an answer in a row: then nothing is asked twice */
    struct reader_answer {
        struct request request;
        enum why why;
        uint8_t exception;
        uint16_t *values;
    } answers[READER_ANSWERS_MAX];
    int nanswers;
};

/* Asks what the profile's points need and fills `samples`, p->npoints of them. ERR_IO: the line is gone. */

int reader_read(struct reader *r, const struct profile *p, struct sample *samples);

/* What the answers take; not the line. */
void reader_finish(struct reader *r);

#endif
