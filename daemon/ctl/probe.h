/* dustctl probe: what its files share. probe.c (the order of things), probe_wish.c (options), probe_loan.c
 * (a line that dustd holds), probe_identify.c (what a unit is), probe_progress.c (while it runs),
 * probe_result.c and probe_json.c (what was found), probe_block.c (the configuration). */
#ifndef DUST_PROBE_H
#define DUST_PROBE_H

#include "drivers/match.h"
#include "drivers/scan.h"

#include <jansson.h>

struct buf;

enum { PROBE_CANDIDATES_MAX = 4 };

struct probe_profile {
    struct profile *profile;
    const char *dir; /* where its file lies */
    bool installed;  /* dustd finds it there */
};

struct probe_candidate {
    const struct probe_profile *of;
    const char *order; /* read with this word order instead of the profile's own; NULL: its own */
    struct match match;
    struct sample *samples; /* of->profile->npoints */
};

struct probe_raw { /* registers or bits that a unit answered */
    struct request request;
    uint16_t values[16]; /* the first */
};

struct probe_unit {
    struct scan_unit at;
    const char *known; /* the device of that number in dustd's configuration; NULL: none */
    struct probe_candidate candidates[PROBE_CANDIDATES_MAX]; /* the best first */
    int ncandidates;
    struct probe_raw raws[8];
    int nraws;
};

struct probe {
    struct ctl *c;
    struct bus_config port;
    char *path, *shown; /* as opened; its lasting name, where it has one */
    struct probe_profile *profiles;
    int nprofiles;
    struct client *lender; /* the connection that the loan lasts as long as; NULL: no loan */
    json_t *lent;          /* what dustd said of the line */
    int64_t until_us;      /* wire: of the loan, INT64_MAX without one */
    struct scan_plan plan;
    struct scan_result result;
    struct probe_unit *units;
    int nunits;
    int signals;
    enum probe_end { PROBE_WHOLE, PROBE_SIGNAL, PROBE_TIME, PROBE_LENDER, PROBE_LINE } end;
    int error; /* errno of PROBE_LINE */
    bool terminal;
    int64_t drawn_us;
    const struct scan_setting *told; /* the setting that plain lines have been told of */
    int told_round;
};

/* EXIT_OK, or EXIT_USAGE after a complaint. */
int probe_wish(const struct ctl *c, struct scan_wish *wish);

/* Borrows the line of the bus or port `what`. ERR_OK, with p->lender where it is lent; else it is nobody's
 * (p->path is then `what`). ERR_DENIED: the daemon cannot be asked, which has been said. Anything else after
 * a complaint. The bus keeps it until probe_return, or until this process ends. */
int probe_borrow(struct probe *p, const char *what);
void probe_return(struct probe *p);

/* Whether the loan still holds; else p->end says why not. */
bool probe_holds(struct probe *p);

/* Whether it goes on: no signal came, the loan holds. p->end says why not. Ends it as the line's error. */
bool probe_goes_on(void *probe);
void probe_fail_line(struct probe *p, int error);

/* Fills p->units with what was found, and with what each may be. */
void probe_identify(struct probe *p);

/* On standard error: a bar on a terminal, else a line for each setting. */
void probe_tell_plan(const struct probe *p);
void probe_progress(const struct scan_progress *at, void *probe);
void probe_found(const struct scan_unit *u, void *probe);
void probe_reading(struct probe *p, int unit, int of);
void probe_clear(struct probe *p); /* the bar, before other text */

/* The hints of what was heard: calls `each` with a short name and a text for people. */
void probe_hints(const struct probe *p, void (*each)(const char *what, const char *text, void *arg),
                 void *arg);

/* What was found, on standard output. */
void probe_print(const struct probe *p);
json_t *probe_json(const struct probe *p);

/* The configuration of what was found, as YAML to paste; empty when there is nothing to write. */
void probe_block(const struct probe *p, int64_t now_ms, struct buf *out);

/* "nova-sds069", "nova-sds069 (cdab)"; returns `text`. */
char *probe_name(const struct probe_candidate *c, char text[static 96]);

/* "9600 8N1"; returns `text`. */
char *probe_setting(const struct scan_setting *s, char text[static 24]);

#endif
