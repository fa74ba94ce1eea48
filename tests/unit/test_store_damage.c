/* Damaged files of many kinds: the store starts, serves no row whose chain fails, and goes on writing.
 * DUST_DAMAGES: how many (200); DUST_SEED: which. */
#include "store_help.h"

#include "daemon/base/buf.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

enum { ROWS = 1300, STOP_MS = 10000, PAD = 400 };

struct files { /* a database as it lay after a crash: the file, its WAL, the side file */
    struct buf db, wal, last;
};

struct fixture {
    struct files ours, foreign; /* the second: of another journal */
    struct journal head;
    int replaced, whole, refused;
};

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t random_of(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void slurp(const char *dir, const char *name, struct buf *b)
{
    char *file = mem_printf("%s/%s", dir, name), bytes[65536];
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    for (ssize_t n; (n = read(fd, bytes, sizeof bytes)) > 0;)
        buf_add(b, bytes, (size_t)n);
    close(fd);
    mem_free(file);
}

static void spill(const char *dir, const char *name, const struct buf *b)
{
    char *file = mem_printf("%s/%s", dir, name);
    int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, b->data, b->length), b->length);
    close(fd);
    mem_free(file);
}

/* A journal with rows in the file and rows in the WAL, copied while it is open. */
static void make_files(struct files *f, struct journal *head, int pad)
{
    struct store *s;
    struct store_opened info;
    char *dir = help_dir();
    assert_int_equal(store_open(dir, false, &s, &info), ERR_OK);
    assert_int_equal(store_start(s), ERR_OK);
    *head = info.head;
    for (int i = 0; i < ROWS / 10; i++) {
        struct batch b = help_batch(head, 10, pad);
        b.chunk = mem_string("chunk");
        b.chunk_length = 5;
        b.raw = mem_string("raw");
        b.raw_length = 3;
        b.raw_seq = head->seq;
        if (i == 60)
            strcpy(b.last_issue, "LQ-2026-0003");
        assert_int_equal(store_commit(s, &b), ERR_OK);
    }
    assert_true(help_committed(s, head->seq));
    slurp(dir, "dust.db", &f->db);
    slurp(dir, "dust.db-wal", &f->wal);
    slurp(dir, "journal.last", &f->last);
    store_stop(s, STOP_MS);
    help_dir_remove(dir);
}

static int make_fixture(void **state)
{
    struct fixture *f = mem_new(struct fixture);
    struct journal other;
    make_files(&f->foreign, &other, PAD + 1);
    make_files(&f->ours, &f->head, PAD);
    *state = f;
    return 0;
}

static int free_fixture(void **state)
{
    struct fixture *f = *state;
    struct buf *all[] = {&f->ours.db,    &f->ours.wal,    &f->ours.last,
                         &f->foreign.db, &f->foreign.wal, &f->foreign.last};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_finish(all[i]);
    mem_free(f);
    return 0;
}

static void copy_buf(struct buf *to, const struct buf *from)
{
    buf_clear(to);
    buf_add(to, from->data, from->length);
}

/* ---- ways to damage; each changes the copy in `d` ---- */

static void flip_bytes(struct buf *b, uint64_t *seed, uint64_t most)
{
    for (uint64_t n = 1 + random_of(seed) % most; n > 0; n--)
        b->data[random_of(seed) % b->length] = (char)random_of(seed);
}

static void damage_few_bytes(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    flip_bytes(&d->db, seed, 3);
}

static void damage_many_bytes(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    flip_bytes(&d->db, seed, 1000);
}

static void damage_header(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    d->db.data[random_of(seed) % 100] = (char)random_of(seed);
}

static void damage_wal(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    flip_bytes(&d->wal, seed, 20);
}

static void damage_both(struct files *d, const struct fixture *f, uint64_t *seed)
{
    damage_many_bytes(d, f, seed);
    damage_wal(d, f, seed);
}

static void cut_file(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    d->db.length = (size_t)(random_of(seed) % d->db.length);
}

static void cut_wal(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    d->wal.length = (size_t)(random_of(seed) % d->wal.length);
}

static void drop_wal(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    (void)seed;
    d->wal.length = 0;
}

static void zero_page(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    memset(d->db.data + random_of(seed) % (d->db.length / 4096) * 4096, 0, 4096);
}

static void swap_pages(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    char page[4096], *a = d->db.data + random_of(seed) % (d->db.length / 4096) * 4096;
    char *b = d->db.data + random_of(seed) % (d->db.length / 4096) * 4096;
    memcpy(page, a, 4096);
    memmove(a, b, 4096);
    memcpy(b, page, 4096);
}

static void foreign_wal(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)seed;
    copy_buf(&d->wal, &f->foreign.wal);
}

static void foreign_file(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)seed;
    copy_buf(&d->db, &f->foreign.db);
}

