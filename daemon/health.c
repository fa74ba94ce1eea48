#include "daemon/dustd.h"

#include "daemon/base/cert.h"
#include "daemon/base/clock.h"
#include "daemon/base/credential.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/process.h"
#include "daemon/base/sign.h"
#include "daemon/batches.h"
#include "daemon/bus_now.h"
#include "daemon/config/broker.h"
#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/now.h"
#include "daemon/uplink_now.h"

#include <string.h>

enum {
    MINUTE_US = 60000000, /* between two looks */
    SECOND_US = 1000000,
    CERTS_US = 600000000,
    WARN_DAYS = 30,     /* before a certificate ends */
    DISK_LEAST_MB = 64, /* below it, or below 5 % of the disk: warn */
    DISK_LEAST_PERCENT = 5,
};

static const double busy_most = 0.8; /* of a line: beyond it a fault of one unit costs the others slots */

/* ---- what is looked at now and then ---- */

static void add_cert(struct health *h, int uplink, const char *what, const char *file)
{
    if (!file[0])
        return;
    h->certs = mem_resize(h->certs, (size_t)h->ncerts + 1, sizeof *h->certs);
    h->certs[h->ncerts++] = (struct cert){.uplink = uplink, .what = what, .file = file};
}

static void look_at_certs(struct dustd *d, int64_t now_us)
{
    struct health *h = &d->health;
    if (now_us < h->next_certs_us)
        return;
    h->next_certs_us = now_us + CERTS_US;
    for (int i = 0; i < h->ncerts; i++) {
        h->certs[i].ends_ms = 0;
        char path[CREDENTIAL_PATH_MAX];
        h->certs[i].error = cert_ends(credential_path(h->certs[i].file, path), &h->certs[i].ends_ms);
    }
}

static void look_at_clock(struct health *h, int64_t now_ms)
{
    bool synced = clock_synced();
    if (synced != h->synced)
        h->synced_since_ms = now_ms;
    h->synced = synced;
}

/* Shares of the time since the last look. */
static void look_at_loads(struct dustd *d, int64_t now_us)
{
    struct health *h = &d->health;
    struct process_state p;
    double span_us = (double)(now_us - h->looked_us);
    bool first = h->looked_us == 0;
    process_look(&p);
    h->cpu_share = first || p.cpu_us < 0 ? -1 : (double)(p.cpu_us - h->cpu_us) / span_us;
    h->cpu_us = p.cpu_us;
    for (int i = 0; i < d->config->nbuses; i++) {
        uint64_t busy_us = bus_count(d->buses[i].bus).busy_us;
        h->loads[i] = first ? -1 : (double)(busy_us - h->busy_us[i]) / span_us;
        h->busy_us[i] = busy_us;
    }
    h->looked_us = now_us;
}

/* Asks the store when the first row was made that a broker lacks; one question at a time. */
static void look_at_unsent(struct dustd *d)
{
    struct health *h = &d->health;
    for (int i = 0; !h->asking && i < d->config->nmqtt; i++) {
        int64_t taken = d->uplinks[i].taken;
        if (taken >= d->committed || h->unsent[i].seq == taken + 1)
            continue;
        struct question q = {.asker = ASKER_HEALTH, .after = taken, .to_ms = INT64_MAX, .limit = 1};
        if (store_ask(d->store, &q) == ERR_OK)
            h->asking = d->uplinks[i].asker;
    }
}

/* A window's row is stamped with its start and made at its end. */
static int64_t made_ms(const struct row *row)
{
    static const struct {
        const char *kind;
        int64_t length_ms;
    } windows[] = {{"day", CLOCK_DAY_MS}, {"hour", CLOCK_HOUR_MS}, {"minute", CLOCK_MINUTE_MS}};
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        if (strcmp(row->kind, windows[i].kind) == 0)
            return row->at_ms + windows[i].length_ms;
    if (strcmp(row->kind, "verdict") != 0 || !row->body)
        return row->at_ms;
    json_t *body = json_loads(row->body, 0, NULL);
    int64_t length_ms = json_integer_value(json_object_get(body, "window_s")) * CLOCK_SECOND_MS;
    json_decref(body);
    return row->at_ms + length_ms;
}

void health_page(struct dustd *d, const struct page *page)
{
    struct health *h = &d->health;
    for (int i = 0; i < d->config->nmqtt && page->nrows; i++)
        if (d->uplinks[i].asker == h->asking)
            h->unsent[i] = (struct unsent){page->rows[0].seq, made_ms(&page->rows[0])};
    h->asking = 0;
}

/* ---- warnings ---- */

static void warn(json_t *list, const char *what, const char *about)
{
    json_t *warning = json_pack("{s:s}", "what", what);
    if (about)
        json_object_set_new(warning, "about", json_string(about));
    json_array_append_new(list, warning);
}

static void warn_of_calibrations(const struct dustd *d, int64_t now_ms, json_t *list)
{
    static const char *const words[] = {
        [CALIBRATION_DUE] = "calibration_due", [CALIBRATION_OVER] = "calibration_over"};
    for (int i = 0; i < d->config->ndevices; i++) {
        enum calibration is = calibration_of(&d->config->devices[i], now_ms);
        if (is == CALIBRATION_DUE || is == CALIBRATION_OVER)
            warn(list, words[is], d->config->devices[i].name);
    }
}

