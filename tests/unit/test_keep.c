/* Retention in the store: what is planned, what is deleted, and that the chain holds for ever. Years are
 * numbers. */
#include "store_help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { STOP_MS = 10000, LENGTH = 300, BLOCK = 1500, MINUTE_MS = 60000 };
#define DAY_MS ((int64_t)86400000)

struct fixture {
    char *dir;
    struct store *store;
    struct store_opened info;
    struct journal head;
    int64_t at_ms; /* of the last row */
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
    store_stop(f->store, STOP_MS);
    help_dir_remove(f->dir);
    mem_free(f);
    return 0;
}

static void reopen(struct fixture *f, int64_t max_bytes)
{
    store_stop(f->store, STOP_MS);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    assert_false(f->info.damaged);
    f->head = f->info.head;
    if (max_bytes)
        store_limit(f->store, max_bytes, 0);
    assert_int_equal(store_start(f->store), ERR_OK);
}

/* A row that is its own kind, `at_ms` old; minutes have a raw block. */
static void add(struct fixture *f, const char *kind, int64_t at_ms)
{
    struct batch b = {.nrows = 1, .rows = mem_new(struct row)};
    char *body = mem_printf("{\"ts\":%lld,\"kind\":\"%s\",\"subject\":\"\",\"pad\":\"%0*d\"}",
                            (long long)at_ms, kind, LENGTH, (int)f->head.seq);
    journal_append(&f->head, b.rows, at_ms, kind, "", body);
    f->at_ms = at_ms;
    if (strcmp(kind, "minute") == 0) {
        uint32_t random = (uint32_t)f->head.seq;
        b.raw = mem_array(BLOCK, 1);
        b.raw_length = BLOCK;
        b.raw_seq = f->head.seq;
        for (int i = 0; i < BLOCK; i++)
            ((uint8_t *)b.raw)[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
    }
    while (store_commit(f->store, &b) != ERR_OK)
        assert_true(help_committed(f->store, f->head.seq - 2000));
}

/* `days` days of `a_day` minutes each and an issue, from day `first` on. */
static void add_days(struct fixture *f, int first, int days, int a_day)
{
    for (int day = first; day < first + days; day++) {
        for (int i = 0; i < a_day; i++)
            add(f, "minute", day * DAY_MS + i * (DAY_MS / a_day));
        add(f, "issue", day * DAY_MS + DAY_MS - 1);
    }
    assert_true(help_committed(f->store, f->head.seq));
}

static struct store_order order(int64_t now_ms, int64_t keep_raw_ms, int64_t keep_minutes_ms)
{
    return (struct store_order){now_ms, {now_ms - keep_raw_ms, now_ms - keep_minutes_ms}};
}

/* The store's next plan; false for none: the answer to a question comes after it. */
static bool plan(struct fixture *f, struct store_order o, struct store_plan *out)
{
    struct store_message m;
    bool found = false;
    struct question q = {.to_ms = INT64_MAX, .limit = 1};
    assert_int_equal(store_keep(f->store, &o), ERR_OK);
    for (int i = 0; i < 2; i++) { /* the second question is asked when the order has been taken */
        assert_int_equal(store_ask(f->store, &q), ERR_OK);
        do {
            assert_true(help_next(f->store, &m));
            page_free(m.page);
            if (m.kind == STORE_DELETE)
                *out = m.plan;
            found = found || m.kind == STORE_DELETE;
        } while (m.kind != STORE_PAGE);
    }
    return found;
}

/* What main does with a plan. */
static void agree(struct fixture *f, const struct store_plan *p)
{
    struct batch b = {.nrows = 1, .rows = mem_new(struct row)};
    char *body = mem_printf("{\"ts\":%lld,\"kind\":\"retention\",\"subject\":\"\"}", (long long)f->at_ms);
    journal_append(&f->head, b.rows, f->at_ms, "retention", "", body);
    b.delete[p->what] = p->to;
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    assert_true(help_committed(f->store, f->head.seq));
}

struct found {
    int64_t rows, bodies, other_without, blocks, first_block;
    struct journal walk;
};

static void count_row(const struct row *r, void *arg)
{
    struct found *found = arg;
    assert_int_equal(journal_check(&found->walk, r), ERR_OK);
    found->rows++;
    found->bodies += r->body != NULL;
    found->other_without += !r->body && strcmp(r->kind, "minute") != 0;
}

static struct found look(struct fixture *f)
{
    struct found found = {0};
    int64_t next = 0;
    do {
        struct page *p = help_ask(f->store, (struct question){.raw = true, .after = next, .limit = 10000});
        assert_int_equal(p->error, ERR_OK);
        if (p->nblocks && !found.first_block)
            found.first_block = p->blocks[0].seq;
        found.blocks += p->nblocks;
        next = p->next;
        page_free(p);
    } while (next);
    store_stop(f->store, STOP_MS);
    f->store = NULL;
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    assert_int_equal(store_scan_rows(f->store, NULL, INT64_MIN, count_row, &found), ERR_OK);
    assert_int_equal(found.walk.seq, f->info.head.seq);
    assert_memory_equal(found.walk.hash, f->info.head.hash, HASH_SIZE);
    store_stop(f->store, STOP_MS);
    f->store = NULL;
    return found;
}

/* Until nothing more is deleted: the thread does so between questions. */
static void wait_deleted(struct fixture *f, int64_t from)
{
    for (int i = 0;; i++) {
        struct page *p = help_ask(f->store, (struct question){.raw = true, .limit = 1});
        bool gone = p->nblocks == 0 || p->blocks[0].seq >= from;
        page_free(p);
        if (gone)
            return;
        assert_in_range(i, 0, 5000);
        usleep(1000);
    }
}

static void wait_without_body(struct fixture *f, int64_t seq)
{
    for (int i = 0;; i++) {
        struct page *p = help_ask(f->store, (struct question){.after = seq - 1, .limit = 1});
        bool gone = p->rows[0].body == NULL;
        page_free(p);
        if (gone)
            return;
        assert_in_range(i, 0, 5000);
        usleep(1000);
    }
}

static void raw_blocks_older_than_their_age_go_and_the_rest_stays(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    reopen(f, 0);
    add_days(f, 0, 10, 24);
    assert_true(plan(f, order(10 * DAY_MS, 3 * DAY_MS, 100 * DAY_MS), &p));
    assert_int_equal(p.what, STORE_RAW);
    assert_string_equal(p.why, "age");
    assert_int_equal(p.from, 1);
    assert_int_equal(p.count, 7 * 24);
    assert_int_equal(p.from_ms, 0);
    assert_int_equal(p.to_ms, 7 * DAY_MS - DAY_MS / 24);
    agree(f, &p);
    wait_deleted(f, p.to + 1);
    struct found found = look(f);
    assert_int_equal(found.blocks, 3 * 24);
    assert_int_equal(found.bodies, found.rows);
}

static void nothing_is_deleted_before_a_row_says_so(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    reopen(f, 0);
    add_days(f, 0, 5, 24);
    assert_true(plan(f, order(100 * DAY_MS, DAY_MS, DAY_MS), &p));
    assert_true(plan(f, order(100 * DAY_MS, DAY_MS, DAY_MS), &p));
    assert_int_equal(look(f).blocks, 5 * 24);
}

/* ntop/ntopng#5600: alerts are deleted by age, and with them the note of whoever acknowledged them. */
static void bodies_of_minutes_go_later_and_never_another_body(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    reopen(f, 0);
    add_days(f, 0, 10, 24);
    assert_true(plan(f, order(10 * DAY_MS, 3 * DAY_MS, 5 * DAY_MS), &p));
    agree(f, &p);
    wait_deleted(f, p.to + 1);
    assert_true(plan(f, order(10 * DAY_MS, 3 * DAY_MS, 5 * DAY_MS), &p));
    assert_int_equal(p.what, STORE_MINUTES);
    assert_int_equal(p.count, 5 * 24);
    agree(f, &p);
    wait_without_body(f, p.to);
    assert_false(plan(f, order(10 * DAY_MS, 3 * DAY_MS, 5 * DAY_MS), &p));
    struct found found = look(f);
    assert_int_equal(found.rows - found.bodies, 5 * 24);
    assert_int_equal(found.other_without, 0);
    assert_int_equal(found.blocks, 3 * 24);
}

/* A minute whose raw block is there keeps its body, which promises the block's SHA-256. */
static void no_body_goes_before_the_raw_block_it_promises(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    reopen(f, 0);
    add_days(f, 0, 10, 24);
    assert_false(plan(f, order(10 * DAY_MS, 100 * DAY_MS, DAY_MS), &p));
}

/* What a committed row says is deleted also when the power went right after it. */
static void deleting_goes_on_after_a_restart(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    reopen(f, 0);
    add_days(f, 0, 100, 24);
    assert_true(plan(f, order(100 * DAY_MS, DAY_MS, 200 * DAY_MS), &p));
    assert_int_equal(p.count, 99 * 24);
    agree(f, &p);
    reopen(f, 0); /* some slices may be done, not all need be */
    assert_int_equal(f->info.deleted[STORE_RAW], p.to);
    wait_deleted(f, p.to + 1);
    assert_int_equal(look(f).blocks, 24);
}

/* Five years in steps of a day, a minute every four hours. */
static void years_pass_and_the_chain_verifies_from_the_first_row(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    reopen(f, 0);
    for (int day = 0; day < 5 * 365; day++) {
        add_days(f, day, 1, 6);
        for (int i = 0; i < 2 && plan(f, order((day + 1) * DAY_MS, 30 * DAY_MS, 365 * DAY_MS), &p); i++)
            agree(f, &p);
    }
    for (int quiet = 0; quiet < 50;
         quiet++, usleep(1000)) { /* the thread deletes when it has nothing to commit */
        if (!plan(f, order(1825 * DAY_MS, 30 * DAY_MS, 365 * DAY_MS), &p))
            continue;
        agree(f, &p);
        quiet = 0;
    }
    struct found found = look(f);
    assert_int_equal(found.walk.seq, found.rows);
    assert_in_range(found.blocks, 29 * 6, 32 * 6);
    assert_in_range(found.rows - found.bodies, (4 * 365 - 3) * 6, 4 * 365 * 6);
    assert_int_equal(found.other_without, 0);
}

/* Rows stamped by a clock that stood in the future neither stay for ever nor make younger ones old. */
static void a_stamp_from_the_future_neither_blocks_nor_hurries(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    reopen(f, 0);
    add_days(f, 0, 2, 24);
    add_days(f, 9000, 1, 24); /* the wrong clock */
    add_days(f, 2, 8, 24);
    assert_true(plan(f, order(10 * DAY_MS, 5 * DAY_MS, 100 * DAY_MS), &p));
    assert_int_equal(p.count, 6 * 24); /* days 0 to 4, and that one among them */
    agree(f, &p);
    wait_deleted(f, p.to + 1);
    add_days(f, 9000, 1, 24);
    assert_false(plan(f, order(10 * DAY_MS, 5 * DAY_MS, 100 * DAY_MS), &p)); /* now the clock is in doubt */
}

static void a_clock_behind_the_journal_makes_nothing_old(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    reopen(f, 0);
    add_days(f, 20000, 3, 24);
    assert_false(plan(f, order(30 * DAY_MS, DAY_MS, DAY_MS), &p));
}

/* 12 MB are never passed: raw blocks go first, then the bodies of minutes, the youngest stay. */
static void near_its_largest_size_the_oldest_goes_and_it_never_grows_beyond(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    bool raw = false;
    reopen(f, 12000000);
    for (int day = 0; day < 300; day++) {
        add_days(f, day, 1, 30);
        if (plan(f, order(day * DAY_MS, 9000 * DAY_MS, 9000 * DAY_MS), &p)) {
            assert_string_equal(p.why, "size");
            assert_int_equal(p.what, STORE_RAW);
            raw = true;
            agree(f, &p);
        }
        assert_in_range(store_state(f->store).bytes - store_state(f->store).wal_bytes, 1, 12000000);
        assert_in_range(store_state(f->store).wal_bytes, 0, 8 << 20);
        assert_false(store_state(f->store).stuck);
    }
    assert_true(raw);
    struct found found = look(f);
    assert_in_range(found.blocks, 1900, 4500);
    assert_int_equal(found.bodies, found.rows);
}

/* A commit that comes while much is being deleted waits for one step of 500 rows at most. */
static void deleting_holds_up_no_commit(void **state)
{
    struct fixture *f = *state;
    struct store_plan p = {0};
    struct store_message m;
    int64_t longest_us = 0;
    reopen(f, 0);
    add_days(f, 0, 330, 30);
    assert_true(plan(f, order(400 * DAY_MS, 2 * DAY_MS, 2 * DAY_MS), &p));
    assert_int_equal(p.count, 9900);
    agree(f, &p);
    for (int i = 0; i < 20; i++) {
        struct batch b = help_batch(&f->head, 1, 20);
        int64_t from_us = clock_wire_us();
        assert_int_equal(store_commit(f->store, &b), ERR_OK);
        do
            assert_true(help_wait(f->store, STORE_COMMITTED, &m));
        while (m.seq < f->head.seq);
        int64_t took_us = clock_wire_us() - from_us;
        longest_us = took_us > longest_us ? took_us : longest_us;
        usleep(500); /* the thread goes on deleting */
    }
    print_message("longest commit while 9,900 blocks were deleted: %.1f ms\n", (double)longest_us / 1000);
    assert_true(longest_us < 1000000);
    wait_deleted(f, p.to + 1);
}

static void what_an_uplink_lost_is_remembered_with_its_place(void **state)
{
    struct fixture *f = *state;
    reopen(f, 0);
    struct batch b = help_batch(&f->head, 9, 20);
    b.ncursors = 1;
    b.cursors = mem_array(1, sizeof *b.cursors);
    b.cursors[0] = (struct store_cursor){.uplink = "office", .seq = 3, .lost = 7};
    assert_int_equal(store_commit(f->store, &b), ERR_OK);
    assert_true(help_committed(f->store, 9));
    reopen(f, 0);
    store_stop(f->store, STOP_MS);
    assert_int_equal(store_open(f->dir, false, &f->store, &f->info), ERR_OK);
    assert_int_equal(help_cursor(f->store, "office"), 3);
    struct store_cursor office = {.uplink = "office"};
    assert_int_equal(store_scan_cursors(f->store, help_cursor_seen, &office), ERR_OK);
    assert_int_equal(office.lost, 7);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(raw_blocks_older_than_their_age_go_and_the_rest_stays),
        TEST(nothing_is_deleted_before_a_row_says_so),
        TEST(bodies_of_minutes_go_later_and_never_another_body),
        TEST(no_body_goes_before_the_raw_block_it_promises),
        TEST(deleting_goes_on_after_a_restart),
        TEST(years_pass_and_the_chain_verifies_from_the_first_row),
        TEST(a_stamp_from_the_future_neither_blocks_nor_hurries),
        TEST(a_clock_behind_the_journal_makes_nothing_old),
        TEST(near_its_largest_size_the_oldest_goes_and_it_never_grows_beyond),
        TEST(deleting_holds_up_no_commit),
        TEST(what_an_uplink_lost_is_remembered_with_its_place),
    };
    help_in_memory();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
