/* A clock that is set while we run, and what a start says of the time before it. */
#include "tests/unit/pipeline_rig.h"

#include "daemon/base/hours.h"
#include "daemon/rows.h"

static const int64_t SECOND = CLOCK_SECOND_MS, MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS;

static void the_later_of_two_windows_names_the_earlier(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 3600 + 60, 100);
    rig_seconds(r, RIG_START_MS, 3600 + 60, 200); /* set back by 61 minutes */
    struct rig_rows first = rig_rows(r, "minute", "\"mean\":100.0");
    struct rig_rows again = rig_rows(r, "minute", "\"again\":");
    assert_int_equal(again.n, 61);
    assert_int_equal(again.at_ms, first.at_ms);
    assert_int_equal(rig_member(again.body, "again"), first.seq);
    assert_int_equal(rig_rows(r, "minute", NULL).n, 61 + 61 + 1); /* the one that the step ended */
    struct rig_rows hour = rig_rows(r, "hour", "\"again\":");
    assert_int_equal(hour.n, 1);
    assert_int_equal(rig_rows(r, "hour", NULL).n, 2 + 1);
    assert_int_equal(rig_rows(r, "verdict", "\"again\":").n, RIG_POINTS);
}

static void a_window_is_named_after_a_restart_too(void **state)
{
    struct rig *r = *state;
    rig_seconds(r, RIG_START_MS, 120, 100);
    rig_settle(r);
    rig_kill(r);
    rig_start(r, RIG_START_MS); /* found set back at the start */
    rig_seconds(r, RIG_START_MS, 61, 200);
    struct rig_rows again = rig_rows(r, "minute", "\"again\":");
    assert_int_equal(again.n, 1);
    assert_int_equal(again.at_ms, RIG_START_MS);
}

static void what_was_read_since_the_step_belongs_to_the_new_time(void **state)
{
    struct rig *r = *state;
    int64_t back_ms = RIG_START_MS - HOUR;
    rig_seconds(r, RIG_START_MS, 30, 100);
    rig_sample(r, 0, back_ms - 20, 200); /* before main has noticed, and before the minute */
    rig_sample(r, 0, back_ms + 10, 200);
    rig_turn(r, back_ms + 500, 500);
    assert_int_equal(r->d.nsamples, 2);
    assert_int_equal(r->d.minute_ms, back_ms - MINUTE);
    assert_int_equal(r->d.late_samples, 2); /* as it seemed */
    rig_seconds(r, back_ms + SECOND, 61, 200);
    struct rig_rows old = rig_rows(r, "minute", "\"mean\":100.0");
    assert_int_equal(old.n, 1);
    assert_non_null(strstr(old.body, "\"n\":30,\"of\":60"));
}

struct tally {
    int n;
};

static void count_sample(const struct raw_sample *raw, void *arg)
{
    (void)raw;
    ((struct tally *)arg)->n++;
}

static void count_chunk(const void *data, size_t length, void *arg)
{
    assert_int_equal(rawblock_decode(data, length, count_sample, arg), ERR_OK);
}

static int count_samples(struct rig *r)
{
    struct store *s;
    struct store_opened opened;
    struct question q = {.raw = true, .limit = 50};
    struct tally t = {0};
    batch_chunk(&r->d);
    batch_flush(&r->d);
    rig_settle(r);
    rig_kill(r);
    assert_int_equal(store_open(r->dir, false, &s, &opened), ERR_OK);
    assert_int_equal(store_scan_samples(s, count_chunk, &t), ERR_OK);
    assert_int_equal(store_start(s), ERR_OK);
    do {
        struct page *page = help_ask(s, q);
        for (int i = 0; i < page->nblocks; i++)
            count_chunk(page->blocks[i].data, page->blocks[i].length, &t);
        q.after = page->next;
        page_free(page);
    } while (q.after);
    store_stop(s, 20000);
    return t.n;
}

