/* Boots without a date: what is held, what becomes of it when the clock is right, and when it never is. Site
 * time of such a boot is the time since it; the rig's boot was at BOOT_MS. */
#include "tests/unit/pipeline_rig.h"

enum { NEVER_MIN = 1 << 26 };
static const int64_t SECOND = CLOCK_SECOND_MS, MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS;
#define BOOT_MS  (RIG_START_MS + 10 * (int64_t)CLOCK_HOUR_MS + 23456) /* no whole minute */
#define NEVER_MS ((int64_t)NEVER_MIN * CLOCK_MINUTE_MS)

/* A start in a boot of this name, whose site time is `since_ms` by now. */
static void start_undated(struct rig *r, const char *boot, int64_t boot_ms, int64_t since_ms)
{
    r->since_ms = since_ms;
    if (r->running) {
        rig_settle(r);
        rig_kill(r);
    }
    rig_config.clock.require_sync = true;
    clock_simulate_unsynced(NEVER_MS, boot);
    rig_start(r, boot_ms);
    assert_true(r->d.hold.undated);
}

/* From here on the clock is right; turns until nothing is held. */
static void set_clock(struct rig *r, int64_t since_ms, int64_t boot_ms)
{
    clock_simulate_unsynced(INT64_MIN, NULL);
    rig_turn(r, since_ms, SECOND);
    assert_false(r->d.hold.undated);
    for (int i = 0; r->d.hold.late; i++) {
        assert_in_range(i, 0, 20000);
        rig_turn(r, boot_ms + since_ms + 1, 0);
        usleep(500);
    }
}

/* All samples on the disk: how many, the first and the last. */
struct span_of {
    int n;
    int64_t first_ms, last_ms;
};

static void count_sample(const struct raw_sample *raw, void *arg)
{
    struct span_of *s = arg;
    int64_t at_ms = raw->sample.at_ms;
    s->first_ms = s->n == 0 || at_ms < s->first_ms ? at_ms : s->first_ms;
    s->last_ms = s->n == 0 || at_ms > s->last_ms ? at_ms : s->last_ms;
    s->n++;
}

static void count_chunk(const void *data, size_t length, void *arg)
{
    assert_int_equal(rawblock_decode(data, length, count_sample, arg), ERR_OK);
}

static void count_held(const struct held *h, void *arg)
{
    if (!h->kind[0])
        count_chunk(h->data, h->length, arg);
}

static struct span_of samples(struct rig *r)
{
    struct store *s;
    struct store_opened opened;
    struct question q = {.raw = true, .limit = 50};
    struct span_of span = {0};
    if (r->running) {
        rig_settle(r);
        rig_kill(r);
    }
    assert_int_equal(store_open(r->dir, false, &s, &opened), ERR_OK);
    assert_int_equal(store_scan_samples(s, count_chunk, &span), ERR_OK);
    assert_int_equal(store_scan_held(s, count_held, &span), ERR_OK);
    assert_int_equal(store_start(s), ERR_OK);
    do {
        struct page *page = help_ask(s, q);
        for (int i = 0; i < page->nblocks; i++)
            count_chunk(page->blocks[i].data, page->blocks[i].length, &span);
        q.after = page->next;
        page_free(page);
    } while (q.after);
    store_stop(s, 20000);
    return span;
}

static void no_row_is_made_before_the_clock_is_right(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    int64_t seq = r->d.head.seq;
    start_undated(r, "boot-a", BOOT_MS, 0);
    rig_seconds(r, 0, 3 * 3600, 300);
    rig_settle(r);
    assert_int_equal(r->d.head.seq, seq);
    assert_int_equal(ledger_count(r->d.ledger), 0);
    assert_true(r->d.nsamples < 200); /* three hours do not wait in memory */
    assert_null(said("live/a"));
    assert_null(strstr(said("state"), "\"now\""));
}

