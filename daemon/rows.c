#include "daemon/rows.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/bus_now.h"
#include "daemon/config/config.h"
#include "daemon/device_now.h"
#include "daemon/dustd.h"
#include "daemon/judge/aqi.h"
#include "daemon/judge/judge.h"
#include "daemon/ledger/ledger.h"
#include "daemon/people.h"
#include "daemon/reload.h"
#include "daemon/tell.h"
#include "drivers/trouble.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { POINTS_PER_ROW = 100 }; /* about 100 bytes each: a body stays below ROW_BODY_MAX */

json_t *row_begin(const struct dustd *d, int64_t at_ms, const char *kind, const char *subject)
{
    json_t *body = json_pack("{s:I,s:s,s:s}", "ts", (json_int_t)at_ms, "kind", kind, "subject", subject);
    if (d->options.simulated)
        json_object_set_new(body, "simulated", json_true());
    if (d->hold.late && at_ms < d->hold.dated_at_ms)
        json_object_set_new(body, "late", json_true());
    if (d->gone)
        json_object_set_new(body, "removed", json_true());
    return body;
}

int64_t row_append_text(struct dustd *d, int64_t at_ms, const char *kind, const char *subject, char *body)
{
    struct batch *b = &d->batch;
    if (d->hearing) {
        d->hearing->row(++d->head.seq, kind, body, d->hearing->arg);
        return d->head.seq;
    }
    if (shed_row(d, kind, strlen(body))) {
        mem_free(body);
        return 0;
    }
    if (d->hold.undated) {
        hold_row(d, at_ms, kind, body);
        return 0;
    }
    if (b->nrows == d->batch_room) {
        d->batch_room = d->batch_room ? d->batch_room * 2 : 16;
        b->rows = mem_resize(b->rows, (size_t)d->batch_room, sizeof *b->rows);
    }
    struct row *row = &b->rows[b->nrows++];
    journal_append(&d->head, row, at_ms, kind, subject, body);
    alerts_row(d, row->seq, kind, row->body);
    return row->seq;
}

int64_t row_append(struct dustd *d, int64_t at_ms, const char *kind, const char *subject, json_t *body)
{
    /* A published row starts with these three: a body has none of its own. */
    assert(!json_object_get(body, "journal") && !json_object_get(body, "seq") &&
           !json_object_get(body, "hash"));
    char *text = json_dumps(body, JSON_COMPACT | JSON_REAL_PRECISION(12));
    json_decref(body);
    return row_append_text(d, at_ms, kind, subject, text);
}

/* Who the people are that the ledger's rows name, for whoever reads a copy; as far as there is room. */
static void add_people(const struct dustd *d, json_t *body)
{
    enum { ROOM = ROW_BODY_MAX / 6 };
    json_t *lists[] = {people_json(d->config), organisations_json(d->config), categories_json(d->config)};
    static const char *const names[] = {"people", "organisations", "categories"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (json_object_size(lists[i]) && json_dumpb(lists[i], NULL, 0, JSON_COMPACT) < ROOM)
            json_object_set(body, names[i], lists[i]);
        json_decref(lists[i]);
    }
}

/* The settings in force; their text too, where it fits in a row. */
void row_settings(struct dustd *d, int64_t now_ms, const struct author *by)
{
    char hex[65];
    config_hash(d->config, hex);
    json_t *body = row_begin(d, now_ms, "settings", "");
    if (by)
        json_object_set_new(body, "by", json_string(by->name));
    if (by && by->as_root)
        json_object_set_new(body, "as_root", json_true());
    json_object_set_new(body, "sha256", json_string(hex));
    json_object_set_new(body, "site", site_json(d->config));
    add_people(d, body);
    json_object_set_new(body, "language", json_string(d->config->language));
    json_object_set_new(body, "zone_min", json_integer(d->config->site.zone_min));
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    if (out) {
        config_print(d->config, out);
        if (fclose(out) == 0 && length < ROW_BODY_MAX / 2)
            json_object_set_new(body, "yaml", json_stringn(text, length));
    }
    mem_free(text);
    row_append(d, now_ms, "settings", "", body);
}

