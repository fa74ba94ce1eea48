#include "daemon/base/file.h"

#include "daemon/base/err.h"
#include "daemon/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

static int sync_dir_of(const char *path)
{
    char *copy = mem_string(path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    mem_free(copy);
    if (fd < 0)
        return ERR_IO;
    int rc = fsync(fd);
    close(fd);
    return rc ? ERR_IO : ERR_OK;
}

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length) {
        ssize_t n = write(fd, bytes, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return ERR_IO;
        bytes += n;
        length -= (size_t)n;
    }
    return fsync(fd) ? ERR_IO : ERR_OK;
}

static int write_draft(const char *draft, const void *bytes, size_t length, mode_t mode)
{
    unlink(draft); /* of a run that was killed: its mode would stay */
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return ERR_IO;
    int rc = write_all(fd, bytes, length);
    return close(fd) == 0 ? rc : ERR_IO;
}

int file_replace(const char *path, const void *bytes, size_t length, mode_t mode)
{
    char *draft = mem_printf("%s.tmp", path);
    int rc = write_draft(draft, bytes, length, mode);
    if (rc == ERR_OK && rename(draft, path) != 0)
        rc = ERR_IO;
    if (rc != ERR_OK) {
        int error = errno;
        unlink(draft);
        errno = error;
    }
    mem_free(draft);
    return rc ? rc : sync_dir_of(path);
}

int file_read(const char *path, size_t most, char **bytes, size_t *length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    char *room = mem_array(most + 2, 1);
    size_t have = 0;
    ssize_t n = 1;
    while (have <= most && n != 0) {
        n = read(fd, room + have, most + 1 - have);
        if (n < 0 && errno != EINTR)
            break;
        have += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    int rc = n < 0 ? ERR_IO : have > most ? ERR_RANGE : ERR_OK;
    if (rc != ERR_OK) {
        mem_free(room);
        return rc;
    }
    room[have] = 0;
    *bytes = room;
    *length = have;
    return ERR_OK;
}
