#include "daemon/required_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"
#include "daemon/config/stage_words.h"
#include "daemon/dustd.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/record.h"
#include "daemon/judge/requirement.h"
#include "daemon/judging.h"
#include "daemon/now.h"
#include "daemon/required.h"
#include "daemon/rows.h"
#include "daemon/uplink_now.h"
#include "drivers/profile.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void create_standings(struct required *q, const struct requirements *all)
{
    size_t n = 0;
    for (int i = 0; i < all->n; i++)
        n += (size_t)all->list[i].nchecks;
    q->nstood = n;
    q->stood = mem_array(n, sizeof *q->stood);
    q->standings = mem_array((size_t)all->n, sizeof *q->standings);
    for (int i = all->n; i > 0; i--) {
        n -= (size_t)all->list[i - 1].nchecks;
        q->standings[i - 1].checks = q->stood + n;
    }
}

static void free_standings(struct required *q)
{
    mem_free(q->stood);
    mem_free(q->standings);
}

struct required *required_create(const struct config *c)
{
    struct required *q = mem_new(struct required);
    q->record = record_create(c);
    q->facts = facts_create();
    create_standings(q, &c->requirements);
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
    free_standings(q);
    mem_free(q);
}

void required_configure(struct required *q, const struct config *c)
{
    struct record *was = q->record;
    q->record = record_carry(was, c);
    record_destroy(was);
    free_standings(q);
    create_standings(q, &c->requirements);
}

void required_doubt(struct required *q)
{
    for (size_t i = 0; i < q->nstood; i++)
        q->stood[i].due_ms = 0;
}

struct facts *required_facts(struct required *q)
{
    return q->facts;
}

const struct record *required_record(const struct required *q)
{
    return q->record;
}

uint64_t required_hash(uint64_t hash, const char *text)
{
    hash = hash ? hash : 14695981039346656037u; /* FNV-1a */
    for (const char *c = text;; c++) {
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
        if (!*c)
            return hash;
    }
}

int64_t required_day(const struct dustd *d, int64_t at_ms)
{
    return clock_window_start(at_ms, CLOCK_DAY_MS, d->config->site.zone_min);
}

/* --- verdict rows --- */

struct judged *required_find(struct required *q, int64_t day_ms, uint64_t requirement)
{
    for (size_t i = 0; i < q->njudged; i++)
        if (q->judged[i].day_ms == day_ms && q->judged[i].requirement == requirement)
            return &q->judged[i];
    return NULL;
}

void required_note(struct required *q, struct judged new)
{
    struct judged *old = required_find(q, new.day_ms, new.requirement);
    if (!old) {
        q->judged = mem_resize(q->judged, q->njudged + 1, sizeof *q->judged);
        old = &q->judged[q->njudged++];
    }
    *old = new;
}

uint64_t required_content(const json_t *verdict)
{
    char *text = json_dumps(verdict, JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(12));
    uint64_t hash = required_hash(0, text);
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
    struct judged new = {day_ms, 0,  required_hash(0, name), required_content(verdict), result->verdict,
                         met,    den};
    const struct judged *old = required_find(q, day_ms, new.requirement);
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
        required_note(q, new);
    return new.seq != 0;
}

/* --- days --- */

static void forget(struct required *q, int64_t before_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < q->njudged; i++)
        if (q->judged[i].day_ms >= before_ms)
            q->judged[kept++] = q->judged[i];
    q->njudged = kept;
    failures_forget(q, before_ms);
    facts_forget(q->facts, before_ms);
}

/* Since when of the day it has stood like this, by what is known now: after a start nobody remembers. By
 * hours, then by minutes. */
static int64_t standing_since(const struct dustd *d, const struct requirement *of, int64_t day_ms,
                              int64_t now_ms, enum verdict v)
{
    static const int64_t steps_ms[] = {CLOCK_HOUR_MS, CLOCK_MINUTE_MS};
    for (size_t i = 0; i < sizeof steps_ms / sizeof *steps_ms; i++)
        while (now_ms - steps_ms[i] > day_ms) {
            struct requirement_result before;
            requirement_judge(d->required->record, of, day_ms, now_ms - steps_ms[i], &before);
            bool same = before.verdict == v;
            requirement_finish(&before);
            if (!same)
                break;
            now_ms -= steps_ms[i];
        }
    return now_ms - CLOCK_MINUTE_MS;
}

/* Of the running day: also how each requirement stands, and since when. */
static void find_today(struct dustd *d, int64_t day_ms, int64_t now_ms)
{
    for (int i = 0; i < d->config->requirements.n; i++) {
        struct standing *s = &d->required->standings[i];
        const struct requirement *of = &d->config->requirements.list[i];
        enum verdict v = failures_find(d, of, day_ms, now_ms, s->checks);
        if (s->since_ms >= day_ms && s->verdict == v)
            continue;
        s->verdict = v;
        s->since_ms = s->since_ms ? now_ms - CLOCK_MINUTE_MS : standing_since(d, of, day_ms, now_ms, v);
    }
}

/* False: a verdict could not be written. */
static bool judge_day(struct dustd *d, int64_t day_ms)
{
    bool whole = true;
    const struct requirements *all = &d->config->requirements;
    int64_t now_ms = day_ms + CLOCK_DAY_MS + requirements_settle_ms(all);
    for (int i = 0; i < all->n; i++) {
        struct requirement_result result;
        failures_find(d, &all->list[i], day_ms, now_ms, NULL);
        requirement_judge(d->required->record, &all->list[i], day_ms, now_ms, &result);
        whole = write_verdict(d, &result, day_ms) && whole;
        requirement_finish(&result);
    }
    required_doubt(d->required);
    return whole;
}

