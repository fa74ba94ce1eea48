#include "daemon/base/err.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/health.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <stdio.h>
#include <string.h>

/* A line of the first table: what it is about, and the printed rest. */
#define LINE(t, c, zh, en, ...) (table_cell(t, say(c, zh, en)), table_printf(t, __VA_ARGS__))

static void add_store(struct table *t, const struct ctl *c, const json_t *status)
{
    const json_t *store = json_object_get(status, "store");
    LINE(t, c, "日志", "journal",
         say(c, "共 %lld 条，已落盘 %lld 条（%s）", "%lld rows, %lld on the disk (%s)"),
         (long long)int_of(status, "seq"), (long long)int_of(status, "committed"),
         text_of(status, "journal"));
    LINE(t, c, "数据库", "database", say(c, "%.1f MB，等待写入 %lld 批", "%.1f MB, %lld batches waiting"),
         (double)int_of(store, "bytes") / 1e6, (long long)int_of(store, "waiting"));
}

/* Without a date nothing is judged or sent: that is the news, not the hour. */
static void add_time(struct table *t, const struct ctl *c, const json_t *status)
{
    int64_t now_ms = int_of(status, "now"), held = int_of(status, "held");
    char text[32];
    if (now_ms)
        LINE(t, c, "时间", "time", "%s%s", when_text(now_ms, c->zone_min, text),
             strcmp(text_of(status, "clock"), "synced") == 0
                 ? say(c, "，时钟已同步", ", clock synchronised")
                 : say(c, "，时钟未同步", ", clock NOT synchronised"));
    else
        LINE(t, c, "时间", "time", "%s",
             say(c, "开机后时钟尚未校准：数据暂存，不评判，不上报",
                 "the clock is NOT right since the boot: readings are held, not judged, not sent"));
    if (held)
        LINE(t, c, "暂存", "held", say(c, "%lld 条等待补时间", "%lld entries wait for their date"),
             (long long)held);
}

/* How the run before this one ended, as far as it can be known. */
static void add_last_run(struct table *t, const struct ctl *c, const json_t *last)
{
    const char *before = text_of(last, "before"), *machine = text_of(last, "machine");
    int64_t gap_ms = int_of(last, "gap_ms");
    char span[48];
    if (!*before || strcmp(before, "none") == 0)
        return;
    bool stopped = strcmp(before, "stopped") == 0, rebooted = strcmp(machine, "rebooted") == 0;
    const char *how = stopped    ? say(c, "正常停止", "it was stopped")
                      : rebooted ? say(c, "中断：机器重新启动过（断电或重启）",
                                       "it broke off: the machine has booted since (power or reboot)")
                      : *machine ? say(c, "中断：程序意外结束，机器未重启",
                                       "it broke off: the program ended, the machine ran on")
                                 : say(c, "中断", "it broke off");
    if (gap_ms)
        LINE(t, c, "上次运行", "last run", say(c, "%s；中间 %s 无记录", "%s; %s without a sign of life"), how,
             when_span(gap_ms, c->zh, span));
    else
        LINE(t, c, "上次运行", "last run", "%s", how);
}

static void add_losses(struct table *t, const struct ctl *c, json_t *lost)
{
    const char *queue;
    json_t *count;
    json_object_foreach(lost, queue, count)
    {
        if (json_integer_value(count))
            LINE(t, c, "丢失", "lost", "%s: %lld", queue, (long long)json_integer_value(count));
    }
}

static void add_loans(struct table *t, const struct ctl *c, const json_t *buses)
{
    size_t i;
    json_t *bus;
    char text[32];
    json_array_foreach(buses, i, bus)
    {
        const json_t *lent = json_object_get(bus, "lent");
        if (lent)
            LINE(t, c, "借出", "lent", say(c, "总线 %s 借给 %s，至 %s", "bus %s to %s, until %s"),
                 text_of(bus, "name"), text_of(lent, "by"),
                 when_text(int_of(lent, "until"), c->zone_min, text));
    }
}

static void print_overview(const struct ctl *c, const json_t *status)
{
    const json_t *site = json_object_get(status, "site");
    const json_t *devices = json_object_get(status, "devices"), *issues = json_object_get(status, "issues");
    int64_t now_ms = int_of(status, "now"), since_ms = int_of(status, "since");
    char text[32], span[48];
    struct table t = {.columns = 2};
    health_print_warnings(&t, c, status);
    LINE(&t, c, "工地", "site", "%s (%s)", say_title(c, json_object_get(site, "title")),
         text_of(site, "name"));
    if (since_ms)
        LINE(&t, c, "程序", "program", say(c, "dustd %s，%s 启动，已运行 %s", "dustd %s, since %s (%s)"),
             text_of(status, "version"), when_text(since_ms, c->zone_min, text),
             when_span(now_ms - since_ms, c->zh, span));
    else
        LINE(&t, c, "程序", "program", "dustd %s", text_of(status, "version"));
    add_last_run(&t, c, json_object_get(status, "last_run"));
    add_time(&t, c, status);
    if (is_true(status, "simulated"))
        LINE(&t, c, "模拟", "simulated",
             say(c, "模拟数据，不是实测；时间 %lld 倍速", "no real measurements; time runs %lld-fold"),
             (long long)int_of(status, "rate"));
    add_store(&t, c, status);
    LINE(&t, c, "设备", "devices",
         say(c, "共 %lld 台：在线 %lld，离线 %lld，隔离 %lld", "%lld: %lld up, %lld down, %lld quarantined"),
         (long long)int_of(devices, "of"), (long long)int_of(devices, "up"),
         (long long)int_of(devices, "down"), (long long)int_of(devices, "quarantined"));
    LINE(&t, c, "问题", "issues",
         say(c, "未销号 %lld 个，其中逾期 %lld 个", "%lld open, %lld of them overdue"),
         (long long)int_of(issues, "open"), (long long)int_of(issues, "overdue"));
    health_lines(&t, c, status);
    add_loans(&t, c, json_object_get(status, "buses"));
    add_losses(&t, c, json_object_get(status, "lost"));
    table_print(&t, stdout);
    table_finish(&t);
}

int verb_status(struct ctl *c)
{
    json_t *status = ctl_result(c, json_pack("{s:s}", "do", "status"));
    if (!status)
        return EXIT_FAILED;
    if (c->json) {
        print_json(status);
    } else {
        print_overview(c, status);
        health_tables(c, status);
    }
    json_decref(status);
    return EXIT_OK;
}
