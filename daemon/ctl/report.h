/* The weekly check (一周一检查) and the half-monthly review (半月一调度): what report.c, which is the verb,
 * and its parts share. It flows one way: the journal's rows -> gathered -> one JSON object, the report ->
 * HTML and CSV. So the numbers of a page are those of `--json`. */
#ifndef DUST_REPORT_H
#define DUST_REPORT_H

#include "daemon/base/hours.h"
#include "daemon/config/config.h"
#include "daemon/ctl/period.h"

#include <jansson.h>

struct buf;
struct ctl;
struct row;
struct source;
struct source_about;

/* One judged window of a limit at a point. */
struct judged {
    int64_t at_ms, seq;
    double mean; /* NaN: there is none */
    bool over;   /* the limit; also one of those that a day may have */
    bool breach, unknown;
    bool gone; /* taken back: the limit was not for that time, or another row says it now */
};

/* A limit and the point that it judges, in the order of their first window. */
struct judged_series {
    char *limit, *point, *unit, *compare;
    double value;
    int64_t window_ms;
    struct hours hours; /* of the day, in which it applies */
    struct judged *at;  /* by time, each window once */
    int n, room;
};

/* A requirement's verdict of a day. */
struct day_verdict {
    int64_t day_ms;
    bool known; /* there is a row */
    char verdict[16];
    int num, den, unknown, excused;
};

struct requirement_days {
    char *name;
    json_t *title;
    struct day_verdict *days; /* one for each day of the period */
};

/* How many minutes of each hour of the period were valid at a point. */
struct point_hours {
    char *name; /* "gate-dust/pm10" */
    unsigned char *valid;
};

enum { REPORT_DAYS_MOST = 31, HOUR_WITHOUT_ROW = 255 };

struct gathered {
    enum period_kind kind;
    struct period period;
    int64_t asof_ms; /* the ledger's state: the period's end, or now in one that is not over */
    int64_t head_seq;
    int ndays;
    int zone_min;
    struct config config; /* what the ledger refers to */
    struct ledger *ledger;
    json_t *cut; /* issues with a step after asof: {"LQ-2026-0007":true} */
    json_t
        *stories; /* {"LQ-2026-0001":{"measure":…}}: what was done, of the steps that the ledger may forget */
    int unreadable;        /* rows that were no step */
    json_t *people;        /* {"site-manager":{"title","phone",…}} */
    json_t *categories;    /* of what people find: {"traffic":{"zh","en"}} */
    json_t *organisations; /* {"example-community":{"title":{"zh","en"},"kind"}} */
    json_t *devices;       /* {"gate-dust":{"zh","en"}}: titles */
    json_t *site;          /* {"title":{"zh","en"},"community","contractor","authority"} */
    struct judged_series *series;
    int nseries;
    struct requirement_days *requirements;
    int nrequirements;
    struct point_hours *points;
    int npoints;
};

/* Reads everything that a report of `g->period` needs. ERR_OK, or another code after a complaint. */
int report_gather(struct source *s, struct gathered *g);
void report_forget(struct gathered *g);

/* Parts of gathering, in files of their own: takes one row of the kind issue, verdict. */
int report_take_step(const struct row *row, void *gathered);
int report_take_verdict(const struct row *row, void *gathered);
void report_sort_verdicts(struct gathered *g);

/* The report as one JSON object (docs/interface.md), a new reference. `public`: as a notice (通报). */
json_t *report_json(const struct ctl *c, const struct source_about *about, const struct gathered *g,
                    bool public);

/* Its issues (report_issues.c), a new list: those that were open at some time of the period. Beside the 27
 * columns each has `counted`, of what it is one. */
json_t *report_issues(const struct ctl *c, const struct gathered *g);

/* How many of the issues are counted as what: of those whose text under `group` is `is`; NULL: of all. */
json_t *report_counts(const json_t *issues, const char *group, const char *is);
extern const char *const report_counted[]; /* "found", "rectified", …, NULL */

/* Makes a notice of it (report_notice.c): leads that nobody has confirmed and false alarms leave the list,
 * people and their words the rest. */
void report_to_notice(const struct gathered *g, json_t *report, bool zh);

/* What of it the daemon keeps as a row: without single issues, days and windows. A new reference. */
json_t *report_summary(const json_t *report);

/* A column of the ledger (问题台账), in the order of the 27; ended by a NULL key. */
struct report_column {
    const char *key, *zh, *en;
    bool time;
};
extern const struct report_column report_columns[];

/* What stands in it, into `text` where it is a time; never NULL. */
const char *report_cell(const struct ctl *c, const json_t *issue, const struct report_column *column,
                        char text[static 32]);

/* As a page: one HTML file that needs nothing else; its parts with charts and its style are in
 * report_charts.c and report_style.c. */
void report_html(const struct ctl *c, const struct gathered *g, const json_t *report, struct buf *out);
void report_charts(const struct ctl *c, const struct gathered *g, const json_t *report, struct buf *out);
void report_completeness(const struct ctl *c, const struct gathered *g, const json_t *report,
                         struct buf *out);
void report_element(struct buf *out, const char *open, const char *text,
                    const char *close); /* text escaped */
extern const char report_style[];

/* As a table: the 27 columns of a ledger (问题台账), in their order. */
void report_csv(const struct ctl *c, const json_t *report, struct buf *out);

#endif
