/* Any bytes as a recorded file, in both formats (the first byte chooses): each line is played once, in
 * order, damaged or with values, and the end is the end. */
#include "daemon/base/err.h"
#include "drivers/sim/tape.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth)
        __builtin_trap();
}

static void play(struct tape *tape, int ncolumns)
{
    long last = 0;
    for (tape_advance(tape); tape_line(tape).number; tape_advance(tape)) {
        struct tape_line line = tape_line(tape);
        demand(line.number > last);
        last = line.number;
        for (int i = 0; i < ncolumns && !line.damaged; i++)
            demand(!isinf(line.values[i]));
    }
    tape_advance(tape);
    demand(tape_line(tape).number == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct tape_column columns[] = {{"pm10", "pm10"}, {"wind", "wind"}};
    struct tape_setup setup = {
        .hold = 1, .time = "time", .from = "", .to = "", .columns = columns, .ncolumns = 2};
    struct tape *tape = NULL;
    const char *which;
    char path[64];
    if (size < 1)
        return 0;
    setup.format = data[0] & 1 ? TAPE_GUANGDONG_RAW : TAPE_CSV;
    setup.from = data[0] & 2 ? "2020-01-01T00:00Z" : "";
    int fd = memfd_create("tape", 0);
    demand(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)(size - 1));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (tape_open(&setup, path, 480, &tape, &which) == ERR_OK)
        play(tape, setup.ncolumns);
    tape_close(tape);
    close(fd);
    return 0;
}
