#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/store/inside.h"

#include <string.h>

static enum sql statement_for(const struct question *q)
{
    if (q->raw)
        return SQL_RAWS;
    if (!q->kind[0])
        return SQL_ROWS;
    return strcmp(q->kind, "minute") == 0 ? SQL_MINUTES : SQL_EVENTS;
}

void walk_begin(struct walk *w, struct db *d, const struct question *q, int64_t deadline_us)
{
    *w = (struct walk){.db = d,
                       .q = q,
                       .which = statement_for(q),
                       .at = q->after > 0 ? q->after : 0,
                       .deadline_us = deadline_us};
}

/* The next span that holds a time asked for, or the open one: rows after *low and up to *high. */
static int next_span(struct walk *w, int64_t *low, int64_t *high)
{
    sqlite3_stmt *s = db_use(w->db, SQL_SPAN_NEXT);
    sqlite3_bind_int64(s, 1, w->at - SPAN_ROWS + 1);
    sqlite3_bind_int64(s, 2, w->q->from_ms);
    sqlite3_bind_int64(s, 3, w->q->to_ms);
    int rc = db_next(w->db, SQL_SPAN_NEXT);
    if (rc == ERR_OK) {
        int64_t first = sqlite3_column_int64(s, 0);
        db_reset(w->db, SQL_SPAN_NEXT);
        *low = first - 1;
        *high = first + SPAN_ROWS - 1;
        return ERR_OK;
    }
    if (rc != ERR_NOT_FOUND)
        return rc;
    s = db_use(w->db, SQL_SPAN_LAST);
    rc = db_next(w->db, SQL_SPAN_LAST);
    bool none = rc == ERR_OK && sqlite3_column_type(s, 0) == SQLITE_NULL;
    *low = rc == ERR_OK && !none ? sqlite3_column_int64(s, 0) + SPAN_ROWS - 1 : 0;
    *high = INT64_MAX;
    db_reset(w->db, SQL_SPAN_LAST);
    return rc;
}

static int next_range(struct walk *w)
{
    int64_t low = w->at;
    bool timed = w->q->from_ms > 0 || w->q->to_ms < INT64_MAX;
    w->high = INT64_MAX;
    int rc = timed ? next_span(w, &low, &w->high) : ERR_OK;
    if (rc)
        return rc;
    sqlite3_stmt *s = db_use(w->db, w->which);
    sqlite3_bind_int64(s, 1, low > w->at ? low : w->at);
    sqlite3_bind_int64(s, 2, w->high);
    sqlite3_bind_int64(s, 3, timed ? w->q->from_ms : INT64_MIN);
    sqlite3_bind_int64(s, 4, w->q->to_ms);
    if (w->which == SQL_EVENTS)
        rc = db_bind_text(w->db, SQL_EVENTS, 5, w->q->kind);
    w->reading = rc == ERR_OK;
    return rc;
}

int walk_step(struct walk *w)
{
    for (;;) {
        int rc = w->reading ? ERR_OK : next_range(w);
        if (rc == ERR_OK)
            rc = db_next(w->db, w->which);
        if (rc == ERR_OK) {
            w->at = sqlite3_column_int64(w->db->statement[w->which], 0);
            return ERR_OK;
        }
        w->reading = false;
        if (rc != ERR_NOT_FOUND || w->high == INT64_MAX)
            return rc;
        w->at = w->high;
        if (clock_wire_us() > w->deadline_us)
            return ERR_TIMEOUT;
    }
}

void walk_end(struct walk *w)
{
    db_reset(w->db, w->which);
}
