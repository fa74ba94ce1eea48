#include "daemon/uplink/alert_private.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/ring.h"
#include "daemon/uplink/alert.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const struct alert_timing timing_default = {.connect = 5000, .total = 15000};

enum { JOBS = 1 };

void alert_job_finish(struct alert_job *job)
{
    char *const strings[] = {job->subject, job->text, job->person, job->mobile, job->email};
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        mem_free(strings[i]);
    mem_free(job->rows);
    *job = (struct alert_job){0};
}

static void destroy(struct alert_uplink *a)
{
    struct alert_job job;
    while (a->jobs && ring_pop(a->jobs, &job) == ERR_OK)
        alert_job_finish(&job);
    ring_destroy(a->jobs);
    if (a->multi)
        transfer_close(a);
    if (a->wake >= 0)
        close(a->wake);
    if (a->ended >= 0)
        close(a->ended);
    mem_free(a->site);
    mem_free(a);
}

struct alert_uplink *alert_create(const struct channel_config *config, const char *site, bool simulated,
                                  struct ring *out)
{
    struct alert_uplink *a = mem_new(struct alert_uplink);
    a->config = config;
    a->site = mem_string(site);
    a->simulated = simulated;
    a->timing = timing_default;
    a->out = out;
    a->jobs = ring_create(JOBS, sizeof(struct alert_job));
    bool can = transfer_open(a);
    a->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    a->ended = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (a->jobs && can && a->wake >= 0 && a->ended >= 0)
        return a;
    destroy(a);
    return NULL;
}

bool alert_park(struct alert_uplink *a)
{
    if (pthread_create(&a->thread, NULL, alert_loop, a) == 0)
        return true;
    destroy(a);
    return false;
}

struct alert_uplink *alert_start(const struct channel_config *config, const char *site, bool simulated,
                                 struct ring *out)
{
    struct alert_uplink *a = alert_create(config, site, simulated, out);
    return a && alert_park(a) ? a : NULL;
}

bool alert_send(struct alert_uplink *a, const struct alert_job *job)
{
    return ring_push(a->jobs, job) == ERR_OK;
}

void alert_stop(struct alert_uplink *a)
{
    uint64_t one = 1;
    atomic_store(&a->stop, true);
    if (write(a->wake, &one, sizeof one) < 0) {
        /* cannot be full */
    }
    transfer_interrupt(a);
}

bool alert_join(struct alert_uplink *a, int wait_ms)
{
    struct pollfd p = {.fd = a->ended, .events = POLLIN};
    if (poll(&p, 1, wait_ms) <= 0)
        return false;
    pthread_join(a->thread, NULL);
    destroy(a);
    return true;
}
