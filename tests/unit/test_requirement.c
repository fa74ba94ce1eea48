/* Each kind of check, one rule at a time. */
#include "unit/a_week.h"

enum { DAY = 0 };

struct one {
    struct config *config;
    struct record *record;
    struct check check;
    struct requirement of;
};

static struct one *one;

static int one_setup(void **state)
{
    if (setup(state) != 0)
        return -1;
    one = mem_new(struct one);
    one->config = week_load(*state);
    one->record = record_create(one->config);
    one->of = (struct requirement){.name = "r", .title_zh = "", .title_en = ""};
    return 0;
}

static int one_teardown(void **state)
{
    record_destroy(one->record);
    config_free(one->config);
    mem_free(one);
    return teardown(state);
}

/* Minutes [from, to) of the day: every point as in `v`, NaN missing. */
static void minutes(int from, int to, const double *v)
{
    for (int m = from; m < to; m++) {
        struct mean means[WEEK_POINTS];
        for (int p = 0; p < WEEK_POINTS; p++)
            means[p] = (struct mean){.mean = v[p], .quality = isnan(v[p]) ? 'B' : 'N'};
        record_minute(one->record, AT(DAY, 0, m), means);
    }
}

static void all_day_but(int from, int to, int point, double value)
{
    double v[WEEK_POINTS] = {0, 80, 12, 50, 0, 0, 0};
    minutes(0, 1450, v);
    v[point] = value;
    minutes(from, to, v);
}

static void put(int from, int to, int point, double value)
{
    for (int m = from; m < to; m++) {
        struct mean means[WEEK_POINTS];
        for (int p = 0; p < WEEK_POINTS; p++) {
            double v = p == point ? value : record_value(one->record, p, AT(DAY, 0, m));
            means[p] = (struct mean){.mean = v, .quality = isnan(v) ? 'B' : 'N'};
        }
        record_minute(one->record, AT(DAY, 0, m), means);
    }
}

static void watch(const char *source, int from, int to)
{
    struct input i = {
        .kind = INPUT_ALIVE, .from_ms = AT(DAY, 0, from), .to_ms = AT(DAY, 0, to), .value = NAN};
    snprintf(i.source, sizeof i.source, "%s", source);
    record_input(one->record, &i, 0);
}

static void vehicle(int minute, const char *via, double wash_s)
{
    struct input i = {.kind = INPUT_PASSAGE,
                      .from_ms = AT(DAY, 0, minute),
                      .to_ms = AT(DAY, 0, minute),
                      .what = "out",
                      .about = "晋J1***5",
                      .source = "camera",
                      .value = wash_s};
    snprintf(i.via, sizeof i.via, "%s", via);
    record_input(one->record, &i, 0);
}

static void sight(int minute, double value)
{
    record_input(one->record,
                 &(struct input){.kind = INPUT_CAMERA,
                                 .from_ms = AT(DAY, 0, minute),
                                 .to_ms = AT(DAY, 0, minute),
                                 .what = "soil",
                                 .source = "camera",
                                 .value = value},
                 0);
}

static void look(int minute, int to, double value, unsigned roles)
{
    record_input(one->record,
                 &(struct input){.kind = INPUT_INSPECTION,
                                 .from_ms = AT(DAY, 0, minute),
                                 .to_ms = to ? AT(DAY, 0, to) : INPUT_OPEN,
                                 .about = "r/c",
                                 .source = "somebody",
                                 .value = value},
                 roles);
}

static struct check_result sum_at(int now_min)
{
    struct check_result r;
    one->check.name = "c";
    struct asked_day day = {one->record, &one->of, AT(DAY, 0, 0), AT(DAY, 0, now_min)};
    check_sum(&day, &one->check, &r);
    return r;
}

static struct check_result sum(void)
{
    return sum_at(24 * 60 + 60);
}

