/* What a program that does nothing but poll reaches on a line, in the same minute and on the same machine as
 * dustd:
 *
 *   bench_poller PORT BAUD UNITS
 *
 * libmodbus asks units 1 to UNITS in turn for ten holding registers at 500, as fast as the silence of 3.5
 * characters (1.75 ms above 19200 baud) after each answer allows, until SIGTERM. Nothing is decoded, stored
 * or published. It ends with 1 when the port cannot be opened or a unit does not answer. */
#include "daemon/base/clock.h"

#include <errno.h>
#include <modbus.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

enum { ADDRESS = 500, REGISTERS = 10, FAST_BAUD = 19200, FAST_SILENCE_US = 1750, TIMEOUT_US = 300000 };

static volatile sig_atomic_t ended;

static void end(int number)
{
    ended = number;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: bench_poller PORT BAUD UNITS\n");
        return 2;
    }
    int baud = atoi(argv[2]), units = atoi(argv[3]);
    int64_t silence_us = baud > FAST_BAUD ? FAST_SILENCE_US : (35000000 + baud - 1) / baud;
    modbus_t *line = modbus_new_rtu(argv[1], baud, 'N', 8, 1);
    if (!line || modbus_connect(line) != 0) {
        fprintf(stderr, "%s: %s\n", argv[1], modbus_strerror(errno));
        return 1;
    }
    modbus_set_response_timeout(line, 0, TIMEOUT_US);
    prctl(PR_SET_TIMERSLACK, 1UL); /* as dustd's bus thread has it */
    signal(SIGTERM, end);
    for (int unit = 0; !ended; unit = (unit + 1) % units) {
        uint16_t values[REGISTERS];
        modbus_set_slave(line, unit + 1);
        if (modbus_read_registers(line, ADDRESS, REGISTERS, values) != REGISTERS && !ended) {
            fprintf(stderr, "unit %d: %s\n", unit + 1, modbus_strerror(errno));
            return 1;
        }
        clock_wire_sleep_until(clock_wire_us() + silence_us);
    }
    modbus_close(line);
    modbus_free(line);
    return 0;
}
