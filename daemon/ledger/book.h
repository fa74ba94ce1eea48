/* What a ledger is made of; shared by ledger.c and apply.c only. */
#ifndef DUST_BOOK_H
#define DUST_BOOK_H

#include "daemon/ledger/step.h"

struct ledger {
    const struct config *config;
    struct issue **issues; /* by number */
    int nissues;
    int64_t seq;        /* of the step applied last */
    struct number last; /* highest number given, here or in a lost database */
    char last_id[32];
};

enum { ISSUE_STEPS_KEPT = 20 };

/* The newest issue of a key, open or ended; NULL. */
struct issue *book_newest(const struct ledger *l, const char *key);
struct issue *book_issue(const struct ledger *l, const char *id);

/* Fills `key` from the three names. ERR_FORMAT: a name is empty or too long, or there is no such kind. */
int book_key(const char *kind, const char *subject, const char *cause, char key[static 180]);

/* Where the machine's "recover" leads: closed, or the state as it is, when the outage is past its first
 * deadline at `at_ms` and so is a person's to close. */
enum issue_state book_recovered(const struct issue *i, int64_t at_ms);

/* 反弹: whether what is found at `at_ms` is the same again so soon after `before` (NULL: none) was signed
 * off.
 */
bool book_relapse(const struct issue *before, int64_t at_ms);

#endif
