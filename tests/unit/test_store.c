/* The database and its thread, in directories of their own. */
#include "store_help.h"

#include "daemon/base/buf.h"
#include "daemon/store/last.h"

#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { STOP_MS = 10000 };

struct fixture {
    char *dir;
    struct store *store;
    struct store_opened info;
    struct journal head;
};

static int open_store(struct fixture *f)
{
    int rc = store_open(f->dir, false, &f->store, &f->info);
    f->head = f->info.head;
    return rc;
}

static void start(struct fixture *f)
{
    assert_int_equal(open_store(f), ERR_OK);
    assert_int_equal(store_start(f->store), ERR_OK);
}

static void stop(struct fixture *f)
{
    store_stop(f->store, STOP_MS);
    f->store = NULL;
}

static void commit(struct fixture *f, struct batch b)
{
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    assert_true(help_committed(f->store, f->head.seq));
}

static void add_rows(struct fixture *f, int n, int length)
{
    commit(f, help_batch(&f->head, n, length));
}

static int set_up(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    f->dir = help_dir();
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    store_stop(f->store, STOP_MS);
    help_dir_remove(f->dir);
    mem_free(f);
    return 0;
}

static char *file_in(const struct fixture *f, const char *name)
{
    return mem_printf("%s/%s", f->dir, name);
}

/* A look at the closed database from outside. */
static int64_t number(const struct fixture *f, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    char *file = file_in(f, "dust.db");
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    assert_int_equal(rc, SQLITE_OK);
    int64_t n = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    sqlite3_close(db);
    mem_free(file);
    return n;
}

static void keep_row(const struct row *r, void *arg)
{
    struct journal *walk = arg;
    assert_int_equal(journal_check(walk, r), ERR_OK);
}

static void count_row(const struct row *r, void *arg)
{
    (void)r;
    ++*(int *)arg;
}

static void keep_sample(const void *data, size_t length, void *arg)
{
    struct buf *all = arg;
    buf_add(all, data, length);
}

static void a_new_database_is_said_to_be_new_and_has_an_id(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(open_store(f), ERR_OK);
    assert_true(f->info.created);
    assert_false(f->info.damaged);
    assert_false(f->info.clean);
    assert_int_equal(f->info.head.seq, 0);
    assert_int_equal(strlen(f->info.head.id), 32);
    stop(f);
    char id[JOURNAL_ID_SIZE];
    memcpy(id, f->info.head.id, sizeof id);
    assert_int_equal(open_store(f), ERR_OK);
    assert_string_equal(f->info.head.id, id);
}

static void what_was_committed_is_there_after_reopening(void **state)
{
    struct fixture *f = *state;
    start(f);
    for (int i = 0; i < 20; i++)
        add_rows(f, 1 + i % 4, 100 + 100 * i);
    struct journal before = f->head, walk = {0};
    stop(f);
    assert_int_equal(open_store(f), ERR_OK);
    assert_false(f->info.created);
    assert_false(f->info.clean);
    assert_memory_equal(f->info.head.hash, before.hash, HASH_SIZE);
    assert_int_equal(f->info.head.seq, before.seq);
    assert_int_equal(f->info.last_at_ms, help_at(before.seq));
    assert_int_equal(store_scan_rows(f->store, NULL, 0, keep_row, &walk), ERR_OK);
    assert_int_equal(walk.seq, before.seq);
    assert_memory_equal(walk.hash, before.hash, HASH_SIZE);
}

static void a_stop_row_makes_a_clean_end(void **state)
{
    struct fixture *f = *state;
    start(f);
    struct batch b = {.nrows = 1, .rows = mem_array(1, sizeof(struct row))};
    journal_append(&f->head, b.rows, 5, "stop", "",
                   mem_string("{\"ts\":5,\"kind\":\"stop\",\"subject\":\"\"}"));
    commit(f, b);
    stop(f);
    assert_int_equal(open_store(f), ERR_OK);
    assert_true(f->info.clean);
}

/* The announcement is looked at from another process's side: a copy of the files as they are right then. */
static void nothing_is_announced_before_it_is_in_the_files(void **state)
{
    struct fixture *f = *state;
    start(f);
    for (int i = 0; i < 10; i++) {
        struct store_copy *copy;
        struct journal head;
        char why[200], *file = file_in(f, "dust.db");
        struct store_message m;
        struct batch b = help_batch(&f->head, 3, 200);
        assert_int_equal(store_commit(f->store, &b), ERR_OK);
        assert_true(help_wait(f->store, STORE_COMMITTED, &m));
        assert_int_equal(m.seq, f->head.seq);
        assert_int_equal(m.batches, i + 1);
        assert_int_equal(store_copy_open(file, &copy, &head, why, sizeof why), ERR_OK);
        assert_int_equal(head.seq, m.seq);
        assert_memory_equal(head.hash, f->head.hash, HASH_SIZE);
        store_copy_close(copy);
        mem_free(file);
    }
}

