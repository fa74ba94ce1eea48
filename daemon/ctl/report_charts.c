/* The parts of the page with a day for each column or an axis of time: dust against its limits, requirements,
 * and how much of the data there is. */
#include "daemon/ctl/report.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/svg.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <math.h>
#include <string.h>

enum { WIDE = 700, NARROW = 340, TALL = 150, LOW = 110, CHARTS_MOST = 24 };

/* ---- dust ---- */

static bool is_dust(const struct judged_series *s)
{
    double same;
    return unit_convert(1, s->unit, "ug/m3", &same) == ERR_OK;
}

static double highest(const struct judged_series *s)
{
    double most = s->value;
    for (int i = 0; i < s->n; i++)
        if (!isnan(s->at[i].mean) && s->at[i].mean > most)
            most = s->at[i].mean;
    return most;
}

/* Holes: where no window is, or one without a mean that counts. */
static void draw_holes(const struct svg *svg, const struct judged_series *s, int64_t until_ms)
{
    int64_t known_ms = svg->from_ms;
    for (int i = 0; i < s->n; i++) {
        if (isnan(s->at[i].mean))
            continue;
        svg_hole(svg, known_ms, s->at[i].at_ms);
        known_ms = s->at[i].at_ms + s->window_ms;
    }
    if (known_ms < until_ms)
        svg_hole(svg, known_ms, until_ms);
}

/* A window stands at its middle; the curve breaks at a hole. */
static void draw_curve(const struct svg *svg, const struct judged_series *s)
{
    struct svg_value *part = mem_array((size_t)s->n + 1, sizeof *part);
    int n = 0;
    for (int i = 0; i < s->n; i++) {
        if (isnan(s->at[i].mean))
            continue;
        struct svg_value v = {s->at[i].at_ms + s->window_ms / 2, s->at[i].mean};
        if (n && v.at_ms - part[n - 1].at_ms > s->window_ms + s->window_ms / 2) {
            svg_curve(svg, part, n);
            n = 0;
        }
        part[n++] = v;
    }
    svg_curve(svg, part, n);
    for (int i = 0; i < s->n; i++)
        if (s->at[i].over && !isnan(s->at[i].mean))
            svg_dot(svg, (struct svg_value){s->at[i].at_ms + s->window_ms / 2, s->at[i].mean});
    mem_free(part);
}

static char *heading_of(const struct ctl *c, const struct judged_series *s)
{
    char span[48];
    return mem_printf(say(c, "%s  限值 %s %g %s（%s，%s均值）", "%s  limit %s %g %s (%s, mean of %s)"),
                      *s->point ? s->point : say(c, "各点", "points together"),
                      strcmp(s->compare, ">=") == 0 ? "≥" : s->compare, s->value, unit_shown(s->unit),
                      s->limit, when_span(s->window_ms, c->zh, span));
}

static void dust_chart(const struct ctl *c, const struct gathered *g, const struct judged_series *s,
                       struct buf *out)
{
    struct svg svg = {out, WIDE, TALL, g->period.from_ms, g->period.to_ms, g->zone_min, svg_top(highest(s))};
    char *heading = heading_of(c, s);
    report_element(out, "<figure><h3>", heading, "</h3>");
    svg_begin(&svg, heading, unit_shown(s->unit));
    draw_holes(&svg, s, g->asof_ms);
    draw_curve(&svg, s);
    svg_limit(&svg, s->value);
    svg_end(&svg);
    buf_text(out, "</figure>\n");
    mem_free(heading);
}

static void dust(const struct ctl *c, const struct gathered *g, struct buf *out)
{
    int shown = 0, all = 0;
    report_element(out, "<h2>", say(c, "扬尘（与限值对照）", "Dust against its limits"), "</h2>");
    report_element(out, "<p class=\"small legend\"><span class=\"key curve\"></span>",
                   say(c, "时段均值", "mean of a window"), "");
    report_element(out, "<span class=\"key limit\"></span>", say(c, "限值", "limit"), "");
    report_element(out, "<span class=\"key hole\"></span>",
                   say(c, "无有效数据（不是 0，也不代表达标）", "no valid data (neither 0 nor compliance)"),
                   "</p>\n");
    for (int i = 0; i < g->nseries; i++) {
        if (!is_dust(&g->series[i]) || all++ >= CHARTS_MOST)
            continue;
        dust_chart(c, g, &g->series[i], out);
        shown++;
    }
    if (!all)
        report_element(
            out, "<p>",
            say(c, "本期没有一个时段的扬尘判定记录。", "No window of dust was judged in this period."),
            "</p>\n");
    if (all > shown)
        buf_printf(out,
                   say(c, "<p class=\"small\">另有 %d 条曲线未画出，数据见日志。</p>\n",
                       "<p class=\"small\">%d more curves are not drawn; the journal has them.</p>\n"),
                   all - shown);
}

