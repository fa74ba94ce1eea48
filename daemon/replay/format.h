/* The recordings that --replay reads: one row a format. Pure. */
#ifndef DUST_REPLAY_FORMAT_H
#define DUST_REPLAY_FORMAT_H

#include <stdbool.h>

enum format_shape {
    FORMAT_ROWS, /* JSON lines: dustctl export, or rows as dustd publishes and --replay --json prints them */
    FORMAT_CSV,  /* a header line, then a line a time */
    FORMAT_STATION /* fixed lines "<time> A…B…*check sum" of a serial log */
};

/* A column whose header does not say everything. */
struct format_column {
    const char *header; /* NULL ends the list */
    const char *role;   /* of the point it is a value of; NULL: nothing that a point measures */
    const char *unit;
};

enum { FORMAT_SITE_ZONE = 10000, FORMAT_MISSING_MAX = 12, FORMAT_COLUMNS_MAX = 12 };

struct format {
    const char *name;
    enum format_shape shape;
    bool (*is)(const char *first_line);
    const char *header; /* a CSV that is known by its whole header; NULL: any */
    int zone_min;       /* of times without one, minutes east of UTC; FORMAT_SITE_ZONE: the site's */
    bool in_order;      /* a time before the one above is an error of the file; else the line is left out */
    const char *missing[FORMAT_MISSING_MAX + 1]; /* what stands where there is no value */
    struct format_column columns[FORMAT_COLUMNS_MAX + 1];
};

/* The format that a file with this first line has; NULL: none. */
const struct format *format_of(const char *first_line);

/* By number, NULL after the last: for help and tests. */
const struct format *format_at(int i);

/* Whether such a text stands for no value. */
bool format_is_missing(const struct format *f, const char *text);

/* What a header may be called that is none of ours: "PM2.5" is pm25. The word itself where there is no such
 * row. */
const char *format_role(const char *header);

/* Headers under which a column is the time, NULL-ended. */
extern const char *const format_time_headers[];

#endif
