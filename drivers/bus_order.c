/* Orders go ahead of reads: to write, to lend the line. Whether an order was obeyed is what is read back, not
 * what was answered. */
#include "drivers/bus_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/ring.h"
#include "drivers/bus.h"
#include "drivers/line.h"
#include "drivers/port.h"
#include "drivers/unit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { LOCK_TRIES = 25, LOCK_WAIT_US = 20000 };

static struct unit *unit_of(const struct bus *b, int device)
{
    return device >= 0 && device < b->config->ndevices ? &b->units[device] : NULL;
}

/* A single coil is ordered as 0xFF00 and reads as 1. */
static uint16_t expected(const struct frame_order *o, int i)
{
    bool bits = o->function == ORDER_COIL || o->function == ORDER_COILS;
    return bits ? o->values[i] != 0 : o->values[i];
}

static enum why read_back(struct bus *b, struct unit *u, const struct frame_order *o,
                          struct bus_obeyed *outcome)
{
    bool bits = o->function == ORDER_COIL || o->function == ORDER_COILS;
    struct request planned = {bits ? TABLE_COIL : TABLE_HOLDING, o->address, o->count}, parts[UNIT_PARTS_MAX];
    struct line_answer a = {.why = WHY_LINE};
    if (!bus_line_ready(b))
        return WHY_LINE;
    bus_hush(b, u);
    int64_t now_us = clock_wire_us();
    if (unit_shape(u, &planned, now_us, parts) != 1)
        return WHY_NO_ANSWER;
    struct line_question q = {.unit = u->device->unit_id,
                              .request = &parts[0],
                              .timeout_us = unit_timeout_us(u),
                              .turnaround_us = u->turnaround_us};
    bus_ask(b, u, &q, &a);
    unit_asked(u, &parts[0], a.why, a.spoken, now_us);
    outcome->read_back = a.why == WHY_NONE;
    for (int i = 0; a.why == WHY_NONE && i < o->count; i++) {
        outcome->read_back = outcome->read_back && a.values[i] == expected(o, i);
        if (i < 4)
            outcome->values[outcome->nvalues++] = a.values[i];
    }
    outcome->exception = a.exception;
    bus_heed(b, u, &a);
    return a.why;
}

static enum why broadcast(struct bus *b, const struct frame_order *order)
{
    struct line_question q = {.order = order};
    struct line_answer a;
    line_ask(b->line, &q, &a);
    return a.why;
}

/* Asks and says what came of it; on a line of which nobody knows whether it echoes a read finds out. */
static void order_unit(struct bus *b, struct unit *u, const struct bus_order *order,
                       struct bus_obeyed *outcome)
{
    struct line_question q = {.unit = u->device->unit_id,
                              .order = &order->order,
                              .timeout_us = unit_timeout_us(u),
                              .turnaround_us = u->turnaround_us};
    struct bus_obeyed back = {0};
    struct line_answer a;
    enum why read = WHY_NONE;
    uint8_t frame[FRAME_ORDER_MAX];
    bus_hush(b, u);
    int64_t asked_us = clock_wire_us();
    bus_ask(b, u, &q, &a);
    if (!a.perhaps_echo)
        bus_heed(b, u, &a);
    if (a.why == WHY_NONE && (order->read_back || a.perhaps_echo))
        read = read_back(b, u, &order->order, &back);
    if (a.perhaps_echo && line_echoes(b->line))
        a.why = WHY_NO_ANSWER; /* it was */
    if (a.perhaps_echo)
        bus_heed(b, u, &a);
    frame_order(q.unit, &order->order, frame);
    if (!unit_answers_order(u, frame, a.why, asked_us) && a.why == WHY_NONE && !order->read_back)
        a.why = WHY_NO_ANSWER; /* to the same order before, as far as can be told */
    if (order->read_back) {
        back.id = outcome->id;
        *outcome = back;
    }
    outcome->why = (uint8_t)(a.why != WHY_NONE || !order->read_back ? a.why : read);
    outcome->exception = a.why == WHY_EXCEPTION ? a.exception : outcome->exception;
}

static void obey(struct bus *b, const struct bus_order *order)
{
    struct bus_message m = {.kind = BUS_OBEYED, .device = order->device};
    struct bus_obeyed *outcome = &m.u.obeyed;
    struct unit *u = unit_of(b, order->device);
    outcome->id = order->id;
    outcome->why = (uint8_t)(b->lent ? WHY_LENT : WHY_LINE);
    if (!b->lent && bus_line_ready(b)) {
        if (u)
            order_unit(b, u, order, outcome);
        else
            outcome->why = (uint8_t)broadcast(b, &order->order);
    }
    bus_say(b, &m);
}

/* A borrower that was killed may lose its connection a moment before its lock: that is no trouble of the
 * line. */
static void await_lock(const struct bus *b)
{
    for (int i = 0; i < LOCK_TRIES; i++) {
        int fd = port_lock(b->config->path);
        if (fd >= 0)
            close(fd);
        if (fd >= 0 || errno != EWOULDBLOCK)
            return;
        port_wait(-1, 0, b->stop_fd, clock_wire_us() + LOCK_WAIT_US);
    }
}

static void lend(struct bus *b, bool lent)
{
    struct bus_message m = {.kind = BUS_LENT, .u.lent = lent};
    if (lent)
        line_close(b->line);
    else if (b->lent)
        await_lock(b);
    b->lent = lent;
    b->reopen_us = b->reopen_gap = 0;
    bus_say(b, &m);
}

void bus_obey(struct bus *b)
{
    struct bus_order order;
    ring_woken(b->orders);
    while (ring_pop(b->orders, &order) == ERR_OK) {
        if (order.kind == BUS_WRITE)
            obey(b, &order);
        else if (order.kind != BUS_WAKE)
            lend(b, order.kind == BUS_LEND);
    }
}
