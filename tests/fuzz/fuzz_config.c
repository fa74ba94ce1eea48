/* Any bytes as a site's configuration: refused with a place, or what is printed loads to the same. Run it in
 * the source's root: it finds the shipped profiles and limits in config/. */
#include "daemon/base/yaml.h"
#include "daemon/config/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const dirs[] = {"config", NULL};

/* The bytes as a file that has a name; close the descriptor in the end. */
static int file_of(const void *data, size_t size, char name[static 40])
{
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(name, 40, "/proc/self/fd/%d", fd);
    return fd;
}

static char *printed(const struct config *c, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    config_print(c, out);
    fclose(out);
    return text;
}

static void must_load_to_the_same(const struct config *c)
{
    char name[40];
    size_t n, m;
    char *once = printed(c, &n);
    int fd = file_of(once, n, name);
    struct config *again = NULL;
    struct complaint why;
    if (config_load(name, dirs, &again, &why))
        abort();
    char *twice = printed(again, &m);
    if (n != m || memcmp(once, twice, n) != 0)
        abort();
    close(fd);
    free(once);
    free(twice);
    config_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[40];
    int fd = file_of(data, size, name), line, column;
    struct config *c = NULL;
    struct complaint why;
    if (config_load(name, dirs, &c, &why) == 0)
        must_load_to_the_same(c);
    else if (strncmp(why.text, name, strlen(name)) == 0 &&
             sscanf(why.text + strlen(name), ":%d:%d: ", &line, &column) != 2)
        abort();
    config_free(c);
    close(fd);
    return 0;
}
