/* Data quality: what each check finds, what it flags, and what is taken back. */
#include "daemon/judge/quality.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/spike.h"
#include "drivers/device.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS, DAY = CLOCK_DAY_MS };
enum { PM25, PM10, TSP, RH, WIND, SPRAY, SETTING, DOOR, OTHER, POINTS, HEARD = 400 };
static const int64_t midnight = 1773417600000; /* 2026-03-14T00:00+08:00 */

static const struct {
    const char *name, *role, *unit;
} shape[POINTS] = {
    {"gate/pm25", "pm25", "ug/m3"}, {"gate/pm10", "pm10", "ug/m3"},     {"gate/tsp", "tsp", "mg/m3"},
    {"gate/rh", "humidity", "%"},   {"gate/wind", "wind_speed", "m/s"}, {"gate/spray", "spray_feedback", ""},
    {"gate/factor", "", ""},        {"gate/door", "door", ""},          {"yard/pm10", "pm10", "ug/m3"}};

struct heard {
    char check[16];
    int point, minute;
    bool ended;
    int64_t from_ms;
};

struct site {
    struct device gate, yard;
    struct point points[POINTS];
    struct config_point list[POINTS];
    struct limit limit;
    struct config config;
    struct facts *facts;
    struct judge *judge;
    struct mean now[POINTS]; /* of the next minute, letters included */
    int minute, n;
    struct heard heard[HEARD];
    struct judge_event verdicts[HEARD];
    int nverdicts;
    char why[160]; /* of the last finding */
    int tagged;    /* findings that are a tag */
};

static void hear(const struct judge_event *e, void *arg)
{
    struct site *s = arg;
    if (e->kind == JUDGE_VERDICT && s->nverdicts < HEARD)
        s->verdicts[s->nverdicts++] = *e;
    if (e->kind != JUDGE_QUALITY)
        return;
    assert_true(s->n < HEARD);
    struct heard *h = &s->heard[s->n++];
    strcpy(s->why, e->finding->why);
    s->tagged += e->finding->check->weight == QUALITY_TAG;
    strcpy(h->check, e->finding->check->name);
    h->point = e->point;
    h->minute = s->minute;
    h->ended = e->finding->ended;
    h->from_ms = e->finding->from_ms;
}

