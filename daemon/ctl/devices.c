#include "daemon/base/err.h"
#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <stdio.h>
#include <string.h>

/* "exception 2" where the number is known. */
static void add_why(struct table *t, const struct ctl *c, const json_t *thing)
{
    const char *why = word_why(text_of(thing, "why"), c->zh);
    int64_t exception = int_of(thing, "exception");
    if (exception)
        table_printf(t, "%s %lld", why, (long long)exception);
    else
        table_cell(t, why);
}

/* Why it fails; else that it is being served, and until when. */
static void add_device_why(struct table *t, const struct ctl *c, const json_t *device)
{
    char until[32];
    const json_t *service = json_object_get(device, "service");
    if (!service || *text_of(device, "why")) {
        add_why(t, c, device);
        return;
    }
    bool calibration = strcmp(text_of(service, "what"), "calibration") == 0;
    table_printf(t,
                 calibration ? say(c, "校准中，至 %s", "calibration until %s")
                             : say(c, "维护中，至 %s", "maintenance until %s"),
                 when_text(int_of(service, "until"), c->zone_min, until));
}

static void print_devices(const struct ctl *c, const json_t *devices)
{
    struct table t = {.columns = 8, .right = 1u << 6};
    size_t i;
    json_t *device;
    static const char *const heads[][2] = {
        {"设备", "device"}, {"名称", "title"}, {"状态", "state"}, {"自", "since"},
        {"总线", "bus"},    {"地址", "unit"},  {"往返", "rtt"},   {"说明", "why"},
    };
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, heads[k][0], heads[k][1]));
    json_array_foreach(devices, i, device)
    {
        char text[32];
        const json_t *rtt = json_object_get(device, "rtt_ms");
        table_cell(&t, text_of(device, "name"));
        table_cell(&t, say_title(c, json_object_get(device, "title")));
        table_cell(&t, word_state(text_of(device, "state"), c->zh));
        table_cell(&t, when_text(int_of(device, "since"), c->zone_min, text));
        table_cell(&t, text_of(device, "bus"));
        table_printf(&t, "%lld", (long long)int_of(device, "unit_id"));
        if (json_is_number(rtt))
            table_printf(&t, "%.0f ms", json_number_value(rtt));
        else
            table_cell(&t, "");
        add_device_why(&t, c, device);
    }
    table_print(&t, stdout);
    table_finish(&t);
}

/* "due in 12 days". */
static void add_calibration(struct table *t, const struct ctl *c, const json_t *device)
{
    const char *is = text_of(device, "calibration");
    long long days = (long long)int_of(device, "calibration_days");
    if (strcmp(is, "over") == 0)
        table_printf(t, say(c, "已过期 %lld 天", "over for %lld days"), -days);
    else if (strcmp(is, "due") == 0)
        table_printf(t, say(c, "即将到期，还有 %lld 天", "due in %lld days"), days);
    else if (strcmp(is, "valid") == 0)
        table_printf(t, say(c, "有效，还有 %lld 天", "valid for %lld days"), days);
    else
        table_cell(t, "");
}

/* What each device is certified by: nothing when the site wrote nothing of it. */
static void print_certificates(const struct ctl *c, const json_t *devices)
{
    struct table t = {.columns = 5};
    size_t i;
    json_t *device;
    bool any = false;
    static const char *const heads[][2] = {
        {"设备", "device"},          {"出厂编号", "serial"},
        {"证书编号", "certificate"}, {"校准到期", "calibration due"},
        {"校准", "calibration"},
    };
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, heads[k][0], heads[k][1]));
    json_array_foreach(devices, i, device)
    {
        const char *serial = text_of(device, "serial"), *certificate = text_of(device, "certificate"),
                   *due = text_of(device, "calibration_due");
        if (!*serial && !*certificate && !*due)
            continue;
        any = true;
        table_cell(&t, text_of(device, "name"));
        table_cell(&t, serial);
        table_cell(&t, certificate);
        table_cell(&t, due);
        add_calibration(&t, c, device);
    }
    if (any) {
        putchar('\n');
        table_print(&t, stdout);
    }
    table_finish(&t);
}

/* How the line serves each device: what became of its questions, how long answers take, its share of the
 * line. */
static void print_line(const struct ctl *c, const json_t *devices)
{
    struct table t = {.columns = 9, .right = 0x1FEu};
    size_t i;
    json_t *device;
    char text[48];
    static const char *const heads[][2] = {
        {"设备", "device"},
        {"请求", "requests"},
        {"应答", "answers"},
        {"无应答", "no answer"},
        {"乱码", "garbled"},
        {"异常", "exceptions"},
        {"往返 最小/中位/p99", "rtt min/median/p99"},
        {"占线路", "of line"},
        {"最近数值", "last value"},
    };
    static const char *const counters[] = {"requests", "answers", "no_answer", "garbled", "exceptions"};
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, heads[k][0], heads[k][1]));
    json_array_foreach(devices, i, device)
    {
        const json_t *rtt = json_object_get(device, "rtt");
        table_cell(&t, text_of(device, "name"));
        for (size_t k = 0; k < sizeof counters / sizeof counters[0]; k++)
            table_printf(&t, "%lld", (long long)int_of(device, counters[k]));
        if (rtt)
            table_printf(&t, "%.1f / %.1f / %.1f ms", json_number_value(json_object_get(rtt, "min_ms")),
                         json_number_value(json_object_get(rtt, "median_ms")),
                         json_number_value(json_object_get(rtt, "p99_ms")));
        else
            table_cell(&t, "");
        table_printf(&t, "%.1f %%", (double)int_of(device, "share_permille") / 10);
        if (json_object_get(device, "value_age_ms"))
            table_printf(&t, say(c, "%s前", "%s ago"),
                         when_span(int_of(device, "value_age_ms"), c->zh, text));
        else
            table_cell(&t, say(c, "还没有", "none yet"));
    }
    table_print(&t, stdout);
    table_finish(&t);
}

