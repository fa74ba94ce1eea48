#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/store/inside.h"
#include "daemon/store/schema.h"

#include <string.h>

enum { SEGMENT_ROWS = 1000 };

/* The last rows must be a chain. */
static int check_segment(struct place *p)
{
    int64_t low = p->head.seq > SEGMENT_ROWS ? p->head.seq - SEGMENT_ROWS + 1 : 1;
    struct journal head;
    int rc = row_before(&p->db, low, &head);
    if (rc)
        return rc;
    struct question all = {.after = head.seq, .to_ms = INT64_MAX};
    struct walk w;
    struct row row;
    walk_begin(&w, &p->db, &all, INT64_MAX);
    while ((rc = walk_step(&w)) == ERR_OK) {
        rc = db_row(&p->db, w.which, &row);
        if (rc)
            break;
        rc = journal_check(&head, &row);
        row_finish(&row);
        if (rc)
            break;
    }
    walk_end(&w);
    if (rc != ERR_NOT_FOUND)
        return rc;
    check_begin(&p->check, low);
    return head.seq == p->head.seq ? ERR_OK : ERR_DAMAGED;
}

/* The small tables are read through, so that a damaged page of theirs is found now and not at noon. */
static int read_through(struct place *p, enum sql which)
{
    int rc;
    db_use(&p->db, which);
    while ((rc = db_next(&p->db, which)) == ERR_OK)
        for (int i = 0; i < sqlite3_column_count(p->db.statement[which]); i++)
            (void)sqlite3_column_blob(p->db.statement[which], i);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static int read_samples(struct place *p)
{
    int rc;
    p->next_sample = 1;
    db_use(&p->db, SQL_SAMPLES);
    while ((rc = db_next(&p->db, SQL_SAMPLES)) == ERR_OK)
        p->next_sample = sqlite3_column_int64(p->db.statement[SQL_SAMPLES], 0) + 1;
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

static int read_open_span(struct place *p)
{
    db_use(&p->db, SQL_SPAN_LAST);
    int rc = db_next(&p->db, SQL_SPAN_LAST);
    if (rc)
        return rc == ERR_NOT_FOUND ? ERR_DAMAGED : rc;
    sqlite3_stmt *s = p->db.statement[SQL_SPAN_LAST];
    int64_t start = sqlite3_column_type(s, 0) == SQLITE_NULL ? 1 : sqlite3_column_int64(s, 0) + SPAN_ROWS;
    db_reset(&p->db, SQL_SPAN_LAST);
    sqlite3_bind_int64(db_use(&p->db, SQL_SPAN_OPEN), 1, start);
    rc = db_next(&p->db, SQL_SPAN_OPEN);
    if (rc)
        return rc == ERR_NOT_FOUND ? ERR_DAMAGED : rc;
    s = p->db.statement[SQL_SPAN_OPEN];
    p->open_span = (struct span){.rows = sqlite3_column_int64(s, 0),
                                 .from_ms = sqlite3_column_int64(s, 1),
                                 .to_ms = sqlite3_column_int64(s, 2)};
    db_reset(&p->db, SQL_SPAN_OPEN);
    bool whole = p->open_span.rows < SPAN_ROWS && p->open_span.rows == p->head.seq - start + 1;
    return whole ? ERR_OK : ERR_DAMAGED;
}

int place_open(struct place *p, const struct birth *wanted, struct birth *is)
{
    int rc = db_open(&p->db, p->file, DB_CREATE);
    if (rc == ERR_OK)
        rc = schema_open(&p->db, wanted, true, is);
    if (rc == ERR_OK)
        rc = dir_sync(p->dir);
    if (rc == ERR_OK)
        rc = schema_head(&p->db, &p->head, &p->last_at_ms);
    if (rc == ERR_OK)
        rc = read_open_span(p);
    if (rc == ERR_OK)
        rc = read_samples(p);
    if (rc == ERR_OK)
        rc = keep_read(p);
    if (rc == ERR_OK)
        rc = read_through(p, SQL_CURSORS_READ);
    if (rc == ERR_OK)
        rc = read_through(p, SQL_SPANS_READ);
    if (rc == ERR_OK)
        rc = check_segment(p);
    if (rc == ERR_OK)
        memcpy(p->head.id, is->id, sizeof p->head.id);
    else
        log_debug("database: %s: %s", p->file, db_text(&p->db));
    return rc;
}

/* What a failed fsync left behind is in the kernel's cache and marked clean: readable, and gone with the next
 * power cut. Emptying the WAL into the file writes it anew, so that what is found afterwards is on the disk.
 */
int place_reopen(struct place *p)
{
    struct birth is = {0};
    place_close(p);
    int rc = db_open(&p->db, p->file, DB_WRITE);
    if (rc == ERR_OK)
        rc = schema_open(&p->db, &is, false, &is);
    if (rc == ERR_OK)
        rc = db_checkpoint(&p->db, true);
    if (rc == ERR_OK && strcmp(is.id, p->head.id) != 0)
        rc = ERR_DAMAGED;
    if (rc == ERR_OK)
        rc = schema_head(&p->db, &p->head, &p->last_at_ms);
    if (rc == ERR_OK && p->max_pages)
        rc = db_limit_pages(&p->db, p->max_pages);
    if (rc == ERR_OK)
        rc = keep_read(p);
    return rc ? rc : read_open_span(p);
}

int place_look(struct place *p)
{
    struct birth is = {0};
    int rc = db_open(&p->db, p->file, DB_LOOK);
    if (rc == ERR_OK)
        rc = schema_open(&p->db, &is, false, &is);
    if (rc == ERR_OK && strcmp(is.id, p->head.id) != 0)
        rc = ERR_DAMAGED;
    if (rc)
        place_close(p);
    return rc;
}

void place_close(struct place *p)
{
    db_close(&p->db);
}
