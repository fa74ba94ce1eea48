/* What comes in beside Modbus: vehicle passages, camera events, background values, warnings, inspections, the
 * stage of work, the calendar, maintenance. One table says what each kind carries. Pure: no I/O, no clock;
 * main thread. docs/schema/in-<kind>.json says the same for other programs. */
#ifndef DUST_INPUT_H
#define DUST_INPUT_H

#include "daemon/config/input_kind.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Until another one comes. */
#define INPUT_OPEN INT64_MAX

enum {
    INPUT_ID_MAX = 64,
    INPUT_REASON_MAX = 600,
    INPUT_LATE_DAYS = 7, /* what is told later than this about a day no longer changes its verdicts */
};

/* Strings are "" and `value` is NaN where the message says nothing. */
struct input {
    enum input_kind kind;
    char id[INPUT_ID_MAX + 1]; /* of its source: what comes twice with one id is one */
    char source[32];           /* who saw it: a configured source, or a person */
    int64_t from_ms, to_ms;    /* what has no length: both the same; INPUT_OPEN */
    char what[16];             /* a word: direction, what a camera saw, level, stage, kind of day … */
    char about[64];            /* device, "<requirement>/<check>", plate (masked) */
    char via[16];              /* of a passage: "wash", "bypass", "" not known */
    double value; /* background in ug/m3; share in %; seconds of washing; of an inspection %, 100: all in
                     order */
    char reason[INPUT_REASON_MAX + 1];
};

/* Reads a message of `kind` as it came (not yet: id may be "", source is the caller's). ERR_FORMAT or
 * ERR_RANGE with `why` in plain words: what was found, what is allowed. Checked: members, types, words,
 * ranges, that the end is after the beginning and nothing longer than its kind allows, that what is said to
 * have happened is not in the future (two minutes are a clock's), nor more than INPUT_LATE_DAYS ago. A plate
 * is masked at once: the full one goes nowhere. `why` may hold a note with ERR_OK too: what was accepted and
 * looks odd; "" none. */
int input_read(enum input_kind kind, const json_t *message, int64_t now_ms, struct input *out, char *why,
               size_t why_size);

/* Adds the members to a row's body, under the names in which they came. */
void input_json(const struct input *i, json_t *body);

/* Reads such a body back; ERR_FORMAT when it is none of this kind. */
int input_restore(enum input_kind kind, const json_t *body, struct input *out);

/* Names (kind, source, id) by a number. */
uint64_t input_identity(const struct input *i);

/* Who may say such a thing: one row a kind. The responsible unit (site, contractor) does not testify for
 * itself: stage, calendar, warnings and events are the community's, the office's or (events) an inspector's,
 * whatever other role he has. */
bool input_may(unsigned roles, enum input_kind kind);
bool input_machine(enum input_kind kind);    /* a source in nobody's name may say it too */
const char *input_who(enum input_kind kind); /* "community, office" */

#endif