/* ---- requirements ---- */

static const char *name_of(const struct ctl *c, const struct requirement_days *r)
{
    return *say_title(c, r->title) ? say_title(c, r->title) : r->name;
}

static void requirement_chart(const struct ctl *c, const struct gathered *g, const struct requirement_days *r,
                              struct buf *out)
{
    double most = 0;
    for (int i = 0; i < g->ndays; i++)
        if (r->days[i].den + r->days[i].unknown > most)
            most = r->days[i].den + r->days[i].unknown;
    struct svg svg = {
        out, NARROW, LOW, g->period.from_ms, g->period.to_ms, g->zone_min, most < 4 ? 4 : svg_top(most)};
    report_element(out, "<figure><h3>", name_of(c, r), "</h3>");
    svg_begin(&svg, name_of(c, r), say(c, "次", "times"));
    for (int i = 0; i < g->ndays; i++) {
        const struct day_verdict *d = &r->days[i];
        int64_t day_ms = g->period.from_ms + (int64_t)i * CLOCK_DAY_MS;
        if (d->known && d->den + d->unknown)
            svg_bar(&svg, day_ms, (const int[]){d->num, d->den - d->num, d->unknown});
        else if (d->known)
            svg_nothing(&svg, day_ms);
        else if (day_ms + CLOCK_DAY_MS <= g->asof_ms) /* the day that runs has no verdict yet */
            svg_hole(&svg, day_ms, day_ms + CLOCK_DAY_MS);
    }
    svg_end(&svg);
    buf_text(out, "</figure>\n");
}

static void days_head(const struct ctl *c, const struct gathered *g, const char *first, const char *last,
                      struct buf *out)
{
    (void)c;
    report_element(out, "<div class=\"wide\"><table class=\"days\"><thead><tr><th>", first, "</th>");
    for (int i = 0; i < g->ndays; i++) {
        char text[32];
        clock_text(g->period.from_ms + (int64_t)i * CLOCK_DAY_MS, g->zone_min, text);
        buf_printf(out, "<th class=\"d\">%.2s</th>", text + 8);
    }
    report_element(out, "<th class=\"sum\">", last, "</th></tr></thead><tbody>\n");
}

/* A sign that a copy in grey still shows. */
static void verdict_cell(const struct ctl *c, const struct gathered *g, const struct day_verdict *d, int day,
                         struct buf *out)
{
    static const struct {
        const char *verdict, *sign;
    } signs[] = {{"pass", "√"}, {"breach", "×"}, {"unknown", "?"}};
    bool past = g->period.from_ms + (int64_t)(day + 1) * CLOCK_DAY_MS <= g->asof_ms;
    bool nothing = d->known && strcmp(d->verdict, "pass") == 0 && d->den == 0 && d->unknown == 0;
    for (size_t i = 0; i < sizeof signs / sizeof *signs && d->known; i++)
        if (strcmp(signs[i].verdict, d->verdict) == 0)
            buf_printf(out, "<td class=\"d %s\" title=\"%s %d/%d\">%s</td>", signs[i].verdict,
                       word_verdict(d->verdict, c->zh), d->num, d->den, nothing ? "0" : signs[i].sign);
    if (!d->known)
        buf_text(out, past ? "<td class=\"d hole\"></td>" : "<td class=\"d\"></td>");
}

static void matrix(const struct ctl *c, const struct gathered *g, const json_t *report, struct buf *out)
{
    const json_t *list = json_object_get(report, "requirements");
    days_head(c, g, say(c, "要求", "Requirement"), say(c, "做到", "met"), out);
    for (int i = 0; i < g->nrequirements; i++) {
        const struct requirement_days *r = &g->requirements[i];
        const json_t *j = json_array_get(list, (size_t)i);
        report_element(out, "<tr><td>", name_of(c, r), "</td>");
        for (int day = 0; day < g->ndays; day++)
            verdict_cell(c, g, &r->days[day], day, out);
        buf_printf(out, "<td class=\"n sum\">%lld/%lld</td></tr>\n", (long long)int_of(j, "num"),
                   (long long)int_of(j, "den"));
    }
    buf_text(out, "</tbody></table></div>\n");
    report_element(
        out, "<p class=\"small\">",
        say(c, "√ 达标　× 不达标　? 不可判定（证据不全）　0 当日无作业　阴影：无记录",
            "√ pass; × breach; ? cannot be told (evidence is missing); 0 nothing to do that day; hatched: "
            "no record"),
        "</p>\n");
}

