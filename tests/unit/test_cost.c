/* What --check says a configuration costs, against numbers worked out by hand and against what was measured.
 */
#include "unit/config_fixture.h"

#include "daemon/base/buf.h"
#include "daemon/config/broker.h"
#include "daemon/config/channel.h"
#include "daemon/cost.h"
#include "drivers/device.h"

#include <jansson.h>
#include <math.h>

static void expect_near(double is, double should, double share)
{
    if (!(fabs(is - should) <= share * fabs(should)))
        fail_msg("%g instead of %g", is, should);
}

static struct config *load_text(struct fixture *f, const char *text)
{
    write_file(f, "f.yaml", text);
    return load(f, f->file);
}

#define SITE "site: {name: s, title: {zh: 工地, en: Site}}\n"

/* 8 characters, an answer of 21 (eight registers), 3.5 of silence; a character of 10 bits takes 1.0417 ms. */
static void a_meter_read_every_second_takes_33_85_ms_of_each_at_9600_baud(void **state)
{
    struct config *c = load_text(*state, SITE "buses: {b: {path: /dev/ttyS0}}\n"
                                              "devices: {a: {bus: b, profile: nova-sds069, unit_id: 1}}\n");
    struct cost_bus cost;
    cost_bus(&c->buses[0], &cost);
    expect_near(cost.requests_per_s, 1, 1e-3); /* and its settings each hour */
    expect_near(cost.load, 0.03385, 1e-3);
    expect_near(cost.answer_ms, 966.1, 1e-3);
    config_free(c);
}

/* 11 bits a character with parity: 29 * 0.09549 ms, 1.75 ms of silence, 100 ms of turnaround, ten times a
 * second. */
static void parity_and_turnaround_count_and_above_19200_baud_the_silence_is_1_75_ms(void **state)
{
    struct config *c = load_text(
        *state, SITE "buses: {b: {path: /dev/ttyS0, baud: 115200, parity: even, turnaround: 20ms}}\n"
                     "devices: {a: {bus: b, profile: nova-sds069, unit_id: 1, period: 100ms}}\n");
    struct cost_bus cost;
    cost_bus(&c->buses[0], &cost);
    expect_near(cost.load, 10 * (29 * 11 / 115.2 + 1.75 + 20) / 1000, 1e-3);
    config_free(c);
}

/* The bench of the line (docs/benchmarks.md): eight units of ten registers that answer after 6 ms; its limit
 * was 22.72 polls a second, and 22.47 were measured. */
static void the_load_is_that_of_the_bench_of_the_line(void **state)
{
    struct buf text = {0};
    buf_text(&text, SITE "buses: {b: {path: /dev/ttyS0}}\ndevices:\n");
    for (int i = 1; i <= 8; i++)
        buf_printf(&text, "  u%d: {bus: b, profile: louvre-pm-weather, unit_id: %d, period: 100ms}\n", i, i);
    struct config *c = load_text(*state, text.data);
    struct cost_bus cost;
    cost_bus(&c->buses[0], &cost);
    double exchange_ms = 1000 * cost.load / cost.requests_per_s;
    expect_near(1000 / (exchange_ms + 6), 22.72, 1e-3);
    expect_near(cost.load, 3.0417, 1e-3);
    assert_int_equal(cost.enough_baud, 57600);
    config_free(c);
    buf_finish(&text);
}

static void a_tcp_device_costs_no_wire_but_one_answer_after_another(void **state)
{
    struct config *c =
        load_text(*state, SITE "buses: {b: {transport: tcp, host: 127.0.0.1}}\n"
                               "devices: {a: {bus: b, profile: nova-sds069, unit_id: 1, period: 200ms}}\n");
    struct cost_bus cost;
    cost_bus(&c->buses[0], &cost);
    assert_true(cost.load == 0);
    expect_near(cost.answer_ms, 200, 1e-3);
    assert_int_equal(cost.enough_baud, 0);
    config_free(c);
}

static const struct cost_message *find(const struct cost_message *m, int n, const char *topic, bool row)
{
    for (int i = 0; i < n; i++)
        if (strcmp(m[i].topic, topic) == 0 && (m[i].row > 0) == row)
            return &m[i];
    fail_msg("no message %s", topic);
    return NULL;
}