static void assert_counts(struct check_result r, int met, int failed, int unknown, int excused)
{
    if (r.count[OUTCOME_MET] == met && r.count[OUTCOME_FAILED] == failed &&
        r.count[OUTCOME_UNKNOWN] == unknown && r.count[OUTCOME_EXCUSED] == excused)
        return;
    for (int i = 0; i < r.nreasons; i++)
        printf("%s %s %s x%d\n", outcome_str(r.reasons[i].outcome), cause_str(r.reasons[i].cause),
               r.reasons[i].about, r.reasons[i].n);
    fail_msg("met %d failed %d unknown %d excused %d", r.count[OUTCOME_MET], r.count[OUTCOME_FAILED],
             r.count[OUTCOME_UNKNOWN], r.count[OUTCOME_EXCUSED]);
}

static void assert_cause(struct check_result r, enum outcome outcome, enum cause cause, const char *about)
{
    for (int i = 0; i < r.nreasons; i++)
        if (r.reasons[i].outcome == outcome && r.reasons[i].cause == cause &&
            (!about || strcmp(r.reasons[i].about, about) == 0))
            return;
    fail_msg("no %s %s %s", outcome_str(outcome), cause_str(cause), about ? about : "");
}

/* --- during --- */

static void shut_gate(int64_t vehicle_ms)
{
    one->check = (struct check){.kind = CHECK_DURING,
                                .always = true,
                                .role = "gate",
                                .state = STATE_OFF,
                                .slot_ms = 30 * CLOCK_MINUTE_MS,
                                .grace_ms = 10 * CLOCK_MINUTE_MS,
                                .vehicle_ms = vehicle_ms};
}

static void a_gate_may_be_open_for_the_grace_and_not_a_minute_longer(void **state)
{
    (void)state;
    shut_gate(0);
    all_day_but(600, 610, GATE, 1);
    assert_counts(sum(), 48, 0, 0, 0);
    put(610, 611, GATE, 1);
    assert_counts(sum(), 47, 1, 0, 0);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_STATE, "box/gate");
}

static void a_gate_of_which_nothing_is_known_is_neither_shut_nor_open(void **state)
{
    (void)state;
    shut_gate(0);
    all_day_but(600, 611, GATE, NAN);
    assert_counts(sum(), 47, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NO_DATA, "box/gate");
    put(600, 611, GATE, 1);
    put(611, 630, GATE, NAN);
    assert_counts(sum(), 47, 1, 0, 0); /* open too long, whatever the rest was */
}

static void a_vehicle_excuses_an_open_gate_and_is_shown(void **state)
{
    (void)state;
    shut_gate(5 * CLOCK_MINUTE_MS);
    watch("camera", 0, 1500);
    all_day_but(600, 615, GATE, 1);
    assert_counts(sum(), 47, 1, 0, 0);
    vehicle(607, "", NAN);
    assert_counts(sum(), 48, 0, 0, 0);
    assert_cause(sum(), OUTCOME__COUNT, CAUSE_VEHICLE, NULL);
}

static void an_open_gate_is_unknown_while_nobody_watches_for_vehicles(void **state)
{
    (void)state;
    shut_gate(5 * CLOCK_MINUTE_MS);
    watch("camera", 0, 590);
    all_day_but(600, 615, GATE, 1);
    assert_counts(sum(), 47, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_SILENT, "camera");
}

static void a_role_that_no_point_has_is_unknown_and_named(void **state)
{
    (void)state;
    shut_gate(0);
    one->check.role = "tsp";
    all_day_but(0, 0, 0, 0);
    assert_counts(sum(), 0, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NO_POINT, "tsp");
}

static void a_meter_that_must_measure_is_met_by_any_value_and_never_failed(void **state)
{
    (void)state;
    one->check = (struct check){.kind = CHECK_DURING,
                                .always = true,
                                .role = "pm10",
                                .state = STATE_MEASURED,
                                .slot_ms = CLOCK_HOUR_MS,
                                .grace_ms = 15 * CLOCK_MINUTE_MS};
    all_day_but(600, 616, PM10, NAN);
    assert_counts(sum(), 23, 0, 1, 0);
}

/* --- duty --- */

