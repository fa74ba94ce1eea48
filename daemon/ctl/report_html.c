/* A report as a page: one file, nothing loaded, everything that comes from elsewhere escaped. */
#include "daemon/ctl/report.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/svg.h"
#include "daemon/ctl/when.h"

#include <string.h>

void report_element(struct buf *out, const char *open, const char *text, const char *close)
{
    buf_text(out, open);
    html_text(out, text);
    buf_text(out, close);
}

/* "2026-11-16": the day that holds `at_ms`. */
static char *date_text(const struct ctl *c, int64_t at_ms, char text[static 32])
{
    when_text(at_ms, c->zone_min, text);
    text[10] = 0;
    return text;
}

static const char *report_title(const struct ctl *c, const json_t *report)
{
    bool weekly = strcmp(text_of(report, "report"), "weekly") == 0;
    if (is_true(report, "public"))
        return say(c, "扬尘治理情况通报", "Notice on dust control");
    return weekly ? say(c, "扬尘治理周检查报告", "Dust control: weekly check")
                  : say(c, "扬尘治理半月调度报告", "Dust control: half-monthly review");
}

static void put_head(const struct ctl *c, const json_t *report, struct buf *out)
{
    const json_t *site = json_object_get(report, "site");
    char from[32], to[32], asof[32];
    char *title = mem_printf("%s %s", say_title(c, json_object_get(site, "title")), report_title(c, report));
    buf_printf(out, "<!doctype html>\n<html lang=\"%s\"><head><meta charset=\"utf-8\">",
               say(c, "zh-CN", "en"));
    buf_text(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
                  "'unsafe-inline'\">"
                  "<meta name=\"viewport\" content=\"width=device-width\">");
    report_element(out, "<title>", title, "</title><style>");
    buf_text(out, report_style);
    report_element(out, "</style></head>\n<body>\n<h1>", title, "</h1>\n");
    buf_text(out, "<p class=\"period\">");
    buf_printf(out, say(c, "%s 至 %s · 状态截至 %s", "%s to %s · as it stood at %s"),
               date_text(c, int_of(report, "from"), from), date_text(c, int_of(report, "to") - 1, to),
               when_text(int_of(report, "asof"), c->zone_min, asof));
    buf_text(out, "</p>\n<p class=\"period\">");
    report_element(out, say(c, "所属社区：", "Community: "), text_of(site, "community"), "");
    report_element(out, say(c, "　责任单位：", " · Responsible unit: "), text_of(site, "contractor"), "");
    report_element(out, say(c, "　行业主管部门：", " · Department in charge: "), text_of(site, "authority"),
                   "</p>\n");
    if (is_true(report, "simulated"))
        report_element(out, "<p class=\"simulated\">",
                       say(c, "模拟数据，不是实测。", "Simulated: nothing here was measured."), "</p>\n");
    mem_free(title);
}

/* ---- counts ---- */

static const struct {
    const char *key, *zh, *en;
    bool bad;
} counts[] = {
    {"found", "发现", "found", false},        {"rectified", "整改到位", "rectified", false},
    {"closed", "销号", "closed", false},      {"dismissed", "误报", "false alarms", false},
    {"in_progress", "未销号", "open", false}, {"overdue", "逾期", "overdue", true},
    {"relapses", "反弹", "relapses", true},
};

enum { NCOUNTS = sizeof counts / sizeof *counts };