static void requirements(const struct ctl *c, const struct gathered *g, const json_t *report, struct buf *out)
{
    report_element(out, "<h2>", say(c, "六个百分之百逐日判定", "The requirements, day by day"), "</h2>\n");
    if (!g->nrequirements) {
        report_element(out, "<p>",
                       say(c, "本期没有要求的判定记录。", "No requirement was judged in this period."),
                       "</p>\n");
        return;
    }
    matrix(c, g, report, out);
    report_element(out, "<h2>",
                   say(c, "洒水、冲洗等逐日次数", "Watering, washing and the others: how often a day"),
                   "</h2>\n");
    report_element(out, "<p class=\"small legend\"><span class=\"key met\"></span>", say(c, "做到", "met"),
                   "");
    report_element(out, "<span class=\"key failed\"></span>", say(c, "未做到", "failed"), "");
    report_element(out, "<span class=\"key unknown\"></span>", say(c, "无证据", "no evidence"), "");
    report_element(out, "<span class=\"key hole\"></span>", say(c, "无记录", "no record"),
                   "</p>\n<div class=\"two\">");
    for (int i = 0; i < g->nrequirements; i++)
        requirement_chart(c, g, &g->requirements[i], out);
    buf_text(out, "</div>\n");
}

void report_charts(const struct ctl *c, const struct gathered *g, const json_t *report, struct buf *out)
{
    buf_text(
        out,
        "<svg width=\"0\" height=\"0\" style=\"position:absolute\"><defs><pattern id=\"holes\" width=\"5\" "
        "height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><path d=\"M0 0V5\" "
        "stroke=\"#b9c2cd\" stroke-width=\"1.6\"/></pattern></defs></svg>\n");
    requirements(c, g, report, out);
    dust(c, g, out);
}

/* ---- completeness ---- */

static void share_cell(const json_t *share, bool past, struct buf *out)
{
    double percent = floor(100 * json_number_value(share)); /* 99.9 % is not all of it */
    if (!json_is_number(share))
        buf_text(out, past ? "<td class=\"d hole\"></td>" : "<td class=\"d\"></td>");
    else
        buf_printf(out, "<td class=\"d %s\">%.0f</td>",
                   percent >= 75 ? "pass"
                   : percent > 0 ? "unknown"
                                 : "breach",
                   percent);
}

void report_completeness(const struct ctl *c, const struct gathered *g, const json_t *report, struct buf *out)
{
    const json_t *complete = json_object_get(report, "completeness"), *device;
    size_t i;
    report_element(
        out, "<h2>",
        say(c, "数据完整性（有效分钟占应有分钟，%）", "Completeness of data (valid minutes of those due, %)"),
        "</h2>\n");
    days_head(c, g, say(c, "设备", "Device"), say(c, "合计", "total"), out);
    json_array_foreach(json_object_get(complete, "devices"), i, device)
    {
        const char *name = text_of(device, "device"),
                   *title = say_title(c, json_object_get(g->devices, name));
        int64_t due = int_of(device, "due");
        report_element(out, "<tr><td>", *title ? title : name, "</td>");
        for (int day = 0; day < g->ndays; day++)
            share_cell(json_array_get(json_object_get(device, "days"), (size_t)day),
                       g->period.from_ms + (int64_t)day * CLOCK_DAY_MS < g->asof_ms, out);
        buf_printf(out, due ? "<td class=\"n sum\">%.1f</td></tr>\n" : "<td class=\"n sum\">—</td></tr>\n",
                   due ? floor(1000.0 * (double)int_of(device, "valid") / (double)due) / 10 : 0.0);
    }
    buf_text(out, "</tbody></table></div>\n");
    report_element(out, "<p class=\"small\">",
                   say(c, "阴影为没有记录的日子：按缺数计入合计，不按 0 也不按达标处理。",
                       "Hatched days have no record: they count as missing, neither as 0 nor as compliance."),
                   "</p>\n");
}
