/* Retention. A plan is made here, becomes a row on main, and comes back with that row's batch as a goal:
 * nothing is deleted before a committed row says so, and what rows say is deleted after a crash too. */
#include "daemon/base/err.h"
#include "daemon/store/inside.h"

#include <string.h>

enum {
    SLICE_ROWS = 500,
    PLAN_ROWS = 10000,  /* a row says of so many at most */
    START_PERCENT = 90, /* of max_pages in use: deleting by size begins */
    END_PERCENT = 85,   /* and goes down to this */
    FREE_PAGES = 1024,  /* what the file should have free while the disk is full: 4 MiB */
    DAY_MS = 86400000,
    ROW_BYTES = 24, /* of a block beside its data */
};

struct want {
    int64_t now_ms, before_ms, end, bytes;
};

/* The last rows are left as they are for want of room: about a day of raw blocks, and the minutes a start
 * reads. */
static const int64_t young_rows[STORE_KEPT] = {2000, 20000};
static const char *const names[STORE_KEPT] = {"raw", "minute"};
static const enum sql old[STORE_KEPT] = {SQL_OLD_RAWS, SQL_OLD_BODIES};
static const enum sql gone[STORE_KEPT] = {SQL_RAWS_DELETE, SQL_BODIES_DELETE};

int keep_read(struct place *p)
{
    for (int i = 0; i < STORE_KEPT; i++) {
        sqlite3_stmt *s = db_use(&p->db, SQL_KEEP_GET);
        db_bind_text(&p->db, SQL_KEEP_GET, 1, names[i]);
        int rc = db_next(&p->db, SQL_KEEP_GET);
        if (rc == ERR_OK)
            p->keep[i] = (struct keep){sqlite3_column_int64(s, 0), sqlite3_column_int64(s, 1)};
        db_reset(&p->db, SQL_KEEP_GET);
        if (rc)
            return rc == ERR_NOT_FOUND ? ERR_DAMAGED : rc;
    }
    return ERR_OK;
}

static int set(struct db *d, enum sql which, enum store_kept what, int64_t seq)
{
    sqlite3_stmt *s = db_use(d, which);
    db_bind_text(d, which, 1, names[what]);
    sqlite3_bind_int64(s, 2, seq);
    return db_run(d, which);
}

int keep_set_goal(struct db *d, enum store_kept what, int64_t goal)
{
    return set(d, SQL_KEEP_GOAL, what, goal);
}

static int64_t ask(struct db *d, enum sql which, int64_t otherwise)
{
    sqlite3_stmt *s = db_use(d, which);
    bool there = db_next(d, which) == ERR_OK && sqlite3_column_type(s, 0) != SQLITE_NULL;
    int64_t number = there ? sqlite3_column_int64(s, 0) : otherwise;
    db_reset(d, which);
    return number;
}

/* The oldest rows in the order of seq, before row `end`, as many as make up `bytes`. The first that is not
 * stamped before before_ms ends it. A stamp later than now was made by a wrong clock: an older one after it
 * tells that the row is old too. */
static bool find(struct place *p, struct want w, struct store_plan *plan)
{
    enum sql which = old[plan->what];
    int64_t unsure = 0, at_ms,
            first_raw = plan->what == STORE_MINUTES ? ask(&p->db, SQL_RAW_FIRST, w.end) : w.end;
    sqlite3_stmt *s = db_use(&p->db, which);
    sqlite3_bind_int64(s, 1, p->keep[plan->what].done);
    sqlite3_bind_int64(s, 2, first_raw < w.end ? first_raw : w.end);
    plan->count = 0;
    for (; plan->count + unsure < PLAN_ROWS && w.bytes > 0 && db_next(&p->db, which) == ERR_OK; unsure++) {
        at_ms = sqlite3_column_int64(s, 1);
        if (plan->count + unsure == 0) {
            plan->from = sqlite3_column_int64(s, 0);
            plan->from_ms = at_ms;
        }
        w.bytes -= sqlite3_column_int64(s, 2) + ROW_BYTES;
        if (at_ms > w.now_ms)
            continue;
        if (at_ms >= w.before_ms)
            break;
        plan->to = sqlite3_column_int64(s, 0);
        plan->to_ms = at_ms;
        plan->count += unsure + 1;
        unsure = -1;
    }
    db_reset(&p->db, which);
    return plan->count > 0;
}

/* The clock is not believed when it is behind the journal. */
static bool by_age(struct place *p, const struct store_order *o, struct store_plan *plan)
{
    plan->why = "age";
    return p->last_at_ms <= o->now_ms + DAY_MS &&
           find(p, (struct want){o->now_ms, o->before_ms[plan->what], INT64_MAX, INT64_MAX}, plan);
}

/* How many bytes must become free, and why. */
static int64_t pressure(struct place *p, const char **why)
{
    int64_t unused = ask(&p->db, SQL_PAGES_FREE, 0), used = ask(&p->db, SQL_PAGES, 0) - unused;
    *why = "size";
    if (p->max_pages && used * 100 > p->max_pages * START_PERCENT)
        return (used - p->max_pages * END_PERCENT / 100) * DB_PAGE_BYTES;
    *why = "full";
    return p->disk_full && unused < FREE_PAGES ? (FREE_PAGES - unused) * DB_PAGE_BYTES : 0;
}

/* Whatever their stamps say. */
static bool by_size(struct place *p, struct store_plan *plan)
{
    int64_t bytes = pressure(p, &plan->why);
    return bytes > 0 &&
           find(p, (struct want){INT64_MAX, INT64_MAX, p->head.seq - young_rows[plan->what], bytes}, plan);
}

bool keep_plan(struct place *p, const struct store_order *o, struct store_plan *plan)
{
    for (int i = 0; i < STORE_KEPT; i++) {
        *plan = (struct store_plan){.what = (enum store_kept)i};
        if (p->keep[i].goal > p->keep[i].done)
            return false; /* one after the other */
        if (by_age(p, o, plan) || by_size(p, plan))
            return true;
    }
    return false;
}

int keep_slice(struct place *p, bool *did)
{
    *did = false;
    for (int i = 0; i < STORE_KEPT; i++) {
        struct keep *k = &p->keep[i];
        if (k->done >= k->goal)
            continue;
        *did = true;
        int64_t to = k->goal - k->done > SLICE_ROWS ? k->done + SLICE_ROWS : k->goal;
        int rc = db_begin(&p->db);
        sqlite3_stmt *s = db_use(&p->db, gone[i]);
        sqlite3_bind_int64(s, 1, k->done);
        sqlite3_bind_int64(s, 2, to);
        if (rc == ERR_OK)
            rc = db_run(&p->db, gone[i]);
        if (rc == ERR_OK)
            rc = set(&p->db, SQL_KEEP_DONE, (enum store_kept)i, to);
        if (rc == ERR_OK)
            rc = db_commit(&p->db);
        if (rc == ERR_OK)
            k->done = to;
        return rc;
    }
    return ERR_OK;
}
