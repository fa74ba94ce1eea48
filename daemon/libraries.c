#include "daemon/libraries.h"

#include "daemon/base/mem.h"

#include <jansson.h>
#include <link.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LARGE_BLOCK = 32 * 1024 };

static void *crypto_new(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return mem_resize(NULL, size, 1);
}

static void *crypto_resize(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size)
        return mem_resize(old, size, 1);
    mem_free(old);
    return NULL;
}

static void crypto_free(void *old, const char *file, int line)
{
    (void)file;
    (void)line;
    mem_free(old);
}

/* One heap for all threads: they allocate little, and each heap more keeps its own free pages. A large block
 * is a mapping of its own: of a ring or a history only what is used is there, and what is freed is gone. From
 * the heap calloc would write zeros over all of it, and malloc raises this limit by itself with each large
 * block that is freed. */
void libraries_start(void)
{
#ifdef M_ARENA_MAX
    mallopt(M_ARENA_MAX, 1);
#endif
#ifdef M_MMAP_THRESHOLD
    mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK);
#endif
    json_set_alloc_funcs(mem_bytes, mem_free);
    CRYPTO_set_mem_functions(crypto_new, crypto_resize, crypto_free);
}

/* Whether the linker has written even where nobody may: not on the processors we build for. */
static bool has_text_relocations(const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_DYNAMIC)
            continue;
        const ElfW(Dyn) *d = (const ElfW(Dyn) *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        for (; d->d_tag != DT_NULL; d++)
            if (d->d_tag == DT_TEXTREL || (d->d_tag == DT_FLAGS && d->d_un.d_val & DF_TEXTREL))
                return true;
    }
    return false;
}

/* Whole pages of a segment that is mapped from its file and never written: what the linker relocates is in
 * the others. */
static int unmap_clean(struct dl_phdr_info *info, size_t size, void *page_size)
{
    (void)size;
    uintptr_t page = *(const uintptr_t *)page_size;
    if (has_text_relocations(info))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = (info->dlpi_addr + p->p_vaddr + page - 1) & ~(page - 1);
        uintptr_t to = (info->dlpi_addr + p->p_vaddr + p->p_filesz) & ~(page - 1);
        if (p->p_type == PT_LOAD && !(p->p_flags & PF_W) && from < to)
            madvise((void *)from, to - from, MADV_DONTNEED);
    }
    return 0;
}

void libraries_settle(void)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
#ifdef __GLIBC__
    malloc_trim(0);
#endif
    dl_iterate_phdr(unmap_clean, &page);
}

int libraries_leave(int code)
{
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    fflush(NULL);
    _exit(code);
#endif
    return code;
}
