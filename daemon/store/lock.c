#include "daemon/store/lock.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

int lock_take(const char *dir, bool create, int *fd)
{
    char *name = mem_printf("%s/dust.lock", dir);
    *fd = open(name, O_RDWR | O_CLOEXEC | (create ? O_CREAT : 0), 0640);
    mem_free(name);
    if (*fd < 0)
        return errno == ENOENT && !create ? ERR_NOT_FOUND : ERR_IO;
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return ERR_OK;
    int why = errno;
    lock_release(fd);
    errno = why;
    return why == EWOULDBLOCK ? ERR_STATE : ERR_IO;
}

void lock_release(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

bool lock_is_read_only(int fd)
{
    struct statvfs at;
    return fstatvfs(fd, &at) == 0 && (at.f_flag & ST_RDONLY);
}

/* After an error of the file system Linux 6.1 says so at the sync only, and newer ones only here. */
bool lock_takes_writes(int fd)
{
    if (lock_is_read_only(fd))
        return false;
    return (pwrite(fd, "\n", 1, 0) >= 0 && fsync(fd) == 0) || errno != EROFS;
}