static void warn_of_lines(const struct dustd *d, int64_t now_ms, json_t *list)
{
    for (int i = 0; i < d->config->nbuses; i++) {
        const struct bus_now *b = &d->buses[i];
        if (b->line == LINE_DOWN)
            warn(list, "bus_down", d->config->buses[i].name);
        if (b->line == LINE_JAMMED)
            warn(list, "bus_jammed", d->config->buses[i].name);
        if (b->said_still)
            warn(list, "bus_stuck", d->config->buses[i].name);
        if (d->health.loads[i] > busy_most)
            warn(list, "bus_busy", d->config->buses[i].name);
    }
    for (int i = 0; i < d->config->ndevices; i++)
        if (device_fails(d->devices[i].state))
            warn(list, "device_down", d->config->devices[i].name);
    warn_of_calibrations(d, now_ms, list);
    for (int i = 0; i < d->config->nmqtt; i++)
        if (!d->uplinks[i].connected && d->uplinks[i].since_ms)
            warn(list, "broker_down", d->config->mqtt[i].name);
    for (int i = 0; i < d->config->nmqtt; i++)
        if (d->uplinks[i].commands == COMMANDS_OPEN || d->uplinks[i].commands == COMMANDS_UNSAFE)
            warn(list, "commands_refused", d->config->mqtt[i].name);
    alerts_warn(d, list);
}

static void warn_of_certs(const struct dustd *d, int64_t now_ms, json_t *list)
{
    const struct health *h = &d->health;
    for (int i = 0; i < h->ncerts && clock_is_dated(now_ms); i++) {
        const struct cert *c = &h->certs[i];
        if (c->error)
            warn(list, "certificate_unreadable", c->file);
        else if (c->ends_ms <= now_ms)
            warn(list, "certificate_ended", c->file);
        else if (c->ends_ms - now_ms < (int64_t)WARN_DAYS * CLOCK_DAY_MS)
            warn(list, "certificate_ends", c->file);
    }
}

json_t *health_warnings(const struct dustd *d, int64_t now_ms)
{
    json_t *list = json_array();
    int64_t free_bytes, size_bytes;
    if (d->store_stuck)
        warn(list, "store_stuck", NULL);
    if (disk_look(d->config->store.dir, &free_bytes, &size_bytes) == ERR_OK &&
        (free_bytes < DISK_LEAST_MB * 1000000LL || free_bytes < size_bytes / 100 * DISK_LEAST_PERCENT))
        warn(list, "disk_low", d->config->store.dir);
    if (d->hold.undated)
        warn(list, "clock_undated", NULL);
    else if (!d->health.synced)
        warn(list, "clock_unsynced", NULL);
    if (!d->seal.signer)
        warn(list, "no_key", d->seal.why_not);
    warn_of_lines(d, now_ms, list);
    warn_of_certs(d, now_ms, list);
    return list;
}

/* ---- the turn ---- */

/* What is kept of each bus, broker and certificate of the configuration. */
static void make_room(struct health *h, const struct config *c)
{
    h->loads = mem_array((size_t)c->nbuses, sizeof *h->loads);
    h->busy_us = mem_array((size_t)c->nbuses, sizeof *h->busy_us);
    h->unsent = mem_array((size_t)c->nmqtt, sizeof *h->unsent);
    h->cpu_share = -1;
    h->looked_us = 0;
    for (int i = 0; i < c->nbuses; i++)
        h->loads[i] = -1;
    for (int i = 0; i < c->nmqtt; i++) {
        add_cert(h, i, "ca", c->mqtt[i].ca_file);
        add_cert(h, i, "client", c->mqtt[i].cert_file);
    }
}

static void clear_room(struct health *h)
{
    mem_free(h->loads);
    mem_free(h->busy_us);
    mem_free(h->unsent);
    mem_free(h->certs);
    h->certs = NULL;
    h->ncerts = 0;
}

void health_reload(struct dustd *d)
{
    struct health *h = &d->health;
    clear_room(h);
    make_room(h, d->config);
    h->next_us = h->next_look_us = h->next_certs_us = h->next_tell_us = 0;
    look_at_certs(d, clock_wire_us());
}

void health_open(struct dustd *d)
{
    struct health *h = &d->health;
    make_room(h, d->config);
    h->opened_us = clock_wire_us();
    h->synced = clock_synced();
    h->synced_since_ms = d->since_ms;
    h->said = mem_string("");
}

/* Whether the warnings differ from those published last; keeps them. */
static bool warnings_changed(struct dustd *d, int64_t now_ms)
{
    json_t *list = health_warnings(d, now_ms);
    char *text = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    bool changed = strcmp(text, d->health.said) != 0;
    mem_free(d->health.said);
    d->health.said = text;
    return changed;
}

/* Whether the time in `next_us` has come; sets the next, in `minutes` of site time, but not more often than
 * each second. */
static bool is_due(int64_t *next_us, int64_t now_us, int minutes)
{
    int64_t every_us = (int64_t)minutes * MINUTE_US / clock_rate();
    if (now_us < *next_us)
        return false;
    *next_us = now_us + (every_us > SECOND_US ? every_us : SECOND_US);
    return true;
}

void health_turn(struct dustd *d, int64_t now_ms, int64_t now_us)
{
    struct health *h = &d->health;
    if (!is_due(&h->next_look_us, now_us, 0))
        return;
    look_at_clock(h, now_ms);
    look_at_certs(d, now_us);
    look_at_unsent(d);
    if (is_due(&h->next_us, now_us, 1))
        look_at_loads(d, now_us);
    bool due = is_due(&h->next_tell_us, now_us, (int)(d->config->health_every_ms / CLOCK_MINUTE_MS));
    if (warnings_changed(d, now_ms) || due)
        now_health(d, -1);
}

void health_close(struct dustd *d)
{
    struct health *h = &d->health;
    clear_room(h);
    mem_free(h->said);
    *h = (struct health){0};
}
