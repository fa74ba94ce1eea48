/* Modbus requests as a unit hears them, and answers as it sends them. Pure; any thread. Sources: MODBUS
 * Application Protocol V1.1b3 (functions 1 to 6, 15, 16), MODBUS over Serial Line V1.02 section 2.5.1 (RTU),
 * MODBUS Messaging on TCP/IP V1.0b section 3.1.3 (MBAP). */
#ifndef DUST_SIM_ADU_H
#define DUST_SIM_ADU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ADU_MAX = 260, ADU_PDU_MAX = 253 };
enum { EXCEPTION_FUNCTION = 1, EXCEPTION_ADDRESS = 2, EXCEPTION_VALUE = 3, EXCEPTION_FAILURE = 4 };
enum framing { FRAMING_RTU, FRAMING_TCP };

/* The data of a write stay in the caller's bytes. */
struct adu_request {
    uint8_t unit, function;
    uint16_t address, count;
    uint16_t transaction; /* TCP */
    uint8_t exception;    /* what the request's shape alone deserves: 1 or 3; 0: well-formed */
    const uint8_t *data;  /* written registers (high byte first) or bits (lowest bit first) */
};

/* CRC-16 of a serial frame (Modbus over serial line V1.02, 6.2.2): polynomial 0xA001, begun with 0xFFFF; its
 * low byte goes first. */
uint16_t adu_crc(const uint8_t *bytes, size_t length);

/* How long the request that begins at `bytes` is. ERR_NOT_FOUND: more bytes are needed to tell; ERR_FORMAT:
 * not known (RTU: a foreign function, it ends with silence; TCP: not Modbus, close). */
int adu_length(enum framing framing, const uint8_t *bytes, size_t have);

/* Reads one whole request of `length` bytes. ERR_FORMAT: too short or too long to be one; ERR_DAMAGED: wrong
 * CRC. */
int adu_parse(enum framing framing, const uint8_t *bytes, size_t length, struct adu_request *out);

bool adu_is_write(const struct adu_request *r);

/* The i-th written register, or bit as 0 or 1. */
uint16_t adu_written(const struct adu_request *r, int i);

/* The answer to `r` as a PDU (room for ADU_PDU_MAX); returns its length. `values` are the registers or bits
 * that were read, one each; NULL for a write. */
size_t adu_answer(const struct adu_request *r, const uint16_t *values, uint8_t *pdu);
size_t adu_exception(const struct adu_request *r, int code, uint8_t *pdu);

/* Puts the PDU into a frame from `r->unit` (room for ADU_MAX); returns its length. */
size_t adu_wrap(enum framing framing, const struct adu_request *r, const uint8_t *pdu, size_t length,
                uint8_t *out);

#endif
