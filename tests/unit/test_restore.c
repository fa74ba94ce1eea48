/* A start goes on where the journal ends: power cuts at commits chosen at random, restarts, long stops. */
#include "daemon/rows.h"
#include "tests/unit/pipeline_rig.h"

enum { SECOND = CLOCK_SECOND_MS, MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS };
enum { RUN_S = 3 * 3600 + 90, CUTS_MAX = 200, LOST_A_CUT = RIG_POINTS * (RIG_EVERY_MS / SECOND + 4) };

/* Over the limit in the second and third hour; the same all through a minute. */
static double value_at(int64_t at_ms)
{
    int64_t minute = (at_ms - RIG_START_MS) / MINUTE;
    return (double)(minute < 60 ? 100 + minute : 300 + minute % 7);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

/* The second `s` of the run; the second bus is two seconds behind the first. */
static void second(struct rig *r, int s)
{
    int64_t at_ms = RIG_START_MS + (int64_t)s * SECOND;
    for (int i = 0; i < RIG_POINTS; i++) {
        int64_t of_ms = at_ms - 2 * SECOND * i;
        if (of_ms >= RIG_START_MS)
            rig_sample(r, i, of_ms + 37, value_at(of_ms + 37));
        rig_mark(r, i, of_ms + SECOND);
    }
    rig_turn(r, at_ms + SECOND, SECOND);
    while (store_state(r->d.store).waiting > 64)
        usleep(1000);
}

/* Runs RUN_S seconds. With a seed the power fails now and then: everything from some commit on is lost, and
 * the next second finds a new start. Returns how often. */
static int run(struct rig *r, uint64_t seed)
{
    int cuts = 0;
    for (int s = 0; s < RUN_S; s++) {
        if (seed && !stub.until_death && !stub.dead)
            stub.until_death = 1 + (int)(next_random(&seed) % 120);
        second(r, s);
        if (!stub.dead)
            continue;
        cuts++;
        rig_kill(r);
        rig_start(r, RIG_START_MS + (int64_t)(s + 1) * SECOND);
    }
    stub.until_death = 0;
    return cuts;
}

/* ---- what a run leaves behind ---- */

struct left {
    int minutes[RUN_S / 60 + 1]; /* rows of each */
    int hours[4], verdicts[4][RIG_POINTS];
    double means[RUN_S / 60 + 1];
    int samples[RIG_POINTS][RUN_S];
    int opened, evidence, nsamples, twice;
    char last_issue[32];
};

static void left_row(const struct row *row, void *arg)
{
    struct left *l = arg;
    int64_t since_ms = row->at_ms - RIG_START_MS;
    json_t *body = json_loads(row->body, 0, NULL);
    assert_non_null(body);
    if (strcmp(row->kind, "minute") == 0) {
        json_t *a = json_object_get(json_object_get(body, "points"), "a/pm10");
        l->minutes[since_ms / MINUTE]++;
        l->means[since_ms / MINUTE] = json_number_value(json_object_get(a, "mean"));
    }
    if (strcmp(row->kind, "hour") == 0)
        l->hours[since_ms / HOUR]++;
    if (strcmp(row->kind, "verdict") == 0)
        l->verdicts[since_ms / HOUR]
                   [strcmp(json_string_value(json_object_get(body, "point")), "b/pm10") == 0]++;
    l->opened += strcmp(row->kind, "issue") == 0 && strstr(row->body, "\"step\":\"open\"") != NULL;
    l->evidence += strcmp(row->kind, "issue") == 0 && strstr(row->body, "\"step\":\"evidence\"") != NULL;
    json_decref(body);
}

static void left_sample(const struct raw_sample *raw, void *arg)
{
    struct left *l = arg;
    int64_t s = (raw->sample.at_ms - RIG_START_MS) / SECOND;
    assert_in_range(s, 0, RUN_S - 1);
    int *n = &l->samples[strcmp(raw->name, "b/pm10") == 0][s];
    l->twice += *n > 0;
    l->nsamples += *n == 0;
    (*n)++;
}

static void left_chunk(const void *data, size_t length, void *arg)
{
    assert_int_equal(rawblock_decode(data, length, left_sample, arg), ERR_OK);
}

static void look(struct rig *r, struct left *l)
{
    struct store *s;
    struct store_opened opened;
    struct question q = {.raw = true, .limit = 50};
    rig_settle(r);
    rig_kill(r);
    *l = (struct left){0};
    assert_int_equal(store_open(r->dir, false, &s, &opened), ERR_OK);
    snprintf(l->last_issue, sizeof l->last_issue, "%s", opened.last_issue);
    assert_int_equal(store_scan_rows(s, NULL, INT64_MIN, left_row, l), ERR_OK);
    assert_int_equal(store_scan_samples(s, left_chunk, l), ERR_OK);
    assert_int_equal(store_start(s), ERR_OK);
    do {
        struct page *page = help_ask(s, q);
        for (int i = 0; i < page->nblocks; i++)
            left_chunk(page->blocks[i].data, page->blocks[i].length, l);
        q.after = page->next;
        page_free(page);
    } while (q.after);
    store_stop(s, 20000);
}

static void check_rows(const struct left *l)
{
    for (int m = 0; m < 180; m++) {
        assert_int_equal(l->minutes[m], 1);
        assert_true(l->means[m] == value_at(RIG_START_MS + m * (int64_t)MINUTE));
    }
    for (int h = 0; h < 3; h++) {
        assert_int_equal(l->hours[h], 1);
        for (int i = 0; i < RIG_POINTS; i++)
            assert_int_equal(l->verdicts[h][i], 1);
    }
    assert_int_equal(l->opened, 2); /* a point */
    assert_int_equal(l->evidence,
                     4); /* found while the first hour ran: both its end and the next hour are evidence */
    assert_string_equal(l->last_issue, "EX-2026-0002");
    assert_int_equal(l->twice, 0);
}

static void a_run_without_interruption_keeps_every_sample(void **state)
{
    struct left *l = mem_new(struct left);
    run(*state, 0);
    look(*state, l);
    check_rows(l);
    assert_in_range(l->nsamples, RIG_POINTS * RUN_S - LOST_A_CUT, RIG_POINTS * RUN_S);
    mem_free(l);
}

static void after_power_cuts_anywhere_rows_are_those_of_an_uninterrupted_run(void **state)
{
    struct rig *r = *state;
    struct left *l = mem_new(struct left);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        int cuts = run(r, seed * 7919);
        look(r, l);
        print_message("seed %d: %d cuts, %d of %d samples kept\n", (int)seed, cuts, l->nsamples,
                      RIG_POINTS * RUN_S);
        assert_in_range(cuts, 5, CUTS_MAX);
        check_rows(l);
        assert_true(l->nsamples >= RIG_POINTS * RUN_S - (cuts + 1) * LOST_A_CUT);
        help_dir_remove(r->dir);
        r->dir = help_dir();
        rig_start(r, RIG_START_MS);
    }
    mem_free(l);
}

