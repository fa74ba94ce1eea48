/* What to scan for, from the command line: strict, each list with commas. */
#include "daemon/ctl/probe.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/base/scalar.h"
#include "daemon/ctl/ctl.h"
#include "drivers/port.h"
#include "drivers/profile.h"

#include <string.h>

enum { TIMEOUT_LEAST_MS = 10, TIMEOUT_MOST_MS = 5000 };

/* Calls `take` for each item; false when one of them is none, or the list is empty. */
static bool each_item(const char *list, bool (*take)(char *item, struct scan_wish *wish),
                      struct scan_wish *wish)
{
    char *copy = mem_string(list), *rest = copy;
    bool fine = *list != 0;
    for (char *item = strsep(&rest, ","); item && fine; item = strsep(&rest, ","))
        fine = take(item, wish);
    mem_free(copy);
    return fine;
}

static bool take_baud(char *item, struct scan_wish *wish)
{
    for (const struct word *w = baud_words; w->text; w++) {
        if (strcmp(w->text, item) != 0 || !port_speed_known((int)w->value))
            continue;
        if (wish->nbauds < SCAN_SETTINGS_MAX)
            wish->bauds[wish->nbauds++] = (int)w->value;
        return true;
    }
    return false;
}

static bool take_format(char *item, struct scan_wish *wish)
{
    bool fits = strlen(item) == 3 && item[0] == '8' && strchr("NEO", item[1]) && strchr("12", item[2]);
    if (fits && wish->nformats < (int)(sizeof wish->formats / sizeof *wish->formats))
        wish->formats[wish->nformats++] =
            (struct scan_setting){.parity = item[1], .stop_bits = item[2] - '0'};
    return fits;
}

static bool take_unit(const char *text, int64_t *unit)
{
    return scalar_int(text, unit) == ERR_OK && *unit >= 1 && *unit <= SCAN_UNIT_MAX;
}

static bool take_units(char *item, struct scan_wish *wish)
{
    int64_t first, last;
    char *dash = strchr(item, '-');
    if (dash)
        *dash = 0;
    bool fits = take_unit(item, &first) && take_unit(dash ? dash + 1 : item, &last) && first <= last;
    for (int64_t unit = fits ? first : 1; fits && unit <= last; unit++)
        wish->only[unit] = true;
    wish->limited = true;
    return fits;
}

static bool take_timeout(char *item, struct scan_wish *wish)
{
    int64_t ms;
    if (scalar_duration(item, &ms) != ERR_OK || ms < TIMEOUT_LEAST_MS || ms > TIMEOUT_MOST_MS)
        return false;
    wish->timeout_ms = (int)ms;
    return true;
}

int probe_wish(const struct ctl *c, struct scan_wish *wish)
{
    const struct {
        const char *name, *value;
        bool (*take)(char *item, struct scan_wish *wish);
        const char *zh, *en;
    } rows[] = {
        {"--baud", c->baud, take_baud, "1200 到 230400 的波特率，如 4800,9600",
         "speeds from 1200 to 230400, as 4800,9600"},
        {"--format", c->format, take_format, "8N1 8E1 8O1 8N2 8E2 8O2", "8N1 8E1 8O1 8N2 8E2 8O2"},
        {"--units", c->units, take_units, "1 到 255 的地址，如 1-10,32",
         "unit ids from 1 to 255, as 1-10,32"},
        {"--timeout", c->timeout, take_timeout, "10ms 到 5s", "10ms to 5s"},
    };
    *wish = (struct scan_wish){0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!rows[i].value || each_item(rows[i].value, rows[i].take, wish))
            continue;
        complain(say(c, "%s：\"%s\" 不对；可用：%s", "%s: found \"%s\"; allowed: %s"), rows[i].name,
                 rows[i].value, say(c, rows[i].zh, rows[i].en));
        return EXIT_USAGE;
    }
    return EXIT_OK;
}
