/* Another configuration takes over: what main knows goes on by name, what is taken out ends honestly, and a
 * wrong one changes nothing. Threads are stubs; the store is real. */
#include "daemon/reload.h"
#include "daemon/rows.h"
#include "tests/unit/pipeline_rig.h"

enum { SECOND = CLOCK_SECOND_MS, MINUTE = CLOCK_MINUTE_MS, HOUR = CLOCK_HOUR_MS, MOST = 3 };

/* A configuration like the rig's: devices "a", "b", "c", each on a bus of its own with one point. */
struct other {
    struct point points[MOST];
    struct profile profiles[MOST];
    struct device devices[MOST];
    const struct device *on_bus[MOST];
    struct bus_config buses[MOST];
    struct config_point all[MOST];
    struct limit limit;
    struct mqtt_config mqtt[2];
    struct config c;
};

static struct other one, two;

static struct config *other(struct other *o, const char *file, const char *names)
{
    static const char *const bus_names[] = {"one", "two", "three"};
    static const char *const device_names[] = {"a", "b", "c"};
    static const char *const point_names[] = {"a/pm10", "b/pm10", "c/pm10"};
    *o = (struct other){.limit = rig_limit, .mqtt = {rig_mqtt, rig_mqtt}, .c = rig_config};
    int n = 0;
    for (; names[n]; n++) {
        int which = names[n] - 'a';
        o->points[n] = rig_point;
        o->profiles[n] = rig_profile;
        o->profiles[n].points = &o->points[n];
        o->devices[n] = rig_devices[0];
        o->devices[n].name = device_names[which];
        o->devices[n].profile = &o->profiles[n];
        o->devices[n].unit_id = which + 1;
        o->devices[n].index = o->devices[n].first_point = n;
        o->on_bus[n] = &o->devices[n];
        o->buses[n] = rig_buses[0];
        o->buses[n].name = bus_names[which];
        o->buses[n].devices = &o->on_bus[n];
        o->buses[n].index = n;
        o->all[n] = (struct config_point){&o->devices[n], &o->points[n], point_names[which]};
    }
    o->mqtt[1].name = "second";
    o->c.file = file;
    o->c.buses = o->buses;
    o->c.devices = o->devices;
    o->c.points = o->all;
    o->c.nbuses = o->c.ndevices = o->c.npoints = n;
    o->c.limits = &o->limit;
    o->c.mqtt = o->mqtt;
    return &o->c;
}

static int reload_to(struct rig *r, struct config *c)
{
    struct reloaded what;
    struct complaint why;
    restart.next = c;
    return reload(&r->d, &(struct author){.name = "officer"}, &what, &why);
}

static int point_of(const struct rig *r, const char *name)
{
    return pipeline_point(r->d.config, name);
}

/* Each second of [from_s, to_s) since the start every point measures `value`. */
static void live(struct rig *r, int from_s, int to_s, double value)
{
    for (int s = from_s; s < to_s; s++) {
        int64_t at_ms = RIG_START_MS + (int64_t)s * SECOND;
        for (int i = 0; i < r->d.config->nbuses; i++) {
            rig_sample(r, i, at_ms + 37, value);
            rig_mark(r, i, at_ms + SECOND);
        }
        rig_turn(r, at_ms + SECOND, SECOND);
        while (store_state(r->d.store).waiting > 64)
            usleep(1000);
    }
}

static double number_in(const struct rig_rows *rows, const char *point, const char *key)
{
    json_t *body = json_loads(rows->body, 0, NULL);
    const json_t *points = json_object_get(body, "points");
    const json_t *of = point ? json_object_get(points, point) : body;
    const json_t *value = json_object_get(of, key);
    double number = json_is_number(value) ? json_number_value(value) : NAN;
    json_decref(body);
    return number;
}

/* ---- whole or not at all ---- */

