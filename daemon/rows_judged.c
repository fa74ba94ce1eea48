/* Rows of what the judge says: verdicts, running windows, data quality, and the issues they open. */
#include "daemon/rows.h"

#include "daemon/base/clock.h"
#include "daemon/base/decimals.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/scalar.h"
#include "daemon/batches.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/dustd.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/quality.h"
#include "daemon/ledger/ledger.h"

#include <math.h>
#include <string.h>

enum { BREACH_TEXT = 320 };

static void add_number(json_t *to, const char *key, double value)
{
    if (!isnan(value))
        json_object_set_new(to, key, json_real(value));
}

/* Of a limit that allows some exceedances a day; and what took part beside the mean. */
static void add_circumstances(const struct judge_event *e, json_t *to)
{
    const struct limit *l = e->limit;
    if (l->round > 0 || l->minus)
        add_number(to, "compared", e->compared);
    if (l->minus)
        add_number(to, "background", e->background);
    if (l->stages)
        json_object_set_new(to, "stage", json_string(stage_str(e->stage)));
    if (l->hours.from_min != l->hours.to_min)
        json_object_set_new(to, "hours", json_string(hours_text(&l->hours, (char[16]){0})));
    if (e->why && e->why[0])
        json_object_set_new(to, "why", json_string(e->why));
    if (!e->count.of)
        return;
    json_object_set_new(to, "exceeded", json_integer(e->count.exceeded));
    json_object_set_new(to, "unknown", json_integer(e->count.unknown));
    json_object_set_new(to, "windows", json_integer(e->count.of));
    json_object_set_new(to, "allowed", json_integer(l->allowed));
}

/* What was compared with what: the part that verdict rows and evidence share. */
static json_t *comparison_json(const struct dustd *d, const struct judge_event *e, json_t *to)
{
    const struct limit *l = e->limit;
    json_object_set_new(to, "window_s", json_integer(e->length_ms / 1000));
    json_object_set_new(to, "verdict", json_string(verdict_str(e->verdict)));
    if (e->point >= 0)
        json_object_set_new(to, "point", json_string(d->config->points[e->point].name));
    json_t *mean = e->count.of ? json_object() : row_mean(&e->mean);
    json_object_update(to, mean);
    json_decref(mean);
    add_circumstances(e, to);
    json_object_set_new(to, "compare", json_string(l->compare == COMPARE_REACHES ? ">=" : ">"));
    json_object_set_new(to, "value", json_real(l->value));
    json_object_set_new(to, "unit", json_string(l->unit));
    return to;
}

/* What an issue of the limit is about: the point; or all of them, whichever is the highest. */
static const char *cause_of(const struct dustd *d, const struct judge_event *e)
{
    return e->limit->over == OVER_MEAN  ? "mean"
           : e->limit->over == OVER_MAX ? "max"
                                        : d->config->points[e->point].name;
}

int64_t row_verdict(struct dustd *d, const struct judge_event *e)
{
    const char *point = e->point >= 0 ? d->config->points[e->point].name : "";
    struct again_window w = {
        .start_ms = e->start_ms,
        .length_s = e->length_ms / CLOCK_SECOND_MS,
        .of = again_of(e->limit->id, e->limit->over == OVER_MAX ? "" : point)}; /* whichever it is */
    json_t *body = comparison_json(d, e, row_begin(d, e->start_ms, "verdict", e->limit->id));
    row_name_earlier(d, &w, e->corrects, body);
    (e->corrects ? clean_correct : clean_note)(&d->clean, e->limit->id, cause_of(d, e),
                                               e->verdict == VERDICT_PASS || e->verdict == VERDICT_VOID);
    w.seq = row_append(d, e->start_ms, "verdict", e->limit->id, body);
    row_note_told(d, w);
    return w.seq;
}

int64_t row_running(struct dustd *d, const struct judge_event *e)
{
    json_t *body = comparison_json(d, e, row_begin(d, e->start_ms, "running", e->limit->id));
    if (e->kind == JUDGE_WARNING)
        json_object_set_new(body, "verdict", json_string("warning"));
    if (!e->count.of) {
        json_object_set_new(body, "used", json_real(decimals_round(e->used, 4)));
        json_object_set_new(body, "rest_may", json_real(decimals_round(e->may, 4)));
    }
    return row_append(d, e->start_ms, "running", e->limit->id, body);
}

