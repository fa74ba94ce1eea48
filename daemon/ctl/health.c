#include "daemon/ctl/health.h"

#include "daemon/ctl/ctl.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <stdio.h>
#include <string.h>

/* A line of a table of two columns: what it is about, and the printed rest. */
#define LINE(t, c, zh, en, ...) (table_cell(t, say(c, zh, en)), table_printf(t, __VA_ARGS__))

void health_print_warnings(struct table *t, const struct ctl *c, const json_t *status)
{
    size_t i;
    const json_t *warning;
    json_array_foreach(json_object_get(status, "warnings"), i, warning)
    {
        const char *what = word_warning(text_of(warning, "what"), c->zh), *about = text_of(warning, "about");
        LINE(t, c, "注意", "WARNING", "%s%s%s", what, *about ? say(c, "：", ": ") : "", about);
    }
}

static double megabytes(const json_t *object, const char *key)
{
    return (double)int_of(object, key) / 1e6;
}

static double percent(const json_t *object, const char *key)
{
    return 100 * json_number_value(json_object_get(object, key));
}

static void add_store(struct table *t, const struct ctl *c, const json_t *store)
{
    char since[32];
    if (json_object_get(store, "disk_bytes"))
        LINE(t, c, "磁盘", "disk",
             say(c, "剩余 %.0f MB，共 %.0f MB；WAL %.1f MB", "%.0f MB free of %.0f MB; WAL %.1f MB"),
             megabytes(store, "disk_free_bytes"), megabytes(store, "disk_bytes"),
             megabytes(store, "wal_bytes"));
    if (is_true(store, "stuck"))
        LINE(t, c, "写入受阻", "stuck",
             say(c, "自 %s 起，等待写入 %lld 批：%s", "since %s, %lld batches wait: %s"),
             when_text(int_of(store, "since"), c->zone_min, since), (long long)int_of(store, "waiting"),
             text_of(store, "why"));
}

static void add_clock(struct table *t, const struct ctl *c, const json_t *clock)
{
    const json_t *step = json_object_get(clock, "step");
    char since[32], at[32];
    if (!is_true(clock, "synced"))
        LINE(t, c, "时钟", "clock", say(c, "自 %s 起未同步", "NOT synchronised since %s"),
             when_text(int_of(clock, "since"), c->zone_min, since));
    if (step)
        LINE(t, c, "校时", "clock step", say(c, "%s 调整了 %.3f 秒", "at %s by %.3f s"),
             when_text(int_of(step, "ts"), c->zone_min, at), (double)int_of(step, "step_ms") / 1000);
}

static void add_process(struct table *t, const struct ctl *c, const json_t *process)
{
    if (!json_object_get(process, "rss_bytes"))
        return;
    table_cell(t, say(c, "进程", "process"));
    if (json_object_get(process, "cpu"))
        table_printf(t,
                     say(c, "内存 %.1f MB，%lld 个描述符，%lld 个线程，CPU %.1f %%",
                         "%.1f MB of memory, %lld descriptors, %lld threads, %.1f %% of a core"),
                     megabytes(process, "rss_bytes"), (long long)int_of(process, "fds"),
                     (long long)int_of(process, "threads"), percent(process, "cpu"));
    else
        table_printf(t,
                     say(c, "内存 %.1f MB，%lld 个描述符，%lld 个线程",
                         "%.1f MB of memory, %lld descriptors, %lld threads"),
                     megabytes(process, "rss_bytes"), (long long)int_of(process, "fds"),
                     (long long)int_of(process, "threads"));
}

/* What people asked for over MQTT; nothing where no broker takes commands. */
static void add_commands(struct table *t, const struct ctl *c, const json_t *commands)
{
    const char *why = text_of(commands, "why");
    if (commands)
        LINE(t, c, "MQTT 指令", "commands",
             say(c, "执行 %lld 条，拒绝 %lld 条%s%s", "%lld carried out, %lld refused%s%s"),
             (long long)int_of(commands, "carried_out"), (long long)int_of(commands, "refused"),
             *why ? say(c, "，最近一条：", ", the last: ") : "", why);
}

/* ---- tables ---- */

enum { COLUMNS_MAX = 9 };

/* How a member of a list's object is shown. */
enum show { SHOW_TEXT, SHOW_COUNT, SHOW_STATE, SHOW_LINE, SHOW_PERCENT, SHOW_AGE, SHOW_DAY, SHOW_WHAT };

struct column {
    const char *member, *zh, *en;
    enum show show;
};

struct listing {
    const char *member;                          /* of the status: a list of objects */
    const char *on_zh, *on_en, *off_zh, *off_en; /* of a SHOW_STATE */
    struct column columns[COLUMNS_MAX];          /* ended by one without member */
};

