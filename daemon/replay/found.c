#include "daemon/replay/found.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/dustd.h"
#include "daemon/judge/quality.h"
#include "daemon/replay/feed.h"
#include "daemon/replay/format.h"
#include "daemon/replay/recording.h"
#include "daemon/replay/tally.h"
#include "daemon/replay/text.h"
#include "daemon/rows.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

struct found {
    const struct config *config;
    struct hearing hearing;
    struct tallies *tallies;
    FILE *out;
    char *body; /* of the last row: who wrote it may still need it */
    bool json, zh;
};

/* --- lines for people --- */

static const char *say(const struct found *f, const char *zh, const char *en)
{
    return f->zh ? zh : en;
}

/* "2026-10-03 14:00 " of the site, and what the line is about. */
static void begin_line(const struct found *f, int64_t at_ms, const char *zh, const char *en)
{
    char at[32];
    clock_text(at_ms, f->config->site.zone_min, at);
    at[10] = ' ';
    at[16] = 0;
    fprintf(f->out, "%s  %s  ", at, say(f, zh, en));
}

static const char *point_of(const struct found *f, int point)
{
    return point >= 0 ? f->config->points[point].name : say(f, "各点均值", "mean of the points");
}

static const char *word_of(const struct found *f, enum verdict v)
{
    static const char *const zh[] = {"达标", "超标", "不可判定", "超过", "不适用"};
    return f->zh ? zh[v] : verdict_str(v);
}

static void print_day_count(const struct found *f, const struct judge_event *e)
{
    begin_line(f, e->start_ms, "当日超标", "breach of the day");
    fprintf(f->out,
            f->zh ? "%s  %s  %u 个时段超过 %.10g %s，允许 %d 个\n"
                  : "%s  %s  %u windows over %.10g %s, %d are allowed\n",
            e->limit->id, point_of(f, e->point), e->count.exceeded, e->limit->value,
            unit_shown(e->limit->unit), e->limit->allowed);
}

static void print_breach(const struct found *f, const struct judge_event *e)
{
    const struct limit *l = e->limit;
    double value = isnan(e->compared) ? e->mean.mean : e->compared;
    begin_line(f, e->start_ms, e->running ? "必将超标" : "超标", e->running ? "cannot be kept" : "breach");
    fprintf(f->out, f->zh ? "%s  %s  %d 分钟%s %.10g %s %.10g %s\n" : "%s  %s  %d min%s %.10g %s %.10g %s\n",
            l->id, point_of(f, e->point), (int)(e->length_ms / CLOCK_MINUTE_MS),
            l->minus ? say(f, "减背景值", " less background") : "", value,
            l->compare == COMPARE_REACHES ? "≥" : ">", l->value, unit_shown(l->unit));
}

static void print_correction(const struct found *f, const struct judge_event *e)
{
    begin_line(f, e->start_ms, "更正", "corrected");
    fprintf(f->out,
            f->zh ? "%s  %s  %s（有数据被判为无效，或有信息补报）\n"
                  : "%s  %s  %s (values turned out to be no measurement, or an input came late)\n",
            e->limit->id, point_of(f, e->point), word_of(f, e->verdict));
}

static void print_verdict(const struct found *f, const struct judge_event *e)
{
    if (e->kind == JUDGE_WARNING)
        return;
    if (e->corrects && e->verdict != VERDICT_BREACH)
        print_correction(f, e);
    else if (e->verdict == VERDICT_BREACH && e->count.of)
        print_day_count(f, e);
    else if (e->verdict == VERDICT_BREACH)
        print_breach(f, e);
}

static void print_quality(const struct found *f, const struct quality_finding *q)
{
    char to[32];
    if (!q->ended)
        return;
    clock_text(q->to_ms, f->config->site.zone_min, to);
    to[10] = ' ';
    to[16] = 0;
    begin_line(f, q->from_ms, "数据", "data");
    fprintf(f->out, f->zh ? "%s  %s（%s），至 %s%s%s\n" : "%s  %s (%s), until %s%s%s\n",
            f->config->points[q->point].name, f->zh ? q->check->zh : q->check->en, q->check->name, to,
            q->why[0] ? "; " : "", q->why);
}

static void print_issue(struct found *f, const json_t *body)
{
    const char *step = json_string_value(json_object_get(body, "step"));
    const json_t *title = json_object_get(body, "title");
    const char *text = json_string_value(json_object_get(title, f->zh ? "zh" : "en"));
    if (!step || strcmp(step, "open") != 0)
        return;
    f->tallies->issues++;
    if (f->json)
        return;
    begin_line(f, json_integer_value(json_object_get(body, "ts")), "立案", "issue");
    fprintf(f->out, "%s  %s\n", json_string_value(json_object_get(body, "subject")), text ? text : "");
}

