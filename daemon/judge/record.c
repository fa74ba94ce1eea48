#include "daemon/judge/record.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/judge/facts.h"
#include "daemon/judge/window.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DAY_MIN = 1440, GAP_MS = 2 * CLOCK_MINUTE_MS };

/* Points that a check can ask about beside its own role. */
static const char *const asked_roles[] = {"flow",          "temperature", "humidity",  "rain",
                                          "spray_command", "wash",        "wash_entry"};

struct day {
    int64_t start_ms; /* of the site's zone; 0: none */
    float *values;    /* [point of ours][minute], NaN missing */
};

struct facts_of {
    struct fact *list;
    size_t n, room;
};

struct record {
    const struct config *config;
    int *ours; /* a configured point: its place here, -1 not asked for */
    int nours;
    struct day days[RECORD_DAYS];
    struct facts_of facts[INPUT__KINDS];
    int64_t newest_ms;
};

/* --- points --- */

static bool role_asked(const struct config *c, const char *role)
{
    for (size_t i = 0; i < sizeof asked_roles / sizeof *asked_roles; i++)
        if (strcmp(asked_roles[i], role) == 0)
            return true;
    for (int i = 0; i < c->requirements.n; i++)
        for (int k = 0; k < c->requirements.list[i].nchecks; k++) {
            const char *own = c->requirements.list[i].checks[k].role;
            if (own && strcmp(own, role) == 0)
                return true;
        }
    return false;
}

struct record *record_create(const struct config *c)
{
    struct record *r = mem_new(struct record);
    r->config = c;
    r->ours = mem_array((size_t)c->npoints, sizeof *r->ours);
    for (int i = 0; i < c->npoints; i++) {
        const char *role = c->points[i].point->role;
        bool asked = c->requirements.n && role && *role && role_asked(c, role);
        r->ours[i] = asked ? r->nours++ : -1;
    }
    return r;
}

void record_destroy(struct record *r)
{
    if (!r)
        return;
    for (int i = 0; i < RECORD_DAYS; i++)
        mem_free(r->days[i].values);
    for (int k = 0; k < INPUT__KINDS; k++)
        mem_free(r->facts[k].list);
    mem_free(r->ours);
    mem_free(r);
}

const struct config *record_config(const struct record *r)
{
    return r->config;
}

static int64_t day_of(const struct record *r, int64_t at_ms)
{
    return clock_window_start(at_ms, CLOCK_DAY_MS, r->config->site.zone_min);
}

static struct day *place(const struct record *r, int64_t day_ms)
{
    int64_t number = day_ms / CLOCK_DAY_MS;
    return (struct day *)&r->days[(number % RECORD_DAYS + RECORD_DAYS) % RECORD_DAYS];
}

/* The day's room; an older day leaves it. NULL for one that is older than what is there. */
static struct day *open_day(struct record *r, int64_t day_ms)
{
    struct day *d = place(r, day_ms);
    if (d->start_ms == day_ms && d->values)
        return d;
    if (d->values && d->start_ms > day_ms)
        return NULL;
    size_t n = (size_t)r->nours * DAY_MIN;
    if (!d->values)
        d->values = mem_array(n, sizeof *d->values);
    for (size_t i = 0; i < n; i++)
        d->values[i] = NAN;
    d->start_ms = day_ms;
    return d;
}

/* Of the point in that place, in a minute of the day. */
static float *value_at(const struct day *d, int place, int64_t minute_ms)
{
    return d->values + (size_t)place * DAY_MIN + (size_t)((minute_ms - d->start_ms) / CLOCK_MINUTE_MS);
}

static void forget(struct record *r, int64_t now_ms);

void record_minute(struct record *r, int64_t start_ms, const struct mean *means)
{
    struct day *d = r->nours ? open_day(r, day_of(r, start_ms)) : NULL;
    if (start_ms > r->newest_ms) {
        if (day_of(r, start_ms) != day_of(r, r->newest_ms))
            forget(r, start_ms);
        r->newest_ms = start_ms;
    }
    for (int i = 0; d && i < r->config->npoints; i++)
        if (r->ours[i] >= 0)
            *value_at(d, r->ours[i], start_ms) = mean_valid(&means[i]) ? (float)means[i].mean : NAN;
}

void record_flag(struct record *r, int point, int64_t from_ms, int64_t to_ms)
{
    for (int64_t ms = from_ms; r->ours[point] >= 0 && ms < to_ms; ms += CLOCK_MINUTE_MS) {
        const struct day *d = place(r, day_of(r, ms));
        if (d->values && d->start_ms == day_of(r, ms))
            *value_at(d, r->ours[point], ms) = NAN;
    }
}

