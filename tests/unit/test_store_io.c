/* A disk that fails: every write, fsync and truncation in turn, once or for a while. This program's own
 * definitions of the calls come before libc's, for SQLite too. */
#include "store_help.h"

#include "daemon/base/buf.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

enum { STOP_MS = 10000, BATCHES = 8 };

/* Calls `first` to `last` (counted while armed) fail with `error`; a hanging disk lets no sync return. */
static struct {
    atomic_long calls, first, last;
    atomic_int error;
    atomic_bool armed, hanging, late; /* late: the write is done and then called a failure */
} disk;

static bool fails(void)
{
    if (!atomic_load(&disk.armed))
        return false;
    long call = atomic_fetch_add(&disk.calls, 1) + 1;
    if (call < atomic_load(&disk.first) || call > atomic_load(&disk.last))
        return false;
    errno = atomic_load(&disk.error);
    return true;
}

static void hang(void)
{
    while (atomic_load(&disk.hanging))
        usleep(2000);
}

/* The real function behind ours. */
#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    if (!fails())
        return REAL(pwrite64)(fd, bytes, n, at);
    if (atomic_load(&disk.late))
        (void)!REAL(pwrite64)(fd, bytes, n, at);
    errno = atomic_load(&disk.error);
    return -1;
}

int fsync(int fd)
{
    hang();
    return fails() ? -1 : REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    hang();
    return fails() ? -1 : REAL(fdatasync)(fd);
}

int ftruncate64(int fd, off64_t length)
{
    return fails() ? -1 : REAL(ftruncate64)(fd, length);
}

/* Where off_t always had 64 bits these are functions of their own; elsewhere the names above stand for them
 * too. */
#ifdef __OFF_T_MATCHES_OFF64_T
ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return pwrite64(fd, bytes, n, at);
}

int ftruncate(int fd, off_t length)
{
    return ftruncate64(fd, length);
}
#endif

static void arm(long first, long last, int error)
{
    atomic_store(&disk.calls, 0);
    atomic_store(&disk.first, first);
    atomic_store(&disk.last, last);
    atomic_store(&disk.error, error);
    atomic_store(&disk.armed, true);
}

static void heal(void)
{
    atomic_store(&disk.armed, false);
}

struct fixture {
    char *dir;
    struct store *store;
    struct store_opened info;
    struct journal head;
};

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
    heal();
    atomic_store(&disk.late, false);
    store_stop(f->store, STOP_MS);
    help_dir_remove(f->dir);
    mem_free(f);
    return 0;
}

static void open_and_start(struct fixture *f)
{
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    f->head = f->info.head;
    assert_int_equal(store_start(f->store), ERR_OK);
}

/* Two rows, a chunk, a cursor; each fourth batch ends its minute, and each third has no row at all. */
static struct batch any_batch(struct journal *head, int i)
{
    char text[16];
    struct batch b = help_batch(head, i % 3 == 2 ? 0 : 2, 300);
    snprintf(text, sizeof text, "chunk%d ", i);
    b.chunk = help_bytes(text);
    b.chunk_length = strlen(text);
    if (i % 4 == 3 && b.nrows) {
        b.raw = help_bytes("raw");
        b.raw_length = 3;
        b.raw_seq = head->seq;
        snprintf(b.last_issue, sizeof b.last_issue, "LQ-2026-%04d", i);
    }
    b.ncursors = 1;
    b.cursors = mem_array(1, sizeof *b.cursors);
    b.cursors[0] = (struct store_cursor){.uplink = "office", .seq = head->seq};
    return b;
}

static void check_row(const struct row *r, void *arg)
{
    char *body = help_body(r->seq, 300);
    assert_int_equal(journal_check(arg, r), ERR_OK);
    assert_string_equal(r->body, body);
    mem_free(body);
}

static void keep_sample(const void *data, size_t length, void *arg)
{
    buf_add(arg, data, length);
}

/* Everything that was handed over is there, once. */
static void assert_whole(struct fixture *f, int batches)
{
    struct journal walk = {0};
    struct buf chunks = {0}, expected = {0};
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    assert_false(f->info.damaged);
    assert_int_equal(f->info.head.seq, f->head.seq);
    assert_int_equal(store_scan_rows(f->store, NULL, 0, check_row, &walk), ERR_OK);
    assert_int_equal(walk.seq, f->head.seq);
    assert_memory_equal(walk.hash, f->head.hash, HASH_SIZE);
    for (int i = 0; i < batches; i++) {
        if (i % 4 == 3 && i % 3 != 2)
            buf_clear(&expected);
        buf_printf(&expected, "chunk%d ", i);
    }
    assert_int_equal(store_scan_samples(f->store, keep_sample, &chunks), ERR_OK);
    assert_string_equal(chunks.data, expected.data);
    assert_int_equal(help_cursor(f->store, "office"), f->head.seq);
    buf_finish(&chunks);
    buf_finish(&expected);
    store_stop(f->store, STOP_MS);
    f->store = NULL;
}

