/* The database and its thread: the only one that calls SQLite, on the only connection (WAL, EXCLUSIVE before
 * WAL, synchronous FULL). Batches that wait together are one transaction. Main hands over batches and goes
 * on; pages of rows come back. Functions are main's unless said. */
#ifndef DUST_STORE_H
#define DUST_STORE_H

#include "daemon/base/ring.h"
#include "daemon/store/journal.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

/* Before anything else of the store, once: SQLite's allocations go through base/mem.h. */
void store_memory(void);

struct store_cursor {
    char uplink[48];
    int64_t seq;  /* last row the far end has taken */
    int64_t lost; /* a row `lost` names what it will never get, up to here */
};

/* What retention deletes: raw blocks first, later the bodies of minute rows; never a hash, never another
 * body. */
enum store_kept { STORE_RAW, STORE_MINUTES, STORE_KEPT };

/* Why and how the database was opened. */
struct store_opened {
    struct journal head;
    bool created; /* no row yet: a new database, or one whose first row never came */
    bool clean;   /* the last run ended by stop row */
    bool
        damaged; /* it has a predecessor, set aside as `aside` ("": the file was gone); created is true too */
    char aside[256];
    struct journal predecessor;  /* from journal.last when damaged; id "" when unknown */
    int64_t last_at_ms;          /* of the last row that is no verdict (a year's is stamped with its start), 0
                                    for none */
    char last_issue[32];         /* number of the last issue, from journal.last; "" unknown */
    int64_t deleted[STORE_KEPT]; /* retention has deleted up to this row, or is about to */
};

/* Opens or creates <dir>/dust.db, migrates (an old version is kept as dust.db.before-N), checks the journal's
 * last segment (the last 1,000 rows). Damage: the file is set aside with a message and a new database is
 * made. `simulated` marks a new database; a mismatch with an old one is ERR_DENIED. ERR_VERSION: made by a
 * newer program. ERR_STATE: another process holds it. ERR_IO: the directory or the disk says no. A database
 * is damaged too when it does not hold the row that journal.last names: going on would give a seq a second
 * content. */
int store_open(const char *dir, bool simulated, struct store **out, struct store_opened *info);

/* Before store_start: calls `each` for rows of `kind` (NULL: any) with at_ms >= from_ms, in seq order, and
 * for each chunk of the running minute's samples (rawblock), and for every uplink that ever had a cursor. */
int store_scan_rows(struct store *s, const char *kind, int64_t from_ms,
                    void (*each)(const struct row *r, void *arg), void *arg);
int store_scan_between(struct store *s, const char *kind, int64_t from_ms, int64_t to_ms, /* at_ms < to_ms */
                       void (*each)(const struct row *r, void *arg), void *arg);
int store_scan_samples(struct store *s, void (*each)(const void *data, size_t length, void *arg), void *arg);
int store_scan_cursors(struct store *s, void (*each)(const struct store_cursor *c, void *arg), void *arg);

/* Before store_start: the database's largest size, and that of the ballast beside it (0: none). Without it
 * there is no limit and no ballast. */
void store_limit(struct store *s, int64_t max_bytes, int64_t ballast_bytes);

/* What an undated boot leaves, until somebody can say when it was: a row's body, or the raw block of a
 * minute. */
struct held {
    int64_t number; /* their order, from 1; the same number again takes the place of the first */
    int64_t at_ms;  /* dated, or since the boot (clock.h) */
    char boot[40];  /* which */
    char kind[16];  /* the row's; "": a raw block */
    void *data;     /* a body is no string: `length` */
    size_t length;
};

/* Before store_start: all of them, in order. */
int store_scan_held(struct store *s, void (*each)(const struct held *h, void *arg), void *arg);

/* All or nothing, in order. All pointers in it are heap blocks that become the store's with store_commit. */
struct batch {
    struct row *rows; /* nrows of them, consecutive seq */
    int nrows;
    void *raw; /* a minute's raw block, NULL for none: raw(seq = raw_seq), and empties the sample table */
    size_t raw_length;
    int64_t raw_seq;
    void *chunk; /* a chunk of the running minute for the sample table, NULL for none */
    size_t chunk_length;
    struct held *held; /* nheld of them; raw blocks among them empty the sample table */
    int nheld;
    int64_t held_done; /* those up to this number have become rows and go; 0: none */
    struct store_cursor *cursors;
    int ncursors;
    char last_issue[32];        /* for journal.last; "" unchanged */
    int64_t delete[STORE_KEPT]; /* a row of this batch says that all up to here is deleted; 0: none does */
    int64_t handed_us;          /* store_commit's: wire time */
};