/* Every commit around the end of an hour, one after the other, is the last before a cut; and so is every one
 * of the start after it. */
static void a_start_that_is_cut_short_loses_no_window(void **state)
{
    struct rig *r = *state;
    for (int until = 1; until <= 5; until++) {
        for (int s = 0; s < 3600 - 1; s++)
            second(r, s);
        stub.until_death = until;
        for (int s = 3600 - 1; s < 3600 + 4; s++)
            second(r, s);
        rig_kill(r);
        for (int again = 0; again < 3; again++) { /* two days later: the boot row is of another day */
            rig_start(r, RIG_START_MS + 49 * (int64_t)HOUR + again);
            r->d.next_chunk_ms = INT64_MAX;
            rig_kill(r);
        }
        char first_hour[40];
        snprintf(first_hour, sizeof first_hour, "{\"ts\":%lld,", (long long)RIG_START_MS);
        assert_int_equal(rig_rows(r, "hour", first_hour).n, 1);
        assert_int_equal(rig_rows(r, "day", NULL).n, 1);
        assert_int_equal(rig_rows(r, "verdict", first_hour).n, RIG_POINTS);
        assert_in_range(rig_rows(r, "minute", NULL).n, 60, 61);
        help_dir_remove(r->dir);
        r->dir = help_dir();
        rig_start(r, RIG_START_MS);
    }
}

/* A start whose boot row comes, and nothing else, must not hide the windows of the day before it. */
static void rows_of_a_later_day_hide_no_window_of_the_last_minutes_day(void **state)
{
    struct rig *r = *state;
    for (int s = 0; s < 1800; s++)
        second(r, s);
    row_append(&r->d, RIG_START_MS + 49 * (int64_t)HOUR, "boot", "",
               row_begin(&r->d, RIG_START_MS + 49 * (int64_t)HOUR, "boot", ""));
    batch_flush(&r->d);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS + 49 * (int64_t)HOUR + MINUTE);
    assert_int_equal(rig_rows(r, "hour", "\"n\":30,\"of\":60").n, 1);
    assert_int_equal(rig_rows(r, "day", NULL).n, 1);
}

static void a_restart_within_a_minute_continues_it(void **state)
{
    struct rig *r = *state;
    for (int s = 0; s < 20; s++)
        second(r, s);
    batch_chunk(&r->d);
    batch_flush(&r->d);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS + 20 * SECOND);
    for (int s = 20; s < 64; s++)
        second(r, s);
    assert_int_equal(rig_rows(r, "minute", "\"n\":60,\"of\":60").n, 1);
    assert_int_equal(rig_rows(r, "gap", NULL).n, 0);
}

