/* A recorded file, line by line: plain or gzip. A line is what a unit measures at one poll. Thread of the
 * bus once opened. */
#ifndef DUST_SIM_TAPE_H
#define DUST_SIM_TAPE_H

#include <stdbool.h>
#include <stdint.h>

enum tape_format {
    TAPE_CSV, /* first line: names of the columns; a line of another number of columns is damaged */
    /* "2021-01-17T00:00:09
     * A2527B225C0000D0000E0000F0000G0001H0001I0000J0000K0000L0198M683N10158,051,080,…,*05": letter and
     * number, then six dust values; checksum: XOR of all from A up to '*', XOR 0x1A. Columns: wind_adc
     * wind_deg wind_hz wind wind_1min wind_5min rain_count rain_total rain_1min rain_1h rain_24h temperature
     * humidity pressure pm1_cf pm25_cf pm10_cf pm1 pm25 pm10 (degrees, m/s, mm, C, %, hPa, ug/m3). */
    TAPE_GUANGDONG_RAW,
};

struct tape_column {
    const char *point; /* of the profile */
    const char *column;
};

struct tape_setup {
    const char *file;
    enum tape_format format;
    int hold;              /* polls each line lasts */
    const char *time;      /* CSV: column with the stamp */
    const char *from, *to; /* only lines stamped in [from, to), legibly; "" open */
    bool repeat;           /* begin again after the last line; else the unit falls silent */
    struct tape_column *columns;
    int ncolumns;
};

struct tape_line {
    long number;          /* in the file, from 1; 0: none left */
    bool damaged;         /* its checksum or shape is wrong */
    const double *values; /* one for each of setup->columns; NaN where the line is empty */
};

struct tape;

/* `file` is the path to open; stamps without a zone are `zone_min` east of UTC. ERR_IO: cannot be read;
 * ERR_NOT_FOUND: no such column, named in `*which`; ERR_FORMAT: no first line. */
int tape_open(const struct tape_setup *setup, const char *file, int zone_min, struct tape **out,
              const char **which);

/* Called at each poll: the first keeps the first line, later ones go on when it has been held long enough. */
void tape_advance(struct tape *r);

/* The present line. Valid until the next advance. */
struct tape_line tape_line(const struct tape *r);

/* Reads a stamp that may lack its zone or have a space for its T. ERR_FORMAT. */
int tape_stamp(const char *text, int zone_min, int64_t *at_ms);

/* Accepts NULL. */
void tape_close(struct tape *r);

#endif
