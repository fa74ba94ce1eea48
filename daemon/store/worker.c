/* The store thread: one batch, one transaction; one page between two of them; and word to main of both. */
#include "daemon/base/clock.h"
#include "daemon/base/log.h"
#include "daemon/store/inside.h"

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
};

struct worker {
    struct store *s;
    struct place *place;
    struct batch batch;
    bool have;      /* `batch` waits for its commit */
    bool uncertain; /* nobody knows if it is on the disk: look first */
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
    return !w->tell_committed && stuck == w->told_stuck && w->damaged == w->told_damaged && !w->have_page;
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
    if (w->batch.last_issue[0] && strcmp(w->batch.last_issue, w->s->last.issue) != 0) {
        snprintf(w->s->last.issue, sizeof w->s->last.issue, "%s", w->batch.last_issue);
        w->last_due = true;
    }
    batch_finish(&w->batch);
    w->have = w->uncertain = false;
    atomic_store(&w->s->held, 0);
    w->batches++;
    w->tell_committed = true;
    w->retry_us = w->backoff_us = 0;
    if (atomic_exchange(&w->s->stuck, false))
        log_info("database: commits succeed again");
    fold(w);
    if (w->last_due || clock_wire_us() - w->last_us >= LAST_EVERY_US)
        write_last(w);
}

static void failed(struct worker *w, int rc)
{
    bool known = rc == ERR_RANGE; /* main's mistake, not the disk's */
    snprintf(w->why, sizeof w->why, "%s",
             known ? "the batch does not follow the journal" : db_text(&w->place->db));
    w->uncertain = !known && (w->uncertain || db_uncertain(&w->place->db));
    db_rollback(&w->place->db);
    if (w->uncertain)
        place_close(w->place);
    if (!atomic_exchange(&w->s->stuck, true))
        log_error("database: a commit failed (%s), it is tried again", w->why);
    if (rc == ERR_DAMAGED && !w->damaged) {
        log_error("database: %s is damaged (%s)", w->place->file, w->why);
        aside_condemn(w->place);
        w->damaged = true;
    }
    w->backoff_us = w->backoff_us ? 2 * w->backoff_us : BACKOFF_FIRST_US;
    if (w->backoff_us > BACKOFF_MOST_US)
        w->backoff_us = BACKOFF_MOST_US;
    w->retry_us = clock_wire_us() + w->backoff_us;
}

static int try_commit(struct worker *w)
{
    bool written = false;
    if (w->uncertain) {
        int rc = place_reopen(w->place);
        if (rc == ERR_OK)
            rc = batch_written(w->place, &w->batch, &written);
        if (rc)
            return rc;
        w->uncertain = false;
    }
    return written ? ERR_OK : batch_write(w->place, &w->batch);
}

/* Whether there was anything to do. */
static bool commit_one(struct worker *w)
{
    if (!w->have) {
        if (ring_pop(w->s->batches, &w->batch) != ERR_OK)
            return false;
        w->have = true;
        atomic_store(&w->s->held, 1);
    }
    if (w->retry_us > clock_wire_us())
        return false;
    int rc = try_commit(w);
    if (rc)
        failed(w, rc);
    else
        committed(w);
    return true;
}

/* A question about rows that nobody has looked at since the start waits until somebody has. */
static bool answer_one(struct worker *w)
{
    struct place *p = w->place;
    if (w->have_page)
        return false;
    if (!w->have_question)
        w->have_question = ring_pop(w->s->questions, &w->question) == ERR_OK;
    if (!w->have_question ||
        (p->db.handle && !w->question.held && !check_knows(&p->check, w->question.after + 1)))
        return false;
    w->page = (struct store_message){
        .kind = STORE_PAGE,
        .seq = p->head.seq,
        .asker = w->question.asker,
        .page = page_build(&p->db, &p->check, &w->question, clock_wire_us() + PAGE_US)};
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

/* Sleeps until something comes or is due. */
static void rest(struct worker *w, bool told)
{
    struct pollfd fds[] = {{.fd = ring_fd(w->s->batches), .events = POLLIN},
                           {.fd = ring_fd(w->s->questions), .events = POLLIN},
                           {.fd = w->s->stop_fd, .events = POLLIN}};
    int64_t now = clock_wire_us(), until = INT64_MAX;
    if (w->have)
        until = w->retry_us;
    if (!told && until > now + TELL_AGAIN_US)
        until = now + TELL_AGAIN_US;
    if (w->stopping && until > atomic_load(&w->s->deadline_us))
        until = atomic_load(&w->s->deadline_us);
    int wait_ms = until == INT64_MAX ? -1 : until <= now ? 0 : (int)((until - now + 999) / 1000);
    poll(fds, w->stopping ? 2 : 3, wait_ms); /* the third stays readable once it was written */
    ring_woken(w->s->batches);
    ring_woken(w->s->questions);
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
    size_t waiting = ring_waiting(w->s->batches) + w->have;
    if (waiting && clock_wire_us() < deadline_us)
        return false;
    if (waiting)
        log_error("database: %zu batches are lost: no commit before the end", waiting);
    return true;
}

void *store_worker(void *arg)
{
    struct store *s = arg;
    struct worker w = {.s = s, .place = &s->place, .fold_at = FOLD_FRAMES, .last_us = clock_wire_us()};
    while (!is_over(&w)) {
        bool busy = commit_one(&w);
        busy |= answer_one(&w);
        bool told = tell(&w);
        if (!busy && !check_some(&w))
            rest(&w, told);
    }
    tell(&w);
    if (w.have_page)
        page_free(w.page.page);
    if (w.have)
        batch_finish(&w.batch);
    if (w.last_due || s->last.head.seq != s->place.head.seq)
        write_last(&w);
    place_close(&s->place);
    uint64_t one = 1;
    if (write(s->done_fd, &one, sizeof one) < 0)
        log_error("database: the end cannot be told");
    return NULL;
}
