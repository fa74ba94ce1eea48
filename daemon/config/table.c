/* The site's file, one row a setting. */
#include "daemon/base/credential.h"
#include "daemon/base/err.h"
#include "daemon/base/hours.h"
#include "daemon/config/broker.h"
#include "daemon/config/escalation.h"
#include "daemon/config/input_kind.h"
#include "daemon/config/inspection.h"
#include "daemon/config/loaded.h"
#include "drivers/profile.h"

#include <arpa/inet.h>
#include <string.h>

static const char *check_site_name(const char *text)
{
    size_t length = strlen(text);
    bool fits = length && length <= 31 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
    return fits ? NULL : "at most 31 of a-z 0-9 - (it stands in every MQTT topic)";
}

static const char *check_prefix(const char *text)
{
    size_t length = strlen(text);
    return length && length <= 8 && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == length
               ? NULL
               : "one to eight of A-Z, as in LQ-2026-0001";
}

static const char *check_path(const char *text)
{
    return text[0] == '/' ? NULL : "an absolute path, from /";
}

static const char *check_address(const char *text)
{
    struct in6_addr address;
    return inet_pton(AF_INET, text, &address) == 1 || inet_pton(AF_INET6, text, &address) == 1
               ? NULL
               : "a numeric address such as 192.168.1.20 or fd00::20 (no name: a dead name server must not "
                 "stop "
                 "polling)";
}

const char *check_host(const char *text)
{
    size_t length = strlen(text);
    bool fits = length && length <= 253 &&
                strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-") == length;
    return fits ? NULL : "a host name or numeric address";
}

static const struct word languages[] = {{"zh", 0}, {"en", 0}, {0}};
const char *check_hours(const char *text)
{
    struct hours h;
    return hours_parse(text, &h) == ERR_OK ? NULL
                                           : "hours such as 22:00-06:00, two different times of the day";
}

static const struct word zones[] = {{"Asia/Shanghai", 480}, {"Asia/Urumqi", 360}, {"UTC", 0}, {0}};
static const struct word parities[] = {{"none", 'N'}, {"even", 'E'}, {"odd", 'O'}, {0}};
static const struct word stops[] = {{"1", 1}, {"2", 2}, {0}};
static const struct word versions[] = {{"5", 1}, {"3.1.1", 0}, {0}};
static const struct word transports[] = {
    {"rtu", TRANSPORT_RTU}, {"tcp", TRANSPORT_TCP}, {"rtu_over_tcp", TRANSPORT_RTU_OVER_TCP}, {0}};
static const struct word echoes[] = {{"auto", ECHO_AUTO}, {"yes", ECHO_YES}, {"no", ECHO_NO}, {0}};

enum { ON_LINE = 1 << TRANSPORT_RTU, ON_NET = 1 << TRANSPORT_TCP | 1 << TRANSPORT_RTU_OVER_TCP };

