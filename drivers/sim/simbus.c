#include "drivers/sim/simbus.h"
#include "drivers/sim/simbus_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/wait.h"
#include "drivers/sim/model.h"
#include "drivers/sim/simlog.h"
#include "drivers/sim/site.h"
#include "drivers/sim/spoil.h"
#include "drivers/sim/tally.h"
#include "drivers/sim/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { PATIENCE_US = 30000, PLUG_CHECK_US = 20000, GATEWAY_TARGET_FAILED = 11 };

/* --- requests --- */

static void broadcast(struct simbus *b, const struct adu_request *r)
{
    tally_add(&b->tally, TALLY_BROADCASTS);
    for (int i = 0; adu_is_write(r) && i < b->nseats; i++) {
        struct simlog_entry entry = {.bus = b->setup->name,
                                     .unit = station_setup(b->seats[i].station),
                                     .function = r->function,
                                     .address = r->address,
                                     .count = r->count,
                                     .poll = &b->unheard};
        station_poll(b->seats[i].station, r, clock_site_ms(), simbus_wire_ms(b), &b->unheard);
        simbus_log_poll(b, &entry, "broadcast");
    }
}

/* A device on TCP that is alone answers to 0 and 255 too (Messaging on TCP/IP V1.0b, 4.4.1.2). */
static struct seat *seat_of(struct simbus *b, int unit_id)
{
    if (!b->serial && b->framing == FRAMING_TCP && b->nseats == 1 && (unit_id == 0 || unit_id == 255))
        return &b->seats[0];
    for (int i = 0; i < b->nseats; i++)
        if (station_setup(b->seats[i].station)->unit_id == unit_id)
            return &b->seats[i];
    return NULL;
}

/* What a gateway says for a unit that does not answer. */
static void refuse(struct simbus *b, int peer, const struct adu_request *r)
{
    uint8_t pdu[2], bytes[ADU_MAX];
    size_t n = adu_exception(r, GATEWAY_TARGET_FAILED, pdu);
    wire_send(&b->wire.peers[peer], bytes, adu_wrap(FRAMING_TCP, r, pdu, n, bytes));
}

static void garbled(struct simbus *b, size_t n)
{
    tally_add(&b->tally, TALLY_GARBLED);
    simlog_event(b->log, "garbled", b->setup->name, "\"bytes\":%zu", n);
}

/* Whether the request keeps the silence before its first byte. One that comes while an answer is on the line
 * breaks both. */
static bool keeps_off(struct simbus *b, int64_t first_us)
{
    struct sending *hit = NULL;
    for (int i = 0; i < SENDING_MAX; i++) {
        struct sending *s = &b->queue[i];
        if (s->used && first_us >= s->begin_us)
            hit = s;
    }
    int64_t gap_us = first_us - b->line_end_us;
    if (!hit && gap_us >= simbus_silence_us(b))
        return true;
    tally_add(&b->tally, TALLY_HASTY);
    simlog_event(b->log, "hasty", b->setup->name,
                 "\"gap_us\":%" PRId64 ",\"silence_us\":%" PRId64 ",\"into_answer\":%s", hit ? 0 : gap_us,
                 simbus_silence_us(b), hit ? "true" : "false");
    if (!b->hasty)
        log_warning("bus %s: a request came %s (further ones are only counted)", b->setup->name,
                    hit ? "while an answer was on the line" : "before 3.5 characters of silence were over");
    b->hasty = true;
    if (hit && !hit->poll.damaged) {
        hit->poll.damaged = true;
        hit->bytes[hit->length - 1] ^= 0x33; /* not what spoil does: twice would repair it */
    }
    return !hit;
}

static bool hears(struct simbus *b)
{
    bool fits = wire_speed_fits(&b->wire);
    if (!fits && !b->deaf)
        log_warning("bus %s: the master's terminal is not set to %d baud, nothing is understood",
                    b->setup->name, b->setup->baud);
    b->deaf = !fits;
    return fits;
}

