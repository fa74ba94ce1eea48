/* The store thread: the batches that wait, in one transaction; one page between two of them; and word to main
 * of both. Between commits it deletes what is due; with nothing else to do it looks at old rows. */
#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/store/inside.h"
#include "daemon/store/lock.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    BACKOFF_FIRST_US = 10000,
    BACKOFF_MOST_US = 10000000,
    PAGE_US = 20000,
    LAST_EVERY_US = 600000000,
    TELL_AGAIN_US = 50000,
    FOLD_FRAMES = 512, /* of 4 KiB: a WAL of 2 MiB */
    FOLD_AGAIN = 128,  /* more of them before another try, after a failed one */
    WAL_FRAMES =
        768, /* no commit until the WAL, of 3 MiB now, is folded: with the largest group below 8 MiB */
    GROUP = 64,
    GROUP_BYTES = 1 << 20,
    ROOM_EVERY_US = 10000000, /* between two looks for room after the ballast was given up */
    SOME_BYTES = 1000000,     /* a disk with so much free is not what stops us */
    KEEP_AGAIN_US = 10000000, /* before deleting is tried again */
};

struct worker {
    struct store *s;
    struct place *place;
    struct batch group[GROUP];
    int n;          /* so many wait for their commit */
    bool uncertain; /* nobody knows if they are on the disk: look first */
    bool read_only; /* the file system took no writes: none of its files is open, so it can be mended */
    bool damaged;
    int64_t retry_us, backoff_us;
    char why[160];
    int fold_at;
    bool fold_failed;
    uint64_t batches;
    /* what main does not know yet */
    bool tell_committed, told_stuck, told_damaged;
    struct question question;
    struct store_message page;
    bool have_question, have_page;
    /* retention */
    struct store_message plan;
    bool have_plan, keep_failed;
    int64_t keep_us, room_us; /* not before */
    /* journal.last */
    bool last_due, last_failed;
    int64_t last_us;
    bool stopping;
};

static bool push(struct worker *w, enum store_message_kind kind)
{
    struct store_message m = {.kind = kind, .seq = w->place->head.seq, .batches = w->batches};
    snprintf(m.text, sizeof m.text, "%s", w->why);
    return ring_push(w->s->messages, &m) == ERR_OK;
}

/* Main may be slow to read: what is told is the present state, so nothing piles up. False: again later. */
static bool tell(struct worker *w)
{
    bool stuck = atomic_load(&w->s->stuck);
    if (w->tell_committed)
        w->tell_committed = !push(w, STORE_COMMITTED);
    if (stuck != w->told_stuck && push(w, stuck ? STORE_STUCK : STORE_WELL))
        w->told_stuck = stuck;
    if (w->damaged && !w->told_damaged)
        w->told_damaged = push(w, STORE_DAMAGED);
    if (w->have_page)
        w->have_page = ring_push(w->s->messages, &w->page) != ERR_OK;
    if (w->have_plan)
        w->have_plan = ring_push(w->s->messages, &w->plan) != ERR_OK;
    return !w->tell_committed && stuck == w->told_stuck && w->damaged == w->told_damaged && !w->have_page &&
           !w->have_plan;
}

static void write_last(struct worker *w)
{
    w->s->last.head = w->place->head;
    int rc = last_write(w->place->dir, &w->s->last);
    if ((rc != ERR_OK) != w->last_failed)
        log_warning("database: journal.last %s", rc ? "cannot be written" : "is written again");
    w->last_failed = rc != ERR_OK;
    w->last_due = w->last_failed;
    w->last_us = clock_wire_us();
}

/* A failed fold loses nothing: the WAL keeps the pages, and grows. */
static void fold(struct worker *w)
{
    if (w->place->db.frames < w->fold_at)
        return;
    int rc = db_checkpoint(&w->place->db, false);
    if ((rc != ERR_OK) != w->fold_failed)
        log_warning("database: the WAL %s (%s)", rc ? "cannot be folded into the file" : "is folded again",
                    db_text(&w->place->db));
    w->fold_failed = rc != ERR_OK;
    w->fold_at = rc ? w->place->db.frames + FOLD_AGAIN : FOLD_FRAMES;
}

