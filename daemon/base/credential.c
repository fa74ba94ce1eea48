#include "daemon/base/credential.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