static void water_duty(void)
{
    one->check = (struct check){.kind = CHECK_DUTY,
                                .slot_ms = 4 * CLOCK_HOUR_MS,
                                .flow = 1,
                                .flow_ms = 5 * CLOCK_MINUTE_MS,
                                .excuses = EXCUSE_FROST | EXCUSE_HUMID | EXCUSE_RAIN | EXCUSE_HOLIDAY |
                                           EXCUSE_SUSPENDED};
}

static void a_slot_needs_water_for_the_whole_time_in_one_go(void **state)
{
    (void)state;
    water_duty(); /* 6-10, 10-14, 14-18, 18-20 */
    all_day_but(420, 425, FLOW, 2);
    put(660, 664, FLOW, 2); /* four minutes only */
    put(900, 903, FLOW, 2); /* three and three */
    put(905, 908, FLOW, 2);
    put(1100, 1110, FLOW, 0.9); /* too little */
    assert_counts(sum(), 1, 3, 0, 0);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_NO_WATER, NULL);
}

static void water_outside_the_hours_of_work_is_not_asked_for(void **state)
{
    (void)state;
    water_duty();
    all_day_but(0, 0, 0, 0);
    assert_counts(sum_at(600), 0, 1, 0, 0); /* only 06:00 to 10:00 is over */
    assert_counts(sum_at(599), 0, 0, 0, 0);
    assert_counts(sum(), 0, 4, 0, 0);
}

static void frost_and_damp_excuse_when_they_last_half_the_slot(void **state)
{
    (void)state;
    water_duty();
    all_day_but(360, 480, TEMPERATURE, 4.9); /* two of four hours */
    put(600, 719, HUMIDITY, 71);             /* a minute less than half */
    put(840, 960, HUMIDITY, 70);             /* not above */
    assert_counts(sum(), 0, 3, 0, 1);
    assert_cause(sum(), OUTCOME_EXCUSED, CAUSE_FROST, NULL);
    put(719, 720, HUMIDITY, 71);
    assert_counts(sum(), 0, 2, 0, 2);
    assert_cause(sum(), OUTCOME_EXCUSED, CAUSE_HUMID, NULL);
}

static void rain_holidays_and_suspension_excuse_when_declared(void **state)
{
    static const char *const words[] = {"rain", "holiday", "suspended"};
    static const enum cause causes[] = {CAUSE_RAIN, CAUSE_HOLIDAY, CAUSE_SUSPENDED};
    (void)state;
    water_duty();
    all_day_but(0, 0, 0, 0);
    for (int i = 0; i < 3; i++) {
        struct input in = {.kind = INPUT_CALENDAR,
                           .from_ms = AT(DAY, 6 + 4 * i, 0),
                           .to_ms = AT(DAY, 10 + 4 * i, 0),
                           .value = NAN};
        snprintf(in.what, sizeof in.what, "%s", words[i]);
        record_input(one->record, &in, ROLE_OFFICE);
        assert_counts(sum(), 0, 3 - i, 0, 1 + i);
        assert_cause(sum(), OUTCOME_EXCUSED, causes[i], NULL);
    }
}

static void a_day_of_work_overrides_a_holiday(void **state)
{
    (void)state;
    water_duty();
    all_day_but(0, 0, 0, 0);
    record_input(one->record,
                 &(struct input){.kind = INPUT_CALENDAR,
                                 .from_ms = AT(DAY, 0, 0),
                                 .to_ms = AT(DAY, 24, 0),
                                 .what = "holiday",
                                 .value = NAN},
                 ROLE_OFFICE);
    assert_counts(sum(), 0, 0, 0, 4);
    record_input(one->record,
                 &(struct input){.kind = INPUT_CALENDAR,
                                 .from_ms = AT(DAY, 0, 0),
                                 .to_ms = AT(DAY, 24, 0),
                                 .what = "work",
                                 .value = NAN},
                 ROLE_OFFICE);
    assert_counts(sum(), 0, 4, 0, 0);
}

