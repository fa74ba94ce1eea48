/* Every type is read as one unsigned number first (words, then bytes, in the stated order) and only then
 * interpreted, so that an invalid value in a profile is the bit pattern the vendor prints. */
#include "drivers/decode.h"

#include "daemon/sample.h"
#include "drivers/device.h"

#include <math.h>
#include <string.h>

enum kind { KIND_WHOLE, KIND_SIGNED, KIND_FLOAT, KIND_BCD };

/* What a type is made of; `top` is the largest raw number, for BCD the largest count. */
static const struct {
    int registers;
    enum kind kind;
    uint64_t top;
} types[TYPE__COUNT] = {
    [TYPE_BIT] = {1, KIND_WHOLE, 1},           [TYPE_U16] = {1, KIND_WHOLE, UINT16_MAX},
    [TYPE_I16] = {1, KIND_SIGNED, UINT16_MAX}, [TYPE_U32] = {2, KIND_WHOLE, UINT32_MAX},
    [TYPE_I32] = {2, KIND_SIGNED, UINT32_MAX}, [TYPE_F32] = {2, KIND_FLOAT, UINT32_MAX},
    [TYPE_U64] = {4, KIND_WHOLE, UINT64_MAX},  [TYPE_F64] = {4, KIND_FLOAT, UINT64_MAX},
    [TYPE_BCD16] = {1, KIND_BCD, 9999},        [TYPE_BCD32] = {2, KIND_BCD, 99999999},
};

int64_t point_period_ms(const struct device *d, const struct point *p)
{
    return p->period_ms > d->period_ms ? p->period_ms : d->period_ms;
}

bool point_is_usual(const struct point *p, double value)
{
    double low = isnan(p->usual_low) ? p->low : p->usual_low;
    double high = isnan(p->usual_high) ? p->high : p->usual_high;
    return !isnan(value) && !(value < low) && !(value > high);
}

int point_registers(const struct point *p)
{
    return types[p->type].registers;
}

static bool low_word_first(const struct point *p)
{
    return p->order == ORDER_CDAB || p->order == ORDER_DCBA;
}

/* A register as its two bytes stand in the value. */
static uint16_t in_order(const struct point *p, uint16_t reg)
{
    bool swapped = p->order == ORDER_BADC || p->order == ORDER_DCBA;
    return swapped ? (uint16_t)(reg << 8 | reg >> 8) : reg;
}

uint64_t decode_raw(const struct point *p, const uint16_t *reg)
{
    int n = point_registers(p);
    uint64_t raw = 0;
    for (int i = 0; i < n; i++)
        raw = raw << 16 | in_order(p, reg[low_word_first(p) ? n - 1 - i : i]);
    return raw;
}

/* NaN when a digit is not decimal. */
static double bcd_number(uint64_t raw, int digits)
{
    double number = 0;
    for (int i = digits - 1; i >= 0; i--) {
        unsigned digit = raw >> (4 * i) & 0xf;
        if (digit > 9)
            return NAN;
        number = number * 10 + digit;
    }
    return number;
}

static double float_number(uint64_t raw, int registers)
{
    if (registers == 4) {
        double d;
        memcpy(&d, &raw, sizeof d);
        return d;
    }
    uint32_t half = (uint32_t)raw;
    float f;
    memcpy(&f, &half, sizeof f);
    return (double)f;
}

static double raw_number(const struct point *p, uint64_t raw)
{
    int registers = point_registers(p);
    if (p->bit >= 0)
        return (double)(raw >> p->bit & 1);
    if (p->type == TYPE_BIT)
        return raw ? 1 : 0;
    switch (types[p->type].kind) {
    case KIND_BCD: return bcd_number(raw, 4 * registers);
    case KIND_FLOAT: return float_number(raw, registers);
    case KIND_SIGNED: return registers == 1 ? (double)(int16_t)raw : (double)(int32_t)raw;
    case KIND_WHOLE: break;
    }
    return (double)raw;
}

/* 3 x 0.1 is not 0.3 in binary, 3 / 10 is: a scale of one part in a whole number divides. */
static double scaled(const struct point *p, double number)
{
    double parts = 1 / p->scale;
    return (parts == rint(parts) ? number / parts : number * p->scale) + p->offset;
}

static void judge(struct sample *s, enum quality quality, enum why why, double value)
{
    s->quality = (uint8_t)quality;
    s->why = (uint8_t)why;
    s->value = value;
}

void decode_point(const struct point *p, struct sample *s)
{
    if (s->nreg < point_registers(p)) {
        judge(s, QUALITY_NO_COMMUNICATION, WHY_GARBLED, NAN);
        return;
    }
    uint64_t raw = decode_raw(p, s->reg);
    for (int i = 0; i < p->ninvalid; i++) {
        if (raw == p->invalid[i]) {
            judge(s, QUALITY_FAULT, WHY_INVALID, NAN);
            return;
        }
    }
    double value = scaled(p, raw_number(p, raw));
    if (!isfinite(value))
        judge(s, QUALITY_FAULT, WHY_NOT_A_NUMBER, NAN);
    else if (value < p->low)
        judge(s, QUALITY_FAULT, WHY_BELOW, NAN);
    else if (value >= p->high)
        judge(s, QUALITY_OVER_RANGE, WHY_ABOVE, p->high);
    else
        judge(s, QUALITY_NORMAL, WHY_NONE, value);
}

static uint64_t bcd_raw(uint64_t count)
{
    uint64_t raw = 0;
    for (int shift = 0; count; shift += 4, count /= 10)
        raw |= count % 10 << shift;
    return raw;
}

/* The whole number nearest to `wanted` that the type can hold, as its bit pattern. */
static uint64_t whole_raw(const struct point *p, double wanted)
{
    double top = (double)types[p->type].top, bottom = 0;
    if (types[p->type].kind == KIND_SIGNED) {
        bottom = -(top + 1) / 2;
        top = (top - 1) / 2;
    }
    double count = rint(wanted);
    if (count <= bottom)
        count = bottom;
    if (count >= top)
        count = top;
    if (count < 0)
        return (uint64_t)(int64_t)count & types[p->type].top;
    uint64_t raw = count >= 0x1p64 ? UINT64_MAX : (uint64_t)count;
    return types[p->type].kind == KIND_BCD ? bcd_raw(raw) : raw;
}

static uint64_t float_raw(double wanted, int registers)
{
    uint64_t raw;
    if (registers == 4) {
        memcpy(&raw, &wanted, sizeof raw);
        return raw;
    }
    float f = (float)wanted;
    uint32_t half;
    memcpy(&half, &f, sizeof half);
    return half;
}

static uint64_t wanted_raw(const struct point *p, double value, const uint16_t *old)
{
    double wanted = (value - p->offset) / p->scale;
    if (p->bit >= 0) {
        uint64_t mask = UINT64_C(1) << p->bit;
        return wanted >= 0.5 ? decode_raw(p, old) | mask : decode_raw(p, old) & ~mask;
    }
    if (types[p->type].kind == KIND_FLOAT)
        return float_raw(wanted, types[p->type].registers);
    if (isnan(wanted))
        return p->ninvalid ? p->invalid[0] : 0;
    return whole_raw(p, wanted);
}

void encode_point(const struct point *p, double value, uint16_t *reg)
{
    int n = point_registers(p);
    uint64_t raw = wanted_raw(p, value, reg);
    for (int i = n - 1; i >= 0; i--, raw >>= 16)
        reg[low_word_first(p) ? n - 1 - i : i] = in_order(p, (uint16_t)raw);
}
