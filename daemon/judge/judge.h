/* From samples to means to verdicts. Pure: no I/O, no clock; main calls it in time order. A minute is the
 * mean of its valid samples (at least 75 % of those due: the rule of HJ 212-2017 for flue gas, used for air),
 * every longer window the mean of its valid minutes (at least 75 %). No data is not
 * compliance: such a window is unknown. */
#ifndef DUST_JUDGE_H
#define DUST_JUDGE_H

#include "daemon/config/stage.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct facts;
struct sample;

/* A closed window of one point. Means are rounded to 4 decimals, so that whoever recomputes the longer
 * windows from the published minutes gets the same. */
struct mean {
    double mean, min, max; /* NaN when n is 0 */
    uint32_t n, of;        /* valid and due: samples of a minute, minutes of a longer window */
    uint8_t quality; /* N valid; T valid but a lower bound (some value over range); else the letter of most of
                        what failed (D when mixed or too few) */
    double sum; /* of what is valid, in ten-thousandths of the unit: whole numbers, so exact; of levels: of
                   their energies (window.h) */
};

enum verdict {
    VERDICT_PASS,
    VERDICT_BREACH,
    VERDICT_UNKNOWN,
    VERDICT_EXCEEDED, /* of a window over a limit that allows some a day: counted, by itself no breach */
    VERDICT_VOID,     /* takes a verdict back: its limit is not for the stage of the work, as is known now */
};

enum judge_event_kind {
    JUDGE_WINDOW,  /* an hour or a day of all points closed: `means` */
    JUDGE_VERDICT, /* a limit judged one of its windows, or a day's count of them */
    JUDGE_WARNING, /* a running window has used its warning share; or a day all the exceedances it may have */
    JUDGE_QUALITY, /* a check of data quality began or ended to hold: `finding` */
};

/* A day of a limit that allows some exceedances. */
struct judge_count {
    uint32_t exceeded, unknown, of; /* windows; `of` make a day, those that never came are unknown */
};

struct judge_event {
    enum judge_event_kind kind;
    int64_t start_ms, length_ms;
    const struct mean *means; /* JUDGE_WINDOW: config.npoints of them; that corrects: only `point`'s counts */
    const struct limit *limit; /* JUDGE_VERDICT */
    int point;                 /* the point it is about; -1 for over: mean, and for all */
    enum verdict verdict;
    struct mean mean;         /* the window's; over: mean: n valid points of `of` */
    double compared;          /* what was compared: without background, rounded; NaN: nothing was */
    double background;        /* that was taken off, in the limit's unit; NaN: none */
    enum stage stage;         /* of a limit that asks for it, at the window's start */
    const char *why;          /* of unknown, and of a breach that is not over the value; static, "" none */
    struct judge_count count; /* of: 0 but for a day's count */
    bool corrects; /* told before (`was`); minutes of it have turned out to be no measurement since, or its
                      background or stage came late, or an earlier window's did */
    enum verdict was;
    bool late; /* the window's first verdict, days after it: its limit was not for the stage told before */
    const struct quality_finding *finding; /* JUDGE_QUALITY (quality.h) */
    bool running;     /* the window has not ended; of a verdict: what it will be is certain */
    double may, used; /* of what runs: the mean that its rest may have, the share that is used (ahead.h) */
};

typedef void (*judge_sink)(const struct judge_event *event, void *arg);

struct judge;

/* Nothing is known yet and no window is open. `c` must outlive it. judge_destroy frees it. */
struct judge *judge_create(const struct config *c);

/* Where the judge looks up stage, background and service; NULL (as after judge_create): all unknown. Not
 * taken over, and carried to the next judge by a reload. */
void judge_know(struct judge *j, const struct facts *facts);

/* From now on so many samples of the point are due in a minute, whatever the device's period makes it: a
 * record was made at another pace. */
void judge_due(struct judge *j, int point, uint32_t due);

/* A sample of the running minute. True: the point's sample before, in the same minute, was a spike, as this
 * one shows: it is in no mean, and the caller marks it in what is kept (D, WHY_SPIKE; its registers stay). */
