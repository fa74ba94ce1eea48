#include "daemon/ctl/scene.h"

#include "daemon/base/buf.h"
#include "daemon/base/level.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "daemon/ctl/when.h"
#include "daemon/ctl/words.h"

#include <stdio.h>
#include <string.h>

enum { OLD_MS = 60000 };

bool scene_is_live(const struct scene *s)
{
    return s->contact == CONTACT_GOOD;
}

void scene_finish(struct scene *s)
{
    json_t *const owned[] = {s->status, s->devices, s->windows, s->issues, s->events};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        json_decref(owned[i]);
    *s = (struct scene){0};
}

/* ---- what the daemon said ---- */

static bool is_event(const char *kind, const json_t *body)
{
    static const char *const regular[] = {"minute", "hour", "day", "head"};
    for (size_t i = 0; i < sizeof regular / sizeof *regular; i++)
        if (strcmp(kind, regular[i]) == 0)
            return false;
    if (strcmp(kind, "undated") == 0) /* a minute, or a row that is told again with its date */
        return false;
    return strcmp(kind, "verdict") != 0 || strcmp(text_of(body, "verdict"), "breach") == 0;
}

void scene_row(struct scene *s, const json_t *row)
{
    const char *kind = text_of(row, "kind");
    int64_t seq = int_of(row, "seq");
    json_t *body = json_loads(text_of(row, "body"), 0, NULL);
    if (seq > s->last_seq)
        s->last_seq = seq;
    if (!s->events)
        s->events = json_array();
    if (json_is_object(body) && is_event(kind, body)) {
        json_array_append_new(s->events, json_pack("{s:I,s:I,s:s,s:s,s:O}", "seq", (json_int_t)seq, "at",
                                                   (json_int_t)int_of(row, "at"), "kind", kind, "subject",
                                                   text_of(row, "subject"), "body", body));
        if (json_array_size(s->events) > SCENE_EVENTS_MAX)
            json_array_remove(s->events, 0);
    }
    json_decref(body);
}

static void replace(json_t **old, json_t *new)
{
    json_decref(*old);
    *old = new;
}

void scene_journal(struct scene *s, const json_t *status, int past)
{
    const char *journal = text_of(status, "journal");
    int64_t end = int_of(status, "committed");
    if (strcmp(s->journal, journal) == 0 && int_of(status, "seq") >= s->last_seq)
        return;
    replace(&s->events, NULL); /* rows of another journal have numbers of their own */
    s->last_seq = end > past ? end - past : 0;
    snprintf(s->journal, sizeof s->journal, "%s", journal);
}

bool scene_result(struct scene *s, const char *verb, const json_t *result)
{
    const struct {
        const char *verb;
        json_t **into;
        bool list;
    } parts[] = {{"status", &s->status, false},
                 {"devices", &s->devices, true},
                 {"windows", &s->windows, true},
                 {"issues", &s->issues, true}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(parts[i].verb, verb) != 0)
            continue;
        if (result && !(parts[i].list ? json_is_array(result) : json_is_object(result)))
            return false;
        replace(parts[i].into, result ? json_deep_copy(result) : NULL);
    }
    return true;
}

/* ---- readings ---- */

/* "N normal", "B no communication: no answer", "D fault: exception 2". */
static void quality_words(const struct ctl *c, const json_t *point, char *text, size_t size)
{
    const char *letter = text_of(point, "q"), *why = text_of(point, "why");
    int64_t exception = int_of(point, "exception");
    int n = snprintf(text, size, "%s %s", letter, word_quality(letter, c->zh));
    if (*why)
        n += snprintf(text + n, size - (size_t)n, "%s%s", say(c, "：", ": "), word_why(why, c->zh));
    if (exception)
        snprintf(text + n, size - (size_t)n, " %lld", (long long)exception);
}

struct reading scene_reading(const struct ctl *c, const struct scene *s, const json_t *device,
                             const json_t *point)
{
    struct reading r = {.value = "—"};
    const json_t *v = json_object_get(point, "v");
    int64_t at_ms = int_of(point, "ts"), age_ms = int_of(s->status, "now") - at_ms;
    int64_t rate = int_of(s->status, "rate"); /* site time passes between two looks */
    char span[48];
    if (!*text_of(point, "q")) {
        snprintf(r.words, sizeof r.words, "%s", say(c, "还没有读数", "not read yet"));
        return r;
    }
    r.old = at_ms && age_ms > 3 * int_of(device, "period_ms") + OLD_MS * (rate > 1 ? rate : 1);
    if (r.old) {
        snprintf(r.words, sizeof r.words, say(c, "已 %s 没有读数", "no reading for %s"),
                 when_span(age_ms, c->zh, span));
        return r;
    }
    quality_words(c, point, r.words, sizeof r.words);
    r.shown = json_is_number(v);
    if (!r.shown)
        return r;
    bool over = strcmp(text_of(point, "q"), "T") == 0;
    snprintf(r.value, sizeof r.value, "%s%.*f", over ? "≥" : "", (int)int_of(point, "decimals") & 15,
             json_number_value(v));
    r.good = strcmp(text_of(point, "q"), "N") == 0;
    return r;
}

