/* Retention: main says what is too old, the store finds the rows, main writes a row that says which, and with
 * that row's commit the store may delete them. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/retention.h"
#include "daemon/rows.h"
#include "daemon/uplink_now.h"

enum { EVERY_MS = CLOCK_MINUTE_MS };

/* Whole days of the site, so that there is one row a day, or a few. */
static int64_t day_before(const struct dustd *d, int64_t now_ms, int64_t age_ms)
{
    return clock_window_start(now_ms - age_ms, CLOCK_DAY_MS, d->config->site.zone_min);
}

static void row_lost(struct dustd *d, int64_t now_ms, int uplink, int64_t from, int64_t to)
{
    const char *name = d->config->mqtt[uplink].name;
    json_t *body = row_begin(d, now_ms, "lost", name);
    json_object_set_new(body, "from", json_integer(from));
    json_object_set_new(body, "to", json_integer(to));
    if (row_append(d, now_ms, "lost", name, body))
        d->uplinks[uplink].lost = to;
}

/* Retention waits for no cursor: whoever is behind it, or has only just come, is told. */
static void tell_lost(struct dustd *d, int64_t now_ms)
{
    int64_t to = d->deleted[STORE_MINUTES];
    for (int i = 0; i < d->config->nmqtt; i++) {
        const struct uplink_now *u = &d->uplinks[i];
        int64_t behind = u->taken > u->lost ? u->taken : u->lost;
        if (behind < to)
            row_lost(d, now_ms, i, behind + 1, to);
    }
}

/* A clock that nobody has set makes nothing old. */
void retention_turn(struct dustd *d, int64_t now_ms)
{
    if (now_ms < d->next_keep_ms && now_ms >= d->next_keep_ms - EVERY_MS)
        return;
    d->next_keep_ms = now_ms + EVERY_MS;
    tell_lost(d, now_ms);
    struct store_order order = {.now_ms = now_ms, .before_ms = {INT64_MIN, INT64_MIN}};
    if (clock_synced()) {
        order.before_ms[STORE_RAW] = day_before(d, now_ms, d->config->store.keep_raw_ms);
        order.before_ms[STORE_MINUTES] = day_before(d, now_ms, d->config->store.keep_minutes_ms);
    }
    (void)store_keep(d->store, &order); /* a store that is busy gets the next one */
}

void retention_plan(struct dustd *d, int64_t now_ms, const struct store_plan *plan)
{
    const char *what = plan->what == STORE_RAW ? "raw" : "minute";
    if (plan->from <= d->deleted[plan->what])
        return; /* planned before the last row's batch was committed */
    json_t *body = row_begin(d, now_ms, "retention", what);
    json_object_set_new(body, "why", json_string(plan->why));
    json_object_set_new(body, "from", json_integer(plan->from));
    json_object_set_new(body, "to", json_integer(plan->to));
    json_object_set_new(body, "count", json_integer(plan->count));
    json_object_set_new(body, "from_ms", json_integer(plan->from_ms));
    json_object_set_new(body, "to_ms", json_integer(plan->to_ms));
    if (!row_append(d, now_ms, "retention", what, body))
        return;
    d->batch.delete[plan->what] = d->deleted[plan->what] = plan->to;
    if (plan->what == STORE_MINUTES)
        tell_lost(d, now_ms);
}
