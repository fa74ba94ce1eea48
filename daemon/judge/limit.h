/* One limit against one closed window. */
#ifndef DUST_LIMIT_H
#define DUST_LIMIT_H

#include "daemon/judge/judge.h"

/* Judges `limit` on event->means (config.npoints) and tells `sink` one verdict (over: mean, max) or one per
 * point with its role (over: each); none when no point has the role. The window's times are in `event`.
 *
 * A mean with enough behind it passes or breaches, both after rounding; below 75 % it is unknown: no data is
 * not compliance, and not a breach either. With values over range the mean is a lower bound: at or over the
 * limit it is a breach, under it unknown.
 *   max:  a breach if one point is; else unknown if one point is (event.point names it); else pass.
 *   mean: of the points' means, if 75 % of the points are valid. */
void limit_judge(const struct config *c, const struct limit *limit, const struct judge_event *window,
                 judge_sink sink, void *arg);

#endif