static void a_long_stop_leaves_a_gap_row_from_the_last_minute_on(void **state)
{
    struct rig *r = *state;
    for (int s = 0; s < 90; s++)
        second(r, s);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS + HOUR);
    struct rig_rows gaps = rig_rows(r, "gap", NULL);
    assert_int_equal(gaps.n, 1);
    char *from = mem_printf("\"from\":%lld", (long long)RIG_START_MS + 2 * MINUTE);
    assert_non_null(strstr(gaps.body, from));
    mem_free(from);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 2);
    assert_true(rig_rows(r, "minute", NULL).seq < rig_rows(r, "boot", NULL).seq);
}

static void a_run_that_ended_before_its_first_minute_leaves_a_gap_row(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS + HOUR);
    struct rig_rows gaps = rig_rows(r, "gap", NULL);
    assert_int_equal(gaps.n, 1);
    json_t *gap = json_loads(gaps.body, 0, NULL);
    int64_t from_ms = json_integer_value(json_object_get(gap, "from"));
    json_decref(gap);
    assert_in_range(from_ms, RIG_START_MS, RIG_START_MS + MINUTE); /* the rig's clock goes on */
}

static void a_restart_after_the_clock_went_back_closes_the_minute_that_was_running(void **state)
{
    struct rig *r = *state;
    for (int s = 0; s < 90; s++)
        second(r, s);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS - HOUR);
    assert_int_equal(r->d.minute_ms, RIG_START_MS - HOUR);
    assert_int_equal(r->d.nsamples, 0);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 2);
    assert_int_equal(rig_rows(r, "gap", NULL).n, 0);
}

enum { READING_S = 95 }; /* of site time that a long journal takes to be read */

/* Both buses measure while the journal is read: the running minute is not even known yet. */
static int measure_meanwhile(struct dustd *d)
{
    struct rig *r = (struct rig *)(void *)((char *)d - offsetof(struct rig, d));
    int64_t from_ms = RIG_START_MS + HOUR;
    assert_int_equal(d->nsamples, 0);
    for (int s = 0; s < READING_S; s++)
        for (int i = 0; i < RIG_POINTS; i++) {
            rig_sample(r, i, from_ms + s * SECOND + 37, 100);
            rig_mark(r, i, from_ms + (s + 1) * SECOND);
        }
    clock_simulate_since(from_ms + READING_S * SECOND, 1, clock_wire_us());
    return ERR_OK;
}

static void what_is_measured_while_the_journal_is_read_is_in_its_minutes(void **state)
{
    struct rig *r = *state;
    for (int s = 0; s < 90; s++)
        second(r, s);
    batch_chunk(&r->d);
    batch_flush(&r->d);
    rig_settle(r);
    rig_kill(r);
    r->measure = measure_meanwhile;
    rig_start(r, RIG_START_MS + HOUR);
    r->measure = NULL;
    rig_turn(r, RIG_START_MS + HOUR + READING_S * SECOND, SECOND);
    assert_int_equal(r->d.late_samples, 0);
    assert_int_equal(r->d.nsamples, RIG_POINTS * (READING_S - 60));
    struct rig_rows minutes = rig_rows(r, "minute", "\"n\":60,\"of\":60");
    assert_int_equal(minutes.at_ms, RIG_START_MS + HOUR);
    assert_int_equal(rig_rows(r, "boot", NULL).at_ms / SECOND, (RIG_START_MS + HOUR) / SECOND);
    assert_int_equal(rig_member(rig_rows(r, "gap", NULL).body, "to") / SECOND,
                     (RIG_START_MS + HOUR) / SECOND);
}

static int have_no_thread(struct dustd *d)
{
    (void)d;
    return ERR_IO;
}

static void a_start_without_threads_for_the_buses_fails_and_writes_nothing(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    int64_t seq = r->d.head.seq;
    rig_kill(r);
    struct dustd d = {.config = rig_in_force};
    judging_open(&d);
    assert_int_equal(restore_all(&d, have_no_thread), ERR_IO);
    assert_int_equal(d.head.seq, seq);
    store_stop(d.store, 0);
    judging_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_without_interruption_keeps_every_sample),
        TEST(after_power_cuts_anywhere_rows_are_those_of_an_uninterrupted_run),
        TEST(a_start_that_is_cut_short_loses_no_window),
        TEST(rows_of_a_later_day_hide_no_window_of_the_last_minutes_day),
        TEST(a_restart_within_a_minute_continues_it),
        TEST(a_long_stop_leaves_a_gap_row_from_the_last_minute_on),
        TEST(a_run_that_ended_before_its_first_minute_leaves_a_gap_row),
        TEST(what_is_measured_while_the_journal_is_read_is_in_its_minutes),
        TEST(a_start_without_threads_for_the_buses_fails_and_writes_nothing),
        TEST(a_restart_after_the_clock_went_back_closes_the_minute_that_was_running),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
