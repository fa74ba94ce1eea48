/* Deadlines planned backwards (倒排工期): limited by the campaign's phase, with check nodes at 50, 80 and 100
 * % of the working time until then. Pure. */
#ifndef DUST_PLAN_H
#define DUST_PLAN_H

#include "daemon/ledger/issue.h"

struct config;
struct declared;

/* The working calendar: `calendar:`, and what was said since. */
struct calendar_of {
    const struct config *config;
    const struct declared *declared; /* NULL: nothing */
};

/* `due_ms`, but no later than the end of the phase that runs at `now_ms`; `phase` is that when it set the
 * deadline, else NULL. */
int64_t plan_due(const struct config *c, int64_t now_ms, int64_t due_ms, const struct campaign_phase **phase);

/* The working time in [from_ms, to_ms) by the calendar. */
int64_t plan_work(const struct calendar_of *of, int64_t from_ms, int64_t to_ms);

/* When 50, 80 and 100 % of the working time in [from_ms, due_ms] have passed, of all time where none is
 * worked. The last is due_ms. */
void plan_nodes(const struct calendar_of *of, int64_t from_ms, int64_t due_ms,
                int64_t nodes_ms[static ISSUE_NODES]);

#endif
