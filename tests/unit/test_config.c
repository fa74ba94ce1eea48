/* What the site's configuration becomes. */
#include "unit/config_fixture.h"

#include "daemon/config/broker.h"
#include "daemon/config/limits.h"
#include "daemon/config/lookup.h"
#include "daemon/config/person.h"
#include "drivers/unit.h"

#include <math.h>

static void the_shipped_example_loads_as_it_says(void **state)
{
    struct config *c = load(*state, SHIPPED);
    assert_string_equal(c->language, "zh");
    assert_string_equal(c->site.name, "example-site");
    assert_string_equal(c->site.title_zh, "示例工地");
    assert_string_equal(c->site.title_en, "Example Site");
    assert_string_equal(c->site.issue_prefix, "LQ");
    assert_true(isnan(c->site.longitude) && isnan(c->site.latitude));
    assert_int_equal(c->site.zone_min, 480);
    assert_string_equal(c->store.dir, "/var/lib/dustd");
    assert_int_equal(c->store.commit_every_ms, 10000);
    assert_int_equal(c->store.keep_raw_ms, 365LL * 86400000);
    assert_int_equal(c->store.keep_minutes_ms, 3650LL * 86400000);
    assert_int_equal(c->store.max_size, 2000000000);
    assert_int_equal(c->store.ballast, 16000000);
    assert_int_equal(c->nbuses, 1);
    const struct bus_config *bus = &c->buses[0];
    assert_string_equal(bus->path, "/dev/serial/by-id/usb-your-adapter-if00-port0");
    assert_int_equal(bus->transport, TRANSPORT_RTU);
    assert_int_equal(bus->baud, 9600);
    assert_int_equal(bus->parity, 'N');
    assert_int_equal(bus->data_bits, 8);
    assert_int_equal(bus->stop_bits, 1);
    assert_int_equal(bus->timeout_ms, 300);
    assert_int_equal(bus->ndevices, 2);
    assert_ptr_equal(bus->devices[1], &c->devices[1]);
    assert_string_equal(c->devices[1].name, "weather");
    assert_int_equal(c->devices[1].unit_id, 2);
    assert_int_equal(c->devices[1].period_ms, 5000);
    assert_int_equal(c->devices[1].first_point, 6);
    assert_int_equal(c->devices[1].index, 1);
    assert_int_equal(c->npoints, 16);
    assert_int_equal(config_measured(c), 14);
    assert_string_equal(c->points[2].name, "gate-dust/pm10");
    assert_ptr_equal(c->points[2].device, &c->devices[0]);
    assert_string_equal(c->points[2].point->role, "pm10");
    assert_int_equal(c->npeople, 3);
    assert_int_equal(c->people[1].roles, ROLE_COMMUNITY);
    assert_ptr_equal(config_person(c, "site-manager"), &c->people[0]);
    assert_null(config_person(c, "nobody"));
    assert_null(config_person_of_user(c, ""));
    config_free(c);
}

static void the_taiyuan_limit_is_250_reached_by_the_hour_mean_of_each_point(void **state)
{
    struct config *c = load(*state, SHIPPED);
    assert_int_equal(c->nlimits, 1);
    const struct limit *l = &c->limits[0];
    assert_string_equal(l->id, "shanxi-taiyuan/pm10-hour");
    assert_string_equal(l->role, "pm10");
    assert_int_equal(l->window_ms, 3600000);
    assert_int_equal(l->compare, COMPARE_REACHES);
    assert_int_equal(l->over, OVER_EACH);
    assert_true(l->value == 250);
    assert_string_equal(l->unit, "ug/m3");
    assert_int_equal(l->valid_from_ms, 946656000000); /* 2000-01-01T00:00+08:00 */
    assert_true(l->valid_to_ms == INT64_MAX);
    assert_string_equal(l->person, "site-manager");
    assert_int_equal(l->answer_ms, 3600000);
    assert_int_equal(l->rectify_ms, 86400000);
    assert_true(l->source[0] && l->doubt[0] && l->action_zh[0]);
    config_free(c);
}

