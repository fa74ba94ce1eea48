#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/inside.h"

#include <string.h>

enum { LIMIT = 1000, LIMIT_MAX = 10000, BYTES_MAX = 1 << 20 };

struct build {
    struct page *page;
    const struct check *check;
    struct walk walk;
    struct journal before; /* the row before the one being served */
    int count, limit, room;
    size_t bytes;
};

int row_take(struct walk *w, struct journal *before, struct row *row)
{
    int rc = db_row(w->db, w->which, row);
    if (rc)
        return rc;
    if (before->seq == 0 || before->seq != row->seq - 1)
        rc = row_before(w->db, row->seq, before);
    if (rc == ERR_OK)
        rc = journal_check(before, row);
    if (rc)
        row_finish(row);
    return rc;
}

static int take_row(struct build *b)
{
    struct page *p = b->page;
    if (p->nrows == b->room) {
        b->room = b->room ? 2 * b->room : 64;
        p->rows = mem_resize(p->rows, (size_t)b->room, sizeof *p->rows);
    }
    struct row *row = &p->rows[p->nrows];
    int rc = check_trusts(b->check, b->walk.at) ? row_take(&b->walk, &b->before, row) : ERR_DAMAGED;
    if (rc)
        return rc;
    b->bytes += sizeof *row + (row->body ? strlen(row->body) : 0);
    b->count = ++p->nrows;
    return ERR_OK;
}

static int take_block(struct build *b)
{
    struct page *p = b->page;
    if (p->nblocks == b->room) {
        b->room = b->room ? 2 * b->room : 64;
        p->blocks = mem_resize(p->blocks, (size_t)b->room, sizeof *p->blocks);
    }
    sqlite3_stmt *s = b->walk.db->statement[SQL_RAWS];
    const void *data = sqlite3_column_blob(s, 2);
    size_t length = (size_t)sqlite3_column_bytes(s, 2);
    if (!data)
        return ERR_DAMAGED;
    struct raw_block *block = &p->blocks[p->nblocks];
    *block = (struct raw_block){.seq = sqlite3_column_int64(s, 0),
                                .at_ms = sqlite3_column_int64(s, 1),
                                .data = mem_array(length, 1),
                                .length = length};
    memcpy(block->data, data, length);
    b->bytes += sizeof *block + length;
    b->count = ++p->nblocks;
    return ERR_OK;
}

static bool is_full(const struct build *b)
{
    return b->count >= b->limit || b->bytes >= BYTES_MAX ||
           (b->count > 0 && clock_wire_us() > b->walk.deadline_us);
}

/* What stands before a damaged row is served; asking on, one is told, and sent past the rows that are no part
 * of the chain. */
static void end_page(struct build *b, int rc, int64_t served)
{
    if (rc == ERR_TIMEOUT || (rc == ERR_OK && is_full(b))) {
        b->page->next = b->walk.at;
    } else if (rc != ERR_NOT_FOUND && b->count > 0) {
        b->page->next = served;
    } else if (rc != ERR_NOT_FOUND) {
        b->page->error = rc;
        b->page->next = b->walk.at > served ? b->walk.at : 0;
        if (b->page->next && !check_trusts(b->check, b->walk.at))
            b->page->next = b->check->back - 1;
    }
}

struct page *page_build(struct db *d, const struct check *c, const struct question *q, int64_t deadline_us)
{
    struct build b = {.page = mem_new(struct page), .check = c, .limit = q->limit};
    if (!d->handle) {
        b.page->error = ERR_IO;
        return b.page;
    }
    if (q->held) {
        mem_free(b.page);
        return held_page(d, q);
    }
    if (b.limit <= 0)
        b.limit = LIMIT;
    if (b.limit > LIMIT_MAX)
        b.limit = LIMIT_MAX;
    walk_begin(&b.walk, d, q, deadline_us);
    int64_t served = b.walk.at;
    int rc = ERR_OK;
    while (rc == ERR_OK && !is_full(&b)) {
        rc = walk_step(&b.walk);
        if (rc == ERR_OK)
            rc = q->raw ? take_block(&b) : take_row(&b);
        if (rc == ERR_OK)
            served = b.walk.at;
    }
    end_page(&b, rc, served);
    walk_end(&b.walk);
    return b.page;
}

void page_free(struct page *p)
{
    if (!p)
        return;
    for (int i = 0; i < p->nrows; i++)
        row_finish(&p->rows[i]);
    for (int i = 0; i < p->nblocks; i++)
        mem_free(p->blocks[i].data);
    for (int i = 0; i < p->nheld; i++)
        mem_free(p->held[i].data);
    mem_free(p->held);
    mem_free(p->rows);
    mem_free(p->blocks);
    mem_free(p);
}

int samples_scan(struct db *d, void (*each)(const void *data, size_t length, void *arg), void *arg)
{
    int rc;
    sqlite3_stmt *s = db_use(d, SQL_SAMPLES);
    while ((rc = db_next(d, SQL_SAMPLES)) == ERR_OK) {
        const void *data = sqlite3_column_blob(s, 1);
        each(data, (size_t)sqlite3_column_bytes(s, 1), arg);
    }
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}
