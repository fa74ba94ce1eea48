/* A bus with one to four devices of one profile (unit ids from 1, 16 bit holding registers) on a scripted
 * slave, and everything it said. */
#ifndef BUS_RIG_H
#define BUS_RIG_H

#include "daemon/base/err.h"
#include "daemon/base/ring.h"
#include "drivers/bus.h"
#include "pty_slave.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { RIG_POINTS = 8, RIG_DEVICES = 4, RIG_MESSAGES = 8192 };

struct rig {
    struct slave slave;
    struct point points[RIG_POINTS];
    struct profile profile;
    struct device devices[RIG_DEVICES];
    const struct device *list[RIG_DEVICES];
    struct bus_config config;
    struct ring *ring;
    struct bus *bus;
    struct bus_message got[RIG_MESSAGES];
    int ngot;
};

/* 115200 baud, time-out 50 ms, period 100 ms, points 200 registers apart so that each has its own request. */
static inline void rig_build(struct rig *r, int ndevices, int npoints)
{
    memset(r, 0, sizeof *r);
    r->profile =
        (struct profile){.name = "test", .points = r->points, .npoints = npoints, .max_registers = 125};
    for (int i = 0; i < npoints; i++)
        r->points[i] = (struct point){.name = "p",
                                      .table = TABLE_HOLDING,
                                      .address = (uint16_t)(200 * i),
                                      .type = TYPE_U16,
                                      .bit = -1,
                                      .scale = 1,
                                      .low = NAN,
                                      .high = NAN};
    for (int i = 0; i < ndevices; i++) {
        r->devices[i] = (struct device){.name = "unit",
                                        .profile = &r->profile,
                                        .unit_id = i + 1,
                                        .period_ms = 100,
                                        .first_point = i * npoints,
                                        .index = i};
        r->list[i] = &r->devices[i];
    }
    r->config = (struct bus_config){.name = "test",
                                    .transport = TRANSPORT_RTU,
                                    .path = r->slave.path,
                                    .baud = 115200,
                                    .parity = 'N',
                                    .data_bits = 8,
                                    .stop_bits = 1,
                                    .timeout_ms = 50,
                                    .devices = r->list,
                                    .ndevices = ndevices};
}

static inline void rig_start(struct rig *r, void (*behave)(struct slave *s, const uint8_t *request, int n))
{
    slave_start(&r->slave, behave);
    r->ring = ring_create(1024, sizeof(struct bus_message));
    r->bus = bus_start(&r->config, r->ring);
    assert_non_null(r->bus);
}

static inline void rig_drain(struct rig *r)
{
    ring_woken(r->ring);
    while (r->ngot < RIG_MESSAGES && ring_pop(r->ring, &r->got[r->ngot]) == ERR_OK)
        r->ngot++;
}

/* Collects what the bus says for `ms`. */
static inline void rig_listen(struct rig *r, int ms)
{
    int64_t end = clock_wire_us() + ms * 1000;
    for (int64_t now = clock_wire_us(); now < end; now = clock_wire_us()) {
        struct pollfd p = {.fd = ring_fd(r->ring), .events = POLLIN};
        poll(&p, 1, (int)((end - now) / 1000) + 1);
        rig_drain(r);
    }
}

static inline void rig_stop(struct rig *r)
{
    bus_stop(r->bus);
    bus_join(r->bus);
    rig_drain(r);
    ring_destroy(r->ring);
    slave_stop(&r->slave);
}

/* Samples of a device (-1: all) that failed so (WHY_NONE: succeeded), among the messages from `first` on. */
static inline int rig_samples(const struct rig *r, int first, int device, enum why why)
{
    int n = 0;
    for (int i = first; i < r->ngot; i++) {
        const struct sample *s = &r->got[i].u.sample;
        n += r->got[i].kind == BUS_SAMPLE && s->why == why && (device < 0 || r->got[i].device == device);
    }
    return n;
}

/* Messages of a kind about a device or the line that say `up`. */
static inline int rig_changes(const struct rig *r, enum bus_message_kind kind, int device, bool up)
{
    int n = 0;
    for (int i = 0; i < r->ngot; i++) {
        const struct bus_message *m = &r->got[i];
        n += m->kind == kind &&
             (kind == BUS_LINE ? (m->u.line.state == LINE_UP) == up
                               : m->device == device && (m->u.device.state == DEVICE_UP) == up);
    }
    return n;
}

/* Listens until `want` samples of a device have come so, or fails after `ms`. */
static inline void rig_await(struct rig *r, int device, enum why why, int want, int ms)
{
    int first = r->ngot;
    for (int64_t end = clock_wire_us() + ms * 1000; clock_wire_us() < end;) {
        rig_listen(r, 10);
        if (rig_samples(r, first, device, why) >= want)
            return;
    }
    fail_msg("no %d samples of device %d with \"%s\" in %d ms", want, device, why_str((int)why), ms);
}

/* Every value is the value of its own register, and what failed has none. */
static inline void rig_assert_no_wrong_value(const struct rig *r)
{
    for (int i = 0; i < r->ngot; i++) {
        const struct sample *s = &r->got[i].u.sample;
        if (r->got[i].kind != BUS_SAMPLE)
            continue;
        int point = s->point, device = r->got[i].device;
        if (s->why == WHY_NONE) {
            assert_int_equal(s->quality, QUALITY_NORMAL);
            assert_true(s->value == 1000 * (device + 1) + r->points[point].address);
        } else {
            assert_int_equal(s->quality, s->why == WHY_EXCEPTION ? QUALITY_FAULT : QUALITY_NO_COMMUNICATION);
            assert_true(isnan(s->value));
            assert_int_equal(s->nreg, 0);
        }
    }
}

#endif