json_t *row_mean(const struct mean *m)
{
    json_t *j = json_object();
    if (m->n) {
        json_object_set_new(j, "mean", json_real(m->mean));
        json_object_set_new(j, "min", json_real(m->min));
        json_object_set_new(j, "max", json_real(m->max));
    }
    json_object_set_new(j, "n", json_integer(m->n));
    json_object_set_new(j, "of", json_integer(m->of));
    json_object_set_new(j, "q", json_stringn((const char[]){(char)m->quality}, 1));
    return j;
}

/* What is watched is no measurement: it has no mean. */
static json_t *means_json(const struct dustd *d, const struct mean *means, int from, int to)
{
    json_t *points = json_object();
    for (int i = from; i < to; i++)
        if (!d->config->points[i].point->watch && (!d->gone || d->gone[i]))
            json_object_set_new(points, d->config->points[i].name, row_mean(&means[i]));
    return points;
}

/* The sub-index of what has one: of an hour's or a day's mean that is whole and no lower bound. */
static void add_index(const struct dustd *d, const struct again_window *w, const struct mean *means,
                      json_t *points)
{
    for (int i = 0; i < d->config->npoints; i++) {
        const struct point *p = d->config->points[i].point;
        json_t *point = json_object_get(points, d->config->points[i].name);
        double ugm3;
        if (!point || w->length_s <= 60 || means[i].quality != QUALITY_NORMAL ||
            unit_convert(means[i].mean, p->unit, "ug/m3", &ugm3))
            continue;
        int index = aqi_sub(p->role, ugm3, w->start_ms, d->config->site.zone_min);
        if (index >= 0)
            json_object_set_new(point, "iaqi", json_integer(index));
    }
}

/* The row that the journal has of this window already goes into `body`: that one is kept, this one is the
 * later.
 */
void row_name_earlier(const struct dustd *d, const struct again_window *w, bool corrects, json_t *body)
{
    int64_t seq = d->gone ? 0 : again_find(&d->again, *w);
    if (seq)
        json_object_set_new(body, corrects ? "corrects" : "again", json_integer(seq));
}

/* What is told early of points that are taken out is not the window's own row. */
void row_note_told(struct dustd *d, struct again_window w)
{
    if (!d->gone && w.seq)
        again_note(&d->again, w);
}

/* All points of a window, in as many rows as their number needs. Returns the seq of the first. */
static int64_t means_rows(struct dustd *d, struct again_window w, const char *kind, const struct mean *means,
                          const char *raw)
{
    int64_t first = 0, start_ms = w.start_ms;
    for (int from = 0; from == 0 || from < d->config->npoints; from += POINTS_PER_ROW) {
        int to = from + POINTS_PER_ROW < d->config->npoints ? from + POINTS_PER_ROW : d->config->npoints;
        json_t *body = row_begin(d, start_ms, kind, "");
        if (raw && from == 0)
            json_object_set_new(body, "raw", json_string(raw));
        row_name_earlier(d, &w, false, body);
        json_t *points = means_json(d, means, from, to);
        add_index(d, &w, means, points);
        json_object_set_new(body, "points", points);
        int64_t seq = row_append(d, start_ms, kind, "", body);
        if (!seq)
            break; /* no room: none without the first, which names the raw block */
        first = first ? first : seq;
    }
    w.seq = first;
    row_note_told(d, w);
    return first;
}

/* Means that belong to no window; `body` is taken. Returns the seq of the first row. */
int64_t row_undated(struct dustd *d, json_t *body, const struct mean *means, const char *raw_sha256)
{
    int64_t first = 0, at_ms = json_integer_value(json_object_get(body, "ts"));
    for (int from = 0; from == 0 || from < d->config->npoints; from += POINTS_PER_ROW) {
        int to = from + POINTS_PER_ROW < d->config->npoints ? from + POINTS_PER_ROW : d->config->npoints;
        json_t *part = json_copy(body);
        if (from == 0)
            json_object_set_new(part, "raw", json_string(raw_sha256));
        json_object_set_new(part, "points", means_json(d, means, from, to));
        int64_t seq = row_append(d, at_ms, "undated", "", part);
        first = first ? first : seq;
    }
    json_decref(body);
    return first;
}

int64_t row_minute(struct dustd *d, int64_t start_ms, const struct mean *means, const char *raw_sha256)
{
    struct again_window w = {.start_ms = start_ms, .length_s = CLOCK_MINUTE_MS / CLOCK_SECOND_MS};
    return means_rows(d, w, "minute", means, raw_sha256);
}

