/* libmodbus frames, sends and receives; what it gets wrong is done here: see the comment at each cure. */
#include "drivers/line.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "drivers/frame.h"
#include "drivers/port.h"

#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum {
    REQUEST_CHARACTERS = 8,
    MARGIN_US = 30000,   /* scheduler and USB adapter, on top of every time-out */
    LUMP_US = 20000,     /* USB adapters hand bytes over in lumps up to 16 ms apart */
    SETTLE_US = 2000000, /* a babbling unit is not listened to for longer */
    SETTLE_BYTES = 4096,
    SILENCE_FAST_US = 1750, /* above 19200 baud: Modbus over Serial Line V1.02, 2.5.1.1 */
    FAST_BAUD = 19200
};

struct line {
    const struct bus_config *config;
    modbus_t *ctx; /* NULL while closed */
    int stop_fd, lock_fd;
    int64_t character_ns, silence_us;
    int64_t last_byte_us, asked_us, frames_us; /* of the last question: when asked, and its frames' time */
    bool unsettled;                            /* the last answer was bad */
    bool spoken; /* but the unit's whole frame has come: nothing more is to be expected */
    uint16_t tid;
    uint8_t bytes[MODBUS_MAX_ADU_LENGTH];
    uint16_t values[FRAME_VALUES_MAX];
};

static int64_t character_ns(const struct bus_config *c)
{
    if (c->baud <= 0)
        return 0;
    int bits = 1 + c->data_bits + (c->parity == 'N' ? 0 : 1) + c->stop_bits;
    return (int64_t)bits * 1000000000 / c->baud;
}

static int64_t silence_us(const struct bus_config *c)
{
    if (c->transport == TRANSPORT_TCP)
        return 0;
    return c->baud > FAST_BAUD ? SILENCE_FAST_US : (character_ns(c) * 7 / 2 + 999) / 1000;
}

int line_overhead_bytes(const struct bus_config *config, int turnaround_us)
{
    int64_t ns = character_ns(config);
    if (ns == 0)
        return REQUEST_CHARACTERS + 5;
    int64_t quiet_ns = (2 * silence_us(config) + turnaround_us) * 1000;
    return REQUEST_CHARACTERS + 5 + (int)((quiet_ns + ns - 1) / ns);
}

struct line *line_create(const struct bus_config *config, int stop_fd)
{
    struct line *l = mem_new(struct line);
    l->config = config;
    l->stop_fd = stop_fd;
    l->lock_fd = -1;
    l->character_ns = character_ns(config);
    l->silence_us = silence_us(config);
    return l;
}

bool line_is_open(const struct line *l)
{
    return l->ctx != NULL;
}

int line_fd(const struct line *l)
{
    return l->ctx ? modbus_get_socket(l->ctx) : -1;
}

bool line_is_hung_up(const struct line *l)
{
    struct pollfd p = {.fd = line_fd(l), .events = POLLRDHUP};
    return l->ctx && poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR | POLLNVAL | POLLRDHUP);
}

static int open_serial(struct line *l)
{
    const struct bus_config *c = l->config;
    if (!port_speed_known(c->baud)) {
        errno = EINVAL;
        return ERR_IO;
    }
    l->lock_fd = port_lock(c->path);
    if (l->lock_fd < 0)
        return ERR_IO;
    l->ctx = modbus_new_rtu(c->path, c->baud, c->parity, c->data_bits, c->stop_bits);
    if (!l->ctx || modbus_connect(l->ctx) != 0)
        return ERR_IO;
    if (modbus_get_socket(l->ctx) >= PORT_FD_END) {
        errno = EMFILE;
        return ERR_IO;
    }
    port_claim(modbus_get_socket(l->ctx));
    return ERR_OK;
}

static int open_connection(struct line *l)
{
    const struct bus_config *c = l->config;
    int fd = port_connect(c->host, c->port, l->stop_fd);
    if (fd < 0)
        return ERR_IO;
    /* an RTU context needs a name and a speed even when it never opens the port itself */
    l->ctx = c->transport == TRANSPORT_TCP ? modbus_new_tcp(NULL, c->port)
                                           : modbus_new_rtu("socket", FAST_BAUD, 'N', 8, 1);
    if (!l->ctx) {
        close(fd);
        return ERR_IO;
    }
    modbus_set_socket(l->ctx, fd);
    return ERR_OK;
}

