/* Photos of issues: taken in as an open file, kept in <state directory>/photos under the SHA-256 of what they
 * are. A thread reads and writes, so that nothing waits for a disk; main looks at what came of it. One at a
 * time. */
#ifndef DUST_PHOTO_H
#define DUST_PHOTO_H

#include <stdbool.h>
#include <stdint.h>

struct photo_keeper;
struct photo_part;

struct photo_wish {
    int file;                      /* becomes the keeper's; -1: a part of one comes */
    const char *dir;               /* of the state */
    int64_t size, room;            /* bytes: of this one at most, of all at most */
    const char *as;                /* whatever main wants to know again, in photo_done; copied */
    const char *sha256;            /* which it must be; NULL: any */
    const struct photo_part *part; /* NULL: all of it is the file; copied */
};

struct photo_done {
    char why[160]; /* "": it is kept */
    char sha256[65];
    char type[8]; /* "jpg", "png", "webp" */
    int64_t bytes;
    bool was_there; /* the very same had been kept before */
    int have, of;   /* parts; of 0: it did not come in parts. Kept once all are there */
    char *as;       /* mem_free */
};

/* Makes the descriptor; a thread runs only while a photo is taken in. */
struct photo_keeper *photo_open(void);

/* The descriptor to poll for POLLIN. */
int photo_fd(const struct photo_keeper *k);

/* False: one is being taken in; the file is closed. Strings are copied. */
bool photo_keep(struct photo_keeper *k, const struct photo_wish *wish);

/* What came of the last one: true once. Its `why`: no photo (JPEG, PNG or WebP by its first bytes), no
 * ordinary file, too large, no room left, or what the system said. */
bool photo_take(struct photo_keeper *k, struct photo_done *done);

/* Waits for a photo that is on its way, at most `wait_ms`; a thread that hangs is left behind. */
void photo_close(struct photo_keeper *k, int wait_ms);

/* The part that the thread does: for tests. */
void photo_store(const struct photo_wish *wish, struct photo_done *done);

#endif
