#include "daemon/dustd.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/judge/aqi.h"
#include "drivers/trouble.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { BREACH_TEXT = 320, POINTS_PER_ROW = 100 }; /* about 100 bytes each: a body stays below ROW_BODY_MAX */

json_t *row_begin(const struct dustd *d, int64_t at_ms, const char *kind, const char *subject)
{
    json_t *body = json_pack("{s:I,s:s,s:s}", "ts", (json_int_t)at_ms, "kind", kind, "subject", subject);
    if (d->options.simulated)
        json_object_set_new(body, "simulated", json_true());
    if (d->hold.late && at_ms < d->hold.dated_at_ms)
        json_object_set_new(body, "late", json_true());
    if (d->gone)
        json_object_set_new(body, "removed", json_true());
    return body;
}

int64_t row_append_text(struct dustd *d, int64_t at_ms, const char *kind, const char *subject, char *body)
{
    struct batch *b = &d->batch;
    if (shed_row(d, kind, strlen(body))) {
        mem_free(body);
        return 0;
    }
    if (d->hold.undated) {
        hold_row(d, at_ms, kind, body);
        return 0;
    }
    if (b->nrows == d->batch_room) {
        d->batch_room = d->batch_room ? d->batch_room * 2 : 16;
        b->rows = mem_resize(b->rows, (size_t)d->batch_room, sizeof *b->rows);
    }
    struct row *row = &b->rows[b->nrows++];
    journal_append(&d->head, row, at_ms, kind, subject, body);
    return row->seq;
}

int64_t row_append(struct dustd *d, int64_t at_ms, const char *kind, const char *subject, json_t *body)
{
    /* A published row starts with these three: a body has none of its own. */
    assert(!json_object_get(body, "journal") && !json_object_get(body, "seq") &&
           !json_object_get(body, "hash"));
    char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(body);
    return row_append_text(d, at_ms, kind, subject, text);
}

/* The settings in force; their text too, where it fits in a row. */
void row_settings(struct dustd *d, int64_t now_ms, const struct author *by)
{
    char hex[65];
    config_hash(d->config, hex);
    json_t *body = row_begin(d, now_ms, "settings", "");
    if (by)
        json_object_set_new(body, "by", json_string(by->name));
    if (by && by->as_root)
        json_object_set_new(body, "as_root", json_true());
    json_object_set_new(body, "sha256", json_string(hex));
    json_object_set_new(body, "site", json_string(d->config->site.name));
    json_object_set_new(body, "language", json_string(d->config->language));
    json_object_set_new(body, "zone_min", json_integer(d->config->site.zone_min));
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out) {
        config_print(d->config, out);
        if (fclose(out) == 0 && length < ROW_BODY_MAX / 2)
            json_object_set_new(body, "yaml", json_stringn(text, length));
    }
    mem_free(text);
    row_append(d, now_ms, "settings", "", body);
}

static json_t *mean_json(const struct mean *m)
{
    json_t *j = json_object();
    if (m->n) {
        json_object_set_new(j, "mean", json_real(m->mean));
        json_object_set_new(j, "min", json_real(m->min));
        json_object_set_new(j, "max", json_real(m->max));
    }
    json_object_set_new(j, "n", json_integer(m->n));
    json_object_set_new(j, "of", json_integer(m->of));
    json_object_set_new(j, "q", json_stringn((const char[]){(char)m->quality}, 1));
    return j;
}

static json_t *means_json(const struct dustd *d, const struct mean *means, int from, int to)
{
    json_t *points = json_object();
    for (int i = from; i < to; i++)
        if (!d->gone || d->gone[i])
            json_object_set_new(points, d->config->points[i].name, mean_json(&means[i]));
    return points;
}

