/* Where the journal ended, the daemon goes on: ledger, windows and running minute are made anew from its
 * rows. */
#include "daemon/dustd.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/batches.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/config/limits.h"
#include "daemon/config/lookup.h"
#include "daemon/judge/input.h"
#include "daemon/judge/judge.h"
#include "daemon/lastrun.h"
#include "daemon/ledger/ledger.h"
#include "daemon/pipeline.h"
#include "daemon/registers.h"
#include "daemon/restore.h"
#include "daemon/rows.h"
#include "daemon/store/rawblock.h"
#include "daemon/uplink_now.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

/* Minute rows of one minute, until all points are together. */
struct restoring {
    struct dustd *d;
    int64_t minute_ms; /* 0: none yet */
    int64_t from_ms;   /* whose rows go through the judge as the run without an end would have had them */
    bool past;         /* this is before that */
    bool settings_same, said_gone;
    char last_boot[40]; /* the machine's, of the last run; "" unknown */
};

static void forget_means(struct dustd *d)
{
    for (int i = 0; i < d->config->npoints; i++)
        d->means[i] = (struct mean){.mean = NAN, .min = NAN, .max = NAN, .quality = QUALITY_FAULT};
}

static void feed_restored(struct restoring *r)
{
    if (r->minute_ms && r->past)
        judge_past(r->d->judge, r->minute_ms, r->d->means);
    else if (r->minute_ms)
        judge_feed(r->d->judge, r->minute_ms, r->d->means, NULL, NULL);
    forget_means(r->d);
}

static void restore_minute(struct restoring *r, const struct row *row, json_t *body)
{
    if (row->at_ms != r->minute_ms || json_object_get(body, "raw")) /* the first row of a minute has it */
        feed_restored(r);
    r->minute_ms = row->at_ms;
    const char *name;
    json_t *point;
    json_object_foreach(json_object_get(body, "points"), name, point)
    {
        int i = pipeline_point(r->d->config, name);
        if (i >= 0)
            restore_mean(point, &r->d->means[i]);
    }
}

static const char *only_key(const json_t *object)
{
    const char *key = json_object_iter_key(json_object_iter((json_t *)object));
    return key ? key : "";
}

static void restore_again(struct dustd *d, const struct row *row, int64_t length_s, const json_t *body)
{
    const char *point = json_string_value(json_object_get(body, "point"));
    struct again_window w = {.start_ms = row->at_ms, .length_s = length_s, .seq = row->seq};
    if (strcmp(row->kind, "verdict") == 0)
        w.of = again_of(row->subject, point && !config_is_of_highest(d->config, row->subject) ? point : "");
    else if (json_object_get(body, "corrects")) /* of one point */
        w.of = again_of("", only_key(json_object_get(body, "points")));
    if (length_s)
        again_note(&d->again, w);
}

static int64_t length_of(const struct row *row, const json_t *body)
{
    static const struct {
        const char *kind;
        int length_s;
    } fixed[] = {{"minute", 60}, {"hour", 3600}, {"day", 86400}};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(row->kind, fixed[i].kind) == 0)
            return fixed[i].length_s;
    return strcmp(row->kind, "verdict") == 0 ? json_integer_value(json_object_get(body, "window_s")) : 0;
}

/* What of a minute's windows the journal has. */
static void restore_told(struct restoring *r, const struct row *row, const json_t *body)
{
    if (strcmp(row->kind, "hour") == 0)
        judge_known(r->d->judge, row->at_ms, CLOCK_HOUR_MS, NULL);
    else if (strcmp(row->kind, "day") == 0)
        judge_known(r->d->judge, row->at_ms, CLOCK_DAY_MS, NULL);
    else if (strcmp(row->kind, "verdict") == 0)
        judge_known(r->d->judge, row->at_ms, length_of(row, body) * CLOCK_SECOND_MS, row->subject);
}

static void restore_row(const struct row *row, void *arg)
{
    struct restoring *r = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    if (json_object_get(body,
                        "removed")) { /* of points that were taken out in it: the window itself went on */
        json_decref(body);
        return;
    }
    restore_again(r->d, row, length_of(row, body), body);
    if (strcmp(row->kind, "minute") == 0)
        restore_minute(r, row, body);
    else if (!json_object_get(body, "corrects")) /* what it corrects was told with its window */
        restore_told(r, row, body);
    json_decref(body);
}

static void restore_past(const struct row *row, void *arg)
{
    struct restoring *r = arg;
    json_t *body = row->at_ms < r->from_ms && row->body ? json_loads(row->body, 0, NULL) : NULL;
    if (body && !json_object_get(body, "removed"))
        restore_minute(r, row, body);
    json_decref(body);
}

static void restore_settings(const struct row *row, void *arg)
{
    struct restoring *r = arg;
    char hex[65];
    config_hash(r->d->config, hex);
    r->settings_same = row->body && strstr(row->body, hex) != NULL;
}

