/* The parts of a view, each in a file of its own. */
#ifndef DUST_VIEW_PARTS_H
#define DUST_VIEW_PARTS_H

#include <stdint.h>

struct view {
    const struct ctl *c;
    const struct scene *scene;
    struct sheet *to;
    int64_t now_ms; /* site time of the scene */
};

void view_issues(const struct view *v);
void view_windows(const struct view *v);
void view_devices(const struct view *v);
void view_events(const struct view *v);

/* "3 小时", "3 h": one unit, at most 8 columns. */
const char *view_span(const struct view *v, int64_t ms, char text[static 32]);

/* "11-24 08:00"; "—" for 0. */
const char *view_day(const struct view *v, int64_t at_ms, char text[static 32]);

/* A line instead of what there is none of. */
void view_none(const struct view *v, const char *text);

#endif