/* The sub-index of what has one: of an hour's or a day's mean that is whole and no lower bound. */
static void add_index(const struct dustd *d, const struct again_window *w, const struct mean *means,
                      json_t *points)
{
    for (int i = 0; i < d->config->npoints; i++) {
        const struct point *p = d->config->points[i].point;
        json_t *point = json_object_get(points, d->config->points[i].name);
        double ugm3;
        if (!point || w->length_s <= 60 || means[i].quality != QUALITY_NORMAL ||
            unit_convert(means[i].mean, p->unit, "ug/m3", &ugm3))
            continue;
        int index = aqi_sub(p->role, ugm3, w->start_ms, d->config->site.zone_min);
        if (index >= 0)
            json_object_set_new(point, "iaqi", json_integer(index));
    }
}

/* The row that the journal has of this window already goes into `body`: that one is kept, this one is the
 * later.
 */
static void name_earlier(const struct dustd *d, struct again_window w, json_t *body)
{
    int64_t seq = d->gone ? 0 : again_find(&d->again, w);
    if (seq)
        json_object_set_new(body, "again", json_integer(seq));
}

/* What is told early of points that are taken out is not the window's own row. */
static void note_told(struct dustd *d, struct again_window w)
{
    if (!d->gone && w.seq)
        again_note(&d->again, w);
}

/* All points of a window, in as many rows as their number needs. Returns the seq of the first. */
static int64_t means_rows(struct dustd *d, struct again_window w, const char *kind, const struct mean *means,
                          const char *raw)
{
    int64_t first = 0, start_ms = w.start_ms;
    for (int from = 0; from == 0 || from < d->config->npoints; from += POINTS_PER_ROW) {
        int to = from + POINTS_PER_ROW < d->config->npoints ? from + POINTS_PER_ROW : d->config->npoints;
        json_t *body = row_begin(d, start_ms, kind, "");
        if (raw && from == 0)
            json_object_set_new(body, "raw", json_string(raw));
        name_earlier(d, w, body);
        json_t *points = means_json(d, means, from, to);
        add_index(d, &w, means, points);
        json_object_set_new(body, "points", points);
        int64_t seq = row_append(d, start_ms, kind, "", body);
        if (!seq)
            break; /* no room: none without the first, which names the raw block */
        first = first ? first : seq;
    }
    w.seq = first;
    note_told(d, w);
    return first;
}

/* Means that belong to no window; `body` is taken. Returns the seq of the first row. */
int64_t row_undated(struct dustd *d, json_t *body, const struct mean *means, const char *raw_sha256)
{
    int64_t first = 0, at_ms = json_integer_value(json_object_get(body, "ts"));
    for (int from = 0; from == 0 || from < d->config->npoints; from += POINTS_PER_ROW) {
        int to = from + POINTS_PER_ROW < d->config->npoints ? from + POINTS_PER_ROW : d->config->npoints;
        json_t *part = json_copy(body);
        if (from == 0)
            json_object_set_new(part, "raw", json_string(raw_sha256));
        json_object_set_new(part, "points", means_json(d, means, from, to));
        int64_t seq = row_append(d, at_ms, "undated", "", part);
        first = first ? first : seq;
    }
    json_decref(body);
    return first;
}

int64_t row_minute(struct dustd *d, int64_t start_ms, const struct mean *means, const char *raw_sha256)
{
    struct again_window w = {.start_ms = start_ms, .length_s = CLOCK_MINUTE_MS / CLOCK_SECOND_MS};
    return means_rows(d, w, "minute", means, raw_sha256);
}

void row_window(struct dustd *d, const struct judge_event *e)
{
    struct again_window w = {.start_ms = e->start_ms, .length_s = e->length_ms / CLOCK_SECOND_MS};
    means_rows(d, w, e->length_ms == CLOCK_DAY_MS ? "day" : "hour", e->means, NULL);
}

/* What was compared with what: the part that verdict rows and evidence share. */
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
    if (e->why && e->why[0])
        json_object_set_new(to, "why", json_string(e->why));
    if (!e->count.of)
        return;
    json_object_set_new(to, "exceeded", json_integer(e->count.exceeded));
    json_object_set_new(to, "unknown", json_integer(e->count.unknown));
    json_object_set_new(to, "windows", json_integer(e->count.of));
    json_object_set_new(to, "allowed", json_integer(l->allowed));
}

