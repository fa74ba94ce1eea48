/* The thread of a channel: wait for a message, send it, say what became of it. */
#include "daemon/uplink/alert_private.h"

#include "daemon/base/err.h"
#include "daemon/base/ring.h"
#include "daemon/uplink/alert.h"

#include <poll.h>
#include <unistd.h>

enum { FULL_MS = 50 }; /* a full ring is tried again */

static void wait_for_job(struct alert_uplink *a)
{
    struct pollfd fds[] = {{.fd = a->wake, .events = POLLIN}, {.fd = ring_fd(a->jobs), .events = POLLIN}};
    poll(fds, 2, -1);
    ring_woken(a->jobs);
}

/* Main has one message on its way for each channel: the ring has room, but for a main that is very late. */
static void tell(struct alert_uplink *a, const struct alert_said *said)
{
    while (ring_push(a->out, said) != ERR_OK && !atomic_load(&a->stop))
        poll(NULL, 0, FULL_MS);
}

void *alert_loop(void *arg)
{
    struct alert_uplink *a = arg;
    struct alert_job job;
    pthread_setname_np(pthread_self(), "alert");
    while (!atomic_load(&a->stop)) {
        if (ring_pop(a->jobs, &job) != ERR_OK) {
            wait_for_job(a);
            continue;
        }
        struct alert_said said = {.id = job.id};
        alert_transfer(a, &job, &said.reply);
        alert_job_finish(&job);
        if (!atomic_load(&a->stop))
            tell(a, &said);
    }
    uint64_t one = 1;
    if (write(a->ended, &one, sizeof one) < 0) {
        /* cannot be full */
    }
    return NULL;
}
