/* The window of rows: sent in order, answered as the broker likes, taken off in order. */
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink/mqtt_parts.h"

#include "daemon/base/mem.h"
#include "daemon/store/journal.h"

#include <inttypes.h>
#include <string.h>

const char *mqtt_row_topic(const char *kind)
{
    static const char *const own[] = {"minute", "hour", "day"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (strcmp(kind, own[i]) == 0)
            return own[i];
    return "event";
}

char *mqtt_row_payload(const char *journal_id, const struct row *row)
{
    char hash[65];
    hash_hex(row->hash, hash);
    const char *body = row->body + (row->body[0] == '{');
    const char *join = body[0] == '}' ? "" : ",";
    return mem_printf("{\"journal\":\"%s\",\"seq\":%" PRId64 ",\"hash\":\"%s\"%s%s", journal_id, row->seq,
                      hash, join, body);
}

bool window_add(struct window *w, int64_t seq, const char *topic, char *payload)
{
    if (w->count == MQTT_WINDOW || seq <= w->last)
        return false;
    struct slot *s = &w->slots[w->count++];
    *s = (struct slot){.seq = seq, .topic = topic};
    s->payload = payload;
    s->state = payload ? SLOT_WAITING : SLOT_TAKEN; /* nothing is left to send: a row `lost` has said so */
    w->last = seq;
    return true;
}

struct slot *window_next(struct window *w)
{
    bool alone = false; /* an earlier row was refused and is on its way again: nothing overtakes it twice */
    for (int i = 0; i < w->count; i++) {
        struct slot *s = &w->slots[i];
        if (s->state == SLOT_WAITING)
            return alone || s->seq > w->persisted + MQTT_WINDOW ? NULL : s;
        alone = alone || (s->state == SLOT_SENT && s->tries > 0);
    }
    return NULL;
}

struct slot *window_sent(struct window *w, int mid)
{
    for (int i = 0; i < w->count; i++)
        if (w->slots[i].state == SLOT_SENT && w->slots[i].mid == mid)
            return &w->slots[i];
    return NULL;
}

void slot_answered(struct slot *s, enum mqtt_answer answer, const char *why)
{
    switch (answer) {
    case ANSWER_TAKEN:
    case ANSWER_CANNOT_TELL: s->state = SLOT_TAKEN; break;
    case ANSWER_BROKEN:
    case ANSWER_LATER: s->state = SLOT_WAITING; break;
    case ANSWER_NEVER:
        s->why = why;
        s->state = ++s->tries < MQTT_TRIES ? SLOT_WAITING : SLOT_REFUSED;
        break;
    }
}

void window_broke(struct window *w)
{
    for (int i = 0; i < w->count; i++)
        if (w->slots[i].state == SLOT_SENT)
            w->slots[i].state = SLOT_WAITING;
}

static void take_off_first(struct window *w)
{
    w->taken = w->slots[0].seq;
    mem_free(w->slots[0].payload);
    w->count--;
    memmove(w->slots, w->slots + 1, (size_t)w->count * sizeof *w->slots);
}

bool window_settle(struct window *w, int64_t *refused, const char **why)
{
    *refused = 0;
    int64_t before = w->taken;
    while (w->count && w->slots[0].state == SLOT_TAKEN)
        take_off_first(w);
    if (w->taken == before && w->count && w->slots[0].state == SLOT_REFUSED) {
        *refused = w->slots[0].seq;
        *why = w->slots[0].why;
        take_off_first(w);
    }
    return w->taken != before;
}

int window_in_flight(const struct window *w)
{
    int sent = 0;
    for (int i = 0; i < w->count; i++)
        sent += w->slots[i].state == SLOT_SENT;
    return sent;
}

void window_finish(struct window *w)
{
    while (w->count)
        take_off_first(w);
}
