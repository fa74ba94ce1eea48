/* The control socket's requests that change something: who asks, whether he may, and the trace of what he may
 * not. Reading is for everybody who may open the socket, acting is for persons. Main thread. */
#ifndef DUST_ACTING_H
#define DUST_ACTING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct attempt;
struct author;
struct dustd;
struct told;

void reload_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);

/* A step's row is on the disk: its author gets the issue as it is now; of another row its number. */
void verb_told(struct dustd *d, const struct told *t);

/* A verb's row is written and waits for its commit, of which whoever asked is told: he is the writer until
 * then. `issue` "": it is no step of one. */
void verb_waits(struct dustd *d, uint64_t client, const char *who, int64_t seq, const char *issue);

/* Refuses what this user may not do (uid, did, about, why), and leaves a trace of it; but for root, who may
 * do it all and has only named nobody. A command's person is that of its topic, whatever `uid` is. */
void verb_deny(struct dustd *d, uint64_t client, struct attempt *a);

/* The person who tries `a` (uid, did, about). NULL: there is none, and whoever asks has been told so. */
const struct person *verb_person(struct dustd *d, uint64_t client, struct attempt *a, const char *as,
                                 bool *as_root);

/* Who does `what` ("reloading"): root, in a person's name or not, or a person of the site or the office.
 * False: whoever asks has been told why not. */
bool verb_author(struct dustd *d, uint64_t client, uid_t uid, const char *as, const char *what,
                 struct author *by);

#endif