/* Writes the batches with calls first to last failing; how many calls there were. */
static long run(struct fixture *f, long first, long last, int error)
{
    open_and_start(f);
    arm(first, last, error);
    for (int i = 0; i < BATCHES; i++) {
        struct batch b = any_batch(&f->head, i);
        struct store_message m;
        assert_int_equal(store_commit(f->store, &b), ERR_OK);
        do
            assert_true(help_wait(f->store, STORE_COMMITTED, &m));
        while (m.batches < (uint64_t)i + 1);
        assert_int_equal(m.seq, f->head.seq);
    }
    store_stop(f->store, STOP_MS);
    f->store = NULL;
    heal();
    return atomic_load(&disk.calls);
}

static void fail_every_call(struct fixture *f, int error, long length)
{
    long calls = 1;
    for (long n = 1; n <= calls; n++) {
        calls = run(f, n, n + length - 1, error);
        assert_whole(f, BATCHES);
        help_dir_remove(f->dir);
        f->dir = help_dir();
    }
    print_message("%ld calls, each failed in its turn\n", calls);
    assert_true(calls > 3 * BATCHES);
}

static void every_write_sync_and_truncation_may_fail_once(void **state)
{
    fail_every_call(*state, EIO, 1);
}

static void every_write_may_reach_the_disk_and_yet_be_called_a_failure(void **state)
{
    atomic_store(&disk.late, true);
    fail_every_call(*state, EIO, 1);
}

/* Long enough that the WAL with the failed commit in it outlives the close: then the row is there already. */
static void the_disk_may_fail_four_times_in_a_row_anywhere(void **state)
{
    fail_every_call(*state, EIO, 4);
}

static void the_disk_may_be_full_for_three_calls_anywhere(void **state)
{
    fail_every_call(*state, ENOSPC, 3);
}

static void an_error_at_open_never_sets_the_database_aside(void **state)
{
    struct fixture *f = *state;
    run(f, 1, 0, 0);
    int opened = 0;
    for (long n = 1; n < 40; n++) {
        arm(n, n, EIO);
        int rc = store_open(f->dir, false, &f->store, &f->info);
        heal();
        assert_true(rc == ERR_OK || rc == ERR_IO);
        opened += rc == ERR_OK;
        assert_true(rc != ERR_OK || !f->info.damaged);
        store_stop(f->store, STOP_MS);
        f->store = NULL;
        assert_whole(f, BATCHES);
    }
    assert_true(opened > 0);
}

/* While nothing can be written: said once, nothing dropped, the reader still answered when SQLite can; then
 * all of it, in order, and said once again. */
static void a_full_disk_is_said_once_and_nothing_is_lost(void **state)
{
    struct fixture *f = *state;
    struct store_message m;
    open_and_start(f);
    struct batch b = any_batch(&f->head, 0);
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    assert_true(help_committed(f->store, 2));
    arm(1, 1000000, ENOSPC);
    for (int i = 1; i < 30; i++) {
        b = any_batch(&f->head, i);
        assert_int_equal(store_commit(f->store, &b), ERR_OK);
    }
    assert_true(help_wait(f->store, STORE_STUCK, &m));
    assert_string_not_equal(m.text, "");
    assert_true(store_state(f->store).stuck);
    assert_int_equal(store_state(f->store).waiting, 29);
    struct page *p = help_ask(f->store, (struct question){.limit = 10});
    assert_int_equal(p->error, ERR_OK);
    assert_int_equal(p->nrows, 2);
    page_free(p);
    heal();
    int stuck = 0, well = 0;
    uint64_t committed = 0;
    do {
        assert_true(help_next(f->store, &m));
        stuck += m.kind == STORE_STUCK;
        well += m.kind == STORE_WELL;
        committed = m.kind == STORE_COMMITTED ? m.batches : committed;
    } while (committed < 30 || !well);
    assert_int_equal(stuck, 0);
    assert_int_equal(well, 1);
    assert_false(store_state(f->store).stuck);
    store_stop(f->store, STOP_MS);
    f->store = NULL;
    assert_whole(f, 30);
}

static bool has_ballast(const struct fixture *f)
{
    char *name = mem_printf("%s/dust.ballast", f->dir);
    bool has = access(name, F_OK) == 0;
    mem_free(name);
    return has;
}

/* Given up before anybody is told that the disk is stuck, and made again when there is room. */
static void a_full_disk_gets_the_ballast_and_it_comes_back(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
        f->head = f->info.head;
        store_limit(f->store, 0, 1000000);
        assert_int_equal(store_start(f->store), ERR_OK);
        struct batch b = any_batch(&f->head, 0);
        assert_int_equal(store_commit(f->store, &b), ERR_OK);
        assert_true(help_committed(f->store, f->head.seq));
        assert_true(has_ballast(f));
        assert_true(store_state(f->store).ballast);
        arm(1, 1, ENOSPC);
        b = any_batch(&f->head, 1);
        assert_int_equal(store_commit(f->store, &b), ERR_OK);
        assert_true(help_committed(f->store, f->head.seq));
        heal();
        assert_false(has_ballast(f));
        assert_false(store_state(f->store).ballast);
        assert_false(store_state(f->store).stuck);
        store_stop(f->store, STOP_MS);
        f->store = NULL;
    }
}