static void a_calibration_is_good_to_the_end_of_its_day_in_the_sites_zone(void **state)
{
    struct config *c =
        load_with(*state, "unit_id: 2", "unit_id: 2, serial: 0017, calibration_due: 2026-03-01");
    const struct device *d = &c->devices[1];
    assert_string_equal(d->serial, "0017");
    assert_string_equal(d->certificate, "");
    assert_true(d->calibrated_ms == INT64_C(1772380800000)); /* 2026-03-02T00:00+08:00 */
    assert_true(c->devices[0].calibrated_ms == 0);
    config_free(c);
}

static void a_bus_knows_its_devices_and_only_its_own_settings(void **state)
{
    struct config *c = load_with(*state, "", "");
    assert_int_equal(c->nbuses, 2);
    assert_int_equal(c->buses[0].ndevices, 2);
    assert_int_equal(c->buses[1].ndevices, 1);
    assert_string_equal(c->buses[1].devices[0]->name, "c");
    assert_int_equal(c->buses[1].index, 1);
    assert_int_equal(c->buses[1].port, 502);
    assert_string_equal(c->buses[1].path, "");
    assert_int_equal(c->buses[1].baud, 0);
    assert_string_equal(c->buses[0].host, "");
    assert_ptr_equal(c->devices[0].profile, c->devices[1].profile);
    assert_string_equal(c->devices[0].title_zh, c->devices[0].profile->title_zh);
    config_free(c);
}

static void a_broker_has_a_client_id_and_its_defaults(void **state)
{
    struct config *c = load_with(*state, "", "");
    assert_string_equal(c->mqtt[0].client_id, "dustd-s");
    assert_string_equal(c->mqtt[0].host, "broker.example.org");
    assert_int_equal(c->mqtt[0].port, 1883);
    assert_int_equal(c->mqtt[0].keepalive_s, 60);
    assert_true(c->mqtt[0].mqtt5);
    assert_string_equal(c->mqtt[0].ca_file, "");
    config_free(c);
    c = load_with(*state, "host: broker.example.org", "host: \"::1\", version: 3.1.1, keepalive: 2min");
    assert_false(c->mqtt[0].mqtt5);
    assert_int_equal(c->mqtt[0].keepalive_s, 120);
    config_free(c);
}

static void a_user_of_the_machine_is_one_person(void **state)
{
    struct config *c = load_with(*state, "", "");
    assert_int_equal(config_person_of_user(c, "clerk")->roles, ROLE_SITE | ROLE_OFFICE);
    assert_null(config_person_of_user(c, "li"));
    config_free(c);
}

/* ---- what the points of a device are here ---- */

static void a_site_says_which_coil_is_the_spray_valve_and_which_input_the_door(void **state)
{
    struct fixture *f = *state;
    write_file(
        f, "f.yaml",
        "language: en\nsite: {name: s, title: {zh: 站, en: Site}}\nstore: {dir: /tmp/x}\nbuses:\n"
        "  line: {transport: rtu, path: /dev/ttyS0}\ndevices:\n"
        "  a: {bus: line, profile: waveshare-relay-8ch, unit_id: 1, points: {relay3: {title: {zh: 喷淋阀, "
        "en: Spray valve}, role: spray_command}, in1: {role: door}}}\n"
        "  b: {bus: line, profile: waveshare-relay-8ch, unit_id: 2}\n");
    struct config *c = NULL;
    struct complaint why;
    if (config_load(f->file, f->dirs, &c, &why) != ERR_OK)
        fail_msg("%s", why.text);
    assert_int_equal(c->npoints, 32);
    const struct point *relay3 = c->points[2].point, *in1 = c->points[8].point;
    assert_string_equal(c->points[2].name, "a/relay3");
    assert_string_equal(relay3->role, "spray_command");
    assert_string_equal(relay3->title_en, "Spray valve");
    assert_true(relay3->writable && relay3->address == 2);
    assert_string_equal(in1->role, "door");
    assert_string_equal(in1->title_en, "Input 1");
    assert_ptr_equal(c->devices[0].profile->points + 2, relay3);
    assert_string_equal(c->points[16 + 2].point->role, ""); /* the other board is nobody's valve */
    char *text = printed(c);
    assert_non_null(strstr(text, "role: spray_command"));
    config_free(c);
    write_file(f, "g.yaml", text);
    char *again = mem_printf("%s/g.yaml", f->dir);
    if (config_load(again, f->dirs, &c, &why) != ERR_OK)
        fail_msg("%s\n%s", why.text, text);
    assert_string_equal(c->points[8].point->role, "door");
    config_free(c);
    mem_free(again);
    mem_free(text);
}

