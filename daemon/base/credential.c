#include "daemon/base/credential.h"

#include "daemon/base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME_BYTES_MAX = 100 };

char *credential_path(const char *name, char path[static CREDENTIAL_PATH_MAX])
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (strchr(name, '/'))
        snprintf(path, CREDENTIAL_PATH_MAX, "%s", name);
    else
        snprintf(path, CREDENTIAL_PATH_MAX, "%s/%s", dir && *dir ? dir : "$CREDENTIALS_DIRECTORY", name);
    return path;
}

const char *credential_check(const char *name)
{
    static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    if (name[0] == '/' || !length)
        return NULL;
    bool fits = length <= NAME_BYTES_MAX && name[0] != '.' && strspn(name, legal) == length;
    return fits ? NULL : "an absolute path, from /, or the name of a file in $CREDENTIALS_DIRECTORY";
}

int credential_line(const char *name, char line[static CREDENTIAL_LINE_MAX], char *why, size_t size)
{
    char file[CREDENTIAL_PATH_MAX];
    int fd = open(credential_path(name, file), O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, line, CREDENTIAL_LINE_MAX - 1);
    int saved = errno;
    if (fd >= 0)
        close(fd);
    if (n < 0) {
        snprintf(why, size, "%.100s: %s", file, strerrordesc_np(saved));
        return ERR_IO;
    }
    line[n] = 0;
    line[strcspn(line, "\r\n")] = 0;
    return ERR_OK;
}