/* One whole frame came, or what silence cut off as one. */
static void take_frame(struct simbus *b, int peer, size_t length)
{
    struct wire_peer *from = &b->wire.peers[peer];
    struct adu_request r;
    int64_t end_us = from->last_us;
    if (b->serial) {
        bool heard = keeps_off(b, from->first_us);
        if (end_us < from->first_us + simbus_characters_us(b, length))
            end_us = from->first_us + simbus_characters_us(b, length);
        b->line_end_us = end_us;
        if (!heard)
            return;
    }
    if (adu_parse(b->framing, from->bytes, length, &r) != ERR_OK || !hears(b)) {
        garbled(b, length);
        return;
    }
    struct seat *seat = seat_of(b, r.unit);
    if (seat)
        simbus_answer(b, peer, seat, &r, end_us);
    else if (r.unit == 0)
        broadcast(b, &r);
    else if (tally_add(&b->tally, TALLY_FOREIGN), b->framing == FRAMING_TCP)
        refuse(b, peer, &r);
}

static void consume(struct wire_peer *peer, size_t n, int64_t now_us)
{
    memmove(peer->bytes, peer->bytes + n, peer->have - n);
    peer->have -= n;
    peer->first_us = now_us;
}

/* Takes every frame that is whole. What cannot be told apart waits for silence (serial) or ends the
 * connection. */
static void take_frames(struct simbus *b, int i, int64_t now_us)
{
    struct wire_peer *peer = &b->wire.peers[i];
    while (peer->fd >= 0 && peer->have > 0) {
        int length = adu_length(b->framing, peer->bytes, peer->have);
        if (length == ERR_FORMAT && b->framing == FRAMING_TCP) {
            garbled(b, peer->have);
            wire_drop(peer);
        }
        if (length < 0 || (size_t)length > peer->have)
            return;
        take_frame(b, i, (size_t)length);
        consume(peer, (size_t)length, now_us);
    }
}

/* Serial: bytes that nothing followed for a while are a frame of unknown length, or the rest of one. */
static int64_t cut_off_at(const struct simbus *b, const struct wire_peer *peer)
{
    return b->serial && peer->fd >= 0 && peer->have ? peer->last_us + PATIENCE_US + simbus_silence_us(b)
                                                    : INT64_MAX;
}

static void cut_off(struct simbus *b)
{
    int64_t now_us = clock_wire_us();
    for (int i = 0; i < WIRE_PEERS_MAX; i++) {
        struct wire_peer *peer = &b->wire.peers[i];
        if (cut_off_at(b, peer) > now_us)
            continue;
        take_frame(b, i, peer->have);
        consume(peer, peer->have, now_us);
    }
}

/* --- the plug --- */

static void describe(const struct simbus *b, char *text, size_t size)
{
    if (b->setup->transport == TRANSPORT_RTU)
        snprintf(text, size, "%s -> %s, %d %s", b->wire.link, b->wire.place, b->setup->baud,
                 site_formats[b->setup->format].name);
    else
        snprintf(text, size, "%s", b->wire.place);
}

static void plug(struct simbus *b)
{
    struct fault_moment now = {clock_site_ms(), b->world->start_ms, simbus_wire_ms(b), 0};
    bool out = fault_unplugs(b->world->faults, b->world->nfaults, b->setup->name, &now);
    char place[sizeof b->place] = "unplugged";
    if (out != wire_is_open(&b->wire))
        return;
    if (out)
        wire_close(&b->wire);
    else if (wire_open(&b->wire) != ERR_OK)
        return; /* next time */
    else
        describe(b, place, sizeof place);
    log_info("bus %s: %s", b->setup->name, place);
    simlog_event(b->log, out ? "unplugged" : "plugged", b->setup->name, "%s", "");
}

/* --- the thread --- */