static void a_wrong_file_changes_nothing_and_is_named(void **state)
{
    struct rig *r = *state;
    struct reloaded what;
    struct complaint why;
    live(r, 0, 10, 100);
    int64_t seq = r->d.head.seq;
    const struct judge *judge = r->d.judge;
    assert_int_equal(reload(&r->d, &(struct author){.name = "root"}, &what, &why), ERR_FORMAT);
    assert_string_equal(why.text, "rig.yaml:7:3: found \"x\"; allowed: y");
    assert_ptr_equal(r->d.config, &rig_config);
    assert_ptr_equal(r->d.judge, judge);
    assert_int_equal(r->d.head.seq, seq);
    assert_int_equal(restart.buses_stopped + restart.stopped + restart.buses_prepared, 0);
}

static void without_a_thread_for_it_nothing_changes(void **state)
{
    struct rig *r = *state;
    restart.no_threads = true;
    assert_int_equal(reload_to(r, other(&one, "new", "abc")), ERR_IO);
    assert_ptr_equal(r->d.config, &rig_config);
    assert_int_equal(restart.buses_stopped, 0);
    live(r, 0, 61, 100);
    struct rig_rows minutes = rig_rows(r, "minute", NULL);
    assert_int_equal(minutes.n, 1);
    assert_int_equal((int)number_in(&minutes, "b/pm10", "n"), 60);
}

/* It gets every message that there is, about the buses as well. */
static void a_broker_that_connects_just_then_is_told_of_buses_that_are_there(void **state)
{
    struct rig *r = *state;
    live(r, 0, 10, 100);
    struct config *c = other(&one, "new", "ab");
    c->buses[0].timeout_ms = c->buses[1].timeout_ms = 77;
    struct mqtt_event connected = {.kind = MQTT_CONNECTED};
    assert_int_equal(ring_push(r->d.uplinks[0].ring, &connected), ERR_OK);
    assert_int_equal(reload_to(r, c), ERR_OK);
    assert_int_equal(restart.buses_stopped, 2);
    assert_non_null(strstr(said("health"), "\"name\":\"bus/two\""));
}

static void what_takes_a_restart_is_refused(void **state)
{
    struct rig *r = *state;
    struct config *c = other(&one, "new", "ab");
    c->site.name = "elsewhere";
    assert_int_equal(reload_to(r, c), ERR_STATE);
    assert_ptr_equal(r->d.config, &rig_config);
}

static void points_are_not_taken_out_while_the_disk_takes_nothing(void **state)
{
    struct rig *r = *state;
    live(r, 0, 30, 100);
    stub.full = true;
    live(r, 30, 65, 100);
    assert_int_equal(reload_to(r, other(&one, "new", "b")), ERR_STATE);
    assert_int_equal(reload_to(r, other(&two, "more", "abc")), ERR_OK); /* these only come */
    stub.full = false;
    live(r, 65, 70, 100);
    assert_int_equal(reload_to(r, other(&one, "new", "ab")), ERR_OK);
}

/* ---- what goes on ---- */

static void a_bus_that_is_the_same_is_not_touched(void **state)
{
    struct rig *r = *state;
    struct ring *ring = r->d.buses[1].ring;
    r->d.buses[1].since_ms = 42;
    assert_int_equal(reload_to(r, other(&one, "new", "bc")), ERR_OK);
    assert_ptr_equal(r->d.buses[0].ring, ring); /* "two" was the second and is the first */
    assert_int_equal(r->d.buses[0].since_ms, 42);
    assert_int_equal(restart.buses_stopped, 1);
    assert_int_equal(restart.buses_joined, 1);
    assert_int_equal(restart.buses_going, 1);
}

static void a_minute_goes_on_across_a_reload_under_other_numbers(void **state)
{
    struct rig *r = *state;
    live(r, 0, 20, 100);
    assert_int_equal(reload_to(r, other(&one, "new", "cb")), ERR_OK);
    live(r, 20, 40, 200);
    assert_int_equal(reload_to(r, other(&two, "newer", "bc")), ERR_OK);
    live(r, 40, 61, 300);
    struct rig_rows minutes = rig_rows(r, "minute", "\"raw\"");
    assert_int_equal((int)number_in(&minutes, "b/pm10", "n"), 60);
    assert_true(number_in(&minutes, "b/pm10", "mean") == 200);
    assert_int_equal((int)number_in(&minutes, "c/pm10", "n"), 40); /* new, so the rest is missing */
    assert_int_equal((int)number_in(&minutes, "c/pm10", "of"), 60);
    assert_non_null(strstr(minutes.body, "\"q\":\"D\"")); /* of which too much to be valid */
}