/* One point: the texts are those that docs/interface.md shows. */
static void messages_are_as_long_as_the_texts_that_are_published(void **state)
{
    struct fixture *f = *state;
    write_file(f, "devices/mine.yaml",
               "title: {zh: 表, en: Meter}\n"
               "points: {pm10: {address: 0, type: u16, unit: ug/m3, role: pm10, decimals: 1}}\n");
    struct config *c = load_text(f, SITE "buses: {b: {path: /dev/ttyS0}}\n"
                                         "devices: {a: {bus: b, profile: mine, unit_id: 1}}\n");
    static const char minute[] =
        "{\"journal\":\"12345678901234567890123456789012\",\"seq\":1000001,\"hash\":"
        "\"1234567890123456789012345678901234567890123456789012345678901234\",\"ts\":1795420800000,"
        "\"kind\":\"minute\",\"subject\":\"\",\"raw\":"
        "\"1234567890123456789012345678901234567890123456789012345678901234\",\"points\":{\"a/pm10\":{"
        "\"mean\":123.4567,\"min\":111.1,\"max\":135.8,\"n\":60,\"of\":60,\"q\":\"N\"}}}";
    static const char live[] =
        "{\"ts\":1795420800000,\"values\":{\"pm10\":{\"v\":123.5,\"unit\":\"ug/m3\",\"q\":\"N\"}}}";
    struct cost_message *m;
    int n = cost_messages(c, &m);
    assert_int_equal(find(m, n, "minute", true)->payload, strlen(minute));
    assert_int_equal(find(m, n, "minute", true)->per_day, 1440);
    assert_int_equal(find(m, n, "minute", true)->block, 60 + 12 + 72);
    assert_int_equal(find(m, n, "live/a", false)->payload, strlen(live));
    assert_int_equal(find(m, n, "live/a", false)->per_day, 8640);
    assert_int_equal(find(m, n, "hour", true)->per_day, 24);
    mem_free(m);
    config_free(c);
}

static void without_live_every_each_reading_is_a_message(void **state)
{
    struct fixture *f = *state;
    write_file(f, "devices/mine.yaml",
               "title: {zh: 表, en: Meter}\n"
               "points: {pm10: {address: 0, type: u16}, pm25: {address: 1, type: u16}, total: {address: 9, "
               "type: u16, period: 60s}}\n");
    struct config *c = load_text(f, SITE "live_every: 0s\nbuses: {b: {path: /dev/ttyS0}}\n"
                                         "devices: {a: {bus: b, profile: mine, unit_id: 1, period: 5s}}\n");
    struct cost_message *m;
    int n = cost_messages(c, &m);
    assert_int_equal(find(m, n, "live/a", false)->per_day, 17280 + 1440);
    mem_free(m);
    config_free(c);
}

static void health_messages_cost_what_health_every_says(void **state)
{
    struct cost_message *m;
    struct config *c = load_text(*state, SITE "health_every: 2h\n");
    int n = cost_messages(c, &m);
    assert_int_equal(find(m, n, "health", false)->per_day, 12);
    mem_free(m);
    config_free(c);
}

/* Two meters: each point with the role gives a verdict of each window. */
static void verdicts_count_for_each_point_that_a_limit_judges(void **state)
{
    struct config *c = load_with(*state, "", "");
    struct cost_message *m;
    int n = cost_messages(c, &m), verdicts = 0;
    for (int i = 0; i < n; i++)
        verdicts += strcmp(m[i].topic, "event") == 0 && m[i].per_day == 24 * 3; /* a, b and c have a pm10 */
    assert_int_equal(verdicts, 1);
    mem_free(m);
    config_free(c);
}

/* docs/benchmarks.md: ten points at 1 Hz kept 1.06 GB a year with readings whose times jitter, as they do at
 * work, and 874 MB with perfect ones. */
static void the_disk_of_a_year_is_that_of_the_bench(void **state)
{
    struct fixture *f = *state;
    struct buf text = {0};
    buf_text(&text, "title: {zh: 表, en: Meter}\npoints:\n");
    for (int i = 0; i < 10; i++)
        buf_printf(&text, "  p%d: {address: %d, type: u16, unit: ug/m3, scale: 0.1, decimals: 1%s}\n", i, i,
                   i ? "" : ", role: pm10");
    write_file(f, "devices/mine.yaml", text.data);
    struct config *c = load_text(f, SITE "buses: {bus: {path: /dev/ttyS0}}\n"
                                         "devices: {meter: {bus: bus, profile: mine, unit_id: 1}}\n"
                                         "people: {nobody: {title: x, roles: [site]}}\n"
                                         "limits: {shanxi-taiyuan: {person: nobody}}\n");
    struct cost_message *m;
    int n = cost_messages(c, &m);
    printf("%.0f MB a year\n", (double)cost_disk_year(m, n) / 1e6);
    expect_near((double)cost_disk_year(m, n), 1060e6, 0.1);
    mem_free(m);
    config_free(c);
    buf_finish(&text);
}

