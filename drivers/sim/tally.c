#include "drivers/sim/tally.h"

#include "daemon/base/buf.h"

#include <inttypes.h>
#include <stdatomic.h>

void tally_add(struct tally *t, enum tally_what what)
{
    atomic_fetch_add_explicit(&t->counts[what], 1, memory_order_relaxed);
}

uint64_t tally_of(const struct tally *t, enum tally_what what)
{
    return atomic_load_explicit(&t->counts[what], memory_order_relaxed);
}

void tally_print(const struct tally *t, bool json, struct buf *out)
{
    static const char *const names[TALLY__N] = {
        [TALLY_POLLS] = "polls",           [TALLY_ANSWERS] = "answers", [TALLY_EXCEPTIONS] = "exceptions",
        [TALLY_SILENT] = "silent",         [TALLY_SPOILT] = "spoilt",   [TALLY_FAULTS] = "faults",
        [TALLY_BROADCASTS] = "broadcasts", [TALLY_FOREIGN] = "foreign", [TALLY_GARBLED] = "garbled",
        [TALLY_HASTY] = "hasty",           [TALLY_LOST] = "lost",
    };
    for (int k = 0; k < TALLY__N; k++) {
        uint64_t count = tally_of(t, (enum tally_what)k);
        if (json)
            buf_printf(out, "%s\"%s\":%" PRIu64, k ? "," : "", names[k], count);
        else
            buf_printf(out, "%s%s %" PRIu64, k ? ", " : "", names[k], count);
    }
}