static void committed(struct worker *w)
{
    for (int i = 0; i < w->n; i++) {
        struct batch *b = &w->group[i];
        if (b->last_issue[0] && strcmp(b->last_issue, w->s->last.issue) != 0) {
            snprintf(w->s->last.issue, sizeof w->s->last.issue, "%s", b->last_issue);
            w->last_due = true;
        }
        batch_finish(b);
    }
    w->batches += (uint64_t)w->n;
    w->n = 0;
    w->uncertain = false;
    atomic_store(&w->s->held, 0);
    atomic_store(&w->s->oldest_us, 0);
    w->tell_committed = true;
    w->retry_us = w->backoff_us = 0;
    if (atomic_exchange(&w->s->stuck, false))
        log_info("database: commits succeed again");
    fold(w);
    if (w->last_due || clock_wire_us() - w->last_us >= LAST_EVERY_US)
        write_last(w);
}

/* The disk is full: whether the ballast made room for another try. Retention is asked to make some too. */
static bool give_up_ballast(struct worker *w)
{
    w->place->disk_full = true;
    if (!ballast_release(&w->s->ballast, w->place->dir))
        return false;
    atomic_store(&w->s->has_ballast, false);
    w->room_us = clock_wire_us() + ROOM_EVERY_US;
    log_warning("database: the disk is full, its ballast of %lld MB is given up",
                (long long)(w->s->ballast.bytes / 1000000));
    return true;
}

static void back_off(struct worker *w)
{
    w->backoff_us = w->backoff_us ? 2 * w->backoff_us : BACKOFF_FIRST_US;
    if (w->backoff_us > BACKOFF_MOST_US)
        w->backoff_us = BACKOFF_MOST_US;
    w->retry_us = clock_wire_us() + w->backoff_us;
}

/* And not only the database as large as it may become. */
static bool is_disk_full(const struct worker *w)
{
    return !w->place->max_pages || !ballast_room(w->place->dir, SOME_BYTES);
}

/* Why, in words; asks SQLite nothing that would change its answer. */
static void keep_why(struct worker *w, int rc)
{
    const char *why = db_text(&w->place->db);
    if (rc == ERR_RANGE) /* main's mistake, not the disk's */
        why = "the batch does not follow the journal";
    else if (w->read_only)
        why = rc == ERR_NOT_FOUND ? "there is no dust.lock: is the file system mounted?"
              : rc == ERR_STATE   ? "another dustd has taken the directory"
                                  : "the file system is read-only";
    else if (rc == ERR_FULL)
        why = is_disk_full(w) ? "the disk is full" : "the database has reached max_size";
    snprintf(w->why, sizeof w->why, "%s", why);
}

/* A file system that the kernel made read-only is mended by unmounting it, which it is not while a file of it
 * is open. */
static void let_go(struct worker *w)
{
    place_close(w->place);
    if (w->s->lock_fd >= 0)
        log_warning("database: the file system is read-only: its files are closed until it takes writes");
    lock_release(&w->s->lock_fd);
}

/* Nothing is made anew: where the file system is not mounted, another lies beneath. */
static int take_hold(struct worker *w)
{
    int rc = lock_take(w->place->dir, false, &w->s->lock_fd);
    if (rc == ERR_OK && !lock_takes_writes(w->s->lock_fd))
        rc = ERR_IO;
    if (rc)
        lock_release(&w->s->lock_fd);
    w->read_only = rc != ERR_OK;
    return rc;
}

/* After a failed transaction, or when there could be none. */
static void undo(struct worker *w, int rc)
{
    w->read_only = w->read_only || (rc != ERR_RANGE && !lock_takes_writes(w->s->lock_fd));
    w->uncertain = w->read_only || (rc != ERR_RANGE && (w->uncertain || db_uncertain(&w->place->db)));
    keep_why(w, rc);
    db_rollback(&w->place->db);
    if (w->read_only)
        let_go(w);
    else if (w->uncertain)
        place_close(w->place);
    if (rc == ERR_DAMAGED && !w->damaged) {
        log_error("database: %s is damaged (%s)", w->place->file, w->why);
        aside_condemn(w->place);
        w->damaged = true;
    }
}