/* 1,440 rows of 1,000 bytes and blocks of 500 are 2.16 MB a day; once 10 days of blocks are there, 1.44 MB.
 */
static void the_days_until_a_size_is_reached_know_that_raw_samples_go(void **state)
{
    (void)state;
    const struct cost_message row = {.topic = "minute", .per_day = 1440, .row = 1000, .block = 500};
    int64_t ten_days_ms = INT64_C(864000000);
    expect_near(cost_days_until(&row, 1, 10800000, ten_days_ms), 5, 1e-9);
    expect_near(cost_days_until(&row, 1, 21600000 + 14400000, ten_days_ms), 20, 1e-9);
}

/* dust/1/s/minute: 15 bytes. MQTT 5: 1 + 2 + (2 + 15 + 2 + 1 + 300) = 323 bytes, TCP and IP 52, its
 * acknowledgement 52, PUBACK 4 + 52: 483. TLS: two records more, 44. 3.1.1: a byte less. */
static void a_row_costs_its_bytes_its_headers_and_its_answers(void **state)
{
    (void)state;
    const struct cost_message row = {.topic = "minute", .per_day = 1440, .qos = 1, .payload = 300, .row = 1};
    const struct cost_message live = {.topic = "live/a", .per_day = 8640, .qos = 0, .payload = 1500};
    struct mqtt_config b = {.ca_file = "", .mqtt5 = true, .keepalive_s = 60};
    struct cost_uplink cost;
    cost_uplink(&b, "s", &row, 1, &cost);
    assert_true(cost.all == INT64_C(483) * 1440 * 30 && cost.rows == cost.all);
    b.ca_file = "/ca";
    cost_uplink(&b, "s", &row, 1, &cost);
    assert_true(cost.all == INT64_C(527) * 1440 * 30);
    b.ca_file = "";
    b.mqtt5 = false;
    cost_uplink(&b, "s", &row, 1, &cost);
    assert_true(cost.all == INT64_C(482) * 1440 * 30);
    cost_uplink(&b, "s", &live, 1, &cost); /* 1 + 2 + 2 + 15 + 1500 bytes in two segments, and an answer */
    assert_true(cost.all == INT64_C(1676) * 8640 * 30 && cost.live == cost.all);
    b.keepalive_s = 30; /* one ping a minute: 54 there, 54 back, 52 for the answer's answer */
    cost_uplink(&b, "s", &row, 0, &cost);
    assert_true(cost.all == INT64_C(160) * 1440 * 30 && cost.rest == cost.all);
}

#define TOLD(people, channels)                                                                         \
    SITE "mqtt: {far: {host: h, ca_file: /ca}}\nchannels:\n"                                           \
         "  group: {kind: wecom, url_file: /u}\n  screen: {kind: mqtt, broker: far}\npeople:\n" people \
         "  other: {title: 乙, roles: [office]" channels "}\n"

/* A robot's connection is made anew for each message: some 8 kB, ten times a day, 30 days, two people. Over
 * the broker's own it is the message, some 500 bytes, and what TCP, TLS and the answers put around it, 230.
 */
static void alerts_cost_what_ten_a_day_for_each_person_take(void **state)
{
    struct config *c =
        load_text(*state, TOLD("  one: {title: 甲, roles: [site], channels: [group, screen]}\n",
                               ", channels: [group]"));
    struct cost_channel group, screen;
    cost_channel(c, &c->channels[0], &group);
    cost_channel(c, &c->channels[1], &screen);
    assert_int_equal(group.people, 2);
    expect_near((double)group.all, 2 * 300 * 8100.0, 0.05);
    assert_int_equal(screen.people, 1);
    expect_near((double)screen.all, 300 * 730.0, 0.05);
    assert_int_equal(cost_alerts(c, &c->mqtt[0]), screen.all);
    config_free(c);
    c = load_text(*state, TOLD("", ""));
    cost_channel(c, &c->channels[0], &group);
    assert_true(group.people == 0 && group.all == 0 && cost_alerts(c, &c->mqtt[0]) == 0);
    config_free(c);
}

