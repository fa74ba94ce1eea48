/* What a configuration must not say, and the message each mistake gets. */
#include "unit/config_fixture.h"

#include "daemon/base/buf.h"

struct bad {
    const char *old, *new, *message;
};

static void expect(struct fixture *f, const struct bad *b)
{
    char *text = replaced(base, b->old, b->new);
    write_file(f, "f.yaml", text);
    struct config *c = NULL;
    struct complaint why = {{0}};
    int error = config_load(f->file, f->dirs, &c, &why);
    size_t dir = strlen(f->dir) + 1;
    bool ours = strlen(why.text) > dir && strncmp(why.text, f->dir, dir - 1) == 0;
    if (error != ERR_FORMAT || !ours || strncmp(why.text + dir, b->message, strlen(b->message)) != 0)
        fail_msg("%s\ngave %d \"%s\" instead of \"%s\"", text, error, why.text, b->message);
    assert_non_null(strstr(why.text, "; allowed:"));
    mem_free(text);
}

static void each_bad_setting_is_refused_with_its_place_what_was_found_and_what_is_allowed(void **state)
{
    static const struct bad bad[] = {
        /* keys and types */
        {"devices:", "device:",
         "f.yaml:5:1: found the unknown key \"device\" in configuration (did you mean \"devices\"?); "
         "allowed: language site store"},
        {"unit_id: 1}", "unit: 1}",
         "f.yaml:6:40: found the unknown key \"unit\" in device; allowed: title bus profile unit_id "
         "period"},
        {"  b:", "  a:", "f.yaml:7:3: found the key \"a\" twice (first in line 6); allowed: once"},
        {"site: {", "site: {name: t, ", "f.yaml:1:17: found the key \"name\" twice"},
        {"name: s, ", "",
         "f.yaml:1:7: found no name in site; allowed: only with name, the site's name in MQTT topics"},
        {"unit_id: 1}", "unit_id: one}",
         "f.yaml:6:49: found \"one\" for unit_id; allowed: a whole number, 1 to 255"},
        {"unit_id: 1}", "unit_id: 010}",
         "f.yaml:6:49: found \"010\" for unit_id; allowed: a whole number, 1 to 255"},
        {"unit_id: 1}", "unit_id: 0x1F}",
         "f.yaml:6:49: found \"0x1F\" for unit_id; allowed: a whole number, 1 to 255"},
        {"unit_id: 1}", "unit_id: 256}",
         "f.yaml:6:49: found \"256\" for unit_id; allowed: a whole number, 1 to 255"},
        {"unit_id: 1}", "unit_id: 1, calibration_due: 2026-02-30}",
         "f.yaml:6:69: found \"2026-02-30\" for calibration_due; allowed: a day such as 2026-03-01"},
        {"unit_id: 1}", "unit_id: 1, points: {tsp1: {role: tsp}}}",
         "f.yaml:6:61: found \"tsp1\", which nova-sds069 has not, did you mean tsp?; allowed: a point of "
         "that "
         "profile: pm1 pm25 pm10 tsp"},
        {"unit_id: 1}", "unit_id: 1, points: {tsp: {role: door}}}",
         "f.yaml:6:73: found the role door for tsp, whose unit is \"ug/m3\"; allowed: a role of that unit"},
        {"unit_id: 1}", "unit_id: 1, points: {tsp: {role: spry}}}",
         "f.yaml:6:73: found \"spry\" for role; allowed: one of pm1"},
        {"unit_id: 1}", "unit_id: [1]}", "f.yaml:6:49: found a list for unit_id; allowed: a whole number"},
        {"unit_id: 1}", "unit_id: 1, period: 1}",
         "f.yaml:6:60: found \"1\" for period; allowed: a whole number with ms, s, min, h or d, 100ms "
         "to "
         "60s"},
        {"unit_id: 1}", "unit_id: 1, period: 150ug}",
         "f.yaml:6:60: found \"150ug\" for period; allowed: a whole number with ms"},
        {"unit_id: 1}", "unit_id: 1, period: 99ms}", "f.yaml:6:60: found \"99ms\" for period"},
        {"  line:", "  Line:",
         "f.yaml:3:3: found \"Line\" for name; allowed: a name of at most 31 of a-z 0-9 _ -"},
        {"name: s,", "name: a/b,", "f.yaml:1:14: found \"a/b\" for name; allowed: at most 31 of a-z 0-9 -"},
        {"en: Site}}", "en: Site}, issue_prefix: l1}",
         "f.yaml:1:58: found \"l1\" for issue_prefix; allowed: one to eight of A-Z"},
        {"en: Site}}", "en: Site}, longitude: 181, latitude: 1}",
         "f.yaml:1:55: found \"181\" for longitude; allowed: a number, -180 to 180 degrees"},
        {"en: Site}}", "en: Site}, longitude: nan}", "f.yaml:1:55: found \"nan\" for longitude"},
        {"en: Site}}", "en: Site}, longitude: 1}",
         "f.yaml:1:7: found only one of longitude and latitude; allowed: both or none"},
        {"en: Site}}", "en: Site}, zone: CET}",
         "f.yaml:1:50: found \"CET\" for zone; allowed: one of Asia/Shanghai Asia/Urumqi UTC"},
        {"buses:", "language: de\nbuses:", "f.yaml:2:11: found \"de\" for language; allowed: one of zh en"},
        {"buses:", "store: {commit_every: 2min}\nbuses:",
         "f.yaml:2:23: found \"2min\" for commit_every; allowed: a whole number with ms, s, min, h or "
         "d, 1s "
         "to 60s"},
        {"buses:", "store: {keep_raw: 30d, keep_minutes: 29d}\nbuses:",
         "f.yaml:2:38: found minutes kept for a shorter time than raw samples; allowed: keep_minutes of at "
         "least keep_raw"},
        {"buses:", "store: {max_size: 2GB}\nbuses:",
         "f.yaml:2:19: found \"2GB\" for max_size; allowed: a whole number, a space and kB, MB or GB, 64 MB "
         "to "
         "1000 GB"},
        {"buses:", "store: {dir: data}\nbuses:",
         "f.yaml:2:14: found \"data\" for dir; allowed: an absolute path"},
        /* buses */
        {"path: /dev/ttyS0", "path: /dev/ttyS0, baud: 9601",
         "f.yaml:3:34: found \"9601\" for baud (did you mean \"9600\"?); allowed: one of 1200 2400 4800 "
         ""
         "9600"},
        {"path: /dev/ttyS0", "path: /dev/ttyS0, parity: flase",
         "f.yaml:3:36: found \"flase\" for parity; allowed: one of none even odd"},
        {"path: /dev/ttyS0", "path: ttyS0",
         "f.yaml:3:16: found \"ttyS0\" for path; allowed: an absolute path"},
        {"path: /dev/ttyS0", "baud: 9600",
         "f.yaml:3:3: found no path in bus; allowed: only with path, the serial port"},
        {"path: /dev/ttyS0", "path: /dev/ttyS0, host: \"::1\"",
         "f.yaml:3:28: found host with transport rtu; allowed: only with tcp rtu_over_tcp"},
        {"host: 127.0.0.1", "host: 127.0.0.1, baud: 9600",
         "f.yaml:4:42: found baud with transport tcp; allowed: only with rtu rtu_over_tcp"},
        {"host: 127.0.0.1", "host: meter.example.org",
         "f.yaml:4:31: found \"meter.example.org\" for host; allowed: a numeric address such as "
         "192.168.1.20"},
        {"host: 127.0.0.1", "host: 127.0.0.1, port: 0",
         "f.yaml:4:48: found \"0\" for port; allowed: a whole number, 1 to 65535"},
        {"transport: tcp", "transport: RTU",
         "f.yaml:4:20: found \"RTU\" for transport (did you mean \"rtu\"?)"},
        {"transport: tcp", "transport: udp",
         "f.yaml:4:20: found \"udp\" for transport; allowed: one of rtu tcp "
         "rtu_over_tcp"},
        {"  net: {transport: tcp, host: 127.0.0.1}", "  net: {path: /dev/ttyS0}",
         "f.yaml:4:15: found the port of bus line again; allowed: one bus for a port"},
        {"bus: net", "bus: line",
         "f.yaml:4:3: found the bus net without a device; allowed: a bus that a device names"},
        /* devices */
        {"bus: net", "bus: nett",
         "f.yaml:8:12: found \"nett\" for bus (did you mean \"net\"?); allowed: one of line net"},
        {"unit_id: 2}", "unit_id: 1}",
         "f.yaml:7:49: found unit_id 1 again, device a on bus line has it; allowed: each once on a bus, "
         "1 to 255"},
        /* modbus2mqtt#294: a device whose profile does not load is silent after one line at the start */
        {"profile: louvre", "profile: louver",
         "f.yaml:8:26: found \"louver-pm-weather\", but no file devices/louver-pm-weather.yaml (did you "
         "mean "
         "\"louvre-pm-weather\"?); allowed: boling-dust-wall campbell-metsens200 "},
        {"profile: louvre-pm-weather", "profile: ../x",
         "f.yaml:8:26: found \"../x\" for profile; allowed: a name"},
        /* people */
        {"roles: [site, office]", "roles: [site, offise]",
         "f.yaml:10:35: found \"offise\" for roles (did you mean \"office\"?); allowed: a list of site "
         ""
         "contractor"},
        {"roles: [site, office]", "roles: []", "f.yaml:10:28: found no role; allowed: at least one of site"},
        {"roles: [site, office]", "roles: site",
         "f.yaml:10:28: found \"site\" for roles; allowed: a list of site"},
        {"limits:", "  too: {title: x, roles: [site], unix_user: clerk}\nlimits:",
         "f.yaml:11:45: found the user of boss again; allowed: each user is one person"},
        {"unix_user: clerk", "unix_user: Clerk",
         "f.yaml:10:55: found \"Clerk\" for unix_user; allowed: a user name"},
        {"unix_user: clerk", "unix_user: clerk, organisation: town",
         "f.yaml:10:76: found \"town\" for organisation; allowed: one of"},
        {"unix_user: clerk", "phone: 13x",
         "f.yaml:10:51: found \"13x\" for phone; allowed: a telephone number"},
        {"unix_user: clerk", "mqtt_user: a/b",
         "f.yaml:10:55: found \"a/b\" for mqtt_user; allowed: a user name of the brokers"},
        {"limits:",
         "  too: {title: x, roles: [site], mqtt_user: m}\n  wet: {title: x, roles: [site], mqtt_user: "
         "m}\nlimits:",
         "f.yaml:12:45: found the user of too again; allowed: each user is one person"},
        {"limits:", "organisations: {t: {title: {zh: 镇, en: Town}, kind: town}}\nlimits:",
         "f.yaml:11:53: found \"town\" for kind; allowed: one of community department unit"},
        /* escalation */
        {"limits:", "escalation: {one: {when: soon, title: {zh: 一, en: One}, tell: [site]}}\nlimits:",
         "f.yaml:11:26: found \"soon\" for when; allowed: one of found assigned unanswered due_soon overdue"},
        {"limits:", "escalation: {one: {when: found, title: {zh: 一, en: One}}}\nlimits:",
         "f.yaml:11:19: found nobody to tell; allowed: at least one in tell or organisations"},
        {"limits:", "escalation: {one: {when: found, title: {zh: 一, en: One}, tell: []}}\nlimits:",
         "f.yaml:11:64: found nobody to tell"},
        {"limits:", "escalation: {one: {when: found, title: {zh: 一, en: One}, tell: [boss]}}\nlimits:",
         "f.yaml:11:65: found \"boss\" for tell; allowed: "},
        {"limits:", "escalation: {ended: {when: found, title: {zh: 一, en: One}, tell: [site]}}\nlimits:",
         "f.yaml:11:21: found a step called ended; allowed: any name but ended, task and test"},
        {"limits:",
         "escalation: {one: {when: found, before: 1h, title: {zh: 一, en: One}, tell: [site]}}\nlimits:",
         "f.yaml:11:33: found before with when found; allowed: only with due_soon"},
        {"limits:",
         "escalation: {one: {when: overdue, after: 400d, title: {zh: 一, en: One}, tell: [site]}}\nlimits:",
         "f.yaml:11:42: found \"400d\" for after; allowed: "},
        {"limits:",
         "escalation: {one: {when: found, title: {zh: 一, en: One}, tell: [site], levels: [bad]}}\nlimits:",
         "f.yaml:11:81: found \"bad\" for levels; allowed: "},
        /* inspections */
        {"limits:", "inspections: {week: {title: {zh: 周, en: Week}, person: boss}}\nlimits:",
         "f.yaml:11:15: found nothing to inspect; allowed: with a requirement file"},
        {"limits:", "inspections: {week: {title: {zh: 周, en: Week}, person: bos}}\nlimits:",
         "f.yaml:11:56: found \"bos\" for person (did you mean \"boss\"?)"},
        {"limits:",
         "requirements: {file: six, person: boss}\ninspections: {week: {title: {zh: 周, en: Week}, person: "
         "boss, "
         "checks: [washing/exit-washed]}}\nlimits:",
         "f.yaml:12:70: found washing/exit-washed, which is no such check here; allowed: checks of the kind "
         "attest"},
        {"limits:", "inspections: {week: {title: {zh: 周, en: Week}, person: boss, weekday: Fri}}\nlimits:",
         "f.yaml:11:71: found \"Fri\" for weekday"},
        /* the ledger */
        {"limits:", "roles: {close: [office, site]}\nlimits:",
         "f.yaml:11:16: found the responsible unit (site, contractor) among those who close: it never judges "
         "its own "
         "case; allowed: community office inspector"},
        {"limits:", "roles: {note: []}\nlimits:",
         "f.yaml:11:15: found nobody who may note; allowed: at least one of"},
        {"limits:", "issues: {kinds: {limits: {}}}\nlimits:",
         "f.yaml:11:18: found \"limits\", which is no kind of issue (did you mean \"limit\"?); allowed: data "
         "device"},
        {"limits:", "issues: {kinds: {wash: {clean_windows: 2}}}\nlimits:",
         "f.yaml:11:40: found clean_windows for wash; allowed: for limit, which alone has windows"},
        {"limits:", "campaign: {a: {title: {zh: 查, en: Survey}, from: 2023-09-20, to: 2023-09-14}}\nlimits:",
         "f.yaml:11:66: found a last day before the first; allowed: 2023-09-20 or later"},
        {"limits:", "calendar: {holidays: [2026-02-30]}\nlimits:",
         "f.yaml:11:23: found \"2026-02-30\" for holidays; allowed: a day such as 2026-03-01"},
        /* limits */
        {"person: boss", "person: bos",
         "f.yaml:12:28: found \"bos\" for person (did you mean \"boss\"?); allowed: one of boss"},
        {"shanxi-taiyuan", "shanxi-taiyaun",
         "f.yaml:12:3: found \"shanxi-taiyaun\", but no file limits/shanxi-taiyaun.yaml (did you mean "
         "\"shanxi-taiyuan\"?)"},
        {"{person: boss}", "{person: boss, answer_within: 30s}",
         "f.yaml:12:49: found \"30s\" for answer_within; allowed: a whole number with ms, s, min, h or "
         "d, "
         "1min to 30d"},
        {"{person: boss}", "{answer_within: 2h}",
         "f.yaml:12:3: found no person in limit; allowed: only with person, who answers for a breach"},
        /* brokers */
        {"host: broker.example.org", "host: a b",
         "f.yaml:14:13: found \"a b\" for host; allowed: a host name or numeric address"},
        {"host: broker.example.org", "host: b, password_file: /x",
         "f.yaml:14:31: found a password_file without username"},
        {"host: broker.example.org", "host: b, username: u, password_file: my secret",
         "f.yaml:14:44: found something else for password_file; allowed: an absolute path, from /, or the "
         "name"},
        {"host: broker.example.org", "host: b, password: x",
         "f.yaml:14:16: found the unknown key \"password\" in broker"},
        {"host: broker.example.org", "host: b, cert_file: /x, ca_file: /y",
         "f.yaml:14:27: found only one of cert_file and key_file"},
        {"host: broker.example.org", "host: b, cert_file: /x, key_file: /y",
         "f.yaml:14:27: found a cert_file without ca_file"},
        {"host: broker.example.org", "host: b, ca_file: ../y",
         "f.yaml:14:25: found \"../y\" for ca_file; allowed: an absolute path, from /, or the name of a file "
         "in "
         "$CREDENTIALS_DIRECTORY"},
        {"host: broker.example.org}", "host: b}\n  y: {host: b}",
         "f.yaml:15:3: found broker and client_id of x again"},
        {"host: broker.example.org", "host: b, version: 4",
         "f.yaml:14:25: found \"4\" for version; allowed: one of 5 3.1.1"},
        {"host: broker.example.org", "host: b, keepalive: 5500ms",
         "f.yaml:14:27: found \"5500ms\" for keepalive"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        expect(*state, &bad[i]);
}

static void each_bad_limit_file_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *rule, *message;
    } bad[] = {
        {"role: pm10, window: 1h, compare: over, value: 250 m/s",
         "limits/mine.yaml:5:81: found \"250 m/s\" for the role pm10; allowed: a unit that fits "
         "\"ug/m3\", "
         "in which a/pm10 is read"},
        {"role: pm10, window: 1h, compare: over, value: 150ug",
         "limits/mine.yaml:5:81: found \"150ug\" for value; allowed: a number, a space and a unit"},
        {"role: pm10, window: 1h, compare: over, value: 250",
         "limits/mine.yaml:5:81: found \"250\" for the role pm10"},
        {"role: pm10, window: 1h, compare: over, value: 010 ug/m3",
         "limits/mine.yaml:5:81: found \"010 ug/m3\" for value"},
        {"role: pm10, window: 2h, compare: over, value: 1 ug/m3",
         "limits/mine.yaml:5:55: found \"2h\" for window (did you mean \"1h\"?); allowed: one of "
         "2min 5min 15min "
         "20min 1h 24h"},
        {"role: pm10, window: 1h, compare: over, value: 1 ug/m3, hours: 06:30-22:00",
         "limits/mine.yaml:5:97: found hours 06:30-22:00, which cut through a window of 1h; allowed: hours "
         "that begin and end a whole number of windows after midnight"},
        {"role: pm10, window: 24h, compare: over, value: 1 ug/m3, hours: 06:00-22:00",
         "limits/mine.yaml:5:98: found hours 06:00-22:00, which cut through a window of 1d"},
        {"role: pm10, window: 20min, compare: over, value: 1 ug/m3, hours: 22:00-06:10",
         "limits/mine.yaml:5:100: found hours 22:00-06:10, which cut through a window of 20min"},
        {"role: pm10, window: 1h, compare: over, value: 1 ug/m3, hours: 22-06",
         "limits/mine.yaml:5:97: found \"22-06\" for hours; allowed: hours such as 22:00-06:00, two"},
        {"role: pm10, window: 1h, compare: over, value: 1 ug/m3, hours: 22:00-06:00, allowed_per_day: 2",
         "limits/mine.yaml:5:127: found allowed_per_day with hours; allowed: one of both"},
        {"role: pm10, window: 1h, compare: '>', value: 1 ug/m3",
         "limits/mine.yaml:5:68: found \">\" for compare; allowed: one of over reaches"},
        {"role: pm10, window: 1h, value: 1 ug/m3", "limits/mine.yaml:5:3: found no compare in rule; allowed: "
                                                   "only with compare, over is >, "
                                                   "reaches is >="},
        {"role: pm12, window: 1h, compare: over, value: 1 ug/m3",
         "limits/mine.yaml:5:41: found \"pm12\" for role (did you mean \"pm10\"?); allowed: one of pm1 pm25 "
         "pm10"},
        {"role: pm10, window: 1h, compare: over, value: 1 ug/m3, valid_from: 2026-02-30",
         "limits/mine.yaml:5:102: found \"2026-02-30\" for valid_from; allowed: a day such as"},
        {"role: pm10, window: 1h, compare: over, value: 1 ug/m3, valid_from: 2026-02-01, valid_to: "
         ""
         "2026-01-01",
         "limits/mine.yaml:5:124: found 2026-01-01 before valid_from, 2026-02-01"},
        {"role: pm10, window: 1y, compare: over, value: 1 ug/m3",
         "limits/mine.yaml:5:55: found window 1y without hours_needed; allowed: both"},
        {"role: pm10, window: 1y, hours_needed: 20, compare: over, value: 1 ug/m3, minus: background",
         "limits/mine.yaml:5:115: found minus with a window of 1y; allowed: a window of at most 24h"},
        {"role: pm10, window: 1y, hours_needed: 20, compare: over, value: 1 ug/m3, stages: [earthwork]",
         "limits/mine.yaml:5:116: found stages with a window of 1y; allowed: a window of at most 24h"},
        {"role: pm10, window: 1y, hours_needed: 20, compare: over, value: 1 ug/m3, allowed_per_day: 1",
         "limits/mine.yaml:5:125: found allowed_per_day with a window of 1y; allowed: a window of at most "
         "24h"},
        {"role: pm10, window: 1y, hours_needed: 20, days_needed: 100, compare: over, value: 1 ug/m3",
         "limits/mine.yaml:5:90: found days_needed fewer than 274 days; allowed: 274 to 365"},
        {"role: pm10, window: 24h, days_needed: 324, compare: over, value: 1 ug/m3",
         "limits/mine.yaml:5:73: found days_needed without a window of 1y; allowed: both"},
        {"role: pm10, window: 1y, hours_needed: 20, compare: over, value: 1 ug/m3, valid_from: 2026-03-01, "
         "valid_to: 2026-12-31",
         "limits/mine.yaml:5:142: found no 1 January from 2026-03-01 to 2026-12-31; allowed: at least one"},
        {"role: '', window: 1h, compare: over, value: 1 ug/m3",
         "limits/mine.yaml:5:41: found \"\" for role; allowed: one of pm1 pm25 pm10"},
        {"role: rain, window: 1h, compare: over, value: 1 mm",
         "f.yaml:12:3: found the limit mine, but no point has the role rain"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char *text = mem_printf(LIMIT_HEAD "  one: {title: {zh: a, en: bcde}, %s}\n", bad[i].rule);
        write_file(f, "limits/mine.yaml", text);
        mem_free(text);
        expect(f, &(struct bad){"shanxi-taiyuan", "mine", bad[i].message});
    }
}

static void a_limit_over_points_of_two_units_is_refused(void **state)
{
    struct fixture *f = *state;
    write_file(
        f, "devices/mine.yaml",
        "title: {zh: 表, en: Meter}\npoints: {pm10: {address: 9, type: u16, unit: mg/m3, role: pm10}}\n");
    expect(f, &(struct bad){"profile: nova-sds069, unit_id: 2", "profile: mine, unit_id: 2",
                            "f.yaml:7:27: found b/pm10 in mg/m3, but a/pm10 in ug/m3; allowed: one unit"});
}

/* Which weighting a meter has is never assumed; and nobody says a background of noise. */
static void a_meter_in_plain_decibels_is_no_meter_for_a_limit_on_weighted_ones(void **state)
{
    static const struct {
        const char *rest, *message;
    } bad[] = {
        {"value: 70 dB(A)",
         "limits/mine.yaml:5:85: found \"70 dB(A)\" for the role noise; allowed: a unit that "
         "fits \"dB\", in which a/noise is read"},
        {"hours_needed: 20, value: 70 dB",
         "limits/mine.yaml:5:56: found a window of 1y for the role noise, read "
         "in \"dB\"; allowed: a window of at most 24h"},
        {"value: 70 dB, minus: background", "limits/mine.yaml:5:99: found minus: background for the role "
                                            "noise, read in \"dB\"; allowed: for a role"},
    };
    struct fixture *f = *state;
    struct config *c = NULL;
    struct complaint why = {""};
    write_file(f, "f.yaml",
               "site: {name: s, title: {zh: 工地, en: Site}}\nbuses: {line: {path: /dev/ttyS0}}\n"
               "devices: {a: {bus: line, profile: noise-transmitter, unit_id: 1}}\n"
               "people: {boss: {title: 项目经理, roles: [site]}}\nlimits: {mine: {person: boss}}\n");
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char *text = mem_printf(
            LIMIT_HEAD "  one: {title: {zh: a, en: bcde}, role: noise, window: %s, compare: over, %s}\n",
            strstr(bad[i].rest, "hours_needed") ? "1y" : "20min", bad[i].rest);
        write_file(f, "limits/mine.yaml", text);
        mem_free(text);
        assert_int_equal(config_load(f->file, f->dirs, &c, &why), ERR_FORMAT);
        if (!strstr(why.text, bad[i].message))
            fail_msg("%s", why.text);
    }
}

