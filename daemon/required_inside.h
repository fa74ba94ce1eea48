/* What the files of the requirements share. Nobody else includes it. */
#ifndef DUST_REQUIRED_INSIDE_H
#define DUST_REQUIRED_INSIDE_H

#include "daemon/judge/judge.h"

#include <jansson.h>
#include <stdint.h>

struct dustd;
struct requirement;

/* A verdict row that the journal has. */
struct judged {
    int64_t day_ms, seq;
    uint64_t requirement, content;
    enum verdict verdict;
    int num, den;
};

/* A failed opportunity that the ledger has. */
struct told_failure {
    uint64_t key;
    int64_t at_ms;
};

/* What a check of the running day came to when it was judged last. To judge is to ask for the whole day
 * again, and gives the same until the check is due (check_due) or the record has changed (record_changes).
 * What follows from it is the same then too, but for two: what could not be written is tried again, and a day
 * before that was judged meanwhile may have opened what this day's next wash makes good. Both make it due. */
struct stood {
    int64_t day_ms, due_ms; /* due_ms 0: at once */
    uint64_t changes;
    int failed, unknown;
};

/* How a requirement of the running day stands. */
struct standing {
    enum verdict verdict;
    int64_t since_ms;     /* 0: not judged yet */
    struct stood *checks; /* its part of `stood` */
};

struct required {
    struct record *record;
    struct facts *facts;
    struct judged *judged;
    size_t njudged;
    struct told_failure *told;
    size_t ntold;
    struct standing *standings; /* config.requirements.n */
    struct stood *stood;        /* of all checks of the configuration */
    size_t nstood;
    int64_t closed_ms;   /* end of the last closed minute; 0: none */
    uint64_t said;       /* what the board said last */
    int64_t again_ms;    /* the first day to be judged again when the disk takes rows; 0: none */
    int64_t next_day_ms; /* the first day without verdicts; 0: nothing is known yet */
};

/* FNV-1a of a text after `hash`, 0 to begin. */
uint64_t required_hash(uint64_t hash, const char *text);
uint64_t required_content(const json_t *verdict); /* of what a verdict says */
int64_t required_day(const struct dustd *d, int64_t at_ms);

struct judged *required_find(struct required *q, int64_t day_ms, uint64_t requirement); /* NULL: none */
void required_note(struct required *q, struct judged new);

/* All checks of the running day are judged anew the next time. */
void required_doubt(struct required *q);

/* failures.c: what the checks of a requirement come to by now_ms of a day; failures that are new become
 * findings. `stood` has how each check stood before, and learns how it stands; NULL: judge them all. */
enum verdict failures_find(struct dustd *d, const struct requirement *of, int64_t day_ms, int64_t now_ms,
                           struct stood *stood);

/* The ledger has it: from a step of the journal. */
void failures_known(struct required *q, const json_t *evidence);
void failures_forget(struct required *q, int64_t before_ms);

#endif
