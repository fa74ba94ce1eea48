/* What the files of the judge share. Nobody else includes it. */
#ifndef DUST_JUDGE_INSIDE_H
#define DUST_JUDGE_INSIDE_H

#include "daemon/judge/history.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/limit.h"
#include "daemon/judge/quality.h"
#include "daemon/judge/spike.h"
#include "daemon/judge/window.h"

/* One length of window: at any time one of it is open, for all points together. */
struct window {
    int64_t length_ms, start_ms;
    bool open;
    uint64_t since;        /* minutes that were fed before it was opened */
    int64_t latest_ms;     /* start of its latest minute */
    uint32_t again;        /* minutes that came again after the clock stepped back within it */
    struct tally *tallies; /* one a point */
    struct tally *hourly;  /* of a day: of its hours' means; else NULL */
};

struct closed {
    int64_t start_ms, length_ms;
    struct mean *means;
    struct mean *hourly; /* of a day; else NULL */
};

struct known { /* told before the restart */
    int64_t start_ms, length_ms;
    bool settled; /* the closing that it was has come */
};

/* A window of a limit that waits for its background, or has been judged; or the day of one, for its windows.
 */
struct pending {
    int limit;
    int64_t start_ms, length_ms;
    bool day;    /* the day's count, not a window */
    bool told;   /* before the restart */
    bool judged; /* with `background` in ug/m3, NaN: without one */
    double background;
    struct mean *means; /* of the points that the limit is about; NULL of a day */
};

struct report {
    judge_sink sink; /* NULL: nobody listens yet */
    void *arg;
};

struct judge {
    const struct config *config;
    const struct facts *facts;
    struct tally *minute; /* one a point */
    uint32_t *due;        /* samples in a minute, one a point */
    struct window *windows;
    int nwindows; /* shortest first */
    struct mean *scratch, *scratch_hourly;
    struct limit_state *states; /* for each limit one a point and the site's */
    struct closed *waiting;     /* closed while nobody listened */
    struct known *known;
    struct pending *pending; /* in the order of their ends; judged ones for INPUT_LATE_DAYS */
    size_t nwaiting, nknown, npending;
    size_t known_at_feed; /* of nknown, at the last feed */
    struct history *history;
    struct doubts *doubts;
    struct spike *spikes; /* one a point */
    double *floors;       /* of a spike there, in the point's unit; NaN: none is looked for */
    bool checked;         /* judge_check has seen the minute that comes */
    struct mean *fed;     /* room for one minute */
};

static inline size_t npoints(const struct judge *j)
{
    return (size_t)j->config->npoints;
}

static inline struct limit_state *states_of(const struct judge *j, int limit)
{
    return &j->states[(size_t)limit * (npoints(j) + 1)];
}

/* With what the facts say. */
static inline struct judging judging_of(const struct judge *j, struct limit_state *states, judge_sink sink,
                                        void *arg)
{
    return (struct judging){
        .config = j->config, .facts = j->facts, .states = states, .sink = sink, .arg = arg};
}

struct window *window_of(const struct judge *j, int64_t length_ms); /* NULL: no such length */
uint32_t minutes_to(const struct window *w, int64_t end_ms); /* due from its start; those lived twice too */

/* closing.c: windows that end, and what is told of them. */
void close_window(struct judge *j, struct window *w, struct report to);
void report_waiting(struct judge *j, struct report to);
void wait_for_sink(struct judge *j, const struct closed *w); /* keeps a copy */

const struct mean *means_for(const struct judge *j, const struct limit *l, const struct closed *w);
bool limit_holds(const struct limit *l, int64_t at_ms); /* by its dates */

/* correct.c: a finding whose flag reaches back. */
void correct(struct judge *j, const struct quality_finding *f, struct report to);

/* A verdict on a window that has ended is another now, or its number is: tells it, `corrects`, and the day
 * that counted it. Nothing, when it says what it said. */
void tell_corrected(struct judge *j, int limit, const struct judge_event *before, struct judge_event *after,
                    struct report to);

/* pending.c: what waits for its background. `all`, and the means of what is added: of all points. */
void pending_add(struct judge *j, const struct pending *p); /* keeps a copy */
void pending_means(const struct judge *j, const struct pending *p, struct mean *all);
void pending_correct(struct judge *j, struct pending *p, const struct mean *all);
void pending_turn(struct judge *j, int64_t now_ms, struct report to);
bool pending_told(struct judge *j, int64_t start_ms, int64_t length_ms, const char *limit);
bool pending_has(const struct judge *j, int limit, int64_t start_ms);
void judge_mute(const struct judge_event *event, void *arg); /* a sink that hears nothing */

/* ahead.c: what the running windows will be. */
void look_ahead(struct judge *j, struct report to);

#endif
