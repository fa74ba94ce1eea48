/* The thread's life: sleep until the earliest slot, the minute's mark, the next try to open the port, an
 * order to write or the order to stop; read what is most urgent; say what changed. What to ask and when is
 * unit.c's, how is line.c's. */
#include "drivers/bus_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/ring.h"
#include "daemon/base/wait.h"
#include "drivers/bus.h"
#include "drivers/line.h"
#include "drivers/port.h"
#include "drivers/unit.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
    REOPEN_FIRST_US = 100000,
    REOPEN_LAST_US = 3000000, /* a line that is there again is used within 5 s */
    STEP_MS = 500,            /* a clock that moved by more was set */
    NAP_US = 1000000,         /* longest sleep: the site's clock may be stepped meanwhile */
    RING_RETRY_US = 5000,
    ORDERS = 64,
    STACK_BYTES = 128 * 1024,
    JAM_FIRST_US = 1000000,
    JAM_LAST_US = 8000000,
    JAM_FORGOTTEN_US = 60000000
};

bool bus_is_stopping(const struct bus *b)
{
    return port_wait(-1, 0, b->stop_fd, 0) == ERR_STATE;
}

int bus_place(const struct bus *b, const struct unit *u)
{
    return (int)(u - b->units);
}

/* A full ring makes us wait, not the sample go. */
static void say(struct bus *b, const struct bus_message *m, int (*push)(struct ring *r, const void *message))
{
    if (!b->out) {
        if (m->kind != BUS_SAMPLE)
            return;
        struct sample s = m->u.sample;
        s.point = (uint16_t)(s.point + b->config->devices[m->device]->first_point);
        b->sink(&s, b->arg);
        return;
    }
    while (push(b->out, m) != ERR_OK) {
        if (port_wait(-1, 0, b->stop_fd, clock_wire_us() + RING_RETRY_US) == ERR_STATE) {
            b->unsent++;
            return;
        }
    }
}

void bus_say(struct bus *b, const struct bus_message *m)
{
    say(b, m, ring_push);
}

void bus_add(struct bus *b, const struct bus_message *m)
{
    say(b, m, ring_add);
}

/* Said on the change; of a line that stays down once more when it is for another reason. A port that was
 * pulled out is missing then, which is no news. */
static void say_line(struct bus *b, enum line_state state, int error)
{
    if (b->state == state && (state != LINE_DOWN || error == b->said_error || error == ENOENT))
        return;
    b->state = state;
    b->said_error = error;
    struct bus_message m = {.kind = BUS_LINE};
    m.u.line.at_ms = clock_site_ms();
    m.u.line.state = state;
    m.u.line.error = error;
    bus_say(b, &m);
}

/* One that jams again and again is looked at less often: it cannot flood the journal. */
void bus_heed_jam(struct bus *b)
{
    int64_t now_us = clock_wire_us();
    bool gone = b->state == LINE_DOWN && !line_is_open(b->line);
    if (!line_is_jammed(b->line) || b->state == LINE_JAMMED || gone)
        return;
    bool again = b->jam_gap && now_us < b->unjammed_us + JAM_FORGOTTEN_US;
    b->jam_gap = !again ? JAM_FIRST_US : 2 * b->jam_gap > JAM_LAST_US ? JAM_LAST_US : 2 * b->jam_gap;
    b->jam_us = now_us + b->jam_gap;
    say_line(b, LINE_JAMMED, 0);
}

static void say_mark(struct bus *b)
{
    int64_t now = clock_site_ms();
    if (now >= b->mark_ms) {
        struct bus_message m = {.kind = BUS_MARK, .u.mark_ms = now};
        bus_say(b, &m);
    }
    b->mark_ms = clock_window_start(now, CLOCK_MINUTE_MS, 0) + CLOCK_MINUTE_MS;
}

