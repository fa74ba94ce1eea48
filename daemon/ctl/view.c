#include "daemon/ctl/view.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/scene.h"
#include "daemon/ctl/sheet.h"
#include "daemon/ctl/view_parts.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <stdio.h>
#include <string.h>

static struct view view_of(const struct ctl *c, const struct scene *scene, struct sheet *to)
{
    return (struct view){c, scene, to, int_of(scene->status, "now")};
}

const char *view_span(const struct view *v, int64_t ms, char text[static 32])
{
    char both[48];
    when_span(ms > 0 ? ms : 0, v->c->zh, both);
    char *unit = strchr(both, ' '), *second = unit ? strchr(unit + 1, ' ') : NULL;
    if (second)
        *second = 0;
    snprintf(text, 32, "%.31s", both);
    return text;
}

const char *view_day(const struct view *v, int64_t at_ms, char text[static 32])
{
    char whole[32];
    when_text(at_ms, v->c->zone_min, whole);
    if (strlen(whole) > 16)
        snprintf(text, 32, "%.11s", whole + 5);
    else
        snprintf(text, 32, "%s", whole);
    return text;
}

void view_none(const struct view *v, const char *text)
{
    sheet_line(v->to);
    sheet_put(v->to, TINT_FAINT, 2, "");
    sheet_put(v->to, TINT_FAINT, 0, text);
}

/* ---- head ---- */

static void put_title(const struct view *v)
{
    const json_t *status = v->scene->status, *site = json_object_get(status, "site");
    char time[32];
    bool simulated = is_true(status, "simulated");
    const char *clock = !scene_is_live(v->scene) ? "—"
                        : v->now_ms              ? when_text(v->now_ms, v->c->zone_min, time)
                                                 : say(v->c, "时间尚未校准", "no date yet");
    sheet_line(v->to);
    sheet_printf(v->to, TINT_BAR, v->to->columns - 20 - (simulated ? 14 : 0), " %s (%s)",
                 say_title(v->c, json_object_get(site, "title")), text_of(site, "name"));
    if (simulated)
        sheet_printf(v->to, TINT_WARN, -14, say(v->c, "[模拟 %lld 倍]", "[SIM %lldx]"),
                     (long long)int_of(status, "rate"));
    sheet_put(v->to, TINT_BAR, -20, clock);
}

/* One word of the second line: what, and whether it is as it should be. */
static void put_fact(const struct view *v, bool good, const char *text)
{
    if (v->to->lines[v->to->nlines - 1].npieces > 1)
        sheet_put(v->to, TINT_FAINT, 0, " | ");
    sheet_put(v->to, good ? TINT_PLAIN : TINT_BAD, 0, text);
}

static void put_list(const struct view *v, const char *list, const char *flag, const char *name)
{
    size_t i, on = 0, of = json_array_size(json_object_get(v->scene->status, list));
    json_t *item;
    char text[64];
    json_array_foreach(json_object_get(v->scene->status, list), i, item)
    {
        on += is_true(item, flag);
    }
    snprintf(text, sizeof text, "%s %zu/%zu", name, on, of);
    if (of)
        put_fact(v, on == of, text);
}

static void put_issues(const struct view *v)
{
    size_t i, overdue = 0, of = json_array_size(v->scene->issues);
    json_t *issue;
    char text[64];
    json_array_foreach(v->scene->issues, i, issue)
    {
        overdue += is_true(issue, "overdue");
    }
    int n = snprintf(text, sizeof text, say(v->c, "问题 %zu", "issues %zu"), of);
    if (overdue)
        snprintf(text + n, sizeof text - (size_t)n, say(v->c, " 逾期 %zu", " overdue %zu"), overdue);
    put_fact(v, of == 0, text);
}

static void put_facts(const struct view *v)
{
    const json_t *status = v->scene->status, *devices = json_object_get(status, "devices");
    const json_t *store = json_object_get(status, "store");
    long long up = int_of(devices, "up"), of = int_of(devices, "of");
    bool synced = strcmp(text_of(status, "clock"), "synced") == 0;
    char text[64];
    sheet_line(v->to);
    sheet_put(v->to, TINT_PLAIN, 1, "");
    put_issues(v);
    snprintf(text, sizeof text, say(v->c, "设备 %lld/%lld", "devices %lld/%lld"), up, of);
    put_fact(v, up == of, text);
    put_list(v, "buses", "up", say(v->c, "总线", "lines"));
    put_list(v, "mqtt", "connected", say(v->c, "上行", "uplinks"));
    if (is_true(store, "stuck"))
        put_fact(v, false, say(v->c, "磁盘写不进去", "the disk cannot be written"));
    put_fact(v, synced,
             synced ? say(v->c, "时钟已同步", "clock synced") : say(v->c, "时钟未同步", "clock NOT synced"));
}

