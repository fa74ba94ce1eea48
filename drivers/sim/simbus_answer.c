/* What a simulated bus answers, and when: the time that characters take on a line, answers on their way. */
#include "drivers/sim/simbus_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "drivers/sim/fault.h"
#include "drivers/sim/model.h"
#include "drivers/sim/site.h"
#include "drivers/sim/spoil.h"

int64_t simbus_characters_us(const struct simbus *b, size_t n)
{
    if (!b->serial)
        return 0;
    int64_t bits = (int64_t)n * site_formats[b->setup->format].character_bits;
    return (bits * 1000000 + b->setup->baud - 1) / b->setup->baud;
}

/* MODBUS over Serial Line V1.02, 2.5.1.1: 3.5 characters, fixed at 1.75 ms above 19200 baud. */
int64_t simbus_silence_us(const struct simbus *b)
{
    return b->setup->baud > 19200 ? 1750 : simbus_characters_us(b, 7) / 2;
}

int64_t simbus_wire_ms(const struct simbus *b)
{
    return (clock_wire_us() - b->started_us) / 1000;
}

void simbus_log_poll(struct simbus *b, struct simlog_entry *entry, const char *outcome)
{
    entry->outcome = outcome;
    entry->site_ms = clock_site_ms();
    entry->wire_us = clock_wire_us();
    simlog_poll(b->log, entry);
}

static void finish(struct simbus *b, struct sending *s, bool sent)
{
    const struct station_poll *p = &s->poll;
    bool spoilt = p->damaged || (p->fault != FAULT_NONE && p->fault != FAULT_LATE && p->fault != FAULT_DRIP &&
                                 p->fault != FAULT_EXCEPTION);
    if (!sent)
        tally_add(&b->tally, TALLY_LOST);
    else if (spoilt)
        tally_add(&b->tally, TALLY_SPOILT);
    else
        tally_add(&b->tally, TALLY_ANSWERS);
    if (sent && !spoilt && p->exception)
        tally_add(&b->tally, TALLY_EXCEPTIONS);
    simbus_log_poll(b, &s->entry, !sent ? "lost" : spoilt ? "spoilt" : p->exception ? "exception" : "answer");
    s->used = false;
}

static void send_due(struct simbus *b, struct sending *s, int64_t now_us)
{
    struct wire_peer *peer = &b->wire.peers[s->peer];
    size_t n = s->drip_us ? 1 : s->length;
    bool sent = peer->number == s->number && wire_send(peer, s->bytes + s->sent, n);
    if (b->line_end_us < now_us) /* taken before the write: the master cannot have known earlier */
        b->line_end_us = now_us;
    s->sent += n;
    s->due_us = now_us + s->drip_us;
    if (!sent || s->sent >= s->length)
        finish(b, s, sent);
}

void simbus_send_due(struct simbus *b)
{
    for (int i = 0; i < SENDING_MAX; i++) {
        int64_t now_us = clock_wire_us();
        if (b->queue[i].used && b->queue[i].due_us <= now_us)
            send_due(b, &b->queue[i], now_us);
    }
}

static struct sending *free_sending(struct simbus *b)
{
    for (int i = 0; i < SENDING_MAX; i++)
        if (!b->queue[i].used)
            return &b->queue[i];
    return NULL;
}

/* Puts the answer of `seat` on the queue, spoilt as its fault wants. */
static void schedule(struct simbus *b, struct seat *seat, struct sending *s, const struct adu_request *r,
                     int64_t end_us)
{
    const struct station_poll *p = &s->poll;
    uint64_t seed = model_seed(b->world->seed, (uint64_t)p->poll);
    s->length = adu_wrap(b->framing, r, p->pdu, p->length, s->bytes);
    s->length = spoil(p->damaged ? FAULT_CRC : p->fault, b->framing, seed, s->bytes, s->length);
    if (end_us < seat->busy_us)
        end_us = seat->busy_us;
    s->begin_us = end_us + station_setup(seat->station)->turnaround_ms * 1000;
    if (b->serial && station_setup(seat->station)->silence)
        s->begin_us += simbus_silence_us(b);
    if (p->fault == FAULT_LATE)
        s->begin_us += p->by_ms * 1000;
    s->drip_us = p->fault == FAULT_DRIP ? p->by_ms * 1000 : 0;
    s->due_us = s->begin_us + simbus_characters_us(b, s->drip_us ? 1 : s->length);
    s->sent = 0;
    s->used = true;
    seat->busy_us = s->due_us + s->drip_us * (int64_t)(s->length - 1);
}

static void say_tape_ended(struct simbus *b, struct seat *seat)
{
    if (seat->tape_ended)
        return;
    seat->tape_ended = true;
    log_info("%s: the recording has ended, the unit is silent", station_setup(seat->station)->name);
    simlog_event(b->log, "replay_ended", b->setup->name, "\"unit\":\"%s\"",
                 station_setup(seat->station)->name);
}

void simbus_answer(struct simbus *b, int peer, struct seat *seat, const struct adu_request *r, int64_t end_us)
{
    struct sending *s = free_sending(b);
    tally_add(&b->tally, TALLY_POLLS);
    if (!s) {
        tally_add(&b->tally, TALLY_LOST);
        return;
    }
    station_poll(seat->station, r, clock_site_ms(), simbus_wire_ms(b), &s->poll);
    s->peer = peer;
    s->number = b->wire.peers[peer].number;
    s->entry = (struct simlog_entry){.bus = b->setup->name,
                                     .unit = station_setup(seat->station),
                                     .function = r->function,
                                     .address = r->address,
                                     .count = r->count,
                                     .poll = &s->poll};
    if (s->poll.faults || s->poll.damaged)
        tally_add(&b->tally, TALLY_FAULTS);
    if (s->poll.tape_ended)
        say_tape_ended(b, seat);
    if (s->poll.silent) {
        tally_add(&b->tally, TALLY_SILENT);
        simbus_log_poll(b, &s->entry, "silent");
        return;
    }
    schedule(b, seat, s, r, end_us);
}
