#include "daemon/base/clock.h"
#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The file first: a WAL left behind by a crash between two of them is dropped by SQLite when it makes the new
 * file; the old file left behind without its WAL would look whole. A hot journal must not stay in any case.
 */
static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

/* "20261123T081500Z" */
static void stamp(char text[static 32])
{
    clock_text(clock_site_ms(), 0, text);
    size_t n = 0;
    for (size_t i = 0; i < 19; i++)
        if (text[i] != '-' && text[i] != ':')
            text[n++] = text[i];
    memcpy(text + n, "Z", 2);
}

static bool exists(const char *name)
{
    return access(name, F_OK) == 0;
}

static char *condemned(const struct place *p)
{
    return mem_printf("%s.condemned", p->file);
}

int aside_move(const struct place *p, char *name, size_t size)
{
    char when[32];
    stamp(when);
    int n = snprintf(name, size, "%s.damaged-%s", p->file, when);
    for (int i = 2; exists(name) && i < 1000; i++)
        n = snprintf(name, size, "%s.damaged-%s-%d", p->file, when, i);
    if (n < 0 || (size_t)n >= size)
        return ERR_RANGE;
    int rc = ERR_OK;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char *from = mem_printf("%s%s", p->file, suffixes[i]), *to = mem_printf("%s%s", name, suffixes[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            rc = ERR_IO;
        mem_free(to);
        mem_free(from);
    }
    if (rc == ERR_OK)
        rc = dir_sync(p->dir);
    char *mark = condemned(p);
    if (rc == ERR_OK && unlink(mark) != 0 && errno != ENOENT)
        rc = ERR_IO;
    mem_free(mark);
    return rc;
}

void aside_condemn(const struct place *p)
{
    char *mark = condemned(p);
    int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
        dir_sync(p->dir);
    }
    mem_free(mark);
}

bool aside_condemned(const struct place *p)
{
    char *mark = condemned(p);
    bool is = exists(mark);
    mem_free(mark);
    return is;
}