static json_t *comparison_json(const struct dustd *d, const struct judge_event *e, json_t *to)
{
    const struct limit *l = e->limit;
    json_object_set_new(to, "window_s", json_integer(e->length_ms / 1000));
    json_object_set_new(to, "verdict", json_string(verdict_str(e->verdict)));
    if (e->point >= 0)
        json_object_set_new(to, "point", json_string(d->config->points[e->point].name));
    json_t *mean = e->count.of ? json_object() : mean_json(&e->mean);
    json_object_update(to, mean);
    json_decref(mean);
    add_circumstances(e, to);
    json_object_set_new(to, "compare", json_string(l->compare == COMPARE_REACHES ? ">=" : ">"));
    json_object_set_new(to, "value", json_real(l->value));
    json_object_set_new(to, "unit", json_string(l->unit));
    return to;
}

int64_t row_verdict(struct dustd *d, const struct judge_event *e)
{
    const char *point = e->point >= 0 ? d->config->points[e->point].name : "";
    struct again_window w = {.start_ms = e->start_ms,
                             .length_s = e->length_ms / CLOCK_SECOND_MS,
                             .of = again_of(e->limit->id, point)};
    json_t *body = comparison_json(d, e, row_begin(d, e->start_ms, "verdict", e->limit->id));
    name_earlier(d, w, body);
    w.seq = row_append(d, e->start_ms, "verdict", e->limit->id, body);
    note_told(d, w);
    return w.seq;
}

int64_t row_running(struct dustd *d, const struct judge_event *e)
{
    json_t *body = comparison_json(d, e, row_begin(d, e->start_ms, "running", e->limit->id));
    if (e->kind == JUDGE_WARNING)
        json_object_set_new(body, "verdict", json_string("warning"));
    if (!e->count.of) {
        json_object_set_new(body, "used", json_real(rint(e->used * 1e4) / 1e4));
        json_object_set_new(body, "rest_may", json_real(rint(e->may * 1e4) / 1e4));
    }
    return row_append(d, e->start_ms, "running", e->limit->id, body);
}

int64_t row_step(struct dustd *d, int64_t now_ms, const char *issue, char *body)
{
    size_t length = strlen(body);
    if (d->options.simulated && length && body[length - 1] == '}') {
        char *marked = mem_printf("%.*s,\"simulated\":true}", (int)length - 1, body);
        mem_free(body);
        body = marked;
    }
    int64_t seq = row_append_text(d, now_ms, "issue", issue, body);
    if (seq && ledger_apply(d->ledger, seq, body) != ERR_OK)
        log_error("%s: its step in row %lld cannot be applied", issue, (long long)seq);
    return seq;
}

