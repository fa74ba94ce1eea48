/* Opportunities that have failed become findings: each once, and a vehicle's is made good by the next. */
#include "daemon/required_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/config/config.h"
#include "daemon/dustd.h"
#include "daemon/judge/record.h"
#include "daemon/judge/requirement.h"
#include "daemon/ledger/ledger.h"
#include "daemon/rows.h"

#include <stdio.h>

static bool is_told(const struct required *q, struct told_failure f)
{
    for (size_t i = 0; i < q->ntold; i++)
        if (q->told[i].key == f.key && q->told[i].at_ms == f.at_ms)
            return true;
    return false;
}

static void note_told(struct required *q, struct told_failure f)
{
    q->told = mem_resize(q->told, q->ntold + 1, sizeof *q->told);
    q->told[q->ntold++] = f;
}

/* While a day's failures are looked for. */
struct search {
    struct dustd *d;
    const struct requirement *of;
    const struct check *check;
    int count[OUTCOME__COUNT + 1];
    int64_t newest_met_ms, newest_failed_ms; /* of vehicles */
    bool unwritten;                          /* the disk did not take something that is to be told */
};

static bool by_event(enum cause cause)
{
    return cause == CAUSE_WASH_NONE || cause == CAUSE_WASH_SHORT || cause == CAUSE_WASH_BYPASS;
}

static uint64_t failure_key(const char *requirement, const char *check, const char *cause)
{
    return required_hash(required_hash(required_hash(0, requirement), check), cause);
}

static void say_where(const struct search *s, const struct opportunity *o, bool chinese, char *text,
                      size_t size)
{
    char from[32];
    clock_text(o->from_ms, s->d->config->site.zone_min, from);
    from[16] = 0;
    from[10] = ' ';
    snprintf(text, size, chinese ? "%s，%s：%s%s%s（%s）" : "%s, %s: %s%s%s (%s)",
             chinese ? s->of->title_zh : s->of->title_en, chinese ? s->check->title_zh : s->check->title_en,
             chinese ? cause_zh(o->cause) : cause_en(o->cause), *o->about ? " " : "", o->about, from);
}

static json_t *evidence_json(const struct search *s, const struct opportunity *o)
{
    json_t *e =
        json_pack("{s:s,s:s,s:s,s:I,s:I}", "requirement", s->of->name, "check", s->check->name, "cause",
                  cause_str(o->cause), "from", (json_int_t)o->from_ms, "to", (json_int_t)o->to_ms);
    if (*o->about)
        json_object_set_new(e, "about", json_string(o->about));
    return e;
}

/* False: the disk takes nothing. */
static bool write_step(struct dustd *d, int64_t now_ms, const char *id, char *body)
{
    int64_t seq = row_step(d, now_ms, id, body);
    if (seq)
        batch_tell(d, seq, id, 0);
    return seq != 0;
}

/* False: it could not be written, and is found again. */
static bool find_failure(const struct search *s, const struct opportunity *o)
{
    char zh[400], en[400], cause[64], id[32], *body = NULL;
    const struct requirements *all = &s->d->config->requirements;
    snprintf(cause, sizeof cause, "%s/%s", s->check->name, cause_str(o->cause));
    say_where(s, o, true, zh, sizeof zh);
    say_where(s, o, false, en, sizeof en);
    struct finding f = {.kind = by_event(o->cause) ? "wash" : "requirement",
                        .subject = s->of->name,
                        .cause = cause,
                        .text_zh = zh,
                        .text_en = en,
                        .person = all->person,
                        .answer_ms = all->answer_ms,
                        .rectify_ms = s->of->rectify_ms,
                        .evidence = evidence_json(s, o)};
    int64_t now_ms = clock_site_ms();
    if (ledger_find(s->d->ledger, now_ms, &f, &body, id) == ERR_OK)
        return write_step(s->d, now_ms, id, body);
    log_error("%s/%s: a failure cannot be an issue", s->of->name, s->check->name);
    return true;
}

