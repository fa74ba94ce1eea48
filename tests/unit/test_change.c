/* What a new configuration leaves as it was: each setting of the site's file changed by itself. */
#include "config_fixture.h"
#include "daemon/config/broker.h"
#include "daemon/config/change.h"
#include "daemon/config/channel.h"
#include "drivers/device.h"

/* $ is replaced: the settings that the tests change, and what stands there at first. */
static const char site_text[] =
    "language: en\n"
    "site: {name: s, title: {zh: 站, en: Site}}\n"
    "store: {dir: /tmp/s}\n"
    "control_socket: /tmp/c\n"
    "buses:\n"
    "  one: {transport: rtu, path: /dev/a, baud: 9600, parity: none, stop_bits: 1, timeout: 300ms, "
    "turnaround: 5ms}\n"
    "  two: {transport: tcp, host: 127.0.0.1, port: 502}\n"
    "devices:\n"
    "  a: {title: {zh: 甲, en: A}, bus: one, profile: p, unit_id: 1, period: 1s}\n"
    "  b: {title: {zh: 乙, en: B}, bus: one, profile: p, unit_id: 2, period: 1s}\n"
    "  c: {title: {zh: 丙, en: C}, bus: two, profile: q, unit_id: 3, period: 1s}\n"
    "people:\n"
    "  m: {title: M, roles: [site]}\n"
    "mqtt:\n"
    "  up: {host: h, port: 1883, client_id: i, username: u, password_file: /p, keepalive: 60s, "
    "ca_file: /ca, cert_file: /cert, key_file: /key, version: 5}\n"
    "channels:\n"
    "  group: {kind: dingtalk, url_file: /url, secret_file: /secret, ca_file: /authority, per_minute: 9}\n"
    "  post: {kind: smtp, host: mail, port: 25, tls: tls, username: who, password_file: /pw, from: a@b}\n";

static const char profile_text[] =
    "title: {zh: 表, en: Meter}\n"
    "vendor: v\n"
    "source: s\n"
    "points:\n"
    "  pm10: {title: {zh: 粉尘, en: Dust}, unit: ug/m3, role: pm10, table: holding, address: 1, type: u16, "
    "scale: 1, decimals: 0, low: 0, high: 1000}\n"
    "  wind: {title: {zh: 风速, en: Wind}, unit: m/s, table: holding, address: 2, type: u16, scale: 0.1}\n";

/* `p` is the profile of a and b, `q` that of c. */
static struct config *load_both(const struct fixture *f, const char *file, const char *p)
{
    struct config *c;
    struct complaint why;
    write_file(f, "devices/p.yaml", p);
    write_file(f, "devices/q.yaml", profile_text);
    write_file(f, "f.yaml", file);
    if (config_load(f->file, f->dirs, &c, &why) != ERR_OK)
        fail_msg("%s", why.text);
    return c;
}

/* The site as it was, and with one text of its file or of its profile p replaced. */
struct pair {
    struct config *was, *is;
};

static struct pair pair(const struct fixture *f, const char *from, const char *to)
{
    bool in_site = strstr(site_text, from) != NULL;
    char *text = replaced(in_site ? site_text : profile_text, from, to);
    struct pair p = {.was = load_both(f, site_text, profile_text)};
    p.is = in_site ? load_both(f, text, profile_text) : load_both(f, site_text, text);
    mem_free(text);
    return p;
}

static void drop(struct pair p)
{
    config_free(p.was);
    config_free(p.is);
}

