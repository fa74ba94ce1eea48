#include "daemon/store/schema.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/store/db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum { APPLICATION_ID = 0x64757374 }; /* "dust" */

/* One script a version; each sets its own number. Scripts that were released are never changed.
 *   journal raw sample   the truth (docs/architecture.md)
 *   span                 first and last time of rows seq to seq + 255, so that a page of some days skips the
 *                        rest though a clock may step back
 *   cursor meta          uplinks' places, and up to which row they have been told what they will never get;
 *                        what the file is
 *   keep                 retention: up to `goal` raw blocks (or bodies of minutes) are to be deleted, a row
 * says so; up to `done` they are gone
 *   held                 of boots without a date, until they have one */
static const char *const migrations[] = {
    "PRAGMA application_id = 0x64757374;"
    "PRAGMA user_version = 1;"
    "CREATE TABLE journal(seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,"
    " subject TEXT NOT NULL, hash BLOB NOT NULL, body_sha256 BLOB NOT NULL, body TEXT) STRICT;"
    "CREATE INDEX journal_event ON journal(kind) WHERE kind <> 'minute';"
    "CREATE TABLE raw(seq INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
    "CREATE TABLE sample(number INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
    "CREATE TABLE span(seq INTEGER PRIMARY KEY, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cursor(uplink TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;",
    "PRAGMA user_version = 2;"
    "CREATE TABLE held(number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, boot TEXT NOT NULL,"
    " kind TEXT NOT NULL, data BLOB NOT NULL) STRICT;",
    "PRAGMA user_version = 3;"
    "CREATE TABLE keep(what TEXT PRIMARY KEY, done INTEGER NOT NULL, goal INTEGER NOT NULL) STRICT, WITHOUT "
    "ROWID;"
    "INSERT INTO keep(what, done, goal) VALUES('raw', 0, 0), ('minute', 0, 0);"
    "ALTER TABLE cursor ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;",
};
enum { NEWEST = sizeof migrations / sizeof *migrations };

static int ask_number(struct db *d, const char *sql, int64_t *number)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(d->handle, sql, -1, &s, NULL) != SQLITE_OK || sqlite3_step(s) != SQLITE_ROW) {
        int rc = db_error(d);
        sqlite3_finalize(s);
        return rc ? rc : ERR_DAMAGED;
    }
    *number = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return ERR_OK;
}

/* 0 for an empty file. */
static int read_version(struct db *d, int64_t *version)
{
    int64_t application = 0, things = 0;
    int rc = ask_number(d, "PRAGMA application_id", &application);
    if (rc == ERR_OK)
        rc = ask_number(d, "PRAGMA user_version", version);
    if (rc == ERR_OK)
        rc = ask_number(d, "SELECT count(*) FROM sqlite_schema", &things);
    if (rc)
        return rc;
    if (application == 0 && *version == 0 && things == 0)
        return ERR_OK;
    if (application != APPLICATION_ID || *version < 1)
        return ERR_DAMAGED;
    return *version > NEWEST ? ERR_VERSION : ERR_OK;
}

/* The one line an operator gets who went back to an older program. */
static int refuse_newer(const struct db *d, int64_t version)
{
    log_error("database: %s has schema %lld, dustd %s knows up to %d: install the newer dustd again, or put "
              "back the copy %s.before-%d (what was recorded since is not in it)",
              d->file, (long long)version, DUST_VERSION, NEWEST, d->file, NEWEST + 1);
    return ERR_VERSION;
}

static int random_id(char id[static JOURNAL_ID_SIZE])
{
    uint8_t bytes[(JOURNAL_ID_SIZE - 1) / 2];
    ssize_t n;
    do
        n = getrandom(bytes, sizeof bytes, 0);
    while (n < 0 && errno == EINTR);
    if (n != (ssize_t)sizeof bytes)
        return ERR_IO;
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
    return ERR_OK;
}

static int meta_set(struct db *d, const char *name, const char *value)
{
    db_use(d, SQL_META_SET);
    int rc = db_bind_text(d, SQL_META_SET, 1, name);
    if (rc == ERR_OK)
        rc = db_bind_text(d, SQL_META_SET, 2, value);
    return rc ? rc : db_run(d, SQL_META_SET);
}

/* "" where there is no such mark. */
static int meta_get(struct db *d, const char *name, char *value, size_t size)
{
    value[0] = 0;
    db_use(d, SQL_META_GET);
    int rc = db_bind_text(d, SQL_META_GET, 1, name);
    if (rc == ERR_OK)
        rc = db_next(d, SQL_META_GET);
    if (rc)
        return rc == ERR_NOT_FOUND ? ERR_OK : rc;
    const char *text = (const char *)sqlite3_column_text(d->statement[SQL_META_GET], 0);
    if (!text || strlen(text) >= size)
        rc = ERR_DAMAGED;
    else
        memcpy(value, text, strlen(text) + 1);
    db_reset(d, SQL_META_GET);
    return rc;
}

static int write_birth(struct db *d, const struct birth *b)
{
    char id[JOURNAL_ID_SIZE], seq[24], hash[65];
    snprintf(seq, sizeof seq, "%lld", (long long)b->predecessor.seq);
    hash_hex(b->predecessor.hash, hash);
    int rc = random_id(id);
    const struct {
        const char *name, *value;
    } marks[] = {
        {"journal", id},
        {"simulated", b->simulated ? "yes" : "no"},
        {"predecessor", b->predecessor.id},
        {"predecessor_seq", seq},
        {"predecessor_hash", hash},
        {"predecessor_issue", b->last_issue},
        {"predecessor_file", b->aside},
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks && rc == ERR_OK; i++)
        rc = meta_set(d, marks[i].name, marks[i].value);
    return rc;
}

