/* Now-messages: the present, retained, to an uplink by its number or with -1 to all that are connected; and
 * what the uplinks' threads say and ask. Topics and bodies in docs/interface.md. Main thread. */
#ifndef DUST_NOW_H
#define DUST_NOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct config;
struct dustd;
struct issue;
struct uplink_now;

void now_all(struct dustd *d, int uplink); /* after each connect, before the backlog */
void now_state(struct dustd *d, int uplink);
void now_head(struct dustd *d, int uplink); /* the signed head, once it is on the disk */
void now_health(struct dustd *d, int uplink);
void now_site(struct dustd *d, int uplink);
void now_clear(struct dustd *d, int uplink, const char *device); /* a device that is no more */
void now_device(struct dustd *d, int uplink, int device);
void now_requirements(struct dustd *d, int uplink);
void now_task(struct dustd *d, int uplink); /* nothing while there never was a task */
void now_report(struct dustd *d, int uplink, const char *kind, const char *body);
void now_live(struct dustd *d);
void now_live_of(struct dustd *d, int device);
void now_text(struct dustd *d, int uplink, const char *topic, const char *text, int qos);

/* One issue, whose step is on the disk; all issues (after a connect then the backlog is asked for); those
 * that time alone may have changed. No more are handed over than ISSUES_AHEAD that the broker has not been
 * sent yet; the next ones follow in now_issues_turn. */
void now_issue_changed(struct dustd *d, const struct issue *issue, int64_t now_ms);
void now_every_issue(struct dustd *d, int uplink);
void now_issues(struct dustd *d, int64_t now_ms);
void now_issues_turn(struct dustd *d, int64_t now_ms);
bool now_issues_wait(const struct dustd *d); /* for their turn */

/* The bodies, new references, for the control socket too. */
json_t *now_site_json(const struct dustd *d, const struct config *c);
json_t *now_state_json(const struct dustd *d);
json_t *now_live_json(const struct dustd *d, int device); /* NULL: nothing of it was read yet */

/* Takes what the uplink's thread says; and the last cursors of one whose thread has ended. */
void now_uplink(struct dustd *d, int uplink);
void now_last(struct dustd *d, struct uplink_now *u);

#endif
