/* What a ledger is made of; shared by the files of this room only. */
#ifndef DUST_BOOK_H
#define DUST_BOOK_H

#include "daemon/ledger/declared.h"
#include "daemon/ledger/index.h"
#include "daemon/ledger/step.h"

struct ledger {
    const struct config *config;
    struct declared *declared; /* NULL before the first word */
    struct issue **issues;     /* by number */
    int nissues;
    int nforgotten;                      /* the first so many keep their last step only */
    struct index by_id, by_key, by_item; /* by_item: the one of a kind and subject that was signed off last
                                            (equipment that answers again is not) */
    int64_t seq;                         /* of the step applied last */
    struct number last;                  /* highest number given, here or in a lost database */
    char last_id[32];
};

enum { ISSUE_STEPS_KEPT = 20, BOOK_KEY_SIZE = 220 };

struct issue *book_issue(const struct ledger *l, const char *id);

/* The newest issue of a key, open or ended; NULL. */
struct issue *book_newest(const struct ledger *l, const char *key);

/* The one of a kind and subject that a person signed off last; NULL. */
struct issue *book_signed_off(const struct ledger *l, const char *kind, const char *subject);

void book_add(struct ledger *l, const struct issue *new);
void book_close(struct ledger *l,
                const struct issue *i); /* a person, or the next right event, has ended it */

/* Fills `key` from the three names. ERR_FORMAT: a name is empty or too long, or there is no such kind. */
int book_key(const char *kind, const char *subject, const char *cause, char key[static BOOK_KEY_SIZE]);

/* Where the machine's "recover" leads: closed, or the state as it is, when the outage is past its first
 * deadline at `at_ms` and so is a person's to close, or the configuration wants a person. */
enum issue_state book_recovered(const struct ledger *l, const struct issue *i, int64_t at_ms);

/* The number of the next issue. A number is never given twice, also when the clock stepped back. */
void book_next_id(const struct ledger *l, int64_t now_ms, char id[static 32]);

/* The opening step but for its titles and its evidence: names, level, deadlines, check nodes, what it
 * repeats. */
struct opening {
    const char *kind, *subject, *cause, *by, *person;
    enum issue_state to;
    enum way way;
    int level; /* -1: as the configuration or the kind has it */
    int64_t answer_ms, rectify_ms;
};
json_t *book_opening(const struct ledger *l, int64_t now_ms, const struct opening *o);

/* Adds deadline, check nodes and the phase that set them. */
void book_plan(const struct ledger *l, int64_t now_ms, int64_t due_ms, json_t *step);

#endif