bool judge_sample(struct judge *j, const struct sample *s);

/* Restart: what a setting of a device (a point with `watch`, which is in no minute row) was at at_ms, so that
 * what was changed meanwhile is found. */
void judge_setting(struct judge *j, int point, double value, int64_t at_ms);

/* Ends the minute [start_ms, + 60 s): fills config.npoints means and forgets its samples. `of` is what the
 * device's period makes due in a minute, or what came, if that is more. */
void judge_minute(struct judge *j, struct mean *means);

/* Looks at the quality of the minute that judge_minute has made: writes the letters that maintenance and the
 * checks give into `means`. judge_feed, of the same minute, tells what came of it, and takes what turned out
 * to be no measurement out of earlier windows. */
void judge_check(struct judge *j, int64_t start_ms, struct mean *means);

/* Adds a closed minute to the longer windows (and looks at its quality, unless judge_check has); first closes
 * those that ended before it; then those that end with it. `sink` gets hours, days and verdicts, shortest
 * windows first, each once. When the clock stepped back within a window, its repeated minutes count and are
 * due as well; when it stepped back out of it, the window is closed as it stands, and one that was told
 * already is told again with what came later: both are kept.
 *
 * Restart: feed the journal's minutes in the order of their rows with `sink` NULL, from the start of the day
 * before the newest one's (site's zone), and tell by judge_known what the journal has already. What closes
 * meanwhile and is not known waits for the first call with a sink: the events are those of a run without
 * interruption. */
void judge_feed(struct judge *j, int64_t start_ms, const struct mean *means, judge_sink sink, void *arg);

/* The facts have learned of a background or a stage of the work: windows of the last INPUT_LATE_DAYS that
 * were judged without it, or with another, are judged again; what says something else now is told,
 * `corrects`, and what the limit was not for before, for the first time. */
void judge_late(struct judge *j, judge_sink sink, void *arg);

/* Closes every window that has ended by now_ms, though its last minute never came (after a gap). Feed the
 * minute that ended first. A window of which no minute came at all is not reported: the gap is a row. */
void judge_advance(struct judge *j, int64_t now_ms, judge_sink sink, void *arg);

/* Restart, before those: a minute of the days that an input may still come for (INPUT_LATE_DAYS). As
 * judge_feed, but whatever it closes was told. End with the day. */
void judge_past(struct judge *j, int64_t start_ms, const struct mean *means);

/* No background comes any more: windows that wait for theirs are judged without. */
void judge_settle(struct judge *j, judge_sink sink, void *arg);

/* At restart: the journal already has the window of this length that starts there (its hour or day row, or
 * one of its verdicts: a minute and what it closes belong in one transaction). Called where the row stands
 * among the minutes: after the feed before it and before the feed after its minute's; twice is as good as
 * once. `limit` is the id of a verdict's limit, NULL for an hour or a day: the verdict of a limit that waits
 * (for its background, or the stage told late) has a row of its own, later. */
void judge_known(struct judge *j, int64_t start_ms, int64_t length_ms, const char *limit);

/* The mean of the running window so far, `of` the minutes so far; false when none is open. */
bool judge_running(const struct judge *j, int point, int64_t length_ms, int64_t *start_ms,
                   struct mean *so_far);

/* Reload: a judge for `c` that goes on where `was` stands. before[i] is what point i of `c` is in `was`, -1
 * for a point that is new: to it everything until now is missing. Windows of a length that `was` had not
 * start with the next minute, what came of them before is missing too. `was` stays the caller's. */
struct judge *judge_carry(const struct judge *was, const struct config *c, const int *before);

/* Adds the unfinished minute that starts at start_ms and closes every window as it stands, the rest of it
 * counted as missing; the judge is then only good for destroying. `sink` gets hours, days and verdicts. */
void judge_end(struct judge *j, int64_t start_ms, const struct mean *means, judge_sink sink, void *arg);

/* Accepts NULL; windows that are open are lost (judge_end ends them). */
void judge_destroy(struct judge *j);

const char *verdict_str(enum verdict v); /* "pass" "breach" "unknown" "exceeded" "void" */

#endif
