#include "daemon/store/db.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"

#include <stdio.h>
#include <string.h>

/* In this order: EXCLUSIVE before the first touch of the WAL keeps its index in our memory and locks every
 * other process out, which also avoids the WAL-reset bug of SQLite before 3.51.3 (it takes two connections).
 * `expect` is what SQLite must answer; a setting that did not take is an error, not a hope. */
static const struct {
    const char *sql, *expect;
} settings[] = {
    {"PRAGMA trusted_schema = OFF", NULL},
    {"PRAGMA cell_size_check = ON", NULL},
    {"PRAGMA temp_store = MEMORY", NULL},
    {"PRAGMA mmap_size = 0", NULL},
    {"PRAGMA locking_mode = EXCLUSIVE", "exclusive"},
    {"PRAGMA journal_mode = WAL", "wal"},
    /* KiB. By default 2 MiB, a fourth of what the daemon is to take. No page goes to the WAL before its
     * commit for that. */
    {"PRAGMA cache_size = -512", NULL},
    {"PRAGMA cache_size", "-512"},
    {"PRAGMA cache_spill = OFF", NULL},
    {"PRAGMA synchronous = FULL", NULL},
    {"PRAGMA synchronous", "2"},
    /* once grown the WAL keeps its 2 MiB: on a full disk commits then need no more */
    {"PRAGMA journal_size_limit = 4194304", "4194304"},
    {"PRAGMA wal_autocheckpoint = 0", "0"},
};

static int meaning(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return ERR_STATE;
    case SQLITE_FULL: return ERR_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_FORMAT:
    case SQLITE_TOOBIG:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: return ERR_DAMAGED; /* our statements are constant: what they do not fit is not ours */
    default: return ERR_IO;
    }
}

int db_error(const struct db *d)
{
    return d->handle ? meaning(sqlite3_extended_errcode(d->handle)) : ERR_IO;
}

bool db_uncertain(const struct db *d)
{
    if (!d->handle)
        return true;
    int code = sqlite3_errcode(d->handle) & 0xff;
    return code != SQLITE_FULL && code != SQLITE_READONLY && code != SQLITE_BUSY;
}

const char *db_text(const struct db *d)
{
    return d->handle ? sqlite3_errmsg(d->handle) : "the database is closed";
}

