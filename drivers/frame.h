/* What a request and its answer look like on the wire, and whether an answer is one: the comparison that
 * libmodbus leaves incomplete (it never compares the MBAP length or, on TCP, the unit). Pure, any thread. */
#ifndef DUST_FRAME_H
#define DUST_FRAME_H

#include "daemon/sample.h"
#include "drivers/device.h"

#include <stddef.h>

struct request;

enum { FRAME_VALUES_MAX = 2000, FRAME_PDU_REQUEST = 6, FRAME_MBAP = 7, FRAME_MAX = 260 };

/* A read request as unit id and PDU (6 bytes): an RTU frame without its CRC. */
void frame_request(int unit, const struct request *r, uint8_t out[static FRAME_PDU_REQUEST]);

/* A write: function 5, 6, 15 or 16. A single coil is 0xFF00 or 0, but a relay may take other numbers as
 * times, so its value is sent as it is; values of 15 are bits, 0 or 1. */
enum { ORDER_COIL = 5, ORDER_REGISTER = 6, ORDER_COILS = 15, ORDER_REGISTERS = 16, ORDER_VALUES_MAX = 32 };
struct frame_order {
    uint8_t function;
    uint16_t address, count; /* count 1 for functions 5 and 6 */
    uint16_t values[ORDER_VALUES_MAX];
};

enum { FRAME_ORDER_MAX = 7 + 2 * ORDER_VALUES_MAX, FRAME_OBEYED = 6 };

/* Unit id and PDU of an order, without CRC; returns its length. */
int frame_order(int unit, const struct frame_order *o, uint8_t out[static FRAME_ORDER_MAX]);

/* As frame_check and frame_find, of the answer to an order: it repeats the order's first six bytes. */
enum why frame_check_order(int unit, const struct frame_order *o, const uint8_t *answer, size_t n,
                           uint8_t *exception);
enum why frame_find_order(int unit, const struct frame_order *o, const uint8_t *bytes, size_t n,
                          uint8_t *exception);

/* Bytes of a whole RTU answer to `r`, unit to CRC. */
int frame_answer_bytes(const struct request *r);

/* Judges unit id and PDU of an answer, `n` bytes without CRC. WHY_NONE: `values` has r->count values, a bit
 * is 0 or 1. WHY_EXCEPTION: *exception is set. Otherwise WHY_GARBLED. */
enum why frame_check(int unit, const struct request *r, const uint8_t *answer, size_t n, uint16_t *values,
                     uint8_t *exception);

/* CRC-16 of RTU frames (MODBUS over Serial Line V1.02, 6.2.2): low byte first on the wire. */
uint16_t frame_crc(const uint8_t *bytes, size_t n);

/* Looks for the answer to `r` in the `n` bytes that a serial line gave since the question. It stands first,
 * or behind at most two bytes, which a driver that switches on may add. WHY_NONE and WHY_EXCEPTION as
 * frame_check; WHY_NO_ANSWER: it may still come; WHY_GARBLED: the unit has spoken, and not so. */
enum why frame_find(int unit, const struct request *r, const uint8_t *bytes, size_t n, uint16_t *values,
                    uint8_t *exception);

/* Whether the `n` bytes begin as the answer to `r` does. */
bool frame_begins(int unit, const struct request *r, const uint8_t *bytes, size_t n);

/* The first whole answer (read functions only) of `unit` in the `n` bytes from `at` on, whatever it answers:
 * its table and length. Returns where it ends, 0 without one. */
size_t frame_next(int unit, const uint8_t *bytes, size_t n, size_t at, enum modbus_table *table, int *length);

/* A read question or answer of any unit, heard on a line; `bytes` is how long the answer is, also of a
 * question. */
struct frame_heard {
    int unit, bytes;
    enum modbus_table table;
    bool question;
};

/* The next whole one in the `n` bytes from *at on, which moves behind it; false without one. What may be
 * either (an answer of three bytes) is told as a question. */
bool frame_hear(const uint8_t *bytes, size_t n, size_t *at, struct frame_heard *heard);

/* The header before unit id and PDU on Modbus TCP; `tid` is echoed. `length` counts unit id and PDU. */
void frame_mbap(uint16_t tid, size_t length, uint8_t out[static FRAME_MBAP - 1]);

/* Whether `n` bytes are one whole TCP frame that answers `tid`. */
bool frame_mbap_fits(uint16_t tid, const uint8_t *frame, size_t n);

#endif
