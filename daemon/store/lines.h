/* Rows and raw samples as the JSON lines of docs/interface.md: the same on the control socket and in
 * `dustctl export --db`. Pure. */
#ifndef DUST_LINES_H
#define DUST_LINES_H

#include <jansson.h>
#include <stdint.h>

struct buf;
struct raw_sample;
struct row;

/* {"seq","at","kind","subject","sha256","hash","body"}; no body when the row has none any more. Appends to
 * `out`, without a line end. */
void row_line(const struct row *r, struct buf *out);

/* The row that such a line tells of, its strings the caller's (row_finish). ERR_FORMAT: it tells of none. */
int row_of_line(const json_t *line, struct row *row);

/* {"seq","at","point","q","v","unit","regs","why"}: v (15 digits) only for N and T, why only when not N.
 * `seq` is the minute's row, 0 when it has none yet. Appends to `out`, without a line end. */
void sample_line(const struct raw_sample *raw, int64_t seq, struct buf *out);

#endif
