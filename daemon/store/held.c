/* What boots without a date have left: entries by number, put in and taken out by main's batches. */
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/inside.h"

#include <stdio.h>
#include <string.h>

enum { LIMIT = 64, BYTES_MAX = 1 << 18 };

static int add(struct db *d, const struct held *h)
{
    sqlite3_stmt *s = db_use(d, SQL_HELD_ADD);
    sqlite3_bind_int64(s, 1, h->number);
    sqlite3_bind_int64(s, 2, h->at_ms);
    db_bind_text(d, SQL_HELD_ADD, 3, h->boot);
    db_bind_text(d, SQL_HELD_ADD, 4, h->kind);
    sqlite3_bind_blob64(s, 5, h->data ? h->data : "", h->length, SQLITE_STATIC);
    return db_run(d, SQL_HELD_ADD);
}

int held_write(struct db *d, const struct batch *b)
{
    int rc = ERR_OK;
    bool minute = false;
    for (int i = 0; i < b->nheld && rc == ERR_OK; i++) {
        rc = add(d, &b->held[i]);
        minute = minute || !b->held[i].kind[0];
    }
    if (rc == ERR_OK && b->held_done) {
        sqlite3_bind_int64(db_use(d, SQL_HELD_DROP), 1, b->held_done);
        rc = db_run(d, SQL_HELD_DROP);
    }
    if (rc || !minute)
        return rc;
    db_use(d, SQL_SAMPLES_EMPTY);
    return db_run(d, SQL_SAMPLES_EMPTY);
}

static void copy_text(sqlite3_stmt *s, int column, char *text, size_t size)
{
    const char *from = (const char *)sqlite3_column_text(s, column);
    snprintf(text, size, "%s", from ? from : "");
}

/* The entry the statement stands on; `data` is SQLite's. */
static struct held entry(sqlite3_stmt *s)
{
    struct held h = {.number = sqlite3_column_int64(s, 0), .at_ms = sqlite3_column_int64(s, 1)};
    copy_text(s, 2, h.boot, sizeof h.boot);
    copy_text(s, 3, h.kind, sizeof h.kind);
    h.length = (size_t)sqlite3_column_bytes(s, 4);
    h.data = (void *)sqlite3_column_blob(s, 4);
    return h;
}

int held_scan(struct db *d, void (*each)(const struct held *h, void *arg), void *arg)
{
    int rc;
    sqlite3_stmt *s = db_use(d, SQL_HELD);
    sqlite3_bind_int64(s, 1, 0);
    while ((rc = db_next(d, SQL_HELD)) == ERR_OK) {
        struct held h = entry(s);
        each(&h, arg);
    }
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

struct page *held_page(struct db *d, const struct question *q)
{
    struct page *p = mem_new(struct page);
    size_t bytes = 0;
    int rc = ERR_OK, limit = q->limit > 0 && q->limit < LIMIT ? q->limit : LIMIT;
    p->held = mem_array((size_t)limit, sizeof *p->held);
    sqlite3_stmt *s = db_use(d, SQL_HELD);
    sqlite3_bind_int64(s, 1, q->after);
    while (p->nheld < limit && bytes < BYTES_MAX && (rc = db_next(d, SQL_HELD)) == ERR_OK) {
        struct held *h = &p->held[p->nheld++];
        *h = entry(s);
        const void *data = h->data;
        h->data = mem_array(h->length, 1);
        if (data)
            memcpy(h->data, data, h->length);
        bytes += h->length;
    }
    db_reset(d, SQL_HELD);
    if (rc == ERR_OK)
        p->next = p->held[p->nheld - 1].number;
    else if (rc != ERR_NOT_FOUND)
        p->error = rc;
    return p;
}
