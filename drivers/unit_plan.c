/* What a unit is asked for: its profile's points in requests, which get apart again where the unit refuses
 * that. */
#include "drivers/frame.h"
#include "drivers/unit.h"

#include <math.h>

enum {
    ADDRESSES = 65536,
    APART_MAX = 3 /* registers, or groups of eight bits: they take time at every reading */
};

/* The first read that covers a point, of those with its period, reads it. */
static void assign_points(struct unit *u)
{
    const struct profile *profile = u->device->profile;
    for (int i = 0; i < profile->npoints; i++) {
        int64_t period_ms = point_period_ms(u->device, &profile->points[i]);
        u->read_of[i] = 0;
        for (int k = u->nreads - 1; k >= 0; k--)
            if (u->reads[k].period_ms == period_ms && plan_covers(&u->reads[k].request, &profile->points[i]))
                u->read_of[i] = k;
    }
}

bool unit_stretch(const struct unit *u, int by, struct request *r)
{
    int count = r->count + by * (plan_bits(r->table) ? 8 : 1);
    if (by > 0 && (count > plan_longest(u->device->profile, r->table) || r->address + count > ADDRESSES))
        return false;
    r->count = (uint16_t)count;
    return true;
}

struct request unit_planned(const struct unit *u, int read)
{
    struct request r = u->reads[read].request;
    if (!u->narrow)
        unit_stretch(u, u->reads[read].more, &r);
    return r;
}

/* How many of the first `n` reads have an answer like that to `r`. */
static int alike(const struct unit *u, int n, const struct request *r)
{
    int found = 0;
    for (int i = 0; i < n; i++) {
        struct request other = unit_planned(u, i);
        found += other.table == r->table && frame_answer_bytes(&other) == frame_answer_bytes(r);
    }
    return found;
}

/* Answers that differ in length cannot be taken for each other, also where nobody knows that one went astray.
 * On TCP they are numbered. */
static void set_apart(struct unit *u)
{
    for (int k = 0; k < u->nreads && !u->tagged; k++) {
        int fewest = INT32_MAX;
        for (int more = 0; more <= APART_MAX && fewest > 0; more++) {
            struct request r = u->reads[k].request;
            int found = unit_stretch(u, more, &r) ? alike(u, k, &r) : INT32_MAX;
            if (found < fewest)
                u->reads[k].more = more;
            fewest = found < fewest ? found : fewest;
        }
    }
}

/* The points of one period of their own (0: of none). */
static void plan_period(struct unit *u, int64_t own_ms, int overhead_bytes)
{
    struct request list[PROFILE_POINTS_MAX];
    int n = plan_build(u->device->profile, own_ms, overhead_bytes, list, PROFILE_POINTS_MAX);
    int64_t period_ms = own_ms > u->device->period_ms ? own_ms : u->device->period_ms;
    for (int i = 0; i < n && u->nreads < PROFILE_POINTS_MAX; i++)
        u->reads[u->nreads++] = (struct unit_read){.request = list[i], .period_ms = period_ms};
}

void unit_plan(struct unit *u, int overhead_bytes)
{
    const struct profile *profile = u->device->profile;
    for (int i = 0; i < profile->npoints; i++) {
        int64_t own_ms = profile->points[i].period_ms;
        int first = 0;
        while (profile->points[first].period_ms != own_ms)
            first++;
        if (first == i)
            plan_period(u, own_ms, overhead_bytes);
        u->last[i] = NAN;
    }
    assign_points(u);
    set_apart(u);
}

static bool same(const struct request *a, const struct request *b)
{
    return a->table == b->table && a->address == b->address && a->count == b->count;
}

/* The points of read `k`, each with its own request; bits of one register share theirs. */
static int single_requests(const struct unit *u, int k, struct request *out)
{
    const struct profile *profile = u->device->profile;
    int n = 0;
    for (int i = 0; i < profile->npoints; i++) {
        const struct point *p = &profile->points[i];
        struct request own = {p->table, p->address, (uint16_t)point_registers(p)};
        int known = 0;
        while (known < n && !same(&out[known], &own))
            known++;
        if (u->read_of[i] == k && known == n)
            out[n++] = own;
    }
    return n;
}

static bool split(struct unit *u, int read)
{
    struct request single[PROFILE_POINTS_MAX];
    struct unit_read whole = u->reads[read];
    int n = single_requests(u, read, single);
    if (n < 1 || (n == 1 && same(&single[0], &whole.request)) || u->nreads - 1 + n > PROFILE_POINTS_MAX)
        return false;
    for (int i = u->nreads - 1; i > read; i--)
        u->reads[i + n - 1] = u->reads[i];
    for (int i = 0; i < n; i++) {
        u->reads[read + i] = whole;
        u->reads[read + i].request = single[i];
        u->reads[read + i].more = 0; /* it has just refused registers that are no points */
    }
    u->nreads += n - 1;
    assign_points(u);
    return true;
}

bool unit_refused(struct unit *u, int read, const struct request *sent)
{
    const struct request *planned = &u->reads[read].request;
    if (!same(sent, planned)) {
        u->narrow = u->narrow || sent->count > planned->count;
        u->whole = u->whole || sent->count < planned->count;
        return true;
    }
    return u->npending == 0 && split(u, read); /* else the refusal may be an earlier question's */
}