static bool is_id(const char *text)
{
    return strlen(text) == JOURNAL_ID_SIZE - 1 && strspn(text, "0123456789abcdef") == JOURNAL_ID_SIZE - 1;
}

static int read_birth(struct db *d, struct birth *b)
{
    char simulated[4], seq[24], hash[65];
    *b = (struct birth){0};
    const struct {
        const char *name;
        char *value;
        size_t size;
    } marks[] = {
        {"journal", b->id, sizeof b->id},
        {"simulated", simulated, sizeof simulated},
        {"predecessor", b->predecessor.id, sizeof b->predecessor.id},
        {"predecessor_seq", seq, sizeof seq},
        {"predecessor_hash", hash, sizeof hash},
        {"predecessor_issue", b->last_issue, sizeof b->last_issue},
        {"predecessor_file", b->aside, sizeof b->aside},
    };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        int rc = meta_get(d, marks[i].name, marks[i].value, marks[i].size);
        if (rc)
            return rc;
    }
    b->simulated = strcmp(simulated, "yes") == 0;
    b->predecessor.seq = strtoll(seq, NULL, 10);
    bool whole = is_id(b->id) && (b->simulated || strcmp(simulated, "no") == 0) &&
                 (!b->predecessor.id[0] || is_id(b->predecessor.id));
    return whole && hash_parse(hash, b->predecessor.hash) == ERR_OK ? ERR_OK : ERR_DAMAGED;
}

static int migrate(struct db *d, int64_t from, const struct birth *wanted)
{
    int rc = db_script(d, "BEGIN IMMEDIATE");
    for (int64_t i = from; i < NEWEST && rc == ERR_OK; i++)
        rc = db_script(d, migrations[i]);
    if (rc == ERR_OK)
        rc = db_prepare(d);
    if (rc == ERR_OK && from == 0)
        rc = write_birth(d, wanted);
    return rc ? rc : db_script(d, "COMMIT");
}

/* Everything as it is now, so that an older program can go on from there. */
static int keep_copy(struct db *d, int64_t from)
{
    char *name = mem_printf("%s.before-%lld", d->file, (long long)from + 1);
    int rc = db_copy(d, name);
    if (rc == ERR_OK)
        log_info("database: schema %lld becomes %d, the old one is kept as %s", (long long)from, NEWEST,
                 name);
    else
        log_error("database: no copy %s before schema %lld becomes %d (%s): make room for %lld MB", name,
                  (long long)from, NEWEST, err_str(rc),
                  (long long)(db_number(d, "PRAGMA page_count") * DB_PAGE_BYTES / 1000000 + 1));
    mem_free(name);
    return rc;
}

/* A file header that SQLite takes for a later format lets it read only, though the file may be written. */
static bool header_forbids(const struct db *d)
{
    return sqlite3_db_readonly(d->handle, "main") == 1 &&
           access(sqlite3_db_filename(d->handle, "main"), W_OK) == 0;
}

int schema_open(struct db *d, const struct birth *wanted, bool copy, struct birth *is)
{
    int64_t version = 0;
    int rc = read_version(d, &version);
    if (rc)
        return rc == ERR_VERSION ? refuse_newer(d, version) : rc;
    if (version < NEWEST && header_forbids(d))
        return ERR_DAMAGED;
    if (copy && version && version < NEWEST)
        rc = keep_copy(d, version);
    if (rc == ERR_OK)
        rc = version < NEWEST ? migrate(d, version, wanted) : db_prepare(d);
    return rc ? rc : read_birth(d, is);
}

int schema_note_first(struct db *d, const uint8_t hash[static HASH_SIZE])
{
    char hex[65];
    hash_hex(hash, hex);
    return meta_set(d, "first", hex);
}

bool schema_is_first(struct db *d, const uint8_t hash[static HASH_SIZE])
{
    char hex[65], noted[65];
    hash_hex(hash, hex);
    return meta_get(d, "first", noted, sizeof noted) == ERR_OK && strcmp(hex, noted) == 0;
}

int schema_head(struct db *d, struct journal *head, int64_t *last_at_ms)
{
    struct row row;
    head->seq = 0;
    memset(head->hash, 0, HASH_SIZE);
    *last_at_ms = 0;
    db_use(d, SQL_ROW_LAST);
    int rc = db_next(d, SQL_ROW_LAST);
    if (rc)
        return rc == ERR_NOT_FOUND ? ERR_OK : rc;
    rc = db_row(d, SQL_ROW_LAST, &row);
    db_reset(d, SQL_ROW_LAST);
    if (rc)
        return rc;
    head->seq = row.seq;
    memcpy(head->hash, row.hash, HASH_SIZE);
    row_finish(&row);
    sqlite3_stmt *dated = db_use(d, SQL_ROW_DATED);
    rc = db_next(d, SQL_ROW_DATED);
    if (rc == ERR_OK)
        *last_at_ms = sqlite3_column_int64(dated, 0);
    db_reset(d, SQL_ROW_DATED);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}