static void a_limit_in_another_unit_is_converted_to_that_of_its_points(void **state)
{
    struct fixture *f = *state;
    write_file(f, "limits/mine.yaml",
               LIMIT_HEAD
               "  tsp: {title: {zh: a, en: b}, role: tsp, window: 15min, compare: over, value: 0.8 mg/m3, "
               "over: max,\n"
               "        valid_from: 2017-08-06, valid_to: 2020-02-29}\n"
               "  rain: {title: {zh: a, en: b}, role: rain, window: 24h, compare: over, value: 5 mm}\n");
    struct config *c = load_with(f, "shanxi-taiyuan", "mine");
    assert_int_equal(c->nlimits, 1); /* nothing measures rain: said, and left out */
    assert_string_equal(c->limits[0].id, "mine/tsp");
    assert_true(fabs(c->limits[0].value - 800) < 1e-9);
    assert_string_equal(c->limits[0].unit, "ug/m3");
    assert_int_equal(c->limits[0].window_ms, 900000);
    assert_int_equal(c->limits[0].over, OVER_MAX);
    assert_int_equal(c->limits[0].valid_from_ms, 1501948800000); /* 2017-08-06T00:00+08:00 */
    assert_int_equal(c->limits[0].valid_to_ms, 1582992000000);   /* 2020-03-01T00:00+08:00 */
    config_free(c);
}

static void a_file_beside_the_configuration_comes_before_the_shipped_one(void **state)
{
    struct fixture *f = *state;
    write_file(
        f, "devices/mine.yaml",
        "title: {zh: 表, en: Meter}\npoints: {pm10: {address: 9, type: u16, unit: ug/m3, role: pm10}}\n");
    char *old = mem_printf("%s/devices/mine.yaml", f->dir),
         *new = mem_printf("%s/devices/nova-sds069.yaml", f->dir);
    rename(old, new);
    struct config *c = load_with(f, "", "");
    assert_int_equal(c->points[0].point->address, 9);
    config_free(c);
    rename(new, old);
    mem_free(old);
    mem_free(new);
}

/* BlackZork/mqmgateway#100: a time-out of one unit was documented and did nothing, and none above 999 ms was
 * possible. */
static void the_time_out_of_a_profile_counts_for_its_unit_alone_mqmgateway_100(void **state)
{
    struct fixture *f = *state;
    write_file(f, "devices/mine.yaml",
               "title: {zh: 表, en: Meter}\n"
               "timeout: 1500ms\nturnaround: 120ms\n"
               "points: {pm10: {address: 0, type: u16, unit: ug/m3, role: pm10}}\n");
    struct config *c = load_with(f, "profile: nova-sds069, unit_id: 2", "profile: mine, unit_id: 2");
    struct unit other, own;
    unit_init(&other, &c->buses[0], &c->devices[0], 0, 1);
    unit_init(&own, &c->buses[0], &c->devices[1], 0, 1);
    assert_int_equal(other.longest_us, 300000);
    assert_int_equal(other.turnaround_us, 0);
    assert_int_equal(own.longest_us, 1500000);
    assert_int_equal(own.turnaround_us, 120000);
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(the_time_out_of_a_profile_counts_for_its_unit_alone_mqmgateway_100),
        EACH(the_shipped_example_loads_as_it_says),
        EACH(the_taiyuan_limit_is_250_reached_by_the_hour_mean_of_each_point),
        EACH(a_calibration_is_good_to_the_end_of_its_day_in_the_sites_zone),
        EACH(a_bus_knows_its_devices_and_only_its_own_settings),
        EACH(a_broker_has_a_client_id_and_its_defaults),
        EACH(a_user_of_the_machine_is_one_person),
        EACH(a_site_says_which_coil_is_the_spray_valve_and_which_input_the_door),
        EACH(a_limit_in_another_unit_is_converted_to_that_of_its_points),
        EACH(a_file_beside_the_configuration_comes_before_the_shipped_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
