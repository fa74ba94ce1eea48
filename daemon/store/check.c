/* The journal behind its last segment, in slices. A row is trusted when it hangs together with the head,
 * which journal.last and everybody who took rows from us know, or else with the first row (its hash is noted
 * apart). So the hashes are followed from the last segment down; if they break, also from the first row up,
 * as far as they go. What lies between the two belongs to another chain, however well it hangs together in
 * itself, and is never served. Bodies are compared with their hashes when they are served. */
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/store/inside.h"
#include "daemon/store/schema.h"

#include <string.h>

enum { SLICE_ROWS = 256 };

int row_before(struct db *d, int64_t seq, struct journal *before)
{
    *before = (struct journal){.seq = seq - 1};
    if (seq <= 1)
        return ERR_OK;
    sqlite3_bind_int64(db_use(d, SQL_ROW_HASH), 1, seq - 1);
    int rc = db_next(d, SQL_ROW_HASH);
    if (rc == ERR_OK)
        rc = db_hash(d, SQL_ROW_HASH, 0, before->hash);
    db_reset(d, SQL_ROW_HASH);
    return rc == ERR_NOT_FOUND ? ERR_DAMAGED : rc;
}

/* Follows the rows `low` to `high`. The first and the last that do not follow the one before; both 0: none.
 * What cannot be read does not follow: *last is then high + 1. */
static void follow(struct db *d, int64_t low, int64_t high, int64_t *first, int64_t *last)
{
    struct journal head;
    struct row row;
    int rc;
    *first = *last = row_before(d, low, &head) ? low : 0;
    sqlite3_stmt *s = db_use(d, SQL_ROWS);
    sqlite3_bind_int64(s, 1, low - 1);
    sqlite3_bind_int64(s, 2, high);
    sqlite3_bind_int64(s, 3, INT64_MIN);
    sqlite3_bind_int64(s, 4, INT64_MAX);
    while ((rc = db_next(d, SQL_ROWS)) == ERR_OK && db_row(d, SQL_ROWS, &row) == ERR_OK) {
        mem_free(row.body);
        row.body = NULL;
        if (journal_check(&head, &row)) {
            *last = row.seq;
            *first = *first ? *first : row.seq;
            head.seq = row.seq;
            memcpy(head.hash, row.hash, HASH_SIZE);
        }
        row_finish(&row);
    }
    db_reset(d, SQL_ROWS);
    if (rc != ERR_NOT_FOUND || head.seq < high) {
        *last = high + 1;
        *first = *first ? *first : head.seq + 1;
    }
}

void check_begin(struct check *c, int64_t trusted_from)
{
    *c = (struct check){.back = trusted_from, .done = trusted_from <= 1};
}

static void slice_back(struct check *c, struct db *d)
{
    int64_t low = c->back > SLICE_ROWS ? c->back - SLICE_ROWS : 1, first, last;
    follow(d, low, c->back - 1, &first, &last);
    c->broken = last > 0;
    c->back = c->broken ? last : low;
    c->done = !c->broken && low == 1;
}

static bool begins_as_ours(struct db *d)
{
    struct journal first;
    return row_before(d, 2, &first) == ERR_OK && schema_is_first(d, first.hash);
}

static void slice_forth(struct check *c, struct db *d)
{
    int64_t high = c->forth + SLICE_ROWS, first = 0, last;
    if (c->forth == 0 && !begins_as_ours(d))
        high = 0;
    if (high >= c->back)
        high = c->back - 1;
    if (high > c->forth)
        follow(d, c->forth + 1, high, &first, &last);
    c->forth = first ? first - 1 : high;
    c->done = first || high == 0 || high == c->back - 1;
    if (c->done && c->forth < c->back - 1)
        log_error("database: rows %lld to %lld are no part of the journal's chain and are not served",
                  (long long)c->forth + 1, (long long)c->back - 1);
    else if (c->done)
        log_error("database: row %lld does not follow the row before it", (long long)c->back);
}

bool check_slice(struct check *c, struct db *d)
{
    if (c->done)
        return false;
    if (c->broken)
        slice_forth(c, d);
    else
        slice_back(c, d);
    return true;
}

bool check_knows(const struct check *c, int64_t seq)
{
    return c->done || seq >= c->back;
}

bool check_trusts(const struct check *c, int64_t seq)
{
    return seq >= c->back || seq <= c->forth;
}
