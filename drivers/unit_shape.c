/* Nothing in an RTU answer says which question it is to. So nothing is asked whose answer would look like one
 * that may still come. */
#include "drivers/unit.h"

#include "drivers/frame.h"

#include <string.h>

enum {
    LATE_FACTOR = 10, /* what has not come within ten time-outs does not come any more, */
    LAG_FACTOR = 4,   /* unless the unit has been seen to be later than a fourth of that */
    LAG_FADES = 16,   /* with each answer in time a sixteenth of that is forgotten */
    STRETCH_MAX = 8   /* registers, or groups of eight bits */
};

static int64_t patience_us(const struct unit *u)
{
    int64_t patience = (int64_t)LATE_FACTOR * u->longest_us;
    return u->lag_us * LAG_FACTOR > patience ? u->lag_us * LAG_FACTOR : patience;
}

static void forget_pending(struct unit *u, int64_t now_us)
{
    int64_t patience = patience_us(u);
    int kept = 0;
    for (int i = 0; i < u->npending; i++)
        if (u->pending[i].asked_us + patience > now_us)
            u->pending[kept++] = u->pending[i];
    u->npending = kept;
}

bool unit_owes(const struct unit *u, const struct request *r)
{
    for (int i = 0; i < u->npending; i++)
        if (u->pending[i].table == r->table && u->pending[i].bytes == frame_answer_bytes(r))
            return true;
    return false;
}

/* Whether their answers look the same, though they are to different blocks: should the first come twice. */
static bool alike(const struct request *a, const struct request *b)
{
    return a->count && a->table == b->table && a->address != b->address &&
           frame_answer_bytes(a) == frame_answer_bytes(b);
}

/* The shortest whose answer is neither missing nor, where that can be had, like the one before. */
static bool stretch(const struct unit *u, const struct request *planned, struct request *out)
{
    int most = u->narrow ? 0 : STRETCH_MAX;
    bool found = false;
    for (int i = 0; i <= most; i++) {
        struct request r = *planned;
        if (!unit_stretch(u, i, &r))
            break;
        bool like_last = !u->tagged && alike(&u->asked, &r);
        if (unit_owes(u, &r) || (found && like_last))
            continue;
        *out = r;
        found = true;
        if (!like_last)
            break;
    }
    return found;
}

/* Whether a point lies on both sides of the address. */
static bool cuts_a_point(const struct unit *u, enum modbus_table table, int address)
{
    const struct profile *profile = u->device->profile;
    for (int i = 0; i < profile->npoints; i++) {
        const struct point *p = &profile->points[i];
        if (p->table == table && p->address < address && address < p->address + point_registers(p))
            return true;
    }
    return false;
}

/* Into at most `room` parts whose answers are neither missing nor like the one before, the first as long as
 * possible. Returns how many. */
static int cut(const struct unit *u, const struct request *last, const struct request *r, struct request *out,
               int room)
{
    for (int count = r->count; count > 0 && room > 0; count--) {
        struct request rest = {r->table, (uint16_t)(r->address + count), (uint16_t)(r->count - count)};
        *out = (struct request){r->table, r->address, (uint16_t)count};
        if (unit_owes(u, out) || alike(last, out) || cuts_a_point(u, r->table, rest.address))
            continue;
        int n = rest.count ? cut(u, out, &rest, out + 1, room - 1) : 0;
        if (n > 0 || rest.count == 0)
            return n + 1;
    }
    return 0;
}

int unit_shape(struct unit *u, const struct request *planned, int64_t now_us,
               struct request out[static UNIT_PARTS_MAX])
{
    forget_pending(u, now_us);
    if (u->npending == UNIT_PENDING_MAX)
        return 0;
    if (stretch(u, planned, out))
        return 1;
    return u->whole ? 0 : cut(u, &u->asked, planned, out, UNIT_PARTS_MAX);
}

/* An exception, or what was a whole answer before the line spoilt it, answers something, but while other
 * questions are open nobody knows which. */
void unit_asked(struct unit *u, const struct request *sent, enum why why, bool spoken, int64_t asked_us)
{
    bool sure = why == WHY_EXCEPTION || (why == WHY_GARBLED && spoken);
    u->asked = *sent;
    if (why == WHY_NONE)
        u->lag_us -= u->lag_us / LAG_FADES;
    if (u->tagged || why == WHY_NONE || why == WHY_JAMMED || (sure && u->npending == 0) ||
        u->npending == UNIT_PENDING_MAX)
        return;
    u->pending[u->npending++] = (struct unit_pending){sent->table, frame_answer_bytes(sent), asked_us};
}

static void forget_orders(struct unit *u, int64_t now_us)
{
    int64_t patience = patience_us(u);
    int kept = 0;
    for (int i = 0; i < u->nordered; i++)
        if (u->ordered[i].asked_us + patience > now_us)
            u->ordered[kept++] = u->ordered[i];
    u->nordered = kept;
}

bool unit_answers_order(struct unit *u, const uint8_t first[static FRAME_OBEYED], enum why why,
                        int64_t asked_us)
{
    if (u->tagged)
        return why == WHY_NONE;
    forget_orders(u, asked_us);
    bool sure = u->nordered < UNIT_ORDERED_MAX;
    for (int i = 0; i < u->nordered; i++)
        sure = sure && memcmp(u->ordered[i].first, first, FRAME_OBEYED) != 0;
    if (sure && (why == WHY_NONE || why == WHY_EXCEPTION))
        return why == WHY_NONE;
    if (u->nordered == UNIT_ORDERED_MAX) /* the oldest would be the first to be forgotten */
        memmove(u->ordered, u->ordered + 1, (size_t)--u->nordered * sizeof *u->ordered);
    struct unit_ordered *o = &u->ordered[u->nordered++];
    o->asked_us = asked_us;
    memcpy(o->first, first, FRAME_OBEYED);
    return false;
}

void unit_overheard(struct unit *u, enum modbus_table table, int bytes, int64_t now_us)
{
    if (!u->tagged && u->npending < UNIT_PENDING_MAX)
        u->pending[u->npending++] = (struct unit_pending){table, bytes, now_us};
}

void unit_heard_late(struct unit *u, enum modbus_table table, int bytes, int64_t now_us)
{
    for (int i = 0; i < u->npending; i++) {
        if (u->pending[i].table != table || u->pending[i].bytes != bytes)
            continue;
        int64_t lag = now_us - u->pending[i].asked_us;
        u->lag_us = lag > u->lag_us ? lag : u->lag_us;
        if (lag < u->longest_us && lag > u->think_us)
            u->think_us = (int)lag;
        u->pending[i] = u->pending[--u->npending];
        return;
    }
}
