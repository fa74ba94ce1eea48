/* What came in beside Modbus, and what it says. */
#include "daemon/judge/record_inside.h"

#include "daemon/base/clock.h"
#include "daemon/base/mem.h"
#include "daemon/config/config.h"

#include <stdio.h>
#include <string.h>

enum { GAP_MS = 2 * CLOCK_MINUTE_MS };

/* --- facts --- */

static size_t place_of(const struct facts_of *f, int64_t from_ms)
{
    size_t at = f->n;
    while (at > 0 && f->list[at - 1].from_ms > from_ms)
        at--;
    return at;
}

static void note_length(struct facts_of *f, const struct fact *is)
{
    int64_t length_ms = is->to_ms == INPUT_OPEN ? INPUT_OPEN : is->to_ms - is->from_ms;
    f->longest_ms = length_ms > f->longest_ms ? length_ms : f->longest_ms;
}

/* A source that goes on watching is one fact. *from_ms: since when nobody has heard of it before. */
static bool extend(struct facts_of *f, const struct fact *new, int64_t *from_ms)
{
    for (size_t i = f->n; i > 0; i--) {
        struct fact *old = &f->list[i - 1];
        if (strcmp(old->source, new->source) == 0 && new->from_ms >= old->from_ms &&new->from_ms <=
                                                         old->to_ms &&new->to_ms - old->from_ms <
                                                         CLOCK_DAY_MS) {
            *from_ms = old->to_ms;
            old->to_ms = new->to_ms > old->to_ms ? new->to_ms : old->to_ms;
            note_length(f, old);
            return true;
        }
    }
    return false;
}

void facts_add(struct facts_of *f, const struct fact *new)
{
    if (f->n == f->room) {
        f->room = f->room ? f->room * 2 : 16;
        f->list = mem_resize(f->list, f->room, sizeof *f->list);
    }
    size_t at = place_of(f, new->from_ms);
    memmove(f->list + at + 1, f->list + at, (f->n - at) * sizeof *f->list);
    f->list[at] = *new;
    f->n++;
    note_length(f, new);
}

int fact_source(const struct record *r, const char *name)
{
    for (int i = 0; i < r->config->nsources; i++)
        if (strcmp(r->config->sources[i].name, name) == 0)
            return i;
    return -1;
}

/* That somebody watches turns MAYBE into an answer, and no answer into another: of a time of which nobody has
 * been told that it was not watched, it changes nothing. A source that says so each minute is no news. */
static void watch(struct record *r, const struct fact *new)
{
    int64_t from_ms = new->from_ms;
    if (!extend(&r->facts[INPUT_ALIVE], new, &from_ms))
        facts_add(&r->facts[INPUT_ALIVE], new);
    r->changes += from_ms < *r->unwatched_ms;
}

void record_input(struct record *r, const struct input *i, unsigned roles)
{
    struct fact new = {.from_ms = i->from_ms, .to_ms = i->to_ms, .value = i->value, .roles = roles};
    snprintf(new.what, sizeof new.what, "%s", i->what);
    snprintf(new.via, sizeof new.via, "%s", i->via);
    snprintf(new.about, sizeof new.about, "%s", i->about);
    snprintf(new.source, sizeof new.source, "%s", i->source);
    new.by = fact_source(r, new.source);
    if (i->kind == INPUT_ALIVE) {
        watch(r, &new);
        return;
    }
    r->changes++;
    facts_add(&r->facts[i->kind], &new);
}

/* A stage holds until the next; what is open ends with the next that begins. */
static bool is_over(const struct facts_of *f, size_t i, int64_t before_ms)
{
    if (f->list[i].to_ms != INPUT_OPEN)
        return f->list[i].to_ms < before_ms;
    return i + 1 < f->n && f->list[i + 1].from_ms < before_ms;
}

void facts_forget_old(struct record *r, int64_t now_ms)
{
    r->changes++;
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
static int64_t unwatched(const struct record *r, int source, int64_t from_ms, int64_t to_ms)
{
    int64_t missing_ms = 0, at_ms = from_ms;
    const struct facts_of *f = &r->facts[INPUT_ALIVE];
    size_t first = (size_t)record_first(r, INPUT_ALIVE, from_ms - f->longest_ms);
    for (size_t i = first; i < f->n && f->list[i].from_ms < to_ms; i++) {
        if (f->list[i].by != source || f->list[i].to_ms <= at_ms)
            continue;
        if (f->list[i].from_ms > at_ms)
            missing_ms += f->list[i].from_ms - at_ms;
        at_ms = f->list[i].to_ms;
    }
    return at_ms < to_ms ? missing_ms + to_ms - at_ms : missing_ms;
}

/* Whether more of it is missing than may be; then it is noted that somebody was told so. */
static bool is_unwatched(const struct record *r, int source, int64_t from_ms, int64_t to_ms)
{
    if (unwatched(r, source, from_ms, to_ms) <= GAP_MS)
        return false;
    *r->unwatched_ms = to_ms > *r->unwatched_ms ? to_ms : *r->unwatched_ms;
    return true;
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
        if (is_unwatched(r, i, from_ms, to_ms)) {
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

/* The first time after at_ms at which a fact of the kind begins or ends. */
static int64_t turn(const struct record *r, enum input_kind kind, int64_t at_ms)
{
    const struct facts_of *f = &r->facts[kind];
    int64_t first_ms = INT64_MAX;
    for (size_t i = 0; i < f->n && f->list[i].from_ms < first_ms; i++) {
        int64_t next_ms = f->list[i].from_ms > at_ms ? f->list[i].from_ms : f->list[i].to_ms;
        if (next_ms > at_ms && next_ms < first_ms)
            first_ms = next_ms;
    }
    return first_ms;
}

int64_t record_declared_until(const struct record *r, int64_t at_ms)
{
    int64_t calendar_ms = turn(r, INPUT_CALENDAR, at_ms), stage_ms = turn(r, INPUT_STAGE, at_ms);
    return calendar_ms < stage_ms ? calendar_ms : stage_ms;
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
        if (s->kinds & 1u << INPUT_WARNING && is_unwatched(r, i, at_ms - GAP_MS, at_ms + GAP_MS)) {
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
