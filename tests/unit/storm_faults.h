/* What bad units and lines make of an answer, on a wire (RTU frames, also through a converter) or on Modbus
 * TCP, and what a driver has to call it. Every register of an answer says where it is from and when: four
 * registers make a cell {unit, address of the cell, number of the request, high and low}. Pure, but for the
 * random numbers, which come from a seed. */
#ifndef STORM_FAULTS_H
#define STORM_FAULTS_H

#include "drivers/device.h"
#include "pty_slave.h"

#include "daemon/sample.h"

enum storm_fault {
    STORM_NONE,
    STORM_SLOW,    /* thinks nearly as long as it may */
    STORM_LATE,    /* comes after three to seven time-outs, on whatever connection there is then */
    STORM_LOST,    /* the request never arrives */
    STORM_CRC,     /* a broken check sum */
    STORM_NOISE_1, /* each byte is another one with this probability, in % */
    STORM_NOISE_10,
    STORM_NOISE_50,
    STORM_TRUNCATED,      /* at any byte */
    STORM_DOUBLED,        /* the answer comes twice */
    STORM_ECHO,           /* the request is heard back, then comes the answer */
    STORM_FOREIGN,        /* another unit answers instead */
    STORM_PRECEDED,       /* another unit's answer comes first, then ours */
    STORM_TRICKLE,        /* in twelve pieces, a millisecond apart */
    STORM_DRIP,           /* the same, so far apart that the time-out ends it */
    STORM_PREFIX,         /* one to twelve bytes of noise, then the answer */
    STORM_SUFFIX,         /* the same, after it */
    STORM_EXCEPTION,      /* server device busy */
    STORM_TWO,            /* two units at once: the bytes collide */
    STORM_OVERHEARD,      /* another master asks this unit for as many other registers, and gets them */
    STORM_OTHER_MASTER,   /* the same, in the pause after our answer */
    STORM_WRONG_NUMBER,   /* another transaction's number, often the last one's */
    STORM_WRONG_FUNCTION, /* whole, but the answer to another function */
    STORM_LENGTH_LONG,    /* the header says more bytes than come */
    STORM_LENGTH_SHORT,   /* fewer */
    STORM_LENGTH_HUGE,    /* 65535 */
    STORM_RESET,          /* a part of the answer, maybe none, then RST */
    STORM_CLOSED,         /* the same, then FIN */
    STORM_HALF_OPEN,      /* nothing ever comes on this connection again */
    STORM_HANG_UP,        /* the answer, and soon after it RST or FIN */
    STORM__COUNT
};

enum {
    ON_RTU = 1,
    ON_CONVERTER = 2,
    ON_TCP = 4,
    ON_FRAMES = ON_RTU | ON_CONVERTER,
    ON_STREAM = ON_CONVERTER | ON_TCP
};

/* Where it can happen, and what the question's outcome has to be called. WHY_NONE stands for what the unit
 * itself said, which may be an exception. Where the dice decide (noise that hits nothing, two bytes of noise
 * before an answer, a collision that changes nothing), storm_spoil says it. */
