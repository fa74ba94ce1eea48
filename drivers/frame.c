#include "drivers/frame.h"

#include "drivers/plan.h"

#include <string.h>

enum { CRC = 2, EXCEPTION_BYTES = 3, GLITCH_BYTES = 2 };

static size_t data_bytes(const struct request *r)
{
    return plan_bits(r->table) ? (r->count + 7U) / 8 : 2U * r->count;
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

int frame_order(int unit, const struct frame_order *o, uint8_t out[static FRAME_ORDER_MAX])
{
    out[0] = (uint8_t)unit;
    out[1] = o->function;
    put16(out + 2, o->address);
    if (o->function == ORDER_COIL || o->function == ORDER_REGISTER) {
        put16(out + 4, o->values[0]);
        return FRAME_OBEYED;
    }
    bool bits = o->function == ORDER_COILS;
    int bytes = bits ? (o->count + 7) / 8 : 2 * o->count;
    put16(out + 4, o->count);
    out[6] = (uint8_t)bytes;
    uint8_t *data = out + 7;
    memset(data, 0, (size_t)bytes);
    for (size_t i = 0; i < o->count; i++) {
        if (bits)
            data[i / 8] |= (uint8_t)((o->values[i] & 1) << i % 8);
        else
            put16(data + 2 * i, o->values[i]);
    }
    return 7 + bytes;
}

enum why frame_check_order(int unit, const struct frame_order *o, const uint8_t *answer, size_t n,
                           uint8_t *exception)
{
    uint8_t order[FRAME_ORDER_MAX];
    frame_order(unit, o, order);
    if (n == EXCEPTION_BYTES && answer[0] == unit && answer[1] == (o->function | 0x80)) {
        *exception = answer[2];
        return WHY_EXCEPTION;
    }
    return n == FRAME_OBEYED && memcmp(answer, order, FRAME_OBEYED) == 0 ? WHY_NONE : WHY_GARBLED;
}

int frame_answer_bytes(const struct request *r)
{
    return 3 + (int)data_bytes(r) + 2;
}

static void unpack(const struct request *r, const uint8_t *data, uint16_t *values)
{
    for (size_t i = 0; i < r->count; i++)
        values[i] = plan_bits(r->table) ? data[i / 8] >> i % 8 & 1 : (uint16_t)get16(data + 2 * i);
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

uint16_t frame_crc(const uint8_t *bytes, size_t n)
{
    unsigned crc = 0xFFFF;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xA001 : crc >> 1;
    }
    return (uint16_t)crc;
}

/* Whether `n` bytes and the CRC behind them are a whole frame. */
static bool sealed(const uint8_t *bytes, size_t n)
{
    uint16_t crc = frame_crc(bytes, n);
    return bytes[n] == (crc & 0xFF) && bytes[n + 1] == crc >> 8;
}

/* Where an answer (of `whole` bytes without CRC) or an exception may stand, one place after the other: `k`
 * counts them, from 0. */
static bool next_place(const uint8_t *bytes, size_t n, size_t whole, int *k, size_t *at, size_t *length)
{
    for (; *k < 2 * (GLITCH_BYTES + 1); (*k)++) {
        *at = (size_t)*k / 2;
        *length = *k % 2 ? EXCEPTION_BYTES : whole;
        if (n < *at + *length + CRC || !sealed(bytes + *at, *length))
            continue;
        (*k)++;
        return true;
    }
    return false;
}

bool frame_begins(int unit, const struct request *r, const uint8_t *bytes, size_t n)
{
    return n >= 3 && bytes[0] == unit && bytes[1] == r->table && bytes[2] == data_bytes(r);
}

enum why frame_find(int unit, const struct request *r, const uint8_t *bytes, size_t n, uint16_t *values,
                    uint8_t *exception)
{
    size_t whole = 3 + data_bytes(r), at, length;
    for (int k = 0; next_place(bytes, n, whole, &k, &at, &length);) {
        enum why why = frame_check(unit, r, bytes + at, length, values, exception);
        if (why != WHY_GARBLED)
            return why;
    }
    size_t most = whole + CRC + (frame_begins(unit, r, bytes, n) ? 0 : GLITCH_BYTES);
    return n >= most ? WHY_GARBLED : WHY_NO_ANSWER;
}

enum why frame_find_order(int unit, const struct frame_order *o, const uint8_t *bytes, size_t n,
                          uint8_t *exception)
{
    size_t at, length;
    for (int k = 0; next_place(bytes, n, FRAME_OBEYED, &k, &at, &length);) {
        enum why why = frame_check_order(unit, o, bytes + at, length, exception);
        if (why != WHY_GARBLED)
            return why;
    }
    return n >= FRAME_OBEYED + CRC + GLITCH_BYTES ? WHY_GARBLED : WHY_NO_ANSWER;
}

size_t frame_next(int unit, const uint8_t *bytes, size_t n, size_t at, enum modbus_table *table, int *length)
{
    for (; at + 3 + CRC <= n; at++) {
        size_t whole = 3U + bytes[at + 2];
        if (bytes[at] != unit || bytes[at + 1] < TABLE_COIL || bytes[at + 1] > TABLE_INPUT_REGISTER ||
            at + whole + CRC > n || !sealed(bytes + at, whole))
            continue;
        *table = (enum modbus_table)bytes[at + 1];
        *length = (int)(whole + CRC);
        return at + whole + CRC;
    }
    return 0;
}

static bool is_question(const uint8_t *bytes, size_t n, struct frame_heard *heard)
{
    enum { REGISTERS_MAX = 125 };
    if (n < FRAME_PDU_REQUEST + CRC || !sealed(bytes, FRAME_PDU_REQUEST))
        return false;
    struct request r = {heard->table, (uint16_t)get16(bytes + 2), (uint16_t)get16(bytes + 4)};
    heard->question = true;
    heard->bytes = frame_answer_bytes(&r);
    return r.count > 0 && r.count <= (plan_bits(r.table) ? FRAME_VALUES_MAX : REGISTERS_MAX);
}

static bool is_answer(const uint8_t *bytes, size_t n, struct frame_heard *heard)
{
    size_t whole = 3U + bytes[2];
    heard->question = false;
    heard->bytes = (int)(whole + CRC);
    return n >= whole + CRC && sealed(bytes, whole);
}

bool frame_hear(const uint8_t *bytes, size_t n, size_t *at, struct frame_heard *heard)
{
    for (size_t i = *at; i + 3 + CRC <= n; i++) {
        *heard = (struct frame_heard){.unit = bytes[i], .table = (enum modbus_table)bytes[i + 1]};
        if (bytes[i + 1] < TABLE_COIL || bytes[i + 1] > TABLE_INPUT_REGISTER ||
            (!is_question(bytes + i, n - i, heard) && !is_answer(bytes + i, n - i, heard)))
            continue;
        *at = i + (heard->question ? FRAME_PDU_REQUEST + CRC : (size_t)heard->bytes);
        return true;
    }
    return false;
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