/* --- what --check prints --- */

static char *check_of(const struct config *c, int64_t now_ms)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cost_print(c, now_ms, out);
    fclose(out);
    return text;
}

static const int64_t today_ms = INT64_C(1795420800000); /* November 2026 */

static void expect_says(struct fixture *f, const char *old, const char *new, const char *wanted)
{
    struct config *c = load_with(f, old, new);
    char *text = check_of(c, today_ms);
    if (!strstr(text, wanted))
        fail_msg("no \"%s\" in\n%s", wanted, text);
    free(text);
    config_free(c);
}

static void the_check_warns_of_what_cannot_work(void **state)
{
    static const struct {
        const char *old, *new, *wanted;
    } cases[] = {
        {"unit_id: 1}", "unit_id: 1, period: 100ms}", "  net "},
        {"path: /dev/ttyS0", "path: /dev/ttyS0, baud: 1200, turnaround: 1s",
         "bus line cannot keep its schedule: it needs 254 % of the wire. Periods 3.2 times as long."},
        {"path: /dev/ttyS0", "path: /dev/ttyS0, baud: 1200, turnaround: 1s",
         "bus line: less than 75 % of what is due can be read: its minutes would be unknown."},
        {"path: /dev/ttyS0", "path: /dev/ttyS0, turnaround: 460ms",
         "bus line keeps its schedule only while its units answer within 6.0 ms on the average."},
        {"host: broker.example.org", "host: b, data_plan: 50 MB",
         "MB a month are more than its data_plan, 50 MB; live messages are"},
        {"buses:", "store: {max_size: 100 MB}\nbuses:",
         "store: max_size, 100 MB, is reached after about 21 days: raw samples go before keep_raw, 365d."},
        {"host: broker.example.org", "host: b, version: 3.1.1", "broker x: MQTT 3.1.1 gives no reasons"},
        {"host: broker.example.org", "host: b, username: u, password_file: mqtt.password",
         "broker x: the password travels in the clear: no ca_file, no TLS."},
        {"host: broker.example.org", "host: b, username: u, password_file: mqtt.password",
         "broker x: password_file $CREDENTIALS_DIRECTORY/mqtt.password cannot be read"},
        {"host: broker.example.org", "host: b, ca_file: /nonexistent/ca",
         "broker x: ca_file /nonexistent/ca cannot be read"},
        {"limits:", "escalation: {one: {when: found, title: {zh: 一, en: One}, tell: [community]}}\nlimits:",
         "escalation one: nobody of people is of community."},
        {"limits:",
         "escalation: {one: {when: found, title: {zh: 一, en: One}, organisations: [department]}}\nlimits:",
         "escalation one: nobody of people is of department."},
        {"limits:\n  shanxi-taiyuan: {person: boss}\n", "",
         "no limit applies: readings are recorded, and nothing is judged."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_says(*state, cases[i].old, cases[i].new, cases[i].wanted);
}

/* edgexfoundry/device-modbus-go#636: after a boot ttyUSB0 was another adapter. */
static void a_port_by_its_number_is_warned_of_edgex_636(void **state)
{
    expect_says(*state, "/dev/ttyS0", "/dev/ttyUSB0",
                "bus line: /dev/ttyUSB0 may be another port after the next boot: take its name in "
                "/dev/serial/by-id.");
    struct config *c = load_with(*state, "/dev/ttyS0", "/dev/serial/by-id/usb-1a86-if00-port0");
    char *text = check_of(c, today_ms);
    assert_null(strstr(text, "another port"));
    free(text);
    config_free(c);
}

static void the_check_says_which_limits_are_not_judged_and_why(void **state)
{
    struct fixture *f = *state;
    static const char *const wanted[] = {
        "limit mine/rain is not judged: no point has the role rain.",
        "limit mine/old is not judged: it held until 2025-12-31.",
        "limit mine/new is not judged before 2030-01-01, when it begins to hold.",
        ("limit mine/high: a/tsp measures up to 500 ug/m3, the limit is 600: "
         "a breach of it cannot be seen there."),
        ("limit mine/less needs the background of tsp from outside, and no source may send it: a window "
         "without "
         "it within 120 min is unknown, never passed."),
        "limit mine/early needs the stage of the work, which a person tells: until then it is unknown, never",
        "limit mine/early: in the stage suspended nothing of its file judges humidity: it is unknown then.",
    };
    write_file(f, "devices/mine.yaml",
               "title: {zh: 表, en: Meter}\n"
               "points: {tsp: {address: 0, type: u16, unit: ug/m3, role: tsp, high: 500}, "
               "rh: {address: 1, type: u16, unit: \"%\", role: humidity}}\n");
    write_file(
        f, "limits/mine.yaml",
        LIMIT_HEAD
        "  rain: {title: {zh: a, en: b}, role: rain, window: 1h, compare: over, value: 9 mm}\n"
        "  old: {title: {zh: a, en: b}, role: tsp, window: 1h, compare: over, value: 9 ug/m3, valid_to: "
        "2025-12-31}\n"
        "  new: {title: {zh: a, en: b}, role: tsp, window: 1h, compare: over, value: 9 ug/m3, valid_from: "
        "2030-01-01}\n"
        "  less: {title: {zh: a, en: b}, role: tsp, window: 1h, compare: over, value: 9 ug/m3, minus: "
        "background}\n"
        "  early: {title: {zh: a, en: b}, role: humidity, window: 1h, compare: over, value: 9 %, stages: "
        "[earthwork]}\n"
        "  high: {title: {zh: a, en: b}, role: tsp, window: 1h, compare: over, value: 0.6 mg/m3}\n");
    struct config *c =
        load_text(f, SITE "buses: {b: {path: /dev/ttyS0}}\n"
                          "devices: {a: {bus: b, profile: mine, unit_id: 1}}\n"
                          "people: {boss: {title: x, roles: [site]}, office: {title: y, roles: [office]}}\n"
                          "limits: {mine: {person: boss}}\n");
    char *text = check_of(c, today_ms);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(text, wanted[i]))
            fail_msg("no \"%s\" in\n%s", wanted[i], text);
    assert_non_null(strstr(text, "Warnings: 11\n"));
    free(text);
    config_free(c);
}

static void the_check_says_which_requirements_stay_unknown_and_what_they_lack(void **state)
{
    static const char *const wanted[] = {
        "check enclosure/gate-shut stays unknown: no point has the role gate.",
        "check enclosure/gate-shut stays unknown: no source says passage and alive.",
        "check covering/bare-soil stays unknown: no source says camera and alive.",
        "check watering/dry-hours stays unknown: no point has the role flow.",
        "check washing/exit-washed: no point has the role wash: each passage must say wash_s.",
    };
    struct fixture *f = *state;
    char *text = mem_printf("%srequirements: {file: six, person: boss}\n"
                            "sources: {gate: {kinds: [passage]}}\n",
                            base);
    struct config *c = load_text(f, text);
    char *said = check_of(c, today_ms);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(said, wanted[i]))
            fail_msg("no \"%s\" in\n%s", wanted[i], said);
    assert_null(strstr(said, "hardening"));
    free(said);
    mem_free(text);
    config_free(c);
}

