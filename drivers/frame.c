#include "drivers/frame.h"

static bool of_bits(const struct request *r)
{
    return r->table == TABLE_COIL || r->table == TABLE_DISCRETE_INPUT;
}

static size_t data_bytes(const struct request *r)
{
    return of_bits(r) ? (r->count + 7U) / 8 : 2U * r->count;
}

static void put16(uint8_t *out, unsigned number)
{
    out[0] = (uint8_t)(number >> 8);
    out[1] = (uint8_t)number;
}

static unsigned get16(const uint8_t *in)
{
    return (unsigned)in[0] << 8 | in[1];
}

void frame_request(int unit, const struct request *r, uint8_t out[static FRAME_PDU_REQUEST])
{
    out[0] = (uint8_t)unit;
    out[1] = (uint8_t)r->table;
    put16(out + 2, r->address);
    put16(out + 4, r->count);
}

int frame_answer_bytes(const struct request *r)
{
    return 3 + (int)data_bytes(r) + 2;
}

static void unpack(const struct request *r, const uint8_t *data, uint16_t *values)
{
    for (size_t i = 0; i < r->count; i++)
        values[i] = of_bits(r) ? data[i / 8] >> i % 8 & 1 : (uint16_t)get16(data + 2 * i);
}

enum why frame_check(int unit, const struct request *r, const uint8_t *answer, size_t n, uint16_t *values,
                     uint8_t *exception)
{
    if (n < 3 || answer[0] != unit)
        return WHY_GARBLED;
    if (n == 3 && answer[1] == (r->table | 0x80)) {
        *exception = answer[2];
        return WHY_EXCEPTION;
    }
    if (answer[1] != r->table || answer[2] != data_bytes(r) || n != 3 + data_bytes(r))
        return WHY_GARBLED;
    unpack(r, answer + 3, values);
    return WHY_NONE;
}

void frame_mbap(uint16_t tid, size_t length, uint8_t out[static FRAME_MBAP - 1])
{
    put16(out, tid);
    put16(out + 2, 0);
    put16(out + 4, (unsigned)length);
}

bool frame_mbap_fits(uint16_t tid, const uint8_t *frame, size_t n)
{
    return n > FRAME_MBAP && get16(frame) == tid && get16(frame + 2) == 0 && get16(frame + 4) == n - 6;
}
