/* The thread's life: sleep until the earliest slot, the minute's mark, the next try to open the port, or the
 * order to stop; read one device; say what changed. What to ask and when is unit.c's, how is line.c's. */
#include "drivers/bus.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "drivers/decode.h"
#include "drivers/line.h"
#include "drivers/port.h"
#include "drivers/unit.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    REOPEN_FIRST_US = 100000,
    REOPEN_LAST_US = 5000000,
    STEP_MS = 500,    /* a clock that moved by more was set */
    NAP_US = 1000000, /* longest sleep: the site's clock may be stepped meanwhile */
    RING_RETRY_US = 5000,
    EXCEPTION_ADDRESS = 2,
    EXCEPTION_VALUE = 3
};

struct bus {
    const struct bus_config *config;
    struct ring *out;
    void (*sink)(const struct sample *s, void *arg); /* bus_once: instead of the ring */
    void *arg;
    pthread_t thread;
    sem_t go;
    int stop_fd;
    struct line *line;
    struct unit *units;
    enum { LINE_UNKNOWN, LINE_UP, LINE_DOWN } state;
    int64_t reopen_us, reopen_gap;
    int64_t mark_ms;          /* when the next mark is due */
    int64_t seen_ms, seen_us; /* site time, and time since boot, when last compared */
    uint64_t unsent;          /* refused by a full ring while stopping */
    atomic_uint_fast64_t requests, answers, no_answer, garbled, exceptions, line_errors, late_slots, turns,
        busy_us;
    atomic_int rtt_us;
};

static bool stopping(const struct bus *b)
{
    return port_wait(-1, 0, b->stop_fd, 0) == ERR_STATE;
}

/* A full ring makes us wait, not the sample go. */
static void say(struct bus *b, const struct bus_message *m)
{
    if (!b->out) {
        if (m->kind != BUS_SAMPLE)
            return;
        struct sample s = m->u.sample;
        s.point = (uint16_t)(s.point + b->config->devices[m->device]->first_point);
        b->sink(&s, b->arg);
        return;
    }
    while (ring_push(b->out, m) != ERR_OK) {
        if (port_wait(-1, 0, b->stop_fd, clock_wire_us() + RING_RETRY_US) == ERR_STATE) {
            b->unsent++;
            return;
        }
    }
}

static int place_of(const struct bus *b, const struct unit *u)
{
    return (int)(u - b->units);
}

static void say_line(struct bus *b, bool up, int error)
{
    if (b->state == (up ? LINE_UP : LINE_DOWN))
        return;
    b->state = up ? LINE_UP : LINE_DOWN;
    struct bus_message m = {.kind = BUS_LINE};
    m.u.line.at_ms = clock_site_ms();
    m.u.line.up = up;
    m.u.line.error = error;
    say(b, &m);
}

static void say_device(struct bus *b, const struct unit *u, int rtt_us)
{
    struct bus_message m = {.kind = BUS_DEVICE, .device = place_of(b, u)};
    m.u.device.at_ms = clock_site_ms();
    m.u.device.up = u->reported == UNIT_UP;
    m.u.device.why = (uint8_t)(m.u.device.up ? WHY_NONE : u->why);
    m.u.device.exception = m.u.device.up ? 0 : u->exception;
    m.u.device.rtt_us = rtt_us;
    say(b, &m);
}

static void say_mark(struct bus *b)
{
    int64_t now = clock_site_ms();
    if (now >= b->mark_ms) {
        struct bus_message m = {.kind = BUS_MARK, .u.mark_ms = now};
        say(b, &m);
    }
    b->mark_ms = clock_window_start(now, CLOCK_MINUTE_MS, 0) + CLOCK_MINUTE_MS;
}

/* The line is gone or cannot be had: try again later, and later still. */
static void lose_line(struct bus *b, int error)
{
    line_close(b->line);
    atomic_fetch_add(&b->line_errors, 1);
    b->reopen_us = clock_wire_us() + b->reopen_gap;
    b->reopen_gap = b->reopen_gap * 2 > REOPEN_LAST_US ? REOPEN_LAST_US : b->reopen_gap * 2;
    say_line(b, false, error);
}