/* Steps by an hour, a day, a leap second, either way, at random moments. */
static void no_step_drops_or_doubles_a_sample(void **state)
{
    struct rig *r = *state;
    const char *seed_text = getenv("DUST_SEED");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 4711;
    const int64_t steps_ms[] = {HOUR, -HOUR, -24 * HOUR, -1000, 1000, 24 * HOUR};
    int64_t at_ms = RIG_START_MS;
    int seconds = 0, steps = 0, seen = 0;
    for (; steps < 60; steps++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        int run = 1 + (int)((seed >> 33) % 150);
        int64_t step_ms = steps_ms[(seed >> 20) % (sizeof steps_ms / sizeof *steps_ms)];
        rig_seconds(r, at_ms, run, 100);
        seconds += run;
        at_ms += (int64_t)run * SECOND + step_ms;
        while (store_state(r->d.store).waiting > 64)
            usleep(1000);
    }
    rig_seconds(r, at_ms, 1, 100);
    seen = count_samples(r);
    assert_int_equal(seen, RIG_POINTS * (seconds + 1));
    assert_int_equal(rig_rows(r, "clock", "\"step_ms\"").n, steps);
}

/* ---- how the last run ended ---- */

static void start_in(struct rig *r, const char *boot, int64_t now_ms)
{
    if (r->running) {
        rig_settle(r);
        rig_kill(r);
    }
    clock_simulate_unsynced(INT64_MIN, boot);
    rig_start(r, now_ms);
}

static void say_stop(struct rig *r, int64_t now_ms)
{
    row_append(&r->d, now_ms, "stop", "", row_begin(&r->d, now_ms, "stop", ""));
    batch_flush(&r->d);
}

/* What status and the topic `health` say of the last run, as JSON. */
static void assert_last_run(struct rig *r, const char *wanted)
{
    json_t *health = health_json(&r->d, RIG_START_MS);
    char *said = json_dumps(json_object_get(health, "last_run"), JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(health);
    if (!strstr(said, wanted))
        fail_msg("%s is not in %s", wanted, said);
    mem_free(said);
}

static void the_boot_row_and_health_tell_a_dead_program_from_a_machine_without_power(void **state)
{
    struct rig *r = *state;
    start_in(r, "boot-a", RIG_START_MS);
    rig_seconds(r, RIG_START_MS, 60, 100);
    start_in(r, "boot-a", RIG_START_MS + 10 * MINUTE);
    assert_last_run(r, "\"before\":\"broke off\",\"gap_ms\":54");
    assert_last_run(r, "\"machine\":\"ran on\"");
    rig_seconds(r, RIG_START_MS + 10 * MINUTE, 60, 100);
    start_in(r, "boot-b", RIG_START_MS + 30 * MINUTE);
    assert_last_run(r, "\"machine\":\"rebooted\"");
    rig_seconds(r, RIG_START_MS + 30 * MINUTE, 60, 100);
    say_stop(r, RIG_START_MS + 31 * MINUTE);
    start_in(r, "boot-b", RIG_START_MS + 40 * MINUTE);
    assert_last_run(r, "\"before\":\"stopped\"");
    rig_seconds(r, RIG_START_MS + 40 * MINUTE, 60, 100);
    struct rig_rows died = rig_rows(r, "boot", "\"before\":\"broke off\",\"machine\":\"ran on\"");
    assert_int_equal(died.n, 1);
    assert_in_range(rig_member(died.body, "gap_ms"), 9 * MINUTE, 9 * MINUTE + 2 * SECOND);
    assert_int_equal(rig_rows(r, "gap", "\"died\"").n, 1);
    assert_int_equal(rig_rows(r, "boot", "\"before\":\"broke off\",\"machine\":\"rebooted\"").n, 2);
    assert_int_equal(rig_rows(r, "gap", "\"outage\"").n, 1);
    assert_int_equal(rig_rows(r, "boot", "\"before\":\"stopped\",\"machine\":\"ran on\"").n, 1);
    assert_int_equal(rig_rows(r, "gap", "\"stopped\"").n, 1);
}

static const char *const nightly[] = {"22:00-06:00"};

static void hours_without_power_are_a_gap_of_their_own(void **state)
{
    struct rig *r = *state;
    int64_t evening_ms = RIG_START_MS + 5 * HOUR + 50 * MINUTE; /* 21:50 */
    rig_config.power_off = (const char **)(uintptr_t)nightly;
    rig_config.npower_off = 1;
    start_in(r, "boot-a", evening_ms);
    rig_seconds(r, evening_ms, 60, 100);
    start_in(r, "boot-b", evening_ms + 8 * HOUR + 13 * MINUTE); /* 06:03 */
    rig_config.npower_off = 0;
    struct rig_rows night = rig_rows(r, "gap", "\"power_off\"");
    assert_int_equal(night.n, 1);
    assert_int_equal(rig_member(night.body, "from"), RIG_START_MS + 6 * HOUR);
    assert_int_equal(rig_member(night.body, "to"), RIG_START_MS + 14 * HOUR);
    assert_int_equal(rig_rows(r, "gap", "\"outage\"").n,
                     3); /* since the rig's start, before ten, after six */
}

static void a_program_that_dies_at_night_is_no_power_off(void **state)
{
    struct rig *r = *state;
    int64_t night_ms = RIG_START_MS + 7 * HOUR;
    rig_config.power_off = (const char **)(uintptr_t)nightly;
    rig_config.npower_off = 1;
    start_in(r, "boot-a", night_ms);
    rig_seconds(r, night_ms, 60, 100);
    start_in(r, "boot-a", night_ms + HOUR);
    rig_config.npower_off = 0;
    struct rig_rows off = rig_rows(r, "gap", "\"power_off\"");
    assert_int_equal(off.n,
                     1); /* from the rig's start, in another boot, to this one's: nothing of the death */
    assert_in_range(rig_member(off.body, "to"), night_ms, night_ms + SECOND - 1); /* a start takes a while */
    assert_int_equal(rig_rows(r, "gap", "\"died\"").n, 1);
}

static void hours_are_two_times_of_the_day(void **state)
{
    (void)state;
    struct hours h;
    assert_int_equal(hours_parse("22:00-06:00", &h), ERR_OK);
    assert_int_equal(h.from_min, 1320);
    assert_int_equal(h.to_min, 360);
    assert_int_equal(hours_parse("00:00-24:00", &h), ERR_OK);
    static const char *const bad[] = {"",
                                      "22:00",
                                      "22:00-6:00",
                                      "22:00 - 06:00",
                                      "25:00-06:00",
                                      "22:60-06:00",
                                      "24:00-06:00",
                                      "22:00-06:00 ",
                                      "-1:00-06:00",
                                      "22:00-06:0a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(hours_parse(bad[i], &h), ERR_FORMAT);
    assert_int_equal(hours_parse("06:00-06:00", &h), ERR_RANGE);
}

static void hours_are_as_long_as_they_say_and_are_written_as_they_were_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int minutes;
    } all[] = {{"06:00-22:00", 960}, {"22:00-06:00", 480}, {"00:00-24:00", 1440}, {"23:59-00:00", 1}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        struct hours h;
        char text[16];
        int held = 0;
        assert_int_equal(hours_parse(all[i].text, &h), ERR_OK);
        assert_string_equal(hours_text(&h, text), all[i].text);
        assert_int_equal(hours_minutes(&h), all[i].minutes);
        for (int m = 0; m < 1440; m++)
            held += hours_hold(&h, m);
        assert_int_equal(held, all[i].minutes);
    }
    assert_int_equal(hours_minutes(&(struct hours){0}), 1440);
    assert_true(hours_hold_at(&(struct hours){0}, RIG_START_MS, 480));
}

