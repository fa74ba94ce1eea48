/* The control socket's requests about issues: looking for them, what a person does, what a person has found.
 * docs/interface.md describes each. Main thread. */
#ifndef DUST_CASEWORK_H
#define DUST_CASEWORK_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

struct dustd;

/* Each answers its client, at once or once the step is on the disk. `uid` is the client's; `request` is
 * borrowed. */
void issues_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);
void issue_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);
void act_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);
void open_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);

void photo_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);
void photo_part_request(struct dustd *d, uint64_t client, uid_t uid, json_t *request);
void photo_kept(struct dustd *d); /* the keeper has something to say */

/* A step's row; whoever asked is told when it is on the disk. */
void casework_write(struct dustd *d, uint64_t client, const char *who, int64_t now_ms, const char *issue,
                    char *body);

#endif