/* A peer that closes an idle connection is no fault: it is opened again when it is needed. */
static void notice_hang_up(struct bus *b)
{
    if (!line_is_hung_up(b->line))
        return;
    if (b->config->transport == TRANSPORT_RTU)
        lose_line(b, EIO);
    else
        line_close(b->line);
}

static bool line_ready(struct bus *b)
{
    notice_hang_up(b);
    if (line_is_open(b->line))
        return true;
    if (clock_wire_us() < b->reopen_us)
        return false;
    if (line_open(b->line) == ERR_OK) {
        say_line(b, true, 0);
        return true;
    }
    int error = errno;
    if (!stopping(b))
        lose_line(b, error);
    return false;
}

static struct sample sample_of(const struct unit *u, int point, const struct line_answer *a, int64_t at_ms)
{
    const struct point *p = &u->device->profile->points[point];
    const struct request *r = &u->requests[u->request_of[point]];
    struct sample s = {.at_ms = at_ms, .point = (uint16_t)point, .value = NAN};
    if (a->why == WHY_NONE && a->values) {
        s.nreg = (uint8_t)point_registers(p);
        memcpy(s.reg, a->values + (p->address - r->address), s.nreg * sizeof *s.reg);
        decode_point(p, &s);
        return s;
    }
    s.quality = a->why == WHY_EXCEPTION ? QUALITY_FAULT : QUALITY_NO_COMMUNICATION;
    s.why = (uint8_t)a->why;
    s.exception = a->exception;
    return s;
}

/* One sample for each point of the requests `first` to `last`. */
static void say_samples(struct bus *b, const struct unit *u, int first, int last, const struct line_answer *a)
{
    int64_t now = clock_site_ms();
    for (int i = 0; i < u->device->profile->npoints; i++) {
        if (u->request_of[i] < first || u->request_of[i] > last)
            continue;
        struct bus_message m = {.kind = BUS_SAMPLE, .device = place_of(b, u)};
        m.u.sample = sample_of(u, i, a, now);
        say(b, &m);
    }
}

static bool answered(const struct line_answer *a)
{
    return a->why == WHY_NONE || a->why == WHY_EXCEPTION;
}

static void count(struct bus *b, const struct line_answer *a)
{
    atomic_uint_fast64_t *of[WHY__COUNT] = {
        [WHY_NONE] = &b->answers,
        [WHY_NO_ANSWER] = &b->no_answer,
        [WHY_GARBLED] = &b->garbled,
        [WHY_EXCEPTION] = &b->exceptions,
    };
    atomic_fetch_add(&b->requests, 1);
    atomic_fetch_add(&b->turns, 1);
    if (of[a->why])
        atomic_fetch_add(of[a->why], 1);
    if (!answered(a))
        return;
    atomic_store(&b->rtt_us, a->rtt_us);
    b->reopen_gap = REOPEN_FIRST_US;
}

/* Asks what stands for one request of the plan; false when that must wait, because a late answer could not be
 * told from its own. */
static bool ask(struct bus *b, struct unit *u, int request, struct request *sent, struct line_answer *a)
{
    *a = (struct line_answer){.why = WHY_LINE};
    if (!line_ready(b))
        return true;
    int64_t now_us = clock_wire_us();
    if (unit_shape(u, request, now_us, sent) != ERR_OK) {
        a->why = WHY_NO_ANSWER;
        return false;
    }
    struct line_question q = {.unit = u->device->unit_id,
                              .request = sent,
                              .timeout_us = u->timeout_us,
                              .turnaround_us = u->turnaround_us};
    line_ask(b->line, &q, a);
    atomic_fetch_add(&b->busy_us, (uint64_t)(clock_wire_us() - now_us));
    count(b, a);
    unit_asked(u, sent, a->why, now_us);
    if (a->why == WHY_LINE)
        lose_line(b, a->error);
    return true;
}