enum store_message_kind {
    STORE_COMMITTED, /* everything up to `seq` and the first `batches` batches since store_start are on the
                        disk; one message may tell of several */
    STORE_PAGE,      /* the answer to store_ask; `page` becomes the receiver's (page_free) */
    STORE_STUCK,   /* a commit failed; it is retried with back-off, nothing is dropped; `text` says why. Once.
                    */
    STORE_WELL,    /* commits succeed again */
    STORE_DAMAGED, /* SQLite finds the file damaged: no commit will succeed. Leave and start again: store_open
                      then sets it aside. `text` says more. Once. */
    STORE_DELETE,  /* something is to be deleted: `plan`. Nothing is, until a batch says so */
};

struct raw_block {
    int64_t seq, at_ms;
    void *data;
    size_t length;
};

struct page {
    struct row *rows;
    int nrows;
    struct raw_block *blocks;
    int nblocks;
    struct held *held;
    int nheld;
    int64_t next; /* ask again with after = next (also when this page is empty); 0: this was the end */
    int error; /* ERR_OK, or why there is nothing; ERR_DAMAGED: the row `next` fails the chain, is not served
                */
};

/* What retention deletes next: the raw blocks, or the bodies, of `count` rows with from <= seq <= to. */
struct store_plan {
    enum store_kept what;
    const char *why; /* "age", "size"; "full": of the disk */
    int64_t from, to, count;
    int64_t from_ms, to_ms; /* stamps of the first and the last */
};

struct store_message {
    enum store_message_kind kind;
    int64_t seq;
    uint64_t batches;
    uint64_t asker; /* of the question */
    struct page *page;
    struct store_plan plan;
    char text[160];
};

/* Starts the thread. Messages come through store_ring. */
int store_start(struct store *s);
struct ring *store_ring(struct store *s);

/* Frees what a batch owns: for one that store_commit refused. */
void batch_finish(struct batch *b);

/* Hands over a batch (at most an hour of them is kept while the disk is stuck; ERR_FULL then, the batch stays
 * the caller's). Never blocks. */
int store_commit(struct store *s, struct batch *batch);

/* Whether it would take one now. */
bool store_takes(const struct store *s);

/* Retention, from time to time: what is too old now. Answered by one STORE_DELETE or by none; the same plan
 * comes again until a batch that takes it up is committed. ERR_FULL: a later one will do. Never blocks. */
struct store_order {
    int64_t now_ms;                /* rows stamped later were stamped by a wrong clock */
    int64_t before_ms[STORE_KEPT]; /* of an age with an earlier stamp; INT64_MIN: none is too old */
};
int store_keep(struct store *s, const struct store_order *order);

struct question {
    uint64_t asker;         /* returned with the page */
    bool raw;               /* raw blocks instead of rows */
    bool held;              /* held entries of number > after instead; kind and times do not count */
    char kind[16];          /* rows of this kind; "" any */
    int64_t after;          /* seq > after */
    int64_t from_ms, to_ms; /* from_ms <= at_ms < to_ms; 0, INT64_MAX: all */
    int limit;              /* rows or blocks, 0: 1,000; the page also ends after 20 ms or 1 MiB */
};

/* Asks for a page; answered between two commits. ERR_FULL: ask again later. Never blocks. */
int store_ask(struct store *s, const struct question *q);
void page_free(struct page *p);

/* Commits what is waiting (for at most `wait_ms`, wire time), then ends the thread, closes the database and
 * frees the store. When the disk does not let go of the thread, the store is left to it: the caller exits.
 * Also for a store that was never started. Accepts NULL. */
void store_stop(struct store *s, int wait_ms);

/* For `dustctl --db FILE`: the pages of a copy of FILE and FILE-wal, without a thread. The original is never
 * opened. */
struct store_copy;
int store_copy_open(const char *file, struct store_copy **out, struct journal *head, char *why,
                    size_t why_size);
struct page *store_copy_ask(struct store_copy *s, const struct question *q);
int store_copy_scan_samples(struct store_copy *s, void (*each)(const void *data, size_t length, void *arg),
                            void *arg); /* as store_scan_samples */
void store_copy_close(struct store_copy *s);

/* For status and health. */
struct store_state {
    size_t waiting;           /* batches */
    int64_t waiting_ms;       /* how long the oldest of them has, wire time */
    uint64_t refused;         /* times that a batch found no room, since start */
    int64_t bytes, wal_bytes; /* of the database with its WAL; of the WAL alone */
    bool ballast;             /* there is one: the disk has room */
    bool stuck;
};
struct store_state store_state(const struct store *s);

/* The ways between main and the thread; `now_us` is wire time. */
enum store_queue { STORE_BATCHES, STORE_QUESTIONS, STORE_ORDERS, STORE_MESSAGES, STORE_QUEUES };
struct ring_state store_queue(const struct store *s, enum store_queue which, int64_t now_us);

#endif