/* "2026-03-01 08:00 起 60 分钟", "the 60 minutes from 2026-03-01 08:00"; or the year. */
enum { WINDOW_TEXT = 64 };
static void window_text(const struct judge_event *e, const char *start, char zh[static WINDOW_TEXT],
                        char en[static WINDOW_TEXT])
{
    int minutes = (int)(e->length_ms / CLOCK_MINUTE_MS);
    if (limit_is_annual(e->limit)) {
        snprintf(zh, WINDOW_TEXT, "%.4s 全年", start);
        snprintf(en, WINDOW_TEXT, "the year %.4s", start);
        return;
    }
    snprintf(zh, WINDOW_TEXT, "%s 起 %d 分钟", start, minutes);
    snprintf(en, WINDOW_TEXT, "the %d minutes from %s", minutes, start);
}

/* What was over, in both languages; zh and en are BREACH_TEXT bytes. `point` NULL: the mean of several. */
static void breach_text(const struct judge_event *e, const char *point, const char *start, char *zh, char *en)
{
    const char *point_zh = point ? point : "各测点", *point_en = point ? point : "all points";
    const struct limit *l = e->limit;
    char window_zh[WINDOW_TEXT], window_en[WINDOW_TEXT];
    const char *unit = unit_shown(l->unit), *sign = l->compare == COMPARE_REACHES ? "≥" : ">";
    const char *running_zh = e->running ? "（时段未结束）" : "",
               *running_en = e->running ? " (window running)" : "";
    const char *mean_zh = l->level ? "等效声级" : "均值", *mean_en = l->level ? "level" : "mean";
    double value = isnan(e->compared) ? e->mean.mean : e->compared;
    if (e->count.of) {
        snprintf(zh, BREACH_TEXT, "%s，%.10s 当日 %u 次%s %.10g %s，允许 %d 次%s", point_zh, start,
                 e->count.exceeded, sign, l->value, unit, l->allowed, running_zh);
        snprintf(en, BREACH_TEXT, "%s: %u windows of %.10s %s %.10g %s, %d are allowed%s", point_en,
                 e->count.exceeded, start, sign, l->value, unit, l->allowed, running_en);
        return;
    }
    window_text(e, start, window_zh, window_en);
    snprintf(zh, BREACH_TEXT, "%s，%s%s%s %.10g %s，限值 %s %.10g %s%s", point_zh, window_zh, mean_zh,
             l->minus ? "减背景值" : "", value, unit, sign, l->value, unit, running_zh);
    snprintf(en, BREACH_TEXT, "%s: %s of %s%s is %.10g %s, limit %s %.10g %s%s", point_en, mean_en, window_en,
             l->minus ? " less background" : "", value, unit, sign, l->value, unit, running_en);
}

static bool is_open(const struct dustd *d, const char *subject, const char *cause)
{
    for (int i = ledger_count(d->ledger); i > 0; i--) {
        const struct issue *issue = ledger_at(d->ledger, i - 1);
        if (strcmp(issue->kind, "limit") == 0 && strcmp(issue->subject, subject) == 0 &&
            strcmp(issue->cause, cause) == 0 && issue_is_open(issue))
            return true;
    }
    return false;
}

/* A verdict that was a breach and is none any more; as breach_text. */
static void withdrawn_text(const struct judge_event *e, const char *point, const char *start, char *zh,
                           char *en)
{
    static const char *const words[] = {[VERDICT_PASS] = "达标",
                                        [VERDICT_BREACH] = "超标",
                                        [VERDICT_UNKNOWN] = "不可判定",
                                        [VERDICT_EXCEEDED] = "超过限值",
                                        [VERDICT_VOID] = "不适用于当时的施工阶段"};
    char window_zh[WINDOW_TEXT], window_en[WINDOW_TEXT];
    window_text(e, start, window_zh, window_en);
    snprintf(zh, BREACH_TEXT, "%s，%s的超标判定已更正：%s", point ? point : "各测点", window_zh,
             words[e->verdict]);
    snprintf(en, BREACH_TEXT, "%s: the verdict on %s is no breach any more: %s", point ? point : "all points",
             window_en, verdict_str(e->verdict));
}

/* The end of the window is enough to an issue that is open. Withdrawn, it takes nothing back: it is one more
 * piece of evidence, by which a person dismisses the issue or does not. */
