/* Between the files of the alert uplink, and its tests: alert.c is main's side, alert_loop.c the thread,
 * alert_http.c one transfer, alert_mail.c a mail; curl_calls.h is the only
 * place with curl.h. */
#ifndef DUST_UPLINK_ALERT_PRIVATE_H
#define DUST_UPLINK_ALERT_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct alert_job;
struct robot_reply;

/* Wire time, ms; tests set shorter ones between alert_create and alert_park. */
struct alert_timing {
    long connect, total;
};

struct alert_uplink {
    /* set before the thread starts */
    const struct channel_config *config;
    char *site;
    bool simulated;
    struct alert_timing timing;
    struct ring *jobs, *out;
    const struct curl_calls *curl;
    void *multi;     /* CURLM */
    int wake, ended; /* eventfds */
    pthread_t thread;

    atomic_bool stop;
};

/* alert_start in two steps. alert_park: false, and `a` is gone, when there is no thread. */
struct alert_uplink *alert_create(const struct channel_config *config, const char *site, bool simulated,
                                  struct ring *out);
bool alert_park(struct alert_uplink *a);

void *alert_loop(void *arg); /* a struct alert_uplink */

/* One transfer, from the secrets to the answer; blocks at most `timing.total`, ends at once after alert_stop.
 */
void alert_transfer(struct alert_uplink *a, const struct alert_job *job, struct robot_reply *said);

/* Sets `curl` and `multi`: main thread, before the channel's own starts. False, and the reason is in the log:
 * libcurl is not to be had. */
bool transfer_open(struct alert_uplink *a);
void transfer_close(const struct alert_uplink *a);
void transfer_interrupt(const struct alert_uplink *a); /* any thread */

/* The mail of a job as RFC 5322 has it: everything but ASCII in base64. mem_free. */
char *mail_text(const struct alert_job *job, const char *site, const char *from, int64_t at_ms);

#endif