/* ---- running windows ---- */

/* What the mean takes of the limit: of levels its energy. */
static double part_of(const json_t *window, double limit)
{
    double mean = json_number_value(json_object_get(window, "mean"));
    if (unit_is_level(text_of(window, "unit")))
        return level_energy(mean - limit);
    return limit > 0 ? mean / limit : 0;
}

/* Of a mean that may be compared. */
static void compare_words(const struct ctl *c, struct so_far *s, const json_t *window)
{
    static const char *const words[][2] = {[LEVEL_GOOD] = {"未超标", "below"},
                                           [LEVEL_CLOSE] = {"接近限值", "close"},
                                           [LEVEL_OVER] = {"超标", "OVER"}};
    double limit = json_number_value(json_object_get(window, "value"));
    s->part = part_of(window, limit);
    const char *verdict = text_of(window, "verdict");
    bool over = strcmp(verdict, "breach") == 0 || strcmp(verdict, "exceeded") == 0;
    s->level = over ? LEVEL_OVER : s->part >= 0.8 ? LEVEL_CLOSE : LEVEL_GOOD;
    snprintf(s->share, sizeof s->share, "%.0f%%", s->part * 100);
    snprintf(s->words, sizeof s->words, "%s", say(c, words[s->level][0], words[s->level][1]));
}

/* Of a mean that is there. */
static const char *why_unknown(const struct ctl *c, const char *why)
{
    if (strcmp(why, "background missing") == 0)
        return say(c, "无背景值，不可判定", "no background: unknown");
    if (strcmp(why, "stage of the work not known") == 0)
        return say(c, "施工阶段未知，不可判定", "no stage: unknown");
    return say(c, "超量程，不可判定", "over range: unknown");
}

struct so_far scene_so_far(const struct ctl *c, const json_t *window)
{
    const json_t *mean = json_object_get(window, "mean");
    const char *verdict = text_of(window, "verdict"), *letter = text_of(window, "q");
    bool lower = strcmp(letter, "T") == 0, enough = lower || strcmp(letter, "N") == 0;
    struct so_far s = {.mean = "—", .level = LEVEL_UNKNOWN, .part = -1};
    if (!*verdict) {
        s.level = LEVEL_NONE;
        snprintf(s.words, sizeof s.words, "%s", say(c, "尚无整分钟", "no whole minute yet"));
        return s;
    }
    if (!json_is_number(mean)) {
        snprintf(s.words, sizeof s.words, "%s", word_quality(letter, c->zh));
        return s;
    }
    snprintf(s.mean, sizeof s.mean, !enough ? "(%.1f)" : lower ? "≥%.1f" : "%.1f", json_number_value(mean));
    if (!enough)
        snprintf(s.words, sizeof s.words, "%s", say(c, "数据不足", "too few values"));
    else if (strcmp(verdict, "unknown") == 0)
        snprintf(s.words, sizeof s.words, "%s", why_unknown(c, text_of(window, "why")));
    else
        compare_words(c, &s, window);
    return s;
}

int64_t scene_due(const json_t *issue, bool *to_answer)
{
    int64_t answer_ms = int_of(issue, "answer_due");
    *to_answer = answer_ms && !is_true(issue, "answered");
    return *to_answer ? answer_ms : int_of(issue, "rectify_due");
}

/* ---- events ---- */

struct telling {
    const struct ctl *c;
    const json_t *body;
    const char *subject;
    char *text;
    size_t size;
};

/* The Chinese or English of a short word of the daemon, or the word itself. */
static const char *word_in(const struct ctl *c, const char *const (*table)[3], size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(table[i][0], name) == 0)
            return say(c, table[i][1], table[i][2]);
    return name;
}

#define WORD_IN(c, table, name) word_in(c, table, sizeof(table) / sizeof *(table), name)

static void tell_boot(const struct telling *t)
{
    static const char *const before[][3] = {
        {"none", "新数据库", "new database"},
        {"stopped", "上次正常停止", "stopped before"},
        {"broke off", "上次运行中断", "the last run broke off"},
    };
    snprintf(t->text, t->size, say(t->c, "dustd %s 启动（%s）", "dustd %s started (%s)"),
             text_of(t->body, "version"), WORD_IN(t->c, before, text_of(t->body, "before")));
}