/* Drops what comes until nothing has come for 3.5 characters (or a lump) and wire time `until_us` has passed.
 */
static void listen_until_quiet(struct line *l, int64_t until_us)
{
    int64_t start = clock_wire_us(), quiet = l->silence_us > LUMP_US ? l->silence_us : LUMP_US;
    int64_t end = start + quiet;
    for (size_t dropped = 0; dropped < SETTLE_BYTES;) {
        if (end < until_us)
            end = until_us;
        if (end > start + SETTLE_US)
            end = start + SETTLE_US;
        if (port_wait(line_fd(l), POLLIN, l->stop_fd, end) != ERR_OK)
            break;
        ssize_t n = read(line_fd(l), l->bytes, sizeof l->bytes);
        if (n <= 0) {
            line_close(l);
            return;
        }
        dropped += (size_t)n;
        l->last_byte_us = clock_wire_us();
        end = l->last_byte_us + quiet;
    }
    if (l->config->transport == TRANSPORT_RTU)
        modbus_flush(l->ctx);
}

int line_open(struct line *l)
{
    int rc = l->config->transport == TRANSPORT_RTU ? open_serial(l) : open_connection(l);
    if (rc != ERR_OK) {
        int error = errno;
        line_close(l);
        errno = error;
        return rc;
    }
    /* recovery would loop for ever on EIO; a byte time-out starts anew with every byte that drips in */
    modbus_set_error_recovery(l->ctx, MODBUS_ERROR_RECOVERY_NONE);
    modbus_set_byte_timeout(l->ctx, 0, 0);
    l->unsettled = false;
    l->last_byte_us = clock_wire_us();
    if (l->config->transport != TRANSPORT_TCP)
        listen_until_quiet(l, l->last_byte_us + (int64_t)l->config->timeout_ms * 1000);
    if (!l->ctx) {
        errno = EIO;
        return ERR_IO;
    }
    return ERR_OK;
}

void line_close(struct line *l)
{
    if (l->ctx) {
        int fd = modbus_get_socket(l->ctx);
        if (fd >= 0 && l->config->transport == TRANSPORT_RTU) {
            tcflush(fd, TCIOFLUSH); /* else close waits for bytes that nobody takes */
            modbus_close(l->ctx);
        } else if (fd >= 0) {
            close(fd);
            modbus_set_socket(l->ctx, -1);
        }
        modbus_free(l->ctx);
        l->ctx = NULL;
    }
    if (l->lock_fd >= 0)
        close(l->lock_fd);
    l->lock_fd = -1;
}

/* The silence before a request, from the end of the last byte; bytes that come meanwhile start it anew. */
static void keep_silence(struct line *l, int turnaround_us)
{
    int64_t at = l->last_byte_us + l->silence_us + turnaround_us;
    if (at - clock_wire_us() > 2000)
        port_wait(-1, 0, l->stop_fd, at - 1000);
    clock_wire_sleep_until(at);
    int waiting = 0;
    if (ioctl(line_fd(l), FIONREAD, &waiting) != 0 || waiting == 0)
        return;
    if (l->config->transport != TRANSPORT_TCP) {
        listen_until_quiet(l, 0);
        return;
    }
    line_close(l); /* a stream out of step never gets back into it */
    line_open(l);
}

static int send_question(struct line *l, const struct line_question *q)
{
    uint8_t request[FRAME_MBAP - 1 + FRAME_PDU_REQUEST];
    if (l->config->transport != TRANSPORT_TCP) {
        frame_request(q->unit, q->request, request);
        return modbus_send_raw_request(l->ctx, request, FRAME_PDU_REQUEST);
    }
    /* modbus_send_raw_request would send transaction id 0 every time */
    frame_mbap(++l->tid, FRAME_PDU_REQUEST, request);
    frame_request(q->unit, q->request, request + FRAME_MBAP - 1);
    ssize_t n = send(line_fd(l), request, sizeof request, MSG_NOSIGNAL);
    if (n >= 0 && n < (ssize_t)sizeof request)
        errno = EPIPE;
    return n == (ssize_t)sizeof request ? (int)n : -1;
}

