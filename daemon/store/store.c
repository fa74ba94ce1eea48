#include "daemon/store/store.h"

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"
#include "daemon/store/inside.h"
#include "daemon/store/lock.h"
#include "daemon/store/schema.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

/* An hour at a batch a second, and its minutes. */
enum { BATCHES = 4096, QUESTIONS = 64, ORDERS = 4, MESSAGES = 1024, GRACE_MS = 250 };

/* The database must hold the row that journal.last names. An id it does not know is that of its predecessor,
 * or the file is not the one that was here. */
static int check_anchor(struct place *p, const struct last *last, const struct birth *is)
{
    if (!last->head.id[0])
        return ERR_OK;
    if (strcmp(last->head.id, p->head.id) != 0)
        return strcmp(last->head.id, is->predecessor.id) == 0 ? ERR_OK : ERR_DAMAGED;
    if (last->head.seq == 0)
        return ERR_OK;
    uint8_t hash[HASH_SIZE];
    sqlite3_bind_int64(db_use(&p->db, SQL_ROW_HASH), 1, last->head.seq);
    int rc = db_next(&p->db, SQL_ROW_HASH);
    if (rc == ERR_OK)
        rc = db_hash(&p->db, SQL_ROW_HASH, 0, hash);
    db_reset(&p->db, SQL_ROW_HASH);
    if (rc == ERR_NOT_FOUND || (rc == ERR_OK && memcmp(hash, last->head.hash, HASH_SIZE) != 0)) {
        log_error("database: row %lld of journal.last is not in it", (long long)last->head.seq);
        return ERR_DAMAGED;
    }
    return rc;
}

static int open_checked(struct store *s, const struct birth *wanted, struct birth *is)
{
    if (aside_condemned(&s->place))
        return ERR_DAMAGED;
    int rc = place_open(&s->place, wanted, is);
    if (rc == ERR_OK && is->simulated != wanted->simulated)
        rc = ERR_DENIED;
    return rc ? rc : check_anchor(&s->place, &s->last, is);
}

/* A damaged file makes way for a new one that names it. */
static int open_or_replace(struct store *s, struct birth *wanted, struct birth *is)
{
    int rc = open_checked(s, wanted, is);
    if (rc != ERR_DAMAGED)
        return rc;
    place_close(&s->place);
    rc = aside_move(&s->place, wanted->aside, sizeof wanted->aside);
    if (rc) {
        log_error("database: %s is damaged and cannot be set aside: %s", s->place.file, strerror(errno));
        return rc;
    }
    log_error("database: %s is damaged: set aside as %s, a new one is made", s->place.file, wanted->aside);
    return open_checked(s, wanted, is);
}

static bool ended_by_stop(struct place *p)
{
    db_use(&p->db, SQL_ROW_LAST);
    if (db_next(&p->db, SQL_ROW_LAST) != ERR_OK)
        return false;
    const char *kind = (const char *)sqlite3_column_text(p->db.statement[SQL_ROW_LAST], COLUMN_KIND);
    bool stop = kind && strcmp(kind, "stop") == 0;
    db_reset(&p->db, SQL_ROW_LAST);
    return stop;
}

static void describe(struct store *s, const struct birth *is, struct store_opened *info)
{
    bool fresh = s->place.head.seq == 0;
    *info = (struct store_opened){.head = s->place.head,
                                  .created = fresh,
                                  .clean = ended_by_stop(&s->place),
                                  .damaged = fresh && (is->predecessor.id[0] || is->aside[0]),
                                  .last_at_ms = s->place.last_at_ms};
    if (info->damaged) {
        info->predecessor = is->predecessor;
        memcpy(info->aside, is->aside, sizeof info->aside);
    }
    memcpy(info->last_issue, s->last.issue, sizeof info->last_issue);
    for (int i = 0; i < STORE_KEPT; i++)
        info->deleted[i] = s->place.keep[i].goal;
}

