#include "drivers/sim/station.h"

#include "daemon/base/mem.h"
#include "drivers/decode.h"
#include "drivers/sim/image.h"
#include "drivers/sim/switch.h"

#include <math.h>
#include <string.h>

/* A point of the profile and where its values come from: tape, model, or what was written. */
struct channel {
    const struct point *point;
    const struct model *model; /* NULL: none */
    uint64_t seed;
    int of;                    /* model->of's channel, -1 */
    struct sim_switch *with;   /* acts on it */
    struct sim_switch *drives; /* is set by it */
    int column;                /* of the tape, -1 */
    bool filled;               /* has had a value */
};

struct station {
    const struct station_setup *setup;
    const struct world *world;
    struct image *image;
    struct tape *tape;
    struct channel *channels; /* one a point, in the profile's order */
    int nchannels, leader;    /* the first replayed channel moves the tape; -1 */
    int64_t polls;
};

static int channel_named(const struct station *s, const char *name)
{
    for (int i = 0; i < s->nchannels; i++)
        if (strcmp(s->channels[i].point->name, name) == 0)
            return i;
    return -1;
}

static void add_model(struct station *s, const struct model *m)
{
    int i = channel_named(s, m->point);
    if (i < 0)
        return;
    struct channel *c = &s->channels[i];
    c->model = m;
    c->of = channel_named(s, m->of);
    for (int k = 0; k < s->world->nswitches; k++)
        if (strcmp(s->world->switches[k].name, m->with) == 0)
            c->with = s->world->switches[k].state;
}

static void add_columns(struct station *s)
{
    const struct tape_setup *t = &s->setup->tape;
    for (int k = 0; s->tape && k < t->ncolumns; k++) {
        int i = channel_named(s, t->columns[k].point);
        if (i < 0)
            continue;
        s->channels[i].column = k;
        if (s->leader < 0 || i < s->leader)
            s->leader = i;
    }
}

static void add_switches(struct station *s)
{
    for (int k = 0; k < s->world->nswitches; k++) {
        const struct switch_setup *w = &s->world->switches[k];
        int i = strcmp(w->unit, s->setup->name) == 0 ? channel_named(s, w->point) : -1;
        if (i >= 0)
            s->channels[i].drives = w->state;
    }
}

struct station *station_create(const struct station_setup *setup, const struct world *world,
                               struct tape *tape)
{
    struct station *s = mem_new(struct station);
    const struct profile *p = setup->profile;
    s->setup = setup;
    s->world = world;
    s->image = image_create(p, setup->strict);
    s->tape = tape;
    s->leader = -1;
    s->nchannels = p->npoints;
    s->channels = mem_array((size_t)p->npoints, sizeof *s->channels);
    uint64_t seed = model_seed_text(world->seed, setup->name);
    for (int i = 0; i < p->npoints; i++)
        s->channels[i] = (struct channel){
            .point = &p->points[i], .seed = model_seed_text(seed, p->points[i].name), .of = -1, .column = -1};
    for (int k = 0; k < setup->nmodels; k++)
        add_model(s, &setup->models[k]);
    add_columns(s);
    add_switches(s);
    return s;
}

const struct station_setup *station_setup(const struct station *s)
{
    return s->setup;
}

static bool concerns(const struct station *s, const struct fault *f)
{
    return strcmp(f->unit, s->setup->name) == 0 || strcmp(f->bus, s->setup->bus) == 0;
}

/* The first fault of the kinds `first` to `last` that holds now and concerns `point` (NULL: the answer). */
static const struct fault *fault_now(const struct station *s, const struct fault_moment *now,
                                     enum fault_kind first, enum fault_kind last, const char *point)
{
    for (int i = 0; i < s->world->nfaults; i++) {
        const struct fault *f = &s->world->faults[i];
        uint64_t seed = model_seed(model_seed_text(s->world->seed, s->setup->name), (uint64_t)i);
        if (f->kind < first || f->kind > last || !concerns(s, f))
            continue;
        if (point && *f->point && strcmp(f->point, point) != 0)
            continue;
        if (fault_active(f, now, model_seed(seed, (uint64_t)now->poll)))
            return f;
    }
    return NULL;
}

static double channel_value(const struct station *s, const struct channel *c, int64_t site_ms)
{
    double course = c->of >= 0 ? c->model->ratio * channel_value(s, &s->channels[c->of], site_ms)
                               : model_course(c->model, c->seed, site_ms, s->world->zone_min);
    struct model_effect effect = {0};
    if (c->with)
        effect = switch_effect(c->with, site_ms);
    return model_finish(c->model, course, c->seed, site_ms, effect, c->point->low);
}

static bool can_be_invalid(const struct point *p)
{
    return p->ninvalid > 0 || p->type == TYPE_F32 || p->type == TYPE_F64;
}