static int setup(void **state)
{
    struct site *s = mem_new(struct site);
    s->gate = (struct device){.name = "gate", .period_ms = 1000};
    s->yard = (struct device){.name = "yard", .period_ms = 1000, .first_point = OTHER};
    for (int i = 0; i < POINTS; i++) {
        s->points[i] = (struct point){
            .name = shape[i].name + 5, .role = shape[i].role, .unit = shape[i].unit, .watch = i == SETTING};
        s->list[i] = (struct config_point){i == OTHER ? &s->yard : &s->gate, &s->points[i], shape[i].name};
    }
    s->limit = (struct limit){.id = "test/limit",
                              .role = "pm10",
                              .window_ms = 5 * MINUTE,
                              .value = 250,
                              .unit = "ug/m3",
                              .informs = true,
                              .valid_from_ms = INT64_MIN,
                              .valid_to_ms = INT64_MAX};
    s->config = (struct config){.points = s->list, .npoints = POINTS, .limits = &s->limit, .nlimits = 1};
    s->config.site.zone_min = 480;
    s->config.quality.hole_ms = 10 * MINUTE;
    s->config.quality.night = "";
    s->facts = facts_create();
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

static int64_t now_ms(const struct site *s)
{
    return midnight + s->minute * (int64_t)MINUTE;
}

static void put(struct site *s, int point, double low, double high)
{
    double mean = (low + high) / 2;
    s->now[point] = (struct mean){mean, low, high, 60, 60, 'N', 0};
}

static void lose(struct site *s, int point, char letter)
{
    s->now[point] = (struct mean){NAN, NAN, NAN, 0, 60, (uint8_t)letter, 0};
}

/* Values as on any day, a little different each minute. */
static void usual(struct site *s)
{
    double wave = s->minute % 7 + s->minute % 11 * 0.1;
    put(s, PM25, 40 + wave, 42 + wave);
    put(s, PM10, 80 + wave, 84 + wave);
    put(s, TSP, 0.15 + wave / 1000, 0.16 + wave / 1000);
    put(s, RH, 50, 50.5);
    put(s, WIND, 1.9, 2.1);
    put(s, SPRAY, 0, 0);
    put(s, SETTING, 100, 100);
    put(s, DOOR, 0, 0);
    put(s, OTHER, 70 - wave, 73 - wave);
}

static void feed(struct site *s)
{
    if (!s->judge) {
        s->judge = judge_create(&s->config);
        judge_know(s->judge, s->facts);
    }
    judge_check(s->judge, now_ms(s), s->now);
    judge_feed(s->judge, now_ms(s), s->now, hear, s);
    s->minute++;
}

/* Minutes with one point at a value. */
static void feed_with(struct site *s, int minutes, int point, double low, double high)
{
    for (; minutes > 0; minutes--) {
        usual(s);
        put(s, point, low, high);
        feed(s);
    }
}

static void feed_usual(struct site *s, int minutes)
{
    for (; minutes > 0; minutes--) {
        usual(s);
        feed(s);
    }
}

static const struct heard *only(const struct site *s, const char *check, int point)
{
    assert_int_equal(s->n, 1);
    assert_string_equal(s->heard[0].check, check);
    assert_int_equal(s->heard[0].point, point);
    assert_false(s->heard[0].ended);
    return &s->heard[0];
}

static void everything_on(struct site *s)
{
    s->config.quality = (struct quality_config){.hole_ms = 10 * MINUTE,
                                                .offline_ms = 30 * MINUTE,
                                                .zero_ms = 10 * MINUTE,
                                                .flat_ms = HOUR,
                                                .flat_low = 20,
                                                .flat_low_ms = 3 * HOUR,
                                                .plateau_ms = 30 * MINUTE,
                                                .plateau_span = 2,
                                                .other_rise = 30,
                                                .spike_factor = 5,
                                                .spike_floor = 100,
                                                .range_ms = MINUTE,
                                                .inversion_ms = 3 * HOUR,
                                                .inversion = 10,
                                                .copy_ms = 30 * MINUTE,
                                                .spray_humidity = 15,
                                                .spray_drop = 50,
                                                .damp = 90,
                                                .damp_ms = 10 * MINUTE,
                                                .background_ms = 3 * HOUR,
                                                .background = 50,
                                                .watch = true,
                                                .door = true,
                                                .night = "22:00-06:00",
                                                .services = 3};
}

/* --- one point --- */

static void two_usual_days_are_free_of_findings(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 2 * 24 * 60 - 1);
    for (int i = 0; i < s->n; i++)
        assert_string_equal(s->heard[i].check, "copy"); /* see usual(): its 77 minutes do not fit in a day */
    assert_int_equal(s->n, 0);
}

static void ten_minutes_of_nothing_are_no_measurement(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 30);
    feed_with(s, 9, PM10, 0, 0);
    assert_int_equal(s->n, 0);
    feed_with(s, 1, PM10, -2, 0);
    assert_int_equal(only(s, "zero", PM10)->minute, 39);
    assert_int_equal(s->heard[0].from_ms, midnight + 30 * (int64_t)MINUTE);
    assert_int_equal(s->now[PM10].quality, 'D');
    assert_int_equal(s->now[PM25].quality, 'N');
    feed_usual(s, 1);
    assert_int_equal(s->n, 2);
    assert_true(s->heard[1].ended);
    assert_int_equal(s->now[PM10].quality, 'N');
}

