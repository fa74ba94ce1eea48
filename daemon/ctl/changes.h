/* `dustctl watch` in a pipe: one line for each thing of a scene that is other than it was, JSON for --json.
 */
#ifndef DUST_CHANGES_H
#define DUST_CHANGES_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

struct ctl;
struct scene;

struct changes {  /* zeroed: nothing has been said yet */
    json_t *said; /* what was said last, by thing */
    char journal[40];
    int64_t event_seq; /* of the last event that was said, in that journal */
};

/* Says what has changed since the last call; at first, everything. After a time without contact everything is
 * said anew: nobody knows what has been in between. */
void changes_print(struct changes *ch, const struct ctl *c, const struct scene *scene, FILE *out);

void changes_finish(struct changes *ch);

#endif
