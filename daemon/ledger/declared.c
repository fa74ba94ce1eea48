#include "daemon/ledger/declared.h"

#include "daemon/base/mem.h"

#include <string.h>

enum kind { HOLIDAY, SUSPENDED, WORK, STAGE, KINDS };

struct span {
    enum kind kind;
    bool off;               /* of a stage: suspended */
    int64_t from_ms, to_ms; /* a stage is open */
};

struct declared {
    struct span *spans;
    int n;
};

void declared_free(struct declared *d)
{
    if (!d)
        return;
    mem_free(d->spans);
    mem_free(d);
}

/* The stage that holds at `at_ms`: of those that have begun the latest, said last; NULL. */
static const struct span *stage_at(const struct declared *d, int64_t at_ms)
{
    const struct span *found = NULL;
    for (int i = 0; i < d->n; i++)
        if (d->spans[i].kind == STAGE && d->spans[i].from_ms <= at_ms &&
            (!found || d->spans[i].from_ms >= found->from_ms))
            found = &d->spans[i];
    return found;
}

/* Plans look ahead only. */
static void drop_past(struct declared *d, int64_t now_ms)
{
    const struct span *stage = stage_at(d, now_ms);
    int64_t stage_ms = stage ? stage->from_ms : INT64_MIN;
    int n = 0;
    for (int i = 0; i < d->n; i++) {
        struct span s = d->spans[i];
        if (s.kind == STAGE ? s.from_ms >= stage_ms : s.to_ms > now_ms)
            d->spans[n++] = s;
    }
    d->n = n;
}

static void add(struct declared **d, int64_t now_ms, struct span s)
{
    if (!*d)
        *d = mem_new(struct declared);
    (*d)->spans = mem_resize((*d)->spans, (size_t)(*d)->n + 1, sizeof *(*d)->spans);
    (*d)->spans[(*d)->n++] = s;
    drop_past(*d, now_ms);
}

void declared_day(struct declared **d, int64_t now_ms, const char *what, int64_t from_ms, int64_t to_ms)
{
    static const char *const words[] = {[HOLIDAY] = "holiday", [SUSPENDED] = "suspended", [WORK] = "work"};
    for (int k = HOLIDAY; k <= WORK; k++)
        if (strcmp(words[k], what) == 0)
            add(d, now_ms, (struct span){.kind = (enum kind)k, .from_ms = from_ms, .to_ms = to_ms});
}

void declared_stage(struct declared **d, int64_t now_ms, const char *stage, int64_t from_ms)
{
    bool off = strcmp(stage, "suspended") == 0;
    add(d, now_ms, (struct span){.kind = STAGE, .off = off, .from_ms = from_ms, .to_ms = INT64_MAX});
}

int64_t declared_until(const struct declared *d, int64_t from_ms, int64_t to_ms, enum declared_word *word)
{
    bool holds[KINDS] = {false};
    *word = DECLARED_NOTHING;
    if (!d)
        return to_ms;
    const struct span *stage = stage_at(d, from_ms);
    for (int i = 0; i < d->n; i++) {
        const struct span *s = &d->spans[i];
        if (s->kind != STAGE && s->from_ms <= from_ms && from_ms < s->to_ms)
            holds[s->kind] = true;
        if (s->from_ms > from_ms && s->from_ms < to_ms)
            to_ms = s->from_ms;
        if (s->to_ms > from_ms && s->to_ms < to_ms)
            to_ms = s->to_ms;
    }
    bool stopped = holds[SUSPENDED] || (stage && stage->off);
    if (stopped || (holds[HOLIDAY] && !holds[WORK]))
        *word = DECLARED_OFF;
    else if (holds[WORK])
        *word = DECLARED_WORK;
    return to_ms;
}
