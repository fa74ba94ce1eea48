/* Batches to the store, and what follows from a commit: rows leave for the brokers, now-messages that name a
 * row are published, whoever acted is told. */
#include "daemon/acting.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/dustd.h"
#include "daemon/inputs.h"
#include "daemon/ledger/ledger.h"
#include "daemon/now.h"
#include "daemon/retention.h"
#include "daemon/store/rawblock.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"

#include <string.h>

enum { CURSOR_LAG = 10 }; /* rows taken by a broker before its cursor is worth a commit of its own */

/* The cursors as they are now: into the batch, and remembered until the commit says that they are on the
 * disk. */
static void batch_cursors(struct dustd *d)
{
    int n = d->config->nmqtt;
    struct batch *b = &d->batch;
    d->handed = mem_resize(d->handed, (size_t)(d->nhanded + 1) * (size_t)(n ? n : 1), sizeof *d->handed);
    d->heads = mem_resize(d->heads, (size_t)d->nhanded + 1, sizeof *d->heads);
    d->heads[d->nhanded] = d->head;
    int former = d->cursor_left ? d->ncursors : 0;
    b->cursors = mem_array((size_t)n + (size_t)former, sizeof *b->cursors);
    for (int i = 0; i < n; i++) {
        struct store_cursor *c = &b->cursors[i];
        snprintf(c->uplink, sizeof c->uplink, "%s", d->config->mqtt[i].name);
        c->seq = d->uplinks[i].handed = d->uplinks[i].taken;
        c->lost = d->uplinks[i].lost;
        d->handed[d->nhanded * n + i] = *c;
    }
    for (int i = 0; i < former; i++)
        b->cursors[n + i] = d->cursors[i];
    b->ncursors = n + former;
}

static bool cursor_waits(const struct dustd *d)
{
    for (int i = 0; i < d->config->nmqtt; i++)
        if (d->uplinks[i].taken - d->uplinks[i].handed >=
            (d->uplinks[i].mqtt ? CURSOR_LAG : 1)) /* the last of a thread that ended */
            return true;
    return d->cursor_left;
}

void batch_flush(struct dustd *d)
{
    struct batch *b = &d->batch;
    if (d->shed.refused && store_takes(d->store))
        unsaid_say(d);
    if (!b->nrows && !b->raw && !b->chunk && !b->nheld && !b->held_done && !cursor_waits(d))
        return;
    mem_free(b->cursors);
    batch_cursors(d);
    snprintf(b->last_issue, sizeof b->last_issue, "%s", ledger_last_number(d->ledger));
    if (store_commit(d->store, b) != ERR_OK) {
        shed_refused(d);
        return; /* the store has said so; the batch goes on being filled, as far as there is room */
    }
    d->nhanded++;
    d->cursor_left = false;
    *b = (struct batch){0};
    d->batch_room = 0;
    shed_taken(d);
}

void batch_chunk(struct dustd *d)
{
    if (d->chunked == d->nsamples || d->batch.chunk)
        return;
    struct buf chunk = {0};
    rawblock_encode(d->config, d->samples + d->chunked, d->nsamples - d->chunked, &chunk);
    d->batch.chunk_length = chunk.length;
    d->batch.chunk = buf_take(&chunk);
    d->chunked = d->nsamples;
}

void batch_tell(struct dustd *d, int64_t seq, const char *issue, uint64_t client)
{
    if (d->hearing)
        return; /* nothing is committed */
    d->told = mem_resize(d->told, (size_t)d->ntold + 1, sizeof *d->told);
    struct told *t = &d->told[d->ntold++];
    *t = (struct told){.seq = seq, .client = client};
    snprintf(t->issue, sizeof t->issue, "%s", issue);
}

void batch_reply(struct dustd *d, int64_t seq, const char *source, char *reply)
{
    batch_tell(d, seq, "", 0);
    struct told *t = &d->told[d->ntold - 1];
    snprintf(t->source, sizeof t->source, "%s", source);
    t->reply = reply;
}