static void print_requirement(struct found *f, const json_t *body)
{
    const char *name = json_string_value(json_object_get(body, "subject"));
    const char *day = json_string_value(json_object_get(body, "day"));
    const char *verdict = json_string_value(json_object_get(body, "verdict"));
    const char *title =
        json_string_value(json_object_get(json_object_get(body, "title"), f->zh ? "zh" : "en"));
    if (!name || !day || !verdict)
        return;
    tallies_requirement(f->tallies, name, body);
    if (f->json)
        return;
    enum verdict v = strcmp(verdict, "pass") == 0     ? VERDICT_PASS
                     : strcmp(verdict, "breach") == 0 ? VERDICT_BREACH
                                                      : VERDICT_UNKNOWN;
    long long num = json_integer_value(json_object_get(body, "num")),
              den = json_integer_value(json_object_get(body, "den"));
    double complete = json_number_value(json_object_get(body, "completeness"));
    fprintf(f->out,
            f->zh ? "%s        六项  %s %s  %s  %lld/%lld，证据完整率 %.4g%%%s\n"
                  : "%s        day  %s %s  %s  %lld of %lld, evidence %.4g %% complete%s\n",
            day, name, title ? title : "", word_of(f, v), num, den, complete * 100,
            json_object_get(body, "corrects") ? say(f, "（更正）", " (corrected)") : "");
}

/* --- listening --- */

/* In text a window that is kept needs no row: most are. */
static bool hear_event(const struct judge_event *e, void *arg)
{
    struct found *f = arg;
    bool news = true;
    if (e->kind == JUDGE_VERDICT || e->kind == JUDGE_WARNING)
        news = tallies_event(f->tallies, e);
    if (e->kind == JUDGE_QUALITY)
        f->tallies->findings += !e->finding->ended;
    if (f->json)
        return true;
    if (e->kind == JUDGE_QUALITY)
        print_quality(f, e->finding);
    else if (e->kind != JUDGE_WINDOW && news)
        print_verdict(f, e);
    return e->kind == JUDGE_QUALITY || (e->kind == JUDGE_VERDICT && e->verdict == VERDICT_BREACH);
}

static void hear_row(int64_t seq, const char *kind, char *body, void *arg)
{
    struct found *f = arg;
    mem_free(f->body);
    f->body = body;
    if (f->json)
        fprintf(f->out, "{\"seq\":%lld,%s\n", (long long)seq, body + 1);
    bool issue = strcmp(kind, "issue") == 0;
    if (!issue && strcmp(kind, "requirement") != 0)
        return;
    json_t *row = json_loads(body, 0, NULL);
    if (issue)
        print_issue(f, row);
    else
        print_requirement(f, row);
    json_decref(row);
}

struct found *found_create(const struct config *c, bool json, FILE *out)
{
    struct found *f = mem_new(struct found);
    *f = (struct found){.config = c, .out = out, .json = json, .zh = strcmp(c->language, "zh") == 0};
    f->hearing = (struct hearing){hear_event, hear_row, f};
    f->tallies = tallies_create(c);
    return f;
}

void found_destroy(struct found *f)
{
    if (!f)
        return;
    tallies_destroy(f->tallies);
    mem_free(f->body);
    mem_free(f);
}

const struct hearing *found_hearing(const struct found *f)
{
    return &f->hearing;
}

void found_minute(const struct mean *means, void *found)
{
    struct found *f = found;
    tallies_minute(f->tallies, means);
}

/* --- the whole --- */

void found_recording(struct found *f, const struct recording *s)
{
    const struct columns *c = &s->columns;
    if (f->json)
        return;
    fprintf(f->out, "%s: %s", text_name(s->text), s->format->name);
    for (int i = 0; i < c->n; i++)
        fprintf(f->out, "%s%s", i ? ", " : ": ", f->config->points[c->list[i].point].name);
    if (s->step_ms)
        fprintf(f->out, f->zh ? "；间隔 %.10g 秒" : "; every %.10g s", (double)s->step_ms / CLOCK_SECOND_MS);
    if (c->ignored[0])
        fprintf(f->out, f->zh ? "；未采用的列：%s" : "; columns not used: %s", c->ignored);
    fputc('\n', f->out);
    int64_t flat_ms = f->config->quality.flat_ms;
    if (s->step_ms > CLOCK_MINUTE_MS && s->step_ms >= flat_ms)
        fprintf(f->out, f->zh ? "  注意：记录间隔不小于 quality.flatline_after，每个值都会被判为恒值\n"
                              : "  mind: it is written no oftener than quality.flatline_after, so each value "
                                "will look like a flat line\n");
}