double record_value(const struct record *r, int point, int64_t minute_ms)
{
    int64_t day_ms = day_of(r, minute_ms);
    const struct day *d = place(r, day_ms);
    if (r->ours[point] < 0 || !d->values || d->start_ms != day_ms)
        return NAN;
    return (double)*value_at(d, r->ours[point], minute_ms);
}

int record_point(const struct record *r, const char *role, int point)
{
    for (int i = point + 1; i < r->config->npoints; i++)
        if (strcmp(r->config->points[i].point->role, role) == 0)
            return i;
    return -1;
}

enum truth record_above(const struct record *r, const char *role, double value, bool at_least,
                        int64_t minute_ms, const char **about)
{
    enum truth all = MAYBE;
    bool missing = false;
    for (int p = record_point(r, role, -1); p >= 0; p = record_point(r, role, p)) {
        double v = record_value(r, p, minute_ms);
        if (isnan(v)) {
            missing = true;
            if (about)
                *about = r->config->points[p].name;
        } else if (at_least ? v >= value : v > value) {
            return YES;
        } else {
            all = NO;
        }
    }
    return missing ? MAYBE : all;
}

/* --- facts --- */

static size_t place_of(const struct facts_of *f, int64_t from_ms)
{
    size_t at = f->n;
    while (at > 0 && f->list[at - 1].from_ms > from_ms)
        at--;
    return at;
}

/* A source that goes on watching is one fact. */
static bool extend(struct facts_of *f, const struct fact *new)
{
    for (size_t i = f->n; i > 0; i--) {
        struct fact *old = &f->list[i - 1];
        if (strcmp(old->source, new->source) == 0 && new->from_ms >= old->from_ms &&new->from_ms <=
                                                         old->to_ms &&new->to_ms - old->from_ms <
                                                         CLOCK_DAY_MS) {
            old->to_ms = new->to_ms > old->to_ms ? new->to_ms : old->to_ms;
            return true;
        }
    }
    return false;
}

static void add_fact(struct facts_of *f, const struct fact *new)
{
    if (f->n == f->room) {
        f->room = f->room ? f->room * 2 : 16;
        f->list = mem_resize(f->list, f->room, sizeof *f->list);
    }
    size_t at = place_of(f, new->from_ms);
    memmove(f->list + at + 1, f->list + at, (f->n - at) * sizeof *f->list);
    f->list[at] = *new;
    f->n++;
}

void record_input(struct record *r, const struct input *i, unsigned roles)
{
    struct fact new = {.from_ms = i->from_ms, .to_ms = i->to_ms, .value = i->value, .roles = roles};
    snprintf(new.what, sizeof new.what, "%s", i->what);
    snprintf(new.via, sizeof new.via, "%s", i->via);
    snprintf(new.about, sizeof new.about, "%s", i->about);
    snprintf(new.source, sizeof new.source, "%s", i->source);
    if (i->kind != INPUT_ALIVE || !extend(&r->facts[i->kind], &new))
        add_fact(&r->facts[i->kind], &new);
}

/* A stage holds until the next; what is open ends with the next that begins. */
static bool is_over(const struct facts_of *f, size_t i, int64_t before_ms)
{
    if (f->list[i].to_ms != INPUT_OPEN)
        return f->list[i].to_ms < before_ms;
    return i + 1 < f->n && f->list[i + 1].from_ms < before_ms;
}

static void forget(struct record *r, int64_t now_ms)
{
    for (int k = 0; k < INPUT__KINDS; k++) {
        struct facts_of *f = &r->facts[k];
        int64_t days = k == INPUT_INSPECTION ? INSPECTION_DAYS : RECORD_DAYS;
        int64_t before_ms = now_ms - days * CLOCK_DAY_MS;
        size_t kept = 0;
        for (size_t i = 0; i < f->n; i++) {
            bool over = k == INPUT_INSPECTION ? f->list[i].from_ms < before_ms : is_over(f, i, before_ms);
            if (!over) /* is_over has looked at the next one, which is still in its place */
                f->list[kept++] = f->list[i];
        }
        f->n = kept;
    }
}

int record_count(const struct record *r, enum input_kind kind)
{
    return (int)r->facts[kind].n;
}

const struct fact *record_fact(const struct record *r, enum input_kind kind, int i)
{
    return &r->facts[kind].list[i];
}

int record_first(const struct record *r, enum input_kind kind, int64_t from_ms)
{
    const struct facts_of *f = &r->facts[kind];
    size_t low = 0, high = f->n;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (f->list[mid].from_ms < from_ms)
            low = mid + 1;
        else
            high = mid;
    }
    return (int)low;
}

/* --- what they say --- */

/* What of [from_ms, to_ms) one source has watched; spans of one source do not overlap but by what came late.
 */
