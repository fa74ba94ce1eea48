#include "daemon/judge/facts.h"

#include "daemon/base/mem.h"

#include <math.h>
#include <string.h>

struct stage_since {
    int64_t from_ms;
    enum stage stage;
};

struct background {
    const char *role;
    int64_t start_ms, length_ms;
    double ugm3;
};

struct service {
    char *device;
    char letter;
    int64_t declared_ms; /* its beginning, as it was told */
    int64_t from_ms, to_ms;
};

/* Each list by time, oldest first. */
struct facts {
    struct stage_since *stages;
    struct background *backgrounds;
    struct service *services;
    size_t nstages, nbackgrounds, nservices;
};

struct facts *facts_create(void)
{
    return mem_new(struct facts);
}

void facts_destroy(struct facts *f)
{
    if (!f)
        return;
    for (size_t i = 0; i < f->nservices; i++)
        mem_free(f->services[i].device);
    mem_free(f->stages);
    mem_free(f->backgrounds);
    mem_free(f->services);
    mem_free(f);
}

void facts_set_stage(struct facts *f, int64_t from_ms, enum stage stage)
{
    size_t at = f->nstages;
    while (at > 0 && f->stages[at - 1].from_ms >= from_ms)
        at--;
    if (at == f->nstages || f->stages[at].from_ms != from_ms) {
        f->stages = mem_resize(f->stages, f->nstages + 1, sizeof *f->stages);
        memmove(f->stages + at + 1, f->stages + at, (f->nstages - at) * sizeof *f->stages);
        f->nstages++;
    }
    f->stages[at] = (struct stage_since){from_ms, stage};
}

enum stage facts_stage(const struct facts *f, int64_t at_ms)
{
    for (size_t i = f ? f->nstages : 0; i > 0; i--)
        if (f->stages[i - 1].from_ms <= at_ms)
            return f->stages[i - 1].stage;
    return STAGE_UNKNOWN;
}

static struct background *find_background(const struct facts *f, const char *role, int64_t start_ms,
                                          int64_t length_ms)
{
    for (size_t i = f->nbackgrounds; i > 0; i--) {
        struct background *b = &f->backgrounds[i - 1];
        if (b->start_ms == start_ms && b->length_ms == length_ms && strcmp(b->role, role) == 0)
            return b;
    }
    return NULL;
}

void facts_set_background(struct facts *f, const char *role, int64_t start_ms, int64_t length_ms, double ugm3)
{
    struct background *b = find_background(f, role, start_ms, length_ms);
    if (!b) {
        f->backgrounds = mem_resize(f->backgrounds, f->nbackgrounds + 1, sizeof *f->backgrounds);
        b = &f->backgrounds[f->nbackgrounds++];
    }
    *b = (struct background){role, start_ms, length_ms, ugm3};
}

double facts_background(const struct facts *f, const char *role, int64_t start_ms, int64_t length_ms)
{
    const struct background *b = f ? find_background(f, role, start_ms, length_ms) : NULL;
    return b ? b->ugm3 : NAN;
}

/* One that is not over yet, or was to end later, is told anew; NULL: none. */
static struct service *told_before(struct facts *f, const char *device, int64_t from_ms, int64_t to_ms,
                                   int64_t told_ms)
{
    for (size_t i = 0; i < f->nservices; i++) {
        struct service *s = &f->services[i];
        if (s->declared_ms == from_ms && strcmp(s->device, device) == 0 &&
            (told_ms <= s->to_ms || to_ms <= s->to_ms))
            return s;
    }
    return NULL;
}

void facts_set_service(struct facts *f, const char *device, char letter, int64_t from_ms, int64_t to_ms,
                       int64_t told_ms)
{
    struct service *s = told_before(f, device, from_ms, to_ms, told_ms);
    if (!s) {
        f->services = mem_resize(f->services, f->nservices + 1, sizeof *f->services);
        s = &f->services[f->nservices++];
        *s = (struct service){.device = mem_string(device), .declared_ms = from_ms};
        s->from_ms = told_ms > from_ms ? told_ms : from_ms;
    }
    s->letter = letter;
    s->to_ms = to_ms;
}

static const struct service *find_service(const struct facts *f, const char *device, int64_t at_ms)
{
    for (size_t i = f ? f->nservices : 0; i > 0; i--) {
        const struct service *s = &f->services[i - 1];
        if (s->from_ms <= at_ms && at_ms < s->to_ms && strcmp(s->device, device) == 0)
            return s;
    }
    return NULL;
}

char facts_service(const struct facts *f, const char *device, int64_t at_ms)
{
    const struct service *s = find_service(f, device, at_ms);
    return (char)(s ? s->letter : 'N');
}

int64_t facts_service_end(const struct facts *f, const char *device, int64_t at_ms)
{
    const struct service *s = find_service(f, device, at_ms);
    return s ? s->to_ms : 0;
}

bool facts_served(const struct facts *f, const char *device, int64_t from_ms, int64_t to_ms)
{
    for (size_t i = 0; f && i < f->nservices; i++) {
        const struct service *s = &f->services[i];
        if (s->from_ms < to_ms && s->to_ms > from_ms && (!device || strcmp(s->device, device) == 0))
            return true;
    }
    return false;
}

int facts_services(const struct facts *f, const char *device, int64_t from_ms, int64_t to_ms)
{
    int n = 0;
    for (size_t i = 0; f && i < f->nservices; i++) {
        const struct service *s = &f->services[i];
        n += s->from_ms >= from_ms && s->from_ms < to_ms && strcmp(s->device, device) == 0;
    }
    return n;
}

void facts_forget(struct facts *f, int64_t before_ms)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->nstages; i++)
        if (i + 1 == f->nstages || f->stages[i + 1].from_ms > before_ms)
            f->stages[kept++] = f->stages[i];
    f->nstages = kept;
    kept = 0;
    for (size_t i = 0; i < f->nbackgrounds; i++)
        if (f->backgrounds[i].start_ms + f->backgrounds[i].length_ms > before_ms)
            f->backgrounds[kept++] = f->backgrounds[i];
    f->nbackgrounds = kept;
    kept = 0;
    for (size_t i = 0; i < f->nservices; i++) {
        if (f->services[i].to_ms > before_ms)
            f->services[kept++] = f->services[i];
        else
            mem_free(f->services[i].device);
    }
    f->nservices = kept;
}