/* journal.last of this journal; after damage it goes on with the issue numbers of the one before. */
static void take_over(struct store *s, const struct birth *is)
{
    if (strcmp(s->last.head.id, s->place.head.id) == 0)
        return;
    s->last = (struct last){.head = s->place.head, .simulated = is->simulated};
    memcpy(s->last.issue, is->last_issue, sizeof s->last.issue);
    if (last_write(s->place.dir, &s->last))
        log_warning("database: journal.last cannot be written: %s", strerror(errno));
}

static struct store *create(const char *dir)
{
    struct store *s = mem_new(struct store);
    s->place.dir = mem_string(dir);
    s->place.file = mem_printf("%s/dust.db", dir);
    s->lock_fd = -1;
    s->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    s->batches = ring_create(BATCHES, sizeof(struct batch));
    s->questions = ring_create(QUESTIONS, sizeof(struct question));
    s->orders = ring_create(ORDERS, sizeof(struct store_order));
    s->messages = ring_create(MESSAGES, sizeof(struct store_message));
    atomic_init(&s->deadline_us, INT64_MAX);
    return s;
}

static void destroy(struct store *s)
{
    struct batch b;
    struct store_message m;
    while (s->batches && ring_pop(s->batches, &b) == ERR_OK)
        batch_finish(&b);
    while (s->messages && ring_pop(s->messages, &m) == ERR_OK)
        page_free(m.page);
    ring_destroy(s->batches);
    ring_destroy(s->questions);
    ring_destroy(s->orders);
    ring_destroy(s->messages);
    place_close(&s->place);
    lock_release(&s->lock_fd);
    for (size_t i = 0; i < 2; i++) {
        int fd = (const int[]){s->stop_fd, s->done_fd}[i];
        if (fd >= 0)
            close(fd);
    }
    mem_free(s->place.dir);
    mem_free(s->place.file);
    mem_free(s);
}

int store_open(const char *dir, bool simulated, struct store **out, struct store_opened *info)
{
    *out = NULL;
    *info = (struct store_opened){0};
    struct store *s = create(dir);
    bool ready = s->stop_fd >= 0 && s->done_fd >= 0 && s->batches && s->questions && s->orders && s->messages;
    int rc = ready ? lock_take(dir, true, &s->lock_fd) : ERR_IO;
    if (rc == ERR_OK)
        rc = last_read(dir, &s->last);
    if (rc == ERR_DAMAGED) {
        log_warning("database: journal.last fails its own check and is not used");
        rc = ERR_OK;
    }
    if (rc == ERR_OK && s->last.head.id[0] && s->last.simulated != simulated)
        rc = ERR_DENIED;
    struct birth is, wanted = {.simulated = simulated, .predecessor = s->last.head};
    memcpy(wanted.last_issue, s->last.issue, sizeof wanted.last_issue);
    if (rc == ERR_OK)
        rc = open_or_replace(s, &wanted, &is);
    if (rc) {
        destroy(s);
        return rc;
    }
    take_over(s, &is);
    describe(s, &is, info);
    *out = s;
    return ERR_OK;
}

int store_scan_rows(struct store *s, const char *kind, int64_t from_ms,
                    void (*each)(const struct row *r, void *arg), void *arg)
{
    return store_scan_between(s, kind, from_ms, INT64_MAX, each, arg);
}