static int set(struct db *d, const char *sql, const char *expect)
{
    sqlite3_stmt *statement;
    int rc = sqlite3_prepare_v2(d->handle, sql, -1, &statement, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    bool wrong = false;
    if (expect && rc == SQLITE_ROW) {
        const char *answer = (const char *)sqlite3_column_text(statement, 0);
        wrong = !answer || strcmp(answer, expect) != 0;
        if (wrong)
            log_error("database: \"%s\" gives %s, not %s", sql, answer ? answer : "nothing", expect);
    }
    sqlite3_finalize(statement);
    if (meaning(rc))
        return meaning(rc);
    return wrong || (expect && rc != SQLITE_ROW) ? ERR_IO : ERR_OK;
}

static int count_frames(void *d, sqlite3 *handle, const char *name, int frames)
{
    (void)handle;
    (void)name;
    ((struct db *)d)->frames = frames;
    return SQLITE_OK;
}

int db_open(struct db *d, const char *file, enum db_mode mode)
{
    static const int flags[] = {[DB_LOOK] = SQLITE_OPEN_READONLY,
                                [DB_WRITE] = SQLITE_OPEN_READWRITE,
                                [DB_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE};
    *d = (struct db){.file = mem_string(file)};
    int rc = sqlite3_open_v2(file, &d->handle, flags[mode] | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
                             mode == DB_LOOK ? "unix-none" : NULL);
    if (rc != SQLITE_OK)
        return meaning(rc);
    sqlite3_extended_result_codes(d->handle, 1);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        rc = set(d, settings[i].sql, settings[i].expect);
        if (rc)
            return rc;
    }
    sqlite3_wal_hook(d->handle, count_frames, d);
    return ERR_OK;
}

int db_prepare(struct db *d)
{
    for (int i = 0; i < SQL__COUNT; i++) {
        int rc =
            sqlite3_prepare_v3(d->handle, sql_text[i], -1, SQLITE_PREPARE_PERSISTENT, &d->statement[i], NULL);
        if (rc != SQLITE_OK)
            return meaning(rc);
    }
    return ERR_OK;
}

void db_close(struct db *d)
{
    for (int i = 0; i < SQL__COUNT; i++)
        sqlite3_finalize(d->statement[i]);
    sqlite3_close(d->handle);
    mem_free(d->file);
    *d = (struct db){0};
}

sqlite3_stmt *db_use(struct db *d, enum sql which)
{
    sqlite3_reset(d->statement[which]);
    return d->statement[which];
}

int db_next(struct db *d, enum sql which)
{
    int rc = sqlite3_step(d->statement[which]);
    if (rc == SQLITE_ROW)
        return ERR_OK;
    sqlite3_reset(d->statement[which]);
    return rc == SQLITE_DONE ? ERR_NOT_FOUND : meaning(rc);
}

int db_run(struct db *d, enum sql which)
{
    int rc = db_next(d, which);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc == ERR_OK ? ERR_DAMAGED : rc;
}

void db_reset(struct db *d, enum sql which)
{
    sqlite3_reset(d->statement[which]);
}

int db_begin(struct db *d)
{
    db_use(d, SQL_BEGIN);
    return db_run(d, SQL_BEGIN);
}

int db_commit(struct db *d)
{
    db_use(d, SQL_COMMIT);
    return db_run(d, SQL_COMMIT);
}

void db_rollback(struct db *d)
{
    if (!d->handle || sqlite3_get_autocommit(d->handle))
        return;
    db_use(d, SQL_ROLLBACK);
    (void)db_run(d, SQL_ROLLBACK); /* it fails only where SQLite has rolled back by itself */
}

int db_script(struct db *d, const char *script)
{
    return meaning(sqlite3_exec(d->handle, script, NULL, NULL, NULL));
}

int64_t db_number(struct db *d, const char *sql)
{
    sqlite3_stmt *s = NULL;
    int64_t number = 0;
    if (d->handle && sqlite3_prepare_v2(d->handle, sql, -1, &s, NULL) == SQLITE_OK &&
        sqlite3_step(s) == SQLITE_ROW)
        number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return number;
}

int db_limit_pages(struct db *d, int64_t pages)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA max_page_count = %lld", (long long)pages);
    return set(d, sql, NULL);
}

int db_checkpoint(struct db *d, bool empty)
{
    int mode = empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int frames = 0, folded = 0;
    int rc = meaning(sqlite3_wal_checkpoint_v2(d->handle, NULL, mode, &frames, &folded));
    if (rc == ERR_OK)
        d->frames = frames - folded;
    return rc;
}

static char *text_column(sqlite3_stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s, column);
    return text ? mem_string_n(text, (size_t)sqlite3_column_bytes(s, column)) : NULL;
}

int db_hash(struct db *d, enum sql which, int column, uint8_t hash[static HASH_SIZE])
{
    sqlite3_stmt *s = d->statement[which];
    const void *blob = sqlite3_column_blob(s, column);
    if (sqlite3_column_type(s, column) != SQLITE_BLOB || !blob ||
        sqlite3_column_bytes(s, column) != HASH_SIZE)
        return ERR_DAMAGED;
    memcpy(hash, blob, HASH_SIZE);
    return ERR_OK;
}

int db_row(struct db *d, enum sql which, struct row *row)
{
    sqlite3_stmt *s = d->statement[which];
    *row = (struct row){.seq = sqlite3_column_int64(s, COLUMN_SEQ),
                        .at_ms = sqlite3_column_int64(s, COLUMN_AT),
                        .kind = text_column(s, COLUMN_KIND),
                        .subject = text_column(s, COLUMN_SUBJECT)};
    bool whole = row->kind && row->subject && db_hash(d, which, COLUMN_HASH, row->hash) == ERR_OK &&
                 db_hash(d, which, COLUMN_BODY_SHA256, row->body_sha256) == ERR_OK;
    if (whole && sqlite3_column_type(s, COLUMN_BODY) != SQLITE_NULL) {
        row->body = text_column(s, COLUMN_BODY);
        whole = row->body != NULL;
    }
    if (whole)
        return ERR_OK;
    row_finish(row);
    return ERR_DAMAGED;
}

int db_bind_text(struct db *d, enum sql which, int parameter, const char *text)
{
    return meaning(sqlite3_bind_text(d->statement[which], parameter, text, -1, SQLITE_STATIC));
}