static void print_verdicts(const struct found *f, const int64_t *counts)
{
    const char *between = "";
    for (int v = 0; v < TALLY_VERDICTS; v++)
        if (counts[v] || v < VERDICT_EXCEEDED) {
            fprintf(f->out, "%s%s %lld", between, word_of(f, (enum verdict)v), (long long)counts[v]);
            between = say(f, "，", ", ");
        }
}

static void print_limits(const struct found *f)
{
    for (int i = 0; i < f->config->nlimits; i++) {
        const struct limit_tally *l = &f->tallies->limits[i];
        fprintf(f->out, "%s %s: ", say(f, "限值", "limit"), f->config->limits[i].id);
        print_verdicts(f, l->windows);
        if (f->config->limits[i].allowed) {
            fprintf(f->out, "%s", say(f, "；按日：", "; days: "));
            print_verdicts(f, l->days);
        }
        fprintf(f->out, f->zh ? "；预警 %lld\n" : "; warnings %lld\n", (long long)l->warnings);
    }
    for (int i = 0; i < f->config->nunjudged; i++)
        fprintf(f->out,
                f->zh ? "限值 %s：未判定，没有 %s 测点\n"
                      : "limit %s: not judged, no point has the role %s\n",
                f->config->unjudged[i].id, f->config->unjudged[i].role);
}

static void print_requirements(const struct found *f)
{
    for (int i = 0; i < f->config->requirements.n; i++) {
        const struct requirement *of = &f->config->requirements.list[i];
        const struct requirement_tally *r = &f->tallies->requirements[i];
        int64_t all = r->of + r->unknown;
        fprintf(f->out, "%s %s %s: ", say(f, "六项", "requirement"), of->name,
                f->zh ? of->title_zh : of->title_en);
        print_verdicts(f, r->days);
        fprintf(f->out,
                f->zh ? "；%lld/%lld，证据完整率 %.4g%%\n" : "; %lld of %lld, evidence %.4g %% complete\n",
                (long long)r->met, (long long)r->of, all ? 100.0 * (double)r->of / (double)all : 100.0);
    }
}

static void print_points(const struct found *f)
{
    for (int i = 0; i < f->config->npoints; i++) {
        if (f->config->points[i].point->watch)
            continue;
        int64_t valid = f->tallies->valid[i], of = f->tallies->minutes;
        fprintf(f->out,
                f->zh ? "测点 %s：%lld/%lld 分钟有效（%.4g%%）\n"
                      : "point %s: %lld of %lld minutes valid (%.4g %%)\n",
                f->config->points[i].name, (long long)valid, (long long)of,
                of ? 100.0 * (double)valid / (double)of : 0.0);
    }
}

static void print_end(const struct found *f, const struct feed_counts *n)
{
    char from[32], to[32];
    clock_text(n->from_ms, f->config->site.zone_min, from);
    clock_text(n->to_ms, f->config->site.zone_min, to);
    fprintf(f->out,
            f->zh ? "\n回测 %.16s 至 %.16s：%lld 分钟" : "\nback-test from %.16s to %.16s: %lld minutes",
            from, to, (long long)f->tallies->minutes);
    if (n->holes)
        fprintf(f->out, f->zh ? "，另缺 %lld 段共 %lld 分钟" : ", and %lld holes of %lld minutes in all",
                (long long)n->holes, (long long)(n->missing_ms / CLOCK_MINUTE_MS));
    if (n->left_out)
        fprintf(f->out,
                f->zh ? "；%lld 个值时间倒退，未采用" : "; %lld values of a time that was over, left out",
                (long long)n->left_out);
    fputc('\n', f->out);
    print_limits(f);
    print_requirements(f);
    print_points(f);
    fprintf(f->out,
            f->zh ? "会立案 %lld 件，数据质量发现 %lld 次\n"
                  : "%lld issues would be opened, %lld findings of data quality\n",
            (long long)f->tallies->issues, (long long)f->tallies->findings);
}

void found_end(struct found *f, const struct feed_counts *counts)
{
    if (!f->json) {
        print_end(f, counts);
        return;
    }
    json_t *j = tallies_json(f->tallies),
           *line =
               json_pack("{s:s,s:I,s:I,s:I,s:I,s:I}", "kind", "replay", "from", (json_int_t)counts->from_ms,
                         "to", (json_int_t)counts->to_ms, "holes", (json_int_t)counts->holes, "missing_ms",
                         (json_int_t)counts->missing_ms, "left_out", (json_int_t)counts->left_out);
    json_object_update(line, j);
    json_dumpf(line, f->out, JSON_COMPACT);
    fputc('\n', f->out);
    json_decref(j);
    json_decref(line);
}