static void a_suspended_stage_excuses_until_the_next(void **state)
{
    (void)state;
    water_duty();
    all_day_but(0, 0, 0, 0);
    record_input(one->record,
                 &(struct input){.kind = INPUT_STAGE,
                                 .from_ms = AT(DAY, 0, 0),
                                 .to_ms = INPUT_OPEN,
                                 .what = "suspended",
                                 .value = NAN},
                 ROLE_OFFICE);
    assert_counts(sum(), 0, 0, 0, 4);
    record_input(one->record,
                 &(struct input){.kind = INPUT_STAGE,
                                 .from_ms = AT(DAY, 14, 0),
                                 .to_ms = INPUT_OPEN,
                                 .what = "structure",
                                 .value = NAN},
                 ROLE_OFFICE);
    assert_counts(sum(), 0, 2, 0, 2);
}

static void a_warning_asks_for_more_water_and_shows_in_the_verdict(void **state)
{
    (void)state;
    water_duty();
    one->check.more_in_warning = true;
    watch("county", 0, 1500);
    all_day_but(420, 430, FLOW, 2);
    put(500, 510, FLOW, 2);
    assert_counts(sum_at(600), 1, 0, 0, 0);
    record_input(one->record,
                 &(struct input){.kind = INPUT_WARNING,
                                 .from_ms = AT(DAY, 9, 0),
                                 .to_ms = INPUT_OPEN,
                                 .what = "orange",
                                 .source = "county",
                                 .value = NAN},
                 0);
    assert_counts(sum_at(600), 2, 1, 0, 0);
    assert_cause(sum_at(600), OUTCOME__COUNT, CAUSE_WARNING, NULL);
    record_input(one->record,
                 &(struct input){.kind = INPUT_WARNING,
                                 .from_ms = AT(DAY, 9, 59),
                                 .to_ms = INPUT_OPEN,
                                 .what = "none",
                                 .source = "county",
                                 .value = NAN},
                 0);
    assert_counts(sum_at(840), 2, 2, 0, 0); /* the second slot needs one again */
}

static void an_open_valve_without_flow_is_the_equipments_fault(void **state)
{
    (void)state;
    water_duty();
    all_day_but(420, 430, VALVE, 1);
    assert_counts(sum_at(600), 0, 0, 1, 0);
    assert_cause(sum_at(600), OUTCOME_UNKNOWN, CAUSE_EQUIPMENT, NULL);
}

/* --- response --- */

static void water_response(void)
{
    one->check = (struct check){.kind = CHECK_RESPONSE,
                                .role = "pm10",
                                .over = 150,
                                .lasts_ms = 2 * CLOCK_MINUTE_MS,
                                .within_ms = 5 * CLOCK_MINUTE_MS,
                                .flow = 1,
                                .flow_ms = CLOCK_MINUTE_MS,
                                .excuses = EXCUSE_FROST};
}

static void dust_wants_water_within_the_time_once_an_episode(void **state)
{
    (void)state;
    water_response();
    all_day_but(600, 640, PM10, 151); /* triggers at 602 */
    assert_counts(sum(), 0, 1, 0, 0);
    put(606, 607, FLOW, 2);
    assert_counts(sum(), 1, 0, 0, 0);
    put(606, 607, FLOW, 0);
    put(607, 608, FLOW, 2); /* a minute too late */
    assert_counts(sum(), 0, 1, 0, 0);
    put(610, 611, PM10, 150); /* not over: the episode ends, the next begins */
    assert_counts(sum(), 0, 2, 0, 0);
}

static void dust_of_one_minute_or_at_night_asks_for_nothing(void **state)
{
    (void)state;
    water_response();
    all_day_but(600, 601, PM10, 900);
    put(120, 180, PM10, 900);
    assert_counts(sum(), 0, 0, 0, 0);
}

static void water_that_runs_already_is_an_answer(void **state)
{
    (void)state;
    water_response();
    all_day_but(600, 640, PM10, 151);
    put(590, 602, FLOW, 2);
    assert_counts(sum(), 1, 0, 0, 0);
}

static void a_hole_that_may_hide_dust_is_unknown(void **state)
{
    (void)state;
    water_response();
    all_day_but(600, 601, PM10, NAN);
    assert_counts(sum(), 0, 0, 0, 0); /* one minute cannot be two */
    put(601, 602, PM10, 151);
    assert_counts(sum(), 0, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NO_DATA, "box/pm10");
}