static void what_waited_in_a_ring_keeps_its_device(void **state)
{
    struct rig *r = *state;
    live(r, 0, 5, 100);
    rig_sample(r, 1, RIG_START_MS + 5500, 777); /* of b, not taken yet */
    assert_int_equal(reload_to(r, other(&one, "new", "bc")), ERR_OK);
    assert_true(r->d.now[point_of(r, "b/pm10")].value == 777);
    rig_sample(r, 0, RIG_START_MS + 6500, 778); /* its bus is the first now, its thread does not know */
    rig_turn(r, RIG_START_MS + 7000, 1000);
    assert_true(r->d.now[point_of(r, "b/pm10")].value == 778);
    assert_int_equal(r->d.now[point_of(r, "c/pm10")].at_ms, 0);
}

static void what_a_bus_said_before_it_ended_is_kept(void **state)
{
    struct rig *r = *state;
    live(r, 0, 5, 100);
    rig_sample(r, 0, RIG_START_MS + 5500, 777); /* not taken yet */
    other(&one, "new", "ab");
    one.buses[0].timeout_ms = 7;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    assert_int_equal(restart.buses_joined, 1);
    assert_true(r->d.now[0].value == 777);
    assert_true(r->d.samples[r->d.nsamples - 1].value == 777);
}

static void a_device_that_goes_on_is_not_said_to_be_up_again(void **state)
{
    struct rig *r = *state;
    struct bus_message up = {.kind = BUS_DEVICE, .u.device = {.at_ms = RIG_START_MS, .state = DEVICE_UP}};
    ring_push(r->d.buses[1].ring, &up);
    rig_turn(r, RIG_START_MS + 1000, 1000);
    other(&one, "new", "ab");
    one.buses[1].timeout_ms = 7; /* the same device on a line that is started anew */
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    assert_int_equal(r->d.devices[1].state, DEVICE_UP);
    up.u.device.at_ms += 5000;
    ring_push(r->d.buses[1].ring, &up);
    rig_turn(r, RIG_START_MS + 6000, 5000);
    assert_int_equal(r->d.devices[1].since_ms, RIG_START_MS);
    assert_int_equal(rig_rows(r, "device", NULL).n, 1);
}

/* ---- windows ---- */

static void an_hour_across_a_reload_is_judged_with_all_of_its_minutes(void **state)
{
    struct rig *r = *state;
    live(r, 0, 30 * 60 + 30, 300);
    other(&one, "new", "ab");
    one.limit.value = 290; /* the limit at the end of the window judges it */
    rig_limit.value = 310;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    live(r, 30 * 60 + 30, 3601, 300);
    rig_limit.value = 250;
    struct rig_rows verdicts = rig_rows(r, "verdict", "\"breach\"");
    assert_int_equal(verdicts.n, 2); /* of both points */
    assert_int_equal((int)number_in(&verdicts, NULL, "n"), 60);
    assert_int_equal((int)number_in(&verdicts, NULL, "value"), 290);
}

static void a_new_points_first_hour_is_unknown_and_not_passed(void **state)
{
    struct rig *r = *state;
    live(r, 0, 20 * 60, 100);
    assert_int_equal(reload_to(r, other(&one, "new", "abc")), ERR_OK);
    live(r, 20 * 60, 3601, 100);
    struct rig_rows verdicts = rig_rows(r, "verdict", "c/pm10");
    assert_int_equal(verdicts.n, 1);
    assert_non_null(strstr(verdicts.body, "\"verdict\":\"unknown\""));
    assert_int_equal((int)number_in(&verdicts, NULL, "n"), 40);
    assert_int_equal((int)number_in(&verdicts, NULL, "of"), 60);
}