/* A unit may refuse registers in the gaps between its points, or beyond them. */
static bool refused(struct bus *b, struct unit *u, int request, const struct request *sent,
                    const struct line_answer *a)
{
    const struct request r = u->requests[request];
    bool narrow = u->narrow;
    if (a->why != WHY_EXCEPTION || (a->exception != EXCEPTION_ADDRESS && a->exception != EXCEPTION_VALUE) ||
        !unit_refused(u, request, sent))
        return false;
    if (narrow == u->narrow)
        log_info(
            "bus %s: %s refuses %u registers at %u in one request (exception %u); reads each point alone",
            b->config->name, u->device->name, r.count, r.address, a->exception);
    return true;
}

static void hear_late(enum modbus_table table, int bytes, void *unit)
{
    unit_heard_late(unit, table, bytes, clock_wire_us());
}

static void read_unit(struct bus *b, struct unit *u)
{
    struct line_answer a = {.why = u->why, .exception = u->exception};
    if (b->state == LINE_UP && !unit_may_ask(u, clock_wire_us())) {
        say_samples(b, u, 0, u->nrequests, &a);
        return;
    }
    for (int k = 0; k < u->nrequests; k++) {
        struct request sent;
        bool asked = ask(b, u, k, &sent, &a);
        if (asked && refused(b, u, k, &sent, &a)) {
            k--;
            continue;
        }
        bool enough = asked && unit_gives_up(u, a.why, a.exception);
        say_samples(b, u, k, enough ? u->nrequests : k, &a);
        if (!asked)
            continue;
        int late_us = unit_late_us(u);
        if (unit_take(u, a.why, a.exception, clock_wire_us()))
            say_device(b, u, a.rtt_us);
        line_settle(b->line, late_us);
        if (!answered(&a))
            line_strays(b->line, hear_late, u);
        if (enough || stopping(b))
            return;
    }
}

/* The unit whose slot comes first; NULL on a bus without devices. */
static struct unit *earliest(const struct bus *b)
{
    struct unit *first = NULL;
    for (int i = 0; i < b->config->ndevices; i++)
        if (!first || b->units[i].next_ms < first->next_ms)
            first = &b->units[i];
    return first;
}

/* Sleeps until there is something to do; false: the end. */
static bool wait_for_work(struct bus *b)
{
    const struct unit *u = earliest(b);
    int64_t now_us = clock_wire_us(), end = now_us + NAP_US;
    int64_t due_ms = u && u->next_ms < b->mark_ms ? u->next_ms : b->mark_ms;
    int64_t due_us = now_us + clock_wire_until_us(due_ms);
    if (due_us < end)
        end = due_us;
    if (b->state == LINE_DOWN && b->reopen_us < end)
        end = b->reopen_us;
    int rc = port_wait(line_fd(b->line), POLLRDHUP, b->stop_fd, end);
    if (rc == ERR_OK)
        notice_hang_up(b);
    return rc != ERR_STATE;
}

/* Whether somebody set the clock since the last look: slots of a time that never passed are not late. */
static bool clock_was_set(struct bus *b)
{
    int64_t now_ms, now_us;
    clock_both(&now_ms, &now_us);
    int64_t step_ms = now_ms - b->seen_ms - (now_us - b->seen_us) * clock_rate() / 1000;
    bool first = b->seen_us == 0;
    b->seen_ms = now_ms;
    b->seen_us = now_us;
    return !first &&
           (step_ms > (int64_t)STEP_MS * clock_rate() || step_ms < -(int64_t)STEP_MS * clock_rate());
}

static void start_slots(struct bus *b)
{
    int64_t now_ms = clock_site_ms();
    for (int i = 0; i < b->config->ndevices; i++)
        unit_start(&b->units[i], now_ms);
}

static void work(struct bus *b)
{
    if (b->state != LINE_UP && !line_is_open(b->line) && clock_wire_us() >= b->reopen_us)
        line_ready(b);
    if (clock_was_set(b))
        start_slots(b);
    int64_t now = clock_site_ms();
    for (int i = 0; i < b->config->ndevices; i++)
        if (unit_is_stranded(&b->units[i], now))
            unit_start(&b->units[i], now);
    if (now >= b->mark_ms || b->mark_ms > now + CLOCK_MINUTE_MS)
        say_mark(b);
    struct unit *u = earliest(b);
    if (!u || u->next_ms > clock_site_ms())
        return;
    read_unit(b, u);
    if (clock_was_set(b)) {
        start_slots(b);
        return;
    }
    atomic_fetch_add(&b->late_slots, (uint64_t)unit_slot_done(u, clock_site_ms()));
}

