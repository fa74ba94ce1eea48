/* When a head is signed: by the running minute, over a site's midnight. */
#include "tests/unit/pipeline_rig.h"

enum { MINUTE = CLOCK_MINUTE_MS };
static const int64_t midnight_ms = RIG_START_MS + 8 * CLOCK_HOUR_MS; /* of the site: RIG_START is at 16:00 */

/* Minutes [from, to) from midnight, a reading each; each ends a turn later. */
static void minutes(struct rig *r, int from, int to)
{
    for (int i = from; i < to; i++) {
        int64_t at_ms = midnight_ms + i * (int64_t)MINUTE;
        for (int k = 0; k < RIG_POINTS; k++) {
            rig_sample(r, k, at_ms + 10, 100);
            rig_mark(r, k, at_ms + MINUTE);
        }
        rig_turn(r, at_ms + MINUTE, MINUTE);
        seal_turn(&r->d, at_ms + MINUTE);
    }
}

static void begin(struct rig *r)
{
    rig_kill(r);
    rig_start(r, midnight_ms - 25 * (int64_t)MINUTE);
    seal_head(&r->d, midnight_ms - 25 * (int64_t)MINUTE);
}

static void a_head_is_signed_each_ten_minutes_and_not_more(void **state)
{
    struct rig *r = *state;
    begin(r); /* 23:35 */
    minutes(r, -25, 15);
    assert_int_equal(rig_rows(r, "head", NULL).n, 1 + 4); /* 23:40, 23:50, 00:00, 00:10 */
}

static void the_head_at_midnight_covers_the_days_own_rows(void **state)
{
    struct rig *r = *state;
    begin(r);
    minutes(r, -25, 0);
    struct rig_rows day = rig_rows(r, "day", NULL), head = rig_rows(r, "head", NULL);
    assert_int_equal(day.n, 1);
    assert_true(head.seq > day.seq);
}

static void without_a_date_nothing_is_signed(void **state)
{
    struct rig *r = *state;
    int64_t seq = r->d.seal.seq;
    r->d.hold.undated = true;
    seal_head(&r->d, 1000);
    assert_int_equal(r->d.seal.seq, seq);
    r->d.hold.undated = false;
}

/* Nothing with a seq leaves before its commit. */
static void a_head_is_published_when_its_row_is_on_the_disk(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    seal_head(&r->d, RIG_START_MS);
    assert_null(seal_json(&r->d));
    assert_null(said("head"));
    batch_flush(&r->d);
    rig_settle(r);
    const char *message = said("head");
    assert_non_null(message);
    json_t *body = json_loads(message, 0, NULL);
    struct signed_head h;
    assert_int_equal(head_read(body, r->d.head.id, &h), ERR_OK);
    assert_true(head_verifies(&h));
    assert_int_equal(h.head.seq, r->d.seal.seq - 1);
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_head_is_signed_each_ten_minutes_and_not_more),
        TEST(the_head_at_midnight_covers_the_days_own_rows),
        TEST(without_a_date_nothing_is_signed),
        TEST(a_head_is_published_when_its_row_is_on_the_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
