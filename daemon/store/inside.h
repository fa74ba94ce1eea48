/* What the files of this room share. Nobody else includes it. */
#ifndef DUST_STORE_INSIDE_H
#define DUST_STORE_INSIDE_H

#include "daemon/store/ballast.h"
#include "daemon/store/db.h"
#include "daemon/store/last.h"
#include "daemon/store/store.h"

#include <pthread.h>
#include <stdatomic.h>

struct birth;

/* Rows seq to seq + SPAN_ROWS - 1 make a span (schema.c); the last, open one is kept in memory. */
enum { SPAN_ROWS = 256 };

struct span {
    int64_t rows, from_ms, to_ms;
};

/* How far the chain has been followed (check.c): rows from `back` up and rows to `forth` are trusted. */
struct check {
    int64_t back, forth;
    bool broken, done;
};

/* How far retention is: the raw blocks (or the bodies of minutes) of rows up to `goal` are to be deleted, up
 * to `done` they are. */
struct keep {
    int64_t done, goal;
};

/* An opened database and what must be known to go on writing it: the thread's, once it runs. */
struct place {
    struct db db;
    char *dir, *file;
    struct journal head;
    int64_t last_at_ms; /* as in struct store_opened */
    struct span open_span;
    int64_t next_sample; /* number of the next chunk */
    struct check check;
    struct keep keep[STORE_KEPT];
    int64_t max_pages; /* 0: as many as SQLite allows */
    bool disk_full;    /* the ballast had to be given up */
};

struct store {
    struct place place;
    struct last last;
    int lock_fd, stop_fd, done_fd;
    pthread_t thread;
    bool started, said_full;
    struct ballast ballast;
    struct ring *batches, *questions, *orders, *messages;
    atomic_llong deadline_us; /* wire; of store_stop; INT64_MAX while running */
    atomic_bool stuck, has_ballast;
    atomic_size_t held;     /* batches that the thread works on */
    atomic_llong oldest_us; /* wire; when the first of them was handed over; 0: none */
};

/* place.c. The connection, and what is read from it at open: head, open span, next chunk. `is` says what the
 * file says of itself. ERR_DAMAGED when the last segment's chain or a small table fails. */
int place_open(struct place *p, const struct birth *wanted, struct birth *is);
void place_close(struct place *p);

/* A closed one for reading, where the file system takes no writes; then place_close. */
int place_look(struct place *p);

/* After a failure: the same file, the same journal, on the disk as far as it can be read. */
int place_reopen(struct place *p);

/* aside.c. Moves the file, its WAL and journals out of the way; `name` gets the new name. */
int aside_move(const struct place *p, char *name, size_t size);

/* Leaves word that the running daemon found the file damaged, for the next store_open; whether it did. */
void aside_condemn(const struct place *p);
bool aside_condemned(const struct place *p);

/* commit.c. `n` batches in one transaction; all or nothing, unless db_uncertain says that nobody knows. */
int group_write(struct place *p, const struct batch *batches, int n);

/* After an uncertain failure and place_reopen: whether the rows of the batches are there. */
int group_written(struct place *p, const struct batch *batches, int n, bool *written);

/* keep.c. Retention, in steps that hold up no commit for long. keep_read: what the file says of it. */
int keep_read(struct place *p);
int keep_set_goal(struct db *d, enum store_kept what, int64_t goal); /* within a batch's transaction */

/* What the order asks for next and no row says yet: false when that is nothing. */
bool keep_plan(struct place *p, const struct store_order *o, struct store_plan *plan);

/* Deletes something of what rows say, of at most 500 rows, in a transaction of its own; *did says whether
 * there was anything. */
int keep_slice(struct place *p, bool *did);

/* walk.c. The rows (or raw blocks) a question asks for, by seq, on statement `which`. */
struct walk {
    struct db *db;
    const struct question *q;
    enum sql which;
    int64_t at;          /* everything up to here has been looked at */
    int64_t high;        /* of the range being read */
    int64_t deadline_us; /* wire */
    bool reading;
};
void walk_begin(struct walk *w, struct db *d, const struct question *q, int64_t deadline_us);
int walk_step(struct walk *w); /* ERR_OK: a row; ERR_NOT_FOUND: the end; ERR_TIMEOUT: the deadline, at `at` */
void walk_end(struct walk *w);

/* check.c. A slice is some milliseconds of work; false when there was none left. */
void check_begin(struct check *c, int64_t trusted_from);
bool check_slice(struct check *c, struct db *d);
bool check_knows(const struct check *c, int64_t seq); /* this row and all after it have been looked at */
bool check_trusts(const struct check *c, int64_t seq);

/* The head as it was before row `seq`. ERR_DAMAGED: there is no such row. */
int row_before(struct db *d, int64_t seq, struct journal *before);

/* pages.c. Never fails: what went wrong is page.error. Of what the question asks for, check_knows must be
 * true. */
struct page *page_build(struct db *d, const struct check *c, const struct question *q, int64_t deadline_us);

/* The row that the walk stands on, if it follows the row before it: `before` is kept from one call to the
 * next.
 */
int row_take(struct walk *w, struct journal *before, struct row *row);

/* The chunks of the running minute, in order. */
int samples_scan(struct db *d, void (*each)(const void *data, size_t length, void *arg), void *arg);

/* held.c. What a batch says of held entries, within its transaction; a page of them. */
int held_write(struct db *d, const struct batch *b);
struct page *held_page(struct db *d, const struct question *q);
int held_scan(struct db *d, void (*each)(const struct held *h, void *arg), void *arg);

/* worker.c */
void *store_worker(void *arg); /* a struct store */

#endif
