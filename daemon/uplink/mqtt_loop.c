/* The thread: look at what main gave, move the connection, send, tell, wait. */
#include "daemon/uplink/mqtt_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"

#include <mosquitto.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { TICK_US = 1000000, FULL_US = 50000 }; /* keep-alive is looked at; a full ring is tried again */

/* A taken event swallows the one before it: the queue stays short while main does not read. While it is not
 * empty nothing new is asked or connected, so it never fills. */
struct mqtt_event *tell(struct mqtt *m, enum mqtt_event_kind kind, int64_t seq)
{
    struct mqtt_event *last = m->noutbox ? &m->outbox[m->noutbox - 1] : NULL;
    if (!last || last->kind != MQTT_TAKEN || kind != MQTT_TAKEN) {
        if (m->noutbox < MQTT_OUTBOX)
            m->noutbox++;
        last = &m->outbox[m->noutbox - 1];
    }
    *last = (struct mqtt_event){.kind = kind, .seq = seq};
    return last;
}

bool tell_flush(struct mqtt *m)
{
    int out = 0;
    while (out < m->noutbox && ring_push(m->out, &m->outbox[out]) == ERR_OK)
        out++;
    m->noutbox -= out;
    memmove(m->outbox, m->outbox + out, (size_t)m->noutbox * sizeof *m->outbox);
    return m->noutbox == 0;
}

static void earlier(int64_t *when, int64_t other, int64_t now)
{
    if (other > now && other < *when)
        *when = other;
}

/* When to look again if nothing happens. */
static int64_t next_look(const struct mqtt *m, int64_t now)
{
    int64_t when = INT64_MAX;
    switch (m->phase) {
    case PHASE_WAIT: when = m->next_try; break;
    case PHASE_CONNECT:
    case PHASE_HANDSHAKE: when = m->deadline; break;
    case PHASE_UP:
        when = now + TICK_US;
        earlier(&when, m->rows_after, now);
        earlier(&when, m->nows_after, now);
        earlier(&when, m->stop_at - (int64_t)m->timing.stop * 500, now);
        earlier(&when, m->stop_at, now);
        if (feed_in_flight(m))
            earlier(&when, m->heard + (int64_t)m->timing.answer * 1000, now);
        break;
    case PHASE_END: when = now; break;
    }
    return m->noutbox ? now + FULL_US : when;
}

static int wait_for_something(struct mqtt *m, int64_t now)
{
    int64_t wait = next_look(m, now) - now;
    int ms = wait <= 0 ? 0 : (int)((wait + 999) / 1000);
    int events = line_events(m);
    struct pollfd fds[] = {
        {.fd = m->wake, .events = POLLIN},
        {.fd = ring_fd(m->nows), .events = POLLIN},
        {.fd = ring_fd(m->rows), .events = POLLIN},
        {.fd = events ? mosquitto_socket(m->handle) : -1, .events = (short)events},
    };
    poll(fds, sizeof fds / sizeof *fds, ms);
    uint64_t count;
    if ((fds[0].revents & POLLIN) && read(m->wake, &count, sizeof count) < 0) {
        /* EAGAIN: woken for nothing, which is harmless */
    }
    ring_woken(m->nows);
    ring_woken(m->rows);
    return fds[3].revents;
}

static void step(struct mqtt *m, int revents, int64_t now)
{
    bool stop = atomic_load(&m->stop);
    if (atomic_exchange(&m->hurry, false)) {
        m->backoff.tries = 0; /* of an attempt that is under way, too */
        m->next_try = now;
    }
    if (m->phase == PHASE_WAIT && !stop && now >= m->next_try && tell_flush(m))
        line_try(m, now);
    else if (m->phase != PHASE_WAIT)
        line_io(m, revents, now);
    feed_answers(m, now);
    if (m->phase == PHASE_UP)
        canary_turn(m, now);
    if (m->phase == PHASE_UP)
        feed_send(m, now);
    if (stop)
        feed_stop(m, now);
}

void *mqtt_loop(void *arg)
{
    struct mqtt *m = arg;
    pthread_setname_np(pthread_self(), "mqtt");
    int revents = 0;
    while (sem_wait(&m->go) != 0) {
        /* EINTR */
    }
    while (m->phase != PHASE_END) {
        feed_input(m);
        step(m, revents, clock_wire_us());
        atomic_store(&m->in_flight, feed_in_flight(m));
        tell_flush(m);
        revents = m->phase == PHASE_END ? 0 : wait_for_something(m, clock_wire_us());
    }
    uint64_t one = 1;
    if (write(m->ended, &one, sizeof one) < 0) {
        /* cannot be full */
    }
    return NULL;
}
