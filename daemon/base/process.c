#include "daemon/base/process.h"

#include "daemon/base/err.h"
#include "daemon/base/file.h"
#include "daemon/base/mem.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { STATM_MAX = 256 };

/* Entries of a directory; -1: it cannot be read. */
static int entries(const char *path)
{
    int n = 0;
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static int64_t rss_bytes(void)
{
    char *text;
    size_t length;
    long long size, resident = -1;
    if (file_read("/proc/self/statm", STATM_MAX, &text, &length) != ERR_OK)
        return -1;
    if (sscanf(text, "%lld %lld", &size, &resident) == 2)
        resident *= sysconf(_SC_PAGESIZE);
    mem_free(text);
    return resident;
}

static int64_t micros(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000 + t.tv_usec;
}

void process_look(struct process_state *s)
{
    struct rusage usage;
    int fds = entries("/proc/self/fd");
    *s = (struct process_state){.rss_bytes = rss_bytes(),
                                .cpu_us = -1,
                                .fds = fds < 0 ? -1 : fds - 1, /* but for the one that counts */
                                .threads = entries("/proc/self/task")};
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        s->cpu_us = micros(usage.ru_utime) + micros(usage.ru_stime);
}

int disk_look(const char *path, int64_t *free_bytes, int64_t *size_bytes)
{
    struct statvfs v;
    if (statvfs(path, &v) != 0)
        return ERR_IO;
    *free_bytes = (int64_t)v.f_bavail * (int64_t)v.f_frsize;
    *size_bytes = (int64_t)v.f_blocks * (int64_t)v.f_frsize;
    return ERR_OK;
}
