/* Alerts out over HTTPS or SMTP: one channel, one thread, one message at a time, so that a far end that hangs
 * holds nobody else. What to send and when is the outbox's; here is only the sending, within limits: 5 s to
 * connect, 15 s in all, TLS 1.2 at least, no redirect followed, no proxy, at most 64 kB of answer read. Main
 * thread unless said. */
#ifndef DUST_UPLINK_ALERT_H
#define DUST_UPLINK_ALERT_H

#include "daemon/alert/robot.h"

struct ring;

/* A message; its strings are handed over with it (mem_free). */
struct alert_job {
    uint64_t id;
    char *subject, *text, *person;
    char *mobile, *email; /* of the person, "" none */
    enum level level;
    int64_t *rows;
    int nrows;
};
void alert_job_finish(struct alert_job *job);

/* What became of it. */
struct alert_said {
    uint64_t id;
    struct robot_reply reply;
};

struct alert_uplink;

/* Starts the thread, which waits for a first message; what it says goes to `out`, a ring of struct alert_said
 * with room for ALERT_RING, whose only producer it is. `simulated`: loopback only, and messages say so. NULL:
 * no thread or descriptor is to be had. Secrets are read from their files for each message. */
enum { ALERT_RING = 4 };
struct alert_uplink *alert_start(const struct channel_config *config, const char *site, bool simulated,
                                 struct ring *out);

/* Takes the job over. False: one is still on its way, and the job stays the caller's. */
bool alert_send(struct alert_uplink *a, const struct alert_job *job);

/* Ends at once; a message on its way is broken off, and may have been taken or not. alert_join waits at most
 * `wait_ms`; false: the thread still runs, and must not be forgotten. True: `a` is gone. */
void alert_stop(struct alert_uplink *a);
bool alert_join(struct alert_uplink *a, int wait_ms);

#endif