/* The line is gone or cannot be had: try again later, and later still. */
void bus_lose_line(struct bus *b, int error)
{
    line_close(b->line);
    atomic_fetch_add(&b->line_errors, 1);
    b->reopen_gap = b->reopen_gap ? 2 * b->reopen_gap : REOPEN_FIRST_US;
    b->reopen_gap = b->reopen_gap > REOPEN_LAST_US ? REOPEN_LAST_US : b->reopen_gap;
    b->reopen_us = clock_wire_us() + b->reopen_gap;
    say_line(b, LINE_DOWN, error);
}

/* A peer that closes an idle connection is no fault: it is opened again when it is needed. */
static void notice_hang_up(struct bus *b)
{
    if (!line_is_hung_up(b->line))
        return;
    if (b->config->transport == TRANSPORT_RTU)
        bus_lose_line(b, EIO);
    else
        line_close(b->line);
}

bool bus_line_ready(struct bus *b)
{
    notice_hang_up(b);
    if (line_is_open(b->line))
        return true;
    if (b->lent || clock_wire_us() < b->reopen_us)
        return false;
    if (line_open(b->line) == ERR_OK) {
        if (!line_is_jammed(b->line))
            say_line(b, LINE_UP, 0);
        bus_heed_jam(b);
        return true;
    }
    int error = errno;
    if (!bus_is_stopping(b))
        bus_lose_line(b, error);
    return false;
}

/* A connection brings its own silence: it is opened anew. */
static void look_at_jam(struct bus *b)
{
    if (b->state != LINE_JAMMED || clock_wire_us() < b->jam_us)
        return;
    b->jam_us = clock_wire_us() + b->jam_gap;
    if (b->config->transport != TRANSPORT_RTU)
        line_close(b->line);
    if (bus_line_ready(b) && (!line_is_jammed(b->line) || line_look_for_quiet(b->line))) {
        b->unjammed_us = clock_wire_us();
        say_line(b, LINE_UP, 0);
    }
}