/* --- passage --- */

static void exits_washed(void)
{
    one->check = (struct check){.kind = CHECK_PASSAGE,
                                .need = NEED_WASH,
                                .lasts_ms = 2 * CLOCK_MINUTE_MS,
                                .within_ms = 10 * CLOCK_MINUTE_MS,
                                .banned_from = WARNING_NEVER};
    watch("camera", 0, 1500);
}

static void a_vehicle_is_washed_long_enough_too_short_or_not(void **state)
{
    (void)state;
    exits_washed();
    all_day_but(590, 592, PUMP, 1);
    vehicle(600, "", NAN); /* washed from 590 */
    vehicle(640, "", NAN);
    put(675, 676, PUMP, 1);
    vehicle(680, "", NAN);
    assert_counts(sum(), 1, 2, 0, 0);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_WASH_NONE, "晋J1***5");
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_WASH_SHORT, "晋J1***5");
}

static void one_wash_is_not_two_vehicles(void **state)
{
    (void)state;
    exits_washed();
    all_day_but(595, 598, PUMP, 1);
    vehicle(600, "", NAN);
    vehicle(603, "", NAN);
    assert_counts(sum(), 1, 1, 0, 0);
}

static void the_count_of_the_wash_bay_goes_before_the_pumps(void **state)
{
    (void)state;
    exits_washed();
    all_day_but(0, 0, 0, 0);
    vehicle(600, "wash", 120);
    vehicle(640, "wash", 119);
    vehicle(680, "bypass", 0);
    assert_counts(sum(), 1, 2, 0, 0);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_WASH_SHORT, NULL);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_WASH_BYPASS, NULL);
}

static void a_vehicle_outside_the_hours_is_excused_and_shown(void **state)
{
    (void)state;
    exits_washed();
    all_day_but(0, 0, 0, 0);
    vehicle(120, "", NAN);
    assert_counts(sum(), 0, 0, 0, 1);
    assert_cause(sum(), OUTCOME_EXCUSED, CAUSE_NIGHT, NULL);
}

static void a_dead_pump_signal_is_no_wash_and_no_violation(void **state)
{
    (void)state;
    exits_washed();
    all_day_but(590, 600, PUMP, NAN);
    vehicle(600, "", NAN);
    assert_counts(sum(), 0, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NO_DATA, "box/pump");
}

static void no_vehicle_in_a_watched_day_is_a_pass_of_none(void **state)
{
    struct requirement_result r;
    (void)state;
    exits_washed();
    all_day_but(0, 0, 0, 0);
    one->check.name = "c";
    one->of.checks = &one->check;
    one->of.nchecks = 1;
    requirement_judge(one->record, &one->of, AT(DAY, 0, 0), AT(DAY, 25, 0), &r);
    assert_int_equal(r.verdict, VERDICT_PASS);
    assert_int_equal(r.count[OUTCOME_MET], 0);
    requirement_finish(&r);
}

static void an_hour_that_was_not_watched_is_unknown(void **state)
{
    (void)state;
    exits_washed();
    record_destroy(one->record);
    one->record = record_create(one->config);
    all_day_but(0, 0, 0, 0);
    watch("camera", 0, 660);
    watch("camera", 662, 1500); /* two minutes are a message that was late */
    assert_counts(sum(), 0, 0, 0, 0);
    record_destroy(one->record);
    one->record = record_create(one->config);
    all_day_but(0, 0, 0, 0);
    watch("camera", 0, 660);
    watch("camera", 663, 1500);
    assert_counts(sum(), 0, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_SILENT, "camera");
}