static void a_point_that_is_taken_out_ends_as_it_stands(void **state)
{
    struct rig *r = *state;
    live(r, 0, 20 * 60 + 30, 100);
    assert_int_equal(reload_to(r, other(&one, "new", "b")), ERR_OK);
    live(r, 20 * 60 + 30, 3601, 100);
    struct rig_rows minute = rig_rows(r, "minute", "\"removed\":true");
    assert_int_equal(minute.n, 1);
    assert_int_equal(minute.at_ms, RIG_START_MS + 20 * MINUTE);
    assert_int_equal((int)number_in(&minute, "a/pm10", "n"), 30);
    assert_int_equal((int)number_in(&minute, "a/pm10", "of"), 60);
    assert_null(strstr(minute.body, "b/pm10"));
    struct rig_rows hour = rig_rows(r, "hour", "\"removed\":true");
    assert_int_equal(hour.n, 1);
    assert_int_equal((int)number_in(&hour, "a/pm10", "n"), 20);
    assert_int_equal((int)number_in(&hour, "a/pm10", "of"), 60);
    assert_int_equal(rig_rows(r, "day", "\"removed\":true").n, 1);
    struct rig_rows verdict = rig_rows(r, "verdict", "\"removed\":true");
    assert_int_equal(verdict.n, 1);
    assert_non_null(strstr(verdict.body, "\"verdict\":\"unknown\""));
    assert_non_null(strstr(verdict.body, "a/pm10"));
    struct rig_rows rest = rig_rows(r, "hour", "b/pm10");
    assert_int_equal(rest.n, 1);
    assert_int_equal((int)number_in(&rest, "b/pm10", "n"), 60);
    assert_null(strstr(rest.body, "a/pm10"));
    assert_null(strstr(rest.body, "\"again\"")); /* what was told early is not the window's own row */
}

static void nobody_takes_out_the_point_that_breaches(void **state)
{
    struct rig *r = *state;
    live(r, 0, 46 * 60, 300);
    assert_int_equal(reload_to(r, other(&one, "new", "b")), ERR_OK);
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_string_equal(ledger_at(r->d.ledger, 0)->cause, "a/pm10");
    assert_true(issue_is_open(ledger_at(r->d.ledger, 0)));
}

static void a_limit_on_the_highest_point_is_judged_before_one_is_taken_out(void **state)
{
    struct rig *r = *state;
    rig_limit.over = OVER_MAX;
    live(r, 0, 46 * 60, 300);
    assert_int_equal(reload_to(r, other(&one, "new", "b")), ERR_OK);
    rig_limit.over = OVER_EACH;
    assert_int_equal(ledger_count(r->d.ledger), 1);
    assert_int_equal(rig_rows(r, "verdict", "\"breach\"").n, 1);
}

static void a_limit_without_a_removed_point_says_nothing_early(void **state)
{
    struct rig *r = *state;
    other(&one, "new", "ab");
    one.points[1].role = "wind_speed";
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    live(r, 0, 46 * 60, 300);
    other(&two, "newer", "a");
    assert_int_equal(reload_to(r, &two.c), ERR_OK); /* takes out b, which no limit is about */
    assert_int_equal(rig_rows(r, "verdict", NULL).n, 0);
}

static void the_same_name_in_another_unit_is_a_new_point(void **state)
{
    struct rig *r = *state;
    live(r, 0, 30, 100);
    other(&one, "new", "ab");
    one.points[0].scale = 0.1;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    assert_int_equal(r->d.now[0].at_ms, 0);
    live(r, 30, 61, 10);
    struct rig_rows removed = rig_rows(r, "minute", "\"removed\":true");
    assert_true(number_in(&removed, "a/pm10", "mean") == 100);
    struct rig_rows minute = rig_rows(r, "minute", "b/pm10");
    assert_true(number_in(&minute, "a/pm10", "mean") == 10);
    assert_int_equal((int)number_in(&minute, "a/pm10", "n"), 30);
    assert_int_equal((int)number_in(&minute, "b/pm10", "n"), 60);
}

struct raw_count {
    int of_a, of_b;
};

static void count_raw(const struct raw_sample *s, void *arg)
{
    struct raw_count *n = arg;
    n->of_a += strcmp(s->name, "a/pm10") == 0;
    n->of_b += strcmp(s->name, "b/pm10") == 0;
}

