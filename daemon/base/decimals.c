#include "daemon/base/decimals.h"

#include <assert.h>
#include <math.h>

double decimals_round(double value, int decimals)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    static_assert(sizeof powers / sizeof *powers == DECIMALS_MAX + 1, "a power for each");
    assert(decimals >= 0 && decimals <= DECIMALS_MAX);
    return rint(value * powers[decimals]) / powers[decimals];
}
