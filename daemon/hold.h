/* A boot whose clock is not right yet has no dates: its rows and minutes are held, by boot and time since
 * that boot, in a table that no uplink sees and no limit judges. When the clock is right a row `clock` says
 * the boot's offset, and what is held becomes rows, late but with the right stamps (late.c). A boot that was
 * never dated is told as rows `undated`. Main thread. */
#ifndef DUST_HOLD_H
#define DUST_HOLD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct dustd;
struct held;

enum { HOLD_BOOTS = 16, HOLD_MOST = 50000 /* a month of minutes */ };

struct hold {
    bool undated;      /* the clock is not believed since this boot: everything is held */
    bool late;         /* held entries become rows; until all have, minutes close as far as `reached_ms` */
    bool resume;       /* late, and no entry has said yet where the running minute is */
    int64_t low, next; /* numbers of the entries: lowest used, next to be given */
    int64_t most;      /* entries to be held: then the oldest go */
    bool said_full;
    int64_t since_us;   /* of the boot: when this run found that it has no date */
    bool said;          /* that this takes long */
    int64_t offset_ms;  /* this boot's, once dated */
    int64_t seen_ms;    /* the offset as last seen: the system's clock was set when it moves */
    int64_t seen_us;    /* when */
    char last_boot[40]; /* of the newest held run; "" none */
    bool last_stopped;  /* whether that one was told to stop */
    struct dated_boot {
        char id[40];
        int64_t offset_ms;
    } dated[HOLD_BOOTS]; /* the newest boots that have a date */
    int ndated;

    /* late */
    int64_t dated_at_ms, reached_ms, after;
    struct page *page;
    int at; /* in the page */
    bool asked;
    bool undated_before;         /* a boot without a date lies between the last row and the next */
    int64_t minutes, rows, lost; /* told so far: dated minutes, dated rows, entries that have no date */
};

enum { HOLD_FIRST = 1 << 30 }; /* number of the first entry: some may come before it */

/* hold.c. At start, after the journal was read: whether this boot has a date, and what the run before left in
 * the sample table. */
void hold_known(struct hold *h, const char *boot, int64_t offset_ms); /* the journal dates this boot */
void hold_entry(const struct held *entry, void *hold); /* and this is held; for store_scan_held */
void hold_decide(struct dustd *d); /* whether this boot has a date; the clock says so from now on */
void hold_begin(struct dustd *d);  /* and what is to become of what was left */

bool hold_offset(const struct hold *h, const char *boot, int64_t *offset_ms); /* false: it has no date */

/* A row, or the samples in [from_ms, end_ms), into the batch. `body` becomes the entry's. */
void hold_row(struct dustd *d, int64_t at_ms, const char *kind, char *body);
void hold_samples(struct dustd *d, int64_t from_ms, int64_t end_ms);

/* Looks whether the clock is right by now. True when it was found to be: the caller's `now` is none any more.
 */
bool hold_turn(struct dustd *d, int64_t now_ms, int64_t boot_us);

/* The stamp that `at_ms` means: a bus thread may have read the clock before it was dated. */
int64_t hold_date(const struct dustd *d, int64_t at_ms);

/* late.c: the next held entries become rows, as many as the store takes. The store's answer. */
#define HOLD_ASKER UINT64_MAX
void late_begin(struct dustd *d, int64_t now_ms);
void late_turn(struct dustd *d);
void late_page(struct dustd *d, struct page *page);

#endif
