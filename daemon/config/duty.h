/* What the ledger of problems is run by: who may do what, what each kind of issue demands, the campaign's
 * phases, the working calendar, photos. Plain const data. */
#ifndef DUST_CONFIG_DUTY_H
#define DUST_CONFIG_DUTY_H

#include <stdbool.h>
#include <stdint.h>

/* How grave an issue is: 一般, 较大, 重大. */
enum level { LEVEL_GENERAL, LEVEL_MAJOR, LEVEL_CRITICAL };

/* Who may do what: a set of enum role a verb. All 0, as in a configuration that nobody has loaded: the table
 * that ships (life.c). Whatever it says, the responsible unit judges nothing against itself. */
struct role_table {
    unsigned open, confirm, assign, accept, answer, rectify, inspect, send_back, close, dismiss, note, photo;
};

/* What a kind of issue, or a category of what people find, demands. */
struct duty {
    const char *name;                /* "limit"; of a category its own, "road" */
    const char *title_zh, *title_en; /* of a category */
    int level;                       /* enum level, -1: the kind's own */
    int64_t answer_ms, rectify_ms;   /* where the finding says none */
    bool person_closes;              /* also where the machine could */
    bool photo_before, photo_after;  /* before it counts as rectified, and before it is closed */
    bool inspection;                 /* somebody has looked again since, before it is closed */
    int clean_windows;               /* of a limit: so many kept one after the other, before it is closed */
};

/* A phase of the campaign (专项行动); the first and the last day count. */
struct campaign_phase {
    const char *name, *title_zh, *title_en;
    const char *from, *to;  /* "2023-09-14" */
    int64_t from_ms, to_ms; /* to_ms: the end of the last day */
};

struct calendar {
    const char **hours; /* "08:00-18:00", site's zone; none: round the clock */
    int nhours;
    unsigned days;         /* set of 1 << weekday, Monday is 0 */
    const char **holidays; /* "2026-10-01" */
    int nholidays;
};

struct issue_rules {
    int64_t relapse_ms;     /* found again so soon after it was signed off: 反弹 */
    const char *cycle_from; /* first day of this construction cycle; "": all that is known */
    int64_t cycle_ms;       /* its beginning; 0: none */
    int64_t photo_size;     /* bytes of one */
    int64_t photo_room;     /* bytes of all */
    struct duty *kinds;
    int nkinds;
    struct duty *categories;
    int ncategories;
};

#endif
