/* The control socket's requests (docs/interface.md): what each reads or changes. Main thread. */
#ifndef DUST_VERBS_H
#define DUST_VERBS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct dustd;
struct page;

/* A control client's open question to the store. */
struct asked {
    uint64_t client; /* 0: free */
    bool raw;
    int64_t from_ms, to_ms;
};

enum { ASKED_MAX = 16 };

/* The control client that changes something, until its row is committed. */
struct writer {
    uint64_t client; /* 0: nobody */
    char who[64];
};

/* The control socket's handler (control.h); `dustd` is a struct dustd. */
void verb_request(uint64_t client, uid_t uid, json_t *request, void *dustd);

/* The store's answer to a client's question; the page stays the caller's. */
void verb_page(struct dustd *d, uint64_t client, struct page *page);

/* The final line of an answer: refused with a text for people; or the result, whose reference is stolen. */
void verb_fail(struct dustd *d, uint64_t client, const char *text);
void verb_answer(struct dustd *d, uint64_t client, json_t *result);

#endif
