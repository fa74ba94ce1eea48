#include "drivers/reader.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "drivers/decode.h"
#include "drivers/line.h"

#include <math.h>
#include <string.h>

enum { EXCEPTION_ADDRESS = 2, EXCEPTION_VALUE = 3, PATIENCE = 4, LATE = 2 };

static const struct reader_answer *find(const struct reader *r, const struct request *q)
{
    for (int i = 0; i < r->nanswers; i++) {
        const struct request *had = &r->answers[i].request;
        if (had->table == q->table && had->address == q->address && had->count == q->count)
            return &r->answers[i];
    }
    return NULL;
}

/* A damaged answer deserves another try, and so does a missing one of a unit that answers otherwise. */
static bool try_again(const struct reader *r, enum why why, int try)
{
    bool failed = why == WHY_GARBLED || why == WHY_NO_ANSWER;
    return try == 0 && failed && r->silent < PATIENCE;
}

static void ask_line(struct reader *r, const struct request *q, int turnaround_ms, struct line_answer *a)
{
    struct line_question question = {.unit = r->unit_id,
                                     .request = q,
                                     .timeout_us = r->timeout_ms * 1000,
                                     .turnaround_us =
                                         (turnaround_ms > r->gap_ms ? turnaround_ms : r->gap_ms) * 1000};
    int try = 0;
    do {
        line_ask(r->line, &question, a);
        line_settle(r->line, LATE * question.timeout_us); /* what is late must not answer the next */
    } while (try_again(r, a->why, try++));
    r->silent = a->why == WHY_NONE || a->why == WHY_EXCEPTION ? 0 : r->silent + 1;
}

/* NULL: the line is gone, or there is no room. */
static const struct reader_answer *ask(struct reader *r, const struct request *q, int turnaround_ms)
{
    const struct reader_answer *had = find(r, q);
    if (had || r->nanswers == READER_ANSWERS_MAX)
        return had;
    struct line_answer a;
    ask_line(r, q, turnaround_ms, &a);
    if (a.why == WHY_LINE)
        return NULL;
    struct reader_answer *is = &r->answers[r->nanswers++];
    *is = (struct reader_answer){.request = *q, .why = a.why, .exception = a.exception};
    if (a.why == WHY_NONE) {
        is->values = mem_array(q->count, sizeof *is->values);
        memcpy(is->values, a.values, q->count * sizeof *is->values);
    }
    return is;
}

static void fill(const struct point *p, const struct reader_answer *a, struct sample *s)
{
    *s = (struct sample){.at_ms = clock_site_ms(),
                         .value = NAN,
                         .why = (uint8_t)a->why,
                         .exception = a->exception,
                         .quality = a->why == WHY_EXCEPTION ? QUALITY_FAULT : QUALITY_NO_COMMUNICATION};
    if (a->why != WHY_NONE)
        return;
    s->nreg = (uint8_t)point_registers(p);
    memcpy(s->reg, a->values + (p->address - a->request.address), s->nreg * sizeof *s->reg);
    decode_point(p, s);
}

static bool refuses_range(const struct reader_answer *a, const struct point *p)
{
    return a->why == WHY_EXCEPTION && a->request.count > point_registers(p) &&
           (a->exception == EXCEPTION_ADDRESS || a->exception == EXCEPTION_VALUE);
}

/* The points of one request; one by one where the unit refuses the whole. */
static int read_range(struct reader *r, const struct profile *p, const struct request *q,
                      struct sample *samples)
{
    const struct reader_answer *whole = ask(r, q, p->turnaround_ms);
    for (int i = 0; whole && i < p->npoints; i++) {
        const struct point *point = &p->points[i];
        const struct reader_answer *a = whole;
        if (!plan_covers(q, point) || samples[i].quality)
            continue;
        if (refuses_range(whole, point)) {
            struct request alone = {point->table, point->address, (uint16_t)point_registers(point)};
            a = ask(r, &alone, p->turnaround_ms);
        }
        if (!a)
            return ERR_IO;
        fill(point, a, &samples[i]);
    }
    return whole ? ERR_OK : ERR_IO;
}

int reader_read(struct reader *r, const struct profile *p, struct sample *samples)
{
    struct request plan[PROFILE_POINTS_MAX];
    int overhead = line_overhead_bytes(r->config, p->turnaround_ms * 1000), rc = ERR_OK;
    memset(samples, 0, (size_t)p->npoints * sizeof *samples); /* quality 0: not read yet */
    for (int i = 0; i < p->npoints && rc == ERR_OK; i++) {
        if (samples[i].quality)
            continue;
        int n = plan_build(p, p->points[i].period_ms, overhead, plan, PROFILE_POINTS_MAX);
        for (int k = 0; k < n && rc == ERR_OK; k++)
            rc = plan_covers(&plan[k], &p->points[i]) ? read_range(r, p, &plan[k], samples) : ERR_OK;
    }
    return rc;
}

void reader_finish(struct reader *r)
{
    for (int i = 0; i < r->nanswers; i++)
        mem_free(r->answers[i].values);
    r->nanswers = 0;
}
