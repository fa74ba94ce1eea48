#include "daemon/required.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "drivers/profile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A verdict row that the journal has. */
struct judged {
    int64_t day_ms, seq;
    uint64_t requirement, content;
    enum verdict verdict;
    int num, den;
};

/* A failed opportunity that the ledger has. */
struct told_failure {
    uint64_t key;
    int64_t at_ms;
};

/* How a requirement of the running day stands. */
struct standing {
    enum verdict verdict;
    int64_t since_ms; /* 0: not judged yet */
};

struct required {
    struct record *record;
    struct facts *facts;
    struct judged *judged;
    size_t njudged;
    struct told_failure *told;
    size_t ntold;
    struct standing *standings; /* config.requirements.n */
    int64_t closed_ms;          /* end of the last closed minute; 0: none */
    uint64_t said;              /* what the board said last */
    int64_t next_day_ms;        /* the first day without verdicts; 0: nothing is known yet */
};

struct required *required_create(const struct config *c)
{
    struct required *q = mem_new(struct required);
    q->record = record_create(c);
    q->facts = facts_create();
    q->standings = mem_array((size_t)c->requirements.n, sizeof *q->standings);
    return q;
}

void required_destroy(struct required *q)
{
    if (!q)
        return;
    record_destroy(q->record);
    facts_destroy(q->facts);
    mem_free(q->judged);
    mem_free(q->told);
    mem_free(q->standings);
    mem_free(q);
}

void required_configure(struct required *q, const struct config *c)
{
    struct record *was = q->record;
    q->record = record_carry(was, c);
    record_destroy(was);
    mem_free(q->standings);
    q->standings = mem_array((size_t)c->requirements.n, sizeof *q->standings);
}

struct facts *required_facts(struct required *q)
{
    return q->facts;
}

const struct record *required_record(const struct required *q)
{
    return q->record;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    hash = hash ? hash : 14695981039346656037u; /* FNV-1a */
    for (const char *c = text;; c++) {
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
        if (!*c)
            return hash;
    }
}

static int64_t day_of(const struct dustd *d, int64_t at_ms)
{
    return clock_window_start(at_ms, CLOCK_DAY_MS, d->config->site.zone_min);
}

/* --- verdict rows --- */

static struct judged *find_judged(struct required *q, int64_t day_ms, uint64_t requirement)
{
    for (size_t i = 0; i < q->njudged; i++)
        if (q->judged[i].day_ms == day_ms && q->judged[i].requirement == requirement)
            return &q->judged[i];
    return NULL;
}

static void note_judged(struct required *q, struct judged new)
{
    struct judged *old = find_judged(q, new.day_ms, new.requirement);
    if (!old) {
        q->judged = mem_resize(q->judged, q->njudged + 1, sizeof *q->judged);
        old = &q->judged[q->njudged++];
    }
    *old = new;
}

static uint64_t content_of(const json_t *verdict)
{
    char *text = json_dumps(verdict, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
    uint64_t hash = hash_text(0, text);
    mem_free(text);
    return hash;
}

/* A row, unless the journal has this very verdict already. False: the disk takes nothing. */
static bool write_verdict(struct dustd *d, const struct requirement_result *result, int64_t day_ms)
{
    struct required *q = d->required;
    const char *name = result->requirement->name;
    json_t *verdict = required_json(q->record, result, day_ms);
    int met = result->count[OUTCOME_MET], den = met + result->count[OUTCOME_FAILED];
    struct judged new = {day_ms, 0, hash_text(0, name), content_of(verdict), result->verdict, met, den};
    const struct judged *old = find_judged(q, day_ms, new.requirement);
    if (old && old->content == new.content) {
        json_decref(verdict);
        return true;
    }
    json_t *body = row_begin(d, day_ms, "requirement", name);
    json_object_update(body, verdict);
    if (old)
        json_object_set_new(body, "corrects", json_integer(old->seq));
    json_decref(verdict);
    new.seq = row_append(d, day_ms, "requirement", name, body);
    if (new.seq)
        note_judged(q, new);
    return new.seq != 0;
}

/* --- findings --- */

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

static void forget(struct required *q, int64_t before_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->ntold; i++)
        if (q->told[i].at_ms >= before_ms)
            q->told[kept++] = q->told[i];
    q->ntold = kept;
    kept = 0;
    for (size_t i = 0; i < q->njudged; i++)
        if (q->judged[i].day_ms >= before_ms)
            q->judged[kept++] = q->judged[i];
    q->njudged = kept;
    facts_forget(q->facts, before_ms);
}