int store_scan_between(struct store *s, const char *kind, int64_t from_ms, int64_t to_ms,
                       void (*each)(const struct row *r, void *arg), void *arg)
{
    struct question q = {.from_ms = from_ms, .to_ms = to_ms};
    struct journal before = {0};
    struct walk w;
    struct row row;
    int rc;
    snprintf(q.kind, sizeof q.kind, "%s", kind ? kind : "");
    walk_begin(&w, &s->place.db, &q, INT64_MAX);
    while ((rc = walk_step(&w)) == ERR_OK) {
        if (row_take(&w, &before, &row)) {
            log_error("database: row %lld is damaged and passed over", (long long)w.at);
            before = (struct journal){0};
            continue;
        }
        each(&row, arg);
        row_finish(&row);
    }
    walk_end(&w);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

int store_scan_samples(struct store *s, void (*each)(const void *data, size_t length, void *arg), void *arg)
{
    return samples_scan(&s->place.db, each, arg);
}

int store_scan_held(struct store *s, void (*each)(const struct held *h, void *arg), void *arg)
{
    return held_scan(&s->place.db, each, arg);
}

int store_scan_cursors(struct store *s, void (*each)(const struct store_cursor *c, void *arg), void *arg)
{
    struct db *d = &s->place.db;
    sqlite3_stmt *st = db_use(d, SQL_CURSORS);
    int rc;
    while ((rc = db_next(d, SQL_CURSORS)) == ERR_OK) {
        struct store_cursor c = {.seq = sqlite3_column_int64(st, 1), .lost = sqlite3_column_int64(st, 2)};
        snprintf(c.uplink, sizeof c.uplink, "%s", (const char *)sqlite3_column_text(st, 0));
        each(&c, arg);
    }
    db_reset(d, SQL_CURSORS);
    return rc == ERR_NOT_FOUND ? ERR_OK : rc;
}

void store_limit(struct store *s, int64_t max_bytes, int64_t ballast_bytes)
{
    s->place.max_pages = max_bytes / DB_PAGE_BYTES;
    s->ballast.bytes = ballast_bytes;
    if (db_limit_pages(&s->place.db, s->place.max_pages))
        log_warning("database: its size cannot be limited: %s", db_text(&s->place.db));
}

int store_start(struct store *s)
{
    int rc = pthread_create(&s->thread, NULL, store_worker, s);
    if (rc != 0) {
        log_error("database: no thread is to be had for it: %s", strerror(rc));
        return ERR_IO;
    }
    s->started = true;
    return ERR_OK;
}

struct ring *store_ring(struct store *s)
{
    return s->messages;
}

int store_commit(struct store *s, struct batch *batch)
{
    batch->handed_us = clock_wire_us();
    int rc = ring_push(s->batches, batch);
    if (rc == ERR_OK) {
        *batch = (struct batch){0};
        s->said_full = false;
    } else if (!s->said_full) {
        log_error("database: %d batches wait for the disk, the next are refused", BATCHES);
        s->said_full = true;
    }
    return rc;
}

bool store_takes(const struct store *s)
{
    return ring_waiting(s->batches) < BATCHES;
}

int store_ask(struct store *s, const struct question *q)
{
    return ring_push(s->questions, q);
}

int store_keep(struct store *s, const struct store_order *order)
{
    return ring_push(s->orders, order);
}

void store_stop(struct store *s, int wait_ms)
{
    if (!s)
        return;
    if (s->started) {
        uint64_t one = 1;
        struct pollfd done = {.fd = s->done_fd, .events = POLLIN};
        atomic_store(&s->deadline_us, clock_wire_us() + (int64_t)wait_ms * 1000);
        if (write(s->stop_fd, &one, sizeof one) < 0)
            log_error("database: the thread cannot be told to stop");
        if (poll(&done, 1, wait_ms + GRACE_MS) != 1) {
            log_error("database: the disk holds the thread, it is left behind");
            return;
        }
        pthread_join(s->thread, NULL);
    }
    destroy(s);
}

static int64_t size_of(const char *file, const char *suffix)
{
    struct stat st;
    char *name = mem_printf("%s%s", file, suffix);
    int64_t size = stat(name, &st) == 0 ? (int64_t)st.st_size : 0;
    mem_free(name);
    return size;
}

struct store_state store_state(const struct store *s)
{
    int64_t oldest_us = atomic_load(&s->oldest_us);
    return (struct store_state){.waiting = ring_waiting(s->batches) + atomic_load(&s->held),
                                .waiting_ms = oldest_us ? (clock_wire_us() - oldest_us) / 1000 : 0,
                                .refused = ring_refused(s->batches),
                                .bytes = size_of(s->place.file, "") + size_of(s->place.file, "-wal"),
                                .wal_bytes = size_of(s->place.file, "-wal"),
                                .ballast = atomic_load(&s->has_ballast),
                                .stuck = atomic_load(&s->stuck)};
}

struct ring_state store_queue(const struct store *s, enum store_queue which, int64_t now_us)
{
    const struct ring *const rings[] = {s->batches, s->questions, s->orders, s->messages};
    return ring_state(rings[which], now_us);
}