static void count_chunk(const void *data, size_t length, void *arg)
{
    assert_int_equal(rawblock_decode(data, length, count_raw, arg), ERR_OK);
}

static void every_sample_of_a_removed_point_is_kept_once(void **state)
{
    struct rig *r = *state;
    struct raw_count n = {0};
    struct question q = {.asker = 7, .raw = true, .to_ms = INT64_MAX};
    live(r, 0, 90, 100); /* a minute, and half of one of which chunks are on the disk */
    assert_int_equal(reload_to(r, other(&one, "new", "b")), ERR_OK);
    live(r, 90, 100, 100);
    rig_settle(r);
    assert_int_equal(store_ask(r->d.store, &q), ERR_OK);
    struct store_message m = {.kind = STORE_COMMITTED};
    while (m.kind != STORE_PAGE || m.asker != 7) {
        struct pollfd p = {.fd = ring_fd(store_ring(r->d.store)), .events = POLLIN};
        assert_int_equal(poll(&p, 1, 5000), 1);
        if (ring_pop(store_ring(r->d.store), &m) != ERR_OK)
            ring_woken(store_ring(r->d.store));
    }
    for (int i = 0; i < m.page->nblocks; i++)
        count_chunk(m.page->blocks[i].data, m.page->blocks[i].length, &n);
    page_free(m.page);
    rig_kill(r);
    struct store *s;
    struct store_opened opened;
    assert_int_equal(store_open(r->dir, false, &s, &opened), ERR_OK);
    assert_int_equal(store_scan_samples(s, count_chunk, &n), ERR_OK);
    store_stop(s, 0);
    assert_int_equal(n.of_a, 90);
    assert_in_range(n.of_b, 95, 100); /* the last seconds were not due on the disk yet */
}

static void a_restart_after_a_removal_judges_the_hour_of_the_others_whole(void **state)
{
    struct rig *r = *state;
    live(r, 0, 20 * 60 + 30, 300);
    assert_int_equal(reload_to(r, other(&one, "new", "b")), ERR_OK);
    live(r, 20 * 60 + 30, 40 * 60, 300);
    rig_settle(r);
    rig_kill(r);
    rig_in_force = &one.c;
    rig_start(r, RIG_START_MS + 40 * MINUTE);
    live(r, 40 * 60, 3601, 300);
    struct rig_rows hour = rig_rows(r, "hour", "b/pm10");
    assert_int_equal(hour.n, 1);
    assert_int_equal((int)number_in(&hour, "b/pm10", "n"), 60);
    assert_int_equal(rig_rows(r, "verdict", "\"breach\"").n, 1);
}

static void an_issue_of_a_limit_that_is_gone_stays_open(void **state)
{
    struct rig *r = *state;
    live(r, 0, 3601, 300);
    assert_int_equal(ledger_count(r->d.ledger), 2);
    other(&one, "new", "ab");
    one.c.nlimits = 0;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    live(r, 3601, 7201, 300);
    for (int i = 0; i < 2; i++)
        assert_true(issue_is_open(ledger_at(r->d.ledger, i)));
    assert_int_equal(rig_rows(r, "verdict", NULL).n, 2);
}

/* ---- settings ---- */

static void settings_are_a_row_only_when_they_changed_and_say_by_whom(void **state)
{
    struct rig *r = *state;
    assert_int_equal(reload_to(r, other(&one, "rig", "ab")), ERR_OK); /* the same again */
    assert_int_equal(reload_to(r, other(&two, "new", "ab")), ERR_OK);
    struct rig_rows all = rig_rows(r, "settings", NULL);
    assert_int_equal(all.n, 2); /* that of the start too */
    assert_non_null(strstr(all.body, "\"by\":\"officer\""));
}

/* ---- brokers ---- */

static void push_event(struct rig *r, struct ring *ring, enum mqtt_event_kind kind, int64_t seq)
{
    (void)r;
    assert_int_equal(ring_push(ring, &(struct mqtt_event){.kind = kind, .seq = seq}), ERR_OK);
}

