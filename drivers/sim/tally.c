#include "drivers/sim/tally.h"

#include <stdatomic.h>

void tally_add(struct tally *t, enum tally_what what)
{
    atomic_fetch_add_explicit(&t->counts[what], 1, memory_order_relaxed);
}

uint64_t tally_of(const struct tally *t, enum tally_what what)
{
    return atomic_load_explicit(&t->counts[what], memory_order_relaxed);
}

const char *tally_str(enum tally_what what)
{
    static const char *const names[TALLY__N] = {
        [TALLY_POLLS] = "polls",           [TALLY_ANSWERS] = "answers", [TALLY_EXCEPTIONS] = "exceptions",
        [TALLY_SILENT] = "silent",         [TALLY_SPOILT] = "spoilt",   [TALLY_FAULTS] = "faults",
        [TALLY_BROADCASTS] = "broadcasts", [TALLY_FOREIGN] = "foreign", [TALLY_GARBLED] = "garbled",
        [TALLY_HASTY] = "hasty",           [TALLY_LOST] = "lost",
    };
    return names[what];
}
