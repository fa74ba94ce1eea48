/* What the limits' running windows come to so far. Main thread. */
#ifndef DUST_RUNNING_H
#define DUST_RUNNING_H

#include <jansson.h>

struct dustd;

/* The list of docs/interface.md's "running", a new reference. */
json_t *running_json(const struct dustd *d);

#endif
