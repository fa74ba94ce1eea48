/* Times as people write and read them, in the site's zone. Pure. */
#ifndef DUST_WHEN_H
#define DUST_WHEN_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-11-23T08:15:00+08:00", "…Z"; without a zone, or with a blank for the T, in the site's; "2026-11-23";
 * "08:15" (today); "-90s" "-15m" "-2h" "-7d" (before now); "now". ERR_FORMAT for anything else, also for a
 * 31st of November. */
int when_parse(const char *text, int64_t now_ms, int zone_min, int64_t *at_ms);

/* "2026-11-23 08:15:00", "—" for 0 or less; returns `text`. */
char *when_text(int64_t at_ms, int zone_min, char text[static 32]);

/* A length of time in one or two units ("3 天 4 小时", "3 d 4 h"); returns `text`. */
char *when_span(int64_t ms, bool zh, char text[static 48]);

#endif
