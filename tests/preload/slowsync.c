/* A slow disk: each fsync and fdatasync of the program takes the milliseconds that the file DUST_SYNC_MS
 * holds, read anew at each call. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void dawdle(void)
{
    char text[32] = "";
    const char *name = getenv("DUST_SYNC_MS");
    int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0)
        return;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    long ms = n > 0 ? strtol(text, NULL, 10) : 0;
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* The real function behind ours. */
#define REAL(name) (__extension__(__typeof__(&name)) dlsym(RTLD_NEXT, #name))

int fsync(int fd)
{
    dawdle();
    return REAL(fsync)(fd);
}

int fdatasync(int fd)
{
    dawdle();
    return REAL(fdatasync)(fd);
}
