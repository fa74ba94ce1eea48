#include "daemon/store/last.h"

#include "daemon/base/buf.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 1024 };

static const char pattern[] = "dustd journal.last 1\njournal %s\nseq %lld\nhash %s\nsimulated %s\nissue %s\n";

int dir_sync(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return ERR_IO;
    int rc = fsync(fd);
    close(fd);
    return rc ? ERR_IO : ERR_OK;
}

/* The text without and with its own checksum. */
static void print(const struct last *last, struct buf *b)
{
    char hex[65];
    uint8_t sum[HASH_SIZE];
    hash_hex(last->head.hash, hex);
    buf_printf(b, pattern, last->head.id, (long long)last->head.seq, hex, last->simulated ? "yes" : "no",
               last->issue[0] ? last->issue : "-");
    hash_bytes(b->data, b->length, sum);
    hash_hex(sum, hex);
    buf_printf(b, "sha256 %s\n", hex);
}

static int write_all(int fd, const char *text, size_t length)
{
    while (length) {
        ssize_t n = write(fd, text, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        text += n;
        length -= (size_t)n;
    }
    return fsync(fd) ? ERR_IO : ERR_OK;
}

int last_write(const char *dir, const struct last *last)
{
    char *name = mem_printf("%s/journal.last", dir), *draft = mem_printf("%s.tmp", name);
    struct buf text = {0};
    int rc = ERR_IO;
    print(last, &text);
    int fd = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd >= 0) {
        rc = write_all(fd, text.data, text.length);
        close(fd);
    }
    if (rc == ERR_OK && rename(draft, name) != 0)
        rc = ERR_IO;
    if (rc == ERR_OK)
        rc = dir_sync(dir);
    buf_finish(&text);
    mem_free(draft);
    mem_free(name);
    return rc;
}

static int parse(const char *text, struct last *last)
{
    struct last l = {0};
    char hash[65], simulated[4];
    long long seq;
    if (sscanf(text,
               "dustd journal.last 1\njournal %32[0-9a-f]\nseq %lld\nhash %64[0-9a-f]\nsimulated %3[a-z]\n"
               "issue %31[^\n]",
               l.head.id, &seq, hash, simulated, l.issue) != 5 ||
        seq < 0 || hash_parse(hash, l.head.hash))
        return ERR_DAMAGED;
    l.head.seq = seq;
    l.simulated = strcmp(simulated, "yes") == 0;
    if (strcmp(l.issue, "-") == 0)
        l.issue[0] = 0;
    /* what was read must print as the very text, checksum and all */
    struct buf again = {0};
    print(&l, &again);
    int rc = strcmp(again.data, text) == 0 ? ERR_OK : ERR_DAMAGED;
    buf_finish(&again);
    if (rc == ERR_OK)
        *last = l;
    return rc;
}

int last_read(const char *dir, struct last *last)
{
    *last = (struct last){0};
    char text[TEXT_MAX];
    char *name = mem_printf("%s/journal.last", dir);
    int fd = open(name, O_RDONLY | O_CLOEXEC);
    mem_free(name);
    if (fd < 0)
        return errno == ENOENT ? ERR_OK : ERR_IO;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n < 0)
        return ERR_IO;
    text[n] = 0;
    return parse(text, last);
}
