/* Points are taken in table and address order; each joins the request before it when that costs less wire
 * time than a request of its own. */
#include "drivers/plan.h"

enum { REGISTERS_MAX = 125, BITS_MAX = 2000 }; /* Modbus Application Protocol V1.1b3, 6.1 to 6.4 */

bool plan_bits(enum modbus_table table)
{
    return table == TABLE_COIL || table == TABLE_DISCRETE_INPUT;
}

/* Bytes that `count` registers or bits take in an answer. */
static int data_bytes(enum modbus_table table, int count)
{
    return plan_bits(table) ? (count + 7) / 8 : 2 * count;
}

int plan_longest(const struct profile *profile, enum modbus_table table)
{
    if (plan_bits(table))
        return BITS_MAX;
    return profile->max_registers > 0 && profile->max_registers < REGISTERS_MAX ? profile->max_registers
                                                                                : REGISTERS_MAX;
}

static bool comes_before(const struct point *a, const struct point *b)
{
    return a->table != b->table ? a->table < b->table : a->address < b->address;
}

/* A request's points are few and mostly in order already: insertion sort. */
static int in_order(const struct profile *profile, int64_t period_ms, const struct point **sorted)
{
    int n = 0;
    for (int k = 0; k < profile->npoints && k < PROFILE_POINTS_MAX; k++) {
        int i = n;
        if (profile->points[k].period_ms != period_ms)
            continue;
        for (; i > 0 && comes_before(&profile->points[k], sorted[i - 1]); i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = &profile->points[k];
        n++;
    }
    return n;
}

static bool joins(struct request *r, const struct point *p, int longest_count, int overhead_bytes)
{
    if (r->table != p->table)
        return false;
    int own = point_registers(p), count = p->address + own - r->address;
    if (count < r->count)
        count = r->count;
    int more = data_bytes(r->table, count) - data_bytes(r->table, r->count) - data_bytes(r->table, own);
    if (count > longest_count || more >= overhead_bytes)
        return false;
    r->count = (uint16_t)count;
    return true;
}

int plan_build(const struct profile *profile, int64_t period_ms, int overhead_bytes, struct request *out,
               int max)
{
    const struct point *sorted[PROFILE_POINTS_MAX];
    int npoints = in_order(profile, period_ms, sorted), n = 0;
    for (int i = 0; i < npoints; i++) {
        const struct point *p = sorted[i];
        if (n > 0 && joins(&out[n - 1], p, plan_longest(profile, p->table), overhead_bytes))
            continue;
        if (n == max)
            break;
        out[n++] = (struct request){p->table, p->address, (uint16_t)point_registers(p)};
    }
    return n;
}

bool plan_covers(const struct request *r, const struct point *p)
{
    return r->table == p->table && p->address >= r->address &&
           p->address + point_registers(p) <= r->address + r->count;
}
