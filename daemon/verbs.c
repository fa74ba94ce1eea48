/* The control socket's requests: docs/interface.md describes each. One const table; reading is for everybody
 * who may open the socket, acting is for persons. */
#include "daemon/dustd.h"

#include "daemon/acting.h"
#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/bus_now.h"
#include "daemon/casework.h"
#include "daemon/chore.h"
#include "daemon/commands.h"
#include "daemon/config/config.h"
#include "daemon/control.h"
#include "daemon/device_now.h"
#include "daemon/gate.h"
#include "daemon/inputs.h"
#include "daemon/ledger/ledger.h"
#include "daemon/people.h"
#include "daemon/registers.h"
#include "daemon/required.h"
#include "daemon/running.h"
#include "daemon/service.h"
#include "daemon/store/lines.h"
#include "daemon/store/rawblock.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

enum { ROWS_DEFAULT = 200, ROWS_MOST = 1000, BLOCKS_MOST = 5 };

/* Whoever asked: a client of the control socket, or somebody over MQTT. Steals `final`. */
static void finish(struct dustd *d, uint64_t client, json_t *final)
{
    if (commands_is(client))
        commands_finish(d, client, final);
    else
        control_finish(d->control, client, final);
}

void verb_fail(struct dustd *d, uint64_t client, const char *text)
{
    json_t *error = json_string(text);
    if (!error) /* it quotes the request and is cut within a character */
        error = json_string("refused");
    finish(d, client, json_pack("{s:b,s:o,s:s}", "ok", 0, "error", error, "language", d->config->language));
}

void verb_answer(struct dustd *d, uint64_t client, json_t *result)
{
    finish(d, client,
           json_pack("{s:b,s:s,s:i,s:o}", "ok", 1, "language", d->config->language, "zone_min",
                     d->config->site.zone_min, "result", result));
}

static json_t *titles(const char *zh, const char *en)
{
    return json_pack("{s:s,s:s}", "zh", zh, "en", en);
}

static json_t *status_issues(const struct dustd *d, int64_t now_ms)
{
    int open = 0, overdue = 0;
    for (int i = 0; i < ledger_count(d->ledger); i++) {
        const struct issue *issue = ledger_at(d->ledger, i);
        open += issue_is_open(issue);
        overdue += issue_is_open(issue) && issue_light(issue, now_ms) == LIGHT_RED;
    }
    return json_pack("{s:i,s:i,s:i}", "open", open, "overdue", overdue, "relapses",
                     ledger_relapses(d->ledger));
}

static json_t *status_devices(const struct dustd *d)
{
    int in[DEVICE_QUARANTINED + 1] = {0};
    for (int i = 0; i < d->config->ndevices; i++)
        in[d->devices[i].state]++;
    return json_pack("{s:i,s:i,s:i,s:i}", "up", in[DEVICE_UP], "down", in[DEVICE_DOWN], "quarantined",
                     in[DEVICE_QUARANTINED], "of", d->config->ndevices);
}

/* What was refused for want of room, anywhere: all zero on a healthy day. */
static json_t *status_lost(const struct dustd *d)
{
    json_int_t waited = 0;
    for (int i = 0; i < d->config->nbuses; i++)
        waited += (json_int_t)ring_refused(d->buses[i].ring);
    return json_pack("{s:I,s:I,s:I,s:I}", "bus_ring_full", waited, "late_samples",
                     (json_int_t)d->late_samples, "dropped_samples", (json_int_t)d->shed.all_samples,
                     "dropped_rows", (json_int_t)d->shed.all_rows);
}

static void do_status(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid, (void)request;
    int64_t now_ms = clock_site_ms();
    json_t *site = site_json(d->config);
    json_t *result = json_pack("{s:o,s:s,s:i,s:b,s:b,s:I,s:s,s:s,s:I,s:I}", "site", site, "version",
                               DUST_VERSION, "rate", clock_rate(), "simulated", d->options.simulated, "dated",
                               !d->hold.undated, "held", (json_int_t)(d->hold.next - d->hold.low), "clock",
                               clock_synced() ? "synced" : "unsynced", "journal", d->head.id, "seq",
                               (json_int_t)d->head.seq, "committed", (json_int_t)d->committed);
    seal_key(d, result);
    if (!d->hold.undated) {
        json_object_set_new(result, "now", json_integer(now_ms));
        json_object_set_new(result, "since", json_integer(d->since_ms));
    }
    health_add(d, now_ms, result);
    json_object_set_new(result, "devices", status_devices(d));
    json_object_set_new(result, "issues", status_issues(d, now_ms));
    json_object_set_new(result, "lost", status_lost(d));
    verb_answer(d, client, result);
}

