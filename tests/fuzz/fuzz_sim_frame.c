/* Any bytes as a request: the length is right or not known, what is parsed stays inside the bytes, and its
 * answer fits a frame that is whole. The first byte chooses the framing. */
#include "daemon/base/err.h"
#include "drivers/sim/adu.h"
#include "drivers/sim/spoil.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth)
        __builtin_trap();
}

/* An RTU frame with a right CRC, so that the fuzzer gets past it. */
static size_t seal(uint8_t *frame, size_t length)
{
    uint16_t crc = adu_crc(frame, length);
    frame[length] = (uint8_t)(crc & 0xFF);
    frame[length + 1] = (uint8_t)(crc >> 8);
    return length + 2;
}

static void answer(enum framing framing, const struct adu_request *r)
{
    static const uint16_t values[2000] = {1, 0xFFFF};
    uint8_t pdu[ADU_PDU_MAX], out[ADU_MAX];
    size_t n = adu_answer(r, values, pdu);
    demand(n >= 2 && n <= ADU_PDU_MAX);
    size_t length = adu_wrap(framing, r, pdu, n, out);
    demand(length <= ADU_MAX && (framing == FRAMING_TCP || adu_crc(out, length) == 0));
    for (int kind = FAULT_NONE; kind < FAULT__COUNT; kind++)
        demand(spoil((enum fault_kind)kind, framing, r->address, out, length) <= length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t frame[300];
    struct adu_request r;
    if (size < 1 || size > sizeof frame - 2)
        return 0;
    enum framing framing = data[0] & 1 ? FRAMING_TCP : FRAMING_RTU;
    size_t length = size - 1;
    __builtin_memcpy(frame, data + 1, length);
    if (framing == FRAMING_RTU)
        length = seal(frame, length);
    int told = adu_length(framing, frame, length);
    demand(told == ERR_NOT_FOUND || told == ERR_FORMAT || (told > 0 && told <= ADU_MAX));
    if (adu_parse(framing, frame, length, &r) != ERR_OK)
        return 0;
    unsigned sum = 0;
    for (int i = 0; adu_is_write(&r) && !r.exception && i < r.count; i++)
        sum += adu_written(&r, i);
    demand(sum <= 0xFFFFu * 1968);
    answer(framing, &r);
    return 0;
}
