/* What of struct dustd judges, made and freed together, for the daemon, a back-test and the tests' rigs
 * alike. Main thread. */
#ifndef DUST_JUDGING_H
#define DUST_JUDGING_H

#include <stdint.h>

struct dustd;
struct judge_event;

/* d->config is set; everything else that judges is made. */
void judging_open(struct dustd *d);

/* Windows, verdicts, findings, requirements and their rows of the minute that began at `start_ms`; takes
 * d->means as judge_check left them. */
void judging_minute(struct dustd *d, int64_t start_ms);

/* The judge's sink (judge.h); and what it does with what there is room for: its rows, and issues. */
void judging_heard(const struct judge_event *event, void *dustd);
void judging_say(struct dustd *d, const struct judge_event *event);

void judging_close(struct dustd *d);

#endif
