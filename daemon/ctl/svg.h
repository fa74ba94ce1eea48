/* Charts for the reports, as SVG to stand in an HTML page: a measured value against its limit, and a bar for
 * each day. No library: those that Debian has for C (cairo, plplot, gnuplot's) draw pictures with fonts of
 * their own; here the page's fonts and print are wanted, and a chart is fifty lines of text. Pure.
 *
 * What was not measured is a hatched hole, never a line drawn across it and never 0. */
#ifndef DUST_SVG_H
#define DUST_SVG_H

#include <stdbool.h>
#include <stdint.h>

/* Where a chart stands and what its axes mean; in user units, which print as CSS pixels (96 an inch). */
struct svg {
    struct buf *out;
    int width, height;
    int64_t from_ms, to_ms;
    int zone_min;
    double top; /* the value at the upper edge: svg_top of the largest */
};

/* The least of 1, 2, 2.5, 5 times a power of ten that is not below `most`; 1 for 0 or less. */
double svg_top(double most);

/* Where a time and a value stand; what lies outside the chart stands at its edge. */
double svg_x(const struct svg *s, int64_t at_ms);
double svg_y(const struct svg *s, double value);

/* Frame, grid, days below and values at the left. `title` is read out to whoever cannot see. */
void svg_begin(const struct svg *s, const char *title, const char *unit);
void svg_end(const struct svg *s);

/* Nothing is known of this time. */
void svg_hole(const struct svg *s, int64_t from_ms, int64_t to_ms);

/* The limit, across. */
void svg_limit(const struct svg *s, double value);

/* Part of a curve: `n` values at their times. One alone is a dot. */
struct svg_value {
    int64_t at_ms;
    double value;
};
void svg_curve(const struct svg *s, const struct svg_value *values, int n);
void svg_dot(const struct svg *s, struct svg_value at); /* over the limit */

/* A bar of a day, from below: met, failed, unknown. */
void svg_bar(const struct svg *s, int64_t day_ms, const int parts[static 3]);

/* A blank where a day had no work to do: a line at the bottom, so that it is not taken for a hole. */
void svg_nothing(const struct svg *s, int64_t day_ms);

/* Text in HTML or SVG: & < > " ' escaped; control characters, text-direction marks and invalid bytes are '?'.
 */
void html_text(struct buf *b, const char *text);

#endif