static void put_tiles(const struct ctl *c, const json_t *report, struct buf *out)
{
    const json_t *all = json_object_get(report, "counts");
    buf_text(out, "<div class=\"tiles\">");
    for (int i = 0; i < NCOUNTS; i++) {
        int64_t n = int_of(all, counts[i].key);
        buf_printf(out, "<div%s><b id=\"%s\">%lld</b>", counts[i].bad && n ? " class=\"bad\"" : "",
                   counts[i].key, (long long)n);
        report_element(out, "<span>", say(c, counts[i].zh, counts[i].en), "</span></div>");
    }
    buf_text(out, "</div>\n");
    report_element(
        out, "<p class=\"small\">",
        say(c, "发现、整改到位、销号、误报、反弹为本期内发生数；未销号、逾期为期末数。",
            "Found, rectified, closed, false alarms and relapses happened in the period; open and overdue "
            "are as at its end."),
        "");
    buf_printf(
        out, say(c, "日志开始以来累计反弹 %lld 起。</p>\n", " Relapses since the journal began: %lld.</p>\n"),
        (long long)int_of(report, "relapses_in_all"));
}

static void put_group(const struct ctl *c, const json_t *list, const char *first, struct buf *out)
{
    size_t i;
    const json_t *group;
    report_element(out, "<table class=\"group\"><thead><tr><th>", first, "</th>");
    for (int k = 0; k < NCOUNTS; k++)
        report_element(out, "<th class=\"n\">", say(c, counts[k].zh, counts[k].en), "</th>");
    buf_text(out, "</tr></thead><tbody>\n");
    json_array_foreach(list, i, group)
    {
        const char *name = text_of(group, "name");
        report_element(out, "<tr><td>", *name ? name : "—", "</td>");
        for (int k = 0; k < NCOUNTS; k++)
            buf_printf(out, "<td class=\"n\">%lld</td>",
                       (long long)int_of(json_object_get(group, "counts"), counts[k].key));
        buf_text(out, "</tr>\n");
    }
    buf_text(out, "</tbody></table>\n");
}

static void put_counts(const struct ctl *c, const json_t *report, struct buf *out)
{
    report_element(out, "<h2>", say(c, "问题汇总", "Issues"), "</h2>\n");
    put_tiles(c, report, out);
    report_element(out, "<h3>", say(c, "按要求和类别", "By requirement and kind"), "</h3>\n");
    put_group(c, json_object_get(report, "by_requirement"),
              say(c, "六个100%项 / 类别", "Requirement or kind"), out);
    report_element(out, "<h3>", say(c, "按工地", "By site"), "</h3>\n");
    put_group(c, json_object_get(report, "by_site"), say(c, "工地", "Site"), out);
    report_element(out, "<h3>", say(c, "按所属社区", "By community"), "</h3>\n");
    put_group(c, json_object_get(report, "by_community"), say(c, "所属社区", "Community"), out);
}

/* ---- the list ---- */

/* What stands in a column of the page: some of the ledger's columns, each on a line of its own. */
static const struct list_column {
    const char *zh, *en;
    int percent;
    const char *keys[4];
} list_columns[] = {
    {"编号", "Issue", 12, {"id", "level", NULL}},
    {"发现", "Found", 11, {"found", "found_by", NULL}},
    {"工地/点位", "Place", 13, {"place", "item", NULL}},
    {"存在问题", "Problem", 17, {"problem", NULL}},
    {"整改措施与情况", "Measures", 14, {"measure", "result", NULL}},
    {"责任", "In charge", 12, {"unit", "person", NULL}},
    {"期限", "Rectify by", 11, {"due", "rectified", NULL}},
    {"状态", "State", 10, {"state_text", "light_text", NULL}},
};

enum { LIST_COLUMNS = sizeof list_columns / sizeof *list_columns };

static const struct report_column *column_of(const char *key)
{
    const struct report_column *column = report_columns;
    while (strcmp(column->key, key) != 0)
        column++;
    return column;
}

/* A date does not break across lines; before the time of day it may. */
static void put_text(const struct report_column *column, const char *text, struct buf *out)
{
    enum { DATE = 10 };
    if (column->time && strlen(text) > DATE)
        buf_printf(out, "<span class=\"t\">%.*s</span>%s", DATE, text, text + DATE);
    else
        html_text(out, text);
}

