/* One function a kind of row. Each appends to the batch that is being filled and returns the row's seq, 0
 * when memory has no room for it while the store takes nothing (shed.h). A row's time `at_ms`, `start_ms` or
 * `now_ms` is site time. Bodies in docs/interface.md. Main thread. */
#ifndef DUST_ROWS_H
#define DUST_ROWS_H

#include "daemon/again.h"

#include <jansson.h>
#include <stdbool.h>

struct author;
struct dustd;
struct judge_event;
struct mean;
struct quality_finding;

/* Who hears what is found in the store's stead: a back-test. It has no batch, and nothing is committed. */
struct hearing {
    bool (*event)(const struct judge_event *e, void *arg); /* whether it is to become a row */
    void (*row)(int64_t seq, const char *kind, char *body,
                void *arg); /* the body is the listener's, to free (mem_free) when the next row comes */
    void *arg;
};

/* What every body starts with, a new reference; and a row of that body, whose reference is stolen. Of a text
 * the row takes over the memory. */
json_t *row_begin(const struct dustd *d, int64_t at_ms, const char *kind, const char *subject);
int64_t row_append(struct dustd *d, int64_t at_ms, const char *kind, const char *subject, json_t *body);
int64_t row_append_text(struct dustd *d, int64_t at_ms, const char *kind, const char *subject, char *body);

/* The settings in force, with their text where it fits in a row. by NULL: at the start. */
void row_settings(struct dustd *d, int64_t now_ms, const struct author *by);

/* Means, one a point: of a minute whose raw block has that SHA-256 (64 hex digits); of one that cannot be
 * dated, whose `body` is taken. The first row's seq. */
int64_t row_minute(struct dustd *d, int64_t start_ms, const struct mean *means, const char *raw_sha256);
int64_t row_undated(struct dustd *d, json_t *body, const struct mean *means, const char *raw_sha256);

/* What the judge says: an hour or day, a limit's verdict, one of a window that has not ended, data quality.
 */
void row_window(struct dustd *d, const struct judge_event *e);
int64_t row_verdict(struct dustd *d, const struct judge_event *e);
int64_t row_running(struct dustd *d, const struct judge_event *e);
void row_quality(struct dustd *d, const struct quality_finding *f);

/* A breach becomes an issue, or evidence of the open one; one that is corrected to something else, evidence.
 */
void row_breach(struct dustd *d, const struct judge_event *e, int64_t verdict_seq);

/* A step of an issue, applied to the ledger too; `body` is taken (mem_free). */
int64_t row_step(struct dustd *d, int64_t now_ms, const char *issue, char *body);

/* A device or a bus as main knows it now; a time without minutes; the clock was set, or believed for the
 * first time in this boot, whose start is at offset_ms. */
void row_device(struct dustd *d, int64_t at_ms, int device);
void row_bus(struct dustd *d, int64_t at_ms, int bus);
void row_gap(struct dustd *d, int64_t now_ms, int64_t from_ms, int64_t to_ms, const char *reason);
void row_clock(struct dustd *d, int64_t now_ms, int64_t step_ms);
void row_dated(struct dustd *d, int64_t now_ms, int64_t offset_ms);

/* For the files of rows: */

json_t *row_mean(const struct mean *m); /* {"mean","min","max","n","of","q"} */

/* The row that the journal has of this window already goes into `body`: as `corrects` when this one replaces
 * it, else as `again`: that one is kept, this one is the later. */
void row_name_earlier(const struct dustd *d, const struct again_window *w, bool corrects, json_t *body);

/* w->seq is the row of this window now. */
void row_note_told(struct dustd *d, struct again_window w);

#endif