static void what_was_held_gets_true_minutes_windows_and_verdicts(void **state)
{
    struct rig *r = *state;
    start_undated(r, "boot-a", BOOT_MS, 0);
    rig_seconds(r, 0, 3 * 3600, 300);
    int hurries = stub.hurries;
    set_clock(r, 3 * HOUR, BOOT_MS);
    rig_turn(r, BOOT_MS + 3 * HOUR + 20 * SECOND, 20 * SECOND);
    assert_int_equal(hurries, stub.hurries); /* the system's clock was not moved, only believed */
    struct rig_rows minutes = rig_rows(r, "minute", "\"late\":true");
    assert_int_equal(minutes.at_ms % MINUTE, 0);
    assert_in_range(minutes.n, 179, 181);
    assert_non_null(strstr(minutes.body, "\"n\":60,\"of\":60"));
    assert_int_equal(rig_rows(r, "minute", "\"n\":60,\"of\":60").n, 179);
    assert_int_equal(rig_rows(r, "hour", "\"late\":true").n, 2);
    assert_int_equal(rig_rows(r, "hour", NULL).n, 3);
    assert_int_equal(rig_rows(r, "verdict", "\"breach\"").n, 3 * RIG_POINTS);
    assert_int_equal(rig_rows(r, "issue", "\"open\"").n, 2);
    struct rig_rows clock = rig_rows(r, "clock", "\"boot\":\"boot-a\"");
    assert_int_equal(clock.n, 1);
    assert_int_equal(rig_member(clock.body, "offset_ms"), BOOT_MS);
    struct rig_rows boot = rig_rows(r, "boot", "\"late\":true");
    assert_in_range(boot.at_ms, BOOT_MS, BOOT_MS + SECOND);
    assert_true(boot.seq > clock.seq);
    struct span_of all = samples(r);
    assert_int_equal(all.n, RIG_POINTS * 3 * 3600);
    assert_int_equal(all.first_ms, BOOT_MS + 37);
    assert_int_equal(all.last_ms, BOOT_MS + 3 * HOUR - SECOND + 37);
}

static void what_a_bus_read_before_it_saw_the_date_gets_it_too(void **state)
{
    struct rig *r = *state;
    start_undated(r, "boot-a", BOOT_MS, 0);
    rig_seconds(r, 0, 90, 100);
    clock_simulate_unsynced(INT64_MIN, NULL);
    rig_turn(r, 90 * SECOND, SECOND);
    rig_sample(r, 0, 90 * SECOND + 5, 100);
    rig_turn(r, BOOT_MS + 91 * SECOND, SECOND);
    assert_int_equal(r->d.now[0].at_ms, BOOT_MS + 90 * SECOND + 5);
    rig_settle(r);
    assert_int_equal(samples(r).last_ms, BOOT_MS + 90 * SECOND + 5);
}

static void a_boot_that_is_started_again_is_dated_as_one(void **state)
{
    struct rig *r = *state;
    start_undated(r, "boot-a", BOOT_MS, 0);
    rig_seconds(r, 0, 605, 100);
    rig_settle(r);
    rig_kill(r); /* broke off, and nobody saw the clock */
    start_undated(r, "boot-a", BOOT_MS, 1200 * SECOND);
    rig_seconds(r, 1200 * SECOND, 600, 200);
    set_clock(r, 1800 * SECOND, BOOT_MS);
    struct rig_rows boots = rig_rows(r, "boot", "\"late\":true");
    assert_int_equal(boots.n, 2);
    assert_non_null(strstr(boots.body, "\"machine\":\"ran on\""));
    struct rig_rows gap = rig_rows(r, "gap", "\"died\"");
    assert_int_equal(gap.n, 1);
    assert_int_equal(rig_rows(r, "undated", NULL).n, 0);
    assert_int_equal(rig_rows(r, "minute", "\"mean\":200.0").at_ms,
                     clock_window_start(BOOT_MS + 1800 * SECOND, MINUTE, 0) - MINUTE);
    struct span_of all = samples(r);
    assert_int_equal(all.first_ms, BOOT_MS + 37);
    assert_in_range(all.n, RIG_POINTS * (1205 - RIG_EVERY_MS / SECOND), RIG_POINTS * 1205);
}

static void a_boot_that_never_had_a_date_is_told_without_one(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 60, 100);
    start_undated(r, "boot-a", BOOT_MS, 0);
    rig_seconds(r, 0, 600, 300);
    start_undated(r, "boot-b", BOOT_MS + CLOCK_HOUR_MS, 0);
    rig_seconds(r, 0, 600, 100);
    set_clock(r, 600 * SECOND, BOOT_MS + CLOCK_HOUR_MS);
    struct rig_rows undated = rig_rows(r, "undated", "\"points\"");
    assert_int_equal(undated.n, 10);
    assert_non_null(strstr(undated.body, "\"boot\":\"boot-a\""));
    assert_non_null(strstr(undated.body, "\"mean\":300.0"));
    assert_true(undated.at_ms >= BOOT_MS);
    assert_int_equal(rig_rows(r, "undated", "\"kind\":\"boot\"").n, 1);
    assert_int_equal(rig_rows(r, "minute", "\"mean\":300.0").n, 0);
    assert_int_equal(rig_rows(r, "gap", "\"undated\"").n, 1);
    assert_int_equal(rig_rows(r, "minute", "\"mean\":100.0").n, 1 + 10);
    assert_int_equal(rig_rows(r, "verdict", "\"pass\"").n, 0);
}

