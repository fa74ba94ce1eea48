/* What was held becomes rows: in order, entry by entry, each in the transaction that drops it from the table.
 * Blocks of a dated boot go back into the running minute and are cut anew, in true minutes, with what the
 * judge says of them, as if they came now; entries of a boot that never got a date become rows `undated`. */
#include "daemon/dustd.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/judge/judge.h"
#include "daemon/lastrun.h"
#include "daemon/pipeline.h"
#include "daemon/rows.h"
#include "daemon/store/rawblock.h"

#include <string.h>

enum { AT_ONCE = 64 }; /* entries a turn, and batches that may wait for the disk */

void late_begin(struct dustd *d, int64_t now_ms)
{
    struct hold *h = &d->hold;
    int64_t ignored;
    h->late = h->resume = true;
    h->dated_at_ms = now_ms;
    h->reached_ms = INT64_MIN;
    h->after = h->low - 1;
    d->minute_ms = clock_window_start(now_ms, CLOCK_MINUTE_MS, 0);
    if (clock_boot_id()[0] && !hold_offset(h, clock_boot_id(), &ignored)) {
        hold_known(h, clock_boot_id(), clock_offset_ms());
        row_dated(d, now_ms, clock_offset_ms());
    }
}

/* ---- samples of a block ---- */

struct unpacking {
    struct dustd *d;
    int64_t offset_ms; /* of those that are no dates */
    bool said_gone;
};

static void take_sample(const struct raw_sample *raw, void *arg)
{
    struct unpacking *u = arg;
    struct dustd *d = u->d;
    struct sample s = raw->sample;
    int point = pipeline_point(d->config, raw->name);
    if (point < 0) {
        if (!u->said_gone)
            log_error("%s is no longer configured: what is held of it is not kept", raw->name);
        u->said_gone = true;
        return;
    }
    s.point = (uint16_t)point;
    s.at_ms += clock_is_dated(s.at_ms) ? 0 : u->offset_ms;
    if (s.at_ms > d->alive_ms && s.at_ms < d->hold.dated_at_ms)
        d->alive_ms = s.at_ms;
    pipeline_keep(d, &s);
}

/* Where the running minute is when the first block comes: at the end of the last row, or later. */
static void resume(struct dustd *d, int64_t at_ms)
{
    if (!d->hold.resume)
        return;
    for (size_t i = 0; i < d->nsamples; i++)
        at_ms = d->samples[i].at_ms < at_ms ? d->samples[i].at_ms : at_ms;
    d->minute_ms = clock_window_start(at_ms, CLOCK_MINUTE_MS, 0);
    if (d->closed_ms != INT64_MAX && d->minute_ms < d->closed_ms && d->closed_ms <= d->hold.dated_at_ms)
        d->minute_ms = d->closed_ms;
    if (d->closed_ms < d->minute_ms) /* the entries between, the row of the boot among them, were too many */
        row_gap(d, clock_site_ms(), d->closed_ms, d->minute_ms, "dropped");
    d->hold.resume = false;
}

static void dated_block(struct dustd *d, const struct held *e, int64_t at_ms, int64_t offset_ms)
{
    struct hold *h = &d->hold;
    struct unpacking u = {.d = d, .offset_ms = offset_ms};
    resume(d, at_ms);
    h->reached_ms = at_ms > h->reached_ms ? at_ms : h->reached_ms;
    pipeline_close_until(d, h->reached_ms);
    if (rawblock_decode(e->data, e->length, take_sample, &u) != ERR_OK)
        log_error("a minute that was held since %lld cannot be read", (long long)e->at_ms);
    h->minutes++;
}

static void dated_row(struct dustd *d, const struct held *e, int64_t at_ms, json_t *body)
{
    struct hold *h = &d->hold;
    json_object_set_new(body, "ts", json_integer(at_ms));
    if (at_ms < h->dated_at_ms)
        json_object_set_new(body, "late", json_true());
    if (strcmp(e->kind, "boot") == 0) {
        int64_t dated_ms = h->dated_at_ms;
        h->reached_ms = at_ms;
        lastrun_begin(d, at_ms, json_incref(body));
        h->undated_before = h->resume = false;
        d->alive_ms = at_ms < dated_ms ? at_ms : dated_ms;
    } else {
        const char *subject = json_string_value(json_object_get(body, "subject"));
        row_append(d, at_ms, e->kind, subject ? subject : "", json_incref(body));
    }
    h->rows++;
}

/* ---- a boot without a date ---- */

