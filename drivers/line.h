/* One line: a serial port, a Modbus TCP connection or RTU frames through a transparent converter, driven by
 * libmodbus with its traps closed (this is the only place with modbus.h). Asks one question at a time, keeps
 * the silence of 3.5 characters before each, and after an error listens until the line is quiet. All times
 * are wire time. Used by one thread. */
#ifndef DUST_LINE_H
#define DUST_LINE_H

#include "daemon/sample.h"

#include <stdbool.h>
#include <stddef.h>

struct bus_config;
struct frame_heard;
struct line;

/* One question: a read, or an order to write. */
struct line_question {
    int unit;                      /* an order to unit 0 is a broadcast: nobody answers */
    const struct request *request; /* NULL for an order */
    const struct frame_order *order;
    int timeout_us;    /* longest the unit may think; frame times are added */
    int turnaround_us; /* silence we leave before it, beyond 3.5 characters */
};

struct line_answer {
    enum why
        why; /* WHY_NONE: `values`; WHY_LINE: `error`, and the line is closed now; WHY_JAMMED: not sent */
    uint8_t exception;
    bool spoken;            /* WHY_GARBLED: but it is as long as the answer, and begins like it */
    int error;              /* errno */
    bool perhaps_echo;      /* WHY_NONE of an order, but it may be our own that we heard: see line_echoes */
    int rtt_us;             /* request to end of answer, of an answer or exception */
    int think_us;           /* of that, what neither frame took */
    const uint16_t *values; /* request->count registers or bits, until the next question */
};

/* A closed line. When `stop_fd` (-1: none) becomes readable every wait but that for an answer ends at once.
 */
struct line *line_create(const struct bus_config *config, int stop_fd);

/* The same line as another configuration has it, in all that a line is; that one must outlive it. */
void line_configure(struct line *l, const struct bus_config *config);

/* Only when closed. A serial line is locked against other programs and listened to before its first use: a
 * unit may still be answering our predecessor. ERR_IO with errno. */
int line_open(struct line *l);
void line_close(struct line *l);
bool line_is_open(const struct line *l);

/* Whether the port or connection went away while nobody asked. */
bool line_is_hung_up(const struct line *l);

/* The descriptor to watch for hanging up, -1 while closed. */
int line_fd(const struct line *l);

/* Whether the line did not get quiet when it was last listened to (for 2 s or 4 KiB): somebody talks on it
 * without end. Then no read is asked, its answer is WHY_JAMMED; an order is sent all the same. */
bool line_is_jammed(const struct line *l);

/* A jammed serial line looked at again, without waiting: whether nothing has come since the last look, so
 * that it is not jammed any more. What came is dropped. */
bool line_look_for_quiet(struct line *l);

/* Asks and waits for the answer, at most timeout_us and the frames' own time; after a broadcast for the 100
 * ms that the units may take to obey. The line must be open. */
void line_ask(struct line *l, const struct line_question *q, struct line_answer *a);

/* Whether the adapter hears what it sends itself, as far as the configuration or an answer has told. An order
 * of function 5 or 6 is answered by a copy of itself: until a read was answered one copy proves nothing. */
bool line_echoes(const struct line *l);

/* After a bad answer, before the next question: listens until the line has been silent for 3.5 characters
 * (unless it is jammed), and until `late_us` after the question and the frames' own time if the unit has not
 * spoken at all; drops what came (at most 2 s and 4 KiB) and flushes. A connection is closed instead. After a
 * good answer does nothing. */
void line_settle(struct line *l, int late_us);

/* The silence before a question, for as long as line_ask would keep it: afterwards that does not wait. The
 * line may be closed or jammed then. */
void line_hush(struct line *l, int turnaround_us, int timeout_us);

/* Whole read questions and answers that came since the last question, but for the question itself and what
 * was told already: calls `each` for every one, the answer to the question among them, of copies for one.
 * Nothing on Modbus TCP. */
void line_each_heard(struct line *l, void (*each)(const struct frame_heard *heard, void *arg), void *arg);

/* What came since the last question was sent, its answer and what was dropped after it; before the first one
 * what came while the line was opened. At most 512 bytes, until the next question. */
size_t line_heard(const struct line *l, const uint8_t **bytes);

/* A second request's price in characters of wire time (plan.h). */
int line_overhead_bytes(const struct bus_config *config, int turnaround_us);

/* Wire time of one question and its whole answer with the silence before it; what the unit thinks comes on
 * top. For Modbus TCP the turnaround alone. */
int64_t line_exchange_us(const struct bus_config *config, const struct request *r, int turnaround_us);

/* Accepts NULL. */
void line_destroy(struct line *l);

#endif
