/* A recording as a stream of what was read when: the readers of the formats behind one function. A recording
 * reads its file once, from the front, and holds a line of it. Main thread. */
#ifndef DUST_REPLAY_RECORDING_H
#define DUST_REPLAY_RECORDING_H

#include "daemon/judge/input.h"
#include "daemon/judge/judge.h"
#include "daemon/replay/columns.h"

struct complaint;

enum recorded_kind {
    RECORDED_SAMPLES, /* read at at_ms */
    RECORDED_MEANS,   /* of each minute of [at_ms, until_ms), whole minutes */
    RECORDED_INPUT,   /* came at at_ms, beside Modbus */
};

struct reading {
    int point;
    uint8_t quality;  /* of a sample; a value that is not there is B, never 0 */
    double value;     /* of a sample, in the point's unit; NaN: none */
    struct mean mean; /* of a minute; n is 0 where the recording has none */
};

struct recorded {
    enum recorded_kind kind;
    int64_t at_ms, until_ms;
    const struct reading *readings; /* the source's, until the next call */
    int n;
    struct input input;
    char by[64]; /* of an input: the person, "" a source in nobody's name */
};

struct recording {
    const struct format *format;
    struct text *text;
    struct columns columns; /* of CSV and station */
    int64_t step_ms;        /* between two lines as a rule; 0: as the site's configuration has it */
    int64_t left_out;       /* lines that were left out, and the first of them and why: */
    int first_left_out;
    const char *why_left_out;
    int (*next)(struct recording *s, struct recorded *out, struct complaint *why);
    void (*close)(struct recording *s);
};

/* Opens a file by its first line; an export is two sources, its rows and its samples. ERR_IO, or ERR_FORMAT
 * with `why`. */
enum { RECORDINGS_PER_FILE = 2 };
int recording_open(const char *file, const struct recording_site *site,
                   struct recording *out[RECORDINGS_PER_FILE], int *n, struct complaint *why);

/* The same of bytes in memory, which must outlive them; `name` stands for the file. */
struct bytes {
    const char *name, *data;
    size_t length;
};
int recording_of_memory(const struct bytes *bytes, const struct recording_site *site,
                        struct recording *out[RECORDINGS_PER_FILE], int *n, struct complaint *why);

/* What comes next. ERR_NOT_FOUND: nothing more. ERR_FORMAT with `why`, and then nothing more. */
int recording_next(struct recording *s, struct recorded *out, struct complaint *why);

void recording_close(struct recording *s); /* accepts NULL */

/* The readers. Each takes `text` over, whatever it returns; first_line is its first, which has been read.
 * `ahead` is the same file once more, to look how often it was written; the caller's. */
int csv_recording(struct text *text, struct text *ahead, const struct recording_site *site, char *first_line,
                  struct recording **out, struct complaint *why);
int station_recording(struct text *text, struct text *ahead, const struct recording_site *site,
                      char *first_line, struct recording **out, struct complaint *why);
int rows_recording(struct text *text, const struct recording_site *site, char *first_line,
                   struct recording **out, struct complaint *why);
int samples_recording(struct text *text, const struct recording_site *site, char *first_line,
                      struct recording **out, struct complaint *why);

/* The median of what lies between n times, in order; 0: less than two. */
int64_t recording_step(int64_t *times, int n);
enum { RECORDING_AHEAD = 101 };

/* Counts a line that is left out. */
void recording_leave_out(struct recording *s, const char *why);

#endif
