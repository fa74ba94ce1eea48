#include "drivers/sim/spoil.h"

#include "drivers/sim/model.h"

/* TCP has no checksum: there the protocol id is made wrong. */
static void break_check(enum framing framing, uint8_t *bytes, size_t length)
{
    bytes[framing == FRAMING_TCP ? 2 : length - 1] ^= 0x5A;
}

static void change_unit(enum framing framing, uint8_t *bytes, size_t length)
{
    if (framing == FRAMING_TCP) {
        bytes[6]++;
        return;
    }
    bytes[0]++;
    uint16_t crc = adu_crc(bytes, length - 2);
    bytes[length - 2] = (uint8_t)(crc & 0xFF);
    bytes[length - 1] = (uint8_t)(crc >> 8);
}

size_t spoil(enum fault_kind kind, enum framing framing, uint64_t seed, uint8_t *bytes, size_t length)
{
    switch (kind) {
    case FAULT_CRC: break_check(framing, bytes, length); break;
    case FAULT_TRUNCATED: return length / 2;
    case FAULT_WRONG_UNIT: change_unit(framing, bytes, length); break;
    case FAULT_GARBAGE:
        for (size_t i = 0; i < length; i++)
            bytes[i] = (uint8_t)model_seed(seed, i);
        break;
    default: break;
    }
    return length;
}