static void a_short_rest_of_the_hours_is_watched_too_but_asks_for_no_water(void **state)
{
    static const char *hours[] = {"06:00-09:20"};
    const char **before = one->config->requirements.hours;
    (void)state;
    exits_washed();
    one->config->requirements.hours = hours;
    record_destroy(one->record);
    one->record = record_create(one->config);
    all_day_but(0, 0, 0, 0);
    watch("camera", 0, 540); /* until 09:00 */
    assert_counts(sum(), 0, 0, 1, 0);
    water_duty();
    one->check.slot_ms = CLOCK_HOUR_MS;
    assert_counts(sum(), 0, 3, 0, 0);
    one->check.slot_ms = 8 * CLOCK_HOUR_MS; /* all there is */
    assert_counts(sum(), 0, 1, 0, 0);
    one->config->requirements.hours = before;
}

static void nobody_leaves_in_a_warning_that_forbids_it(void **state)
{
    (void)state;
    exits_washed();
    one->check.banned_from = WARNING_ORANGE;
    all_day_but(0, 0, 0, 0);
    vehicle(600, "wash", 200);
    assert_counts(sum(), 0, 0, 1, 0); /* the county is silent */
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NO_WARNING, "county");
    watch("county", 0, 1500);
    assert_counts(sum(), 1, 0, 0, 0);
    record_input(one->record,
                 &(struct input){.kind = INPUT_WARNING,
                                 .from_ms = AT(DAY, 9, 0),
                                 .to_ms = AT(DAY, 12, 0),
                                 .what = "red",
                                 .source = "county",
                                 .value = NAN},
                 0);
    assert_counts(sum(), 0, 1, 0, 0);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_BANNED, NULL);
}

static void an_uncovered_vehicle_is_found_by_time_and_plate(void **state)
{
    (void)state;
    exits_washed();
    one->check.need = NEED_COVER;
    one->check.within_ms = 5 * CLOCK_MINUTE_MS;
    all_day_but(0, 0, 0, 0);
    vehicle(600, "", NAN);
    vehicle(640, "", NAN);
    record_input(one->record,
                 &(struct input){.kind = INPUT_CAMERA,
                                 .from_ms = AT(DAY, 0, 603),
                                 .to_ms = AT(DAY, 0, 603),
                                 .what = "uncovered",
                                 .source = "camera",
                                 .value = NAN},
                 0);
    record_input(one->record,
                 &(struct input){.kind = INPUT_CAMERA,
                                 .from_ms = AT(DAY, 0, 641),
                                 .to_ms = AT(DAY, 0, 641),
                                 .what = "uncovered",
                                 .about = "晋J9***9",
                                 .source = "camera",
                                 .value = NAN},
                 0);
    assert_counts(sum(), 1, 1, 0, 0);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_UNCOVERED, NULL);
}

/* --- share --- */

static void bare_soil(void)
{
    one->check = (struct check){.kind = CHECK_SHARE,
                                .what = "soil",
                                .at_most = 5,
                                .slot_ms = 4 * CLOCK_HOUR_MS,
                                .apart_ms = CLOCK_HOUR_MS};
    watch("camera", 0, 1500);
    all_day_but(0, 0, 0, 0);
}

static void two_sights_an_hour_apart_prove_it_and_one_does_not(void **state)
{
    (void)state;
    bare_soil();
    sight(420, 5);
    sight(1000, 3);
    sight(1100, 4);
    sight(620, 6);
    sight(640, 3); /* taken back */
    assert_counts(sum(), 4, 0, 0, 0);
    sight(700, 6);
    sight(759, 7); /* 59 minutes */
    sight(780, 2);
    assert_counts(sum(), 4, 0, 0, 0);
    sight(800, 6);
    assert_counts(sum(), 4, 0, 0, 0); /* taken back by the one at 1000 */
    sight(835, 2);
    sight(715, 6);
    sight(775, 6); /* an hour after 715 */
    assert_counts(sum(), 3, 1, 0, 0);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_TOO_MUCH, "camera");
}

static void a_camera_that_did_not_report_leaves_its_slot_unknown(void **state)
{
    (void)state;
    bare_soil();
    sight(420, 3);
    sight(620, 9); /* never taken back, never proven */
    assert_counts(sum(), 1, 0, 3, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NOT_SEEN, NULL);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_ONE_SIGHT, "camera");
}

/* --- attest --- */