static void put_cell(const struct ctl *c, const json_t *issue, const struct list_column *column,
                     struct buf *out)
{
    bool is_state = strcmp(column->keys[0], "state_text") == 0, first = true;
    buf_printf(out, "<td class=\"%s\">", is_state ? text_of(issue, "light") : "");
    for (int i = 0; column->keys[i]; i++) {
        char time[32];
        const struct report_column *of = column_of(column->keys[i]);
        const char *text = report_cell(c, issue, of, time);
        if (!*text)
            continue;
        buf_text(out, first ? "" : "<br>");
        if (strcmp(of->key, "rectified") == 0)
            buf_text(out, say(c, "到位 ", "done "));
        put_text(of, text, out);
        first = false;
    }
    if (is_state && is_true(issue, "relapse"))
        report_element(out, "<br>", say(c, "反弹", "relapse"), "");
    buf_text(out, "</td>");
}

static void put_list(const struct ctl *c, const json_t *report, struct buf *out)
{
    const json_t *issues = json_object_get(report, "issues"), *issue;
    size_t i;
    report_element(out, "<h2>", say(c, "问题台账", "The ledger"), "</h2>\n");
    if (json_array_size(issues) == 0) {
        report_element(out, "<p>",
                       say(c, "本期没有列出的问题。", "There is no issue to list in this period."), "</p>\n");
        return;
    }
    buf_text(out, "<table id=\"ledger\"><colgroup>");
    for (int k = 0; k < LIST_COLUMNS; k++)
        buf_printf(out, "<col style=\"width:%d%%\">", list_columns[k].percent);
    buf_text(out, "</colgroup><thead><tr>");
    for (int k = 0; k < LIST_COLUMNS; k++)
        report_element(out, "<th>", say(c, list_columns[k].zh, list_columns[k].en), "</th>");
    buf_text(out, "</tr></thead><tbody>\n");
    json_array_foreach(issues, i, issue)
    {
        buf_text(out, "<tr class=\"issue\">");
        for (int k = 0; k < LIST_COLUMNS; k++)
            put_cell(c, issue, &list_columns[k], out);
        buf_text(out, "</tr>\n");
    }
    buf_text(out, "</tbody></table>\n");
}

static void put_foot(const struct ctl *c, const json_t *report, struct buf *out)
{
    const json_t *from = json_object_get(report, "made_from");
    const char *fingerprint = text_of(from, "fingerprint");
    if (int_of(report, "left_out"))
        buf_printf(out,
                   say(c, "<p class=\"small\">另有 %lld 条疑似（未经人员确认）或误报，不在通报之列。</p>\n",
                       "<p class=\"small\">%lld leads that nobody has confirmed, or false alarms, are not "
                       "listed.</p>\n"),
                   (long long)int_of(report, "left_out"));
    report_element(out, "<footer><p class=\"small\">",
                   say(c, "本报告由网关的日志生成，可用 dustctl verify 核验。",
                       "Made from the gateway's journal: dustctl verify "
                       "tells whether that is whole."),
                   "</p>\n<p class=\"small\">");
    report_element(out, say(c, "日志 ", "Journal "), text_of(from, "journal"), "");
    buf_printf(out, say(c, "，第 %lld 行，链头", ", row %lld, head"), (long long)int_of(from, "seq"));
    report_element(out, " <span class=\"mono\">", text_of(from, "hash"), "</span></p>\n<p class=\"small\">");
    report_element(out, say(c, "网关公钥指纹 ", "Fingerprint of the gateway's key "), "",
                   "<span class=\"mono\" id=\"fingerprint\">");
    html_text(out, *fingerprint ? fingerprint
                                : say(c, "（无密钥，日志未签名）", "(no key: the journal is not signed)"));
    buf_text(out, "</span></p></footer>\n</body></html>\n");
}

void report_html(const struct ctl *c, const struct gathered *g, const json_t *report, struct buf *out)
{
    put_head(c, report, out);
    put_counts(c, report, out);
    report_charts(c, g, report, out);
    report_completeness(c, g, report, out);
    put_list(c, report, out);
    put_foot(c, report, out);
}