static void failed(struct worker *w, int rc)
{
    undo(w, rc);
    if (rc == ERR_FULL && is_disk_full(w) && give_up_ballast(w))
        return; /* again at once */
    if (!atomic_exchange(&w->s->stuck, true))
        log_error("database: a commit failed (%s), it is tried again", w->why);
    back_off(w);
}

/* A WAL that cannot be folded must not grow for ever. */
static int make_way(struct worker *w)
{
    struct db *d = &w->place->db;
    int rc = d->frames < WAL_FRAMES ? ERR_OK : db_checkpoint(d, false);
    return rc == ERR_OK && d->frames >= WAL_FRAMES ? ERR_FULL : rc;
}

static int try_commit(struct worker *w)
{
    bool written = false;
    if (w->read_only) {
        int rc = take_hold(w);
        if (rc)
            return rc;
    }
    if (lock_is_read_only(w->s->lock_fd))
        return ERR_IO;
    if (w->uncertain) {
        int rc = place_reopen(w->place);
        if (rc == ERR_OK)
            rc = group_written(w->place, w->group, w->n, &written);
        if (rc)
            return rc;
        w->uncertain = false;
    }
    int rc = written ? ERR_OK : make_way(w);
    return written || rc ? rc : group_write(w->place, w->group, w->n);
}

static size_t batch_bytes(const struct batch *b)
{
    size_t bytes = b->raw_length + b->chunk_length;
    for (int i = 0; i < b->nrows; i++)
        bytes += strlen(b->rows[i].body);
    return bytes;
}

/* What waits goes together, as far as one transaction should reach: after a long stop a batch each would take
 * as many syncs. */
static void gather(struct worker *w)
{
    size_t bytes = 0;
    while (w->n < GROUP && bytes < GROUP_BYTES && ring_pop(w->s->batches, &w->group[w->n]) == ERR_OK)
        bytes += batch_bytes(&w->group[w->n++]);
    atomic_store(&w->s->held, (size_t)w->n);
    atomic_store(&w->s->oldest_us, w->n ? w->group[0].handed_us : 0);
}

/* Whether there was anything to do. */
static bool commit_some(struct worker *w)
{
    if (!w->n)
        gather(w);
    if (!w->n || w->retry_us > clock_wire_us())
        return false;
    int rc = try_commit(w);
    if (rc)
        failed(w, rc);
    else
        committed(w);
    return true;
}

static bool is_known(const struct worker *w)
{
    return w->question.held || check_knows(&w->place->check, w->question.after + 1);
}

/* While the file system is let go of, it is opened for this one page. */
static struct page *page_of(struct worker *w)
{
    struct place *p = w->place;
    bool looks = w->read_only && is_known(w) && place_look(p) == ERR_OK;
    struct page *page = page_build(&p->db, &p->check, &w->question, clock_wire_us() + PAGE_US);
    if (looks)
        place_close(p);
    return page;
}

/* A question about rows that nobody has looked at since the start waits until somebody has. */
static bool answer_one(struct worker *w)
{
    struct place *p = w->place;
    if (w->have_page)
        return false;
    if (!w->have_question)
        w->have_question = ring_pop(w->s->questions, &w->question) == ERR_OK;
    if (!w->have_question || (p->db.handle && !is_known(w)))
        return false;
    w->page = (struct store_message){
        .kind = STORE_PAGE, .seq = p->head.seq, .asker = w->question.asker, .page = page_of(w)};
    w->have_page = true;
    w->have_question = false;
    return true;
}

/* With nothing else to do, some more of the old rows are looked at. */
static bool check_some(struct worker *w)
{
    bool able = !w->stopping && w->place->db.handle;
    return able && check_slice(&w->place->check, &w->place->db);
}

/* Some of what rows say is deleted is: a step between two commits, and when the database is full. */
static bool delete_some(struct worker *w)
{
    bool did = false;
    if (w->stopping || w->uncertain || w->read_only || !w->place->db.handle || w->keep_us > clock_wire_us())
        return false;
    int rc = make_way(w);
    if (rc == ERR_OK)
        rc = keep_slice(w->place, &did);
    if (rc)
        undo(w, rc);
    else if (did)
        fold(w);
    if (rc)
        w->keep_us = clock_wire_us() + KEEP_AGAIN_US;
    if ((rc || did) && (rc != ERR_OK) != w->keep_failed)
        log_warning("database: what is too old %s (%s)", rc ? "cannot be deleted" : "is deleted again",
                    rc ? w->why : "");
    w->keep_failed = rc ? true : did ? false : w->keep_failed;
    return did && !rc;
}