int main(void)
{
    json_set_alloc_funcs(mem_bytes, mem_free);
    const struct CMUnitTest tests[] = {
        EACH(a_meter_read_every_second_takes_33_85_ms_of_each_at_9600_baud),
        EACH(parity_and_turnaround_count_and_above_19200_baud_the_silence_is_1_75_ms),
        EACH(the_load_is_that_of_the_bench_of_the_line),
        EACH(a_tcp_device_costs_no_wire_but_one_answer_after_another),
        EACH(messages_are_as_long_as_the_texts_that_are_published),
        EACH(without_live_every_each_reading_is_a_message),
        EACH(health_messages_cost_what_health_every_says),
        EACH(verdicts_count_for_each_point_that_a_limit_judges),
        EACH(the_disk_of_a_year_is_that_of_the_bench),
        cmocka_unit_test(the_days_until_a_size_is_reached_know_that_raw_samples_go),
        cmocka_unit_test(a_row_costs_its_bytes_its_headers_and_its_answers),
        cmocka_unit_test_setup_teardown(alerts_cost_what_ten_a_day_for_each_person_take, setup, teardown),
        EACH(the_check_warns_of_what_cannot_work),
        EACH(a_port_by_its_number_is_warned_of_edgex_636),
        EACH(the_check_says_which_limits_are_not_judged_and_why),
        EACH(the_check_says_which_requirements_stay_unknown_and_what_they_lack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