static void one_value_for_an_hour_is_stuck_and_below_20_for_three(void **state)
{
    struct site *s = *state;
    everything_on(s);
    s->config.quality.inversion_ms = 0;
    feed_usual(s, 5);
    feed_with(s, 59, PM10, 66, 66);
    assert_int_equal(s->n, 0);
    feed_with(s, 1, PM10, 66, 66);
    assert_int_equal(only(s, "flatline", PM10)->minute, 64);
    s->n = 0;
    feed_usual(s, 1);
    s->n = 0;
    feed_with(s, 179, TSP, 0.019, 0.019); /* mg/m3 */
    for (int i = 0; i < s->n; i++)
        assert_string_not_equal(s->heard[i].check, "flatline");
    s->n = 0;
    feed_with(s, 1, TSP, 0.019, 0.019);
    assert_string_equal(s->heard[s->n - 1].check, "flatline");
}

static void a_value_that_comes_back_is_not_stuck(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int i = 0; i < 200; i++)
        feed_with(s, 1, PM10, 66 + i % 2, 66 + i % 2);
    assert_int_equal(s->n, 0);
}

static void a_short_hole_does_not_hide_what_is_stuck_a_long_one_does(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int i = 0; i < 61; i++) {
        usual(s);
        put(s, PM10, 66, 66);
        if (i == 30)
            lose(s, PM10, 'B');
        feed(s);
    }
    only(s, "flatline", PM10);
    s->n = 0;
    feed_usual(s, 1);
    s->n = 0;
    for (int i = 0; i < 100; i++) {
        usual(s);
        put(s, PM10, 66, 66);
        if (i >= 50 && i < 61)
            lose(s, PM10, 'B');
        feed(s);
    }
    assert_int_equal(s->n, 0);
}

static void half_an_hour_without_an_answer_is_offline(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int i = 0; i < 30; i++) {
        usual(s);
        lose(s, OTHER, 'B');
        feed(s);
    }
    only(s, "offline", OTHER);
    feed_usual(s, 1);
    assert_true(s->heard[1].ended);
}

static void over_the_range_is_said(void **state)
{
    struct site *s = *state;
    everything_on(s);
    usual(s);
    s->now[PM10].quality = 'T';
    feed(s);
    only(s, "over_range", PM10);
    assert_int_equal(s->now[PM10].quality, 'T');
}

/* --- several points --- */

static void three_hours_of_fine_dust_over_coarse_are_no_measurement_of_either(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int i = 0; i < 180; i++)
        feed_with(s, 1, PM25, 110 + i % 9, 112 + i % 9);
    assert_int_equal(s->n, 2);
    assert_string_equal(s->heard[0].check, "inversion");
    assert_int_equal(s->heard[0].point + s->heard[1].point, PM25 + PM10);
    assert_int_equal(s->now[PM10].quality, 'D');
    assert_int_equal(s->now[TSP].quality, 'N');
}

static void within_the_margin_the_order_does_not_matter(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int i = 0; i < 400; i++) {
        usual(s);
        put(s, PM25, s->now[PM10].min * 1.09, s->now[PM10].max * 1.09);
        feed(s);
    }
    assert_int_equal(s->n, 0);
}

static void two_devices_with_the_same_changing_values_are_suspected(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int i = 0; i < 31; i++) {
        usual(s);
        s->now[OTHER] = s->now[PM10];
        feed(s);
    }
    assert_int_equal(s->n, 2); /* nobody knows which is the copy */
    assert_string_equal(s->heard[0].check, "copy");
    assert_int_equal(s->now[PM10].quality, 'N'); /* a suspicion takes no value away */
}

static void a_day_that_is_yesterday_again_is_suspected(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 24 * 60);
    for (int i = 0; i < 31; i++) {
        s->minute -= 24 * 60;
        usual(s);
        s->minute += 24 * 60;
        feed(s);
    }
    bool found = false;
    for (int i = 0; i < s->n; i++)
        found = found || (strcmp(s->heard[i].check, "copy") == 0 && s->heard[i].point == PM10);
    assert_true(found);
}

