/* The periods that are reported on, cut in the site's zone: the week (一周一检查, Monday to Sunday) and the
 * half month (半月一调度, the 1st to the 15th, and the 16th to the month's end). Pure. */
#ifndef DUST_PERIOD_H
#define DUST_PERIOD_H

#include <stdint.h>

enum period_kind { PERIOD_WEEKLY, PERIOD_HALF_MONTH, PERIOD__KINDS };

struct period {
    int64_t from_ms, to_ms; /* from_ms <= at < to_ms */
};

/* "weekly", "half-month". ERR_FORMAT for anything else. */
int period_parse(const char *word, enum period_kind *kind);
const char *period_str(enum period_kind kind);

/* The one that holds `at_ms`. */
struct period period_of(enum period_kind kind, int64_t at_ms, int zone_min);

/* The last one that is over at `now_ms`. */
struct period period_last(enum period_kind kind, int64_t now_ms, int zone_min);

#endif
