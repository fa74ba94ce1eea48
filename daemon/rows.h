/* What the files of rows share. */
#ifndef DUST_ROWS_H
#define DUST_ROWS_H

#include "daemon/base/err.h"
#include "daemon/dustd.h"

json_t *row_mean(const struct mean *m); /* {"mean","min","max","n","of","q"} */

/* The row that the journal has of this window already goes into `body`: as `corrects` when this one replaces
 * it, else as `again`: that one is kept, this one is the later. */
void row_name_earlier(const struct dustd *d, const struct again_window *w, bool corrects, json_t *body);

/* w->seq is the row of this window now. */
void row_note_told(struct dustd *d, struct again_window w);

#endif