/* Boots that have a date: those that had one from the start, and those that got it later. */
static void restore_boot(const struct row *row, void *arg)
{
    struct restoring *r = arg;
    json_t *body = row->body ? json_loads(row->body, 0, NULL) : NULL;
    const char *boot = json_string_value(json_object_get(body, "boot"));
    const json_t *offset = json_object_get(body, "offset_ms");
    if (boot && json_is_integer(offset))
        hold_known(&r->d->hold, boot, json_integer_value(offset));
    if (strcmp(row->kind, "boot") == 0)
        snprintf(r->last_boot, sizeof r->last_boot, "%s", boot ? boot : "");
    json_decref(body);
}

static void restore_sample(const struct raw_sample *raw, void *arg)
{
    struct restoring *r = arg;
    struct dustd *d = r->d;
    int point = pipeline_point(d->config, raw->name);
    if (point < 0) {
        if (!r->said_gone)
            log_error("%s is no longer configured: its last readings before the restart are not kept",
                      raw->name);
        r->said_gone = true;
        return;
    }
    struct sample s = raw->sample;
    s.point = (uint16_t)point;
    pipeline_keep(d, &s);
}

static void restore_chunk(const void *data, size_t length, void *arg)
{
    if (rawblock_decode(data, length, restore_sample, arg) != ERR_OK)
        log_error("a chunk of the running minute cannot be read");
}

static void predecessor_row(struct dustd *d, int64_t now_ms)
{
    json_t *body = row_begin(d, now_ms, "journal", "");
    json_object_set_new(body, "damaged", json_string(d->opened.aside));
    if (d->opened.predecessor.id[0]) {
        char hex[65];
        hash_hex(d->opened.predecessor.hash, hex);
        json_object_set_new(body, "predecessor",
                            json_pack("{s:s,s:I,s:s}", "journal", d->opened.predecessor.id, "seq",
                                      (json_int_t)d->opened.predecessor.seq, "hash", hex));
    }
    row_append(d, now_ms, "journal", "", body);
}

static void newest_minute(const struct row *row, void *arg)
{
    *(int64_t *)arg = row->at_ms;
}

/* The judge wants the minutes from the start of the day before the newest one's. The journal may end with
 * rows of a much later day: of starts that did not last a minute. */
static int scan_from(struct dustd *d, int64_t *from_ms)
{
    int64_t newest_ms = INT64_MIN;
    int64_t near_ms = d->opened.last_at_ms - 2 * (int64_t)CLOCK_DAY_MS;
    int rc = store_scan_rows(d->store, "minute", near_ms, newest_minute, &newest_ms);
    if (rc == ERR_OK && newest_ms == INT64_MIN)
        rc = store_scan_rows(d->store, "minute", INT64_MIN, newest_minute, &newest_ms);
    if (newest_ms == INT64_MIN)
        newest_ms = d->opened.last_at_ms;
    *from_ms = clock_window_start(newest_ms, CLOCK_DAY_MS, d->config->site.zone_min) - CLOCK_DAY_MS;
    return rc;
}

/* Of a limit that asks for background or stage the windows of a week are wanted: they may come so late. */
static int scan_past(struct restoring *r)
{
    bool wanted = false;
    for (int i = 0; i < r->d->config->nlimits; i++)
        wanted = wanted || r->d->config->limits[i].minus || r->d->config->limits[i].stages;
    if (!wanted)
        return ERR_OK;
    r->past = true;
    int64_t past_ms = r->from_ms - (INPUT_LATE_DAYS - 1) * (int64_t)CLOCK_DAY_MS;
    int rc = store_scan_rows(r->d->store, "minute", past_ms, restore_past, r);
    feed_restored(r);
    r->past = false;
    r->minute_ms = 0;
    return rc;
}

/* Whether this boot has a date: a few rows, found by their kind. What is measured from here on is stamped
 * accordingly. */
static int scan_boots(struct dustd *d, struct restoring *r)
{
    int rc = store_scan_rows(d->store, "boot", INT64_MIN, restore_boot, r);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, "clock", INT64_MIN, restore_boot, r);
    if (rc == ERR_OK)
        rc = store_scan_held(d->store, hold_entry, &d->hold);
    if (rc != ERR_OK)
        return rc;
    hold_decide(d);
    d->since_ms = clock_site_ms();
    return ERR_OK;
}

static int scan(struct dustd *d, struct restoring *r)
{
    forget_means(d);
    int rc = scan_from(d, &r->from_ms);
    if (rc == ERR_OK)
        rc = restore_events(d);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, "settings", INT64_MIN, restore_settings, r);
    if (rc == ERR_OK)
        rc = scan_past(r);
    if (rc == ERR_OK)
        rc = store_scan_rows(d->store, NULL, r->from_ms, restore_row, r);
    if (rc == ERR_OK)
        rc = store_scan_samples(d->store, restore_chunk, r);
    feed_restored(r);
    return rc == ERR_OK ? restore_years(d, r->from_ms) : rc;
}