static void *run(void *arg)
{
    struct bus *b = arg;
    prctl(PR_SET_NAME, b->config->name); /* cut at 15 bytes; seen in top -H */
    prctl(PR_SET_TIMERSLACK, 1UL); /* 50 us by default, a thirtieth of the silence before each request */
    while (sem_wait(&b->go) != 0) {
        /* EINTR */
    }
    if (stopping(b))
        return NULL;
    line_ready(b);
    int64_t now = clock_site_ms();
    for (int i = 0; i < b->config->ndevices; i++)
        unit_start(&b->units[i], now);
    b->mark_ms = clock_window_start(now, CLOCK_MINUTE_MS, 0) + CLOCK_MINUTE_MS;
    while (wait_for_work(b)) {
        work(b);
        atomic_fetch_add(&b->turns, 1);
    }
    b->mark_ms = 0;
    say_mark(b);
    line_close(b->line);
    if (b->unsent)
        log_warning("bus %s: stopped with %llu messages that found no room", b->config->name,
                    (unsigned long long)b->unsent);
    return NULL;
}

static struct bus *create(const struct bus_config *config, int stop_fd)
{
    struct bus *b = mem_new(struct bus);
    b->config = config;
    b->stop_fd = stop_fd;
    sem_init(&b->go, 0, 0);
    b->reopen_gap = REOPEN_FIRST_US;
    b->line = line_create(config, stop_fd);
    b->units = mem_array((size_t)config->ndevices, sizeof *b->units);
    for (int i = 0; i < config->ndevices; i++)
        unit_init(&b->units[i], config, config->devices[i], i, config->ndevices);
    return b;
}

static void destroy(struct bus *b)
{
    line_destroy(b->line);
    mem_free(b->units);
    if (b->stop_fd >= 0)
        close(b->stop_fd);
    sem_destroy(&b->go);
    mem_free(b);
}

struct bus *bus_prepare(const struct bus_config *config, struct ring *out)
{
    int stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (stop_fd < 0)
        return NULL;
    struct bus *b = create(config, stop_fd);
    b->out = out;
    /* signals are main's; a converter that hangs up must not end us by SIGPIPE */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&b->thread, NULL, run, b);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return b;
    destroy(b);
    return NULL;
}

void bus_go(struct bus *b)
{
    sem_post(&b->go);
}

struct bus *bus_start(const struct bus_config *config, struct ring *out)
{
    struct bus *b = bus_prepare(config, out);
    if (b)
        bus_go(b);
    return b;
}

void bus_stop(struct bus *b)
{
    uint64_t one = 1;
    if (write(b->stop_fd, &one, sizeof one) < 0) {
        /* EAGAIN at 2^64-2: it is readable already */
    }
    bus_go(b); /* it may not have been let go yet */
}

void bus_join(struct bus *b)
{
    pthread_join(b->thread, NULL);
    destroy(b);
}

struct bus_counters bus_count(const struct bus *b)
{
    return (struct bus_counters){.requests = atomic_load(&b->requests),
                                 .answers = atomic_load(&b->answers),
                                 .no_answer = atomic_load(&b->no_answer),
                                 .garbled = atomic_load(&b->garbled),
                                 .exceptions = atomic_load(&b->exceptions),
                                 .line_errors = atomic_load(&b->line_errors),
                                 .late_slots = atomic_load(&b->late_slots),
                                 .turns = atomic_load(&b->turns),
                                 .busy_us = atomic_load(&b->busy_us),
                                 .rtt_us = atomic_load(&b->rtt_us)};
}

int bus_once(const struct bus_config *config, void (*sink)(const struct sample *s, void *arg), void *arg)
{
    struct bus *b = create(config, -1);
    b->sink = sink;
    b->arg = arg;
    bool open = line_ready(b);
    int error = errno;
    for (int i = 0; open && i < config->ndevices; i++)
        read_unit(b, &b->units[i]);
    destroy(b);
    errno = error;
    return open ? ERR_OK : ERR_IO;
}