static void weekly(void)
{
    one->check = (struct check){
        .kind = CHECK_ATTEST, .always = true, .slot_ms = 7 * (int64_t)CLOCK_DAY_MS, .by = ROLE_COMMUNITY};
}

static void a_look_counts_for_its_time_from_whom_it_may_come(void **state)
{
    (void)state;
    weekly();
    assert_counts(sum(), 0, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NO_INSPECTION, "inspection");
    look(-100, 0, 100, ROLE_SITE);
    look(-90, 0, 100, ROLE_SITE | ROLE_COMMUNITY); /* the site's own man with another hat on */
    assert_counts(sum(), 0, 0, 1, 0);
    look(-6 * 1440, 0, 100, ROLE_COMMUNITY);
    assert_counts(sum(), 1, 0, 0, 0);
}

static void a_look_expires_and_a_shorter_word_of_its_own_counts(void **state)
{
    (void)state;
    weekly();
    look(-7 * 1440 + 1439, 0, 100, ROLE_COMMUNITY); /* until a minute before the day ends */
    assert_counts(sum(), 0, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_EXPIRED, NULL);
    look(-60, 1440, 100, ROLE_COMMUNITY);
    assert_counts(sum(), 1, 0, 0, 0);
    look(-30, 1439, 100, ROLE_COMMUNITY); /* the last look is what counts */
    assert_counts(sum(), 0, 0, 1, 0);
}

static void a_look_that_found_less_is_a_breach_until_the_next(void **state)
{
    (void)state;
    weekly();
    look(600, 0, 95, ROLE_COMMUNITY);
    assert_counts(sum(), 0, 1, 0, 0);
    assert_cause(sum(), OUTCOME_FAILED, CAUSE_FOUND, "somebody");
    look(900, 0, 100, ROLE_COMMUNITY);
    assert_counts(sum(), 1, 0, 0, 0);
    assert_counts(sum_at(700), 0, 1, 0, 0); /* as it stood then */
}

static void a_new_stage_needs_a_new_look(void **state)
{
    (void)state;
    weekly();
    one->check.renewed_by_stage = true;
    look(100, 0, 100, ROLE_COMMUNITY);
    assert_counts(sum(), 0, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NO_STAGE, "stage");
    record_input(one->record,
                 &(struct input){.kind = INPUT_STAGE,
                                 .from_ms = AT(DAY, 0, 50),
                                 .to_ms = INPUT_OPEN,
                                 .what = "earthwork",
                                 .value = NAN},
                 ROLE_OFFICE);
    assert_counts(sum(), 1, 0, 0, 0);
    record_input(one->record,
                 &(struct input){.kind = INPUT_STAGE,
                                 .from_ms = AT(DAY, 0, 200),
                                 .to_ms = INPUT_OPEN,
                                 .what = "structure",
                                 .value = NAN},
                 ROLE_OFFICE);
    assert_counts(sum(), 0, 0, 1, 0);
    assert_cause(sum(), OUTCOME_UNKNOWN, CAUSE_NEW_STAGE, "stage");
}

static void the_next_opportunity_is_the_slot_that_runs_or_the_first_of_the_hours(void **state)
{
    (void)state;
    water_duty();
    struct asked_day day = {one->record, &one->of, AT(DAY, 0, 0), AT(DAY, 11, 0)};
    assert_true(check_next(&day, &one->check) == AT(DAY, 14, 0));
    day.now_ms = AT(DAY, 2, 0);
    assert_true(check_next(&day, &one->check) == AT(DAY, 10, 0));
    day.now_ms = AT(DAY, 21, 0);
    assert_true(check_next(&day, &one->check) == 0);
    one->check.kind = CHECK_PASSAGE;
    assert_true(check_next(&day, &one->check) == 0);
}

/* --- the record --- */

static void the_record_forgets_days_and_facts_that_no_verdict_can_need(void **state)
{
    const double v[WEEK_POINTS] = {0};
    (void)state;
    minutes(0, 1440, v);
    vehicle(600, "", NAN);
    look(600, 0, 100, ROLE_COMMUNITY);
    for (int day = 1; day <= 70; day++)
        minutes(day * 1440, day * 1440 + 1, v);
    assert_true(isnan(record_value(one->record, PM10, AT(DAY, 10, 0))) != 0);
    assert_true(record_value(one->record, PM10, AT(70, 0, 0)) == 0);
    assert_int_equal(record_count(one->record, INPUT_PASSAGE), 0);
    assert_int_equal(record_count(one->record, INPUT_INSPECTION), 0);
}

