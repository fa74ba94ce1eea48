#include "daemon/judge/history.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"

#include <string.h>

struct history {
    size_t room, npoints;
    size_t first, count;
    int64_t *starts;
    struct mean *means; /* npoints a minute */
    int64_t lost_ms;    /* end of the newest minute that was pushed out */
};

struct history *history_create(size_t minutes, size_t npoints)
{
    struct history *h = mem_new(struct history);
    h->room = minutes;
    h->npoints = npoints;
    h->starts = mem_array(minutes, sizeof *h->starts);
    h->means = mem_array(minutes * npoints, sizeof *h->means);
    h->lost_ms = INT64_MIN;
    return h;
}

void history_destroy(struct history *h)
{
    if (!h)
        return;
    mem_free(h->starts);
    mem_free(h->means);
    mem_free(h);
}

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
    h->starts[at] = start_ms;
    memcpy(&h->means[at * h->npoints], means, h->npoints * sizeof *means);
}

size_t history_flag(struct history *h, int point, int64_t from_ms, int64_t to_ms, uint8_t letter)
{
    size_t flagged = 0;
    for (size_t i = 0; i < h->count; i++) {
        size_t at = place(h, i);
        struct mean *m = &h->means[at * h->npoints + (size_t)point];
        if (h->starts[at] < from_ms || h->starts[at] >= to_ms || !mean_valid(m))
            continue;
        m->quality = letter;
        flagged++;
    }
    return flagged;
}

bool history_reaches(const struct history *h, int64_t start_ms)
{
    return h->lost_ms <= start_ms;
}

struct tally history_tally(const struct history *h, int point, int64_t start_ms, int64_t end_ms,
                           uint32_t *again)
{
    struct tally t = {0};
    int64_t latest_ms = INT64_MIN;
    uint32_t twice = 0;
    for (size_t i = 0; i < h->count; i++) {
        size_t at = place(h, i);
        int64_t ms = h->starts[at];
        if (ms < start_ms || ms >= end_ms)
            continue;
        twice += ms <= latest_ms;
        latest_ms = ms > latest_ms ? ms : latest_ms;
        tally_minute(&t, &h->means[at * h->npoints + (size_t)point]);
    }
    if (again)
        *again = twice;
    return t;
}

const struct mean *history_minute(const struct history *h, int point, int64_t start_ms)
{
    size_t low = 0, high = h->count; /* the first that starts later is in [low, high] */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (h->starts[place(h, middle)] <= start_ms)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0 || h->starts[place(h, low - 1)] != start_ms)
        return NULL;
    return &h->means[place(h, low - 1) * h->npoints + (size_t)point];
}

void history_carry(struct history *to, const struct history *from, const int *before)
{
    struct mean *means = mem_array(to->npoints, sizeof *means);
    for (size_t i = 0; i < from->count; i++) {
        size_t at = place(from, i);
        for (size_t k = 0; k < to->npoints; k++)
            means[k] = before[k] >= 0 ? from->means[at * from->npoints + (size_t)before[k]]
                                      : tally_mean(&(struct tally){0}, 1);
        history_add(to, from->starts[at], means);
    }
    to->lost_ms = from->lost_ms > to->lost_ms ? from->lost_ms : to->lost_ms;
    mem_free(means);
}