static const char *const of_bus_one[][2] = {
    {"path: /dev/a", "path: /dev/b"},
    {"baud: 9600", "baud: 19200"},
    {"parity: none", "parity: even"},
    {"stop_bits: 1", "stop_bits: 2"},
    {"stop_bits: 1", "stop_bits: 1, echo: yes"},
    {"timeout: 300ms", "timeout: 301ms"},
    {"turnaround: 5ms", "turnaround: 6ms"},
    {"unit_id: 2", "unit_id: 4"},
    {"unit_id: 2, period: 1s", "unit_id: 2, period: 2s"},
    {"  b: {title: {zh: 乙, en: B}, bus: one, profile: p, unit_id: 2, period: 1s}\n", ""},
    {"title: {zh: 乙, en: B}, bus: one", "title: {zh: 乙, en: B}, bus: two"},
    {"address: 1", "address: 3"},
    {"table: holding, address: 1", "table: input, address: 1"},
    {"type: u16, scale: 1", "type: i16, scale: 1"},
    {"scale: 1,", "scale: 2,"},
    {"scale: 1,", "scale: 1, offset: 1,"},
    {"high: 1000", "high: 2000"},
    {"low: 0", "low: 1"},
    {"type: u16, scale: 1", "type: u16, order: dcba, scale: 1"},
    {"scale: 1,", "scale: 1, invalid: [7],"},
    {"vendor: v\n", "vendor: v\ntimeout: 1s\n"},
    {"vendor: v\n", "vendor: v\nturnaround: 50ms\n"},
    {"vendor: v\n", "vendor: v\nmax_registers: 10\n"},
};

static void whatever_changes_what_a_bus_does_changes_that_bus_and_no_other(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < sizeof of_bus_one / sizeof of_bus_one[0]; i++) {
        struct pair p = pair(f, of_bus_one[i][0], of_bus_one[i][1]);
        int *buses = buses_before(p.was, p.is);
        bool two_too = strstr(of_bus_one[i][1], "bus: two") != NULL;
        if (buses[0] != -1 || buses[1] != (two_too ? -1 : 1))
            fail_msg("%s: buses %d, %d", of_bus_one[i][1], buses[0], buses[1]);
        mem_free(buses);
        drop(p);
    }
}

/* The first seven of of_bus_one are of the line. */
static void a_line_stays_open_when_only_its_devices_change(void **state)
{
    for (size_t i = 0; i < sizeof of_bus_one / sizeof of_bus_one[0]; i++) {
        struct pair p = pair(*state, of_bus_one[i][0], of_bus_one[i][1]);
        int *lines = lines_before(p.was, p.is);
        bool two_too = strstr(of_bus_one[i][1], "bus: two") != NULL;
        if (lines[0] != (i < 7 ? -1 : 0) || lines[1] != (two_too ? 1 : -1))
            fail_msg("%s: lines %d, %d", of_bus_one[i][1], lines[0], lines[1]);
        mem_free(lines);
        drop(p);
    }
}

