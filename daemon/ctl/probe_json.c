/* What was found, for programs: docs/interface.md lists the members. */
#include "daemon/ctl/probe.h"

#include "daemon/base/buf.h"
#include "daemon/base/clock.h"
#include "daemon/ctl/ctl.h"
#include "daemon/sample.h"
#include "drivers/profile.h"

#include <math.h>
#include <string.h>

static void add_setting(json_t *to, const struct scan_setting *s)
{
    char format[4] = {'8', s->parity, (char)('0' + s->stop_bits), 0};
    json_object_set_new(to, "baud", json_integer(s->baud));
    json_object_set_new(to, "format", json_string(format));
}

static json_t *value_json(const struct point *p, const struct sample *s)
{
    char letter = (char)s->quality;
    json_t *j = json_pack("{s:s,s:s,s:s,s:i}", "name", p->name, "role", p->role, "unit", p->unit, "decimals",
                          p->decimals);
    if (letter)
        json_object_set_new(j, "q", json_stringn(&letter, 1));
    if (!isnan(s->value) && s->quality)
        json_object_set_new(j, "v", json_real(s->value));
    if (s->why)
        json_object_set_new(j, "why", json_string(why_str(s->why)));
    if (s->why == WHY_EXCEPTION)
        json_object_set_new(j, "exception", json_integer(s->exception));
    return j;
}

static json_t *candidate_json(const struct probe_candidate *c)
{
    const struct profile *p = c->of->profile;
    json_t *values = json_array();
    for (int i = 0; i < p->npoints; i++)
        json_array_append_new(values, value_json(&p->points[i], &c->samples[i]));
    json_t *j = json_pack("{s:s,s:i,s:i,s:i,s:i,s:i,s:o}", "profile", p->name, "score", c->match.score,
                          "fits", c->match.fits, "weak", c->match.weak, "wrong", c->match.wrong, "missing",
                          c->match.missing, "values", values);
    if (c->order)
        json_object_set_new(j, "order", json_string(c->order));
    return j;
}

static json_t *raw_json(const struct probe_raw *raw)
{
    json_t *values = json_array();
    for (size_t i = 0; i < raw->request.count && i < sizeof raw->values / sizeof *raw->values; i++)
        json_array_append_new(values, json_integer(raw->values[i]));
    return json_pack("{s:s,s:i,s:o}", "table", table_str(raw->request.table), "address", raw->request.address,
                     "values", values);
}

static json_t *unit_json(const struct probe_unit *u)
{
    json_t *candidates = json_array(), *raws = json_array();
    for (int i = 0; i < u->ncandidates; i++)
        json_array_append_new(candidates, candidate_json(&u->candidates[i]));
    for (int i = 0; i < u->nraws; i++)
        json_array_append_new(raws, raw_json(&u->raws[i]));
    json_t *j =
        json_pack("{s:i,s:f,s:i,s:o,s:o}", "unit_id", u->at.unit_id, "answer_ms", u->at.answer_us / 1000.0,
                  "gap_ms", u->at.gap_ms, "candidates", candidates, "raw", raws);
    add_setting(j, &u->at.setting);
    if (u->known)
        json_object_set_new(j, "known", json_string(u->known));
    return j;
}

static json_t *heard_json(const struct scan_heard *h)
{
    json_t *j = json_pack("{s:i,s:i,s:i,s:i,s:b}", "asked", h->asked, "answered", h->answered, "silent",
                          h->silent, "garbled", h->garbled, "abandoned", h->abandoned);
    add_setting(j, &h->setting);
    return j;
}

static void add_hint(const char *what, const char *text, void *hints)
{
    json_array_append_new(hints, json_pack("{s:s,s:s}", "what", what, "text", text));
}

static const char *const ends[] = {[PROBE_WHOLE] = "whole",
                                   [PROBE_SIGNAL] = "interrupted",
                                   [PROBE_TIME] = "time",
                                   [PROBE_LENDER] = "lender",
                                   [PROBE_LINE] = "line"};

json_t *probe_json(const struct probe *p)
{
    struct buf block = {0};
    json_t *units = json_array(), *settings = json_array(), *hints = json_array();
    for (int i = 0; i < p->nunits; i++)
        json_array_append_new(units, unit_json(&p->units[i]));
    for (int i = 0; i < p->result.nheard; i++)
        json_array_append_new(settings, heard_json(&p->result.heard[i]));
    probe_hints(p, add_hint, hints);
    probe_block(p, clock_site_ms(), &block);
    json_t *j = json_pack("{s:s,s:s,s:o,s:o,s:o,s:s}", "port", p->shown, "end", ends[p->end], "units", units,
                          "settings", settings, "hints", hints, "block", block.data ? block.data : "");
    if (p->lent)
        json_object_set_new(j, "bus", json_string(text_of(p->lent, "bus")));
    buf_finish(&block);
    return j;
}
