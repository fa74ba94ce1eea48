#include "drivers/sim/fault.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/scalar.h"
#include "drivers/sim/model.h"

#include <string.h>

static int read_bound(const struct fault *f, const char *text, int64_t start_ms, int64_t *out)
{
    if (f->clock == FAULT_POLLS)
        return scalar_int(text, out);
    int64_t stamp;
    if (scalar_duration(text, out) == ERR_OK)
        return ERR_OK;
    if (f->clock != FAULT_SITE || clock_parse(text, &stamp) != ERR_OK)
        return ERR_FORMAT;
    *out = stamp - start_ms;
    return ERR_OK;
}

int fault_prepare(struct fault *f, int64_t site_start_ms, const char **which)
{
    f->first = INT64_MIN;
    f->last = INT64_MAX;
    *which = f->from;
    if (**which && read_bound(f, *which, site_start_ms, &f->first) != ERR_OK)
        return ERR_FORMAT;
    *which = f->to;
    if (**which && read_bound(f, *which, site_start_ms, &f->last) != ERR_OK)
        return ERR_FORMAT;
    if (**which && f->clock == FAULT_POLLS)
        f->last++;
    return f->last > f->first ? ERR_OK : ERR_FORMAT;
}

static int64_t reading(const struct fault *f, const struct fault_moment *now)
{
    switch (f->clock) {
    case FAULT_SITE: return now->site_ms - now->site_start_ms;
    case FAULT_WIRE: return now->wire_ms;
    case FAULT_POLLS: return now->poll;
    }
    return 0;
}

bool fault_active(const struct fault *f, const struct fault_moment *now, uint64_t seed)
{
    int64_t at = reading(f, now);
    if (f->every_ms > 0 && f->first != INT64_MIN && at > f->first)
        at = f->first + (at - f->first) % f->every_ms;
    if (at < f->first || at >= f->last)
        return false;
    return f->probability >= 1 || model_chance(seed) < f->probability;
}

bool fault_unplugs(const struct fault *faults, int count, const char *bus, const struct fault_moment *now)
{
    for (int i = 0; i < count; i++)
        if (faults[i].kind == FAULT_UNPLUG && strcmp(faults[i].bus, bus) == 0 &&
            (!now || fault_active(&faults[i], now, 0)))
            return true;
    return false;
}

const char *fault_str(enum fault_kind kind)
{
    static const char *const names[FAULT__COUNT] = {
        [FAULT_NONE] = "",
        [FAULT_SILENT] = "silent",
        [FAULT_CRC] = "crc",
        [FAULT_LATE] = "late",
        [FAULT_EXCEPTION] = "exception",
        [FAULT_TRUNCATED] = "truncated",
        [FAULT_WRONG_UNIT] = "wrong_unit",
        [FAULT_DRIP] = "drip",
        [FAULT_GARBAGE] = "garbage",
        [FAULT_UNPLUG] = "unplug",
        [FAULT_STUCK] = "stuck",
        [FAULT_INVALID] = "invalid",
    };
    return names[kind];
}