static void plan_deletion(struct worker *w)
{
    struct store_order order;
    if (w->have_plan || ring_pop(w->s->orders, &order) != ERR_OK)
        return;
    w->plan = (struct store_message){.kind = STORE_DELETE, .seq = w->place->head.seq};
    w->have_plan = w->place->db.handle && keep_plan(w->place, &order, &w->plan.plan);
}

/* Until the disk has its ballast again it counts as full. */
static void find_room(struct worker *w)
{
    struct ballast *b = &w->s->ballast;
    bool missing = w->place->disk_full || (b->bytes && !b->present);
    if (!missing || w->stopping || atomic_load(&w->s->stuck) || clock_wire_us() < w->room_us)
        return;
    bool room = ballast_make(b, w->place->dir);
    if (room && w->place->disk_full)
        log_info("database: the disk has room again");
    w->place->disk_full = w->place->disk_full && !room;
    atomic_store(&w->s->has_ballast, b->present);
    w->room_us = clock_wire_us() + ROOM_EVERY_US;
}

/* Sleeps until something comes or is due. */
static void rest(struct worker *w, bool told)
{
    struct pollfd fds[] = {{.fd = ring_fd(w->s->batches), .events = POLLIN},
                           {.fd = ring_fd(w->s->questions), .events = POLLIN},
                           {.fd = ring_fd(w->s->orders), .events = POLLIN},
                           {.fd = w->s->stop_fd, .events = POLLIN}};
    int64_t now = clock_wire_us(), until = INT64_MAX;
    if (w->n)
        until = w->retry_us;
    if (!told && until > now + TELL_AGAIN_US)
        until = now + TELL_AGAIN_US;
    if (w->stopping && until > atomic_load(&w->s->deadline_us))
        until = atomic_load(&w->s->deadline_us);
    int wait_ms = until == INT64_MAX ? -1 : until <= now ? 0 : (int)((until - now + 999) / 1000);
    poll(fds, w->stopping ? 3 : 4, wait_ms); /* the last stays readable once it was written */
    ring_woken(w->s->batches);
    ring_woken(w->s->questions);
    ring_woken(w->s->orders);
}

static bool is_over(struct worker *w)
{
    int64_t deadline_us = atomic_load(&w->s->deadline_us);
    if (deadline_us == INT64_MAX)
        return false;
    if (!w->stopping) {
        w->stopping = true;
        w->retry_us = w->backoff_us = 0; /* the last chance is now */
    }
    size_t waiting = ring_waiting(w->s->batches) + (size_t)w->n;
    if (waiting && clock_wire_us() < deadline_us)
        return false;
    if (waiting)
        log_error("database: %zu batches are lost: no commit before the end", waiting);
    return true;
}

static void finish(struct worker *w)
{
    struct store *s = w->s;
    tell(w);
    if (w->have_page)
        page_free(w->page.page);
    for (int i = 0; i < w->n; i++)
        batch_finish(&w->group[i]);
    if (!w->read_only && (w->last_due || s->last.head.seq != s->place.head.seq))
        write_last(w);
    place_close(&s->place);
    uint64_t one = 1;
    if (write(s->done_fd, &one, sizeof one) < 0)
        log_error("database: the end cannot be told");
}

void *store_worker(void *arg)
{
    struct store *s = arg;
    struct worker w = {.s = s, .place = &s->place, .fold_at = FOLD_FRAMES, .last_us = clock_wire_us()};
    while (!is_over(&w)) {
        find_room(&w);
        bool busy = commit_some(&w);
        busy |= answer_one(&w);
        plan_deletion(&w);
        bool told = tell(&w);
        busy |= delete_some(&w);
        if (!busy && !check_some(&w))
            rest(&w, told);
    }
    finish(&w);
    return NULL;
}