/* While a day's failures are looked for. */
struct search {
    struct dustd *d;
    const struct requirement *of;
    const struct check *check;
    int count[OUTCOME__COUNT + 1];
    int64_t newest_met_ms, newest_failed_ms; /* of vehicles */
};

static bool by_event(enum cause cause)
{
    return cause == CAUSE_WASH_NONE || cause == CAUSE_WASH_SHORT || cause == CAUSE_WASH_BYPASS;
}

static uint64_t failure_key(const char *requirement, const char *check, const char *cause)
{
    return hash_text(hash_text(hash_text(0, requirement), check), cause);
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
    if (!is_told(s->d->required, f) && find_failure(s, o))
        note_told(s->d->required, f);
}

/* A vehicle that was not washed is made good by the next that was (life.c: closed by the event). */
static void recover_wash(const struct search *s)
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
            write_step(s->d, now_ms, id, body);
    }
}

/* What the checks of a requirement come to; failures that are new become findings. */
static enum verdict find_in(struct dustd *d, const struct requirement *of, int64_t day_ms, int64_t now_ms)
{
    int failed = 0, unknown = 0;
    for (int k = 0; k < of->nchecks; k++) {
        struct search s = {.d = d,
                           .of = of,
                           .check = &of->checks[k],
                           .newest_met_ms = INT64_MIN,
                           .newest_failed_ms = INT64_MIN};
        struct asked_day day = {d->required->record, of, day_ms, now_ms};
        check_judge(&day, s.check, take_opportunity, &s);
        failed += s.count[OUTCOME_FAILED];
        unknown += s.count[OUTCOME_UNKNOWN];
        if (s.check->kind == CHECK_PASSAGE && s.check->need == NEED_WASH)
            recover_wash(&s);
    }
    return failed ? VERDICT_BREACH : unknown ? VERDICT_UNKNOWN : VERDICT_PASS;
}

/* Of the running day: also how each requirement stands, and since when. */
static void find_today(struct dustd *d, int64_t day_ms, int64_t now_ms)
{
    for (int i = 0; i < d->config->requirements.n; i++) {
        struct standing *s = &d->required->standings[i];
        enum verdict v = find_in(d, &d->config->requirements.list[i], day_ms, now_ms);
        if (!s->since_ms || s->verdict != v || s->since_ms < day_ms)
            *s = (struct standing){v, now_ms - CLOCK_MINUTE_MS};
    }
}

/* --- days --- */

/* False: a verdict could not be written. */
static bool judge_day(struct dustd *d, int64_t day_ms)
{
    bool whole = true;
    const struct requirements *all = &d->config->requirements;
    int64_t now_ms = day_ms + CLOCK_DAY_MS + requirements_settle_ms(all);
    for (int i = 0; i < all->n; i++) {
        struct requirement_result result;
        find_in(d, &all->list[i], day_ms, now_ms);
        requirement_judge(d->required->record, &all->list[i], day_ms, now_ms, &result);
        whole = write_verdict(d, &result, day_ms) && whole;
        requirement_finish(&result);
    }
    return whole;
}

/* Days that are over and settled. After a long outage only those are judged of which the record can know. */
static void judge_days(struct dustd *d, int64_t now_ms)
{
    struct required *q = d->required;
    int64_t settle_ms = requirements_settle_ms(&d->config->requirements);
    int64_t oldest_ms = day_of(d, now_ms) - INPUT_LATE_DAYS * (int64_t)CLOCK_DAY_MS;
    if (q->next_day_ms < oldest_ms)
        q->next_day_ms = oldest_ms;
    while (q->next_day_ms + CLOCK_DAY_MS + settle_ms <= now_ms && judge_day(d, q->next_day_ms))
        q->next_day_ms += CLOCK_DAY_MS;
}

/* --- the board --- */

