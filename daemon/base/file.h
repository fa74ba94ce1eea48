/* Small files, whole or not at all. Any thread; both wait for the disk. */
#ifndef DUST_FILE_H
#define DUST_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Puts `length` bytes under `path`: written to <path>.tmp with `mode`, synced, renamed, the directory synced.
 * ERR_IO with errno; what was there before is then still there, and no .tmp. */
int file_replace(const char *path, const void *bytes, size_t length, mode_t mode);

/* The file's bytes and a zero byte, at most `most`; the caller frees (mem_free). ERR_NOT_FOUND: there is
 * none; ERR_RANGE: longer than `most`; ERR_IO with errno. */
int file_read(const char *path, size_t most, char **bytes, size_t *length);

#endif