static void take_opportunity(const struct opportunity *o, void *arg)
{
    struct search *s = arg;
    s->count[o->outcome]++;
    if (s->check->kind == CHECK_PASSAGE && o->outcome == OUTCOME_MET && o->from_ms > s->newest_met_ms)
        s->newest_met_ms = o->from_ms;
    if (o->outcome != OUTCOME_FAILED)
        return;
    if (o->from_ms > s->newest_failed_ms)
        s->newest_failed_ms = o->from_ms;
    struct told_failure f = {failure_key(s->of->name, s->check->name, cause_str(o->cause)), o->from_ms};
    if (is_told(s->d->required, f))
        return;
    if (find_failure(s, o))
        note_told(s->d->required, f);
    else
        s->unwritten = true;
}

/* A vehicle that was not washed is made good by the next that was (life.c: closed by the event). */
static void recover_wash(struct search *s)
{
    static const enum cause causes[] = {CAUSE_WASH_NONE, CAUSE_WASH_SHORT, CAUSE_WASH_BYPASS};
    if (s->newest_met_ms <= s->newest_failed_ms)
        return;
    for (size_t i = 0; i < sizeof causes / sizeof *causes; i++) {
        char cause[64], id[32], *body = NULL;
        snprintf(cause, sizeof cause, "%s/%s", s->check->name, cause_str(causes[i]));
        struct finding f = {.kind = "wash",
                            .subject = s->of->name,
                            .cause = cause,
                            .evidence = json_pack("{s:I}", "washed", (json_int_t)s->newest_met_ms)};
        int64_t now_ms = clock_site_ms();
        if (ledger_recover(s->d->ledger, now_ms, &f, &body, id) == ERR_OK)
            s->unwritten = !write_step(s->d, now_ms, id, body) || s->unwritten;
    }
}

static struct stood judge_check_anew(struct dustd *d, const struct asked_day *day, const struct check *c)
{
    struct search s = {
        .d = d, .of = day->of, .check = c, .newest_met_ms = INT64_MIN, .newest_failed_ms = INT64_MIN};
    check_judge(day, c, take_opportunity, &s);
    if (c->kind == CHECK_PASSAGE && c->need == NEED_WASH)
        recover_wash(&s);
    return (struct stood){.day_ms = day->day_ms,
                          .due_ms = s.unwritten ? 0 : check_due(day, c),
                          .changes = record_changes(day->record),
                          .failed = s.count[OUTCOME_FAILED],
                          .unknown = s.count[OUTCOME_UNKNOWN]};
}

static bool stands(const struct stood *s, const struct asked_day *day)
{
    return s->day_ms == day->day_ms && day->now_ms < s->due_ms && s->changes == record_changes(day->record);
}

enum verdict failures_find(struct dustd *d, const struct requirement *of, int64_t day_ms, int64_t now_ms,
                           struct stood *stood)
{
    int failed = 0, unknown = 0;
    struct asked_day day = {d->required->record, of, day_ms, now_ms};
    for (int k = 0; k < of->nchecks; k++) {
        struct stood is = stood ? stood[k] : (struct stood){0};
        if (!stands(&is, &day))
            is = judge_check_anew(d, &day, &of->checks[k]);
        if (stood)
            stood[k] = is;
        failed += is.failed;
        unknown += is.unknown;
    }
    return failed ? VERDICT_BREACH : unknown ? VERDICT_UNKNOWN : VERDICT_PASS;
}

void failures_known(struct required *q, const json_t *evidence)
{
    const char *requirement = json_string_value(json_object_get(evidence, "requirement"));
    const char *check = json_string_value(json_object_get(evidence, "check"));
    const char *cause = json_string_value(json_object_get(evidence, "cause"));
    if (requirement && check && cause)
        note_told(q, (struct told_failure){failure_key(requirement, check, cause),
                                           json_integer_value(json_object_get(evidence, "from"))});
}

void failures_forget(struct required *q, int64_t before_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->ntold; i++)
        if (q->told[i].at_ms >= before_ms)
            q->told[kept++] = q->told[i];
    q->ntold = kept;
}
