/* What happens to the cabinet that a meter stands in, and is nobody's declared work. */
#include "daemon/judge/quality.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/judge.h"
#include "drivers/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS };
enum { PM10, TILT, NORTH, EAST, DOOR, POWER, POINTS, HEARD = 40 };
static const int64_t noon = 1773417600000 + 12 * (int64_t)HOUR; /* 2026-03-14T12:00+08:00 */

static const struct {
    const char *name, *role, *unit;
} shape[POINTS] = {
    {"gate/pm10", "pm10", "ug/m3"},    {"gate/tilt", "tilt", "deg"}, {"gate/north", "latitude", "deg"},
    {"gate/east", "longitude", "deg"}, {"board/in1", "door", ""},    {"board/in2", "power", ""},
};

struct site {
    struct device gate, board;
    struct point points[POINTS];
    struct config_point list[POINTS];
    struct config config;
    struct facts *facts;
    struct judge *judge;
    double now[POINTS]; /* NaN: no value */
    int minute, n;
    char heard[HEARD][16]; /* findings that began */
    char why[160];
};

static void hear(const struct judge_event *e, void *arg)
{
    struct site *s = arg;
    if (e->kind != JUDGE_QUALITY || e->finding->ended)
        return;
    assert_true(s->n < HEARD && e->finding->check->weight == QUALITY_DOUBT);
    strcpy(s->heard[s->n++], e->finding->check->name);
    strcpy(s->why, e->finding->why);
}

static int setup(void **state)
{
    static const double usual[POINTS] = {80, 1.5, 37.9, 110.9, 0, 1};
    struct site *s = mem_new(struct site);
    s->gate = (struct device){.name = "gate", .period_ms = 1000};
    s->board = (struct device){.name = "board", .period_ms = 1000, .first_point = DOOR};
    for (int i = 0; i < POINTS; i++) {
        s->points[i] = (struct point){.name = shape[i].name, .role = shape[i].role, .unit = shape[i].unit};
        s->list[i] = (struct config_point){i < DOOR ? &s->gate : &s->board, &s->points[i], shape[i].name};
    }
    s->config = (struct config){.points = s->list, .npoints = POINTS};
    s->config.site.zone_min = 480;
    s->config.quality = (struct quality_config){
        .hole_ms = 10 * MINUTE, .night = "", .door = true, .power_ms = 2 * MINUTE, .tilt = 10, .moved = 50};
    memcpy(s->now, usual, sizeof usual);
    s->facts = facts_create();
    s->judge = judge_create(&s->config);
    judge_know(s->judge, s->facts);
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct site *s = *state;
    judge_destroy(s->judge);
    facts_destroy(s->facts);
    mem_free(s);
    return 0;
}

static void feed(struct site *s, int minutes)
{
    for (; minutes > 0; minutes--, s->minute++) {
        struct mean means[POINTS];
        for (int i = 0; i < POINTS; i++) {
            double v = s->now[i];
            means[i] = (struct mean){v, v, v, isnan(v) ? 0 : 60, 60, isnan(v) ? 'B' : 'N', 0};
        }
        judge_feed(s->judge, noon + s->minute * (int64_t)MINUTE, means, hear, s);
    }
}

static void serve(struct site *s, const char *device, int minutes)
{
    int64_t from_ms = noon + s->minute * (int64_t)MINUTE;
    facts_set_service(s->facts, device, 'M', from_ms, from_ms + minutes * (int64_t)MINUTE, 0);
}

static void expect(const struct site *s, const char *check)
{
    assert_int_equal(s->n, 1);
    assert_string_equal(s->heard[0], check);
}

static void a_cabinet_that_stands_as_it_was_left_is_no_finding(void **state)
{
    struct site *s = *state;
    feed(s, 60);
    s->now[TILT] += 9;
    s->now[NORTH] += 0.0003; /* 33 m */
    feed(s, 60);
    assert_int_equal(s->n, 0);
}

static void a_door_on_a_board_is_explained_by_the_maintenance_of_any_meter(void **state)
{
    struct site *s = *state;
    feed(s, 1);
    serve(s, "gate", 10);
    s->now[DOOR] = 1;
    feed(s, 10);
    assert_int_equal(s->n, 0);
    feed(s, 1);
    expect(s, "door");
}

static void mains_that_are_gone_are_suspected_unless_the_hour_is_declared(void **state)
{
    static const char *hours[] = {"12:30-13:00"};
    struct site *s = *state;
    s->config.power_off = hours;
    s->config.npower_off = 1;
    feed(s, 1);
    s->now[POWER] = 0;
    feed(s, 1);
    assert_int_equal(s->n, 0);
    feed(s, 1);
    expect(s, "power");
    s->now[POWER] = 1;
    feed(s, 27);
    s->now[POWER] = 0; /* 12:30 */
    feed(s, 30);
    expect(s, "power");
    feed(s, 2);
    assert_int_equal(s->n, 2);
}

static void a_cabinet_that_leans_is_suspected_and_a_maintenance_sets_it_anew(void **state)
{
    struct site *s = *state;
    feed(s, 5);
    s->now[TILT] = 350; /* minus 10 deg: 11.5 off, across zero */
    feed(s, 1);
    expect(s, "tilt");
    assert_non_null(strstr(s->why, "11.5 deg"));
    serve(s, "gate", 5);
    feed(s, 30);
    expect(s, "tilt");
    s->now[TILT] = 1.5;
    feed(s, 1);
    assert_int_equal(s->n, 2);
}

static void a_meter_that_was_carried_away_is_suspected_after_ten_minutes(void **state)
{
    struct site *s = *state;
    feed(s, 5);
    s->now[EAST] += 0.0007; /* 61 m at 37.9 degrees north, 78 at the equator */
    feed(s, 9);
    s->now[EAST] -= 0.0007; /* a position jumps now and then */
    feed(s, 1);
    s->now[EAST] += 0.0007;
    feed(s, 9);
    assert_int_equal(s->n, 0);
    feed(s, 1);
    expect(s, "moved");
    assert_non_null(strstr(s->why, "61 m"));
}

static void the_first_whole_position_is_the_one_it_was_left_at(void **state)
{
    struct site *s = *state;
    double east = s->now[EAST];
    s->now[EAST] = NAN;
    feed(s, 60);
    assert_int_equal(s->n, 0);
    s->now[EAST] = east;
    feed(s, 5);
    s->now[NORTH] += 0.001;
    feed(s, 10);
    expect(s, "moved");
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_cabinet_that_stands_as_it_was_left_is_no_finding),
        EACH(a_door_on_a_board_is_explained_by_the_maintenance_of_any_meter),
        EACH(mains_that_are_gone_are_suspected_unless_the_hour_is_declared),
        EACH(a_cabinet_that_leans_is_suspected_and_a_maintenance_sets_it_anew),
        EACH(a_meter_that_was_carried_away_is_suspected_after_ten_minutes),
        EACH(the_first_whole_position_is_the_one_it_was_left_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