static const struct setting bus_rows[] = {
    {"name", SETTING_KEY, FIELD(struct bus_config, name), .meaning = "name of the bus"},
    {"transport", SETTING_CHOICE, FIELD(struct bus_config, transport), .absent = "rtu", .words = transports,
     .meaning = "how frames travel"},
    {"path", SETTING_TEXT, FIELD(struct bus_config, path), .required = true, .only = ON_LINE,
     .check = check_path, .meaning = "the serial port, best one of /dev/serial/by-id"},
    {"baud", SETTING_CHOICE, FIELD(struct bus_config, baud), .absent = "9600",
     .only = ON_LINE | 1 << TRANSPORT_RTU_OVER_TCP, .words = baud_words,
     .meaning = "one speed for all devices of the line"},
    {"parity", SETTING_CHOICE, FIELD(struct bus_config, parity), .absent = "none", .only = ON_LINE,
     .words = parities, .meaning = "as the devices have it"},
    {"stop_bits", SETTING_CHOICE, FIELD(struct bus_config, stop_bits), .absent = "1", .only = ON_LINE,
     .words = stops, .meaning = "as the devices have it"},
    {"host", SETTING_TEXT, FIELD(struct bus_config, host), .required = true, .only = ON_NET,
     .check = check_address, .meaning = "numeric address of the device or converter"},
    {"port", SETTING_INT, FIELD(struct bus_config, port), .absent = "502", .low = "1", .high = "65535",
     .only = ON_NET, .meaning = "TCP port"},
    {"turnaround", SETTING_DURATION, FIELD(struct bus_config, turnaround_ms), .absent = "0s", .low = "0s",
     .high = "5s", .meaning = "silence after an answer, beyond 3.5 characters"},
    {"timeout", SETTING_DURATION, FIELD(struct bus_config, timeout_ms), .absent = "300ms", .low = "10ms",
     .high = "10s", .meaning = "longest a device may think before its answer starts"},
    {"timeout_floor", SETTING_DURATION, FIELD(struct bus_config, timeout_floor_ms), .absent = "0ms",
     .low = "0ms", .high = "10s",
     .meaning = "waited for at least, however fast a device has been lately; 0ms: always the whole time-out"},
    {"rs485", SETTING_BOOL, FIELD(struct bus_config, rs485), .absent = "false", .only = ON_LINE,
     .meaning = "the kernel's driver switches the line's direction"},
    {"echo", SETTING_CHOICE, FIELD(struct bus_config, echo), .absent = "auto",
     .only = ON_LINE | 1 << TRANSPORT_RTU_OVER_TCP, .words = echoes,
     .meaning = "whether the adapter hears what it sends itself; auto finds out"},
    {"connect_timeout", SETTING_DURATION, FIELD(struct bus_config, connect_ms), .absent = "1s",
     .low = "100ms", .high = "10s", .only = ON_NET, .meaning = "longest a connection may take to come about"},
    {"half_open_timeout", SETTING_DURATION, FIELD(struct bus_config, half_open_ms), .absent = "25s",
     .low = "1s", .high = "10min", .only = ON_NET,
     .meaning = "a host that has acknowledged nothing for so long is gone: the connection is given up"},
    {"keepalive", SETTING_DURATION, FIELD(struct bus_config, keepalive_s), .absent = "10s", .low = "1s",
     .high = "1h", .only = ON_NET,
     .meaning = "silence after which the host is asked whether it is still there, three times at half of it"},
    {0},
};
static const struct schema bus_schema = {"bus", sizeof(struct bus_config), bus_rows, &bus_rows[1], NULL};

static const struct setting point_rows[] = {
    {"name", SETTING_KEY, FIELD(struct device_point, name), .meaning = "name of the point in the profile"},
    {"title", SETTING_TITLE, FIELD(struct device_point, title_zh),
     .meaning = "as shown; the profile's when absent"},
    {"role", SETTING_WORD, FIELD(struct device_point, role), .words = role_words,
     .meaning = "what it is good for; the profile's when absent"},
    {0},
};
static const struct schema point_schema = {"point", sizeof(struct device_point), point_rows, NULL, NULL};

static const struct setting device_rows[] = {
    {"name", SETTING_KEY, FIELD(struct device_entry, device.name), .meaning = "name of the device"},
    {"title", SETTING_TITLE, FIELD(struct device_entry, device.title_zh),
     .meaning = "as shown; the profile's when absent"},
    {"bus", SETTING_REF, FIELD(struct device_entry, bus), .required = true, .of = "buses",
     .meaning = "the bus it hangs on"},
    {"profile", SETTING_NAME, FIELD(struct device_entry, profile), .required = true,
     .meaning = "file devices/<profile>.yaml"},
    {"unit_id", SETTING_INT, FIELD(struct device_entry, device.unit_id), .required = true, .low = "1",
     .high = "255",
     .meaning = "its Modbus address; 248 to 255 are reserved, but some boards leave the factory so"},
    {"period", SETTING_DURATION, FIELD(struct device_entry, device.period_ms), .absent = "1s", .low = "100ms",
     .high = "60s", .meaning = "time between two readings"},
    {"serial", SETTING_TEXT, FIELD(struct device_entry, device.serial), .high = "64",
     .meaning = "its serial number, 出厂编号"},
    {"certificate", SETTING_TEXT, FIELD(struct device_entry, device.certificate), .high = "128",
     .meaning = "number of its calibration certificate, 证书编号"},
    {"calibration_due", SETTING_TEXT, FIELD(struct device_entry, device.calibration_due), .check = check_day,
     .meaning = "last day of its calibration: told from 30 days before"},
    {"points", SETTING_KEYED, FIELD(struct device_entry, points), COUNT(struct device_entry, npoints),
     .sub = &point_schema, .meaning = "what its points are on this site, such as the coils of a relay board"},
    {0},
};
static const struct schema device_schema = {"device", sizeof(struct device_entry), device_rows, NULL, NULL};