static void hours_end_where_they_say_in_the_zone_of_the_site(void **state)
{
    (void)state;
    bool inside;
    int64_t midnight_ms = RIG_START_MS + 8 * HOUR; /* of the site: RIG_START_MS is 16:00 */
    assert_int_equal(hours_until(nightly, 1, 480, midnight_ms, midnight_ms + 30 * HOUR, &inside),
                     midnight_ms + 6 * HOUR);
    assert_true(inside);
    assert_int_equal(hours_until(nightly, 1, 480, RIG_START_MS + 1, midnight_ms, &inside),
                     midnight_ms - 2 * HOUR);
    assert_false(inside);
    assert_int_equal(hours_until(nightly, 1, 480, RIG_START_MS, RIG_START_MS + HOUR, &inside),
                     RIG_START_MS + HOUR);
    assert_int_equal(hours_until(nightly, 0, 480, RIG_START_MS, midnight_ms, &inside), midnight_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_later_of_two_windows_names_the_earlier),
        TEST(a_window_is_named_after_a_restart_too),
        TEST(what_was_read_since_the_step_belongs_to_the_new_time),
        TEST(no_step_drops_or_doubles_a_sample),
        TEST(the_boot_row_and_health_tell_a_dead_program_from_a_machine_without_power),
        TEST(hours_without_power_are_a_gap_of_their_own),
        TEST(a_program_that_dies_at_night_is_no_power_off),
        TEST(hours_are_two_times_of_the_day),
        TEST(hours_are_as_long_as_they_say_and_are_written_as_they_were_read),
        TEST(hours_end_where_they_say_in_the_zone_of_the_site),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