void row_breach(struct dustd *d, const struct judge_event *e, int64_t verdict_seq)
{
    const struct limit *l = e->limit;
    const char *point = e->point >= 0 ? d->config->points[e->point].name : NULL, *cause = cause_of(d, e);
    bool withdrawn = e->verdict != VERDICT_BREACH;
    if (e->running && is_open(d, l->id, cause))
        return;
    char start[32], zh[BREACH_TEXT], en[BREACH_TEXT], id[32], *body = NULL;
    clock_text(e->start_ms, d->config->site.zone_min, start);
    start[16] = 0; /* to the minute */
    start[10] = ' ';
    (withdrawn ? withdrawn_text : breach_text)(e, point, start, zh, en);
    json_t *evidence = comparison_json(
        d, e, json_pack("{s:I,s:I}", "seq", (json_int_t)verdict_seq, "start", (json_int_t)e->start_ms));
    struct finding f = {.kind = "limit",
                        .subject = l->id,
                        .cause = cause,
                        .text_zh = zh,
                        .text_en = en,
                        .person = l->person,
                        .answer_ms = l->answer_ms,
                        .rectify_ms = l->rectify_ms,
                        .evidence = evidence};
    int64_t now_ms = clock_site_ms();
    int error = (withdrawn ? ledger_withdraw : ledger_find)(d->ledger, now_ms, &f, &body, id);
    if (withdrawn && error == ERR_NOT_FOUND)
        return; /* a person has ended it */
    if (error != ERR_OK) {
        log_error("%s at %s: the breach in row %lld cannot be an issue", l->id, cause,
                  (long long)verdict_seq);
        return;
    }
    int64_t seq = row_step(d, now_ms, id, body);
    if (seq)
        batch_tell(d, seq, id, 0);
}

/* --- data quality --- */

static json_t *finding_json(const struct dustd *d, const struct quality_finding *f, json_t *to)
{
    json_object_set_new(to, "point", json_string(d->config->points[f->point].name));
    json_object_set_new(to, "state", json_string(f->ended ? "end" : "begin"));
    json_object_set_new(to, "from", json_integer(f->from_ms));
    json_object_set_new(to, "to", json_integer(f->to_ms));
    if (f->check->flag)
        json_object_set_new(to, "flag", json_stringn(&f->check->flag, 1));
    if (f->check->weight == QUALITY_DOUBT)
        json_object_set_new(to, "suspicion", json_true());
    if (f->check->weight == QUALITY_TAG)
        json_object_set_new(to, "tag", json_true());
    if (f->why[0])
        json_object_set_new(to, "why", json_string(f->why));
    return to;
}

/* Only where somebody answers for the data. What mends itself is over by itself, a suspicion is not; of
 * a tag nobody has anything to do. */
static void quality_issue(struct dustd *d, const struct quality_finding *f, int64_t seq)
{
    const struct quality_config *is = &d->config->quality;
    const char *point = d->config->points[f->point].name;
    char start[32], zh[BREACH_TEXT], en[BREACH_TEXT], id[32], *body = NULL;
    if (!is->person || !is->person[0] || f->check->weight == QUALITY_TAG)
        return;
    clock_text(f->from_ms, d->config->site.zone_min, start);
    start[16] = 0; /* to the minute */
    start[10] = ' ';
    snprintf(zh, sizeof zh, "%s，%s 起%s", point, start, f->check->zh);
    snprintf(en, sizeof en, "%s: %s since %s%s%s", point, f->check->en, start, f->why[0] ? ", " : "", f->why);
    struct finding finding = {.kind = f->check->weight == QUALITY_DOUBT ? "doubt" : "data",
                              .subject = f->check->name,
                              .cause = point,
                              .text_zh = zh,
                              .text_en = en,
                              .person = is->person,
                              .answer_ms = is->answer_ms,
                              .rectify_ms = is->rectify_ms,
                              .evidence = finding_json(d, f, json_pack("{s:I}", "seq", (json_int_t)seq))};
    int64_t now_ms = clock_site_ms();
    int rc = f->ended ? ledger_recover(d->ledger, now_ms, &finding, &body, id)
                      : ledger_find(d->ledger, now_ms, &finding, &body, id);
    if (rc != ERR_OK)
        return; /* recovered: a person ends what is a suspicion */
    int64_t step = row_step(d, now_ms, id, body);
    if (step)
        batch_tell(d, step, id, 0);
}

void row_quality(struct dustd *d, const struct quality_finding *f)
{
    json_t *body = finding_json(d, f, row_begin(d, f->from_ms, "quality", f->check->name));
    int64_t seq = row_append(d, f->from_ms, "quality", f->check->name, body);
    if (seq)
        quality_issue(d, f, seq);
}
