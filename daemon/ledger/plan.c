#include "daemon/ledger/plan.h"

#include "daemon/base/clock.h"
#include "daemon/base/hours.h"
#include "daemon/config/config.h"
#include "daemon/config/lookup.h"
#include "daemon/ledger/declared.h"

#include <string.h>

static const int shares_percent[ISSUE_NODES] = {50, 80, 100}; /* [proposal] domain: 倒排工期 */

int64_t plan_due(const struct config *c, int64_t now_ms, int64_t due_ms, const struct campaign_phase **phase)
{
    *phase = config_phase(c, now_ms);
    if (!*phase || (*phase)->to_ms >= due_ms)
        *phase = NULL;
    return *phase ? (*phase)->to_ms : due_ms;
}

static bool is_workday(const struct calendar *is, int64_t day_ms, int zone_min)
{
    char text[32];
    int64_t days = (day_ms + zone_min * (int64_t)CLOCK_MINUTE_MS) / CLOCK_DAY_MS;
    int weekday = (int)((days + 3) % 7); /* 1970-01-01 was a Thursday */
    if (is->days && !(is->days & 1u << weekday))
        return false;
    clock_text(day_ms, zone_min, text);
    for (int i = 0; i < is->nholidays; i++)
        if (strncmp(is->holidays[i], text, 10) == 0)
            return false;
    return true;
}

/* The end of the stretch from `from_ms` on, no later than `to_ms`, that is all worked or all not. */
static int64_t stretch(const struct calendar_of *of, int64_t from_ms, int64_t to_ms, bool *worked)
{
    const struct config *c = of->config;
    enum declared_word word;
    int zone_min = c->site.zone_min;
    int64_t day_ms = clock_window_start(from_ms, CLOCK_DAY_MS, zone_min);
    int64_t end_ms = day_ms + CLOCK_DAY_MS < to_ms ? day_ms + CLOCK_DAY_MS : to_ms;
    end_ms = declared_until(of->declared, from_ms, end_ms, &word);
    *worked =
        word == DECLARED_WORK || (word == DECLARED_NOTHING && is_workday(&c->calendar, day_ms, zone_min));
    if (!*worked || !c->calendar.nhours)
        return end_ms;
    return hours_until((const char *const *)c->calendar.hours, c->calendar.nhours, zone_min, from_ms, end_ms,
                       worked);
}

int64_t plan_work(const struct calendar_of *of, int64_t from_ms, int64_t to_ms)
{
    int64_t sum_ms = 0;
    for (int64_t at_ms = from_ms; at_ms < to_ms;) {
        bool worked;
        int64_t end_ms = stretch(of, at_ms, to_ms, &worked);
        sum_ms += worked ? end_ms - at_ms : 0;
        at_ms = end_ms;
    }
    return sum_ms;
}

/* When so much of the working time has passed. */
static int64_t after_work(const struct calendar_of *of, int64_t from_ms, int64_t to_ms, int64_t work_ms)
{
    int64_t at_ms = from_ms;
    while (at_ms < to_ms) {
        bool worked;
        int64_t end_ms = stretch(of, at_ms, to_ms, &worked);
        if (worked && end_ms - at_ms >= work_ms)
            return at_ms + work_ms;
        work_ms -= worked ? end_ms - at_ms : 0;
        at_ms = end_ms;
    }
    return to_ms;
}

void plan_nodes(const struct calendar_of *of, int64_t from_ms, int64_t due_ms,
                int64_t nodes_ms[static ISSUE_NODES])
{
    int64_t work_ms = plan_work(of, from_ms, due_ms);
    for (int i = 0; i < ISSUE_NODES; i++)
        nodes_ms[i] = work_ms ? after_work(of, from_ms, due_ms, work_ms * shares_percent[i] / 100)
                              : from_ms + (due_ms - from_ms) * shares_percent[i] / 100;
    nodes_ms[ISSUE_NODES - 1] = due_ms;
}