static void a_plateau_below_a_round_number_is_suspected_while_another_meter_rises(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int rising = 0; rising < 2; rising++) {
        s->n = 0;
        for (int i = 0; i < 40; i++) {
            usual(s);
            put(s, PM10, 296 + i % 2, 298 + i % 2);
            put(s, PM25, 50 + i % 3, 52 + i % 3);
            put(s, TSP, 0.35 + 0.01 * i * rising, 0.36 + 0.01 * i * rising);
            feed(s);
        }
        assert_int_equal(s->n, rising);
        feed_usual(s, 5);
    }
    assert_string_equal(s->heard[0].check, "plateau");
}

static void humidity_that_jumps_while_dust_falls_and_the_spray_runs_is_a_sprayed_inlet(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int on = 0; on < 2; on++) {
        s->n = 0;
        feed_usual(s, 10);
        for (int i = 0; i < 3; i++) {
            usual(s);
            put(s, RH, 70, 71);
            put(s, PM25, 15 + i, 16 + i);
            put(s, PM10, 30 + i, 31 + i);
            put(s, SPRAY, on, on);
            feed(s);
        }
        assert_int_equal(s->n, 2 * on); /* PM2.5 and PM10 */
        feed_usual(s, 10);
    }
    assert_string_equal(s->heard[0].check, "spray");
}

static void an_inlet_is_not_suspected_when_the_countys_air_has_cleared_as_well(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 10);
    int64_t hour_ms = clock_window_start(now_ms(s), HOUR, 0);
    facts_set_background(s->facts, "pm10", hour_ms - HOUR, HOUR, 90);
    facts_set_background(s->facts, "pm10", hour_ms, HOUR, 40);
    for (int i = 0; i < 3; i++) {
        usual(s);
        put(s, RH, 70, 71);
        put(s, PM25, 15 + i, 16 + i);
        put(s, PM10, 30 + i, 31 + i);
        put(s, SPRAY, 1, 1);
        feed(s);
    }
    assert_int_equal(s->n, 1); /* of PM2.5 no background is known */
    assert_string_equal(s->heard[0].check, "spray");
}

/* Light scattering takes water for dust: a tag, and nothing else. */
static void dust_in_air_over_90_percent_of_humidity_is_tagged_and_keeps_its_letter_and_value(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 5);
    feed_with(s, 30, RH, 90, 90); /* not over it */
    assert_int_equal(s->n, 0);
    int first = s->minute;
    feed_with(s, 9, RH, 91, 92);
    assert_int_equal(s->n, 0);
    usual(s);
    put(s, RH, 91, 92);
    double mean = s->now[PM10].mean;
    feed(s);
    assert_int_equal(s->n, 4); /* each concentration, also of the meter that has no humidity of its own */
    for (int i = 0; i < s->n; i++) {
        assert_string_equal(s->heard[i].check, "high_rh");
        assert_int_equal(s->heard[i].from_ms, midnight + first * (int64_t)MINUTE);
    }
    assert_int_equal(s->tagged, 4);
    assert_string_equal(s->why, "relative humidity 91.5 %, over 90 %: light scattering reads high");
    assert_int_equal(s->now[PM10].quality, 'N');
    assert_true(s->now[PM10].mean == mean);
    assert_int_equal(s->verdicts[s->nverdicts - 1].mean.n, 5);
    feed_usual(s, 1);
    assert_int_equal(s->n, 8);
    assert_true(s->heard[7].ended);
}

static void no_tag_is_set_where_it_is_switched_off_or_no_humidity_is_known(void **state)
{
    struct site *s = *state;
    everything_on(s);
    s->config.quality.damp = 0;
    feed_with(s, 20, RH, 95, 96);
    s->config.quality.damp = 90;
    for (int i = 0; i < 20; i++) {
        usual(s);
        lose(s, RH, 'D');
        feed(s);
    }
    assert_int_equal(s->n, 0);
}