/* The newest verdict of a day that is over. */
static json_t *last_day_json(const struct dustd *d, const char *requirement)
{
    const struct judged *newest = NULL;
    const struct required *q = d->required;
    char day[32];
    for (size_t i = 0; i < q->njudged; i++)
        if (q->judged[i].requirement == hash_text(0, requirement) &&
            (!newest || q->judged[i].day_ms > newest->day_ms))
            newest = &q->judged[i];
    if (!newest)
        return NULL;
    clock_text(newest->day_ms, d->config->site.zone_min, day);
    day[10] = 0;
    return json_pack("{s:s,s:s,s:i,s:i,s:I}", "day", day, "verdict", verdict_str(newest->verdict), "num",
                     newest->num, "den", newest->den, "seq", (json_int_t)newest->seq);
}

json_t *required_board(const struct dustd *d)
{
    const struct required *q = d->required;
    const struct requirements *all = &d->config->requirements;
    json_t *list = json_array();
    int64_t day_ms = q->closed_ms ? day_of(d, q->closed_ms - 1) : 0;
    for (int i = 0; i < all->n && q->closed_ms; i++) {
        struct requirement_result result;
        requirement_judge(q->record, &all->list[i], day_ms, q->closed_ms, &result);
        json_t *line = required_line(q->record, &result, day_ms, q->closed_ms);
        if (q->standings[i].since_ms)
            json_object_set_new(line, "since", json_integer(q->standings[i].since_ms));
        json_t *last = last_day_json(d, all->list[i].name);
        if (last)
            json_object_set_new(line, "last_day", last);
        json_array_append_new(list, line);
        requirement_finish(&result);
    }
    return json_pack("{s:I,s:o}", "ts", (json_int_t)q->closed_ms, "requirements", list);
}

/* To the brokers when something of it but the time has changed. */
static void say_board(struct dustd *d)
{
    bool anybody = false;
    for (int i = 0; i < d->config->nmqtt; i++)
        anybody = anybody || d->uplinks[i].connected;
    if (!anybody)
        return;
    json_t *board = required_board(d);
    uint64_t content = content_of(json_object_get(board, "requirements"));
    json_decref(board);
    if (content != d->required->said)
        now_requirements(d, -1);
    d->required->said = content;
}

void required_minute(struct dustd *d, int64_t start_ms)
{
    struct required *q = d->required;
    int64_t end_ms = start_ms + CLOCK_MINUTE_MS;
    record_minute(q->record, start_ms, d->means);
    if (start_ms == day_of(d, start_ms))
        forget(q, start_ms - RECORD_DAYS * (int64_t)CLOCK_DAY_MS);
    if (d->config->requirements.n == 0)
        return;
    q->closed_ms = end_ms;
    if (!q->next_day_ms)
        q->next_day_ms = day_of(d, start_ms);
    if (d->shed.refused)
        return; /* nothing found now could be told: it is found when the disk takes rows again */
    judge_days(d, end_ms);
    find_today(d, day_of(d, start_ms), end_ms);
    say_board(d);
}

void required_end(struct dustd *d, int64_t end_ms)
{
    if (d->config->requirements.n && d->required->next_day_ms)
        judge_days(d, end_ms + requirements_settle_ms(&d->config->requirements));
}

/* --- inputs --- */

static void fill_facts(struct facts *f, const struct input *i)
{
    if (i->kind == INPUT_MAINTENANCE)
        facts_set_service(f, i->about, strcmp(i->what, "calibration") == 0 ? 'C' : 'M', i->from_ms, i->to_ms);
    if (i->kind == INPUT_BACKGROUND)
        for (const struct word *w = role_words; w->text; w++)
            if (strcmp(w->text, i->what) == 0)
                facts_set_background(f, w->text, i->from_ms, i->to_ms - i->from_ms, i->value);
    if (i->kind == INPUT_STAGE)
        for (const struct word *w = stage_words; w->text; w++)
            if (strcmp(w->text, i->what) == 0)
                facts_set_stage(f, i->from_ms, (enum stage)w->value);
}

void required_known(struct dustd *d, const struct input *i, unsigned roles)
{
    fill_facts(d->required->facts, i);
    record_input(d->required->record, i, roles);
}

