/* What dustctl issue sends beside steps: new findings and photos. */
#ifndef DUST_FINDING_H
#define DUST_FINDING_H

#include <jansson.h>
#include <stdbool.h>

struct ctl;

/* Words: open CATEGORY PLACE TEXT. The new issue, with the photo of --photo if one was given; NULL after a
 * complaint. */
json_t *finding_open(struct ctl *c);

/* Words: ID photo FILE [before|after]. The issue; NULL after a complaint. */
json_t *finding_photo(struct ctl *c);

/* Reads --due into `request`; false after a complaint. */
bool finding_due(struct ctl *c, json_t *request);

#endif
