/* What the files of the bus thread share: bus.c (its life), bus_read.c, bus_order.c, bus_tally.c. Nobody else
 * includes it, but for tests. */
#ifndef DUST_BUS_PRIVATE_H
#define DUST_BUS_PRIVATE_H

#include "drivers/device.h"
#include "drivers/frame.h"
#include "drivers/quarantine.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

struct bus_message;
struct line_answer;
struct line_question;

struct bus {
    const struct bus_config *config;
    struct ring *out, *orders;
    void (*sink)(const struct sample *s, void *arg); /* bus_once: instead of the ring */
    void *arg;
    pthread_t thread;
    sem_t go, still; /* it may work; it has paused */
    atomic_bool pausing;
    int stop_fd;
    struct line *line;
    struct unit *units;
    enum line_state state;
    int said_error;                /* why it is down, as said */
    bool lent;                     /* to another program: not opened */
    int64_t reopen_us, reopen_gap; /* the gap doubles; 0 after an answer */
    struct quarantine quarantine;
    uint16_t values[FRAME_VALUES_MAX];     /* of a read in parts */
    int64_t asked_us;                      /* the last question */
    int64_t jam_us, jam_gap, unjammed_us;  /* next look at a jammed line, the gap, when it last got quiet */
    int64_t seen_ms, seen_us;              /* site time, and time since boot, when last compared */
    int64_t mark_ms;                       /* when the next mark is due */
    int64_t tally_us, tallied_us, told_us; /* next tallies, last ones, busy_us as it was then */
    uint64_t unsent;                       /* refused by a full ring while stopping */
    atomic_uint_fast64_t requests, answers, no_answer, garbled, exceptions, line_errors, late_slots, turns,
        busy_us; /* wire time that questions, answers, silences took */
    atomic_int rtt_us;
};

/* bus.c */
struct bus *bus_create(const struct bus_config *config, int stop_fd);
void bus_destroy(struct bus *b);
void bus_say(struct bus *b, const struct bus_message *m);
void bus_add(struct bus *b, const struct bus_message *m); /* main is not woken before the next bus_say */
bool bus_line_ready(struct bus *b);                       /* opens it when that is due */
void bus_lose_line(struct bus *b, int error);

/* Says whether the line is jammed, after it was listened to. */
void bus_heed_jam(struct bus *b);
bool bus_is_stopping(const struct bus *b);
int bus_place(const struct bus *b, const struct unit *u); /* in bus_config.devices */

/* Whether somebody set the clock since the last look: then all slots start anew, those of a time that never
 * passed are not late. */
bool bus_heed_clock(struct bus *b);

/* bus_read.c. One read of a unit, and the samples of its points; what else is due is told to have failed too
 * when asking for it is pointless. */
void bus_read(struct bus *b, struct unit *u, int read, int64_t now_ms);

/* Before a question to a unit: keeps the silence, and hears what comes meanwhile; then it is known which
 * question may be asked (unit_shape). The line must be ready. */
void bus_hush(struct bus *b, struct unit *u);

/* One question to a unit, counted; after bus_hush. */
void bus_ask(struct bus *b, struct unit *u, const struct line_question *q, struct line_answer *a);

/* What follows from an answer: whether the unit is up, what of it came late. */
void bus_heed(struct bus *b, struct unit *u, const struct line_answer *a);

/* bus_order.c. All orders that wait. */
void bus_obey(struct bus *b);

/* bus_change.c. Stands still when that is asked for, until bus_go. */
void bus_stand_by(struct bus *b);

/* bus_tally.c */
void bus_tell_tallies(struct bus *b, int64_t now_us);

#endif