static void hours_far_below_the_background_are_suspected(void **state)
{
    struct site *s = *state;
    everything_on(s);
    for (int h = 0; h < 6; h++)
        facts_set_background(s->facts, "pm10", midnight + h * (int64_t)HOUR, HOUR, 250);
    feed_usual(s, 5 * 60);
    assert_int_equal(s->n, 2); /* both meters, when the third hour's background is there */
    assert_string_equal(s->heard[0].check, "background");
    assert_int_equal(s->heard[0].minute, 5 * 60 - 1);
    assert_int_equal(s->heard[0].from_ms, midnight);
}

/* --- the device --- */

static void a_setting_that_changes_is_suspected_unless_the_device_is_served(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 12 * 60); /* noon */
    feed_with(s, 1, SETTING, 120, 120);
    only(s, "setting", SETTING);
    s->n = 0;
    facts_set_service(s->facts, "gate", 'C', now_ms(s), now_ms(s) + HOUR, 0);
    feed_with(s, 70, SETTING, 100, 100);
    for (int i = 0; i < s->n; i++)
        assert_true(s->heard[i].ended);
}

/* Read once a minute at most: the second answer tells. */
static void put_setting(struct site *s, double value)
{
    usual(s);
    put(s, SETTING, value, value);
    s->now[SETTING].n = 1;
    feed(s);
}

static void one_odd_reading_of_a_setting_accuses_nobody(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 12 * 60);
    const double readings[] = {100, 120, 100, 120, 130, 100};
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++)
        put_setting(s, readings[i]);
    feed_with(s, 1, SETTING, 100, 120); /* two answers of a minute that differ */
    assert_int_equal(s->n, 0);
    put_setting(s, 120);
    assert_int_equal(s->n, 0);
    put_setting(s, 120);
    only(s, "setting", SETTING);
}

/* It is read each hour: the maintenance may be over when the change is seen. */
static void a_maintenance_since_the_last_reading_explains_a_changed_setting(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 12 * 60);
    facts_set_service(s->facts, "gate", 'C', now_ms(s) + MINUTE, now_ms(s) + 5 * MINUTE, 0);
    for (int i = 0; i < 20; i++) {
        usual(s);
        lose(s, SETTING, 'D');
        feed(s);
    }
    feed_with(s, 1, SETTING, 120, 120);
    assert_int_equal(s->n, 0);
    feed_with(s, 1, SETTING, 130, 130); /* the next one is nobody's */
    only(s, "setting", SETTING);
}

static void a_setting_that_was_changed_while_nobody_looked_is_suspected(void **state)
{
    struct site *s = *state;
    everything_on(s);
    s->minute = 12 * 60;
    s->judge = judge_create(&s->config);
    judge_know(s->judge, s->facts);
    judge_setting(s->judge, SETTING, 95, now_ms(s) - 3 * (int64_t)HOUR);
    feed_usual(s, 1);
    assert_non_null(strstr(s->why, "from 95 to 100"));
    only(s, "setting", SETTING);
}

static void an_open_cabinet_is_suspected_unless_the_device_is_served(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 12 * 60);
    facts_set_service(s->facts, "gate", 'M', now_ms(s), now_ms(s) + 10 * MINUTE, 0);
    feed_with(s, 10, DOOR, 0, 1);
    assert_int_equal(s->n, 0);
    feed_with(s, 1, DOOR, 1, 1);
    only(s, "door", DOOR);
}

static void a_served_devices_minutes_carry_its_letter(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 12 * 60);
    facts_set_service(s->facts, "gate", 'C', now_ms(s) + 30000, now_ms(s) + 2 * MINUTE, 0);
    feed_usual(s, 1);
    assert_int_equal(s->now[PM10].quality, 'C'); /* in part is enough */
    assert_true(s->now[PM10].mean > 0);          /* the value stays */
    assert_int_equal(s->now[OTHER].quality, 'N');
    feed_usual(s, 2);
    assert_int_equal(s->now[PM10].quality, 'N');
}

