/* A requirement's verdict as its row and the board have it. */
#include "daemon/required.h"

#include "daemon/base/clock.h"
#include "daemon/base/decimals.h"
#include "daemon/config/config.h"
#include "daemon/judge/record.h"
#include "daemon/judge/requirement.h"

#include <string.h>

static json_t *reason_json(const struct reason *r)
{
    json_t *j =
        json_pack("{s:s,s:s,s:i,s:I,s:I}", "outcome", outcome_str(r->outcome), "cause", cause_str(r->cause),
                  "n", r->n, "first", (json_int_t)r->first_ms, "last", (json_int_t)r->last_ms);
    if (*r->about)
        json_object_set_new(j, "about", json_string(r->about));
    return j;
}

static bool declared_that_day(const struct record *r, const char *what, int64_t day_ms)
{
    for (int64_t m = day_ms; m < day_ms + CLOCK_DAY_MS; m += CLOCK_HOUR_MS / 2)
        if (record_declared(r, what, m))
            return true;
    return false;
}

/* What would have been an excuse, had somebody declared it: nobody can tell that it was forgotten. */
static json_t *not_declared(const struct record *r, const struct check_result *c, int64_t day_ms)
{
    static const struct {
        enum excuse excuse;
        const char *what;
    } declared[] = {{EXCUSE_HOLIDAY, "holiday"}, {EXCUSE_SUSPENDED, "suspended"}, {EXCUSE_RAIN, "rain"}};
    json_t *list = json_array();
    bool wanting = c->count[OUTCOME_FAILED] || c->count[OUTCOME_UNKNOWN];
    for (size_t i = 0; wanting && i < sizeof declared / sizeof *declared; i++) {
        bool measured = declared[i].excuse == EXCUSE_RAIN && record_asked(r, ASKED_RAIN)->n > 0;
        if (c->check->excuses & declared[i].excuse && !measured &&
            !declared_that_day(r, declared[i].what, day_ms))
            json_array_append_new(list, json_string(declared[i].what));
    }
    return list;
}

static void add_counts(json_t *to, const int *count)
{
    int total = count[OUTCOME_MET] + count[OUTCOME_FAILED] + count[OUTCOME_UNKNOWN] + count[OUTCOME_EXCUSED];
    json_object_set_new(to, "num", json_integer(count[OUTCOME_MET]));
    json_object_set_new(to, "den", json_integer(count[OUTCOME_MET] + count[OUTCOME_FAILED]));
    json_object_set_new(to, "unknown", json_integer(count[OUTCOME_UNKNOWN]));
    json_object_set_new(to, "excused", json_integer(count[OUTCOME_EXCUSED]));
    double complete = total ? 1.0 - (double)count[OUTCOME_UNKNOWN] / total : 1.0;
    json_object_set_new(to, "completeness", json_real(decimals_round(complete, 4)));
}

static json_t *check_json(const struct record *r, const struct check_result *c, int64_t day_ms)
{
    json_t *j = json_pack("{s:s}", "check", c->check->name), *why = json_array();
    add_counts(j, c->count);
    for (int i = 0; i < c->nreasons; i++)
        json_array_append_new(why, reason_json(&c->reasons[i]));
    json_object_set_new(j, "why", why);
    json_t *missing = not_declared(r, c, day_ms);
    if (json_array_size(missing))
        json_object_set(j, "not_declared", missing);
    json_decref(missing);
    return j;
}

json_t *required_json(const struct record *r, const struct requirement_result *result, int64_t day_ms)
{
    const struct requirements *all = &record_config(r)->requirements;
    char day[32];
    clock_text(day_ms, record_config(r)->site.zone_min, day);
    day[10] = 0;
    json_t *j = json_pack("{s:s,s:s,s:{s:s,s:s}}", "day", day, "verdict", verdict_str(result->verdict),
                          "title", "zh", result->requirement->title_zh, "en", result->requirement->title_en);
    json_t *checks = json_array(), *left_out = json_array();
    add_counts(j, result->count);
    for (int i = 0; i < result->requirement->nchecks; i++)
        json_array_append_new(checks, check_json(r, &result->checks[i], day_ms));
    json_object_set_new(j, "checks", checks);
    size_t n = strlen(result->requirement->name);
    for (int i = 0; i < all->nleft_out; i++)
        if (strncmp(all->left_out[i], result->requirement->name, n) == 0 && all->left_out[i][n] == '/')
            json_array_append_new(left_out, json_string(all->left_out[i] + n + 1));
    if (json_array_size(left_out))
        json_object_set(j, "left_out", left_out);
    json_decref(left_out);
    return j;
}

static void add_board(json_t *to, const struct check_result *c, const struct asked_day *day)
{
    int64_t next_ms = check_next(day, c->check);
    json_object_set_new(to, "title",
                        json_pack("{s:s,s:s}", "zh", c->check->title_zh, "en", c->check->title_en));
    if (c->last != OUTCOME__COUNT && c->last_ms <= day->now_ms) /* a whole day's is only what it will be */
        json_object_set_new(
            to, "last",
            json_pack("{s:s,s:I}", "outcome", outcome_str(c->last), "at", (json_int_t)c->last_ms));
    if (next_ms)
        json_object_set_new(to, "next", json_integer(next_ms));
}

json_t *required_line(const struct record *r, const struct requirement_result *result, int64_t day_ms,
                      int64_t now_ms)
{
    json_t *line = required_json(r, result, day_ms), *checks = json_object_get(line, "checks");
    struct asked_day day = {r, result->requirement, day_ms, now_ms};
    json_object_set_new(line, "name", json_string(result->requirement->name));
    for (int i = 0; i < result->requirement->nchecks; i++)
        add_board(json_array_get(checks, (size_t)i), &result->checks[i], &day);
    return line;
}