static void foreign_page(struct files *d, const struct fixture *f, uint64_t *seed)
{
    size_t least = d->db.length < f->foreign.db.length ? d->db.length : f->foreign.db.length;
    size_t at = (size_t)(random_of(seed) % (least / 4096)) * 4096;
    memcpy(d->db.data + at, f->foreign.db.data + at, 4096);
}

static void damage_last(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)f;
    flip_bytes(&d->last, seed, 3);
}

static void nothing(struct files *d, const struct fixture *f, uint64_t *seed)
{
    (void)d;
    (void)f;
    (void)seed;
}

static void (*const ways[])(struct files *d, const struct fixture *f, uint64_t *seed) = {
    nothing,     damage_few_bytes, damage_many_bytes, damage_header, damage_wal,
    damage_both, cut_file,         cut_wal,           drop_wal,      zero_page,
    swap_pages,  foreign_wal,      foreign_file,      foreign_page,  damage_last,
};
enum { WAYS = sizeof ways / sizeof *ways };

/* ---- what must hold ---- */

static void keep_row(const struct row *r, void *arg)
{
    (void)r;
    ++*(int64_t *)arg;
}

/* Whatever a page gives is what was written: of this journal or, where a foreign page came in, refused. */
static void read_all(struct store *s)
{
    struct question q = {.limit = 200, .to_ms = INT64_MAX};
    int64_t last = 0;
    for (int pages = 0; pages < 3000; pages++) {
        struct page *p = help_ask(s, q);
        for (int i = 0; i < p->nrows; i++) {
            char *body = help_body(p->rows[i].seq, PAD);
            assert_true(p->rows[i].seq > last);
            assert_string_equal(p->rows[i].body, body);
            last = p->rows[i].seq;
            mem_free(body);
        }
        q.after = p->next;
        page_free(p);
        if (q.after == 0)
            return;
    }
    fail_msg("pages without an end");
}

static void ask_otherwise(struct store *s)
{
    static const struct question questions[] = {
        {.raw = true, .to_ms = INT64_MAX},
        {.kind = "issue", .to_ms = INT64_MAX},
        {.kind = "minute", .from_ms = 1700010000000, .to_ms = 1700050000000}};
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        page_free(help_ask(s, questions[i]));
}

static void survive(struct fixture *f, const struct files *d)
{
    struct store *s;
    struct store_opened info;
    char *dir = help_dir();
    int64_t rows = 0;
    spill(dir, "dust.db", &d->db);
    if (d->wal.length)
        spill(dir, "dust.db-wal", &d->wal);
    spill(dir, "journal.last", &d->last);
    int rc = store_open(dir, false, &s, &info);
    if (rc == ERR_VERSION || rc == ERR_DENIED) {
        f->refused++; /* the damage says "newer" or "simulated": left alone for a person */
        help_dir_remove(dir);
        return;
    }
    assert_int_equal(rc, ERR_OK);
    f->replaced += info.damaged;
    f->whole += !info.damaged;
    assert_true(info.damaged == (info.head.seq == 0));
    (void)store_scan_rows(s, NULL, 0, keep_row, &rows);
    assert_int_equal(store_start(s), ERR_OK);
    read_all(s);
    ask_otherwise(s);
    struct batch b = help_batch(&info.head, 1, PAD);
    b.chunk = mem_string("chunk");
    b.chunk_length = 5;
    assert_int_equal(store_commit(s, &b), ERR_OK);
    struct store_message m;
    do
        assert_true(help_next(s, &m));
    while (m.kind != STORE_COMMITTED && m.kind != STORE_DAMAGED);
    bool found_late = m.kind == STORE_DAMAGED;
    store_stop(s, found_late ? 0 : STOP_MS);
    assert_int_equal(store_open(dir, false, &s, &info), ERR_OK);
    assert_true(found_late ? info.damaged : info.head.seq > 0);
    store_stop(s, STOP_MS);
    help_dir_remove(dir);
}

static void no_damage_stops_the_store_or_gets_a_wrong_row_served(void **state)
{
    struct fixture *f = *state;
    uint64_t damages = number_from("DUST_DAMAGES", 200), seed = number_from("DUST_SEED", 20261123) | 1;
    struct files d = {0};
    print_message("DUST_SEED=%llu DUST_DAMAGES=%llu\n", (unsigned long long)seed,
                  (unsigned long long)damages);
    for (uint64_t i = 0; i < damages; i++) {
        copy_buf(&d.db, &f->ours.db);
        copy_buf(&d.wal, &f->ours.wal);
        copy_buf(&d.last, &f->ours.last);
        ways[i % WAYS](&d, f, &seed);
        survive(f, &d);
    }
    print_message("%d set aside, %d opened, %d refused\n", f->replaced, f->whole, f->refused);
    assert_true(f->replaced > 0 && f->whole > 0);
    buf_finish(&d.db);
    buf_finish(&d.wal);
    buf_finish(&d.last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_damage_stops_the_store_or_gets_a_wrong_row_served, make_fixture,
                                        free_fixture),
    };
    help_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