/* The last sign of life that has a date. */
static int64_t last_alive(const struct dustd *d)
{
    int64_t at_ms = d->opened.last_at_ms;
    if (d->closed_ms != INT64_MAX && d->closed_ms > at_ms)
        at_ms = d->closed_ms;
    for (size_t i = 0; i < d->nsamples; i++)
        if (clock_is_dated(d->samples[i].at_ms) && d->samples[i].at_ms > at_ms)
            at_ms = d->samples[i].at_ms;
    return at_ms;
}

/* Whether the last run was told to stop. What is held of a boot without a date is newer than the journal. */
static bool ended_clean(const struct dustd *d)
{
    int64_t ignored;
    const struct hold *h = &d->hold;
    bool newer = h->last_boot[0] && !hold_offset(h, h->last_boot, &ignored);
    return newer ? h->last_stopped : d->opened.clean;
}

/* First what the run before left undone, in one go with the minute it belongs to; then that there is a new
 * run, since measuring began: meanwhile minutes may have passed. While something is held both wait for its
 * turn: they are held too. */
static void go_on(struct dustd *d, const struct restoring *r)
{
    d->closed_ms = r->minute_ms ? r->minute_ms + CLOCK_MINUTE_MS : INT64_MAX;
    d->alive_ms = last_alive(d);
    registers_known(d);
    const char *last_boot = d->hold.last_boot[0] ? d->hold.last_boot : r->last_boot;
    bool clean = ended_clean(d);
    hold_begin(d);
    int64_t now_ms = d->since_ms;
    json_t *boot = lastrun_boot(d, now_ms, last_boot, clean);
    if (d->hold.undated || d->hold.late) {
        d->minute_ms = clock_window_start(now_ms, CLOCK_MINUTE_MS, 0);
        char *body = json_dumps(boot, JSON_COMPACT);
        json_decref(boot);
        hold_row(d, now_ms, "boot", body);
    } else {
        lastrun_begin(d, now_ms, boot);
    }
    seal_changed(d, now_ms);
    if (d->opened.damaged)
        predecessor_row(d, now_ms);
    if (!r->settings_same)
        row_settings(d, now_ms, NULL);
    batch_flush(d);
}

/* A configured broker goes on there; of the others it is remembered, for a reload that brings one back. */
static void restore_cursor(const struct store_cursor *cursor, void *arg)
{
    struct dustd *d = arg;
    for (int i = 0; i < d->config->nmqtt; i++)
        if (strcmp(d->config->mqtt[i].name, cursor->uplink) == 0) {
            struct uplink_now *u = &d->uplinks[i];
            u->taken = u->handed = u->persisted = cursor->seq;
            u->lost = cursor->lost;
            return;
        }
    d->cursors = mem_resize(d->cursors, (size_t)d->ncursors + 1, sizeof *d->cursors);
    d->cursors[d->ncursors++] = *cursor;
}

static int failed(const struct dustd *d, int rc)
{
    if (rc != ERR_VERSION) /* which has been said, with what to do */
        log_error("%s: %s", d->config->store.dir, err_str(rc));
    return rc;
}

static int open_store(struct dustd *d)
{
    const struct config *c = d->config;
    if (mkdir(c->store.dir, 0750) != 0 && errno != EEXIST) {
        log_error("%s: cannot be made: %s", c->store.dir, strerror(errno));
        return ERR_IO;
    }
    int rc = store_open(c->store.dir, d->options.simulated, &d->store, &d->opened);
    if (rc != ERR_OK)
        return failed(d, rc);
    store_limit(d->store, c->store.max_size, c->store.ballast);
    d->head = d->opened.head;
    d->committed = d->head.seq;
    memcpy(d->deleted, d->opened.deleted, sizeof d->deleted);
    memcpy(d->committed_hash, d->head.hash, HASH_SIZE);
    ledger_continue(d->ledger, d->opened.last_issue);
    return ERR_OK;
}

int restore_all(struct dustd *d, int (*measure)(struct dustd *d))
{
    struct restoring r = {.d = d};
    int rc = open_store(d);
    if (rc != ERR_OK)
        return rc;
    rc = scan_boots(d, &r);
    if (rc != ERR_OK)
        return failed(d, rc);
    if (measure) {
        clock_both(&d->step_site_ms, &d->step_boot_us); /* a clock that is set meanwhile is noticed after */
        rc = measure(d);
    }
    if (rc != ERR_OK)
        return rc; /* it has said why */
    rc = scan(d, &r);
    seal_open(d);
    if (rc == ERR_OK)
        rc = store_scan_cursors(d->store, restore_cursor, d);
    if (rc == ERR_OK)
        rc = store_start(d->store);
    if (rc != ERR_OK)
        return failed(d, rc);
    go_on(d, &r);
    return ERR_OK;
}
