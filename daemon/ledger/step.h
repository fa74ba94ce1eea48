/* A step: the JSON body of one journal row of kind "issue", built and read.
 *   {"ts":…,"kind":"issue","subject":"LQ-2026-0001","step":"open","from":null,"to":"found","by":"machine",
 *    "about":{"kind","subject","cause"},"title":{"zh","en"},"person","answer_due","rectify_due","previous",
 *    "evidence":{…}}
 *   {…,"step":"return","from":"review","to":"working","by":"officer","as_root":true,"text":"…"} */
#ifndef DUST_STEP_H
#define DUST_STEP_H

#include "daemon/ledger/issue.h"

#include <stddef.h>

enum { STEP_TEXT_MAX = 1000, STEP_TITLE_MAX = 400, STEP_EVIDENCE_MAX = 4096 };

/* By whom, when it is nobody. */
#define STEP_MACHINE "machine"

struct number { /* of an issue: the year of its finding in the site's zone, and the count in it */
    int year, count;
};

/* Reads "<prefix>-<year>-<4 or more digits>". */
bool number_parse(const char *id, struct number *n);
int number_compare(struct number a, struct number b);

struct step {
    int64_t ts;
    const char *issue, *by;
    enum verb verb;
    enum issue_state from, to; /* `from` ISSUE__STATES: null */
};

/* A new reference. */
json_t *step_new(const struct step *s);

/* Adds a text under a key, nothing when it is NULL or "". */
void step_add_text(json_t *step, const char *key, const char *text);

/* Adds a machine's text: control characters become blanks, cut to STEP_TITLE_MAX bytes on a code point. */
void step_add_title(json_t *step, const char *zh, const char *en);

/* The same as a string of its own: any text can be recorded so. A new reference. */
json_t *step_text(const char *text);

/* Prints and drops the step: a mem.h string, or ERR_RANGE. */
int step_print(json_t *step, char **body);

/* Fields that every step has; strings live as long as `root`. ERR_FORMAT. */
int step_read(const json_t *root, struct step *s);

/* A string of less than `size` bytes under a key, "" when absent; NULL when it is no such string. */
const char *step_string(const json_t *object, const char *key, size_t size);

/* Whether a person's text can be recorded; says why not. */
int step_check_text(const char *text, char *why, size_t why_size);

#endif
