/* A folder of its own for each test of photos. */
#ifndef PHOTO_FOLDER_H
#define PHOTO_FOLDER_H

#include "daemon/base/mem.h"

#include <stdlib.h>
#include <string.h>

static char dir[32];

static inline int make_folder(void)
{
    strcpy(dir, "/tmp/dust-photo-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static inline int teardown(void **state)
{
    (void)state;
    char *command = mem_printf("rm -r %s", dir);
    int rc = system(command);
    mem_free(command);
    return rc;
}

#endif