static void show(struct table *t, const struct ctl *c, const struct listing *l, const struct column *column,
                 const json_t *item)
{
    char text[48];
    const json_t *value = json_object_get(item, column->member);
    if (!value) { /* not known is not 0 */
        table_cell(t, column->show == SHOW_TEXT ? "" : "—");
        return;
    }
    switch (column->show) {
    case SHOW_TEXT: table_cell(t, text_of(item, column->member)); break;
    case SHOW_COUNT: table_printf(t, "%lld", (long long)json_integer_value(value)); break;
    case SHOW_STATE:
        table_cell(t, json_is_true(value) ? say(c, l->on_zh, l->on_en) : say(c, l->off_zh, l->off_en));
        break;
    case SHOW_LINE:
        table_printf(t, "%s%s%s", word_line(json_string_value(value), c->zh),
                     json_object_get(item, "why") ? say(c, "：", ": ") : "",
                     word_why(text_of(item, "why"), c->zh));
        break;
    case SHOW_PERCENT: table_printf(t, "%.1f %%", percent(item, column->member)); break;
    case SHOW_AGE: table_cell(t, when_span(json_integer_value(value), c->zh, text)); break;
    case SHOW_DAY: table_cell(t, when_text(json_integer_value(value), c->zone_min, text)); break;
    case SHOW_WHAT: table_cell(t, word_certificate(json_string_value(value), c->zh)); break;
    }
}

static void print_listing(const struct ctl *c, const json_t *status, const struct listing *l)
{
    const json_t *list = json_object_get(status, l->member);
    struct table t = {0};
    size_t i;
    const json_t *item;
    for (; t.columns < COLUMNS_MAX && l->columns[t.columns].member; t.columns++) {
        enum show how = l->columns[t.columns].show;
        if (how == SHOW_COUNT || how == SHOW_PERCENT || how == SHOW_AGE)
            t.right |= 1u << t.columns;
    }
    for (int k = 0; k < t.columns; k++)
        table_cell(&t, say(c, l->columns[k].zh, l->columns[k].en));
    json_array_foreach(list, i, item)
    {
        for (int k = 0; k < t.columns; k++)
            show(&t, c, l, &l->columns[k], item);
    }
    if (json_array_size(list)) {
        putchar('\n');
        table_print(&t, stdout);
    }
    table_finish(&t);
}

static const struct listing listings[] = {
    {.member = "buses",
     .columns = {{"name", "总线", "bus", SHOW_TEXT},
                 {"state", "状态", "state", SHOW_LINE},
                 {"load", "负荷", "load", SHOW_PERCENT},
                 {"requests", "请求", "requests", SHOW_COUNT},
                 {"answers", "应答", "answers", SHOW_COUNT},
                 {"no_answer", "无应答", "no answer", SHOW_COUNT},
                 {"garbled", "有误", "garbled", SHOW_COUNT},
                 {"exceptions", "异常", "exceptions", SHOW_COUNT},
                 {"late_slots", "迟到", "late", SHOW_COUNT}}},
    {.member = "mqtt",
     .on_zh = "已连接",
     .on_en = "connected",
     .off_zh = "未连接",
     .off_en = "NOT connected",
     .columns = {{"name", "MQTT", "MQTT", SHOW_TEXT},
                 {"connected", "状态", "state", SHOW_STATE},
                 {"taken", "已送达", "taken", SHOW_COUNT},
                 {"behind", "积压", "behind", SHOW_COUNT},
                 {"oldest_ms", "最久", "oldest", SHOW_AGE},
                 {"sent", "发送", "sent", SHOW_COUNT},
                 {"reconnects", "重连", "reconnects", SHOW_COUNT},
                 {"why", "最近断开原因", "last trouble", SHOW_TEXT}}},
    {.member = "alerts",
     .on_zh = "正常",
     .on_en = "fine",
     .off_zh = "发不出去",
     .off_en = "NOT taken",
     .columns = {{"name", "提醒渠道", "channel", SHOW_TEXT},
                 {"kind", "类型", "kind", SHOW_TEXT},
                 {"fine", "状态", "state", SHOW_STATE},
                 {"taken", "已送达", "taken", SHOW_COUNT},
                 {"refused", "放弃", "given up", SHOW_COUNT},
                 {"waiting", "等待", "waiting", SHOW_COUNT},
                 {"oldest_ms", "最久", "oldest", SHOW_AGE},
                 {"why", "最近失败原因", "last trouble", SHOW_TEXT}}},
    {.member = "certificates",
     .columns = {{"broker", "MQTT", "MQTT", SHOW_TEXT},
                 {"what", "证书", "certificate", SHOW_WHAT},
                 {"ends", "到期", "ends", SHOW_DAY},
                 {"days", "剩余天数", "days left", SHOW_COUNT},
                 {"file", "文件", "file", SHOW_TEXT},
                 {"why", "", "", SHOW_TEXT}}},
    {.member = "queues",
     .columns = {{"name", "队列", "queue", SHOW_TEXT},
                 {"depth", "现有", "depth", SHOW_COUNT},
                 {"most", "最多时", "most", SHOW_COUNT},
                 {"room", "容量", "room", SHOW_COUNT},
                 {"oldest_ms", "最久", "oldest", SHOW_AGE},
                 {"refused", "拒收", "refused", SHOW_COUNT}}},
};

void health_lines(struct table *t, const struct ctl *c, const json_t *status)
{
    add_store(t, c, json_object_get(status, "store"));
    add_clock(t, c, json_object_get(status, "timekeeping"));
    add_process(t, c, json_object_get(status, "process"));
    add_commands(t, c, json_object_get(status, "commands"));
    if (*text_of(status, "fingerprint"))
        LINE(t, c, "密钥指纹", "fingerprint", "%s", text_of(status, "fingerprint"));
}

void health_tables(const struct ctl *c, const json_t *status)
{
    for (size_t i = 0; i < sizeof listings / sizeof *listings; i++)
        print_listing(c, status, &listings[i]);
}