static void maintenance_at_night_or_too_often_is_a_finding(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 60);
    facts_set_service(s->facts, "gate", 'M', now_ms(s), now_ms(s) + MINUTE, 0);
    feed_usual(s, 2); /* 01:00 */
    assert_string_equal(s->heard[0].check, "service");
    s->n = 0;
    feed_usual(s, 12 * 60 - s->minute);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(s->n, 0);
        facts_set_service(s->facts, "gate", 'M', now_ms(s), now_ms(s) + MINUTE, 0);
        feed_usual(s, 15);
    }
    assert_string_equal(s->heard[0].check, "service"); /* the fourth in 7 days */
}

/* --- taken back --- */

static void windows_that_passed_on_stuck_minutes_pass_no_more(void **state)
{
    struct site *s = *state;
    everything_on(s);
    feed_usual(s, 30);
    s->nverdicts = 0;
    feed_with(s, 10, PM10, 0, 0);
    int corrected = 0;
    for (int i = 0; i < s->nverdicts; i++)
        if (s->verdicts[i].corrects) {
            assert_int_equal(s->verdicts[i].point, PM10);
            assert_int_equal(s->verdicts[i].verdict, VERDICT_UNKNOWN);
            corrected++;
        }
    assert_int_equal(corrected, 1); /* 00:30; that of 00:35 was open still */
    assert_int_equal(s->verdicts[s->nverdicts - 2].point, PM10);
    assert_int_equal(s->verdicts[s->nverdicts - 2].verdict, VERDICT_UNKNOWN);
}

static int compare_starts(const void *a, const void *b)
{
    const struct judge_event *x = a, *y = b;
    return (x->start_ms > y->start_ms) - (x->start_ms < y->start_ms);
}

/* The last word on every window is that of a judge who knew from the start. */
static void what_is_corrected_is_what_would_have_been(void **state)
{
    struct site *s = *state;
    everything_on(s);
    s->limit.window_ms = HOUR;
    s->limit.allowed = 2;
    s->limit.value = 75;
    feed_usual(s, 50);
    feed_with(s, 200, PM10, 15, 15); /* low: sure only after three hours */
    feed_usual(s, 24 * 60 - 250);
    const struct judge_event *day = NULL;
    int exceeded = 0, unknowns = 0;
    qsort(s->verdicts, (size_t)s->nverdicts, sizeof *s->verdicts, compare_starts);
    for (int i = 0; i < s->nverdicts; i++) {
        const struct judge_event *e = &s->verdicts[i];
        bool last = true; /* qsort keeps no order among equals: a corrected one is the last word */
        for (int k = 0; k < s->nverdicts; k++)
            last =
                last && !(s->verdicts[k].corrects && !e->corrects && s->verdicts[k].point == e->point &&
                          s->verdicts[k].start_ms == e->start_ms && s->verdicts[k].length_ms == e->length_ms);
        if (e->point != PM10 || !last || e->running)
            continue;
        if (e->length_ms == DAY)
            day = e;
        else
            exceeded += e->verdict == VERDICT_EXCEEDED, unknowns += e->verdict == VERDICT_UNKNOWN;
    }
    assert_non_null(day);
    assert_int_equal(unknowns, 3); /* 01, 02 and 03; 00 and 04 have 50 minutes */
    assert_int_equal(day->count.unknown, 3);
    assert_int_equal(day->count.exceeded, exceeded);
}

/* The last word on the hour that starts then. */
static const struct judge_event *last_of_hour(const struct site *s, int64_t start_ms)
{
    const struct judge_event *last = NULL;
    for (int i = 0; i < s->nverdicts; i++)
        if (s->verdicts[i].point == PM10 && s->verdicts[i].start_ms == start_ms && !s->verdicts[i].running)
            last = &s->verdicts[i];
    assert_non_null(last);
    return last;
}