static int64_t next_wake_us(const struct simbus *b, bool watch_plug)
{
    int64_t next = watch_plug ? clock_wire_us() + PLUG_CHECK_US : INT64_MAX;
    for (int i = 0; i < SENDING_MAX; i++)
        if (b->queue[i].used && b->queue[i].due_us < next)
            next = b->queue[i].due_us;
    for (int i = 0; i < WIRE_PEERS_MAX; i++)
        if (cut_off_at(b, &b->wire.peers[i]) < next)
            next = cut_off_at(b, &b->wire.peers[i]);
    return next;
}

/* Waits for bytes until `until_us`; false when the bus is to stop. */
static bool listen_until(struct simbus *b, int64_t until_us)
{
    struct pollfd fds[2 + WIRE_PEERS_MAX] = {{.fd = b->stop_fd, .events = POLLIN},
                                             {.fd = b->wire.listener, .events = POLLIN}};
    for (int i = 0; i < WIRE_PEERS_MAX; i++)
        fds[2 + i] = (struct pollfd){.fd = b->wire.peers[i].fd, .events = POLLIN};
    int64_t left_us =
        until_us == INT64_MAX ? INT64_MAX : until_us - clock_wire_us() - CLOCK_WAKE_US; /* the rest awake */
    if (wait_us(fds, 2 + WIRE_PEERS_MAX, left_us) < 0)
        return errno == EINTR;
    int64_t now_us = clock_wire_us();
    for (int i = 0; i < WIRE_PEERS_MAX; i++) {
        if (!fds[2 + i].revents)
            continue;
        wire_take(&b->wire, &b->wire.peers[i], now_us);
        take_frames(b, i, now_us);
    }
    if (fds[1].revents)
        wire_accept(&b->wire);
    return !fds[0].revents;
}

static void *run(void *arg)
{
    struct simbus *b = arg;
    bool watch_plug = fault_unplugs(b->world->faults, b->world->nfaults, b->setup->name, NULL);
    prctl(PR_SET_TIMERSLACK, 1);
    do {
        simbus_send_due(b);
        cut_off(b);
        if (watch_plug)
            plug(b);
    } while (listen_until(b, next_wake_us(b, watch_plug)));
    wire_close(&b->wire);
    return NULL;
}

struct simbus *simbus_create(struct site *site, int index, const char *dir, struct simlog *log)
{
    struct simbus *b = mem_new(struct simbus);
    b->setup = &site->buses[index];
    b->world = &site->world;
    b->log = log;
    b->framing = b->setup->transport == TRANSPORT_TCP ? FRAMING_TCP : FRAMING_RTU;
    b->serial = b->framing == FRAMING_RTU;
    b->line_end_us = INT64_MIN / 2;
    b->seats = mem_array((size_t)site->nunits + 1, sizeof *b->seats);
    wire_init(&b->wire, b->setup, dir);
    for (int i = 0; i < site->nunits; i++) {
        if (strcmp(site->units[i].bus, b->setup->name) != 0)
            continue;
        b->seats[b->nseats++].station = station_create(&site->units[i], &site->world, site->tapes[i]);
        site->tapes[i] = NULL;
    }
    return b;
}

int simbus_start(struct simbus *b, int stop_fd)
{
    b->stop_fd = stop_fd;
    b->started_us = clock_wire_us();
    if (wire_open(&b->wire) != ERR_OK)
        return ERR_IO;
    describe(b, b->place, sizeof b->place);
    errno = pthread_create(&b->thread, NULL, run, b);
    b->threaded = errno == 0;
    return b->threaded ? ERR_OK : ERR_IO;
}

void simbus_join(struct simbus *b)
{
    if (b->threaded)
        pthread_join(b->thread, NULL);
    b->threaded = false;
}

const struct tally *simbus_tally(const struct simbus *b)
{
    return &b->tally;
}

const char *simbus_place(const struct simbus *b)
{
    return b->place;
}

void simbus_destroy(struct simbus *b)
{
    if (!b)
        return;
    wire_close(&b->wire);
    for (int i = 0; i < b->nseats; i++)
        station_destroy(b->seats[i].station);
    mem_free(b->seats);
    mem_free(b);
}
