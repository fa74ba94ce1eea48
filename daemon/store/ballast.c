#include "daemon/store/ballast.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"
#include "daemon/store/last.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { UNSET_BYTES = 16000000 }; /* what a disk must have free that has no ballast to show it */

bool ballast_room(const char *dir, int64_t bytes)
{
    struct statvfs at;
    return statvfs(dir, &at) == 0 && (int64_t)at.f_bavail * (int64_t)at.f_frsize >= bytes;
}

static int fill(const char *name, int64_t bytes)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0)
        return ERR_IO;
    int rc = posix_fallocate(fd, 0, (off_t)bytes) == 0 && fsync(fd) == 0 ? ERR_OK : ERR_FULL;
    close(fd);
    if (rc)
        unlink(name);
    return rc;
}

bool ballast_make(struct ballast *b, const char *dir)
{
    struct stat st;
    char *name = mem_printf("%s/dust.ballast", dir);
    bool there = stat(name, &st) == 0;
    if (there && (b->bytes == 0 || st.st_size != (off_t)b->bytes))
        there = unlink(name) != 0;
    if (!there && b->bytes && ballast_room(dir, 2 * b->bytes))
        there = fill(name, b->bytes) == ERR_OK;
    b->present = there && b->bytes;
    mem_free(name);
    return b->bytes ? b->present : ballast_room(dir, UNSET_BYTES);
}

bool ballast_release(struct ballast *b, const char *dir)
{
    char *name = mem_printf("%s/dust.ballast", dir);
    bool gave = b->present && unlink(name) == 0;
    if (gave)
        dir_sync(dir); /* on some file systems only then is there room */
    b->present = false;
    mem_free(name);
    return gave;
}
