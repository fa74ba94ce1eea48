/* What the files of tasks share. */
#ifndef DUST_TASK_INSIDE_H
#define DUST_TASK_INSIDE_H

#include "daemon/ledger/task.h"

#include <stdbool.h>
#include <stdint.h>

struct config;

/* Somebody looked at something. */
struct look {
    char about[64];
    int64_t at_ms;
    unsigned roles;
};

struct tasks {
    struct task *list; /* in the order of their rows */
    int n;
    struct look *looks;
    int nlooks;
};

/* NULL: it is no longer configured. */
const struct inspection *task_inspection(const struct config *c, const char *name);

/* One of what an inspection looks at: the k-th. False: there are no more. */
struct asked {
    char name[64]; /* "<requirement>/<check>" */
    const struct check *check;
};
bool task_asks(const struct config *c, const struct inspection *n, int k, struct asked *out);

/* When it was looked at in the task's time by somebody who may; 0: not. */
int64_t task_looked_ms(const struct tasks *t, const struct task *task, const struct asked *a);

/* The members of its row. A new reference. */
json_t *task_row(const struct task *task, enum task_state step);

#endif
