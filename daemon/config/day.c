/* A day as people write it in a file. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/config/loaded.h"

#include <string.h>

int read_day(const char *text, int zone_min, int64_t *at_ms)
{
    char back[32];
    if (strlen(text) != 10)
        return ERR_FORMAT;
    char *stamp = mem_printf("%sT00:00Z", text);
    int error = clock_parse(stamp, at_ms);
    mem_free(stamp);
    if (error || strncmp(clock_text(*at_ms, 0, back), text, 10) != 0)
        return ERR_FORMAT;
    *at_ms -= (int64_t)zone_min * CLOCK_MINUTE_MS;
    return ERR_OK;
}

const char *check_day(const char *text)
{
    int64_t at_ms;
    return !text[0] || !read_day(text, 0, &at_ms) ? NULL : "a day such as 2026-03-01";
}