static void a_broker_that_is_the_same_keeps_its_connection(void **state)
{
    struct rig *r = *state;
    uint64_t asker = r->d.uplinks[0].asker;
    other(&one, "new", "ab");
    one.c.nmqtt = 2;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    assert_int_equal(r->d.uplinks[0].asker, asker);
    assert_true(r->d.uplinks[0].connected);
    assert_int_equal(restart.stopped, 0);
    assert_int_equal(restart.going, 1); /* the second */
    assert_int_equal(restart.cursor, 0);
}

static void a_changed_broker_starts_when_its_predecessor_has_left_and_where_that_ended(void **state)
{
    struct rig *r = *state;
    live(r, 0, 125, 100);
    rig_settle(r);
    struct ring *ring = r->d.uplinks[0].ring;
    push_event(r, ring, MQTT_TAKEN, 2);
    other(&one, "new", "ab");
    one.mqtt[0].port = 1884;
    restart.hangs = true;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    reload_turn(&r->d);
    assert_int_equal(restart.stopped, 1);
    assert_int_equal(restart.going, 0);
    push_event(r, ring, MQTT_TAKEN, 4); /* its last word */
    restart.hangs = false;
    reload_turn(&r->d);
    assert_int_equal(restart.joined, 1);
    assert_int_equal(restart.going, 1);
    assert_int_equal(restart.cursor, 4);
    reload_turn(&r->d);
    assert_int_equal(restart.going, 1);
}

static void a_broker_that_comes_back_goes_on_where_it_was_also_after_a_restart(void **state)
{
    struct rig *r = *state;
    live(r, 0, 65, 100);
    push_event(r, r->d.uplinks[0].ring, MQTT_TAKEN, 3);
    other(&one, "new", "ab");
    one.c.nmqtt = 0;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    assert_int_equal(r->d.nleaving, 0);
    live(r, 65, 70, 100);
    rig_settle(r);
    rig_kill(r);
    rig_in_force = &one.c;
    rig_start(r, RIG_START_MS + 70 * SECOND);
    other(&two, "newer", "ab");
    two.c.nmqtt = 1;
    restart.going = 0;
    assert_int_equal(reload_to(r, &two.c), ERR_OK);
    assert_int_equal(restart.going, 1);
    assert_int_equal(restart.cursor, 3);
}

static void an_answer_of_the_store_to_a_broker_that_has_left_goes_to_nobody(void **state)
{
    struct rig *r = *state;
    live(r, 0, 65, 100);
    push_event(r, r->d.uplinks[0].ring, MQTT_WANT, 0);
    now_uplink(&r->d, 0); /* the question is on its way */
    other(&one, "new", "ab");
    one.mqtt[0].port = 1884;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    live(r, 65, 70, 100);
    rig_settle(r);
    for (int i = 0; i < 20; i++, usleep(5000))
        batch_store(&r->d);
    assert_int_equal(stub.rows, 0);
}

static void a_commit_on_its_way_is_counted_for_the_broker_that_it_was_about(void **state)
{
    struct rig *r = *state;
    rig_settle(r);
    push_event(r, r->d.uplinks[0].ring, MQTT_TAKEN, 2);
    now_uplink(&r->d, 0);
    live(r, 0, 1, 100);
    row_clock(&r->d, RIG_START_MS + SECOND, 1);
    batch_flush(&r->d); /* handed over, not committed as far as main knows */
    assert_true(r->d.nhanded > 0);
    other(&one, "new", "ab");
    one.mqtt[1] = rig_mqtt;
    one.mqtt[0].name = "another"; /* before it */
    one.c.nmqtt = 2;
    assert_int_equal(reload_to(r, &one.c), ERR_OK);
    rig_settle(r);
    assert_int_equal(r->d.uplinks[0].persisted, 0);
    assert_int_equal(r->d.uplinks[1].persisted, 2);
}

