#include "daemon/uplink/curl_calls.h"

#include "daemon/base/log.h"
#include "daemon/base/mem.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libcurl.so.4" /* the OpenSSL flavour, which dustd has loaded anyway */

static const struct {
    const char *name;
    size_t offset;
} names[] = {
#define CURL_CALL(call) {"curl_" #call, offsetof(struct curl_calls, call)},
    CURL_CALLS(CURL_CALL)
#undef CURL_CALL
};

static void *resize(void *old, size_t size)
{
    return mem_resize(old, size, 1);
}

static void complain(void)
{
    const char *why = dlerror();
    if (why && strstr(why, "memory"))
        mem_exhausted();
    log_error("no alert can be sent over HTTP or by mail: %s", why ? why : LIBRARY);
}

static bool load(struct curl_calls *calls)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    for (size_t i = 0; library && i < sizeof names / sizeof *names; i++) {
        void *function = dlsym(library, names[i].name);
        if (!function)
            library = NULL;
        memcpy((char *)calls + names[i].offset, &function, sizeof function);
    }
    return library != NULL;
}

const struct curl_calls *curl_calls(void)
{
    static struct curl_calls loaded; /* all zero: not yet */
    struct curl_calls calls;
    if (loaded.easy_init)
        return &loaded;
    if (!load(&calls)) {
        complain();
        return NULL;
    }
    calls.global_init_mem(CURL_GLOBAL_DEFAULT, mem_bytes, mem_free, resize, mem_string, mem_array);
    loaded = calls;
    return &loaded;
}