static const struct setting limit_rows[] = {
    {"name", SETTING_KEY, FIELD(struct limit_entry, name), .meaning = "file limits/<name>.yaml"},
    {"person", SETTING_REF, FIELD(struct limit_entry, person), .required = true, .of = "people",
     .meaning = "who answers for a breach"},
    {"answer_within", SETTING_DURATION, FIELD(struct limit_entry, answer_ms), .absent = "1h", .low = "1min",
     .high = "30d", .meaning = "from finding to the first answer"},
    {"rectify_within", SETTING_DURATION, FIELD(struct limit_entry, rectify_ms), .absent = "24h",
     .low = "1min", .high = "365d", .meaning = "from finding to the end of the work"},
    {"warn_at", SETTING_QUANTITY, FIELD(struct limit_entry, warn_percent), .absent = "80 %", .low = "0 %",
     .high = "100 %", .unit = "%",
     .meaning = "warned when a running window has used this share of what it may take; 0 %: never"},
    {0},
};
static const struct schema entry_schema = {"limit", sizeof(struct limit_entry), limit_rows, NULL, NULL};

static const struct setting source_rows[] = {
    {"name", SETTING_KEY, FIELD(struct input_source, name),
     .meaning = "name of the source, as in in/<kind>/<name>"},
    {"title", SETTING_TITLE, FIELD(struct input_source, title_zh), .meaning = "as shown"},
    {"kinds", SETTING_SET, FIELD(struct input_source, kinds), .required = true, .words = input_kind_words,
     .meaning = "what it may say; it says alive where its silence is to prove anything"},
    {"person", SETTING_TEXT, FIELD(struct input_source, person),
     .meaning = "in whose name it speaks: a name in people, whose roles it then has"},
    {0},
};
static const struct schema source_schema = {"source", sizeof(struct input_source), source_rows, NULL, NULL};

static const struct setting mqtt_rows[] = {
    {"name", SETTING_KEY, FIELD(struct mqtt_config, name), .meaning = "name of the uplink"},
    {"host", SETTING_TEXT, FIELD(struct mqtt_config, host), .required = true, .check = check_host,
     .meaning = "the broker"},
    {"port", SETTING_INT, FIELD(struct mqtt_config, port), .absent = "1883", .low = "1", .high = "65535",
     .meaning = "1883 plain, 8883 TLS by custom"},
    {"version", SETTING_CHOICE, FIELD(struct mqtt_config, mqtt5), .absent = "5", .words = versions,
     .meaning = "of the protocol"},
    {"client_id", SETTING_TEXT, FIELD(struct mqtt_config, client_id), .high = "128",
     .meaning = "dustd-<site> when absent"},
    {"username", SETTING_TEXT, FIELD(struct mqtt_config, username), .high = "256",
     .meaning = "of the broker"},
    {"password_file", SETTING_TEXT, FIELD(struct mqtt_config, password_file), .secret = true,
     .check = credential_check, .meaning = "file whose first line is the password"},
    {"ca_file", SETTING_TEXT, FIELD(struct mqtt_config, ca_file), .check = credential_check,
     .meaning = "certificate authority; without it no TLS"},
    {"cert_file", SETTING_TEXT, FIELD(struct mqtt_config, cert_file), .check = credential_check,
     .meaning = "our certificate"},
    {"key_file", SETTING_TEXT, FIELD(struct mqtt_config, key_file), .check = credential_check,
     .meaning = "its key"},
    {"keepalive", SETTING_DURATION, FIELD(struct mqtt_config, keepalive_s), .absent = "60s", .low = "5s",
     .high = "10min", .per = 1000, .meaning = "longest silence on the line"},
    {"inputs", SETTING_BOOL, FIELD(struct mqtt_config, inputs), .absent = "false",
     .meaning = "take what the sources say there, in/<kind>/<source>"},
    {"commands", SETTING_BOOL, FIELD(struct mqtt_config, commands), .absent = "false",
     .meaning = "carry out what people with a mqtt_user ask for there, cmd/<mqtt_user>; by TLS, or from a "
                "broker on this machine"},
    {"data_plan", SETTING_SIZE, FIELD(struct mqtt_config, data_plan_bytes), .low = "1 MB", .high = "1000 GB",
     .meaning = "what the line may carry in a month: dustd --check warns above it"},
    {0},
};
static const struct schema mqtt_schema = {"broker", sizeof(struct mqtt_config), mqtt_rows, NULL, NULL};