static void chunks_of_the_running_minute_survive_and_its_transaction_empties_them(void **state)
{
    struct fixture *f = *state;
    start(f);
    add_rows(f, 1, 50);
    const char *const chunks[] = {"one ", "two ", "three "};
    for (int i = 0; i < 3; i++)
        commit(f, (struct batch){.chunk = help_bytes(chunks[i]), .chunk_length = strlen(chunks[i])});
    stop(f);
    struct buf all = {0};
    start(f);
    stop(f);
    assert_int_equal(open_store(f), ERR_OK);
    assert_int_equal(store_scan_samples(f->store, keep_sample, &all), ERR_OK);
    assert_string_equal(all.data, "one two three ");
    assert_int_equal(store_start(f->store), ERR_OK);
    struct batch b = help_batch(&f->head, 1, 50);
    b.raw = help_bytes("minute");
    b.raw_length = 6;
    b.raw_seq = f->head.seq;
    b.chunk = help_bytes("next ");
    b.chunk_length = 5;
    commit(f, b);
    struct page *p = help_ask(f->store, (struct question){.raw = true});
    assert_int_equal(p->nblocks, 1);
    assert_int_equal(p->blocks[0].seq, f->head.seq);
    assert_int_equal(p->blocks[0].at_ms, help_at(f->head.seq));
    assert_int_equal(p->blocks[0].length, 6);
    assert_memory_equal(p->blocks[0].data, "minute", 6);
    page_free(p);
    stop(f);
    buf_clear(&all);
    assert_int_equal(open_store(f), ERR_OK);
    assert_int_equal(store_scan_samples(f->store, keep_sample, &all), ERR_OK);
    assert_string_equal(all.data, "next ");
    buf_finish(&all);
}

static void cursors_are_kept_by_name_and_move(void **state)
{
    struct fixture *f = *state;
    start(f);
    add_rows(f, 4, 50);
    for (int64_t seq = 1; seq < 4; seq++) {
        struct batch b = {.ncursors = 2, .cursors = mem_array(2, sizeof(struct store_cursor))};
        b.cursors[0] = (struct store_cursor){.uplink = "head-office", .seq = seq};
        b.cursors[1] = (struct store_cursor){.uplink = "扬尘平台", .seq = seq - 1};
        commit(f, b);
    }
    stop(f);
    assert_int_equal(open_store(f), ERR_OK);
    assert_int_equal(help_cursor(f->store, "head-office"), 3);
    assert_int_equal(help_cursor(f->store, "扬尘平台"), 2);
    assert_int_equal(help_cursor(f->store, "nobody"), 0);
}

/* Every page of every size resumes exactly: all rows asked for, once, in order, chained. */
static int64_t read_pages(struct fixture *f, struct question q)
{
    int64_t rows = 0, last = q.after;
    for (;;) {
        struct page *p = help_ask(f->store, q);
        assert_int_equal(p->error, ERR_OK);
        assert_true(p->nrows <= q.limit);
        for (int i = 0; i < p->nrows; i++) {
            char *body = help_body(p->rows[i].seq, 300);
            assert_true(p->rows[i].seq > last);
            assert_string_equal(p->rows[i].body, body);
            assert_true(!q.kind[0] || strcmp(p->rows[i].kind, q.kind) == 0);
            assert_true(p->rows[i].at_ms >= q.from_ms && (q.to_ms == 0 || p->rows[i].at_ms < q.to_ms));
            last = p->rows[i].seq;
            mem_free(body);
        }
        rows += p->nrows;
        q.after = p->next;
        page_free(p);
        if (q.after == 0)
            return rows;
    }
}

static int64_t expected(int64_t rows, const char *kind, int64_t after, int64_t from_ms, int64_t to_ms)
{
    int64_t n = 0;
    for (int64_t seq = after + 1; seq <= rows; seq++)
        n += help_at(seq) >= from_ms && help_at(seq) < to_ms &&
             (!kind[0] || strcmp(kind, help_kind(seq)) == 0);
    return n;
}

