/* Escalation: who is to be told of an issue, and when (config: `escalation:`). Each step is said once for its
 * deadline, and when the issue is over everybody who was told is told so. What was said is what the journal's
 * alert rows say, so a restart, a reload or a clock that is set back repeats nothing. Pure; main thread. */
#ifndef DUST_ESCALATE_H
#define DUST_ESCALATE_H

#include <jansson.h>
#include <stdint.h>

struct config;
struct issue;

/* The step of an alert that says: it is over. */
#define ESCALATION_ENDED "ended"

struct escalation;

/* Nobody was told anything yet. The caller's (escalation_destroy). */
struct escalation *escalation_create(void);
void escalation_destroy(struct escalation *e); /* accepts NULL */

/* An alert row that the journal has: just written, or read at start, in the order of seq. Only what names an
 * issue's steps is remembered, and only until the issue is over. */
void escalation_said(struct escalation *e, const char *issue, const json_t *body);

/* The first alert about this issue that is due and was not said, as members of its row: {"step","level",
 * "to":[persons],"title":{zh,en},"text":{zh,en},"due":the deadline it is about,"person"}; a new reference.
 * NULL: none. Write it, escalation_said it, and ask again. */
json_t *escalation_due(const struct escalation *e, const struct config *c, const struct issue *i,
                       int64_t now_ms);

/* Issues of which somebody was told and not yet told that they are over. */
int escalation_open(const struct escalation *e);

#endif
