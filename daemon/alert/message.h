/* The words of an alert, Chinese or English: one alert, or a digest of many. Pure; any thread. */
#ifndef DUST_ALERT_MESSAGE_H
#define DUST_ALERT_MESSAGE_H

#include "daemon/config/duty.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ALERT_LEVELS = LEVEL_CRITICAL + 1 };

/* One alert, as its row says. */
struct alert_text {
    int64_t at_ms; /* site time */
    enum level level;
    const char *subject; /* number of the issue or task: in a digest; the text of a single one names it */
    const char *title;   /* in the language of the message; it says the step too */
    const char *text;    /* more of it, "" none */
};

/* For whom and from where. */
struct alert_frame {
    bool zh;
    const char *site;   /* as shown */
    const char *person; /* as shown */
    int zone_min;
    bool simulated; /* the message says so */
};

/* The first line: level, site, title; of a digest how many. mem_free. */
char *message_subject(const struct alert_frame *f, const struct alert_text *list, int n);

/* The whole text, subject first, of n alerts of which those in `list` come first; n > 1 is a digest. Cut at a
 * code point, never longer than `most` bytes; what is left out is counted in it. mem_free. */
char *message_text(const struct alert_frame *f, const struct alert_text *list, int n, size_t most);

#endif