static const struct storm_kind {
    const char *name;
    int on;
    enum why outcome;
} storm_kinds[STORM__COUNT] = {
    [STORM_NONE] = {"none", ON_FRAMES | ON_TCP, WHY_NONE},
    [STORM_SLOW] = {"slow", ON_FRAMES | ON_TCP, WHY_NONE},
    [STORM_LATE] = {"late", ON_FRAMES | ON_TCP, WHY_NO_ANSWER},
    [STORM_LOST] = {"lost", ON_FRAMES | ON_TCP, WHY_NO_ANSWER},
    [STORM_CRC] = {"crc", ON_FRAMES, WHY_GARBLED},
    [STORM_NOISE_1] = {"noise 1 %", ON_FRAMES, WHY_GARBLED},
    [STORM_NOISE_10] = {"noise 10 %", ON_FRAMES, WHY_GARBLED},
    [STORM_NOISE_50] = {"noise 50 %", ON_FRAMES, WHY_GARBLED},
    [STORM_TRUNCATED] = {"truncated", ON_FRAMES | ON_TCP, WHY_GARBLED},
    [STORM_DOUBLED] = {"doubled", ON_FRAMES | ON_TCP, WHY_NONE},
    [STORM_ECHO] = {"echo", ON_FRAMES, WHY_NONE},
    [STORM_FOREIGN] = {"foreign", ON_FRAMES | ON_TCP, WHY_GARBLED},
    [STORM_PRECEDED] = {"foreign first", ON_FRAMES | ON_TCP, WHY_GARBLED},
    [STORM_TRICKLE] = {"trickle", ON_FRAMES | ON_TCP, WHY_NONE},
    [STORM_DRIP] = {"drip", ON_FRAMES | ON_TCP, WHY_GARBLED},
    [STORM_PREFIX] = {"prefix", ON_FRAMES | ON_TCP, WHY_GARBLED},
    [STORM_SUFFIX] = {"suffix", ON_FRAMES | ON_TCP, WHY_NONE},
    [STORM_EXCEPTION] = {"exception", ON_FRAMES | ON_TCP, WHY_EXCEPTION},
    [STORM_TWO] = {"two units", ON_FRAMES, WHY_GARBLED},
    [STORM_OVERHEARD] = {"overheard", ON_FRAMES, WHY_GARBLED},
    [STORM_OTHER_MASTER] = {"other master", ON_FRAMES, WHY_NONE},
    [STORM_WRONG_NUMBER] = {"wrong number", ON_TCP, WHY_GARBLED},
    [STORM_WRONG_FUNCTION] = {"wrong function", ON_FRAMES | ON_TCP, WHY_GARBLED},
    [STORM_LENGTH_LONG] = {"length long", ON_TCP, WHY_GARBLED},
    [STORM_LENGTH_SHORT] = {"length short", ON_TCP, WHY_GARBLED},
    [STORM_LENGTH_HUGE] = {"length huge", ON_TCP, WHY_GARBLED},
    [STORM_RESET] = {"reset", ON_STREAM, WHY_LINE},
    [STORM_CLOSED] = {"closed", ON_STREAM, WHY_LINE},
    [STORM_HALF_OPEN] = {"half open", ON_STREAM, WHY_NO_ANSWER},
    [STORM_HANG_UP] = {"hang up", ON_STREAM, WHY_NONE},
};

enum { STORM_FOREIGN_UNIT = 99, STORM_CELL = 4, STORM_HEADER = 6, STORM_GLITCH = 2, STORM_BYTES = 300 };

/* What a unit holds where it can be written: registers from STORM_WRITABLE on, and its coils. A coil keeps
 * the number that it was sent, as a relay with a timer does. */
enum { STORM_WRITABLE = 1024, STORM_HELD = 512 };
struct storm_held {
    uint16_t registers[STORM_HELD], coils[STORM_HELD];
};

/* A request as it came; `tid` of Modbus TCP; `count` 1 of functions 5 and 6. */
struct storm_question {
    int number, unit, function, address, count, length;
    uint16_t tid;
    const struct storm_held *held;
    uint8_t bytes[80];
};

/* Bytes that leave together, and what is done to the connection then. */
struct storm_bytes {
    int length;
    uint8_t bytes[STORM_BYTES];
};

static inline unsigned storm_draw(uint64_t *random, unsigned below)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((*random >> 33) % below);
}

static inline int storm_on(enum transport t)
{
    return t == TRANSPORT_RTU ? ON_RTU : t == TRANSPORT_TCP ? ON_TCP : ON_CONVERTER;
}

/* Unit id and PDU as a frame: with a check sum, or behind a header. */
static inline void storm_seal(enum transport t, uint16_t tid, const uint8_t *pdu, int n,
                              struct storm_bytes *out)
{
    if (t != TRANSPORT_TCP) {
        memcpy(out->bytes, pdu, (size_t)n);
        out->length = slave_seal(out->bytes, n);
        return;
    }
    uint8_t header[STORM_HEADER] = {(uint8_t)(tid >> 8), (uint8_t)tid, 0, 0, (uint8_t)(n >> 8), (uint8_t)n};
    memcpy(out->bytes, header, sizeof header);
    memcpy(out->bytes + STORM_HEADER, pdu, (size_t)n);
    out->length = n + STORM_HEADER;
}

static inline const uint8_t *storm_pdu(enum transport t, const struct storm_question *q)
{
    return q->bytes + (t == TRANSPORT_TCP ? STORM_HEADER : 0);
}

static inline bool storm_writes(int function)
{
    return function == 5 || function == 6 || function == 15 || function == 16;
}

/* An order is answered by its first six bytes; what was written is read as it is held. */
static inline int storm_held_answer(enum transport t, const struct storm_question *q, int unit, uint8_t *pdu)
{
    if (storm_writes(q->function)) {
        memcpy(pdu, storm_pdu(t, q), 6);
        pdu[0] = (uint8_t)unit;
        return 6;
    }
    pdu[1] = (uint8_t)q->function;
    pdu[2] = (uint8_t)(q->function == 1 ? (q->count + 7) / 8 : 2 * q->count);
    for (int i = 0; i < q->count; i++) {
        int at = (q->address + i) % STORM_WRITABLE % STORM_HELD;
        if (q->function == 1) {
            pdu[3 + i / 8] |= (uint8_t)((q->held->coils[at] != 0) << i % 8);
            continue;
        }
        pdu[3 + 2 * i] = (uint8_t)(q->held->registers[at] >> 8);
        pdu[4 + 2 * i] = (uint8_t)q->held->registers[at];
    }
    return 3 + pdu[2];
}

