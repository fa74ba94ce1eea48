#include "daemon/ledger/index.h"

#include "daemon/base/mem.h"

/* FNV-1a. */
static uint64_t hash_of(const char *key)
{
    uint64_t hash = 14695981039346656037u;
    for (; *key; key++)
        hash = (hash ^ (unsigned char)*key) * 1099511628211u;
    return hash;
}

/* The key's entry, or the free one where it would be. */
static struct index_entry *place(const struct index *x, uint64_t hash, const char *key, index_is is,
                                 const void *arg)
{
    unsigned mask = (unsigned)x->room - 1, at = (unsigned)hash & mask;
    while (x->entries[at].value >= 0 && !(x->entries[at].hash == hash && is(x->entries[at].value, key, arg)))
        at = (at + 1) & mask;
    return &x->entries[at];
}

int index_find(const struct index *x, const char *key, index_is is, const void *arg)
{
    return x->room ? place(x, hash_of(key), key, is, arg)->value : -1;
}

static void grow(struct index *x)
{
    struct index old = *x;
    x->room = old.room ? old.room * 2 : 64;
    x->entries = mem_array((size_t)x->room, sizeof *x->entries);
    for (int i = 0; i < x->room; i++)
        x->entries[i].value = -1;
    for (int i = 0; i < old.room; i++) {
        if (old.entries[i].value < 0)
            continue;
        unsigned mask = (unsigned)x->room - 1, at = (unsigned)old.entries[i].hash & mask;
        while (x->entries[at].value >= 0)
            at = (at + 1) & mask;
        x->entries[at] = old.entries[i];
    }
    mem_free(old.entries);
}

void index_set(struct index *x, const char *key, int value, index_is is, const void *arg)
{
    if (x->used * 2 >= x->room)
        grow(x);
    uint64_t hash = hash_of(key);
    struct index_entry *e = place(x, hash, key, is, arg);
    x->used += e->value < 0;
    *e = (struct index_entry){hash, value};
}

void index_finish(struct index *x)
{
    mem_free(x->entries);
    *x = (struct index){0};
}
