#include "daemon/clean.h"

#include "daemon/again.h"
#include "daemon/base/mem.h"

#include <string.h>

/* An issue says "mean" where a verdict names no point. */
static uint64_t key(const char *limit, const char *point)
{
    return again_of(limit, strcmp(point, "mean") == 0 ? "" : point);
}

static struct clean_count *find(const struct clean *c, uint64_t of)
{
    for (int i = 0; i < c->n; i++)
        if (c->counts[i].of == of)
            return &c->counts[i];
    return NULL;
}

void clean_note(struct clean *c, const char *limit, const char *point, bool kept)
{
    uint64_t of = key(limit, point);
    struct clean_count *count = find(c, of);
    if (!count) {
        c->counts = mem_resize(c->counts, (size_t)c->n + 1, sizeof *c->counts);
        count = &c->counts[c->n++];
        *count = (struct clean_count){.of = of};
    }
    count->kept = kept ? count->kept + 1 : 0;
}

void clean_correct(struct clean *c, const char *limit, const char *point, bool kept)
{
    if (!kept)
        clean_note(c, limit, point, false);
}

int clean_count(const struct clean *c, const char *limit, const char *point)
{
    const struct clean_count *count = find(c, key(limit, point));
    return count ? count->kept : 0;
}

void clean_finish(struct clean *c)
{
    mem_free(c->counts);
    *c = (struct clean){0};
}