static json_t *point_json(const struct dustd *d, int index)
{
    const struct point *p = d->config->points[index].point;
    const struct sample *s = &d->now[index];
    json_t *point = json_pack("{s:s,s:o,s:s,s:i}", "name", p->name, "title", titles(p->title_zh, p->title_en),
                              "unit", p->unit, "decimals", p->decimals);
    if (!s->at_ms)
        return point;
    char letter = (char)s->quality;
    if (clock_is_dated(s->at_ms))
        json_object_set_new(point, "ts", json_integer(s->at_ms));
    json_object_set_new(point, "q", json_stringn(&letter, 1));
    if (!isnan(s->value))
        json_object_set_new(point, "v", json_real(s->value));
    if (s->why)
        json_object_set_new(point, "why", json_string(why_str(s->why)));
    if (s->why == WHY_EXCEPTION)
        json_object_set_new(point, "exception", json_integer(s->exception));
    return point;
}

/* A setting of a device: what it is, and the reason when it cannot be read. */
static json_t *setting_json(const struct dustd *d, int index)
{
    const struct point *p = d->config->points[index].point;
    const struct sample *s = &d->now[index];
    json_t *known = registers_json(d, index);
    json_t *j = json_pack("{s:s,s:o,s:s,s:i}", "name", p->name, "title", titles(p->title_zh, p->title_en),
                          "unit", p->unit, "decimals", p->decimals);
    if (known)
        json_object_update(j, known);
    json_decref(known);
    if (s->at_ms && clock_is_dated(s->at_ms))
        json_object_set_new(j, "ts", json_integer(s->at_ms));
    if (s->at_ms && !s->nreg)
        json_object_set_new(j, "why", json_string(why_str(s->why)));
    if (s->why == WHY_EXCEPTION)
        json_object_set_new(j, "exception", json_integer(s->exception));
    return j;
}

static const char *device_bus(const struct config *c, const struct device *device)
{
    for (int i = 0; i < c->nbuses; i++)
        for (int k = 0; k < c->buses[i].ndevices; k++)
            if (c->buses[i].devices[k] == device)
                return c->buses[i].name;
    return "";
}

/* What became of the device's questions, and how long its answers take; `share` is of its bus's time. */
static void add_tally(json_t *j, const struct device_now *now)
{
    const struct bus_tally *t = &now->tally;
    if (t->requests == 0)
        return;
    json_object_set_new(j, "requests", json_integer(t->requests));
    json_object_set_new(j, "answers", json_integer(t->answers));
    json_object_set_new(j, "no_answer", json_integer(t->no_answer));
    json_object_set_new(j, "garbled", json_integer(t->garbled));
    json_object_set_new(j, "exceptions", json_integer(t->exceptions));
    json_object_set_new(j, "share_permille", json_integer(t->share_permille));
    if (t->rtt_median_us)
        json_object_set_new(j, "rtt",
                            json_pack("{s:f,s:f,s:f}", "min_ms", t->rtt_min_us / 1000.0, "median_ms",
                                      t->rtt_median_us / 1000.0, "p99_ms", t->rtt_p99_us / 1000.0));
}

static void do_devices(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid, (void)request;
    int64_t now_ms = clock_site_ms();
    json_t *result = json_array();
    for (int i = 0; i < d->config->ndevices; i++) {
        const struct device *device = &d->config->devices[i];
        const struct device_now *now = &d->devices[i];
        json_t *points = json_array(), *settings = json_array();
        for (int k = 0; k < device->profile->npoints; k++) {
            int point = device->first_point + k;
            if (d->config->points[point].point->watch)
                json_array_append_new(settings, setting_json(d, point));
            else
                json_array_append_new(points, point_json(d, point));
        }
        json_t *j = json_pack("{s:s,s:o,s:s,s:i,s:s,s:s,s:I,s:o,s:o}", "name", device->name, "title",
                              titles(device->title_zh, device->title_en), "bus",
                              device_bus(d->config, device), "unit_id", device->unit_id, "profile",
                              device->profile->name, "state", device_state_str(now->state), "period_ms",
                              (json_int_t)device->period_ms, "points", points, "settings", settings);
        if (now->state != DEVICE_UNKNOWN && clock_is_dated(now->since_ms))
            json_object_set_new(j, "since", json_integer(now->since_ms));
        if (device_fails(now->state))
            json_object_set_new(j, "why", json_string(why_str(now->why)));
        if (now->rtt_us > 0)
            json_object_set_new(j, "rtt_ms", json_real(now->rtt_us / 1000.0));
        if (clock_is_dated(now->value_ms) && now_ms >= now->value_ms)
            json_object_set_new(j, "value_age_ms", json_integer(now_ms - now->value_ms));
        calibration_add(j, device, now_ms);
        service_add(d, j, device, now_ms);
        add_tally(j, now);
        json_array_append_new(result, j);
    }
    verb_answer(d, client, result);
}