static bool touches(const struct adu_request *r, const struct point *p)
{
    return p->table == image_table(r->function) && p->address < r->address + r->count &&
           p->address + point_registers(p) > r->address;
}

static bool covers(const struct adu_request *r, const struct point *p)
{
    return p->table == image_table(r->function) && p->address >= r->address &&
           p->address + point_registers(p) <= r->address + r->count;
}

/* Puts the channel's present value into the image; returns the exception it deserves, 0 for none. */
static int refresh(struct station *s, struct channel *c, const struct fault_moment *now,
                   const struct tape_line *line, unsigned *faults)
{
    const struct fault *f = fault_now(s, now, FAULT_STUCK, FAULT_INVALID, c->point->name);
    bool replayed = c->column >= 0 && line->values, invalid = f && f->kind == FAULT_INVALID;
    if (f)
        *faults |= 1u << f->kind;
    if (f && !invalid && c->filled)
        return 0;
    if (!replayed && !c->model && !invalid)
        return 0;
    double value = NAN;
    if (!invalid)
        value = replayed ? line->values[c->column] : channel_value(s, c, now->site_ms);
    if (isnan(value) && !can_be_invalid(c->point))
        return EXCEPTION_FAILURE;
    encode_point(c->point, value, image_at(s->image, c->point->table, c->point->address));
    c->filled = true;
    return 0;
}

/* Moves the tape when the leader is read. What the request needs of it goes to `out`; false: nothing left. */
static bool play(struct station *s, const struct adu_request *r, struct tape_line *line,
                 struct station_poll *out)
{
    bool wanted = false;
    for (int i = 0; i < s->nchannels; i++)
        wanted |= s->channels[i].column >= 0 && touches(r, s->channels[i].point);
    if (!s->tape || !wanted)
        return true;
    if (covers(r, s->channels[s->leader].point))
        tape_advance(s->tape);
    *line = tape_line(s->tape);
    out->line = line->number;
    out->damaged = line->damaged;
    out->tape_ended = line->number == 0;
    return !out->tape_ended;
}

static int read_values(struct station *s, const struct adu_request *r, const struct fault_moment *now,
                       struct station_poll *out)
{
    struct tape_line line = {0};
    int exception = 0;
    if (!play(s, r, &line, out)) {
        out->silent = true;
        return 0;
    }
    for (int i = 0; i < s->nchannels && !out->damaged; i++) {
        int code =
            touches(r, s->channels[i].point) ? refresh(s, &s->channels[i], now, &line, &out->faults) : 0;
        exception = exception ? exception : code;
    }
    const uint16_t *at = image_at(s->image, image_table(r->function), r->address);
    out->nvalues = exception ? 0 : r->count;
    memcpy(out->values, at, (size_t)out->nvalues * sizeof *at);
    return exception;
}

/* A written coil or bit sets the switch it drives. */
static void write_values(struct station *s, const struct adu_request *r, int64_t site_ms,
                         struct station_poll *out)
{
    image_write(s->image, r);
    out->nvalues = r->count;
    for (int i = 0; i < r->count; i++)
        out->values[i] = adu_written(r, i);
    for (int i = 0; i < s->nchannels; i++) {
        const struct channel *c = &s->channels[i];
        if (!c->drives || !touches(r, c->point))
            continue;
        uint16_t value = *image_at(s->image, c->point->table, c->point->address);
        switch_set(c->drives, c->point->bit >= 0 ? value >> c->point->bit & 1 : value, site_ms);
    }
}

void station_poll(struct station *s, const struct adu_request *r, int64_t site_ms, int64_t wire_ms,
                  struct station_poll *out)
{
    struct fault_moment now = {site_ms, s->world->start_ms, wire_ms, ++s->polls};
    memset(out, 0, offsetof(struct station_poll, values));
    out->poll = s->polls;
    const struct fault *f = fault_now(s, &now, FAULT_SILENT, FAULT_GARBAGE, NULL);
    if (f) {
        out->fault = f->kind;
        out->by_ms = f->by_ms;
        out->faults = 1u << f->kind;
        out->silent = f->kind == FAULT_SILENT;
    }
    int exception = r->exception ? r->exception : image_refusal(s->image, r);
    if (!exception && f && f->kind == FAULT_EXCEPTION)
        exception = f->code;
    if (!exception && adu_is_write(r) && !out->silent)
        write_values(s, r, site_ms, out);
    else if (!exception && !adu_is_write(r))
        exception = read_values(s, r, &now, out);
    out->exception = (uint8_t)exception;
    out->length = exception ? adu_exception(r, exception, out->pdu) : adu_answer(r, out->values, out->pdu);
}

void station_destroy(struct station *s)
{
    if (!s)
        return;
    image_destroy(s->image);
    tape_close(s->tape);
    mem_free(s->channels);
    mem_free(s);
}
