/* What a request on the control socket must pass before its verb sees it: its rate, its members, one writer
 * at a time. Main thread. */
#ifndef DUST_GATE_H
#define DUST_GATE_H

#include "daemon/rate.h"

#include <jansson.h>
#include <sys/types.h>

struct dustd;

/* A member of a request beside "do". What is not in its verb's row is refused, not ignored, so that nothing
 * is done by half of what somebody meant. */
struct member {
    const char *name;
    enum member_type { TEXT, NUMBER, FLAG, OBJECT } type;
};

enum { MEMBERS_MAX = 13 };

struct verb_row {
    const char *name;
    void (*run)(struct dustd *d, uint64_t client, uid_t uid, json_t *request);
    enum rate_class class; /* RATE_WRITE: changes something */
    struct member takes[MEMBERS_MAX];
};

/* ERR_OK: the request is counted and may be carried out; of a RATE_WRITE, if it waits for a commit, the verb
 * fills d->writer. Else `why` in plain words: ERR_FULL too often (its client is paused as well), ERR_FORMAT a
 * member that the verb does not take or of another type, ERR_STATE somebody else is writing. */
int gate_admit(struct dustd *d, const struct verb_row *v, uint64_t client, uid_t uid, json_t *request,
               struct rate_refusal *why);

#endif
