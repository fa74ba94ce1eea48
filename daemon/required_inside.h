/* What the files of the requirements share. Nobody else includes it. */
#ifndef DUST_REQUIRED_INSIDE_H
#define DUST_REQUIRED_INSIDE_H

#include "daemon/required.h"

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

/* How a requirement of the running day stands. */
struct standing {
    enum verdict verdict;
    int64_t since_ms; /* 0: not judged yet */
};

struct required {
    struct record *record;
    struct facts *facts;
    struct judged *judged;
    size_t njudged;
    struct told_failure *told;
    size_t ntold;
    struct standing *standings; /* config.requirements.n */
    int64_t closed_ms;          /* end of the last closed minute; 0: none */
    uint64_t said;              /* what the board said last */
    int64_t again_ms;           /* the first day to be judged again when the disk takes rows; 0: none */
    int64_t next_day_ms;        /* the first day without verdicts; 0: nothing is known yet */
};

/* FNV-1a of a text after `hash`, 0 to begin. */
uint64_t required_hash(uint64_t hash, const char *text);
uint64_t required_content(const json_t *verdict); /* of what a verdict says */
int64_t required_day(const struct dustd *d, int64_t at_ms);

struct judged *required_find(struct required *q, int64_t day_ms, uint64_t requirement); /* NULL: none */
void required_note(struct required *q, struct judged new);

/* failures.c: what the checks of a requirement come to by now_ms of a day; failures that are new become
 * findings. */
enum verdict failures_find(struct dustd *d, const struct requirement *of, int64_t day_ms, int64_t now_ms);

/* The ledger has it: from a step of the journal. */
void failures_known(struct required *q, const json_t *evidence);
void failures_forget(struct required *q, int64_t before_ms);

#endif