static void pages_by_key_resume_exactly_for_every_kind_time_and_size(void **state)
{
    struct fixture *f = *state;
    enum { ROWS = 1500 };
    static const char *const kinds[] = {"", "minute", "issue", "device", "nothing"};
    static const int64_t times[][2] = {{0, INT64_MAX},
                                       {0, 1700000600000},
                                       {1700000600000, INT64_MAX},
                                       {1700020000000, 1700040000000},
                                       {1700090000000, 1700000000000}};
    start(f);
    for (int i = 0; i < ROWS / 50; i++)
        add_rows(f, 50, 300);
    for (size_t k = 0; k < 5; k++) {
        for (size_t t = 0; t < 5; t++) {
            for (int limit = 7; limit < 4000; limit *= 9) {
                struct question q = {
                    .from_ms = times[t][0], .to_ms = times[t][1], .limit = limit, .after = limit / 3};
                strcpy(q.kind, kinds[k]);
                assert_int_equal(read_pages(f, q), expected(ROWS, kinds[k], limit / 3, q.from_ms, q.to_ms));
            }
        }
    }
}

/* A backward step: rows 301 to 600 have the times of rows 1 to 300 again. Both are found. */
static void a_clock_that_stepped_back_hides_no_row_from_a_question_by_time(void **state)
{
    struct fixture *f = *state;
    start(f);
    for (int i = 0; i < 600; i++) {
        struct batch b = {.nrows = 1, .rows = mem_array(1, sizeof(struct row))};
        int64_t at_ms = (i % 300 + 1) * 60000;
        journal_append(&f->head, b.rows, at_ms, "minute", "",
                       mem_printf("{\"ts\":%lld,\"kind\":\"minute\",\"subject\":\"\"}", (long long)at_ms));
        assert_int_equal(store_commit(f->store, &b), ERR_OK);
    }
    assert_true(help_committed(f->store, 600));
    struct page *p = help_ask(f->store, (struct question){.from_ms = 100 * 60000, .to_ms = 102 * 60000});
    assert_int_equal(p->nrows, 4);
    static const int64_t seqs[] = {100, 101, 400, 401};
    for (int i = 0; i < 4; i++)
        assert_int_equal(p->rows[i].seq, seqs[i]);
    assert_int_equal(p->next, 0);
    page_free(p);
    stop(f);
    int rows = 0;
    assert_int_equal(open_store(f), ERR_OK);
    assert_int_equal(store_scan_rows(f->store, "minute", 299 * 60000, count_row, &rows), ERR_OK);
    assert_int_equal(rows, 4);
}

static void a_page_ends_after_a_mebibyte(void **state)
{
    struct fixture *f = *state;
    start(f);
    for (int i = 0; i < 15; i++)
        add_rows(f, 10, 12000);
    struct page *p = help_ask(f->store, (struct question){.limit = 1000});
    size_t bytes = 0;
    for (int i = 0; i < p->nrows; i++)
        bytes += strlen(p->rows[i].body);
    assert_in_range(p->nrows, 1, 100);
    assert_true(bytes < (1 << 20) + ROW_BODY_MAX);
    assert_int_equal(p->next, p->rows[p->nrows - 1].seq);
    page_free(p);
}

static void a_simulated_database_and_a_real_run_do_not_mix(void **state)
{
    struct fixture *f = *state;
    start(f);
    add_rows(f, 1, 50);
    stop(f);
    assert_int_equal(store_open(f->dir, true, &f->store, &f->info), ERR_DENIED);
    assert_null(f->store);
    char *last = file_in(f, "journal.last");
    unlink(last);
    mem_free(last);
    assert_int_equal(store_open(f->dir, true, &f->store, &f->info), ERR_DENIED);
    assert_int_equal(open_store(f), ERR_OK);
    assert_int_equal(f->info.head.seq, 1);
}

static void a_second_daemon_is_kept_out(void **state)
{
    struct fixture *f = *state;
    struct store *second;
    struct store_opened info;
    start(f);
    assert_int_equal(store_open(f->dir, false, &second, &info), ERR_STATE);
    add_rows(f, 1, 50);
}

static void a_database_of_a_newer_program_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    start(f);
    add_rows(f, 3, 50);
    stop(f);
    number(f, "PRAGMA user_version = 99");
    assert_int_equal(open_store(f), ERR_VERSION);
    assert_int_equal(number(f, "SELECT count(*) FROM journal"), 3);
    number(f, "PRAGMA user_version = 2");
    assert_int_equal(open_store(f), ERR_OK);
}

