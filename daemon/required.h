/* The requirements at work: what is recorded for them, a verdict row a day and requirement, findings as soon
 * as an opportunity has failed, and days that are judged again because something came late. Main thread. */
#ifndef DUST_REQUIRED_H
#define DUST_REQUIRED_H

#include <jansson.h>
#include <stdint.h>

struct config;
struct dustd;
struct input;
struct required;
struct requirement_result;

/* Nothing is known yet: required_scan.c reads the journal. `c` must outlive it, or be replaced at a reload.
 */
struct required *required_create(const struct config *c);
void required_destroy(struct required *q); /* accepts NULL */

/* Reload: goes on under `c`. */
void required_configure(struct required *q, const struct config *c);

/* Stage, background and maintenance for the judge, and the record for whoever shows the board. */
struct facts *required_facts(struct required *q);
const struct record *required_record(const struct required *q);

/* A minute has closed (d->means): findings, and the verdicts of days that are over and settled. */
void required_minute(struct dustd *d, int64_t start_ms);

/* The record ends at end_ms and no more will come: the days that are over by then are judged as they stand.
 */
void required_end(struct dustd *d, int64_t end_ms);

/* A check of quality has flagged these minutes of the point afterwards: days that were judged already are
 * judged again. */
void required_flagged(struct dustd *d, int point, int64_t from_ms, int64_t to_ms);

/* The disk takes rows again: the days that were to be judged again meanwhile are. */
void required_catch_up(struct dustd *d);

/* What came in, and is in the batch: days that were judged already are judged again. */
void required_input(struct dustd *d, const struct input *i, unsigned roles);

/* At start, before the store's thread: an input, then (required_scan) minutes, verdicts and findings. */
void required_known(struct dustd *d, const struct input *i, unsigned roles, int64_t told_ms);
int required_scan(struct dustd *d);

/* The board: how the requirements of the running day stand at the end of the last closed minute:
 * {"ts","requirements":[…]}, each as required_line with "since" and "last_day". A new reference. */
json_t *required_board(const struct dustd *d);

/* A requirement of a running day: as required_json, and "name"; of each check "title", "last" and "next". */
json_t *required_line(const struct record *r, const struct requirement_result *result, int64_t day_ms,
                      int64_t now_ms);

/* One verdict as in its row: day, verdict, num, den, unknown, excused, completeness, checks. A new reference.
 */
json_t *required_json(const struct record *r, const struct requirement_result *result, int64_t day_ms);

#endif