static json_t *undated_body(struct dustd *d, const struct held *e)
{
    int64_t now_ms = clock_site_ms();
    json_t *body = row_begin(d, now_ms, "undated", "");
    json_object_set_new(body, "boot", json_string(e->boot));
    json_object_set_new(body, "since_boot_ms", json_integer(e->at_ms));
    return body;
}

static void judge_held(const struct raw_sample *raw, void *arg)
{
    struct dustd *d = arg;
    struct sample s = raw->sample;
    int point = pipeline_point(d->config, raw->name);
    if (point < 0)
        return;
    s.point = (uint16_t)point;
    judge_sample(d->judge, &s);
}

/* Its means are told, no verdict: it counts for no window. The block keeps its stamps, which are no dates. */
static void undated_block(struct dustd *d, struct held *e)
{
    uint8_t hash[HASH_SIZE];
    char hex[65];
    hash_bytes(e->data, e->length, hash);
    hash_hex(hash, hex);
    rawblock_decode(e->data, e->length, judge_held, d);
    judge_minute(d->judge, d->means);
    d->batch.raw_seq = row_undated(d, undated_body(d, e), d->means, hex);
    d->batch.raw = e->data;
    d->batch.raw_length = e->length;
    e->data = NULL;
    d->chunked = 0; /* the table of samples is emptied with it */
    mem_free(d->batch.chunk);
    d->batch.chunk = NULL;
}

static void undated_row(struct dustd *d, const struct held *e, json_t *was)
{
    json_t *body = undated_body(d, e);
    json_object_del(was, "ts");
    json_object_set(body, "row", was);
    row_append(d, json_integer_value(json_object_get(body, "ts")), "undated", "", body);
}

/* ---- the table, entry by entry ---- */

static void take_entry(struct dustd *d, struct held *e)
{
    struct hold *h = &d->hold;
    int64_t offset_ms = 0;
    bool dated = clock_is_dated(e->at_ms) || hold_offset(h, e->boot, &offset_ms);
    int64_t at_ms = e->at_ms + offset_ms;
    json_t *body = e->kind[0] ? json_loadb(e->data, e->length, 0, NULL) : NULL;
    if (e->kind[0] && !json_is_object(body))
        log_error("a row that was held since %lld cannot be read", (long long)e->at_ms);
    else if (dated && body)
        dated_row(d, e, at_ms, body);
    else if (dated)
        dated_block(d, e, at_ms, offset_ms);
    else if (body)
        undated_row(d, e, body);
    else
        undated_block(d, e);
    if (!dated) {
        h->undated_before = true;
        h->lost++;
    }
    json_decref(body);
    h->after = d->batch.held_done = e->number;
    if (d->batch.raw && d->chunked < d->nsamples) { /* a minute found no room: its chunk lacks this entry */
        d->chunked = 0;
        mem_free(d->batch.chunk);
        d->batch.chunk = NULL;
    }
    batch_chunk(d);
    batch_flush(d);
}

static void end(struct dustd *d)
{
    struct hold *h = &d->hold;
    h->late = false;
    h->low = h->next = HOLD_FIRST;
    log_info("what was held has its dates: %lld minutes and %lld rows of before the clock was right, and "
             "%lld that "
             "nobody can date",
             (long long)h->minutes, (long long)h->rows, (long long)h->lost);
    h->minutes = h->rows = h->lost = 0;
}

static void ask(struct dustd *d)
{
    struct question q = {.asker = HOLD_ASKER, .held = true, .after = d->hold.after};
    if (!d->hold.asked && !d->nhanded) /* an entry on its way to the table would be missed */
        d->hold.asked = store_ask(d->store, &q) == ERR_OK;
}

/* Nothing is taken while a batch waits for room: what drops an entry and what it became are one batch. */
static bool may_take(const struct dustd *d)
{
    const struct batch *b = &d->batch;
    return !b->nrows && !b->raw && !b->nheld && !b->chunk && !b->held_done && d->nhanded < AT_ONCE;
}

void late_turn(struct dustd *d)
{
    struct hold *h = &d->hold;
    for (int i = 0; i < AT_ONCE && h->page && may_take(d); i++) {
        if (h->at < h->page->nheld) {
            take_entry(d, &h->page->held[h->at++]);
            continue;
        }
        bool more = h->page->next || h->page->error;
        page_free(h->page);
        h->page = NULL;
        if (!more)
            end(d);
    }
    if (h->late && !h->page && may_take(d))
        ask(d);
}

void late_page(struct dustd *d, struct page *page)
{
    d->hold.asked = false;
    d->hold.page = page;
    d->hold.at = 0;
}