/* Before the WAL is touched for the first time the connection must be exclusive: its index is then in our
 * memory, and no file that two processes could share. */
static void the_index_of_the_wal_is_no_file(void **state)
{
    struct fixture *f = *state;
    for (int start = 0; start < 2; start++) {
        open_and_start(f);
        struct batch b = any_batch(&f->head, start);
        assert_int_equal(store_commit(f->store, &b), ERR_OK);
        assert_true(help_committed(f->store, f->head.seq));
        char *index = mem_printf("%s/dust.db-shm", f->dir);
        assert_int_not_equal(access(index, F_OK), 0);
        mem_free(index);
        store_stop(f->store, STOP_MS);
        f->store = NULL;
    }
}

static int open_files_below(const char *dir)
{
    char link[64], path[4096];
    int n = 0;
    for (int fd = 0; fd < 256; fd++) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        path[length < 0 ? 0 : length] = 0;
        n += strncmp(path, dir, strlen(dir)) == 0;
    }
    return n;
}

/* Every file of it is closed, so that it can be unmounted; what is on the disk can still be read, and it goes
 * on when writes are taken again. */
static void a_read_only_file_system_is_named_and_read(void **state)
{
    struct fixture *f = *state;
    struct store_message m;
    open_and_start(f);
    struct batch b = any_batch(&f->head, 0);
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    assert_true(help_committed(f->store, 2));
    arm(1, 1000000, EROFS);
    b = any_batch(&f->head, 1);
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    assert_true(help_wait(f->store, STORE_STUCK, &m));
    assert_string_equal(m.text, "the file system is read-only");
    assert_int_equal(open_files_below(f->dir), 0);
    struct page *p = help_ask(f->store, (struct question){.limit = 10});
    assert_int_equal(p->error, ERR_OK);
    assert_int_equal(p->nrows, 2);
    page_free(p);
    assert_int_equal(open_files_below(f->dir), 0);
    heal();
    assert_true(help_committed(f->store, 4));
    store_stop(f->store, STOP_MS);
    f->store = NULL;
    assert_whole(f, 2);
}

static void the_queue_holds_an_hour_and_then_refuses_and_counts(void **state)
{
    struct fixture *f = *state;
    open_and_start(f);
    arm(1, 1000000000, EIO);
    struct journal before = f->head;
    int taken = 0;
    for (struct batch b;; taken++) {
        before = f->head;
        b = help_batch(&f->head, 1, 30);
        if (store_commit(f->store, &b) != ERR_OK) {
            batch_finish(&b);
            break;
        }
    }
    f->head = before;
    assert_true(taken >= 3600 + 60);
    assert_int_equal(store_state(f->store).refused, 1);
    store_stop(f->store, 0);
    f->store = NULL;
}

static void stopping_while_the_disk_fails_ends_in_time(void **state)
{
    struct fixture *f = *state;
    open_and_start(f);
    arm(1, 1000000000, EIO);
    struct batch b = any_batch(&f->head, 0);
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    int64_t start_us = clock_wire_us();
    store_stop(f->store, 300);
    f->store = NULL;
    assert_in_range(clock_wire_us() - start_us, 250000, 1500000);
}

/* A disk that answers no sync at all holds neither main nor the exit; the row was never announced. */
static void a_disk_that_hangs_does_not_hold_the_exit(void **state)
{
    static struct store *left_behind; /* reachable: it is meant to be left */
    struct fixture *f = *state;
    struct store_message m;
    open_and_start(f);
    left_behind = f->store;
    atomic_store(&disk.hanging, true);
    struct batch b = any_batch(&f->head, 0);
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    int64_t start_us = clock_wire_us();
    store_stop(f->store, 200);
    assert_in_range(clock_wire_us() - start_us, 200000, 2000000);
    assert_int_equal(ring_pop(store_ring(left_behind), &m), ERR_NOT_FOUND);
    atomic_store(&disk.hanging, false);
    store_stop(f->store, STOP_MS); /* the disk is back: now it does end */
    f->store = NULL;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(every_write_sync_and_truncation_may_fail_once),
        TEST(every_write_may_reach_the_disk_and_yet_be_called_a_failure),
        TEST(the_disk_may_fail_four_times_in_a_row_anywhere),
        TEST(the_disk_may_be_full_for_three_calls_anywhere),
        TEST(an_error_at_open_never_sets_the_database_aside),
        TEST(a_full_disk_is_said_once_and_nothing_is_lost),
        TEST(a_full_disk_gets_the_ballast_and_it_comes_back),
        TEST(the_index_of_the_wal_is_no_file),
        TEST(a_read_only_file_system_is_named_and_read),
        TEST(the_queue_holds_an_hour_and_then_refuses_and_counts),
        TEST(stopping_while_the_disk_fails_ends_in_time),
        TEST(a_disk_that_hangs_does_not_hold_the_exit),
    };
    help_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
