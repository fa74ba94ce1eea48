/* Which column of a recording is which point of the site, and in which unit. Pure. */
#ifndef DUST_REPLAY_COLUMNS_H
#define DUST_REPLAY_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct complaint;
struct config;
struct format;
struct text;

enum { COLUMNS_MAX = 256 };

/* --as COLUMN=POINT[,UNIT] of the command line; COLUMN=time names the time's column. */
struct wish {
    const char *column, *point, *unit; /* unit "": not said */
    bool used;                         /* some file has the column */
};

/* Splits the text in place. ERR_FORMAT with one line in `why`: no '=', no such point, no such unit. */
int wish_read(const struct config *c, char *text, struct wish *out, struct complaint *why);

struct column {
    int cell;               /* in a line, from 0 */
    int point;              /* index into config.points */
    const char *unit, *own; /* of the recording and of the point: these measure the same */
};

struct columns {
    int ncells;          /* that a line has */
    int time;            /* cell; -1: not in a cell */
    bool utc;            /* the header says so */
    struct column *list; /* mem_free */
    int n;
    char ignored[200]; /* headers that are no point, by comma */
};

/* What all readers are told. */
struct recording_site {
    const struct config *config;
    struct wish *wishes; /* which learn that they were used */
    int nwishes;
};

struct header {
    char *const *text; /* cells */
    const size_t *at;  /* where each stands in the line, from 1; 0: nowhere */
    int n;
};

/* Finds out by a file's header cells. A column is a point when it is named "<device>/<point>", or by a role,
 * or name, that one point has; a wish goes before. ERR_FORMAT with `why` (at the line of `where` and the
 * cell's column): no time, no point, two columns for one point, a role that several points have, a unit that
 * is missing, unknown or measures something else. */
int columns_find(const struct recording_site *site, const struct format *f, const struct header *header,
                 const struct text *where, struct columns *out, struct complaint *why);

/* The value in the point's unit. */
double column_value(const struct column *c, double recorded);

#endif