static inline void storm_answer(enum transport t, const struct storm_question *q, int unit, int address,
                                struct storm_bytes *out)
{
    if (q->function != 3 || q->address >= STORM_WRITABLE) {
        uint8_t bytes[STORM_BYTES] = {(uint8_t)unit};
        storm_seal(t, q->tid, bytes, storm_held_answer(t, q, unit, bytes), out);
        return;
    }
    uint8_t pdu[STORM_BYTES] = {(uint8_t)unit, 3, (uint8_t)(2 * q->count)};
    for (int i = 0; i < q->count; i++) {
        int cell = (address + i) / STORM_CELL * STORM_CELL;
        int words[STORM_CELL] = {unit, cell, q->number >> 16, q->number & 0xFFFF};
        int value = words[(address + i) % STORM_CELL];
        pdu[3 + 2 * i] = (uint8_t)(value >> 8);
        pdu[4 + 2 * i] = (uint8_t)value;
    }
    storm_seal(t, q->tid, pdu, 3 + pdu[2], out);
}

static inline void storm_exception(enum transport t, const struct storm_question *q, int code,
                                   struct storm_bytes *out)
{
    uint8_t pdu[3] = {(uint8_t)q->unit, (uint8_t)(q->function | 0x80), (uint8_t)code};
    storm_seal(t, q->tid, pdu, 3, out);
}

static inline void storm_append(struct storm_bytes *to, const uint8_t *bytes, int n)
{
    if (to->length + n > STORM_BYTES)
        abort();
    memcpy(to->bytes + to->length, bytes, (size_t)n);
    to->length += n;
}

/* A check sum cannot see one in 65536 of damaged frames. */
static inline bool storm_is_sealed(const uint8_t *bytes, int n)
{
    uint8_t copy[STORM_BYTES + 2];
    if (n < 4)
        return false;
    memcpy(copy, bytes, (size_t)n);
    return slave_seal(copy, n - 2) == n && memcmp(copy, bytes, (size_t)n) == 0;
}

/* Whether the first `whole` bytes, or those for an exception, may be taken for a frame from any place where
 * an answer may begin. */
static inline bool storm_deceives(const struct storm_bytes *b, int whole)
{
    for (int at = 0; at <= STORM_GLITCH; at++)
        if ((at + whole <= b->length && storm_is_sealed(b->bytes + at, whole)) ||
            (at + 5 <= b->length && storm_is_sealed(b->bytes + at, 5)))
            return true;
    return false;
}

static inline int storm_noise(uint64_t *random, struct storm_bytes *b, unsigned percent)
{
    int hit = 0;
    for (int i = 0; i < b->length; i++) {
        if (storm_draw(random, 100) >= percent)
            continue;
        b->bytes[i] ^= (uint8_t)(1 + storm_draw(random, 255));
        hit++;
    }
    return hit;
}

/* Damage is drawn again while a check sum would not see it. Whether there is any. */
static inline bool storm_damage(uint64_t *random, struct storm_bytes *b, unsigned percent)
{
    const struct storm_bytes good = *b;
    for (;;) {
        int hit = storm_noise(random, b, percent);
        if (hit == 0 || !storm_deceives(b, good.length))
            return hit > 0;
        *b = good;
    }
}

static inline void storm_random(uint64_t *random, struct storm_bytes *b, int n)
{
    for (b->length = 0; b->length < n; b->length++)
        b->bytes[b->length] = (uint8_t)storm_draw(random, 256);
}

static inline enum why storm_prefix(enum transport t, uint64_t *random, struct storm_bytes *b, int n)
{
    const struct storm_bytes good = *b;
    bool glitch = n <= STORM_GLITCH && t != TRANSPORT_TCP;
    do {
        storm_random(random, b, n);
        storm_append(b, good.bytes, good.length);
    } while (!glitch && t != TRANSPORT_TCP && storm_deceives(b, good.length));
    return glitch ? WHY_NONE : WHY_GARBLED;
}