static void a_clock_set_back_within_a_window_counts_its_minutes_once_each_when_they_are_flagged(void **state)
{
    struct site *s = *state;
    everything_on(s);
    s->limit.window_ms = HOUR;
    feed_usual(s, 45);
    s->minute = 40; /* five minutes again */
    feed_usual(s, 15);
    feed_with(s, 9, PM10, 0, 0); /* 00:55 to 01:04 */
    const struct judge_event *hour = last_of_hour(s, midnight);
    assert_int_equal(hour->mean.n, 65);
    assert_int_equal(hour->mean.of, 65);
    feed_with(s, 1, PM10, 0, 0);
    hour = last_of_hour(s, midnight);
    assert_true(hour->corrects);
    assert_int_equal(hour->mean.n, 60);
    assert_int_equal(hour->mean.of, 65);
}

/* The hour is told twice; the second has its own minutes only. */
static void a_clock_set_back_out_of_a_window_mixes_no_minutes_of_the_first(void **state)
{
    struct site *s = *state;
    everything_on(s);
    s->limit.window_ms = HOUR;
    feed_usual(s, 61);
    s->minute = 10;
    feed_usual(s, 10);
    feed_with(s, 10, PM10, 0, 0); /* 00:20 to 00:30: sure within the hour that is open again */
    feed_usual(s, 30);
    const struct judge_event *hour = last_of_hour(s, midnight);
    assert_int_equal(hour->mean.n, 40); /* 00:10 to 01:00 but for the ten */
    assert_int_equal(hour->mean.of, 60);
    assert_int_equal(hour->verdict, VERDICT_UNKNOWN);
}

/* An hour whose last five minutes of the gate's PM10 turn out to be none; the yard's is higher. */
static int corrections_of(struct site *s, enum limit_over over)
{
    int n = 0;
    everything_on(s);
    s->limit.window_ms = HOUR;
    s->limit.over = over;
    for (int i = 0; i < 66; i++) {
        usual(s);
        put(s, OTHER, 200 + i % 7, 203 + i % 7);
        if (i >= 55)
            put(s, PM10, 0, 0);
        feed(s);
    }
    for (int i = 0; i < s->nverdicts; i++)
        n += s->verdicts[i].corrects;
    return n;
}

static void a_correction_that_says_what_was_said_is_not_told(void **state)
{
    struct site *s = *state;
    assert_int_equal(corrections_of(s, OVER_MAX), 0); /* the yard's is the highest, as it was */
}

static void a_number_that_is_another_is_told_though_the_verdict_is_the_same(void **state)
{
    struct site *s = *state;
    assert_int_equal(corrections_of(s, OVER_MEAN), 1);
    const struct judge_event *last = NULL;
    for (int i = 0; i < s->nverdicts; i++)
        if (s->verdicts[i].corrects)
            last = &s->verdicts[i];
    assert_non_null(last);
    assert_int_equal(last->verdict, VERDICT_PASS);
    assert_int_equal(last->was, VERDICT_PASS);
    assert_int_equal(last->mean.n, 2); /* points, both before and after */
}

/* --- spikes --- */

struct used {
    double value[100];
    char letter[100];
    int n;
};

static void take(const struct sample *sample, void *arg)
{
    struct used *u = arg;
    u->value[u->n] = sample->value;
    u->letter[u->n++] = (char)sample->quality;
}

static void sample(struct spike *spike, struct used *u, double value)
{
    struct sample s = {.at_ms = midnight + (int64_t)u->n * 1000, .quality = 'N', .value = value};
    spike_sample(spike, &s, 5, 100, take, u);
}

static void a_single_sample_far_off_is_in_no_mean(void **state)
{
    struct spike spike = {0};
    struct used u = {0};
    (void)state;
    const double values[] = {50, 52, 900, 51, 53};
    for (size_t i = 0; i < 5; i++)
        sample(&spike, &u, values[i]);
    assert_int_equal(u.n, 5);
    assert_int_equal(u.letter[2], 'D');
    assert_true(u.value[2] == 900);
    assert_int_equal(spike.found, 1);
}

