#include "drivers/sim/adu.h"

#include "daemon/base/err.h"

#include <string.h>

enum { MBAP = 7, CRC = 2, PDU_FIXED = 5 };

enum shape { SHAPE_READ, SHAPE_WRITE_ONE, SHAPE_WRITE_MANY };

/* `most`: legal quantity (V1.1b3, 6.1 to 6.12); `bits`: counted in bits, not registers. */
static const struct function {
    uint8_t code;
    enum shape shape;
    bool bits;
    uint16_t most;
} functions[] = {
    {1, SHAPE_READ, true, 2000},        {2, SHAPE_READ, true, 2000},        {3, SHAPE_READ, false, 125},
    {4, SHAPE_READ, false, 125},        {5, SHAPE_WRITE_ONE, true, 1},      {6, SHAPE_WRITE_ONE, false, 1},
    {15, SHAPE_WRITE_MANY, true, 1968}, {16, SHAPE_WRITE_MANY, false, 123},
};

static const struct function *function_of(uint8_t code)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (functions[i].code == code)
            return &functions[i];
    return NULL;
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, size_t value)
{
    p[0] = (uint8_t)(value >> 8);
    p[1] = (uint8_t)value;
}

uint16_t adu_crc(const uint8_t *bytes, size_t length)
{
    uint16_t crc = 0xFFFF;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? (uint16_t)(crc >> 1 ^ 0xA001) : (uint16_t)(crc >> 1);
    }
    return crc;
}

static int rtu_length(const uint8_t *bytes, size_t have)
{
    if (have < 2)
        return ERR_NOT_FOUND;
    const struct function *f = function_of(bytes[1]);
    if (!f)
        return ERR_FORMAT;
    if (f->shape != SHAPE_WRITE_MANY)
        return 1 + PDU_FIXED + CRC;
    if (have < 7)
        return ERR_NOT_FOUND;
    int length = 1 + PDU_FIXED + 1 + bytes[6] + CRC;
    return length <= 1 + ADU_PDU_MAX + CRC ? length : ERR_FORMAT;
}

/* The length field counts the unit id and the PDU (2 to 254). */
static int tcp_length(const uint8_t *bytes, size_t have)
{
    if (have < MBAP - 1)
        return ERR_NOT_FOUND;
    int length = get16(bytes + 4);
    if (get16(bytes + 2) != 0 || length < 2 || length > 1 + ADU_PDU_MAX)
        return ERR_FORMAT;
    return MBAP - 1 + length;
}

int adu_length(enum framing framing, const uint8_t *bytes, size_t have)
{
    return framing == FRAMING_TCP ? tcp_length(bytes, have) : rtu_length(bytes, have);
}

static uint8_t shape_exception(const struct function *f, const uint8_t *pdu, size_t length,
                               const struct adu_request *r)
{
    if (f->shape == SHAPE_WRITE_ONE && f->code == 5)
        return get16(pdu + 3) == 0 || get16(pdu + 3) == 0xFF00 ? 0 : EXCEPTION_VALUE;
    if (r->count < 1 || r->count > f->most)
        return EXCEPTION_VALUE;
    if (f->shape != SHAPE_WRITE_MANY)
        return 0;
    size_t bytes = f->bits ? (size_t)(r->count + 7) / 8 : (size_t)r->count * 2;
    return length == PDU_FIXED + 1 + bytes && pdu[5] == bytes ? 0 : EXCEPTION_VALUE;
}

static int parse_pdu(const uint8_t *pdu, size_t length, struct adu_request *r)
{
    const struct function *f = function_of(pdu[0]);
    r->function = pdu[0];
    if (!f) {
        r->exception = EXCEPTION_FUNCTION;
        return ERR_OK;
    }
    size_t least = f->shape == SHAPE_WRITE_MANY ? PDU_FIXED + 1 : PDU_FIXED;
    if (length < least || (f->shape != SHAPE_WRITE_MANY && length > least))
        return ERR_FORMAT;
    r->address = get16(pdu + 1);
    r->count = f->shape == SHAPE_WRITE_ONE ? 1 : get16(pdu + 3);
    r->data = f->shape == SHAPE_WRITE_MANY ? pdu + 6 : pdu + 3;
    r->exception = shape_exception(f, pdu, length, r);
    return ERR_OK;
}