/* What was over, in both languages; zh and en are BREACH_TEXT bytes. */
static void breach_text(const struct judge_event *e, const char *point, const char *start, char *zh, char *en)
{
    const struct limit *l = e->limit;
    int minutes = (int)(e->length_ms / CLOCK_MINUTE_MS);
    const char *unit = unit_shown(l->unit), *sign = l->compare == COMPARE_REACHES ? "≥" : ">";
    const char *running_zh = e->running ? "（时段未结束）" : "",
               *running_en = e->running ? " (window running)" : "";
    double value = isnan(e->compared) ? e->mean.mean : e->compared;
    if (e->count.of) {
        snprintf(zh, BREACH_TEXT, "%s，%.10s 当日 %u 次%s %.10g %s，允许 %d 次%s", point, start,
                 e->count.exceeded, sign, l->value, unit, l->allowed, running_zh);
        snprintf(en, BREACH_TEXT, "%s: %u windows of %.10s %s %.10g %s, %d are allowed%s", point,
                 e->count.exceeded, start, sign, l->value, unit, l->allowed, running_en);
        return;
    }
    snprintf(zh, BREACH_TEXT, "%s，%s 起 %d 分钟均值%s %.10g %s，限值 %s %.10g %s%s", point, start, minutes,
             l->minus ? "减背景值" : "", value, unit, sign, l->value, unit, running_zh);
    snprintf(en, BREACH_TEXT, "%s: mean of the %d minutes from %s%s is %.10g %s, limit %s %.10g %s%s", point,
             minutes, start, l->minus ? " less background" : "", value, unit, sign, l->value, unit,
             running_en);
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

/* A breach becomes an issue, or evidence of the open one; to that the end of the window is enough. */
void row_breach(struct dustd *d, const struct judge_event *e, int64_t verdict_seq)
{
    const struct limit *l = e->limit;
    const char *point = e->point >= 0 ? d->config->points[e->point].name : "mean";
    if (e->running && is_open(d, l->id, point))
        return;
    char start[32], zh[BREACH_TEXT], en[BREACH_TEXT], id[32], *body = NULL;
    clock_text(e->start_ms, d->config->site.zone_min, start);
    start[16] = 0; /* to the minute */
    start[10] = ' ';
    breach_text(e, point, start, zh, en);
    json_t *evidence = comparison_json(
        d, e, json_pack("{s:I,s:I}", "seq", (json_int_t)verdict_seq, "start", (json_int_t)e->start_ms));
    struct finding f = {.kind = "limit",
                        .subject = l->id,
                        .cause = point,
                        .text_zh = zh,
                        .text_en = en,
                        .person = l->person,
                        .answer_ms = l->answer_ms,
                        .rectify_ms = l->rectify_ms,
                        .evidence = evidence};
    int64_t now_ms = clock_site_ms();
    if (ledger_find(d->ledger, now_ms, &f, &body, id) != ERR_OK) {
        log_error("%s at %s: the breach in row %lld cannot be an issue", l->id, point,
                  (long long)verdict_seq);
        return;
    }
    int64_t seq = row_step(d, now_ms, id, body);
    if (seq)
        batch_tell(d, seq, id, 0);
}

void row_device(struct dustd *d, int64_t at_ms, int device)
{
    const struct device_now *now = &d->devices[device];
    const char *name = d->config->devices[device].name;
    json_t *body = row_begin(d, at_ms, "device", name);
    json_object_set_new(body, "state", json_string(device_state_str(now->state)));
    if (now->state != DEVICE_UP)
        json_object_set_new(body, "why", json_string(why_str(now->why)));
    if (now->state != DEVICE_UP && now->why == WHY_EXCEPTION)
        json_object_set_new(body, "exception", json_integer(now->exception));
    row_append(d, at_ms, "device", name, body);
}

void row_bus(struct dustd *d, int64_t at_ms, int bus)
{
    const struct bus_now *now = &d->buses[bus];
    const char *name = d->config->buses[bus].name;
    json_t *body = row_begin(d, at_ms, "line", name);
    json_object_set_new(body, "state", json_string(line_state_str(now->line)));
    if (now->line == LINE_DOWN)
        json_object_set_new(body, "error",
                            json_string(trouble_of(d->config->buses[bus].transport, now->error).text));
    row_append(d, at_ms, "line", name, body);
}

void row_gap(struct dustd *d, int64_t now_ms, int64_t from_ms, int64_t to_ms, const char *reason)
{
    json_t *body = row_begin(d, now_ms, "gap", "");
    json_object_set_new(body, "from", json_integer(from_ms));
    json_object_set_new(body, "to", json_integer(to_ms));
    json_object_set_new(body, "reason", json_string(reason));
    row_append(d, now_ms, "gap", "", body);
}

void row_clock(struct dustd *d, int64_t now_ms, int64_t step_ms)
{
    d->health.step_at_ms = now_ms;
    d->health.step_ms = step_ms;
    json_t *body = row_begin(d, now_ms, "clock", "");
    json_object_set_new(body, "step_ms", json_integer(step_ms));
    json_object_set_new(body, "before_ms", json_integer(now_ms - step_ms));
    row_append(d, now_ms, "clock", "", body);
}

/* From now on stamps of this boot have a date: that much later than the time since it. */
void row_dated(struct dustd *d, int64_t now_ms, int64_t offset_ms)
{
    json_t *body = row_begin(d, now_ms, "clock", "");
    json_object_set_new(body, "boot", json_string(clock_boot_id()));
    json_object_set_new(body, "offset_ms", json_integer(offset_ms));
    row_append(d, now_ms, "clock", "", body);
}