/* What somebody should look after, as the daemon sees it. */
static void put_warnings(const struct view *v)
{
    const json_t *warnings = json_object_get(v->scene->status, "warnings");
    size_t i;
    json_t *warning;
    if (json_array_size(warnings) == 0)
        return;
    sheet_line(v->to);
    json_array_foreach(warnings, i, warning)
    {
        const char *about = text_of(warning, "about");
        sheet_printf(v->to, TINT_BAD, 0, "%s%s%s%s",
                     i ? say(v->c, "；", "; ") : say(v->c, " 注意：", " look: "),
                     word_warning(text_of(warning, "what"), v->c->zh), *about ? " " : "", about);
    }
}

static void put_trouble(const struct view *v)
{
    const struct scene *s = v->scene;
    char since[32];
    static const char *const words[][2] = {
        [CONTACT_NONE] = {"正在询问 dustd…", "asking dustd…"},
        [CONTACT_GOOD] = {"", ""},
        [CONTACT_SILENT] = {"dustd 没有应答", "dustd does not answer"},
        [CONTACT_GONE] = {"dustd 没有运行", "dustd is not running"},
        [CONTACT_DENIED] = {"dustd 拒绝了连接：", "turned away by dustd: "},
    };
    sheet_line(v->to);
    sheet_printf(v->to, TINT_BAD, 0, " %s%s", say(v->c, words[s->contact][0], words[s->contact][1]), s->why);
    if (v->now_ms)
        sheet_printf(v->to, TINT_BAD, 0, say(v->c, "；以下是 %s 的情况", "; below: as of %s"),
                     when_text(v->now_ms, v->c->zone_min, since));
}

void view_head(const struct ctl *c, const struct scene *scene, struct sheet *head)
{
    const struct view v = view_of(c, scene, head);
    put_title(&v);
    if (!scene_is_live(scene)) {
        put_trouble(&v);
        return;
    }
    put_facts(&v);
    put_warnings(&v);
}

/* ---- body and foot ---- */

static void put_rule(const struct view *v, int number, const char *text)
{
    char rule[512];
    int columns = v->to->columns < (int)sizeof rule ? v->to->columns : (int)sizeof rule - 1;
    sheet_line(v->to);
    sheet_printf(v->to, TINT_STRONG, 0, "-- %d %s ", number, text);
    memset(rule, '-', (size_t)columns);
    rule[sheet_left(v->to) < columns ? sheet_left(v->to) : columns] = 0;
    sheet_put(v->to, TINT_FAINT, 0, rule);
}

void view_body(const struct ctl *c, const struct scene *scene, struct sheet *body,
               int sections[static VIEW_SECTIONS])
{
    static const struct {
        const char *zh, *en;
        void (*show)(const struct view *v);
    } parts[VIEW_SECTIONS] = {{"未销号的问题", "open issues", view_issues},
                              {"运行中的均值与限值", "running means and limits", view_windows},
                              {"设备与测点", "devices and points", view_devices},
                              {"最近事件", "recent events", view_events}};
    const struct view v = view_of(c, scene, body);
    for (int i = 0; i < VIEW_SECTIONS; i++) {
        sections[i] = body->nlines;
        put_rule(&v, i + 1, say(c, parts[i].zh, parts[i].en));
        parts[i].show(&v);
    }
}

void view_foot(const struct ctl *c, int first, int last, int of, struct sheet *foot)
{
    char seen[64];
    snprintf(seen, sizeof seen, say(c, "第 %d-%d 行，共 %d 行 ", "lines %d-%d of %d "), first, last, of);
    int width = sheet_width(foot, seen);
    sheet_line(foot);
    sheet_put(
        foot, TINT_BAR, foot->columns - width,
        say(c, " q 退出  方向键 翻看  1 问题 2 限值 3 设备 4 事件", " q quit  arrows scroll  1-4 sections"));
    sheet_put(foot, TINT_BAR, -width, seen);
}