/* Groups of the same struct: offset 0, size 0. */
static const struct setting place_rows[] = {
    {"name", SETTING_TEXT, FIELD(struct loaded, c.site.name), .required = true, .check = check_site_name,
     .meaning = "the site's name in MQTT topics"},
    {"title", SETTING_TITLE, FIELD(struct loaded, c.site.title_zh), .required = true, .meaning = "as shown"},
    {"community", SETTING_TEXT, FIELD(struct loaded, c.site.community), .meaning = "community, 社区"},
    {"contractor", SETTING_TEXT, FIELD(struct loaded, c.site.contractor),
     .meaning = "responsible unit, 责任单位"},
    {"authority", SETTING_TEXT, FIELD(struct loaded, c.site.authority),
     .meaning = "supervising authority, 行业主管部门"},
    {"address", SETTING_TEXT, FIELD(struct loaded, c.site.address), .meaning = "where it is"},
    {"issue_prefix", SETTING_TEXT, FIELD(struct loaded, c.site.issue_prefix), .absent = "LQ",
     .check = check_prefix, .meaning = "of issue numbers"},
    {"longitude", SETTING_NUMBER, FIELD(struct loaded, c.site.longitude), .low = "-180", .high = "180",
     .unit = "degrees", .meaning = "WGS 84, east is positive"},
    {"latitude", SETTING_NUMBER, FIELD(struct loaded, c.site.latitude), .low = "-90", .high = "90",
     .unit = "degrees", .meaning = "WGS 84, north is positive"},
    {"zone", SETTING_CHOICE, FIELD(struct loaded, c.site.zone_min), .absent = "Asia/Shanghai", .words = zones,
     .meaning = "days and windows are cut in it"},
    {0},
};
static const struct schema place_schema = {"site", 0, place_rows, NULL, NULL};

static const struct setting store_rows[] = {
    {"dir", SETTING_TEXT, FIELD(struct loaded, c.store.dir), .absent = "/var/lib/dustd", .check = check_path,
     .meaning = "database and its side files"},
    {"commit_every", SETTING_DURATION, FIELD(struct loaded, c.store.commit_every_ms), .absent = "10s",
     .low = "1s", .high = "60s", .meaning = "raw samples a power cut may cost; 1s wears flash out"},
    {"keep_raw", SETTING_DURATION, FIELD(struct loaded, c.store.keep_raw_ms), .absent = "365d", .low = "1d",
     .high = "36500d", .meaning = "age at which raw samples are deleted"},
    {"keep_minutes", SETTING_DURATION, FIELD(struct loaded, c.store.keep_minutes_ms), .absent = "3650d",
     .low = "7d", .high = "36500d", .meaning = "age at which minute means are deleted; not below keep_raw"},
    {"max_size", SETTING_SIZE, FIELD(struct loaded, c.store.max_size), .absent = "2 GB", .low = "64 MB",
     .high = "1000 GB", .meaning = "of the database: near it the oldest raw samples go, then minute means"},
    {"ballast", SETTING_SIZE, FIELD(struct loaded, c.store.ballast), .absent = "16 MB", .low = "0 kB",
     .high = "1 GB", .meaning = "room set aside for the day on which the disk is full; 0 kB: none"},
    {0},
};
static const struct schema store_schema = {"store", 0, store_rows, NULL, NULL};

static const struct setting required_rows[] = {
    {"file", SETTING_NAME, FIELD(struct loaded, c.requirements.file),
     .meaning = "file requirements/<name>.yaml: what is required of the site; absent: nothing is"},
    {"wording", SETTING_NAME, FIELD(struct loaded, c.requirements.wording),
     .meaning = "file wording/<name>.yaml: how it is called here"},
    {"person", SETTING_TEXT, FIELD(struct loaded, c.requirements.person),
     .meaning = "who answers for what is not met: a name in people, needed with file"},
    {"answer_within", SETTING_DURATION, FIELD(struct loaded, c.requirements.answer_ms), .absent = "2h",
     .low = "1min", .high = "30d", .meaning = "from finding to the first answer"},
    {"hours", SETTING_TEXTS, FIELD(struct loaded, c.requirements.hours),
     COUNT(struct loaded, c.requirements.nhours), .check = check_hours,
     .meaning = "hours of work, site's zone; none: round the clock"},
    {"leave_out", SETTING_TEXTS, FIELD(struct loaded, c.requirements.left_out),
     COUNT(struct loaded, c.requirements.nleft_out),
     .meaning = "checks that do not apply here, <requirement>/<check>; each verdict names them"},
    {0},
};
static const struct schema required_schema = {"requirements", 0, required_rows, NULL, NULL};

static const struct setting clock_rows[] = {
    {"require_sync", SETTING_BOOL, FIELD(struct loaded, c.clock.require_sync), .absent = "true",
     .meaning = "after a boot nothing is dated before NTP has set the clock; false: an RTC is believed"},
    {0},
};
static const struct schema clock_schema = {"clock", 0, clock_rows, NULL, NULL};