static void the_file_is_in_wal_mode_with_our_mark_and_version(void **state)
{
    struct fixture *f = *state;
    start(f);
    add_rows(f, 3, 50);
    stop(f);
    assert_int_equal(number(f, "PRAGMA application_id"), 0x64757374);
    assert_int_equal(number(f, "PRAGMA user_version"), 3);
    assert_int_equal(number(f, "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
    assert_int_equal(number(f, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'"),
                     1);
}

static void the_wal_stays_small(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    int64_t largest = 0;
    char *wal = file_in(f, "dust.db-wal");
    start(f);
    for (int i = 0; i < 300; i++) {
        add_rows(f, 10, 2000);
        assert_int_equal(stat(wal, &st), 0);
        largest = st.st_size > largest ? st.st_size : largest;
    }
    mem_free(wal);
    assert_true(largest < 3 << 20);
    assert_true(store_state(f->store).bytes > 300 * 10 * 2000);
    assert_int_equal(store_state(f->store).waiting, 0);
}

static void journal_last_follows_the_issue_number_and_the_end(void **state)
{
    struct fixture *f = *state;
    struct last last;
    start(f);
    struct batch b = help_batch(&f->head, 2, 50);
    strcpy(b.last_issue, "LQ-2026-0007");
    commit(f, b);
    add_rows(f, 1, 50);
    stop(f);
    assert_int_equal(last_read(f->dir, &last), ERR_OK);
    assert_string_equal(last.issue, "LQ-2026-0007");
    assert_string_equal(last.head.id, f->head.id);
    assert_int_equal(last.head.seq, 3);
    assert_memory_equal(last.head.hash, f->head.hash, HASH_SIZE);
    assert_int_equal(open_store(f), ERR_OK);
    assert_string_equal(f->info.last_issue, "LQ-2026-0007");
}

/* ---- damage ---- */

static void overwrite(const struct fixture *f, const char *name, off_t at, const void *bytes, size_t length)
{
    char *file = file_in(f, name);
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, length, at), length);
    close(fd);
    mem_free(file);
}

static void make_history(struct fixture *f, int rows)
{
    start(f);
    struct batch b = help_batch(&f->head, rows, 300);
    strcpy(b.last_issue, "LQ-2026-0012");
    commit(f, b);
    stop(f);
}

/* Set aside, a new journal, the old one named, the file still there. */
static void assert_replaced(struct fixture *f, const struct journal *old)
{
    assert_int_equal(open_store(f), ERR_OK);
    assert_true(f->info.damaged);
    assert_true(f->info.created);
    assert_int_equal(f->info.head.seq, 0);
    assert_string_not_equal(f->info.head.id, old->id);
    assert_string_equal(f->info.predecessor.id, old->id);
    assert_int_equal(f->info.predecessor.seq, old->seq);
    assert_memory_equal(f->info.predecessor.hash, old->hash, HASH_SIZE);
    assert_string_equal(f->info.last_issue, "LQ-2026-0012");
    if (f->info.aside[0])
        assert_int_equal(access(f->info.aside, F_OK), 0);
}

static void a_garbage_header_is_set_aside_and_the_predecessor_named(void **state)
{
    struct fixture *f = *state;
    make_history(f, 20);
    struct journal old = f->head;
    overwrite(f, "dust.db", 0, "this is no database at all", 26);
    assert_replaced(f, &old);
    assert_true(f->info.aside[0] != 0);
}

/* Until its first row is committed, a new database goes on saying why it is new. */
static void the_predecessor_is_named_again_until_the_first_row(void **state)
{
    struct fixture *f = *state;
    make_history(f, 20);
    struct journal old = f->head;
    overwrite(f, "dust.db", 0, "this is no database at all", 26);
    assert_replaced(f, &old);
    stop(f);
    assert_replaced(f, &old);
    assert_int_equal(store_start(f->store), ERR_OK);
    add_rows(f, 1, 50);
    stop(f);
    assert_int_equal(open_store(f), ERR_OK);
    assert_false(f->info.damaged);
    assert_false(f->info.created);
    assert_string_equal(f->info.last_issue, "LQ-2026-0012");
}

static void a_truncated_file_is_set_aside(void **state)
{
    struct fixture *f = *state;
    make_history(f, 200);
    struct journal old = f->head;
    char *file = file_in(f, "dust.db");
    assert_int_equal(truncate(file, 20000), 0);
    mem_free(file);
    assert_replaced(f, &old);
}

static void a_vanished_file_has_a_successor_that_names_it(void **state)
{
    struct fixture *f = *state;
    make_history(f, 20);
    struct journal old = f->head;
    char *file = file_in(f, "dust.db");
    unlink(file);
    mem_free(file);
    assert_replaced(f, &old);
    assert_string_equal(f->info.aside, "");
}

static void a_changed_row_in_the_last_thousand_is_found(void **state)
{
    struct fixture *f = *state;
    make_history(f, 1100);
    struct journal old = f->head;
    number(f, "UPDATE journal SET at_ms = at_ms + 1 WHERE seq = 600");
    assert_replaced(f, &old);
}

static void a_missing_row_in_the_last_thousand_is_found(void **state)
{
    struct fixture *f = *state;
    make_history(f, 1100);
    struct journal old = f->head;
    number(f, "DELETE FROM journal WHERE seq = 600");
    assert_replaced(f, &old);
}

/* An older copy put back would give the next rows a seq that others have seen with another content. */
static void a_database_that_lacks_the_row_of_journal_last_is_set_aside(void **state)
{
    struct fixture *f = *state;
    make_history(f, 20);
    struct journal old = f->head;
    number(f, "DELETE FROM journal WHERE seq > 18");
    assert_replaced(f, &old);
}

static void a_foreign_database_is_set_aside(void **state)
{
    struct fixture *f = *state;
    make_history(f, 20);
    struct journal old = f->head;
    number(f, "PRAGMA application_id = 7");
    assert_replaced(f, &old);
}

static void a_damaged_old_row_is_never_served_and_what_surrounds_it_is(void **state)
{
    struct fixture *f = *state;
    make_history(f, 1500);
    number(f, "UPDATE journal SET body = replace(body, '00', '01') WHERE seq = 100");
    number(f, "UPDATE journal SET at_ms = 5 WHERE seq = 200");
    start(f);
    assert_false(f->info.damaged);
    struct page *p = help_ask(f->store, (struct question){.after = 90, .limit = 50});
    assert_int_equal(p->nrows, 9);
    assert_int_equal(p->next, 99);
    assert_int_equal(p->error, ERR_OK);
    page_free(p);
    p = help_ask(f->store, (struct question){.after = 99, .limit = 50});
    assert_int_equal(p->nrows, 0);
    assert_int_equal(p->error, ERR_DAMAGED);
    assert_int_equal(p->next, 100);
    page_free(p);
    p = help_ask(f->store, (struct question){.after = 100, .limit = 400});
    assert_int_equal(p->nrows, 99);
    assert_int_equal(p->rows[0].seq, 101);
    page_free(p);
}

static void overwrite_row(sqlite3 *db, const struct row *row)
{
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "UPDATE journal SET at_ms = ?2, kind = ?3, subject = ?4, hash = ?5, "
                                        "body_sha256 = ?6, body = ?7 WHERE seq = ?1",
                                        -1, &s, NULL),
                     SQLITE_OK);
    sqlite3_bind_int64(s, 1, row->seq);
    sqlite3_bind_int64(s, 2, row->at_ms);
    sqlite3_bind_text(s, 3, row->kind, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 4, row->subject, -1, SQLITE_STATIC);
    sqlite3_bind_blob(s, 5, row->hash, HASH_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob(s, 6, row->body_sha256, HASH_SIZE, SQLITE_STATIC);
    sqlite3_bind_text(s, 7, row->body, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    sqlite3_finalize(s);
}

/* Some rows come from another journal: each follows the one before, the first does not follow ours. */
static void replace_rows(struct fixture *f, int first, int last)
{
    sqlite3 *db;
    struct journal other = {0};
    char *file = file_in(f, "dust.db");
    assert_int_equal(sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (int i = 1; i <= last; i++) {
        struct row row;
        help_row(&other, &row, 299);
        if (i >= first)
            overwrite_row(db, &row);
        row_finish(&row);
    }
    sqlite3_close(db);
    mem_free(file);
}

static void assert_page(struct fixture *f, int64_t after, int rows, int64_t next, int error)
{
    struct page *p = help_ask(f->store, (struct question){.after = after, .limit = 20});
    assert_int_equal(p->nrows, rows);
    assert_int_equal(p->next, next);
    assert_int_equal(p->error, error);
    page_free(p);
}

static void a_foreign_stretch_is_not_served_though_it_is_a_chain_in_itself(void **state)
{
    struct fixture *f = *state;
    make_history(f, 1500);
    replace_rows(f, 300, 310);
    start(f);
    assert_page(f, 290, 9, 299, ERR_OK);
    assert_page(f, 299, 0, 310, ERR_DAMAGED);
    assert_page(f, 305, 0, 310, ERR_DAMAGED);
    assert_page(f, 310, 0, 311, ERR_DAMAGED); /* it followed a row that is gone */
    assert_page(f, 311, 20, 331, ERR_OK);
}

static void a_foreign_beginning_is_not_served_though_it_follows_from_nothing_like_ours(void **state)
{
    struct fixture *f = *state;
    make_history(f, 1500);
    replace_rows(f, 1, 10);
    start(f);
    assert_page(f, 0, 0, 10, ERR_DAMAGED);
    assert_page(f, 10, 0, 11, ERR_DAMAGED);
    assert_page(f, 11, 20, 31, ERR_OK);
}

static void a_journal_last_that_fails_its_sum_is_not_used(void **state)
{
    struct fixture *f = *state;
    make_history(f, 20);
    overwrite(f, "journal.last", 40, "0", 1);
    overwrite(f, "journal.last", 41, "1", 1);
    assert_int_equal(open_store(f), ERR_OK);
    assert_false(f->info.damaged);
    assert_int_equal(f->info.head.seq, 20);
}

/* ---- copies ---- */

static void a_copy_is_read_like_the_original_and_leaves_nothing_behind(void **state)
{
    struct fixture *f = *state;
    char *tmp = help_dir(), *file = file_in(f, "dust.db"), why[200];
    struct store_copy *copy;
    struct journal head, walk = {0};
    make_history(f, 30);
    setenv("TMPDIR", tmp, 1);
    assert_int_equal(store_copy_open(file, &copy, &head, why, sizeof why), ERR_OK);
    assert_string_equal(head.id, f->head.id);
    assert_int_equal(head.seq, 30);
    struct page *p = store_copy_ask(copy, &(struct question){.to_ms = INT64_MAX});
    assert_int_equal(p->nrows, 30);
    for (int i = 0; i < p->nrows; i++)
        keep_row(&p->rows[i], &walk);
    page_free(p);
    store_copy_close(copy);
    unsetenv("TMPDIR");
    assert_int_equal(rmdir(tmp), 0);
    assert_int_equal(store_copy_open("/nonexistent/dust.db", &copy, &head, why, sizeof why), ERR_NOT_FOUND);
    assert_non_null(strstr(why, "/nonexistent/dust.db"));
    mem_free(tmp);
    mem_free(file);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_new_database_is_said_to_be_new_and_has_an_id),
        TEST(what_was_committed_is_there_after_reopening),
        TEST(a_stop_row_makes_a_clean_end),
        TEST(nothing_is_announced_before_it_is_in_the_files),
        TEST(chunks_of_the_running_minute_survive_and_its_transaction_empties_them),
        TEST(cursors_are_kept_by_name_and_move),
        TEST(pages_by_key_resume_exactly_for_every_kind_time_and_size),
        TEST(a_clock_that_stepped_back_hides_no_row_from_a_question_by_time),
        TEST(a_page_ends_after_a_mebibyte),
        TEST(a_simulated_database_and_a_real_run_do_not_mix),
        TEST(a_second_daemon_is_kept_out),
        TEST(a_database_of_a_newer_program_is_refused_and_left_alone),
        TEST(the_file_is_in_wal_mode_with_our_mark_and_version),
        TEST(the_wal_stays_small),
        TEST(journal_last_follows_the_issue_number_and_the_end),
        TEST(a_garbage_header_is_set_aside_and_the_predecessor_named),
        TEST(the_predecessor_is_named_again_until_the_first_row),
        TEST(a_truncated_file_is_set_aside),
        TEST(a_vanished_file_has_a_successor_that_names_it),
        TEST(a_changed_row_in_the_last_thousand_is_found),
        TEST(a_missing_row_in_the_last_thousand_is_found),
        TEST(a_database_that_lacks_the_row_of_journal_last_is_set_aside),
        TEST(a_foreign_database_is_set_aside),
        TEST(a_damaged_old_row_is_never_served_and_what_surrounds_it_is),
        TEST(a_foreign_stretch_is_not_served_though_it_is_a_chain_in_itself),
        TEST(a_foreign_beginning_is_not_served_though_it_follows_from_nothing_like_ours),
        TEST(a_journal_last_that_fails_its_sum_is_not_used),
        TEST(a_copy_is_read_like_the_original_and_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