static void more_points_than_a_minute_message_holds_are_refused(void **state)
{
    struct buf more = {0};
    for (int i = 0; i < 8; i++)
        buf_printf(&more, "  relay%d: {bus: line, profile: waveshare-relay-8ch, unit_id: %d}\n", i, 10 + i);
    buf_text(&more, "people:");
    expect(*state, &(struct bad){"people:", more.data,
                                 "f.yaml:14:32: found 146 points, more than a minute's message"});
    buf_finish(&more);
}

static void a_missing_configuration_is_an_io_error(void **state)
{
    struct fixture *f = *state;
    struct config *c;
    struct complaint why;
    assert_int_equal(config_load("/nonexistent/dustd.yaml", f->dirs, &c, &why), ERR_IO);
    assert_non_null(strstr(why.text, "/nonexistent/dustd.yaml:1:1: cannot be read"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(each_bad_setting_is_refused_with_its_place_what_was_found_and_what_is_allowed),
        EACH(each_bad_limit_file_is_refused_with_its_place),
        EACH(a_limit_over_points_of_two_units_is_refused),
        EACH(a_meter_in_plain_decibels_is_no_meter_for_a_limit_on_weighted_ones),
        EACH(more_points_than_a_minute_message_holds_are_refused),
        EACH(a_missing_configuration_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