void required_input(struct dustd *d, const struct input *i, unsigned roles)
{
    struct required *q = d->required;
    required_known(d, i, roles);
    if (i->kind == INPUT_BACKGROUND)
        judge_late(d->judge, judging_heard, d);
    if (d->config->requirements.n == 0 || i->kind == INPUT_BACKGROUND || i->kind == INPUT_MAINTENANCE)
        return;
    int64_t around_ms = requirements_settle_ms(&d->config->requirements) + CLOCK_HOUR_MS;
    int64_t to_ms =
        i->to_ms == INPUT_OPEN || i->kind == INPUT_INSPECTION ? q->next_day_ms : i->to_ms + around_ms;
    for (int64_t day_ms = day_of(d, i->from_ms - around_ms); day_ms < q->next_day_ms && day_ms <= to_ms;
         day_ms += CLOCK_DAY_MS)
        if (find_judged(q, day_ms, hash_text(0, d->config->requirements.list[0].name)))
            judge_day(d, day_ms);
}

/* --- at start --- */

static double mean_of(const json_t *point)
{
    const json_t *mean = json_object_get(point, "mean");
    return json_is_number(mean) ? json_number_value(mean) : NAN;
}

/* A minute may stand in several rows, each with some of the points: the others keep what they were. */
static void known_minute(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    const json_t *points = json_object_get(body, "points");
    struct mean *means = mem_array((size_t)d->config->npoints, sizeof *means);
    for (int i = 0; i < d->config->npoints; i++) {
        const json_t *point = json_object_get(points, d->config->points[i].name);
        const char *quality = json_string_value(json_object_get(point, "q"));
        double before = record_value(d->required->record, i, row->at_ms);
        means[i] = point
                       ? (struct mean){.mean = mean_of(point), .quality = quality ? (uint8_t)quality[0] : 'D'}
                       : (struct mean){.mean = before, .quality = isnan(before) ? 'D' : 'N'};
    }
    record_minute(d->required->record, row->at_ms, means);
    int64_t day_ms = day_of(d, row->at_ms);
    if (!d->required->next_day_ms || day_ms < d->required->next_day_ms)
        d->required->next_day_ms = day_ms;
    mem_free(means);
    json_decref(body);
}

static enum verdict verdict_of(const json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "verdict"));
    for (int v = VERDICT_PASS; text && v < VERDICT_UNKNOWN; v++)
        if (strcmp(verdict_str((enum verdict)v), text) == 0)
            return (enum verdict)v;
    return VERDICT_UNKNOWN;
}

static int count_of(const json_t *body, const char *key)
{
    return (int)json_integer_value(json_object_get(body, key));
}

static void known_verdict(const struct row *row, void *arg)
{
    static const char *const ours[] = {"ts", "kind", "subject", "simulated", "late", "removed", "corrects"};
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        json_object_del(body, ours[i]);
    if (body)
        note_judged(d->required,
                    (struct judged){row->at_ms, row->seq, hash_text(0, row->subject), content_of(body),
                                    verdict_of(body), count_of(body, "num"), count_of(body, "den")});
    json_decref(body);
}

static void known_failure(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    const json_t *e = json_object_get(body, "evidence");
    const char *requirement = json_string_value(json_object_get(e, "requirement"));
    const char *check = json_string_value(json_object_get(e, "check"));
    const char *cause = json_string_value(json_object_get(e, "cause"));
    if (requirement && check && cause)
        note_told(d->required, (struct told_failure){failure_key(requirement, check, cause),
                                                     json_integer_value(json_object_get(e, "from"))});
    json_decref(body);
}

/* Days before the first that has minutes are not judged; those that have verdicts are not judged again. */
int required_scan(struct dustd *d)
{
    struct required *q = d->required;
    int64_t from_ms = day_of(d, d->opened.last_at_ms) - (RECORD_DAYS - 1) * (int64_t)CLOCK_DAY_MS;
    if (d->config->requirements.n == 0)
        return ERR_OK;
    int rc = store_scan_rows(d->store, "minute", from_ms, known_minute, d);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, "requirement", from_ms, known_verdict, d);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, "issue", from_ms, known_failure, d);
    for (size_t i = 0; i < q->njudged; i++)
        if (q->judged[i].day_ms >= q->next_day_ms)
            q->next_day_ms = q->judged[i].day_ms + CLOCK_DAY_MS;
    return rc;
}