static void a_device_keeps_its_place_unless_it_is_read_otherwise_or_at_other_times(void **state)
{
    struct {
        const char *from, *to;
        int a, b; /* where they stood; -2: there is none */
    } const cases[] = {
        {"language: en", "language: zh", 0, 1},
        {"unit_id: 2, period: 1s", "unit_id: 2, period: 2s", 0, -1},
        {"unit_id: 2", "unit_id: 4", 0, -1},
        {"  b: {title: {zh: 乙, en: B}, bus: one, profile: p, unit_id: 2, period: 1s}\n", "", 0, -2},
        {"  a: {title: {zh: 甲, en: A}, bus: one, profile: p, unit_id: 1, period: 1s}\n", "", 1, -2},
        {"scale: 1,", "scale: 2,", -1, -1},
        {"title: {zh: 乙, en: B}", "title: {zh: 丁, en: D}", 0, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair p = pair(*state, cases[i].from, cases[i].to);
        int *places = places_before(&p.was->buses[0], &p.is->buses[0]);
        int b = p.is->buses[0].ndevices > 1 ? places[1] : -2;
        if (places[0] != cases[i].a || b != cases[i].b)
            fail_msg("%s: places %d, %d", cases[i].to, places[0], b);
        mem_free(places);
        drop(p);
    }
}

static const char *const of_bus_two[] = {"port: 503", "port: 502, connect_timeout: 2s",
                                         "port: 502, half_open_timeout: 60s", "port: 502, keepalive: 1min"};

static void whatever_changes_a_host_or_its_limits_starts_that_bus_anew(void **state)
{
    for (size_t i = 0; i < sizeof of_bus_two / sizeof of_bus_two[0]; i++) {
        struct pair p = pair(*state, "port: 502", of_bus_two[i]);
        int *buses = buses_before(p.was, p.is);
        if (buses[0] != 0 || buses[1] != -1)
            fail_msg("%s: buses %d, %d", of_bus_two[i], buses[0], buses[1]);
        mem_free(buses);
        drop(p);
    }
}

static const char *const of_nobody[][2] = {
    {"language: en", "language: zh"},
    {"title: {zh: 站, en: Site}", "title: {zh: 点, en: Place}"},
    {"title: {zh: 乙, en: B}", "title: {zh: 丁, en: D}"},
    {"roles: [site]", "roles: [office]"},
    {"title: {zh: 粉尘, en: Dust}", "title: {zh: 尘, en: Dirt}"},
    {"decimals: 0", "decimals: 1"},
    {"role: pm10", "role: pm25"},
};

static void what_no_thread_and_no_mean_knows_changes_nothing_of_them(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < sizeof of_nobody / sizeof of_nobody[0]; i++) {
        struct pair p = pair(f, of_nobody[i][0], of_nobody[i][1]);
        int *buses = buses_before(p.was, p.is), *points = points_before(p.was, p.is);
        int *devices = devices_before(p.was, p.is);
        for (int k = 0; k < 2; k++)
            assert_int_equal(buses[k], k);
        for (int k = 0; k < p.is->npoints; k++)
            assert_int_equal(points[k], k);
        for (int k = 0; k < 3; k++)
            assert_int_equal(devices[k], k);
        assert_true(same_broker(&p.was->mqtt[0], &p.is->mqtt[0]));
        mem_free(buses);
        mem_free(points);
        mem_free(devices);
        drop(p);
    }
}

static const char *const of_broker[][2] = {
    {"host: h", "host: g"},
    {"port: 1883", "port: 1884"},
    {"client_id: i", "client_id: j"},
    {"username: u", "username: v"},
    {"password_file: /p", "password_file: /q"},
    {"keepalive: 60s", "keepalive: 61s"},
    {"ca_file: /ca", "ca_file: /cb"},
    {"cert_file: /cert", "cert_file: /d"},
    {"key_file: /key", "key_file: /k"},
    {"version: 5", "version: 3.1.1"},
};

static void whatever_changes_a_connection_needs_a_new_one_which_keeps_the_cursor(void **state)
{
    const struct fixture *f = *state;
    for (size_t i = 0; i < sizeof of_broker / sizeof of_broker[0]; i++) {
        struct pair p = pair(f, of_broker[i][0], of_broker[i][1]);
        int *brokers = brokers_before(p.was, p.is);
        if (same_broker(&p.was->mqtt[0], &p.is->mqtt[0]))
            fail_msg("%s is said to change nothing", of_broker[i][1]);
        assert_int_equal(brokers[0], 0);
        mem_free(brokers);
        drop(p);
    }
}

