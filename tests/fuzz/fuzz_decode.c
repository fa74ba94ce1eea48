/* Any registers through any point: a value is finite and inside its range or it is NaN, and what has a value
 * survives encoding. */
#include "daemon/sample.h"
#include "drivers/decode.h"
#include "drivers/device.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth)
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sample s = {.nreg = SAMPLE_REGISTERS_MAX};
    if (size < 5 + sizeof s.reg)
        return 0;
    struct point p = {.type = (enum point_type)(data[0] % TYPE__COUNT),
                      .order = (enum word_order)(data[1] % ORDER__COUNT),
                      .bit = -1,
                      .scale = data[2] & 1 ? 0.1 : 1,
                      .offset = data[2] & 2 ? -40 : 0,
                      .low = data[2] & 4 ? 0 : NAN,
                      .high = data[2] & 8 ? 1000 : NAN,
                      .invalid = {0xFFFF},
                      .ninvalid = data[2] >> 4 & 1};
    if (point_registers(&p) == 1 && data[3] & 1)
        p.bit = data[3] >> 4;
    s.nreg = data[4] % (SAMPLE_REGISTERS_MAX + 1);
    memcpy(s.reg, data + 5, sizeof s.reg);
    decode_point(&p, &s);
    bool valued = s.quality == QUALITY_NORMAL || s.quality == QUALITY_OVER_RANGE;
    demand(valued ? isfinite(s.value) : isnan(s.value));
    demand((s.why == WHY_NONE) == (s.quality == QUALITY_NORMAL));
    demand(!(s.value < p.low) && !(s.value > p.high));
    if (s.quality != QUALITY_NORMAL || p.type == TYPE_U64)
        return 0;
    struct sample again = s;
    encode_point(&p, s.value, again.reg);
    decode_point(&p, &again);
    demand(fabs(again.value - s.value) <= 1e-6 * fabs(s.value) + 1e-5);
    return 0;
}
