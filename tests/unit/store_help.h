/* A journal that a test writes through the store: rows, batches, and waiting for what the thread says. */
#ifndef DUST_TEST_STORE_HELP_H
#define DUST_TEST_STORE_HELP_H

#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/store.h"

#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELP_WAIT_MS = 20000 };

static inline char *help_dir(void)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = mem_printf("%s/dust-test-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        abort();
    return dir;
}

/* For tests in which nothing depends on a real disk: directories in memory, where there is such a place. */
static inline void help_in_memory(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0);
}

/* Removes the directory (flat) and its name. */
static inline void help_dir_remove(char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
        char *name = mem_printf("%s/%s", dir, e->d_name);
        if (e->d_name[0] != '.')
            unlink(name);
        mem_free(name);
    }
    if (d)
        closedir(d);
    rmdir(dir);
    mem_free(dir);
}

static inline void help_cursor_seen(const struct store_cursor *c, void *arg)
{
    struct store_cursor *wanted = arg;
    if (strcmp(c->uplink, wanted->uplink) == 0)
        *wanted = *c;
}

/* Before store_start: where an uplink stands; 0: it never had a cursor. */
static inline int64_t help_cursor(struct store *s, const char *uplink)
{
    struct store_cursor wanted = {.seq = 0};
    snprintf(wanted.uplink, sizeof wanted.uplink, "%s", uplink);
    if (store_scan_cursors(s, help_cursor_seen, &wanted) != 0)
        abort();
    return wanted.seq;
}

/* The n-th row of a test's journal is told by its seq alone, so that any process can check any row: each
 * seventh is an issue, each fifth a device, the others are minutes; minutes are a minute apart. */
static inline int64_t help_at(int64_t seq)
{
    return 1700000000000 + seq * 60000;
}

static inline const char *help_kind(int64_t seq)
{
    return seq % 7 == 0 ? "issue" : seq % 5 == 0 ? "device" : "minute";
}

static inline char *help_body(int64_t seq, int length)
{
    return mem_printf("{\"ts\":%lld,\"kind\":\"%s\",\"subject\":\"s%lld\",\"pad\":\"%0*lld\"}",
                      (long long)help_at(seq), help_kind(seq), (long long)(seq % 3), length,
                      (long long)seq * 7919);
}

static inline void help_row(struct journal *head, struct row *row, int length)
{
    char subject[8];
    int64_t seq = head->seq + 1;
    snprintf(subject, sizeof subject, "s%d", (int)(seq % 3));
    journal_append(head, row, help_at(seq), help_kind(seq), subject, help_body(seq, length));
}

/* A batch of `n` rows with bodies of about `length` bytes. */
static inline struct batch help_batch(struct journal *head, int n, int length)
{
    struct batch b = {.nrows = n};
    b.rows = n ? mem_array((size_t)n, sizeof *b.rows) : NULL;
    for (int i = 0; i < n; i++)
        help_row(head, &b.rows[i], length);
    return b;
}

static inline void *help_bytes(const char *text)
{
    return mem_string(text);
}

/* The next message; false after HELP_WAIT_MS. */
static inline bool help_next(struct store *s, struct store_message *m)
{
    struct pollfd p = {.fd = ring_fd(store_ring(s)), .events = POLLIN};
    int64_t end_us = clock_wire_us() + HELP_WAIT_MS * 1000;
    while (clock_wire_us() < end_us) {
        ring_woken(store_ring(s));
        if (ring_pop(store_ring(s), m) == ERR_OK)
            return true;
        poll(&p, 1, 50);
    }
    return false;
}

/* The next message of a kind; others are dropped. */
static inline bool help_wait(struct store *s, enum store_message_kind kind, struct store_message *m)
{
    while (help_next(s, m)) {
        if (m->kind == kind)
            return true;
        page_free(m->page);
    }
    return false;
}

/* Until everything up to `seq` is announced. */
static inline bool help_committed(struct store *s, int64_t seq)
{
    struct store_message m;
    do
        if (!help_wait(s, STORE_COMMITTED, &m))
            return false;
    while (m.seq < seq);
    return true;
}

static inline struct page *help_ask(struct store *s, struct question q)
{
    struct store_message m;
    if (q.to_ms == 0)
        q.to_ms = INT64_MAX;
    if (store_ask(s, &q) != ERR_OK || !help_wait(s, STORE_PAGE, &m))
        abort();
    return m.page;
}

#endif
