/* How the last run ended, as far as this one can know: its last rows, and whether the machine has booted
 * since. The kernel does not say in general why it booted, so neither do we. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/hours.h"
#include "daemon/base/log.h"
#include "daemon/config/config.h"
#include "daemon/judge/judge.h"
#include "daemon/judging.h"
#include "daemon/lastrun.h"
#include "daemon/pipeline.h"
#include "daemon/rows.h"
#include "daemon/sample.h"

#include <string.h>

/* For the status: what this run's boot row says of the last one. */
static void remember(struct dustd *d, const json_t *boot)
{
    static const char *const members[] = {"before", "machine", "gap_ms"};
    if (!d->last_run)
        d->last_run = json_object();
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = json_object_get(boot, members[i]);
        if (value)
            json_object_set(d->last_run, members[i], value);
    }
}

/* `last_boot`: the machine's boot in which the last run was, "" unknown; `clean`: it was told to stop. */
json_t *lastrun_boot(struct dustd *d, int64_t now_ms, const char *last_boot, bool clean)
{
    bool none = d->opened.created && !d->hold.last_boot[0];
    json_t *body = row_begin(d, now_ms, "boot", "");
    json_object_set_new(body, "journal_id", json_string(d->head.id)); /* the chain itself does not name it */
    json_object_set_new(body, "version", json_string(DUST_VERSION));
    json_object_set_new(body, "clock", json_string(clock_synced() ? "synced" : "unsynced"));
    json_object_set_new(body, "rate", json_integer(clock_rate()));
    json_object_set_new(body, "boot", json_string(clock_boot_id()));
    seal_key(d, body);
    if (!d->hold.undated)
        json_object_set_new(body, "offset_ms", json_integer(clock_offset_ms()));
    json_object_set_new(body, "before", json_string(none ? "none" : clean ? "stopped" : "broke off"));
    if (!none && last_boot[0] && clock_boot_id()[0]) {
        bool same = strcmp(last_boot, clock_boot_id()) == 0;
        json_object_set_new(body, "machine", json_string(same ? "ran on" : "rebooted"));
    }
    remember(d, body);
    return body;
}

/* Why nothing was measured before a run that began with this row, outside the hours of power_off. */
static const char *reason_of(const struct dustd *d, const json_t *boot)
{
    const char *before = json_string_value(json_object_get(boot, "before"));
    const char *machine = json_string_value(json_object_get(boot, "machine"));
    if (d->hold.undated_before)
        return "undated";
    if (strcmp(before ? before : "", "stopped") == 0)
        return "stopped";
    return machine && strcmp(machine, "ran on") == 0 ? "died" : "outage";
}

/* The hole before a run, in rows: the declared hours without power have one of their own, if the machine was
 * off in them. */
static void say_gap(struct dustd *d, int64_t at_ms, int64_t from_ms, const json_t *boot)
{
    const struct config *c = d->config;
    const char *machine = json_string_value(json_object_get(boot, "machine"));
    const char *reason = reason_of(d, boot);
    bool may_be_off = machine && strcmp(machine, "rebooted") == 0 && !d->hold.undated_before;
    for (int64_t to_ms = at_ms; from_ms < at_ms; from_ms = to_ms) {
        bool inside = false;
        to_ms = at_ms;
        if (may_be_off && c->npower_off)
            to_ms = hours_until(c->power_off, c->npower_off, c->site.zone_min, from_ms, at_ms, &inside);
        row_gap(d, at_ms, from_ms, to_ms, inside ? "power_off" : reason);
        if (inside)
            log_info("the power was off in hours of power_off");
        else
            log_warning("%lld s without readings: %s", (long long)((to_ms - from_ms) / 1000), reason);
    }
}

/* The earliest minute but this one of which samples are held. What came after its minute was closed is no
 * minute of its own, unless the clock has been set back to before it; what came later than this minute only
 * when that is not still to be reached. */
static bool minute_left(const struct dustd *d, int64_t this_ms, int64_t *left_ms)
{
    bool found = false;
    for (size_t i = 0; i < d->nsamples; i++) {
        int64_t minute_ms = clock_window_start(d->samples[i].at_ms, CLOCK_MINUTE_MS, 0);
        bool done = minute_ms < d->closed_ms && d->closed_ms <= this_ms;
        bool to_come = d->hold.late && minute_ms > this_ms;
        if (done || to_come || minute_ms == this_ms || (found && minute_ms >= *left_ms))
            continue;
        *left_ms = minute_ms;
        found = true;
    }
    return found;
}

/* From when on nothing is recorded; INT64_MAX: there was nothing before. A run that ended before its first
 * minute was over has no row of a minute, but it was there. */
static int64_t silent_from(const struct dustd *d)
{
    return d->closed_ms == INT64_MAX && clock_is_dated(d->alive_ms) ? d->alive_ms : d->closed_ms;
}

void lastrun_begin(struct dustd *d, int64_t at_ms, json_t *boot)
{
    int64_t this_ms = clock_window_start(at_ms, CLOCK_MINUTE_MS, 0);
    while (minute_left(d, this_ms, &d->minute_ms))
        pipeline_close_minute(d, this_ms);
    d->minute_ms = this_ms;
    judge_advance(d->judge, this_ms, judging_heard, d);
    if (d->alive_ms && d->alive_ms <= at_ms)
        json_object_set_new(boot, "gap_ms", json_integer(at_ms - d->alive_ms));
    if (at_ms == d->since_ms)
        remember(d, boot);
    int64_t from_ms = silent_from(d);
    json_incref(boot);
    row_append(d, at_ms, "boot", "", boot);
    if (from_ms < this_ms)
        say_gap(d, at_ms, from_ms, boot);
    json_decref(boot);
}