/* Another master's question to this unit, for other registers; `out` gets it, and the answer after it. */
static inline void storm_other(enum transport t, const struct storm_question *q, struct storm_bytes *asks,
                               struct storm_bytes *answers)
{
    int address = q->address + 40 * STORM_CELL;
    uint8_t pdu[6] = {(uint8_t)q->unit, 3, (uint8_t)(address >> 8), (uint8_t)address, 0, (uint8_t)q->count};
    struct storm_question other = *q;
    other.function = 3;
    other.address = address;
    storm_seal(t, q->tid, pdu, 6, asks);
    storm_answer(t, &other, q->unit, address, answers);
}

/* From a later byte on when a check sum would not see it. */
static inline enum why storm_collide(struct storm_bytes *b, int from)
{
    const struct storm_bytes good = *b;
    for (; from < b->length; from++) {
        *b = good;
        for (int i = from; i < b->length; i++)
            b->bytes[i] &= good.bytes[i - 1];
        if (memcmp(b->bytes, good.bytes, (size_t)b->length) == 0)
            return WHY_NONE;
        if (!storm_deceives(b, b->length))
            return WHY_GARBLED;
    }
    *b = good;
    return WHY_NONE;
}

static inline void storm_say_length(struct storm_bytes *b, int length)
{
    b->bytes[4] = (uint8_t)(length >> 8);
    b->bytes[5] = (uint8_t)length;
}

static inline void storm_other_function(enum transport t, const struct storm_question *q,
                                        struct storm_bytes *b)
{
    int n = t == TRANSPORT_TCP ? b->length - STORM_HEADER : b->length - 2;
    uint8_t pdu[STORM_BYTES];
    memcpy(pdu, b->bytes + (t == TRANSPORT_TCP ? STORM_HEADER : 0), (size_t)n);
    pdu[1] = pdu[1] & 0x80 ? 0x84 : pdu[1] == 3 ? 4 : 3;
    storm_seal(t, q->tid, pdu, n, b);
}

/* Spoils what the unit said, in place; returns what a driver has to call it (storm_kinds). Faults of time and
 * of connections leave it as it is. */
static inline enum why storm_spoil(enum transport t, enum storm_fault fault, const struct storm_question *q,
                                   uint64_t *random, struct storm_bytes *b)
{
    const struct storm_bytes good = *b;
    struct storm_bytes other, extra;
    int n = 1 + (int)storm_draw(random, 12);
    enum why why = storm_kinds[fault].outcome;
    switch ((int)fault) {
    case STORM_CRC: b->bytes[b->length - 1] ^= 0x5A; break;
    case STORM_NOISE_1: return storm_damage(random, b, 1) ? why : WHY_NONE;
    case STORM_NOISE_10: return storm_damage(random, b, 10) ? why : WHY_NONE;
    case STORM_NOISE_50: return storm_damage(random, b, 50) ? why : WHY_NONE;
    case STORM_TRUNCATED: b->length = 1 + (int)storm_draw(random, (unsigned)b->length - 1); break;
    case STORM_DOUBLED: storm_append(b, good.bytes, good.length); break;
    case STORM_ECHO:
        b->length = 0;
        storm_append(b, q->bytes, q->length);
        storm_append(b, good.bytes, good.length);
        break;
    case STORM_FOREIGN: storm_answer(t, q, STORM_FOREIGN_UNIT, q->address, b); break;
    case STORM_PRECEDED:
        storm_answer(t, q, STORM_FOREIGN_UNIT, 0, b);
        storm_append(b, good.bytes, good.length);
        break;
    case STORM_PREFIX: return storm_prefix(t, random, b, n);
    case STORM_SUFFIX:
        storm_random(random, &extra, n);
        storm_append(b, extra.bytes, n);
        break;
    case STORM_EXCEPTION: storm_exception(t, q, 6, b); break;
    case STORM_TWO: return storm_collide(b, 1 + n % 3);
    case STORM_OVERHEARD:
        storm_other(t, q, b, &other);
        storm_append(b, other.bytes, other.length);
        break;
    case STORM_WRONG_NUMBER: {
        int tid = n % 2 ? q->tid - 1 : q->tid + n;
        b->bytes[0] = (uint8_t)(tid >> 8);
        b->bytes[1] = (uint8_t)tid;
        break;
    }
    case STORM_WRONG_FUNCTION: storm_other_function(t, q, b); break;
    case STORM_LENGTH_LONG: storm_say_length(b, b->length - STORM_HEADER + n); break;
    case STORM_LENGTH_SHORT:
        storm_say_length(b, (int)storm_draw(random, (unsigned)(b->length - STORM_HEADER)));
        break;
    case STORM_LENGTH_HUGE: storm_say_length(b, 0xFFFF); break;
    default: break;
    }
    return why;
}

#endif
