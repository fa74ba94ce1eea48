/* What the files of the judge share. Nobody else includes it. */
#ifndef DUST_JUDGE_INSIDE_H
#define DUST_JUDGE_INSIDE_H

#include "daemon/config/config.h"
#include "daemon/judge/annual.h"
#include "daemon/judge/judge.h"
#include "daemon/judge/limit.h"

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

/* What was told of a window: of one point, or of the site. */
struct said {
    double compared, mean;
    int point;
    uint32_t n;
    uint8_t verdict;
    bool told;     /* false: nothing, the limit is for another stage of the work */
    bool in_force; /* what the limit remembered before it */
};

/* A window of a limit that looks at more than its minutes (pending_keeps): it waits, or has been judged; or
 * the day of one, for its windows. */
struct pending {
    int limit;
    int64_t start_ms, length_ms;
    bool day;    /* the day's count, not a window */
    bool told;   /* before the restart */
    bool judged; /* with `background` in ug/m3, NaN: without one; and in that stage, if the limit asks */
    double background;
    enum stage stage;
    struct mean *means; /* of the points that the limit is about; NULL of a day */
    struct said *said;  /* pending_slots of them; NULL of a day */
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
    size_t nwaiting, nknown, npending, pending_room;
    size_t nsettled;         /* the first so many of `pending` are judged */
    int64_t forget_ms;       /* when it is looked next which of them are over */
    size_t known_at_feed;    /* of nknown, at the last feed */
    struct years *years;     /* NULL: no limit is of a year */
    struct said **year_said; /* of each limit: of the year that was told last, pending_slots of them; NULL */
    int nyear_said;          /* its length: the configuration may be gone when it is freed */
    int64_t year_ms, year_end_ms; /* of the newest hour; 0: none */
    int64_t year_told_ms;         /* end of the year that was told last; 0: none */
    bool year_changed;            /* hours of that one are others since */
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

/* correct.c: a finding whose flag reaches back. */
void correct(struct judge *j, const struct quality_finding *f, struct report to);

/* pending.c: what waits, or may be judged again. `all`, and the means of what is added: of all points. A
 * limit over several points has one slot, one over each a slot a point. */
bool pending_keeps(const struct limit *l);
size_t pending_slots(const struct judge *j, int limit);
size_t pending_point(const struct judge *j, int limit, size_t slot); /* npoints: the site */
size_t pending_slot(const struct judge *j, const struct judge_event *e);
struct said said_by(const struct judge_event *e);
void said_note(struct said *s, const struct judge_event *e); /* in_force stays */
void pending_add(struct judge *j, const struct pending *p);  /* keeps a copy */
void pending_means(const struct judge *j, const struct pending *p, struct mean *all);
void pending_correct(struct judge *j, struct pending *p, const struct mean *all);
void pending_turn(struct judge *j, int64_t now_ms, struct report to);
bool pending_told(struct judge *j, int64_t start_ms, int64_t length_ms, const char *limit);
void pending_look(const struct judge *j, struct pending *p); /* at background and stage, as known now */
bool pending_differs(const struct judge *j, const struct pending *p); /* from what it was judged with */
void pending_free(struct pending *p);
void judge_mute(const struct judge_event *event, void *arg); /* a sink that hears nothing */

/* rejudge.c. A verdict on a window that has ended is another now, or its number is: tells it, `corrects`, and
 * the day that counted it. False: it says what it said. */
bool tell_corrected(struct judge *j, const struct said *before, struct judge_event *after, struct report to);
void pending_void(struct judge *j, const struct pending *p, const struct said *was, struct report to);
void pending_again(struct judge *j, size_t from, struct report to); /* that one, and its limit's later ones */

/* annual.c, beside annual.h. */
void annual_create(struct judge *j);
void annual_destroy(struct judge *j);
void annual_hours(struct judge *j, int64_t start_ms, const struct mean *means); /* of all points */
void annual_turn(struct judge *j, int64_t now_ms, struct report to);
void annual_carry(struct judge *j, const struct judge *was, const int *before);

/* carry.c: what was said of each slot of `limit` that is still there; the caller frees it. */
struct said *carry_said(const struct judge *j, int limit, const struct judge *was, const struct pending *from,
                        const int *before);
bool same_limit(const struct limit *a, const struct limit *b);

/* ahead.c: what the running windows will be. */
void look_ahead(struct judge *j, struct report to);

#endif
