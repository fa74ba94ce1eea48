/* Databases of other versions: one that the first released program made becomes this one's, and a copy is
 * kept; one of a later program is refused. */
#include "store_help.h"

#include "daemon/base/buf.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { ROWS = 700, STOP_MS = 10000 };

/* Schema 1, word for word. */
static const char version_1[] =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA application_id = 0x64757374;"
    "PRAGMA user_version = 1;"
    "CREATE TABLE journal(seq INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, kind TEXT NOT NULL,"
    " subject TEXT NOT NULL, hash BLOB NOT NULL, body_sha256 BLOB NOT NULL, body TEXT) STRICT;"
    "CREATE INDEX journal_event ON journal(kind) WHERE kind <> 'minute';"
    "CREATE TABLE raw(seq INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
    "CREATE TABLE sample(number INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;"
    "CREATE TABLE span(seq INTEGER PRIMARY KEY, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE cursor(uplink TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "INSERT INTO meta VALUES('journal', '00112233445566778899aabbccddeeff'), ('simulated', 'no'), "
    "('predecessor', ''),"
    " ('predecessor_seq', '0'), ('predecessor_issue', ''), ('predecessor_file', ''), ('predecessor_hash',"
    " '0000000000000000000000000000000000000000000000000000000000000000');"
    "INSERT INTO cursor VALUES('office', 650);"
    "INSERT INTO sample VALUES(1, x'6368756e6b');";

struct fixture {
    char *dir, *file;
    struct store *store;
    struct store_opened info;
};

