/* SQLite's allocator. */
#include "daemon/base/mem.h"
#include "daemon/store/store.h"

#include <malloc.h>
#include <sqlite3.h>

enum { GRAIN = 8 };

static void *new_block(int size)
{
    return mem_resize(NULL, (size_t)size, 1);
}

static void *resized(void *old, int size)
{
    return mem_resize(old, (size_t)size, 1);
}

static int size_of(void *block)
{
    return (int)malloc_usable_size(block);
}

static int rounded(int size)
{
    return (size + GRAIN - 1) & ~(GRAIN - 1);
}

static int start(void *unused)
{
    (void)unused;
    return SQLITE_OK;
}

static void stop(void *unused)
{
    (void)unused;
}

void store_memory(void)
{
    static const sqlite3_mem_methods methods = {.xMalloc = new_block,
                                                .xFree = mem_free,
                                                .xRealloc = resized,
                                                .xSize = size_of,
                                                .xRoundup = rounded,
                                                .xInit = start,
                                                .xShutdown = stop};
    sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
