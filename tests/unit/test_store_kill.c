/* kill -9 at random moments: a child writes and tells each announced row over a pipe; whatever it told must
 * be in the file afterwards, with the content it told. DUST_KILLS: how many (20); DUST_SEED: the moments. */
#include "store_help.h"

#include "daemon/base/buf.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

enum { ROWS_MOST = 1 << 20, MOMENT_MOST_US = 60000 };

struct told { /* what the child says of a row when it is announced */
    int64_t seq;
    uint8_t hash[HASH_SIZE];
};

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 0) : otherwise;
}

static uint64_t random_of(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* A row whose content differs from run to run, so that a seq used twice would show. */
static void run_row(struct journal *head, struct row *row, int run)
{
    int64_t at_ms = help_at(head->seq + 1);
    journal_append(
        head, row, at_ms, "minute", "",
        mem_printf("{\"ts\":%lld,\"kind\":\"minute\",\"subject\":\"\",\"run\":%d,\"pad\":\"%0*d\"}",
                   (long long)at_ms, run, (int)(head->seq % 900), 0));
}

static struct batch run_batch(struct journal *head, int run, int i)
{
    struct batch b = {.nrows = i % 4};
    b.rows = b.nrows ? mem_array((size_t)b.nrows, sizeof *b.rows) : NULL;
    for (int k = 0; k < b.nrows; k++)
        run_row(head, &b.rows[k], run);
    b.chunk = mem_printf("chunk %d", i);
    b.chunk_length = strlen(b.chunk);
    if (i % 10 == 7) {
        b.raw = mem_string("raw");
        b.raw_length = 3;
        b.raw_seq = head->seq;
        snprintf(b.last_issue, sizeof b.last_issue, "LQ-2026-%04d", i);
    }
    return b;
}

/* Up to 16 batches in flight, as main would have them; each announced row goes down the pipe. Never returns.
 */
static void child(const char *dir, int pipe_fd, int run)
{
    static struct told rows[ROWS_MOST];
    struct store *s;
    struct store_opened info;
    struct store_message m;
    if (store_open(dir, false, &s, &info) != ERR_OK || info.damaged || store_start(s) != ERR_OK)
        _exit(3);
    struct journal head = info.head;
    int64_t told = head.seq;
    for (int i = 0;; i++) {
        struct batch b = run_batch(&head, run, i);
        for (int k = 0; k < b.nrows && b.rows[k].seq < ROWS_MOST; k++) {
            rows[b.rows[k].seq].seq = b.rows[k].seq;
            memcpy(rows[b.rows[k].seq].hash, b.rows[k].hash, HASH_SIZE);
        }
        if (store_commit(s, &b) != ERR_OK)
            _exit(4);
        while ((i % 16 == 0 ? help_next(s, &m) : ring_pop(store_ring(s), &m) == ERR_OK)) {
            for (; told < m.seq; told++)
                if (write(pipe_fd, &rows[told + 1], sizeof rows[0]) != sizeof rows[0])
                    _exit(5);
            if (i % 16 == 0 && m.batches == (uint64_t)i + 1)
                break;
        }
    }
}

struct witness {
    struct told *seen; /* by seq, over all runs */
    struct journal walk;
    int64_t rows;
};

static void check_row(const struct row *r, void *arg)
{
    struct witness *w = arg;
    assert_int_equal(journal_check(&w->walk, r), ERR_OK);
    if (w->seen[r->seq].seq)
        assert_memory_equal(w->seen[r->seq].hash, r->hash, HASH_SIZE);
    w->rows++;
}

/* Starts a child, kills it after `moment_us`, and returns the last row it announced. */
static int64_t kill_one(const char *dir, int run, uint64_t moment_us, struct witness *w)
{
    int fds[2], status;
    int64_t last = 0;
    struct told t;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        child(dir, fds[1], run);
    }
    close(fds[1]);
    usleep((useconds_t)moment_us);
    kill(pid, SIGKILL);
    while (read(fds[0], &t, sizeof t) == sizeof t) {
        if (w->seen[t.seq].seq)
            assert_memory_equal(w->seen[t.seq].hash, t.hash, HASH_SIZE);
        w->seen[t.seq] = t;
        last = t.seq;
    }
    close(fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return last;
}

static void no_announced_row_is_lost_or_changed_by_kill_9(void **state)
{
    (void)state;
    uint64_t kills = number_from("DUST_KILLS", 20), seed = number_from("DUST_SEED", 20261123) | 1;
    struct witness w = {.seen = mem_array(ROWS_MOST, sizeof *w.seen)};
    int64_t last = 0, opened_late = 0;
    char *dir = help_dir();
    print_message("DUST_SEED=%llu DUST_KILLS=%llu\n", (unsigned long long)seed, (unsigned long long)kills);
    /* A slow machine gets more children, and longer ones, until one has announced something. */
    for (int run = 1; (run <= (int)kills || (opened_late == 0 && run < 100)) && last < ROWS_MOST - 10000;
         run++) {
        struct store *s;
        struct store_opened info;
        int64_t told = kill_one(dir, run, random_of(&seed) % (MOMENT_MOST_US * (1 + (unsigned)run / 5)), &w);
        last = told > last ? told : last;
        opened_late += told > 0;
        assert_int_equal(store_open(dir, false, &s, &info), ERR_OK);
        assert_false(info.damaged);
        assert_true(info.head.seq >= last);
        w.walk = (struct journal){0};
        w.rows = 0;
        assert_int_equal(store_scan_rows(s, NULL, 0, check_row, &w), ERR_OK);
        assert_int_equal(w.rows, info.head.seq);
        store_stop(s, 1000);
    }
    print_message("%lld rows announced; %lld of %llu children were killed while announcing\n",
                  (long long)last, (long long)opened_late, (unsigned long long)kills);
    assert_true(opened_late > 0);
    mem_free(w.seen);
    help_dir_remove(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_announced_row_is_lost_or_changed_by_kill_9),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
