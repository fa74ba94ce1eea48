/* Any bytes as a device's profile, its manual's frames included: refused with a place, or what is printed
 * loads to the same. */
#include "daemon/base/buf.h"
#include "daemon/base/yaml.h"
#include "drivers/profile.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The profile that the bytes are, NULL when they are none: then `why` says so with a place. */
static struct profile *profile_of(const void *data, size_t size, struct complaint *why)
{
    char name[40];
    struct profile *p = NULL;
    int fd = memfd_create("fuzz", 0), line, column;
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    if (profile_load(name, &p, why) && (strncmp(why->text, name, strlen(name)) != 0 ||
                                        sscanf(why->text + strlen(name), ":%d:%d: ", &line, &column) != 2))
        abort();
    close(fd);
    return p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct complaint why;
    struct buf once = {0}, twice = {0};
    struct profile *p = profile_of(data, size, &why), *again;
    if (!p)
        return 0;
    profile_print(p, 0, &once);
    again = profile_of(once.data, once.length, &why);
    if (!again)
        abort();
    profile_print(again, 0, &twice);
    if (strcmp(once.data, twice.data) != 0)
        abort();
    profile_free(p);
    profile_free(again);
    buf_finish(&once);
    buf_finish(&twice);
    return 0;
}
