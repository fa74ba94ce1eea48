#include "daemon/base/mem.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