/* Days that are over and settled. After a long outage only those are judged of which the record can know. */
static void judge_days(struct dustd *d, int64_t now_ms)
{
    struct required *q = d->required;
    int64_t settle_ms = requirements_settle_ms(&d->config->requirements);
    int64_t oldest_ms = required_day(d, now_ms) - INPUT_LATE_DAYS * (int64_t)CLOCK_DAY_MS;
    if (q->next_day_ms < oldest_ms)
        q->next_day_ms = oldest_ms;
    while (q->next_day_ms + CLOCK_DAY_MS + settle_ms <= now_ms && judge_day(d, q->next_day_ms))
        q->next_day_ms += CLOCK_DAY_MS;
}

static void wait_for_disk(struct required *q, int64_t day_ms)
{
    if (!q->again_ms || day_ms < q->again_ms)
        q->again_ms = day_ms;
}

/* Days that were judged, and that what is known now of that time can change. */
static void judge_again(struct dustd *d, int64_t from_ms, int64_t to_ms)
{
    struct required *q = d->required;
    int64_t around_ms = requirements_settle_ms(&d->config->requirements) + CLOCK_HOUR_MS;
    for (int64_t day_ms = required_day(d, from_ms - around_ms);
         day_ms < q->next_day_ms && day_ms <= to_ms + around_ms; day_ms += CLOCK_DAY_MS)
        if (required_find(q, day_ms, required_hash(0, d->config->requirements.list[0].name)) &&
            (d->shed.refused || !judge_day(d, day_ms)))
            wait_for_disk(q, day_ms);
}

void required_catch_up(struct dustd *d)
{
    int64_t from_ms = d->required->again_ms;
    d->required->again_ms = 0;
    if (from_ms && d->config->requirements.n)
        judge_again(d, from_ms, d->required->next_day_ms);
}

/* --- the board --- */

/* The newest verdict of a day that is over. */
static json_t *last_day_json(const struct dustd *d, const char *requirement)
{
    const struct judged *newest = NULL;
    const struct required *q = d->required;
    char day[32];
    for (size_t i = 0; i < q->njudged; i++)
        if (q->judged[i].requirement == required_hash(0, requirement) &&
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
    int64_t day_ms = q->closed_ms ? required_day(d, q->closed_ms - 1) : 0;
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
    uint64_t content = required_content(json_object_get(board, "requirements"));
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
    if (start_ms == required_day(d, start_ms))
        forget(q, start_ms - RECORD_DAYS * (int64_t)CLOCK_DAY_MS);
    if (d->config->requirements.n == 0)
        return;
    q->closed_ms = end_ms;
    if (!q->next_day_ms)
        q->next_day_ms = required_day(d, start_ms);
    if (d->shed.refused)
        return; /* nothing found now could be told: it is found when the disk takes rows again */
    judge_days(d, end_ms);
    find_today(d, required_day(d, start_ms), end_ms);
    say_board(d);
}

void required_end(struct dustd *d, int64_t end_ms)
{
    if (d->config->requirements.n && d->required->next_day_ms)
        judge_days(d, end_ms + requirements_settle_ms(&d->config->requirements));
}

/* --- inputs --- */

static void fill_facts(struct facts *f, const struct input *i, int64_t told_ms)
{
    if (i->kind == INPUT_MAINTENANCE)
        facts_set_service(f, i->about, strcmp(i->what, "calibration") == 0 ? 'C' : 'M', i->from_ms, i->to_ms,
                          told_ms);
    if (i->kind == INPUT_BACKGROUND)
        for (const struct word *w = role_words; w->text; w++)
            if (strcmp(w->text, i->what) == 0)
                facts_set_background(f, w->text, i->from_ms, i->to_ms - i->from_ms, i->value);
    if (i->kind == INPUT_STAGE)
        for (const struct word *w = stage_words; w->text; w++)
            if (strcmp(w->text, i->what) == 0)
                facts_set_stage(f, i->from_ms, (enum stage)w->value);
}

void required_known(struct dustd *d, const struct input *i, unsigned roles, int64_t told_ms)
{
    fill_facts(d->required->facts, i, told_ms);
    record_input(d->required->record, i, roles);
}

void required_input(struct dustd *d, const struct input *i, unsigned roles)
{
    struct required *q = d->required;
    uint64_t before = record_changes(q->record);
    required_known(d, i, roles, clock_site_ms());
    if (i->kind == INPUT_BACKGROUND || i->kind == INPUT_STAGE)
        judge_late(d->judge, judging_heard, d);
    if (d->config->requirements.n == 0 || i->kind == INPUT_BACKGROUND || i->kind == INPUT_MAINTENANCE)
        return;
    if (record_changes(q->record) == before)
        return; /* a source that watches on, as it was taken for granted */
    bool on = i->to_ms == INPUT_OPEN || i->kind == INPUT_INSPECTION;
    judge_again(d, i->from_ms, on ? q->next_day_ms : i->to_ms);
}

void required_flagged(struct dustd *d, int point, int64_t from_ms, int64_t to_ms)
{
    record_flag(d->required->record, point, from_ms, to_ms);
    if (d->config->requirements.n)
        judge_again(d, from_ms, to_ms);
}