static void tell_key(const struct telling *t)
{
    static const char *const why[][3] = {
        {"lost", "原密钥丢失，已新建", "the old one was lost"},
        {"replaced", "已更换", "replaced"},
        {"unreadable", "读不出来", "it cannot be read"},
    };
    snprintf(t->text, t->size, say(t->c, "网关密钥变动：%s", "the gateway's key has changed: %s"),
             WORD_IN(t->c, why, text_of(t->body, "why")));
}

static void tell_stop(const struct telling *t)
{
    snprintf(t->text, t->size, "%s", say(t->c, "dustd 停止", "dustd stopped"));
}

static void tell_settings(const struct telling *t)
{
    const char *by = text_of(t->body, "by");
    snprintf(t->text, t->size, "%s%s%s", say(t->c, "新的配置已生效", "other settings are in force"),
             *by ? " - " : "", by);
}

static void tell_journal(const struct telling *t)
{
    snprintf(t->text, t->size, "%s",
             is_true(t->body, "adopted")
                 ? say(t->c, "接替了更换下来的网关", "took over from a replaced gateway")
                 : say(t->c, "原数据库损坏，已换新库", "the database was damaged: a new one"));
}

static void tell_gap(const struct telling *t)
{
    static const char *const reasons[][3] = {
        {"power_off", "夜间断电", "power off as planned"},
        {"outage", "停电或关机", "the machine was off"},
        {"died", "程序异常退出", "the program died"},
        {"stopped", "程序停止", "stopped"},
        {"undated", "当时没有时间", "no date then"},
        {"dropped", "暂存过久被丢弃", "held without a date for too long"},
        {"clock", "时钟前调", "the clock was set forward"},
        {"paused", "程序被挂起", "held up"},
        {"replaced", "更换网关", "the gateway was replaced"},
    };
    char from[32], to[32], span[48];
    int64_t from_ms = int_of(t->body, "from"), to_ms = int_of(t->body, "to");
    const char *reason = WORD_IN(t->c, reasons, text_of(t->body, "reason"));
    snprintf(t->text, t->size, say(t->c, "无记录 %s：%s … %s%s%s", "nothing recorded for %s: %s … %s%s%s"),
             when_span(to_ms - from_ms, t->c->zh, span), when_text(from_ms, t->c->zone_min, from),
             when_text(to_ms, t->c->zone_min, to), *reason ? say(t->c, "，", ", ") : "", reason);
}

static void tell_clock(const struct telling *t)
{
    if (json_object_get(t->body, "step_ms"))
        snprintf(t->text, t->size, say(t->c, "时钟调整 %+.1f 秒", "the clock was set by %+.1f s"),
                 (double)int_of(t->body, "step_ms") / 1000);
    else
        snprintf(t->text, t->size, "%s",
                 say(t->c, "开机后时钟首次校准", "the clock is right for the first time since the boot"));
}

/* Of a bus or a device. */
static void tell_state(const struct telling *t, const char *what, const char *why)
{
    const char *state = text_of(t->body, "state");
    snprintf(t->text, t->size, "%s %s %s%s%s", what, t->subject, word_state(state, t->c->zh),
             *why ? say(t->c, "：", ": ") : "", why);
}

static void tell_line(const struct telling *t)
{
    tell_state(t, say(t->c, "总线", "bus"), word_why(text_of(t->body, "error"), t->c->zh));
}

/* A setting of it is another, or was read for the first time. */
static void tell_setting(const struct telling *t)
{
    const json_t *old = json_object_get(t->body, "old_raw");
    snprintf(t->text, t->size,
             old ? say(t->c, "设备 %s 的参数 %s 被改动：0x%s → 0x%s",
                       "device %s: its setting %s was changed: 0x%s → 0x%s")
                 : say(t->c, "设备 %s 的参数 %s 为 %s0x%s", "device %s: its setting %s is %s0x%s"),
             t->subject, text_of(t->body, "register"), text_of(t->body, "old_raw"),
             text_of(t->body, "new_raw"));
}

static void tell_device(const struct telling *t)
{
    if (json_object_get(t->body, "register")) {
        tell_setting(t);
        return;
    }
    tell_state(t, say(t->c, "设备", "device"), word_why(text_of(t->body, "why"), t->c->zh));
}

