/* Issues as retained messages. Ten thousand of them are 20 MB, and a broker takes them at its own pace: so
 * few are handed over ahead of it. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/json_text.h"
#include "daemon/config/config.h"
#include "daemon/ledger/ledger.h"
#include "daemon/now.h"
#include "daemon/uplink/mqtt.h"
#include "daemon/uplink_now.h"

enum { CLEAR_AFTER_DAYS = 35, CLEAR_UNTIL_DAYS = 70, ISSUES_AHEAD = 250 };

static int64_t days_since(int64_t ended_ms, int64_t now_ms)
{
    return ended_ms ? (now_ms - ended_ms) / CLOCK_DAY_MS : 0;
}

/* False: it was cleared long ago. */
static bool tell_issue(struct dustd *d, int uplink, const struct issue *issue, int64_t now_ms)
{
    char topic[96];
    snprintf(topic, sizeof topic, "issue/%s", issue->id);
    int64_t ended_days = days_since(issue->ended_ms, now_ms);
    if (ended_days >= CLEAR_UNTIL_DAYS)
        return false;
    struct buf body = {0};
    if (ended_days < CLEAR_AFTER_DAYS) {
        issue_print(issue, now_ms, false, &body);
        if (d->options.simulated) {
            body.length--;
            json_text_add_bool(&body, "simulated", true);
            buf_text(&body, "}");
        }
    }
    now_text(d, uplink, topic, body.length ? body.data : "", 1);
    buf_finish(&body);
    return true;
}

/* What time alone has changed: the light of those that are open, and those whose 35 days are over today. */
static bool may_have_changed(const struct issue *issue, int64_t now_ms)
{
    return issue_is_open(issue) ||
           (issue->ended_ms && days_since(issue->ended_ms, now_ms) == CLEAR_AFTER_DAYS);
}

static int room_of(const struct uplink_now *u)
{
    return ISSUES_AHEAD - mqtt_unsent(u->mqtt);
}

/* What has a step that is not on the disk yet is told once it is. */
static bool is_wanted(const struct dustd *d, const struct sweep *s, const struct issue *issue, int64_t now_ms)
{
    return issue->last_seq <= d->committed && (s->all || (s->since && issue->last_seq >= s->since) ||
                                               (s->time && may_have_changed(issue, now_ms)));
}

/* The next ones, as far as there is room; and again from the first one on, if some have changed meanwhile. */
static void go_on(struct dustd *d, int uplink, int64_t now_ms)
{
    struct uplink_now *u = &d->uplinks[uplink];
    struct sweep *s = &u->issues;
    for (int room = room_of(u); s->next < ledger_count(d->ledger) && room > 0; s->next++) {
        const struct issue *issue = ledger_at(d->ledger, s->next);
        if (is_wanted(d, s, issue, now_ms))
            room -= tell_issue(d, uplink, issue, now_ms);
    }
    if (s->next < ledger_count(d->ledger))
        return;
    int readies = s->readies;
    *s = (struct sweep){.open = s->again != 0, .since = s->again};
    while (readies-- > 0)
        mqtt_ready(u->mqtt);
}

/* At once while the broker keeps up; else when its turn comes, with all that has changed since. */
void now_issue_changed(struct dustd *d, const struct issue *issue, int64_t now_ms)
{
    for (int i = 0; i < d->config->nmqtt; i++) {
        struct uplink_now *u = &d->uplinks[i];
        int64_t *since = u->issues.open ? &u->issues.again : &u->issues.since;
        if (!u->connected)
            continue;
        if (!u->issues.open && room_of(u) > 0) {
            tell_issue(d, i, issue, now_ms);
            continue;
        }
        u->issues.open = true;
        if (*since == 0 || issue->last_seq < *since)
            *since = issue->last_seq;
    }
}

void now_issues_turn(struct dustd *d, int64_t now_ms)
{
    for (int i = 0; i < d->config->nmqtt; i++)
        if (d->uplinks[i].issues.open && d->uplinks[i].connected)
            go_on(d, i, now_ms);
}

bool now_issues_wait(const struct dustd *d)
{
    for (int i = 0; i < d->config->nmqtt; i++)
        if (d->uplinks[i].issues.open && d->uplinks[i].connected)
            return true;
    return false;
}

/* Without a date there are none. */
static void begin_all(struct dustd *d, int uplink)
{
    struct sweep *s = &d->uplinks[uplink].issues;
    s->open = s->all = true;
    s->next = d->hold.undated ? ledger_count(d->ledger) : 0;
    go_on(d, uplink, clock_site_ms());
}

void now_every_issue(struct dustd *d, int uplink)
{
    for (int i = 0; i < d->config->nmqtt; i++)
        if ((uplink < 0 || uplink == i) && d->uplinks[i].connected)
            begin_all(d, i);
}

void now_issues(struct dustd *d, int64_t now_ms)
{
    for (int i = 0; i < d->config->nmqtt; i++) {
        struct sweep *s = &d->uplinks[i].issues;
        if (s->open || !d->uplinks[i].connected)
            continue; /* it comes again in ten minutes */
        s->open = s->time = true;
    }
    now_issues_turn(d, now_ms);
}
