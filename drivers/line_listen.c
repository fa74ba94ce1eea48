/* The line's silence: kept before each question, waited for after a bad answer, and never had on a line that
 * is jammed. */
#include "drivers/line_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "drivers/line.h"
#include "drivers/port.h"

#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    LUMP_US = 20000,     /* USB adapters hand bytes over in lumps up to 16 ms apart */
    SETTLE_US = 2000000, /* a babbling unit is not listened to for longer, */
    SETTLE_BYTES = 4096  /* nor is more of it taken */
};

/* What is dropped is looked at later: see line_each_heard. */
static void keep_bytes(struct line *l, const uint8_t *bytes, size_t n)
{
    size_t room = sizeof l->bytes - l->have;
    n = n < room ? n : room;
    memcpy(l->bytes + l->have, bytes, n);
    l->have += n;
}

void line_listen_until_quiet(struct line *l, int64_t until_us)
{
    int64_t start = clock_wire_us(), quiet = l->silence_us > LUMP_US ? l->silence_us : LUMP_US;
    int64_t end = start + quiet, heard_us = INT64_MIN;
    size_t dropped = 0;
    int rc = ERR_OK;
    while (dropped < SETTLE_BYTES) {
        if (end < until_us)
            end = until_us;
        if (end > start + SETTLE_US)
            end = start + SETTLE_US;
        rc = port_wait(line_fd(l), POLLIN, l->stop_fd, end);
        if (rc != ERR_OK)
            break;
        uint8_t bytes[256];
        ssize_t n = read(line_fd(l), bytes, sizeof bytes);
        if (n <= 0) {
            line_close(l);
            return;
        }
        keep_bytes(l, bytes, (size_t)n);
        dropped += (size_t)n;
        l->last_byte_us = heard_us = clock_wire_us();
        end = l->last_byte_us + quiet;
    }
    l->jammed = rc == ERR_OK || (rc == ERR_TIMEOUT && clock_wire_us() < heard_us + quiet);
    if (l->config->transport == TRANSPORT_RTU)
        modbus_flush(l->ctx);
}

bool line_is_jammed(const struct line *l)
{
    return l->jammed;
}

bool line_look_for_quiet(struct line *l)
{
    int waiting = 1;
    if (!l->ctx || ioctl(line_fd(l), FIONREAD, &waiting) != 0)
        return false;
    l->jammed = waiting > 0;
    if (l->jammed)
        modbus_flush(l->ctx);
    return !l->jammed;
}

/* Bytes that nobody asked for start the silence anew, and as they may be another master's question, its
 * answer is waited for. On a jammed line there is nothing to wait for. */
void line_hush(struct line *l, int turnaround_us, int timeout_us)
{
    int64_t at = l->last_byte_us + l->silence_us + turnaround_us;
    if (at - clock_wire_us() > 2000)
        port_wait(-1, 0, l->stop_fd, at - 1000);
    clock_wire_sleep_until(at);
    int waiting = 0;
    if (ioctl(line_fd(l), FIONREAD, &waiting) != 0 || waiting == 0)
        return;
    if (l->jammed)
        modbus_flush(l->ctx);
    else if (l->config->transport != TRANSPORT_TCP)
        line_listen_until_quiet(l, clock_wire_us() + timeout_us);
    if (l->ctx ? l->config->transport != TRANSPORT_TCP : l->config->transport == TRANSPORT_RTU)
        return;
    line_close(l); /* a stream out of step never gets back into it; a peer may hang up while nobody asks */
    line_open(l);
}

void line_settle(struct line *l, int late_us)
{
    if (!l->ctx || !l->unsettled)
        return;
    l->unsettled = false;
    if (l->config->transport != TRANSPORT_TCP && !l->jammed)
        line_listen_until_quiet(l, l->spoken ? 0 : l->asked_us + l->frames_us + late_us);
    if (l->config->transport != TRANSPORT_RTU)
        line_close(l);
}

/* Whether the `n` bytes before `end` come twice: a repeater did that, the unit has answered once. */
static bool is_copy(const struct line *l, size_t end, size_t n)
{
    return end >= 2 * n && memcmp(l->bytes + end - 2 * n, l->bytes + end - n, n) == 0;
}

void line_each_heard(struct line *l, void (*each)(const struct frame_heard *heard, void *arg), void *arg)
{
    struct frame_heard heard;
    if (l->config->transport == TRANSPORT_TCP)
        return;
    l->told = l->told < l->echoed ? l->echoed : l->told;
    while (frame_hear(l->bytes, l->have, &l->told, &heard))
        if (heard.question || !is_copy(l, l->told, (size_t)heard.bytes))
            each(&heard, arg);
}
