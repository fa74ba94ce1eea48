#include "daemon/judge/history.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/sample.h"

#include <math.h>

/* Ten-thousandths are whole numbers; times ten to the power of `tens` they fit. */
struct packed {
    int32_t mean, min, max;
    uint8_t quality, tens;
};

enum { VALUED = 0x80 }; /* beside the letter: it has values */

static const double scale = 1e4, too_large = 1e15;

struct history {
    size_t room, npoints, nkept;
    size_t first, count;
    uint64_t fed;
    int *columns; /* of each point, -1: not kept */
    int64_t *starts;
    struct packed *minutes; /* nkept a minute */
    int64_t lost_ms;        /* end of the newest minute that was pushed out */
};

struct history *history_create(size_t minutes, size_t npoints, const bool *kept)
{
    struct history *h = mem_new(struct history);
    h->room = minutes;
    h->npoints = npoints;
    h->columns = mem_array(npoints, sizeof *h->columns);
    for (size_t i = 0; i < npoints; i++)
        h->columns[i] = kept[i] ? (int)h->nkept++ : -1;
    h->starts = mem_pages(minutes, sizeof *h->starts);
    h->minutes = mem_pages(minutes * h->nkept, sizeof *h->minutes);
    h->lost_ms = INT64_MIN;
    return h;
}

void history_destroy(struct history *h)
{
    if (!h)
        return;
    mem_free(h->columns);
    mem_pages_free(h->starts, h->room, sizeof *h->starts);
    mem_pages_free(h->minutes, h->room * h->nkept, sizeof *h->minutes);
    mem_free(h);
}

bool history_keeps(const struct history *h, int point)
{
    return h->columns[point] >= 0;
}

/* --- packing --- */

static int32_t shorten(double value, double unit)
{
    return (int32_t)rint(value * scale / unit);
}

/* A mean that tally_minute would not count has no value here either. */
static struct packed pack(const struct mean *m)
{
    struct packed p = {.quality = m->quality};
    double unit = 1, most = fmax(fabs(m->mean), fmax(fabs(m->min), fabs(m->max)));
    if (!m->n || isnan(m->mean + m->min + m->max) || !(most < too_large)) {
        p.quality = mean_valid(m) ? QUALITY_FAULT : m->quality;
        return p;
    }
    while (most * scale / unit >= INT32_MAX) {
        unit *= 10;
        p.tens++;
    }
    p.mean = shorten(m->mean, unit);
    p.min = shorten(m->min, unit);
    p.max = shorten(m->max, unit);
    p.quality |= VALUED;
    return p;
}

static double lengthen(int32_t value, uint8_t tens)
{
    double whole = value;
    for (; tens > 0; tens--)
        whole *= 10;
    return whole / scale;
}

static struct mean unpack(const struct packed *p)
{
    struct mean m = {NAN, NAN, NAN, 0, 1, p->quality & (VALUED - 1), 0};
    if (!(p->quality & VALUED))
        return m;
    m.mean = lengthen(p->mean, p->tens);
    m.min = lengthen(p->min, p->tens);
    m.max = lengthen(p->max, p->tens);
    m.n = 1;
    return m;
}

/* --- the ring --- */

/* The i-th from the oldest. */
static size_t place(const struct history *h, size_t i)
{
    size_t at = h->first + i;
    return at >= h->room ? at - h->room : at;
}

static void drop_oldest(struct history *h)
{
    int64_t end_ms = h->starts[h->first] + CLOCK_MINUTE_MS;
    h->lost_ms = end_ms > h->lost_ms ? end_ms : h->lost_ms;
    h->first = place(h, 1);
    h->count--;
}

void history_add(struct history *h, int64_t start_ms, const struct mean *means)
{
    if (!h->room)
        return;
    if (h->count == h->room)
        drop_oldest(h);
    size_t at = place(h, h->count++);
    h->fed++;
    h->starts[at] = start_ms;
    for (size_t i = 0; i < h->npoints; i++)
        if (h->columns[i] >= 0)
            h->minutes[at * h->nkept + (size_t)h->columns[i]] = pack(&means[i]);
}

/* Of a point that is kept. */
static struct packed *minute_at(const struct history *h, size_t at, int point)
{
    return &h->minutes[at * h->nkept + (size_t)h->columns[point]];
}

size_t history_flag(struct history *h, int point, int64_t from_ms, int64_t to_ms, uint8_t letter)
{
    size_t flagged = 0;
    for (size_t i = 0; history_keeps(h, point) && i < h->count; i++) {
        size_t at = place(h, i);
        struct packed *p = minute_at(h, at, point);
        struct mean m = unpack(p);
        if (h->starts[at] < from_ms || h->starts[at] >= to_ms || !mean_valid(&m))
            continue;
        p->quality = letter | (p->quality & VALUED);
        flagged++;
    }
    return flagged;
}

uint64_t history_fed(const struct history *h)
{
    return h->fed;
}

bool history_reaches(const struct history *h, int64_t start_ms)
{
    return h->lost_ms <= start_ms;
}

struct tally history_tally(const struct history *h, int point, int64_t start_ms, int64_t end_ms,
                           uint64_t since, uint32_t *again)
{
    uint64_t gone = h->fed - h->count;
    struct tally t = {0};
    int64_t latest_ms = INT64_MIN;
    uint32_t twice = 0;
    for (size_t i = (size_t)(since > gone ? since - gone : 0); history_keeps(h, point) && i < h->count; i++) {
        size_t at = place(h, i);
        int64_t ms = h->starts[at];
        if (ms < start_ms || ms >= end_ms)
            continue;
        twice += ms <= latest_ms;
        latest_ms = ms > latest_ms ? ms : latest_ms;
        struct mean m = unpack(minute_at(h, at, point));
        tally_minute(&t, &m);
    }
    if (again)
        *again = twice;
    return t;
}

bool history_minute(const struct history *h, int point, int64_t start_ms, struct mean *minute)
{
    size_t low = 0, high = h->count; /* the first that starts later is in [low, high] */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (h->starts[place(h, middle)] <= start_ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || h->starts[place(h, low - 1)] != start_ms || !history_keeps(h, point))
        return false;
    *minute = unpack(minute_at(h, place(h, low - 1), point));
    return true;
}

void history_carry(struct history *to, const struct history *from, const int *before)
{
    struct mean *means = mem_array(to->npoints, sizeof *means);
    for (size_t i = 0; i < from->count; i++) {
        size_t at = place(from, i);
        for (size_t k = 0; k < to->npoints; k++)
            means[k] = before[k] >= 0 && history_keeps(from, before[k])
                           ? unpack(minute_at(from, at, before[k]))
                           : tally_mean(&(struct tally){0}, 1);
        history_add(to, from->starts[at], means);
    }
    to->fed = from->fed > to->fed ? from->fed : to->fed;
    to->lost_ms = from->lost_ms > to->lost_ms ? from->lost_ms : to->lost_ms;
    mem_free(means);
}
