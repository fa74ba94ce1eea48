#include "daemon/tell.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/chore.h"
#include "daemon/dustd.h"
#include "daemon/ledger/escalate.h"
#include "daemon/ledger/ledger.h"
#include "daemon/rows.h"

bool tell_write(struct dustd *d, const char *subject, json_t *members, int64_t now_ms)
{
    json_t *body = row_begin(d, now_ms, "alert", subject);
    json_object_update(body, members);
    int64_t seq = row_append(d, now_ms, "alert", subject, body);
    if (seq)
        escalation_said(d->escalation, subject, members);
    json_decref(members);
    return seq != 0;
}

static bool tell_issue(struct dustd *d, const struct issue *i, int64_t now_ms)
{
    json_t *alert = escalation_due(d->escalation, d->config, i, now_ms);
    while (alert && tell_write(d, i->id, alert, now_ms))
        alert = escalation_due(d->escalation, d->config, i, now_ms);
    return !alert;
}

/* What waits for its date is told of once it has one; what a back-test finds, nobody is told. */
static bool is_silent(const struct dustd *d)
{
    return d->hold.undated || d->hold.late || d->hearing;
}

void tell_step(struct dustd *d, const char *issue, int64_t now_ms)
{
    const struct issue *i = ledger_issue(d->ledger, issue);
    if (i && !is_silent(d))
        tell_issue(d, i, now_ms);
}

void tell_turn(struct dustd *d, int64_t now_ms)
{
    int64_t minute_ms = clock_window_start(now_ms, CLOCK_MINUTE_MS, 0);
    chore_publish(d);
    if (is_silent(d) || minute_ms == d->told_minute_ms)
        return;
    d->told_minute_ms = minute_ms;
    chore_turn(d, now_ms);
    for (int i = 0; i < ledger_count(d->ledger); i++)
        if (!tell_issue(d, ledger_at(d->ledger, i), now_ms))
            return;
}

/* Nobody will be told anything of an issue that ended so long ago: its alerts need not be read. */
static bool is_long_over(const struct dustd *d, const char *subject)
{
    const struct issue *i = ledger_issue(d->ledger, subject);
    return i && !issue_is_open(i) && d->opened.last_at_ms - i->ended_ms > 7 * (int64_t)CLOCK_DAY_MS;
}

static void restore_alert(const struct row *row, void *arg)
{
    struct dustd *d = arg;
    bool wanted = row->body && !is_long_over(d, row->subject);
    json_t *body = wanted ? json_loads(row->body, 0, NULL) : NULL;
    if (body)
        escalation_said(d->escalation, row->subject, body);
    chore_alerted(d, row->subject, body);
    json_decref(body);
}

int tell_scan(struct dustd *d)
{
    int rc = chore_scan(d);
    return rc == ERR_OK ? store_scan_rows(d->store, "alert", INT64_MIN, restore_alert, d) : rc;
}