/* Of the one point whose mean is another now; it replaces what the last row with that point says of it. */
static void corrected_row(struct dustd *d, const char *kind, struct again_window w,
                          const struct judge_event *e)
{
    struct again_window of_point = w;
    of_point.of = again_of("", d->config->points[e->point].name);
    int64_t before = again_find(&d->again, w), corrected = again_find(&d->again, of_point);
    json_t *body = row_begin(d, w.start_ms, kind, "");
    if (before || corrected)
        json_object_set_new(body, "corrects", json_integer(corrected > before ? corrected : before));
    json_t *points = means_json(d, e->means, e->point, e->point + 1);
    add_index(d, &w, e->means, points);
    json_object_set_new(body, "points", points);
    of_point.seq = row_append(d, w.start_ms, kind, "", body);
    row_note_told(d, of_point);
}

void row_window(struct dustd *d, const struct judge_event *e)
{
    struct again_window w = {.start_ms = e->start_ms, .length_s = e->length_ms / CLOCK_SECOND_MS};
    const char *kind = e->length_ms == CLOCK_DAY_MS ? "day" : "hour";
    if (e->corrects)
        corrected_row(d, kind, w, e);
    else
        means_rows(d, w, kind, e->means, NULL);
}

int64_t row_step(struct dustd *d, int64_t now_ms, const char *issue, char *body)
{
    size_t length = strlen(body);
    if (d->options.simulated && length && body[length - 1] == '}') {
        char *marked = mem_printf("%.*s,\"simulated\":true}", (int)length - 1, body);
        mem_free(body);
        body = marked;
    }
    int64_t seq = row_append_text(d, now_ms, "issue", issue, body);
    if (seq && ledger_apply(d->ledger, seq, body) != ERR_OK)
        log_error("%s: its step in row %lld cannot be applied", issue, (long long)seq);
    else if (seq)
        tell_step(d, issue, now_ms);
    return seq;
}

void row_device(struct dustd *d, int64_t at_ms, int device)
{
    const struct device_now *now = &d->devices[device];
    const char *name = d->config->devices[device].name;
    json_t *body = row_begin(d, at_ms, "device", name);
    json_object_set_new(body, "state", json_string(device_state_str(now->state)));
    if (now->state != DEVICE_UP)
        json_object_set_new(body, "why", json_string(why_str(now->why)));
    if (now->state != DEVICE_UP && now->why == WHY_EXCEPTION)
        json_object_set_new(body, "exception", json_integer(now->exception));
    row_append(d, at_ms, "device", name, body);
}

void row_bus(struct dustd *d, int64_t at_ms, int bus)
{
    const struct bus_now *now = &d->buses[bus];
    const char *name = d->config->buses[bus].name;
    json_t *body = row_begin(d, at_ms, "line", name);
    json_object_set_new(body, "state", json_string(line_state_str(now->line)));
    if (now->line == LINE_DOWN)
        json_object_set_new(body, "error",
                            json_string(trouble_of(d->config->buses[bus].transport, now->error).text));
    row_append(d, at_ms, "line", name, body);
}

void row_gap(struct dustd *d, int64_t now_ms, int64_t from_ms, int64_t to_ms, const char *reason)
{
    json_t *body = row_begin(d, now_ms, "gap", "");
    json_object_set_new(body, "from", json_integer(from_ms));
    json_object_set_new(body, "to", json_integer(to_ms));
    json_object_set_new(body, "reason", json_string(reason));
    row_append(d, now_ms, "gap", "", body);
}

void row_clock(struct dustd *d, int64_t now_ms, int64_t step_ms)
{
    d->health.step_at_ms = now_ms;
    d->health.step_ms = step_ms;
    json_t *body = row_begin(d, now_ms, "clock", "");
    json_object_set_new(body, "step_ms", json_integer(step_ms));
    json_object_set_new(body, "before_ms", json_integer(now_ms - step_ms));
    row_append(d, now_ms, "clock", "", body);
}

/* From now on stamps of this boot have a date: that much later than the time since it. */
void row_dated(struct dustd *d, int64_t now_ms, int64_t offset_ms)
{
    json_t *body = row_begin(d, now_ms, "clock", "");
    json_object_set_new(body, "boot", json_string(clock_boot_id()));
    json_object_set_new(body, "offset_ms", json_integer(offset_ms));
    row_append(d, now_ms, "clock", "", body);
}