static const struct setting site_rows[] = {
    {"language", SETTING_WORD, FIELD(struct loaded, c.language), .absent = "zh", .words = languages,
     .meaning = "of what people see"},
    {"site", SETTING_MAP, 0, 0, .sub = &place_schema, .meaning = "what and where it is"},
    {"store", SETTING_MAP, 0, 0, .sub = &store_schema, .meaning = "where data are kept"},
    {"clock", SETTING_MAP, 0, 0, .sub = &clock_schema, .meaning = "when the date is believed"},
    {"power_off", SETTING_TEXTS, FIELD(struct loaded, c.power_off), COUNT(struct loaded, c.npower_off),
     .check = check_hours, .meaning = "hours in which the site's power is off as a rule, site's zone"},
    {"control_socket", SETTING_TEXT, FIELD(struct loaded, c.control_socket),
     .absent = "/run/dustd/control.sock", .high = "100", .check = check_path,
     .meaning = "where dustctl finds the daemon"},
    {"live_every", SETTING_DURATION, FIELD(struct loaded, c.live_every_ms), .absent = "10s", .low = "0s",
     .high = "1h", .meaning = "between two live messages of a device; 0s: one for each reading"},
    {"health_every", SETTING_DURATION, FIELD(struct loaded, c.health_every_ms), .absent = "10min",
     .low = "1min", .high = "1d",
     .meaning = "between two health messages, 6 MB a month at 10min; at once when a warning comes or goes"},
    {"buses", SETTING_KEYED, FIELD(struct loaded, c.buses), COUNT(struct loaded, c.nbuses),
     .sub = &bus_schema, .meaning = "serial lines and TCP hosts"},
    {"devices", SETTING_KEYED, FIELD(struct loaded, devices), COUNT(struct loaded, ndevices),
     .sub = &device_schema, .meaning = "what hangs on the buses"},
    {"organisations", SETTING_KEYED, FIELD(struct loaded, c.organisations),
     COUNT(struct loaded, c.norganisations), .sub = &organisation_schema,
     .meaning = "communities, departments and units that people are of"},
    {"people", SETTING_KEYED, FIELD(struct loaded, c.people), COUNT(struct loaded, c.npeople),
     .sub = &person_schema, .meaning = "who answers for what"},
    {"roles", SETTING_MAP, 0, 0, .sub = &role_schema,
     .meaning = "who may do what with an issue; who is of the site or the contractor never judges"},
    {"issues", SETTING_MAP, 0, 0, .sub = &issues_schema, .meaning = "what an issue demands"},
    {"calendar", SETTING_MAP, 0, 0, .sub = &calendar_schema,
     .meaning = "when is worked: check nodes of a deadline are counted in it"},
    {"campaign", SETTING_KEYED, FIELD(struct loaded, c.phases), COUNT(struct loaded, c.nphases),
     .sub = &phase_schema, .meaning = "phases of the campaign, 专项行动"},
    {"limits", SETTING_KEYED, FIELD(struct loaded, limits), COUNT(struct loaded, nlimits),
     .sub = &entry_schema, .meaning = "limit files that apply"},
    {"quality", SETTING_MAP, FIELD(struct loaded, c.quality), .sub = &quality_schema,
     .meaning = "what makes a value doubtful"},
    {"requirements", SETTING_MAP, 0, 0, .sub = &required_schema, .meaning = "the six 100 % requirements"},
    {"escalation", SETTING_KEYED, FIELD(struct loaded, c.escalation), COUNT(struct loaded, c.nescalation),
     .sub = &escalation_schema, .meaning = "who is told of an issue, and when; absent: nobody is"},
    {"inspections", SETTING_KEYED, FIELD(struct loaded, c.inspections), COUNT(struct loaded, c.ninspections),
     .sub = &inspection_schema, .meaning = "inspections that fall due each week"},
    {"sources", SETTING_KEYED, FIELD(struct loaded, c.sources), COUNT(struct loaded, c.nsources),
     .sub = &source_schema, .meaning = "cameras, gates, offices that may send events over MQTT"},
    {"channels", SETTING_KEYED, FIELD(struct loaded, c.channels), COUNT(struct loaded, c.nchannels),
     .sub = &channel_schema, .meaning = "where people are told"},
    {"alerts", SETTING_MAP, 0, 0, .sub = &alerts_schema, .meaning = "how people are told"},
    {"mqtt", SETTING_KEYED, FIELD(struct loaded, c.mqtt), COUNT(struct loaded, c.nmqtt), .sub = &mqtt_schema,
     .meaning = "brokers"},
    {0},
};
const struct schema config_schema = {"configuration", sizeof(struct loaded), site_rows, NULL, NULL};
