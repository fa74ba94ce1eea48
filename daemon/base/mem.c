#include "daemon/base/mem.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void mem_exhausted(void)
{
    log_error("out of memory");
    _exit(EXIT_NO_MEMORY);
}

static void *checked(void *block)
{
    if (!block)
        mem_exhausted();
    return block;
}

void *mem_array(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size));
}

void *mem_bytes(size_t size)
{
    return mem_array(size, 1);
}

void *mem_resize(void *old, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return checked(NULL);
    return checked(realloc(old, count && size ? count * size : 1));
}

/* Never nothing: of no length there is no mapping. */
static size_t pages_size(size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        mem_exhausted();
    return count && size ? count * size : 1;
}

#ifdef __SANITIZE_ADDRESS__ /* it knows the bounds of what it allocates, and looks there for what is kept */
void *mem_pages(size_t count, size_t size)
{
    return mem_array(pages_size(count, size), 1);
}

void mem_pages_free(void *old, size_t count, size_t size)
{
    (void)count;
    (void)size;
    mem_free(old);
}
#else
void *mem_pages(size_t count, size_t size)
{
    void *pages =
        mmap(NULL, pages_size(count, size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return checked(pages == MAP_FAILED ? NULL : pages);
}

void mem_pages_free(void *old, size_t count, size_t size)
{
    if (old)
        munmap(old, pages_size(count, size));
}
#endif

char *mem_string(const char *text)
{
    return text ? mem_string_n(text, strlen(text)) : NULL;
}

char *mem_string_n(const char *text, size_t length)
{
    char *copy = mem_array(length + 1, 1);
    memcpy(copy, text, length);
    return copy;
}

char *mem_printf(const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *text = mem_array((size_t)(n < 0 ? 0 : n) + 1, 1);
    if (n > 0)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text;
}

void mem_free(void *old)
{
    free(old);
}