static void do_requirements(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid, (void)request;
    verb_answer(d, client, required_board(d));
}

static void do_windows(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid, (void)request;
    verb_answer(d, client, running_json(d));
}

static json_int_t number(json_t *request, const char *key, json_int_t fallback)
{
    json_t *value = json_object_get(request, key);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

/* A seq or a stamp, such that one more and one minute less can still be computed. */
static json_int_t natural(json_t *request, const char *key, json_int_t fallback)
{
    json_int_t n = number(request, key, fallback);
    return n < 0 ? 0 : n == INT64_MAX ? INT64_MAX - 1 : n;
}

static void ask(struct dustd *d, uint64_t client, json_t *request, bool raw)
{
    struct asked *slot = NULL;
    for (int i = 0; i < ASKED_MAX && !slot; i++)
        if (!d->asked[i].client)
            slot = &d->asked[i];
    const char *kind = json_string_value(json_object_get(request, "kind"));
    struct question q = {.asker = client, .raw = raw};
    q.after = natural(request, "after", 0);
    q.from_ms = natural(request, "from", 0);
    q.to_ms = natural(request, "to", INT64_MAX);
    json_int_t most = raw ? BLOCKS_MOST : ROWS_MOST;
    json_int_t limit = number(request, "limit", raw ? BLOCKS_MOST : ROWS_DEFAULT);
    q.limit = (int)(limit < 1 ? 1 : limit > most ? most : limit);
    snprintf(q.kind, sizeof q.kind, "%s", kind && !raw ? kind : "");
    if (slot)
        *slot = (struct asked){client, raw, q.from_ms, q.to_ms};
    if (raw) /* blocks are stamped with the start of their minute */
        q.from_ms = clock_window_start(q.from_ms, CLOCK_MINUTE_MS, 0);
    if (!slot || store_ask(d->store, &q) != ERR_OK) {
        if (slot)
            slot->client = 0;
        verb_fail(d, client, "busy: ask again");
    }
}

static void do_rows(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid;
    ask(d, client, request, false);
}

static void do_samples(struct dustd *d, uint64_t client, uid_t uid, json_t *request)
{
    (void)uid;
    ask(d, client, request, true);
}

struct sink {
    struct dustd *d;
    const struct asked *asked;
    int64_t seq;
    struct buf line;
};

static void sample_out(const struct raw_sample *raw, void *arg)
{
    struct sink *to = arg;
    if (raw->sample.at_ms < to->asked->from_ms || raw->sample.at_ms >= to->asked->to_ms)
        return;
    buf_clear(&to->line);
    sample_line(raw, to->seq, &to->line);
    control_line(to->d->control, to->asked->client, to->line.data);
}

/* The page as data lines; ERR_DAMAGED when a block cannot be read. */
static int page_lines(struct dustd *d, const struct asked *asked, const struct page *page)
{
    int error = page->error;
    struct sink to = {.d = d, .asked = asked};
    for (int i = 0; i < page->nrows; i++) {
        buf_clear(&to.line);
        row_line(&page->rows[i], &to.line);
        control_line(d->control, asked->client, to.line.data);
    }
    for (int i = 0; i < page->nblocks; i++) {
        to.seq = page->blocks[i].seq;
        if (rawblock_decode(page->blocks[i].data, page->blocks[i].length, sample_out, &to) != ERR_OK)
            error = ERR_DAMAGED;
    }
    buf_finish(&to.line);
    return error;
}

void verb_page(struct dustd *d, uint64_t client, struct page *page)
{
    struct asked *asked = NULL;
    for (int i = 0; i < ASKED_MAX && !asked; i++)
        if (d->asked[i].client == client)
            asked = &d->asked[i];
    if (!asked)
        return;
    int error = page_lines(d, asked, page);
    asked->client = 0;
    if (error) {
        verb_fail(d, client, err_str(error));
        return;
    }
    char hex[65];
    hash_hex(d->committed_hash, hex);
    control_finish(d->control, client,
                   json_pack("{s:b,s:s,s:i,s:I,s:s,s:s,s:{s:I,s:s}}", "ok", 1, "language",
                             d->config->language, "zone_min", d->config->site.zone_min, "next",
                             (json_int_t)page->next, "journal", d->head.id, "site", d->config->site.name,
                             "head", "seq", (json_int_t)d->committed, "hash", hex));
}

static const struct verb_row verbs[] = {
    {"act",
     act_request,
     RATE_WRITE,
     {{"issue", TEXT}, {"verb", TEXT}, {"text", TEXT}, {"person", TEXT}, {"due", NUMBER}, {"as", TEXT}}},
    {"alert_test", alert_test_request, RATE_WRITE, {{"person", TEXT}, {"as", TEXT}}},
    {"alerts", alerts_request, RATE_READ, {{0}}},
    {"devices", do_devices, RATE_READ, {{0}}},
    {"input", inputs_request, RATE_WRITE, {{"kind", TEXT}, {"input", OBJECT}, {"as", TEXT}}},
    {"issue", issue_request, RATE_READ, {{"id", TEXT}}},
    {"issues",
     issues_request,
     RATE_READ,
     {{"open", FLAG},
      {"brief", FLAG},
      {"lines", FLAG},
      {"state", TEXT},
      {"kind", TEXT},
      {"subject", TEXT},
      {"person", TEXT},
      {"light", TEXT},
      {"level", TEXT},
      {"text", TEXT},
      {"due", NUMBER},
      {"after", TEXT},
      {"limit", NUMBER}}},
    {"lend", lend_request, RATE_WRITE, {{"bus", TEXT}, {"seconds", NUMBER}, {"as", TEXT}}},
    {"open",
     open_request,
     RATE_WRITE,
     {{"category", TEXT},
      {"place", TEXT},
      {"way", TEXT},
      {"text", TEXT},
      {"person", TEXT},
      {"level", TEXT},
      {"as", TEXT}}},
    {"photo",
     photo_request,
     RATE_WRITE,
     {{"issue", TEXT}, {"name", TEXT}, {"when", TEXT}, {"text", TEXT}, {"as", TEXT}}},
    {"photo_part",
     photo_part_request,
     RATE_PAGE,
     {{"issue", TEXT},
      {"photo", TEXT},
      {"part", NUMBER},
      {"of", NUMBER},
      {"data", TEXT},
      {"name", TEXT},
      {"when", TEXT},
      {"text", TEXT},
      {"as", TEXT}}},
    {"reload", reload_request, RATE_WRITE, {{"as", TEXT}}},
    {"report", reported_request, RATE_WRITE, {{"kind", TEXT}, {"report", OBJECT}, {"as", TEXT}}},
    {"requirements", do_requirements, RATE_READ, {{0}}},
    {"rows",
     do_rows,
     RATE_PAGE,
     {{"kind", TEXT}, {"after", NUMBER}, {"from", NUMBER}, {"to", NUMBER}, {"limit", NUMBER}}},
    {"samples",
     do_samples,
     RATE_PAGE,
     {{"after", NUMBER}, {"from", NUMBER}, {"to", NUMBER}, {"limit", NUMBER}}},
    {"status", do_status, RATE_READ, {{0}}},
    {"tasks", chore_request, RATE_READ, {{0}}},
    {"windows", do_windows, RATE_READ, {{0}}},
};

enum { NVERBS = sizeof verbs / sizeof verbs[0] };

void verb_request(uint64_t client, uid_t uid, json_t *request, void *dustd)
{
    const char *name = json_string_value(json_object_get(request, "do"));
    struct rate_refusal refusal;
    char why[256];
    int n = snprintf(why, sizeof why, "\"do\" must be one of:");
    for (int i = 0; i < NVERBS; i++) {
        n += snprintf(why + n, sizeof why - (size_t)n, " %s", verbs[i].name);
        if (!name || strcmp(verbs[i].name, name) != 0)
            continue;
        if (gate_admit(dustd, &verbs[i], client, uid, request, &refusal) == ERR_OK)
            verbs[i].run(dustd, client, uid, request);
        else
            verb_fail(dustd, client, refusal.text);
        return;
    }
    verb_fail(dustd, client, why);
}
