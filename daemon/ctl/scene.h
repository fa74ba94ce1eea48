/* What `dustctl watch` knows of the site: the daemon's last answers, and whether they are of now. Pure. */
#ifndef DUST_SCENE_H
#define DUST_SCENE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct ctl;

enum contact {
    CONTACT_NONE,   /* not yet */
    CONTACT_GOOD,   /* the last round of questions was answered */
    CONTACT_SILENT, /* connected, but no answer for some seconds */
    CONTACT_GONE,   /* nobody listens: stopped, or starting again */
    CONTACT_DENIED, /* turned away: no permission, too many clients */
};

enum { SCENE_EVENTS_MAX = 200 };

struct scene {
    enum contact contact;
    char why[160]; /* CONTACT_DENIED: the daemon's or the system's own words */
    /* results of the verbs of these names, of one round; NULL: none, or the daemon does not know the verb */
    json_t *status, *devices, *windows, *issues;
    json_t *events; /* rows that people want to see, oldest first: {"seq","at","kind","subject","body":{}} */
    int64_t last_seq; /* of all rows seen */
    char journal[40]; /* whose rows they are */
};

/* Whether the answers are of now: only then may a reading be shown. */
bool scene_is_live(const struct scene *s);

/* A data line of the verb rows. Keeps it if it is an event: not a mean, not a window that passed. */
void scene_row(struct scene *s, const json_t *row);

/* Whose rows come next: of the journal that this status names. In one that is new to the scene the last
 * `past` rows are looked through. */
void scene_journal(struct scene *s, const json_t *status, int past);

/* What one of the other verbs answered (NULL: it is not known there). False when that is no answer. */
bool scene_result(struct scene *s, const char *verb, const json_t *result);

void scene_finish(struct scene *s);

/* ---- what is said of its parts, the same on the screen and in lines ---- */

/* A point's last reading: "81.2", "≥999.0" over range, "—" where there is none to show: failed, never made,
 * or older than three of its periods and a minute. */
struct reading {
    char value[32];
    char words[96]; /* quality and reason, in words */
    bool shown;     /* there is a value */
    bool good;      /* and it counts */
    bool old;       /* there was one */
};
struct reading scene_reading(const struct ctl *c, const struct scene *s, const json_t *device,
                             const json_t *point);

/* What a running window comes to: its mean as in `history`, its share of the limit, and what that means. */
enum level { LEVEL_NONE, LEVEL_GOOD, LEVEL_CLOSE, LEVEL_OVER, LEVEL_UNKNOWN }; /* close: 80 % and more */
struct so_far {
    char mean[32], share[16], words[64];
    enum level level;
    double part; /* of the limit; negative: nothing to compare */
};
struct so_far scene_so_far(const struct ctl *c, const json_t *window);

/* An event in words, without its time; `text` has room for `size`. */
void scene_event(const struct ctl *c, const json_t *event, char *text, size_t size);

/* The deadline that comes next of an open issue, and whether it is the one to answer; 0: none. */
int64_t scene_due(const json_t *issue, bool *to_answer);

#endif
