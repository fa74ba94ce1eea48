/* libmodbus opens the port and sends. Receiving is ours: the library cannot tell an answer from an echo, a
 * foreign or a late frame, and says of none how much of it came. What else it gets wrong is cured here too:
 * see the comment at each cure. */
#include "drivers/line_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "drivers/frame.h"
#include "drivers/line.h"
#include "drivers/port.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

enum {
    MARGIN_US = 30000, /* scheduler and USB adapter, on top of every time-out */
    BROADCAST_US = 100000,
    SILENCE_FAST_US = 1750, /* above 19200 baud: Modbus over Serial Line V1.02, 2.5.1.1 */
    FAST_BAUD = 19200
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

int64_t line_exchange_us(const struct bus_config *config, const struct request *r, int turnaround_us)
{
    if (config->transport == TRANSPORT_TCP)
        return turnaround_us;
    int64_t characters = REQUEST_CHARACTERS + frame_answer_bytes(r);
    return characters * character_ns(config) / 1000 + silence_us(config) + turnaround_us;
}

struct line *line_create(const struct bus_config *config, int stop_fd)
{
    struct line *l = mem_new(struct line);
    l->config = config;
    l->stop_fd = stop_fd;
    l->lock_fd = -1;
    l->character_ns = character_ns(config);
    l->silence_us = silence_us(config);
    l->echo = config->echo;
    return l;
}

void line_configure(struct line *l, const struct bus_config *config)
{
    l->config = config;
}

bool line_echoes(const struct line *l)
{
    return l->echo == ECHO_YES;
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
    return c->rs485 ? port_rs485(modbus_get_socket(l->ctx)) : ERR_OK;
}

static int open_connection(struct line *l)
{
    const struct bus_config *c = l->config;
    int fd = port_connect(c, l->stop_fd);
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

int line_open(struct line *l)
{
    int rc = l->config->transport == TRANSPORT_RTU ? open_serial(l) : open_connection(l);
    if (rc != ERR_OK) {
        int error = errno;
        line_close(l);
        errno = error;
        return rc;
    }
    modbus_set_error_recovery(l->ctx, MODBUS_ERROR_RECOVERY_NONE); /* would loop for ever on EIO */
    l->unsettled = l->jammed = false;
    l->last_byte_us = clock_wire_us();
    if (l->config->transport != TRANSPORT_TCP)
        line_listen_until_quiet(l, l->last_byte_us + (int64_t)l->config->timeout_ms * 1000);
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
            port_release(fd);
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

/* Unit id and PDU of the question; returns their length. */
static int question_bytes(const struct line_question *q, uint8_t out[static FRAME_ORDER_MAX])
{
    if (q->order)
        return frame_order(q->unit, q->order, out);
    frame_request(q->unit, q->request, out);
    return FRAME_PDU_REQUEST;
}

static int send_question(struct line *l, const struct line_question *q)
{
    uint8_t request[FRAME_MBAP - 1 + FRAME_ORDER_MAX];
    if (l->config->transport != TRANSPORT_TCP)
        return modbus_send_raw_request(l->ctx, request, question_bytes(q, request));
    /* modbus_send_raw_request would send transaction id 0 every time */
    int length = question_bytes(q, request + FRAME_MBAP - 1);
    frame_mbap(++l->tid, (size_t)length, request);
    length += FRAME_MBAP - 1;
    ssize_t n = send(line_fd(l), request, (size_t)length, MSG_NOSIGNAL);
    if (n >= 0 && n < length)
        errno = EPIPE;
    return n == length ? length : -1;
}

/* What the header says of the whole frame's length. */
static size_t tcp_bytes(const struct line *l)
{
    return FRAME_MBAP - 1 + ((size_t)l->bytes[4] << 8 | l->bytes[5]);
}

/* A stream is read to the end of the frame, so that what follows it shows as out of step; a line as it comes.
 */
static size_t wanted_bytes(const struct line *l)
{
    size_t want = sizeof l->bytes - l->have;
    if (l->config->transport != TRANSPORT_TCP)
        return want;
    size_t whole = l->have < FRAME_MBAP ? FRAME_MBAP : tcp_bytes(l);
    return whole > l->have && whole - l->have < want ? whole - l->have : want;
}

/* More bytes of the answer. ERR_OK, ERR_TIMEOUT, ERR_CLOSED with errno. */
static int take_bytes(struct line *l, int64_t until_us)
{
    int rc = port_wait(line_fd(l), POLLIN, -1, until_us);
    if (rc != ERR_OK)
        return ERR_TIMEOUT;
    ssize_t n = read(line_fd(l), l->bytes + l->have, wanted_bytes(l));
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return ERR_OK;
    if (n <= 0) {
        errno = n == 0 ? ECONNRESET : errno;
        return ERR_CLOSED;
    }
    l->have += (size_t)n;
    int64_t now = clock_wire_us();
    if (l->last_byte_us < now)
        l->last_byte_us = now;
    return ERR_OK;
}

/* An adapter that hears itself gives our question back before the answer: how long it is, and how much of it
 * stands first in what came. */
static size_t echo_bytes(const struct line *l, const struct line_question *q, size_t *heard)
{
    uint8_t echo[FRAME_ORDER_MAX + 2];
    size_t n = (size_t)question_bytes(q, echo);
    uint16_t crc = frame_crc(echo, n);
    echo[n] = (uint8_t)crc;
    echo[n + 1] = (uint8_t)(crc >> 8);
    n += 2;
    *heard = 0;
    while (*heard < n && *heard < l->have && l->bytes[*heard] == echo[*heard])
        ++*heard;
    return n;
}

static enum why find_behind(struct line *l, const struct line_question *q, size_t at, uint8_t *exception)
{
    const uint8_t *bytes = l->bytes + at;
    return q->order ? frame_find_order(q->unit, q->order, bytes, l->have - at, exception)
                    : frame_find(q->unit, q->request, bytes, l->have - at, l->values, exception);
}

/* Told by the configuration, or by a question and its answer: an answer without an echo before it says no as
 * well.
 */
static void learn_echo(struct line *l, bool echoes)
{
    if (l->config->echo == ECHO_AUTO)
        l->echo = echoes ? ECHO_YES : ECHO_NO;
}

/* The answer to an order of function 5 or 6 is the same as its echo: as long as nothing is known of echoes,
 * one copy is waited on for a second. */
static enum why judge_copy(struct line *l, const struct line_question *q, size_t whole, uint8_t *exception)
{
    if (l->echo == ECHO_NO)
        return find_behind(l, q, 0, exception);
    enum why why = find_behind(l, q, whole, exception);
    l->perhaps_echo = l->echo == ECHO_AUTO && l->have == whole;
    if (why == WHY_NONE || why == WHY_EXCEPTION)
        learn_echo(l, true);
    return why;
}

static enum why judge_serial(struct line *l, const struct line_question *q, struct line_answer *a)
{
    size_t heard, whole = echo_bytes(l, q, &heard);
    l->echoed = heard == whole ? whole : 0;
    bool copies = q->order && (q->order->function == ORDER_COIL || q->order->function == ORDER_REGISTER);
    enum why why = WHY_NO_ANSWER;
    if (heard == whole && copies) {
        why = judge_copy(l, q, whole, &a->exception);
    } else if (heard == whole && l->config->echo != ECHO_NO) {
        learn_echo(l, true);
        why = find_behind(l, q, whole, &a->exception);
    } else if (l->config->echo != ECHO_YES) {
        why = find_behind(l, q, 0, &a->exception);
        if ((why == WHY_NONE && !copies) || why == WHY_EXCEPTION)
            learn_echo(l, false);
        else if (why == WHY_GARBLED && heard == l->have && l->config->echo == ECHO_AUTO)
            why = WHY_NO_ANSWER; /* so far it is our own question */
    } else if (heard < l->have) {
        why = WHY_GARBLED; /* there is an echo, and this is none */
    }
    l->spoken = why == WHY_GARBLED;
    size_t at = l->echoed, n = l->have - at;
    a->spoken = l->spoken && !q->order && n == (size_t)frame_answer_bytes(q->request) &&
                frame_begins(q->unit, q->request, l->bytes + at, n);
    return why;
}

/* Nothing more has come in time. */
static enum why judge_silence(struct line *l, const struct line_question *q, struct line_answer *a)
{
    size_t heard;
    a->perhaps_echo = l->perhaps_echo;
    if (l->perhaps_echo)
        return WHY_NONE;
    bool only_us = l->config->transport != TRANSPORT_TCP && l->config->echo != ECHO_NO &&
                   echo_bytes(l, q, &heard) == heard && heard == l->have;
    return l->have && !only_us ? WHY_GARBLED : WHY_NO_ANSWER;
}

static enum why judge_tcp(struct line *l, const struct line_question *q, uint8_t *exception)
{
    if (l->have < FRAME_MBAP)
        return WHY_NO_ANSWER;
    size_t whole = tcp_bytes(l);
    if (whole > FRAME_MAX || l->have > whole)
        return WHY_GARBLED;
    if (l->have < whole)
        return WHY_NO_ANSWER;
    if (!frame_mbap_fits(l->tid, l->bytes, whole))
        return WHY_GARBLED;
    const uint8_t *pdu = l->bytes + FRAME_MBAP - 1;
    size_t n = whole - FRAME_MBAP + 1;
    return q->order ? frame_check_order(q->unit, q->order, pdu, n, exception)
                    : frame_check(q->unit, q->request, pdu, n, l->values, exception);
}

/* Until there is an answer, or none can come of what came, or the time is over. */
static enum why receive(struct line *l, const struct line_question *q, struct line_answer *a)
{
    int64_t until_us = l->asked_us + q->timeout_us + l->frames_us;
    for (;;) {
        int rc = l->have < sizeof l->bytes ? take_bytes(l, until_us) : ERR_TIMEOUT;
        if (rc == ERR_CLOSED) {
            a->error = errno;
            return WHY_LINE;
        }
        if (rc == ERR_TIMEOUT)
            return judge_silence(l, q, a);
        enum why why =
            l->config->transport == TRANSPORT_TCP ? judge_tcp(l, q, &a->exception) : judge_serial(l, q, a);
        if (why != WHY_NO_ANSWER)
            return why;
    }
}

/* Nobody answers a broadcast; the units need a while to obey (MODBUS over Serial Line V1.02, 2.4.1). */
static enum why let_obey(struct line *l)
{
    port_wait(-1, 0, l->stop_fd, clock_wire_us() + BROADCAST_US);
    return WHY_NONE;
}

void line_ask(struct line *l, const struct line_question *q, struct line_answer *a)
{
    uint8_t bytes[FRAME_ORDER_MAX];
    *a = (struct line_answer){.why = WHY_LINE, .error = ECONNRESET, .values = l->values};
    line_hush(l, q->turnaround_us, q->timeout_us);
    if (!l->ctx)
        return;
    if (l->jammed && !q->order) {
        a->why = WHY_JAMMED;
        return;
    }
    int asks = question_bytes(q, bytes) + 2,
        answers = q->order ? FRAME_OBEYED + 2 : frame_answer_bytes(q->request);
    int wire_us = (int)((asks + answers) * l->character_ns / 1000);
    l->frames_us = wire_us + MARGIN_US;
    l->spoken = l->perhaps_echo = false;
    l->echoed = l->told = 0;
    l->unit = q->unit;
    l->have = 0;
    l->asked_us = clock_wire_us();
    modbus_set_slave(l->ctx, q->unit);
    if (send_question(l, q) < 0) {
        a->error = errno;
    } else {
        l->last_byte_us = clock_wire_us() + asks * l->character_ns / 1000;
        a->why = q->unit == 0 && q->order ? let_obey(l) : receive(l, q, a);
    }
    a->rtt_us = (int)(clock_wire_us() - l->asked_us);
    a->think_us = a->rtt_us - wire_us;
    l->unsettled = a->why != WHY_NONE && a->why != WHY_EXCEPTION;
    if (a->why == WHY_LINE)
        line_close(l);
}

size_t line_heard(const struct line *l, const uint8_t **bytes)
{
    *bytes = l->bytes;
    return l->have;
}

void line_destroy(struct line *l)
{
    if (l)
        line_close(l);
    mem_free(l);
}
