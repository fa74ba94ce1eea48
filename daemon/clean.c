#include "daemon/clean.h"

#include "daemon/again.h"
#include "daemon/base/mem.h"

static struct clean_count *find(const struct clean *c, uint64_t of)
{
    for (int i = 0; i < c->n; i++)
        if (c->counts[i].of == of)
            return &c->counts[i];
    return NULL;
}

void clean_note(struct clean *c, const char *limit, const char *cause, bool kept)
{
    uint64_t of = again_of(limit, cause);
    struct clean_count *count = find(c, of);
    if (!count) {
        c->counts = mem_resize(c->counts, (size_t)c->n + 1, sizeof *c->counts);
        count = &c->counts[c->n++];
        *count = (struct clean_count){.of = of};
    }
    count->kept = kept ? count->kept + 1 : 0;
}

void clean_correct(struct clean *c, const char *limit, const char *cause, bool kept)
{
    if (!kept)
        clean_note(c, limit, cause, false);
}

int clean_count(const struct clean *c, const char *limit, const char *cause)
{
    const struct clean_count *count = find(c, again_of(limit, cause));
    return count ? count->kept : 0;
}

void clean_finish(struct clean *c)
{
    mem_free(c->counts);
    *c = (struct clean){0};
}