static void add_share(struct table *t, const json_t *bus, const char *member)
{
    const json_t *share = json_object_get(bus, member);
    if (json_is_number(share))
        table_printf(t, "%.1f %%", 100 * json_number_value(share));
    else
        table_cell(t, "");
}

/* The load of each line: what it was, what the schedule needs, and what of that the wire itself takes. */
static void print_buses(const struct ctl *c, const json_t *buses)
{
    struct table t = {.columns = 6, .right = 0x3Cu};
    size_t i;
    json_t *bus;
    static const char *const heads[][2] = {
        {"总线", "bus"},
        {"状态", "state"},
        {"负荷", "load"},
        {"计划所需", "needed"},
        {"其中线路极限", "of that wire"},
        {"迟到", "late"},
    };
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, heads[k][0], heads[k][1]));
    json_array_foreach(buses, i, bus)
    {
        table_cell(&t, text_of(bus, "name"));
        table_cell(&t, word_line(text_of(bus, "state"), c->zh));
        add_share(&t, bus, "load");
        add_share(&t, bus, "needed");
        add_share(&t, bus, "wire");
        table_printf(&t, "%lld", (long long)int_of(bus, "late_slots"));
    }
    table_print(&t, stdout);
    table_finish(&t);
}

/* A failed read is "—" and why: never a number. */
static void add_point(struct table *t, const struct ctl *c, const char *device, const json_t *point)
{
    char text[32];
    const json_t *v = json_object_get(point, "v");
    const char *letter = text_of(point, "q");
    table_printf(t, "%s/%s", device, text_of(point, "name"));
    table_cell(t, say_title(c, json_object_get(point, "title")));
    if (json_is_number(v))
        table_printf(t, "%.*f", (int)int_of(point, "decimals") & 15, json_number_value(v));
    else
        table_cell(t, "—");
    table_cell(t, unit_shown(text_of(point, "unit")));
    if (*letter)
        table_printf(t, "%s %s", letter, word_quality(letter, c->zh));
    else
        table_cell(t, say(c, "还没有读数", "not read yet"));
    table_cell(t, when_text(int_of(point, "ts"), c->zone_min, text));
    add_why(t, c, point);
}

static void print_points(const struct ctl *c, const json_t *devices)
{
    struct table t = {.columns = 7, .right = 1u << 2};
    size_t i, k;
    json_t *device, *point;
    static const char *const heads[][2] = {
        {"测点", "point"},       {"名称", "title"}, {"数值", "value"}, {"单位", "unit"},
        {"质量标识", "quality"}, {"时间", "time"},  {"说明", "why"},
    };
    for (int h = 0; h < t.columns; h++)
        table_cell(&t, say(c, heads[h][0], heads[h][1]));
    json_array_foreach(devices, i, device)
    {
        json_array_foreach(json_object_get(device, "points"), k, point)
        {
            add_point(&t, c, text_of(device, "name"), point);
        }
    }
    table_print(&t, stdout);
    table_finish(&t);
}

static void add_setting(struct table *t, const struct ctl *c, const char *device, const json_t *setting)
{
    char text[32];
    const json_t *v = json_object_get(setting, "v");
    table_printf(t, "%s/%s", device, text_of(setting, "name"));
    table_cell(t, say_title(c, json_object_get(setting, "title")));
    if (json_is_number(v))
        table_printf(t, "%.*f", (int)int_of(setting, "decimals") & 15, json_number_value(v));
    else
        table_cell(t, "—");
    table_cell(t, unit_shown(text_of(setting, "unit")));
    table_cell(t, text_of(setting, "raw"));
    table_cell(t, when_text(int_of(setting, "since"), c->zone_min, text));
    if (is_true(setting, "changed"))
        table_cell(t, say(c, "自该时起已改动", "changed then"));
    else
        add_why(t, c, setting);
}

/* What is set in the devices and watched: nothing when no profile names any. */
static void print_settings(const struct ctl *c, const json_t *devices)
{
    struct table t = {.columns = 7, .right = 1u << 2};
    size_t i, k;
    json_t *device, *setting;
    bool any = false;
    static const char *const heads[][2] = {
        {"设备参数", "setting"}, {"名称", "title"}, {"数值", "value"}, {"单位", "unit"},
        {"寄存器", "registers"}, {"自", "since"},   {"说明", "why"},
    };
    for (int h = 0; h < t.columns; h++)
        table_cell(&t, say(c, heads[h][0], heads[h][1]));
    json_array_foreach(devices, i, device)
    {
        json_array_foreach(json_object_get(device, "settings"), k, setting)
        {
            add_setting(&t, c, text_of(device, "name"), setting);
            any = true;
        }
    }
    if (any) {
        putchar('\n');
        table_print(&t, stdout);
    }
    table_finish(&t);
}

int verb_devices(struct ctl *c)
{
    json_t *devices = ctl_result(c, json_pack("{s:s}", "do", "devices"));
    json_t *status = devices && !c->json ? ctl_result(c, json_pack("{s:s}", "do", "status")) : NULL;
    if (!devices || (!status && !c->json)) {
        json_decref(devices);
        return EXIT_FAILED;
    }
    if (c->json) {
        print_json(devices);
    } else {
        print_buses(c, json_object_get(status, "buses"));
        putchar('\n');
        print_devices(c, devices);
        putchar('\n');
        print_line(c, devices);
        putchar('\n');
        print_points(c, devices);
        print_settings(c, devices);
        print_certificates(c, devices);
    }
    json_decref(devices);
    json_decref(status);
    return EXIT_OK;
}