static int64_t unwatched(const struct record *r, const char *source, int64_t from_ms, int64_t to_ms)
{
    int64_t missing_ms = 0, at_ms = from_ms;
    const struct facts_of *f = &r->facts[INPUT_ALIVE];
    for (size_t i = 0; i < f->n && f->list[i].from_ms < to_ms; i++) {
        if (strcmp(f->list[i].source, source) != 0 || f->list[i].to_ms <= at_ms)
            continue;
        if (f->list[i].from_ms > at_ms)
            missing_ms += f->list[i].from_ms - at_ms;
        at_ms = f->list[i].to_ms;
    }
    return at_ms < to_ms ? missing_ms + to_ms - at_ms : missing_ms;
}

bool record_watched(const struct record *r, enum input_kind kind, int64_t from_ms, int64_t to_ms,
                    const char **about)
{
    bool any = false;
    *about = "";
    for (int i = 0; i < r->config->nsources; i++) {
        const struct input_source *s = &r->config->sources[i];
        if (!(s->kinds & 1u << kind))
            continue;
        any = true;
        if (unwatched(r, s->name, from_ms, to_ms) > GAP_MS) {
            *about = s->name;
            return false;
        }
    }
    return any;
}

static bool covers(const struct record *r, enum input_kind kind, const char *what, int64_t at_ms)
{
    const struct facts_of *f = &r->facts[kind];
    for (size_t i = 0; i < f->n && f->list[i].from_ms <= at_ms; i++)
        if (at_ms < f->list[i].to_ms && strcmp(f->list[i].what, what) == 0)
            return true;
    return false;
}

/* The last of a kind that begins at or before at_ms and holds then. */
static const struct fact *latest(const struct record *r, enum input_kind kind, int64_t at_ms)
{
    const struct facts_of *f = &r->facts[kind];
    const struct fact *found = NULL;
    for (size_t i = 0; i < f->n && f->list[i].from_ms <= at_ms; i++)
        if (at_ms < f->list[i].to_ms)
            found = &f->list[i];
    return found;
}

bool record_declared(const struct record *r, const char *what, int64_t at_ms)
{
    const struct fact *stage = latest(r, INPUT_STAGE, at_ms);
    if (strcmp(what, "suspended") == 0 && stage && strcmp(stage->what, "suspended") == 0)
        return true;
    if (strcmp(what, "holiday") == 0 && covers(r, INPUT_CALENDAR, "work", at_ms))
        return false;
    return covers(r, INPUT_CALENDAR, what, at_ms);
}

bool record_warning(const struct record *r, int64_t at_ms, enum warning *level, const char **about)
{
    static const char *const names[] = {"none", "yellow", "orange", "red"};
    const struct fact *f = latest(r, INPUT_WARNING, at_ms);
    *level = WARNING_NONE;
    for (int i = 0; f && i <= WARNING_RED; i++)
        if (strcmp(f->what, names[i]) == 0)
            *level = (enum warning)i;
    *about = "";
    if (f)
        return true;
    for (int i = 0; i < r->config->nsources; i++) {
        const struct input_source *s = &r->config->sources[i];
        if (s->kinds & 1u << INPUT_WARNING &&
            unwatched(r, s->name, at_ms - GAP_MS, at_ms + GAP_MS) > GAP_MS) {
            *about = s->name;
            return false;
        }
    }
    return true;
}

int64_t record_stage_since(const struct record *r, int64_t at_ms)
{
    const struct fact *f = latest(r, INPUT_STAGE, at_ms);
    return f ? f->from_ms : INT64_MIN;
}

/* --- reload --- */

static int same_point(const struct config *c, const char *name)
{
    for (int i = 0; i < c->npoints; i++)
        if (strcmp(c->points[i].name, name) == 0)
            return i;
    return -1;
}

struct record *record_carry(const struct record *was, const struct config *c)
{
    struct record *r = record_create(c);
    r->newest_ms = was->newest_ms;
    for (int k = 0; k < INPUT__KINDS; k++)
        for (size_t i = 0; i < was->facts[k].n; i++)
            add_fact(&r->facts[k], &was->facts[k].list[i]);
    for (int i = 0; i < RECORD_DAYS; i++) {
        const struct day *from = &was->days[i];
        struct day *to = from->values && r->nours ? open_day(r, from->start_ms) : NULL;
        for (int p = 0; to && p < c->npoints; p++) {
            int before = r->ours[p] < 0 ? -1 : same_point(was->config, c->points[p].name);
            if (before >= 0 && was->ours[before] >= 0)
                memcpy(value_at(to, r->ours[p], to->start_ms),
                       value_at(from, was->ours[before], from->start_ms), DAY_MIN * sizeof *to->values);
        }
    }
    return r;
}