static void the_minute_before_an_undated_boot_is_closed_in_its_place(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 90, 100); /* half a minute in the sample table */
    batch_chunk(&r->d);
    batch_flush(&r->d);
    start_undated(r, "boot-a", BOOT_MS, 0);
    rig_seconds(r, 0, 300, 200);
    set_clock(r, 300 * SECOND, BOOT_MS);
    struct rig_rows half = rig_rows(r, "minute", "\"n\":30,\"of\":60");
    assert_int_equal(half.n, 1);
    assert_int_equal(half.at_ms, RIG_START_MS + MINUTE);
    struct rig_rows gap = rig_rows(r, "gap", "\"outage\"");
    assert_int_equal(gap.n, 1);
    assert_int_equal(rig_member(gap.body, "from"), RIG_START_MS + 2 * MINUTE);
    assert_in_range(rig_member(gap.body, "to"), BOOT_MS, BOOT_MS + SECOND);
    assert_int_equal(samples(r).n, RIG_POINTS * 390);
}

static void more_than_is_to_be_held_loses_the_oldest_and_says_so(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 60, 100);
    start_undated(r, "boot-a", BOOT_MS, 0);
    r->d.hold.most = 10;
    rig_seconds(r, 0, 1800, 200);
    set_clock(r, 1800 * SECOND, BOOT_MS);
    struct rig_rows gap = rig_rows(r, "gap", "\"dropped\"");
    assert_int_equal(gap.n, 1);
    assert_int_equal(rig_member(gap.body, "from"), RIG_START_MS + MINUTE);
    assert_in_range(rig_member(gap.body, "to"), BOOT_MS + 20 * MINUTE, BOOT_MS + 22 * MINUTE);
    assert_in_range(rig_rows(r, "minute", "\"mean\":200.0").n, 8, 10);
}

/* Power cuts at commits chosen at random, while held and while dated: each minute once, no sample twice. */
static void power_cuts_on_the_way_lose_and_double_nothing(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    for (int death = 3; death < 90; death += 4) {
        rig_teardown(state);
        rig_setup(state);
        r = *state;
        start_undated(r, "boot-a", BOOT_MS, 0);
        rig_seconds(r, 0, 900, 300);
        rig_settle(r);
        stub.until_death = death;
        clock_simulate_unsynced(INT64_MIN, "boot-a");
        rig_turn(r, 900 * SECOND, SECOND);
        for (int i = 0; r->d.hold.late && !stub.dead && i < 20000; i++) {
            rig_turn(r, BOOT_MS + 900 * SECOND + 1, 0);
            usleep(200);
        }
        rig_kill(r);
        rig_start(r, BOOT_MS); /* the rig's clock starts here, as that of the boot did */
        for (int i = 0; r->d.hold.late; i++) {
            assert_in_range(i, 0, 20000);
            rig_turn(r, BOOT_MS + 901 * SECOND, 0);
            usleep(200);
        }
        rig_turn(r, BOOT_MS + 1000 * SECOND, SECOND);
        assert_int_equal(rig_rows(r, "minute", "\"n\":60,\"of\":60").n, 14);
        assert_int_equal(rig_rows(r, "boot", "\"boot\":\"boot-a\"").n, 2);
        struct span_of all = samples(r);
        assert_int_equal(all.n, RIG_POINTS * 900);
        assert_int_equal(all.first_ms, BOOT_MS + 37);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_row_is_made_before_the_clock_is_right),
        TEST(what_was_held_gets_true_minutes_windows_and_verdicts),
        TEST(what_a_bus_read_before_it_saw_the_date_gets_it_too),
        TEST(a_boot_that_is_started_again_is_dated_as_one),
        TEST(a_boot_that_never_had_a_date_is_told_without_one),
        TEST(the_minute_before_an_undated_boot_is_closed_in_its_place),
        TEST(more_than_is_to_be_held_loses_the_oldest_and_says_so),
        TEST(power_cuts_on_the_way_lose_and_double_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
