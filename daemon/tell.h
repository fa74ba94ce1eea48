/* Who is to be told becomes rows `alert`: after each step of an issue, and each minute of site time for what
 * time alone has brought. Nothing while the clock has no date. Main thread. */
#ifndef DUST_TELL_H
#define DUST_TELL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct dustd;

void tell_step(struct dustd *d, const char *issue, int64_t now_ms); /* it has just had a step */
/* What time alone has brought by `now_ms`; once a minute of site time. */
void tell_turn(struct dustd *d, int64_t now_ms);

/* An alert row; the reference is stolen. False: the disk takes nothing. */
bool tell_write(struct dustd *d, const char *subject, json_t *members, int64_t now_ms);

/* At start, before the store's thread and once the ledger is there: what the journal's task and alert rows
 * say. */
int tell_scan(struct dustd *d);

#endif