int adu_parse(enum framing framing, const uint8_t *bytes, size_t length, struct adu_request *out)
{
    *out = (struct adu_request){0};
    if (framing == FRAMING_TCP) {
        if (length < MBAP + 1 || length > ADU_MAX)
            return ERR_FORMAT;
        out->transaction = get16(bytes);
        out->unit = bytes[6];
        return parse_pdu(bytes + MBAP, length - MBAP, out);
    }
    if (length < 1 + 1 + CRC || length > 1 + ADU_PDU_MAX + CRC)
        return ERR_FORMAT;
    uint16_t crc = adu_crc(bytes, length - CRC);
    if (bytes[length - 2] != (crc & 0xFF) || bytes[length - 1] != crc >> 8)
        return ERR_DAMAGED;
    out->unit = bytes[0];
    return parse_pdu(bytes + 1, length - 1 - CRC, out);
}

bool adu_is_write(const struct adu_request *r)
{
    const struct function *f = function_of(r->function);
    return f && f->shape != SHAPE_READ;
}

uint16_t adu_written(const struct adu_request *r, int i)
{
    if (r->function == 5)
        return r->data[0] ? 1 : 0;
    if (r->function == 15)
        return r->data[i / 8] >> (i % 8) & 1;
    return get16(r->data + (size_t)i * 2);
}

/* A write is answered by its own head: function, address, then value (one) or count (many). */
static size_t answer_write(const struct function *f, const struct adu_request *r, uint8_t *pdu)
{
    put16(pdu + 1, r->address);
    if (f->shape == SHAPE_WRITE_ONE)
        memcpy(pdu + 3, r->data, 2);
    else
        put16(pdu + 3, r->count);
    return PDU_FIXED;
}

size_t adu_answer(const struct adu_request *r, const uint16_t *values, uint8_t *pdu)
{
    const struct function *f = function_of(r->function);
    pdu[0] = r->function;
    if (!f || r->exception)
        return adu_exception(r, f ? r->exception : EXCEPTION_FUNCTION, pdu);
    if (f->shape != SHAPE_READ)
        return answer_write(f, r, pdu);
    size_t bytes = f->bits ? (size_t)(r->count + 7) / 8 : (size_t)r->count * 2;
    pdu[1] = (uint8_t)bytes;
    memset(pdu + 2, 0, bytes);
    for (size_t i = 0; i < r->count; i++) {
        if (!f->bits)
            put16(pdu + 2 + 2 * i, values[i]);
        else if (values[i])
            pdu[2 + i / 8] |= (uint8_t)(1 << (i % 8));
    }
    return 2 + bytes;
}

size_t adu_exception(const struct adu_request *r, int code, uint8_t *pdu)
{
    pdu[0] = (uint8_t)(r->function | 0x80);
    pdu[1] = (uint8_t)code;
    return 2;
}

size_t adu_wrap(enum framing framing, const struct adu_request *r, const uint8_t *pdu, size_t length,
                uint8_t *out)
{
    if (framing == FRAMING_TCP) {
        put16(out, r->transaction);
        put16(out + 2, 0);
        put16(out + 4, length + 1);
        out[6] = r->unit;
        memcpy(out + MBAP, pdu, length);
        return MBAP + length;
    }
    out[0] = r->unit;
    memcpy(out + 1, pdu, length);
    uint16_t crc = adu_crc(out, length + 1);
    out[length + 1] = (uint8_t)(crc & 0xFF);
    out[length + 2] = (uint8_t)(crc >> 8);
    return length + 3;
}