static void run(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void add_hex(struct buf *sql, const uint8_t hash[static HASH_SIZE])
{
    char hex[65];
    hash_hex(hash, hex);
    buf_printf(sql, ",x'%s'", hex);
}

/* The rows as text, so that nothing of the present program writes them. */
static void make_old(const char *file)
{
    sqlite3 *db;
    struct journal head = {0};
    struct buf sql = {0};
    int64_t from_ms = 0;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    run(db, version_1);
    for (int i = 1; i <= ROWS; i++) {
        struct row row;
        help_row(&head, &row, 100);
        buf_printf(&sql,
                   "INSERT INTO journal(seq, at_ms, kind, subject, hash, body_sha256, body) "
                   "VALUES(%d,%lld,'%s','%s'",
                   i, (long long)row.at_ms, row.kind, row.subject);
        add_hex(&sql, row.hash);
        add_hex(&sql, row.body_sha256);
        buf_printf(&sql, ",'%s');", row.body);
        if (i == 1) {
            char hex[65];
            hash_hex(row.hash, hex);
            buf_printf(&sql, "INSERT INTO meta VALUES('first', '%s');", hex);
        }
        if (i % 256 == 1)
            from_ms = row.at_ms;
        if (i % 256 == 0)
            buf_printf(&sql, "INSERT INTO span VALUES(%d,%lld,%lld);", i - 255, (long long)from_ms,
                       (long long)row.at_ms);
        if (i % 10 == 0)
            buf_printf(&sql, "INSERT INTO raw VALUES(%d, x'726177');", i);
        row_finish(&row);
    }
    run(db, sql.data);
    buf_finish(&sql);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static int set_up(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    f->dir = help_dir();
    f->file = mem_printf("%s/dust.db", f->dir);
    make_old(f->file);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_stop(f->store, STOP_MS);
    help_dir_remove(f->dir);
    mem_free(f->file);
    mem_free(f);
    return 0;
}

static int64_t number(const char *file, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static void check_row(const struct row *r, void *arg)
{
    char *body = help_body(r->seq, 100);
    assert_int_equal(journal_check(arg, r), ERR_OK);
    assert_string_equal(r->body, body);
    mem_free(body);
}

static void an_old_database_is_migrated_with_all_its_rows_and_goes_on(void **state)
{
    struct fixture *f = *state;
    struct journal walk = {0};
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    assert_false(f->info.damaged);
    assert_string_equal(f->info.head.id, "00112233445566778899aabbccddeeff");
    assert_int_equal(store_scan_rows(f->store, NULL, INT64_MIN, check_row, &walk), ERR_OK);
    assert_int_equal(walk.seq, ROWS);
    assert_int_equal(help_cursor(f->store, "office"), 650);
    assert_int_equal(f->info.deleted[STORE_RAW], 0);
    assert_int_equal(store_start(f->store), ERR_OK);
    struct journal head = f->info.head;
    struct batch b = help_batch(&head, 3, 100);
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    assert_true(help_committed(f->store, ROWS + 3));
    store_stop(f->store, STOP_MS);
    f->store = NULL;
    assert_int_equal(number(f->file, "PRAGMA user_version"), 3);
}

static void the_old_database_is_kept_whole_as_it_was_before(void **state)
{
    struct fixture *f = *state;
    char *copy = mem_printf("%s.before-2", f->file), *draft = mem_printf("%s.tmp", copy);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    store_stop(f->store, STOP_MS);
    f->store = NULL;
    assert_int_equal(access(draft, F_OK), -1);
    assert_int_equal(number(copy, "PRAGMA user_version"), 1);
    assert_int_equal(number(copy, "SELECT count(*) FROM journal"), ROWS);
    assert_int_equal(number(copy, "SELECT count(*) FROM raw"), ROWS / 10);
    assert_int_equal(number(copy, "SELECT count(*) FROM sample"), 1);
    assert_int_equal(number(copy, "SELECT count(*) FROM sqlite_schema WHERE name = 'keep'"), 0);
    mem_free(draft);
    mem_free(copy);
}

/* Put back, it is an old database again, that this program migrates again: the way back and forth. */
static void the_copy_put_back_is_a_database(void **state)
{
    struct fixture *f = *state;
    char *copy = mem_printf("%s.before-2", f->file);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    store_stop(f->store, STOP_MS);
    assert_int_equal(rename(copy, f->file), 0);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    assert_false(f->info.damaged);
    assert_int_equal(f->info.head.seq, ROWS);
    assert_int_equal(access(copy, F_OK), 0);
    mem_free(copy);
}

static void it_is_migrated_once(void **state)
{
    struct fixture *f = *state;
    char *copy = mem_printf("%s.before-2", f->file);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    store_stop(f->store, STOP_MS);
    assert_int_equal(unlink(copy), 0);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    assert_int_equal(access(copy, F_OK), -1);
    mem_free(copy);
}

/* No copy, no migration: a full disk leaves the old program its database. */
static void without_room_for_the_copy_nothing_is_changed(void **state)
{
    struct fixture *f = *state;
    char *copy = mem_printf("%s.before-2", f->file), *draft = mem_printf("%s.tmp", copy);
    assert_int_equal(mkdir(draft, 0700), 0); /* where the copy would be written */
    int rc = store_open(f->dir, false, &f->store, &f->info);
    assert_true(rc == ERR_IO || rc == ERR_FULL);
    assert_null(f->store);
    assert_int_equal(number(f->file, "PRAGMA user_version"), 1);
    assert_int_equal(number(f->file, "SELECT count(*) FROM journal"), ROWS);
    rmdir(draft);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    assert_int_equal(f->info.head.seq, ROWS);
    mem_free(draft);
    mem_free(copy);
}

static void a_later_database_is_refused_and_left_as_it_is(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->file, &db), SQLITE_OK);
    run(db, "PRAGMA user_version = 4");
    sqlite3_close(db);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_VERSION);
    assert_null(f->store);
    assert_int_equal(number(f->file, "PRAGMA user_version"), 4);
    assert_int_equal(number(f->file, "SELECT count(*) FROM journal"), ROWS);
}

/* dustctl --db reads an old file, and makes no copy beside it. */
static void an_old_file_can_be_read_without_being_migrated(void **state)
{
    struct fixture *f = *state;
    struct store_copy *copy;
    struct journal head;
    char why[200], *before = mem_printf("%s.before-2", f->file);
    assert_int_equal(store_copy_open(f->file, &copy, &head, why, sizeof why), ERR_OK);
    assert_int_equal(head.seq, ROWS);
    store_copy_close(copy);
    assert_int_equal(access(before, F_OK), -1);
    assert_int_equal(number(f->file, "PRAGMA user_version"), 1);
    mem_free(before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(an_old_database_is_migrated_with_all_its_rows_and_goes_on),
        TEST(the_old_database_is_kept_whole_as_it_was_before),
        TEST(the_copy_put_back_is_a_database),
        TEST(it_is_migrated_once),
        TEST(without_room_for_the_copy_nothing_is_changed),
        TEST(a_later_database_is_refused_and_left_as_it_is),
        TEST(an_old_file_can_be_read_without_being_migrated),
    };
    help_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
