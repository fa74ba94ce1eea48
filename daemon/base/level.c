#include "daemon/base/level.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

bool unit_is_level(const char *unit)
{
    static const char *const levels[] = {"dB", "dB(A)"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i], unit) == 0)
            return true;
    return false;
}

double level_energy(double db)
{
    return pow(10, db / 10);
}

double level_of(double energy)
{
    return rint(10 * log10(energy) * 1e11) / 1e11;
}
