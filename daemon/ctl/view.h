/* What `dustctl watch` shows of a scene, as lines. Pure: no terminal, no clock; `now` is the scene's. */
#ifndef DUST_VIEW_H
#define DUST_VIEW_H

struct ctl;
struct scene;
struct sheet;

enum { VIEW_COLUMNS_MIN = 60, VIEW_ROWS_MIN = 15, VIEW_SECTIONS = 4 };

/* Site and clock; issues, devices, lines, brokers and disk in short, and what
 * somebody should look after; or that and why nothing is known. */
void view_head(const struct ctl *c, const struct scene *scene, struct sheet *head);

/* Issues, limits, devices, events; `sections` are the lines at which they begin. */
void view_body(const struct ctl *c, const struct scene *scene, struct sheet *body,
               int sections[static VIEW_SECTIONS]);

/* The keys, and which lines of the body are seen: [first, last] of so many, from 1. */
void view_foot(const struct ctl *c, int first, int last, int of, struct sheet *foot);

#endif
