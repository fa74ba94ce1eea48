#include "daemon/again.h"

#include "daemon/base/mem.h"

enum { KEPT = 8192 }; /* four days of a site with three points and a limit of 15 minutes */

static uint64_t fnv1a(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
    while (*text++);
    return hash;
}

uint64_t again_of(const char *limit, const char *point)
{
    return fnv1a(fnv1a(0xcbf29ce484222325, limit), point);
}

int64_t again_find(const struct again *a, struct again_window w)
{
    for (size_t i = 1; i <= a->count; i++) {
        const struct again_window *had = &a->ring[(a->next + KEPT - i) % KEPT];
        if (had->start_ms == w.start_ms && had->length_s == w.length_s && had->of == w.of)
            return had->seq;
    }
    return 0;
}

void again_note(struct again *a, struct again_window w)
{
    if (!a->ring)
        a->ring = mem_pages(KEPT, sizeof *a->ring);
    a->ring[a->next] = w;
    a->next = (a->next + 1) % KEPT;
    a->count += a->count < KEPT;
}

void again_finish(struct again *a)
{
    mem_pages_free(a->ring, KEPT, sizeof *a->ring);
    *a = (struct again){0};
}
