/* From the means of a minute to what is found in it. What of struct dustd takes part is made and freed
 * together here: the daemon, a back-test and the tests' rigs judge with the same code. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/commands.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/inputs.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/quality.h"
#include "daemon/judging.h"
#include "daemon/ledger/escalate.h"
#include "daemon/ledger/ledger.h"
#include "daemon/ledger/task.h"
#include "daemon/required.h"
#include "daemon/rows.h"

void judging_open(struct dustd *d)
{
    d->inputs = inputs_create();
    d->commands = commands_create();
    d->required = required_create(d->config);
    d->judge = judge_create(d->config);
    judge_know(d->judge, required_facts(d->required));
    d->ledger = ledger_create(d->config);
    d->escalation = escalation_create();
    d->tasks = tasks_create();
    d->means = mem_array((size_t)d->config->npoints, sizeof *d->means);
}

void judging_close(struct dustd *d)
{
    inputs_destroy(d->inputs);
    commands_destroy(d->commands);
    required_destroy(d->required);
    judge_destroy(d->judge);
    ledger_destroy(d->ledger);
    escalation_destroy(d->escalation);
    tasks_destroy(d->tasks);
    mem_free(d->tasks_said);
    mem_free(d->means);
}

/* Its flag reaches back: to minutes that the requirements have counted. */
static void take_back(struct dustd *d, const struct quality_finding *f)
{
    if (f->check->flag && !f->ended)
        required_flagged(d, f->point, f->from_ms, f->to_ms);
}

void judging_say(struct dustd *d, const struct judge_event *event)
{
    bool row = !d->hearing || d->hearing->event(event, d->hearing->arg);
    if (event->kind == JUDGE_QUALITY) {
        if (row)
            row_quality(d, event->finding);
        return;
    }
    if (row && event->kind == JUDGE_WINDOW)
        row_window(d, event);
    if (!row || event->kind == JUDGE_WINDOW)
        return;
    int64_t seq = event->running ? row_running(d, event) : row_verdict(d, event);
    bool breach = event->verdict == VERDICT_BREACH || (event->corrects && event->was == VERDICT_BREACH);
    if (seq && event->kind == JUDGE_VERDICT && breach && !event->limit->informs)
        row_breach(d, event, seq);
}

void judging_heard(const struct judge_event *event, void *dustd)
{
    struct dustd *d = dustd;
    if (!unsaid_keep(d, event))
        judging_say(d, event);
    if (event->kind == JUDGE_QUALITY)
        take_back(d, event->finding);
}

void judging_minute(struct dustd *d, int64_t start_ms)
{
    judge_feed(d->judge, start_ms, d->means, judging_heard, d);
    required_minute(d, start_ms);
    d->closed_ms = start_ms + CLOCK_MINUTE_MS;
}