static void a_reload_keeps_what_is_known_by_the_names_of_points(void **state)
{
    struct fixture *f = *state;
    const double v[WEEK_POINTS] = {0, 81, 12, 50, 3, 0, 0};
    minutes(0, 600, v);
    look(500, 0, 100, ROLE_COMMUNITY);
    struct config *is = load(f, f->file);
    struct record *r = record_carry(one->record, is);
    assert_true(record_value(r, PM10, AT(DAY, 0, 599)) == 81);
    assert_true(isnan(record_value(r, PM10, AT(DAY, 0, 600))) != 0);
    assert_int_equal(record_count(r, INPUT_INSPECTION), 1);
    record_destroy(r);
    config_free(is);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, one_setup, one_teardown)

int main(void)
{
    json_set_alloc_funcs(mem_bytes, mem_free);
    const struct CMUnitTest tests[] = {
        ONE(a_gate_may_be_open_for_the_grace_and_not_a_minute_longer),
        ONE(a_gate_of_which_nothing_is_known_is_neither_shut_nor_open),
        ONE(a_vehicle_excuses_an_open_gate_and_is_shown),
        ONE(an_open_gate_is_unknown_while_nobody_watches_for_vehicles),
        ONE(a_role_that_no_point_has_is_unknown_and_named),
        ONE(a_meter_that_must_measure_is_met_by_any_value_and_never_failed),
        ONE(a_slot_needs_water_for_the_whole_time_in_one_go),
        ONE(water_outside_the_hours_of_work_is_not_asked_for),
        ONE(frost_and_damp_excuse_when_they_last_half_the_slot),
        ONE(rain_holidays_and_suspension_excuse_when_declared),
        ONE(a_day_of_work_overrides_a_holiday),
        ONE(a_suspended_stage_excuses_until_the_next),
        ONE(a_warning_asks_for_more_water_and_shows_in_the_verdict),
        ONE(an_open_valve_without_flow_is_the_equipments_fault),
        ONE(dust_wants_water_within_the_time_once_an_episode),
        ONE(dust_of_one_minute_or_at_night_asks_for_nothing),
        ONE(water_that_runs_already_is_an_answer),
        ONE(a_hole_that_may_hide_dust_is_unknown),
        ONE(a_vehicle_is_washed_long_enough_too_short_or_not),
        ONE(one_wash_is_not_two_vehicles),
        ONE(the_count_of_the_wash_bay_goes_before_the_pumps),
        ONE(a_vehicle_outside_the_hours_is_excused_and_shown),
        ONE(a_dead_pump_signal_is_no_wash_and_no_violation),
        ONE(no_vehicle_in_a_watched_day_is_a_pass_of_none),
        ONE(an_hour_that_was_not_watched_is_unknown),
        ONE(a_short_rest_of_the_hours_is_watched_too_but_asks_for_no_water),
        ONE(nobody_leaves_in_a_warning_that_forbids_it),
        ONE(an_uncovered_vehicle_is_found_by_time_and_plate),
        ONE(two_sights_an_hour_apart_prove_it_and_one_does_not),
        ONE(a_camera_that_did_not_report_leaves_its_slot_unknown),
        ONE(a_look_counts_for_its_time_from_whom_it_may_come),
        ONE(a_look_expires_and_a_shorter_word_of_its_own_counts),
        ONE(a_look_that_found_less_is_a_breach_until_the_next),
        ONE(a_new_stage_needs_a_new_look),
        ONE(the_next_opportunity_is_the_slot_that_runs_or_the_first_of_the_hours),
        ONE(the_record_forgets_days_and_facts_that_no_verdict_can_need),
        ONE(a_reload_keeps_what_is_known_by_the_names_of_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