static void what_is_repeated_is_no_spike(void **state)
{
    struct spike spike = {0};
    struct used u = {0};
    (void)state;
    const double values[] = {50, 52, 900, 905, 400, 60, 50};
    for (size_t i = 0; i < 7; i++)
        sample(&spike, &u, values[i]);
    spike_minute(&spike, take, &u);
    assert_int_equal(u.n, 7);
    for (int i = 0; i < 7; i++)
        assert_int_equal(u.letter[i], 'N');
}

static void one_step_of_a_fall_is_no_spike(void **state)
{
    struct spike spike = {0};
    struct used u = {0};
    (void)state;
    const double values[] = {50, 52, 160, 110, 60}; /* 110 is near both */
    for (size_t i = 0; i < 5; i++)
        sample(&spike, &u, values[i]);
    assert_int_equal(u.n, 5);
    assert_int_equal(u.letter[2], 'N');
}

static void the_last_sample_of_a_minute_counts_in_it(void **state)
{
    struct spike spike = {0};
    struct used u = {0};
    (void)state;
    sample(&spike, &u, 50);
    sample(&spike, &u, 900);
    assert_int_equal(u.n, 1);
    spike_minute(&spike, take, &u);
    assert_int_equal(u.n, 2);
    assert_int_equal(u.letter[1], 'N');
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        EACH(two_usual_days_are_free_of_findings),
        EACH(ten_minutes_of_nothing_are_no_measurement),
        EACH(one_value_for_an_hour_is_stuck_and_below_20_for_three),
        EACH(a_value_that_comes_back_is_not_stuck),
        EACH(a_short_hole_does_not_hide_what_is_stuck_a_long_one_does),
        EACH(half_an_hour_without_an_answer_is_offline),
        EACH(over_the_range_is_said),
        EACH(three_hours_of_fine_dust_over_coarse_are_no_measurement_of_either),
        EACH(within_the_margin_the_order_does_not_matter),
        EACH(two_devices_with_the_same_changing_values_are_suspected),
        EACH(a_day_that_is_yesterday_again_is_suspected),
        EACH(a_plateau_below_a_round_number_is_suspected_while_another_meter_rises),
        EACH(humidity_that_jumps_while_dust_falls_and_the_spray_runs_is_a_sprayed_inlet),
        EACH(an_inlet_is_not_suspected_when_the_countys_air_has_cleared_as_well),
        EACH(dust_in_air_over_90_percent_of_humidity_is_tagged_and_keeps_its_letter_and_value),
        EACH(no_tag_is_set_where_it_is_switched_off_or_no_humidity_is_known),
        EACH(hours_far_below_the_background_are_suspected),
        EACH(a_setting_that_changes_is_suspected_unless_the_device_is_served),
        EACH(one_odd_reading_of_a_setting_accuses_nobody),
        EACH(a_maintenance_since_the_last_reading_explains_a_changed_setting),
        EACH(a_setting_that_was_changed_while_nobody_looked_is_suspected),
        EACH(an_open_cabinet_is_suspected_unless_the_device_is_served),
        EACH(a_served_devices_minutes_carry_its_letter),
        EACH(maintenance_at_night_or_too_often_is_a_finding),
        EACH(windows_that_passed_on_stuck_minutes_pass_no_more),
        EACH(what_is_corrected_is_what_would_have_been),
        EACH(a_correction_that_says_what_was_said_is_not_told),
        EACH(a_number_that_is_another_is_told_though_the_verdict_is_the_same),
        EACH(a_clock_set_back_within_a_window_counts_its_minutes_once_each_when_they_are_flagged),
        EACH(a_clock_set_back_out_of_a_window_mixes_no_minutes_of_the_first),
        EACH(a_single_sample_far_off_is_in_no_mean),
        EACH(what_is_repeated_is_no_spike),
        EACH(one_step_of_a_fall_is_no_spike),
        EACH(the_last_sample_of_a_minute_counts_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
