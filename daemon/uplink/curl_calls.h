/* libcurl, loaded when a channel first needs it: it and the 27 libraries that it brings are 1.5 MiB of
 * resident memory, which a site without robots and mail does not pay. Only alert_http.c calls it. */
#ifndef DUST_CURL_CALLS_H
#define DUST_CURL_CALLS_H

#define CURL_DISABLE_TYPECHECK /* its macros would name the functions */
#include <curl/curl.h>

/* easy_setopt is curl_easy_setopt, and so on. */
#define CURL_CALLS(X)      \
    X(easy_cleanup)        \
    X(easy_getinfo)        \
    X(easy_init)           \
    X(easy_setopt)         \
    X(easy_strerror)       \
    X(free)                \
    X(global_init_mem)     \
    X(multi_add_handle)    \
    X(multi_cleanup)       \
    X(multi_info_read)     \
    X(multi_init)          \
    X(multi_perform)       \
    X(multi_poll)          \
    X(multi_remove_handle) \
    X(multi_wakeup)        \
    X(slist_append)        \
    X(slist_free_all)      \
    X(url)                 \
    X(url_cleanup)         \
    X(url_get)             \
    X(url_set)

struct curl_calls {
#define CURL_CALL(name) __typeof__ (&curl_##name)(name);
    CURL_CALLS(CURL_CALL)
#undef CURL_CALL
};

/* Loads it at the first call, with mem.h as its allocator; it stays. NULL, and the reason in the log: it is
 * not there. Main thread; what it returns is for any thread. */
const struct curl_calls *curl_calls(void);

#endif
