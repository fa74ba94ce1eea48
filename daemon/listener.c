#include "daemon/listener.h"

#include "daemon/base/err.h"
#include "daemon/base/log.h"
#include "daemon/base/mem.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int listen_on(const struct sockaddr_un *address, int backlog)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    /* the mode of the unbound socket becomes the file's: at no moment may others connect */
    if (fchmod(fd, 0660) == 0 && bind(fd, (const struct sockaddr *)address, sizeof *address) == 0) {
        if (chmod(address->sun_path, 0660) == 0 && listen(fd, backlog) == 0)
            return fd;
        unlink(address->sun_path);
    }
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* Whether the file is a socket nobody listens on any more. */
static bool is_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused =
        connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

int listener_open(struct listener *l, const char *path, int backlog)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof address.sun_path)
        return ERR_RANGE;
    memcpy(address.sun_path, path, length + 1);
    int fd = listen_on(&address, backlog);
    if (fd < 0 && errno == EADDRINUSE) {
        if (!is_stale(&address))
            return ERR_STATE;
        log_info("control socket %s: left over from an earlier run, removed", path);
        unlink(path);
        fd = listen_on(&address, backlog);
    }
    if (fd < 0)
        return ERR_IO;
    struct stat st = {0};
    if (lstat(path, &st) != 0)
        memset(&st, 0, sizeof st); /* somebody has removed it already: then it is not ours to remove */
    *l = (struct listener){.fd = fd, .path = mem_string(path), .device = st.st_dev, .inode = st.st_ino};
    return ERR_OK;
}

int listener_give(struct listener *l, const char *name)
{
    errno = 0;
    const struct group *group = getgrnam(name);
    if (!group && errno == ENOMEM)
        mem_exhausted();
    if (!group)
        return ERR_NOT_FOUND;
    gid_t gid = group->gr_gid;
    const struct passwd *user = geteuid() == 0 ? getpwnam(name) : NULL;
    /* lchown: what may have taken the file's place in the meantime is no way to anything else */
    return lchown(l->path, user ? user->pw_uid : (uid_t)-1, gid) == 0 ? ERR_OK : ERR_DENIED;
}

void listener_close(struct listener *l)
{
    struct stat st;
    if (lstat(l->path, &st) == 0 && st.st_dev == l->device && st.st_ino == l->inode)
        unlink(l->path);
    close(l->fd);
    mem_free(l->path);
    *l = (struct listener){.fd = -1};
}
