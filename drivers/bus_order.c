/* Orders go ahead of reads: to write, to lend the line. Whether an order was obeyed is what is read back, not
 * what was answered. */
#include "drivers/bus_private.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"

#include <string.h>

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
    struct request planned = {bits ? TABLE_COIL : TABLE_HOLDING, o->address, o->count}, sent;
    struct line_answer a = {.why = WHY_LINE};
    int64_t now_us = clock_wire_us();
    if (!bus_line_ready(b))
        return WHY_LINE;
    if (unit_shape(u, &planned, now_us, &sent) != ERR_OK)
        return WHY_NO_ANSWER;
    struct line_question q = {.unit = u->device->unit_id,
                              .request = &sent,
                              .timeout_us = unit_timeout_us(u),
                              .turnaround_us = u->turnaround_us};
    bus_ask(b, u, &q, &a);
    unit_asked(u, &sent, a.why, now_us);
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

static void obey(struct bus *b, const struct bus_order *order)
{
    struct bus_message m = {.kind = BUS_OBEYED, .device = order->device};
    struct bus_obeyed *outcome = &m.u.obeyed;
    struct unit *u = unit_of(b, order->device);
    struct line_answer a = {.why = WHY_LINE};
    outcome->id = order->id;
    if (b->lent) {
        a.why = WHY_LENT;
    } else if (bus_line_ready(b)) {
        struct line_question q = {.unit = u ? u->device->unit_id : 0,
                                  .order = &order->order,
                                  .timeout_us = u ? unit_timeout_us(u) : 0,
                                  .turnaround_us = u ? u->turnaround_us : 0};
        if (u) {
            bus_ask(b, u, &q, &a);
            bus_heed(b, u, &a);
        } else {
            line_ask(b->line, &q, &a);
        }
    }
    outcome->exception = a.exception;
    outcome->why = (uint8_t)a.why;
    if (u && a.why == WHY_NONE && order->read_back)
        outcome->why = (uint8_t)read_back(b, u, &order->order, outcome);
    bus_say(b, &m);
}

static void lend(struct bus *b, bool lent)
{
    struct bus_message m = {.kind = BUS_LENT, .u.lent = lent};
    if (lent)
        line_close(b->line);
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
        else
            lend(b, order.kind == BUS_LEND);
    }
}
