#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/inside.h"
#include "daemon/store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct store_copy {
    struct db db;
    struct check check;
    char *dir, *file;
};

static int copy_bytes(int from, int to)
{
    char bytes[65536];
    ssize_t n;
    while ((n = read(from, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return ERR_IO;
        for (ssize_t done = 0; done < n;) {
            ssize_t w = write(to, bytes + done, (size_t)(n - done));
            if (w < 0 && errno != EINTR)
                return ERR_IO;
            done += w > 0 ? w : 0;
        }
    }
    return ERR_OK;
}

static int copy_file(const char *file, const char *copy, const char *suffix)
{
    char *source = mem_printf("%s%s", file, suffix), *target = mem_printf("%s%s", copy, suffix);
    int rc = ERR_IO, to = -1;
    int from = open(source, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        rc = errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    else
        to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to >= 0)
        rc = copy_bytes(from, to);
    if (from >= 0)
        close(from);
    if (to >= 0)
        close(to);
    mem_free(source);
    mem_free(target);
    return rc;
}

static int make_dir(struct store_copy *s)
{
    const char *tmp = getenv("TMPDIR");
    s->dir = mem_printf("%s/dust-copy-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
    if (!mkdtemp(s->dir)) {
        s->dir[0] = 0;
        return ERR_IO;
    }
    s->file = mem_printf("%s/dust.db", s->dir);
    return ERR_OK;
}

static void remove_files(const struct store_copy *s)
{
    static const char *const suffixes[] = {"-journal", "-shm", "-wal", ""};
    for (size_t i = 0; s->file && i < sizeof suffixes / sizeof *suffixes; i++) {
        char *name = mem_printf("%s%s", s->file, suffixes[i]);
        unlink(name);
        mem_free(name);
    }
    if (s->dir && s->dir[0])
        rmdir(s->dir);
}

int store_copy_open(const char *file, struct store_copy **out, struct journal *head, char *why,
                    size_t why_size)
{
    struct store_copy *s = mem_new(struct store_copy);
    struct birth is = {0};
    int64_t last_at_ms;
    *out = NULL;
    int rc = make_dir(s);
    if (rc == ERR_OK)
        rc = copy_file(file, s->file, "");
    if (rc == ERR_OK) {
        rc = copy_file(file, s->file, "-wal");
        if (rc == ERR_NOT_FOUND)
            rc = ERR_OK; /* a stopped daemon leaves none */
    }
    if (rc) {
        snprintf(why, why_size, "%s cannot be copied: %s", file, strerror(errno));
        store_copy_close(s);
        return rc;
    }
    rc = db_open(&s->db, s->file, DB_WRITE);
    if (rc == ERR_OK)
        rc = schema_open(&s->db, &is, false, &is);
    if (rc == ERR_OK)
        rc = schema_head(&s->db, head, &last_at_ms);
    if (rc) {
        const char *reason = rc == ERR_VERSION  ? err_str(rc)
                             : db_error(&s->db) ? db_text(&s->db)
                                                : err_str(rc);
        snprintf(why, why_size, "%s: %s", file, reason);
        store_copy_close(s);
        return rc;
    }
    /* SQLite has all it needs open: whatever ends us, a closed pipe too, leaves no gigabyte in /tmp */
    remove_files(s);
    memcpy(head->id, is.id, sizeof head->id);
    check_begin(&s->check, head->seq + 1);
    while (check_slice(&s->check, &s->db))
        continue;
    *out = s;
    return ERR_OK;
}

struct page *store_copy_ask(struct store_copy *s, const struct question *q)
{
    return page_build(&s->db, &s->check, q, INT64_MAX);
}

int store_copy_scan_samples(struct store_copy *s, void (*each)(const void *data, size_t length, void *arg),
                            void *arg)
{
    return samples_scan(&s->db, each, arg);
}

void store_copy_close(struct store_copy *s)
{
    if (!s)
        return;
    db_close(&s->db);
    remove_files(s);
    mem_free(s->file);
    mem_free(s->dir);
    mem_free(s);
}
