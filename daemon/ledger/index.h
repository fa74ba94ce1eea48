/* Finds an issue by a text in constant time: a hash table of numbers. Pure; main thread. */
#ifndef DUST_INDEX_H
#define DUST_INDEX_H

#include <stdint.h>

struct index {
    struct index_entry {
        uint64_t hash;
        int value; /* -1: free */
    } * entries;
    int room, used;
};

/* Whether entry `value` has the text `key`. */
typedef int (*index_is)(int value, const char *key, const void *arg);

/* The value of a key, -1 when there is none. */
int index_find(const struct index *x, const char *key, index_is is, const void *arg);

/* Gives a key its value, instead of the one it had. */
void index_set(struct index *x, const char *key, int value, index_is is, const void *arg);

void index_finish(struct index *x);

#endif
