/* What main lets go of when the store has taken nothing for so long that it is full too: memory stays
 * bounded. The last hour of samples is kept, older ones are dropped; then rows, the ledger's last. All of it
 * is counted, said once, and becomes a row when the store is back. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/rows.h"

#include <string.h>

enum {
    SAMPLES = 65536, /* kept at most, 3 MB, however short of an hour that is */
    LEAST = 1 << 20, /* bytes of rows that wait on main: then minutes and states are dropped */
    MORE = 2 << 20,  /* then hours, days and verdicts */
    MOST = 3 << 20,  /* then the ledger, and whatever else */
    KEPT_MS = 60 * CLOCK_MINUTE_MS,
};

/* Kinds that are not named are kept longest. */
static const struct {
    const char *kind;
    size_t room;
} rooms[] = {{"minute", LEAST}, {"device", LEAST}, {"line", LEAST}, {"refused", LEAST},
             {"denied", LEAST}, {"hour", MORE},    {"day", MORE},   {"verdict", MORE}};

static void count(struct dustd *d, uint64_t samples, uint64_t rows)
{
    struct shed *s = &d->shed;
    if (!s->samples && !s->rows)
        log_error("the disk takes nothing and memory holds all it may: the oldest is dropped and counted");
    s->samples += samples;
    s->rows += rows;
    s->all_samples += samples;
    s->all_rows += rows;
}

bool shed_row(struct dustd *d, const char *kind, size_t length)
{
    struct shed *s = &d->shed;
    size_t room = MOST;
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++)
        if (strcmp(rooms[i].kind, kind) == 0)
            room = rooms[i].room;
    if (!s->refused || s->bytes + length <= room) {
        s->bytes += length;
        return false;
    }
    count(d, 0, 1);
    return true;
}

bool shed_sample(struct dustd *d)
{
    if (!d->shed.refused || d->nsamples < 2 * (size_t)SAMPLES) /* no minute ends that could let them go */
        return false;
    count(d, 1, 0);
    return true;
}

bool shed_due(const struct dustd *d, int64_t now_ms)
{
    return d->shed.refused && (now_ms - d->minute_ms > KEPT_MS || d->nsamples >= SAMPLES);
}

void shed_minute(struct dustd *d, int64_t start_ms, size_t samples, bool row)
{
    struct shed *s = &d->shed;
    count(d, samples, 0);
    s->from_ms = s->from_ms && s->from_ms < start_ms ? s->from_ms : start_ms;
    s->to_ms = start_ms + CLOCK_MINUTE_MS;
    if (row)
        return;
    s->gap_from_ms = s->gap_from_ms && s->gap_from_ms < start_ms ? s->gap_from_ms : start_ms;
    s->gap_to_ms = s->to_ms;
}

void shed_refused(struct dustd *d)
{
    d->shed.refused = true;
}

void shed_taken(struct dustd *d)
{
    struct shed was = d->shed;
    d->shed = (struct shed){.all_samples = was.all_samples, .all_rows = was.all_rows};
    if (!was.samples && !was.rows && !was.from_ms)
        return;
    int64_t now_ms = clock_site_ms();
    log_error("the disk takes batches again: %llu samples and %llu rows were dropped meanwhile",
              (unsigned long long)was.samples, (unsigned long long)was.rows);
    json_t *body = row_begin(d, now_ms, "lost", "");
    json_object_set_new(body, "why", json_string("the disk took nothing"));
    json_object_set_new(body, "samples", json_integer((json_int_t)was.samples));
    json_object_set_new(body, "rows", json_integer((json_int_t)was.rows));
    if (was.from_ms) {
        json_object_set_new(body, "from_ms", json_integer(was.from_ms));
        json_object_set_new(body, "to_ms", json_integer(was.to_ms));
    }
    row_append(d, now_ms, "lost", "", body);
    if (was.gap_from_ms)
        row_gap(d, now_ms, was.gap_from_ms, was.gap_to_ms, "full");
}