/* The time-out must hold the request's and the whole answer's time: there is no other clock inside. */
static void set_timeout(struct line *l, const struct line_question *q)
{
    int64_t characters = REQUEST_CHARACTERS + frame_answer_bytes(q->request);
    l->frames_us = characters * l->character_ns / 1000 + MARGIN_US;
    int64_t us = q->timeout_us + l->frames_us;
    modbus_set_response_timeout(l->ctx, (uint32_t)(us / 1000000), (uint32_t)(us % 1000000));
}

/* What an errno of the library means. Anything unknown ends the line: opening it again is always safe. */
static enum why why_of(int error, bool bytes_came)
{
    if (error == ETIMEDOUT || error == EAGAIN || error == EINTR)
        return bytes_came ? WHY_GARBLED : WHY_NO_ANSWER;
    return error >= MODBUS_ENOBASE ? WHY_GARBLED : WHY_LINE;
}

static enum why judge(struct line *l, const struct line_question *q, size_t n, uint8_t *exception)
{
    size_t head = 0, tail = 2;
    if (l->config->transport == TRANSPORT_TCP) {
        if (!frame_mbap_fits(l->tid, l->bytes, n))
            return WHY_GARBLED;
        head = FRAME_MBAP - 1;
        tail = 0;
    }
    if (n < head + tail)
        return WHY_GARBLED;
    return frame_check(q->unit, q->request, l->bytes + head, n - head - tail, l->values, exception);
}

/* Sends and receives; the number of bytes of the answer, 0 for a foreign unit's, or -1 with errno. */
static int exchange(struct line *l, const struct line_question *q)
{
    modbus_set_slave(l->ctx, q->unit);
    set_timeout(l, q);
    l->asked_us = clock_wire_us();
    if (send_question(l, q) < 0)
        return -1;
    l->last_byte_us = clock_wire_us() + REQUEST_CHARACTERS * l->character_ns / 1000;
    int n = modbus_receive_confirmation(l->ctx, l->bytes);
    int error = errno;
    int64_t now = clock_wire_us();
    if (l->last_byte_us < now)
        l->last_byte_us = now;
    errno = error;
    return n;
}

void line_ask(struct line *l, const struct line_question *q, struct line_answer *a)
{
    *a = (struct line_answer){.why = WHY_LINE, .error = ECONNRESET, .values = l->values};
    keep_silence(l, q->turnaround_us);
    if (!l->ctx)
        return;
    uint8_t mark = (uint8_t)~q->unit; /* the library does not say how much of a cut answer came */
    l->bytes[0] = mark;
    int n = exchange(l, q);
    a->error = n < 0 ? errno : 0;
    a->rtt_us = (int)(clock_wire_us() - l->asked_us);
    a->why = n < 0 ? why_of(a->error, l->bytes[0] != mark) : judge(l, q, (size_t)n, &a->exception);
    l->spoken = n < 0 && a->error == EMBBADCRC;
    l->unsettled = a->why != WHY_NONE && a->why != WHY_EXCEPTION;
    a->outstanding = l->unsettled && !l->spoken && l->config->transport != TRANSPORT_TCP;
    if (a->why == WHY_LINE)
        line_close(l);
}

void line_settle(struct line *l, int late_us)
{
    if (!l->ctx || !l->unsettled)
        return;
    l->unsettled = false;
    if (l->config->transport != TRANSPORT_TCP)
        listen_until_quiet(l, l->spoken ? 0 : l->asked_us + l->frames_us + late_us);
    if (l->config->transport != TRANSPORT_RTU)
        line_close(l);
}

void line_destroy(struct line *l)
{
    if (l)
        line_close(l);
    mem_free(l);
}