static void tell_verdict(const struct telling *t)
{
    const char *unit = unit_shown(text_of(t->body, "unit"));
    snprintf(
        t->text, t->size,
        say(t->c, "超标：%s %s 均值 %.10g %s，限值 %.10g", "over the limit %s: %s %.10g %s, limit %.10g"),
        t->subject, text_of(t->body, "point"), json_number_value(json_object_get(t->body, "mean")), unit,
        json_number_value(json_object_get(t->body, "value")));
}

/* Of a window that has not ended, or a day that has used what it may have. */
static void tell_running(const struct telling *t)
{
    bool lost = strcmp(text_of(t->body, "verdict"), "breach") == 0;
    const char *point = text_of(t->body, "point"), *unit = unit_shown(text_of(t->body, "unit"));
    if (json_object_get(t->body, "exceeded"))
        snprintf(t->text, t->size,
                 say(t->c, "%s：%s %s 当日已超过 %lld 次，允许 %lld 次",
                     "%s: %s %s over %lld times today, %lld allowed"),
                 lost ? say(t->c, "超标", "over the limit") : say(t->c, "预警", "warning"), t->subject, point,
                 (long long)int_of(t->body, "exceeded"), (long long)int_of(t->body, "allowed"));
    else if (lost)
        snprintf(t->text, t->size,
                 say(t->c, "超标（时段未结束）：%s %s 已不可能达标",
                     "over the limit %s: %s, window running, cannot be kept any more"),
                 t->subject, point);
    else
        snprintf(t->text, t->size,
                 say(t->c, "预警：%s %s 本时段余下均值不得超过 %.10g %s",
                     "warning %s: %s, the rest of the window may have a mean of %.10g %s"),
                 t->subject, point, json_number_value(json_object_get(t->body, "rest_may")), unit);
}

static void tell_quality(const struct telling *t)
{
    bool ended = strcmp(text_of(t->body, "state"), "end") == 0;
    const char *weight = "", *point = text_of(t->body, "point"), *why = text_of(t->body, "why");
    if (json_is_true(json_object_get(t->body, "suspicion")))
        weight = say(t->c, "（疑似）", ", suspected");
    if (json_is_true(json_object_get(t->body, "tag")))
        weight = say(t->c, "（标注）", ", tag");
    if (ended)
        snprintf(t->text, t->size, say(t->c, "数据质量：%s %s 已结束", "data quality: %s at %s is over"),
                 t->subject, point);
    else
        snprintf(t->text, t->size, say(t->c, "数据质量%s：%s %s（%s）", "data quality%s: %s at %s (%s)"),
                 weight, t->subject, point, why);
}

static void tell_issue(const struct telling *t)
{
    const char *by = text_of(t->body, "by"), *said = text_of(t->body, "text");
    bool machine = strcmp(by, "machine") == 0;
    if (!*said)
        said = say_title(t->c, json_object_get(t->body, "title"));
    snprintf(t->text, t->size, say(t->c, "问题 %s %s → %s（%s）%s", "issue %s %s → %s (%s) %s"), t->subject,
             word_verb(text_of(t->body, "step"), t->c->zh), word_state(text_of(t->body, "to"), t->c->zh),
             machine ? say(t->c, "系统", "dustd") : by, said);
}

static void tell_refused(const struct telling *t)
{
    snprintf(t->text, t->size, say(t->c, "%s 拒收第 %lld 条：%s", "%s refused row %lld: %s"), t->subject,
             (long long)int_of(t->body, "row"), text_of(t->body, "why"));
}

static void tell_denied(const struct telling *t)
{
    snprintf(t->text, t->size, say(t->c, "%s 无权操作（%s），%lld 次：%s", "%s may not (%s), %lld times: %s"),
             t->subject, text_of(t->body, "did"), (long long)int_of(t->body, "n"), text_of(t->body, "why"));
}

void scene_event(const struct ctl *c, const json_t *event, char *text, size_t size)
{
    static const struct {
        const char *kind;
        void (*tell)(const struct telling *t);
    } kinds[] = {
        {"boot", tell_boot},         {"clock", tell_clock},     {"denied", tell_denied},
        {"device", tell_device},     {"gap", tell_gap},         {"issue", tell_issue},
        {"journal", tell_journal},   {"key", tell_key},         {"line", tell_line},
        {"refused", tell_refused},   {"quality", tell_quality}, {"running", tell_running},
        {"settings", tell_settings}, {"stop", tell_stop},       {"verdict", tell_verdict},
    };
    const char *kind = text_of(event, "kind");
    const struct telling t = {c, json_object_get(event, "body"), text_of(event, "subject"), text, size};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].kind, kind) == 0) {
            kinds[i].tell(&t);
            return;
        }
    snprintf(text, size, "%s %s", kind, t.subject); /* of a newer daemon */
}
