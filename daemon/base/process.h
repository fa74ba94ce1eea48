/* What this process uses of the machine, and how full a disk is: from /proc and statvfs. Any thread. */
#ifndef DUST_PROCESS_H
#define DUST_PROCESS_H

#include <stdint.h>

/* -1 where the system does not say. cpu_us: of all threads since the start. */
struct process_state {
    int64_t rss_bytes, cpu_us;
    int fds, threads;
};
void process_look(struct process_state *s);

/* Of the file system that holds `path`: what we may still write, and its size. ERR_IO. */
int disk_look(const char *path, int64_t *free_bytes, int64_t *size_bytes);

#endif