static void whatever_changes_what_a_channel_sends_starts_that_channel_anew_and_no_other(void **state)
{
    static const struct {
        int channel; /* that is another then; -1: none, main alone looks at it */
        const char *from, *to;
    } changes[] = {
        {0, "  group: {", "  crew: {"},
        {0, "kind: dingtalk", "kind: feishu"},
        {0, "url_file: /url", "url_file: /u"},
        {0, "secret_file: /secret", "secret_file: /s"},
        {0, "/authority", "/other"},
        {-1, "per_minute: 9", "per_minute: 8"},
        {-1, "per_minute: 9", "mention: true"},
        {1, "host: mail", "host: post"},
        {1, "port: 25", "port: 26"},
        {1, "tls: tls", "tls: starttls"},
        {1, "username: who", "username: me"},
        {1, "password_file: /pw", "password_file: /p2"},
        {1, "from: a@b", "from: a@c"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct pair p = pair(*state, changes[i].from, changes[i].to);
        for (int k = 0; k < 2; k++)
            if (same_channel(&p.was->channels[k], &p.is->channels[k]) != (k != changes[i].channel))
                fail_msg("%s: channel %d", changes[i].to, k);
        drop(p);
    }
}

static void a_broker_of_another_name_has_no_cursor_yet(void **state)
{
    struct pair p = pair(*state, "  up: {", "  other: {");
    int *brokers = brokers_before(p.was, p.is);
    assert_int_equal(brokers[0], -1);
    mem_free(brokers);
    drop(p);
}

static void points_and_buses_are_found_by_name_wherever_they_stand(void **state)
{
    struct pair p =
        pair(*state, "  a: {title: {zh: 甲, en: A}, bus: one, profile: p, unit_id: 1, period: 1s}\n", "");
    int *points = points_before(p.was, p.is), *devices = devices_before(p.was, p.is);
    assert_int_equal(p.is->npoints, 4); /* of b and c, which were the second and third */
    for (int i = 0; i < 4; i++)
        assert_int_equal(points[i], i + 2);
    assert_int_equal(devices[0], 1);
    assert_int_equal(devices[1], 2);
    mem_free(points);
    mem_free(devices);
    drop(p);
}

static void a_point_in_another_unit_is_another_point_of_the_same_name(void **state)
{
    struct pair p = pair(*state, "unit: ug/m3", "unit: mg/m3");
    int *points = points_before(p.was, p.is);
    static const int expected[] = {-1, 1, -1, 3, 4, 5}; /* a and b have it, c has another profile */
    for (int i = 0; i < 6; i++)
        assert_int_equal(points[i], expected[i]);
    mem_free(points);
    drop(p);
}

static void what_takes_a_restart_is_named_with_both_values(void **state)
{
    static const char *const fixed[][3] = {
        {"name: s,", "name: t,", "site.name is \"s\" while dustd runs, found \"t\"; a restart is needed"},
        {"dir: /tmp/s", "dir: /tmp/t",
         "store.dir is \"/tmp/s\" while dustd runs, found \"/tmp/t\"; a restart is needed"},
        {"/tmp/c", "/tmp/d",
         "control_socket is \"/tmp/c\" while dustd runs, found \"/tmp/d\"; a restart is needed"},
        {"name: s,", "name: s, zone: UTC,",
         "site.zone is +480 min from UTC while dustd runs, found +0 min; a restart is needed"},
    };
    char text[300];
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        struct pair p = pair(*state, fixed[i][0], fixed[i][1]);
        assert_true(needs_restart(p.was, p.is, text, sizeof text));
        assert_string_equal(text, fixed[i][2]);
        assert_false(needs_restart(p.was, p.was, text, sizeof text));
        drop(p);
    }
}

static void a_configuration_lives_until_the_last_who_keeps_it_gives_it_back(void **state)
{
    struct config *c = load_both(*state, site_text, profile_text);
    assert_ptr_equal(config_keep(c), c);
    config_keep(c);
    config_free(c);
    config_free(c);
    assert_string_equal(c->site.name, "s"); /* ASan says when that is not so */
    config_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(whatever_changes_what_a_bus_does_changes_that_bus_and_no_other),
        EACH(a_line_stays_open_when_only_its_devices_change),
        EACH(a_device_keeps_its_place_unless_it_is_read_otherwise_or_at_other_times),
        EACH(whatever_changes_a_host_or_its_limits_starts_that_bus_anew),
        EACH(what_no_thread_and_no_mean_knows_changes_nothing_of_them),
        EACH(whatever_changes_a_connection_needs_a_new_one_which_keeps_the_cursor),
        EACH(whatever_changes_what_a_channel_sends_starts_that_channel_anew_and_no_other),
        EACH(a_broker_of_another_name_has_no_cursor_yet),
        EACH(points_and_buses_are_found_by_name_wherever_they_stand),
        EACH(a_point_in_another_unit_is_another_point_of_the_same_name),
        EACH(what_takes_a_restart_is_named_with_both_values),
        EACH(a_configuration_lives_until_the_last_who_keeps_it_gives_it_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