/* The unit and read whose slot ends first, of those that are due; NULL when none is. */
static struct unit *most_urgent(const struct bus *b, int64_t now_ms, int *read)
{
    struct unit *first = NULL;
    int64_t first_end = INT64_MAX;
    for (int i = 0; i < b->config->ndevices; i++) {
        struct unit *u = &b->units[i];
        int due = unit_due(u, now_ms);
        if (due < 0 || u->reads[due].next_ms + u->reads[due].period_ms >= first_end)
            continue;
        first = u;
        first_end = u->reads[due].next_ms + u->reads[due].period_ms;
        *read = due;
    }
    return first;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t next_slot_ms(const struct bus *b)
{
    int64_t next = b->mark_ms;
    for (int i = 0; i < b->config->ndevices; i++)
        next = earlier(next, unit_next_ms(&b->units[i]));
    return next;
}

/* Sleeps until there is something to do; false: the end. */
static bool wait_for_work(struct bus *b)
{
    int64_t now_us = clock_wire_us(), end = now_us + clock_wire_until_us(next_slot_ms(b));
    end = earlier(end, earlier(now_us + NAP_US, b->tally_us));
    if (b->state == LINE_DOWN && !b->lent)
        end = earlier(end, b->reopen_us);
    if (b->state == LINE_JAMMED && !b->lent)
        end = earlier(end, b->jam_us);
    struct pollfd p[] = {{.fd = b->stop_fd, .events = POLLIN},
                         {.fd = line_fd(b->line), .events = POLLRDHUP},
                         {.fd = ring_fd(b->orders), .events = POLLIN}};
    if (wait_us(p, 3, end - now_us) > 0 && p[1].revents)
        notice_hang_up(b);
    return !p[0].revents;
}

/* Whether somebody set the clock since the last look. */
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

bool bus_heed_clock(struct bus *b)
{
    if (!clock_was_set(b))
        return false;
    int64_t now_ms = clock_site_ms();
    for (int i = 0; i < b->config->ndevices; i++)
        unit_start(&b->units[i], now_ms);
    return true;
}

static void work(struct bus *b)
{
    if (b->state != LINE_UP && !line_is_open(b->line) && clock_wire_us() >= b->reopen_us)
        bus_line_ready(b);
    look_at_jam(b);
    bus_heed_clock(b);
    int64_t now = clock_site_ms();
    for (int i = 0; i < b->config->ndevices; i++)
        if (unit_is_stranded(&b->units[i], now))
            unit_start(&b->units[i], now);
    if (now >= b->mark_ms || b->mark_ms > now + CLOCK_MINUTE_MS)
        say_mark(b);
    bus_tell_tallies(b, clock_wire_us());
    bus_obey(b);
    bus_stand_by(b);
    int read;
    now = clock_site_ms();
    struct unit *u = most_urgent(b, now, &read);
    if (u)
        bus_read(b, u, read, now);
}

static void *run(void *arg)
{
    struct bus *b = arg;
    prctl(PR_SET_NAME, b->config->name); /* cut at 15 bytes; seen in top -H */
    prctl(PR_SET_TIMERSLACK, 1UL); /* 50 us by default, a thirtieth of the silence before each request */
    while (sem_wait(&b->go) != 0) {
        /* EINTR */
    }
    if (bus_is_stopping(b))
        return NULL;
    bus_line_ready(b);
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

struct bus *bus_create(const struct bus_config *config, int stop_fd)
{
    struct bus *b = mem_new(struct bus);
    b->config = config;
    b->stop_fd = stop_fd;
    sem_init(&b->go, 0, 0);
    sem_init(&b->still, 0, 0);
    b->line = line_create(config, stop_fd);
    b->units = mem_array((size_t)config->ndevices, sizeof *b->units);
    for (int i = 0; i < config->ndevices; i++)
        unit_init(&b->units[i], config, config->devices[i], i, config->ndevices);
    return b;
}

void bus_destroy(struct bus *b)
{
    line_destroy(b->line);
    ring_destroy(b->orders);
    mem_free(b->units);
    if (b->stop_fd >= 0)
        close(b->stop_fd);
    sem_destroy(&b->go);
    sem_destroy(&b->still);
    mem_free(b);
}

struct ring_state bus_queue(const struct bus *b, int64_t now_us)
{
    return ring_state(b->orders, now_us);
}

int bus_order(struct bus *b, const struct bus_order *order)
{
    return ring_push(b->orders, order);
}

/* With a small stack: a site may have 64 lines. */
static int start_thread(struct bus *b)
{
    pthread_attr_t attributes;
    int rc = pthread_attr_init(&attributes);
    if (rc)
        return rc;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    rc = pthread_create(&b->thread, &attributes, run, b);
    pthread_attr_destroy(&attributes);
    return rc;
}

struct bus *bus_prepare(const struct bus_config *config, struct ring *out)
{
    int stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (stop_fd < 0)
        return NULL;
    struct bus *b = bus_create(config, stop_fd);
    b->out = out;
    b->orders = ring_create(ORDERS, sizeof(struct bus_order));
    /* signals are main's; a converter that hangs up must not end us by SIGPIPE */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = b->orders ? start_thread(b) : ENOMEM;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc == 0)
        return b;
    bus_destroy(b);
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
    bus_destroy(b);
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
    struct bus *b = bus_create(config, -1);
    b->sink = sink;
    b->arg = arg;
    bool open = bus_line_ready(b);
    int error = errno;
    for (int i = 0; open && i < config->ndevices; i++) {
        struct unit *u = &b->units[i]; /* its slots are at 0, where they are due once */
        for (int read = unit_due(u, 0); read >= 0; read = unit_due(u, 0))
            bus_read(b, u, read, 0);
    }
    bus_destroy(b);
    errno = error;
    return open ? ERR_OK : ERR_IO;
}