void batch_note(struct dustd *d, int64_t seq, const char *note)
{
    for (int i = 0; i < d->ntold; i++)
        if (note[0] && d->told[i].seq == seq && d->told[i].client && !d->told[i].reply)
            d->told[i].reply = mem_string(note);
}

static void tell_committed(struct dustd *d)
{
    int rest = 0;
    int64_t now_ms = clock_site_ms();
    for (int i = 0; i < d->ntold; i++) {
        struct told t = d->told[i];
        if (t.seq > d->committed) {
            d->told[rest++] = t;
            continue;
        }
        const struct issue *issue = ledger_issue(d->ledger, t.issue);
        if (issue && issue->last_seq <= d->committed) /* else it has a later step, told by its own commit */
            now_issue_changed(d, issue, now_ms);
        if (t.client)
            verb_told(d, &t);
        if (t.reply && t.source[0])
            inputs_reply(d, t.source, t.reply);
        mem_free(t.reply);
    }
    d->ntold = rest;
}

/* One more batch is on the disk: its cursors, its head. */
static void take_batch(struct dustd *d)
{
    int n = d->config->nmqtt;
    for (int i = 0; i < n; i++) {
        d->uplinks[i].persisted = d->handed[i].seq;
        mqtt_persisted(d->uplinks[i].mqtt, d->handed[i].seq);
    }
    memcpy(d->committed_hash, d->heads[0].hash, HASH_SIZE);
    d->nhanded--;
    memmove(d->handed, d->handed + n, (size_t)(d->nhanded * n) * sizeof *d->handed);
    memmove(d->heads, d->heads + 1, (size_t)d->nhanded * sizeof *d->heads);
}

static void take_commit(struct dustd *d, const struct store_message *m)
{
    for (; d->batches_done < m->batches && d->nhanded; d->batches_done++)
        take_batch(d);
    d->committed = m->seq;
    for (int i = 0; i < d->config->nmqtt; i++)
        mqtt_committed(d->uplinks[i].mqtt, m->seq);
    tell_committed(d);
    reported_publish(d, -1);
    if (!d->seal.told && d->seal.seq <= d->committed) {
        now_head(d, -1);
        d->seal.told = true;
    }
}

static void take_page(struct dustd *d, const struct store_message *m)
{
    if (m->asker == HOLD_ASKER) {
        late_page(d, m->page);
        return;
    }
    if (m->asker == ASKER_HEALTH)
        health_page(d, m->page);
    else if (!(m->asker & ASKER_UPLINK))
        verb_page(d, m->asker, m->page);
    for (int i = 0; i < d->config->nmqtt; i++)
        if (d->uplinks[i].asker == m->asker) {
            mqtt_rows(d->uplinks[i].mqtt, m->page->rows, m->page->nrows);
            m->page->nrows = 0; /* the rows' strings have moved */
        }
    page_free(m->page);
}

void batch_store(struct dustd *d)
{
    struct store_message m;
    ring_woken(store_ring(d->store));
    while (ring_pop(store_ring(d->store), &m) == ERR_OK) {
        switch (m.kind) {
        case STORE_COMMITTED: take_commit(d, &m); break;
        case STORE_PAGE: take_page(d, &m); break;
        case STORE_STUCK: /* the store has logged it */
            snprintf(d->store_error, sizeof d->store_error, "%s", m.text);
            d->store_stuck = true;
            d->stuck_ms = clock_site_ms();
            break;
        case STORE_WELL: d->store_stuck = false; break;
        case STORE_DELETE: retention_plan(d, clock_site_ms(), &m.plan); break;
        case STORE_DAMAGED: /* the next start sets the file aside and goes on */
            log_error("the database is damaged: leaving, to start anew");
            d->stopping = true;
            d->exit_code = EXIT_FAILED;
            break;
        }
    }
}
