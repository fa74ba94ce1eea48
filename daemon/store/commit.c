#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/inside.h"
#include "daemon/store/schema.h"

#include <string.h>

/* A NULL pointer would bind NULL, not an empty blob. */
static void bind_blob(struct db *d, enum sql which, int parameter, const void *data, size_t length)
{
    sqlite3_bind_blob64(d->statement[which], parameter, data ? data : "", length, SQLITE_STATIC);
}

static int add_span(struct db *d, int64_t seq, const struct span *span)
{
    sqlite3_stmt *s = db_use(d, SQL_SPAN_ADD);
    sqlite3_bind_int64(s, 1, seq - SPAN_ROWS + 1);
    sqlite3_bind_int64(s, 2, span->from_ms);
    sqlite3_bind_int64(s, 3, span->to_ms);
    return db_run(d, SQL_SPAN_ADD);
}

static int widen_span(struct db *d, struct span *span, const struct row *row)
{
    if (span->rows == 0 || row->at_ms < span->from_ms)
        span->from_ms = row->at_ms;
    if (span->rows == 0 || row->at_ms > span->to_ms)
        span->to_ms = row->at_ms;
    span->rows++;
    if (span->rows < SPAN_ROWS)
        return ERR_OK;
    int rc = add_span(d, row->seq, span);
    *span = (struct span){0};
    return rc;
}

static int add_row(struct db *d, const struct row *row)
{
    sqlite3_stmt *s = db_use(d, SQL_ROW_ADD);
    sqlite3_bind_int64(s, 1, row->seq);
    sqlite3_bind_int64(s, 2, row->at_ms);
    db_bind_text(d, SQL_ROW_ADD, 3, row->kind);
    db_bind_text(d, SQL_ROW_ADD, 4, row->subject);
    bind_blob(d, SQL_ROW_ADD, 5, row->hash, HASH_SIZE);
    bind_blob(d, SQL_ROW_ADD, 6, row->body_sha256, HASH_SIZE);
    db_bind_text(d, SQL_ROW_ADD, 7, row->body);
    return db_run(d, SQL_ROW_ADD);
}

static int add_rows(struct db *d, const struct batch *b, struct journal *head, struct span *span)
{
    for (int i = 0; i < b->nrows; i++) {
        if (journal_check(head, &b->rows[i]))
            return ERR_RANGE;
        int rc = add_row(d, &b->rows[i]);
        if (rc == ERR_OK && b->rows[i].seq == 1)
            rc = schema_note_first(d, b->rows[i].hash);
        if (rc == ERR_OK)
            rc = widen_span(d, span, &b->rows[i]);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

/* The finished minute takes the place of its chunks. */
static int add_raw(struct db *d, const struct batch *b)
{
    sqlite3_stmt *s = db_use(d, SQL_RAW_ADD);
    sqlite3_bind_int64(s, 1, b->raw_seq);
    bind_blob(d, SQL_RAW_ADD, 2, b->raw, b->raw_length);
    int rc = db_run(d, SQL_RAW_ADD);
    db_use(d, SQL_SAMPLES_EMPTY);
    return rc ? rc : db_run(d, SQL_SAMPLES_EMPTY);
}

static int add_chunk(struct db *d, const struct batch *b, int64_t number)
{
    sqlite3_stmt *s = db_use(d, SQL_SAMPLE_ADD);
    sqlite3_bind_int64(s, 1, number);
    bind_blob(d, SQL_SAMPLE_ADD, 2, b->chunk, b->chunk_length);
    return db_run(d, SQL_SAMPLE_ADD);
}

static int set_cursors(struct db *d, const struct batch *b)
{
    for (int i = 0; i < b->ncursors; i++) {
        sqlite3_stmt *s = db_use(d, SQL_CURSOR_SET);
        db_bind_text(d, SQL_CURSOR_SET, 1, b->cursors[i].uplink);
        sqlite3_bind_int64(s, 2, b->cursors[i].seq);
        sqlite3_bind_int64(s, 3, b->cursors[i].lost);
        int rc = db_run(d, SQL_CURSOR_SET);
        if (rc)
            return rc;
    }
    return ERR_OK;
}

static int set_goals(struct db *d, const struct batch *b)
{
    int rc = ERR_OK;
    for (int i = 0; i < STORE_KEPT && rc == ERR_OK; i++)
        if (b->delete[i])
            rc = keep_set_goal(d, (enum store_kept)i, b->delete[i]);
    return rc;
}

/* What the place becomes with the commit. */
struct progress {
    struct journal head;
    struct span span;
    int64_t next_sample, last_at_ms;
};

static int write_one(struct db *d, const struct batch *b, struct progress *to)
{
    int rc = add_rows(d, b, &to->head, &to->span);
    if (rc == ERR_OK && b->raw)
        rc = add_raw(d, b);
    if (rc == ERR_OK)
        rc = held_write(d, b);
    if (rc == ERR_OK && b->chunk)
        rc = add_chunk(d, b, to->next_sample++);
    if (rc == ERR_OK)
        rc = set_goals(d, b);
    for (int i = b->nrows - 1; i >= 0; i--)
        if (strcmp(b->rows[i].kind, "verdict") != 0) {
            to->last_at_ms = b->rows[i].at_ms;
            break;
        }
    return rc ? rc : set_cursors(d, b);
}

static void advance_goals(struct place *p, const struct batch *b)
{
    for (int i = 0; i < STORE_KEPT; i++)
        if (b->delete[i] > p->keep[i].goal)
            p->keep[i].goal = b->delete[i];
}

int group_write(struct place *p, const struct batch *batches, int n)
{
    struct progress to = {p->head, p->open_span, p->next_sample, p->last_at_ms};
    int rc = db_begin(&p->db);
    for (int i = 0; i < n && rc == ERR_OK; i++)
        rc = write_one(&p->db, &batches[i], &to);
    if (rc == ERR_OK)
        rc = db_commit(&p->db);
    if (rc)
        return rc;
    p->head = to.head;
    p->open_span = to.span;
    p->next_sample = to.next_sample;
    p->last_at_ms = to.last_at_ms;
    for (int i = 0; i < n; i++)
        advance_goals(p, &batches[i]);
    return ERR_OK;
}

/* A transaction is there as a whole or not at all, so its last row tells. One without rows may be written
 * twice: its chunks and held entries have numbers, a cursor moves to the same place. */
int group_written(struct place *p, const struct batch *batches, int n, bool *written)
{
    const struct row *first = NULL, *last = NULL;
    *written = false;
    for (int i = 0; i < n; i++) {
        if (!batches[i].nrows)
            continue;
        first = first ? first : &batches[i].rows[0];
        last = &batches[i].rows[batches[i].nrows - 1];
    }
    if (!last)
        return ERR_OK;
    if (p->head.seq != last->seq)
        return p->head.seq == first->seq - 1 ? ERR_OK : ERR_DAMAGED;
    *written = memcmp(p->head.hash, last->hash, HASH_SIZE) == 0;
    if (!*written)
        return ERR_DAMAGED;
    for (int i = 0; i < n; i++)
        p->next_sample += batches[i].chunk ? 1 : 0;
    return ERR_OK;
}

void batch_finish(struct batch *b)
{
    for (int i = 0; i < b->nrows; i++)
        row_finish(&b->rows[i]);
    for (int i = 0; i < b->nheld; i++)
        mem_free(b->held[i].data);
    mem_free(b->held);
    mem_free(b->rows);
    mem_free(b->raw);
    mem_free(b->chunk);
    mem_free(b->cursors);
    *b = (struct batch){0};
}
