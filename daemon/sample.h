/* One reading of one point: what a bus thread hands to main. Plain data, copied. */
#ifndef DUST_SAMPLE_H
#define DUST_SAMPLE_H

#include <stdint.h>

/* Data flags of HJ 212-2017 (x-Flag). */
enum quality {
    QUALITY_NORMAL = 'N',
    QUALITY_STOPPED = 'F',
    QUALITY_MAINTENANCE = 'M',
    QUALITY_MANUAL = 'S',
    QUALITY_FAULT = 'D',
    QUALITY_CALIBRATION = 'C',
    QUALITY_OVER_RANGE = 'T',
    QUALITY_NO_COMMUNICATION = 'B',
};

/* Why a sample is not N. Stored in raw blocks: append only. */
enum why {
    WHY_NONE = 0,
    WHY_NO_ANSWER = 1, /* B: silence until the response time-out */
    WHY_GARBLED = 2,   /* B: bytes came, but not a valid answer to this request (CRC, length, foreign unit) */
    WHY_EXCEPTION = 3, /* D: Modbus exception, its code in `exception` */
    WHY_LINE = 4,      /* B: the port or connection is gone */
    WHY_INVALID = 5,   /* D: one of the profile's invalid raw values */
    WHY_BELOW = 6,     /* D: below the profile's range */
    WHY_ABOVE = 7,     /* T: at or above the top of the range; `value` is the top */
    WHY_NOT_A_NUMBER = 8, /* D: NaN, infinity, or no legal BCD digit */
    WHY_LENT = 9,         /* M: the bus is lent to another program: not asked */
    WHY_JAMMED = 10,      /* B: somebody talks on the line without end: not asked */
    WHY_SPIKE = 11, /* D: single value far off its neighbours (daemon/judge/spike.h): kept, but in no mean */
    WHY__COUNT
};

enum { SAMPLE_REGISTERS_MAX = 4 };

struct sample {
    int64_t at_ms;     /* site time when the answer was complete, or the failure certain */
    uint16_t point;    /* index into config.points */
    uint8_t quality;   /* enum quality */
    uint8_t why;       /* enum why */
    uint8_t exception; /* Modbus exception code when why is WHY_EXCEPTION */
    uint8_t nreg;      /* registers that came, 0 for a failed read; a coil or input is one register, 0 or 1 */
    uint16_t reg[SAMPLE_REGISTERS_MAX]; /* raw, in wire order */
    double value; /* in the point's unit; NaN unless quality is N or T. A failed read is never 0. */
};

/* Short English text of a why ("no answer"), static; "exception" is printed by the caller with its code. */
const char *why_str(int why);

#endif
