/* The one place that allocates. A failed allocation is a log line and exit 71 (EX_OSERR): the database is
 * written by transactions, so nothing is half-done, and systemd starts us again. Callers carry no
 * out-of-memory branch. Any thread. */
#ifndef DUST_MEM_H
#define DUST_MEM_H

#include <stddef.h>

/* Zeroed memory for `count` things of `size` bytes; never NULL; the caller frees with mem_free. */
void *mem_array(size_t count, size_t size);

/* `size` zeroed bytes, in the shape that libraries want for an allocator of their own. */
void *mem_bytes(size_t size);

/* `old` (or NULL) resized to `count` things; new bytes are not zeroed; never NULL. */
void *mem_resize(void *old, size_t count, size_t size);

/* As mem_array, for a table that has room for the worst case and is mostly empty: pages of its own, of which
 * only those that were ever written take memory. (calloc writes zeros where something was freed before.)
 * Given back with mem_pages_free, which is told the same sizes and accepts NULL. */
void *mem_pages(size_t count, size_t size);
void mem_pages_free(void *old, size_t count, size_t size);

/* A copy of a string; NULL stays NULL. */
char *mem_string(const char *text);

/* The first `length` bytes of `text` as a string of its own. */
char *mem_string_n(const char *text, size_t length);

/* A printed string of the length it needs. */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A library found no memory: says so and ends the process as a failed allocation of ours would. */
_Noreturn void mem_exhausted(void);

/* Accepts NULL. */
void mem_free(void *old);

#define mem_new(type) ((type *)mem_array(1, sizeof(type)))

#endif
