#include "daemon/libraries.h"

#include "daemon/base/mem.h"

#include <jansson.h>
#include <openssl/crypto.h>

static void *crypto_new(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return mem_resize(NULL, size, 1);
}

static void *crypto_resize(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size)
        return mem_resize(old, size, 1);
    mem_free(old);
    return NULL;
}

static void crypto_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    mem_free(old);
}

void libraries_start(void)
{
    json_set_alloc_funcs(mem_bytes, mem_free);
    CRYPTO_set_mem_functions(crypto_new, crypto_resize, crypto_free);
}