static void a_device_that_is_no_more_is_cleared_for_every_broker_until_it_is_back(void **state)
{
    struct rig *r = *state;
    live(r, 0, 11, 100);
    assert_int_equal(reload_to(r, other(&one, "new", "b")), ERR_OK);
    assert_string_equal(said("device/a"), "");
    assert_string_equal(said("live/a"), "");
    stub.now_messages = 0;
    now_all(&r->d, 0); /* a broker that was away */
    assert_string_equal(said("device/a"), "");
    assert_null(said("device/b"));
    assert_int_equal(reload_to(r, other(&two, "newer", "ab")), ERR_OK);
    stub.now_messages = 0;
    now_all(&r->d, 0);
    assert_null(said("device/a"));
}

static void the_site_is_told_again_only_when_it_is_another(void **state)
{
    struct rig *r = *state;
    stub.now_messages = 0;
    assert_int_equal(reload_to(r, other(&one, "new", "ab")), ERR_OK);
    assert_null(said("site"));
    assert_int_equal(reload_to(r, other(&two, "newer", "abc")), ERR_OK);
    assert_non_null(strstr(said("site"), "\"c\""));
}

static void five_hundred_reloads_leave_nothing_behind(void **state)
{
    struct rig *r = *state;
    static const char *const names[] = {"ab", "b", "abc", "ca", "c"};
    for (int i = 0; i < 500; i++) {
        live(r, i, i + 1, 100);
        struct other *o = i % 2 ? &one : &two;
        other(o, i % 3 ? "x" : "y", names[i % 5]);
        o->mqtt[0].port = 1883 + i % 4;
        o->c.nmqtt = i % 3;
        assert_int_equal(reload_to(r, &o->c), ERR_OK);
    }
    assert_int_equal(restart.buses_prepared, restart.buses_going);
    assert_int_equal(restart.buses_stopped, restart.buses_joined);
    assert_int_equal(restart.buses_going + 2 - restart.buses_joined, r->d.config->nbuses);
    assert_int_equal(restart.prepared + 1 - restart.joined, r->d.config->nmqtt);
    assert_true(r->d.nremoved <= 3);
    assert_true(r->d.ncursors <= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_wrong_file_changes_nothing_and_is_named),
        TEST(without_a_thread_for_it_nothing_changes),
        TEST(a_broker_that_connects_just_then_is_told_of_buses_that_are_there),
        TEST(what_takes_a_restart_is_refused),
        TEST(points_are_not_taken_out_while_the_disk_takes_nothing),
        TEST(a_bus_that_is_the_same_is_not_touched),
        TEST(a_minute_goes_on_across_a_reload_under_other_numbers),
        TEST(what_waited_in_a_ring_keeps_its_device),
        TEST(what_a_bus_said_before_it_ended_is_kept),
        TEST(a_device_that_goes_on_is_not_said_to_be_up_again),
        TEST(an_hour_across_a_reload_is_judged_with_all_of_its_minutes),
        TEST(a_new_points_first_hour_is_unknown_and_not_passed),
        TEST(a_point_that_is_taken_out_ends_as_it_stands),
        TEST(nobody_takes_out_the_point_that_breaches),
        TEST(a_limit_on_the_highest_point_is_judged_before_one_is_taken_out),
        TEST(a_limit_without_a_removed_point_says_nothing_early),
        TEST(the_same_name_in_another_unit_is_a_new_point),
        TEST(every_sample_of_a_removed_point_is_kept_once),
        TEST(a_restart_after_a_removal_judges_the_hour_of_the_others_whole),
        TEST(an_issue_of_a_limit_that_is_gone_stays_open),
        TEST(settings_are_a_row_only_when_they_changed_and_say_by_whom),
        TEST(a_broker_that_is_the_same_keeps_its_connection),
        TEST(a_changed_broker_starts_when_its_predecessor_has_left_and_where_that_ended),
        TEST(a_broker_that_comes_back_goes_on_where_it_was_also_after_a_restart),
        TEST(an_answer_of_the_store_to_a_broker_that_has_left_goes_to_nobody),
        TEST(a_commit_on_its_way_is_counted_for_the_broker_that_it_was_about),
        TEST(a_device_that_is_no_more_is_cleared_for_every_broker_until_it_is_back),
        TEST(the_site_is_told_again_only_when_it_is_another),
        TEST(five_hundred_reloads_leave_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
