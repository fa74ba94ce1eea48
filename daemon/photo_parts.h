/* Photos that come in parts, because a message is too small for them: what has come lies in
 * <state directory>/photo-parts, in any order and over restarts, until all is there and its SHA-256 is the
 * one that each part names. At most PHOTO_UPLOADS at a time, PHOTO_UPLOADS_OF_ONE of one sender, each no
 * larger than a photo may be and untouched for no longer than PHOTO_UPLOAD_MS of site time. */
#ifndef DUST_PHOTO_PARTS_H
#define DUST_PHOTO_PARTS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct photo_done;
struct photo_wish;

enum {
    PHOTO_PART_BYTES = 8192, /* of each part but the last, which has the rest */
    PHOTO_PARTS_MAX = 8192,  /* 64 MiB, more than photo_size can be */
    PHOTO_UPLOADS = 8,
    PHOTO_UPLOADS_OF_ONE = 2, /* a third takes the place of the one that was left alone for longest */
    PHOTO_UPLOAD_MS = 3600000,
    PHOTO_PART_WHY = 160,
};

struct photo_part {
    char sha256[65]; /* of the whole photo: 64 hex digits */
    char upload[65]; /* likewise: of who sends what to which issue */
    uint64_t sender; /* a number of his own */
    int part, of;    /* from 1 */
    size_t length;   /* of `data` */
    int64_t now_ms;  /* site time */
    unsigned char data[PHOTO_PART_BYTES];
};

/* What the members "issue", "photo", "part", "of" and "data" (base64, RFC 4648 section 4) of a request say,
 * if the photo may have `size` bytes at most. ERR_FORMAT: `why` in plain words. Pure. */
int photo_part_read(const json_t *request, const char *sender, int64_t size, int64_t now_ms,
                    struct photo_part *out, char why[static PHOTO_PART_WHY]);

/* Keeps the wish's part, if it is not there yet, and with the last one the photo. `done` says how many there
 * are of how many; only a whole one has type and size. What does not fit its SHA-256, or is no photo, is
 * thrown away. The photo keeper's thread. */
void photo_part_store(const struct photo_wish *wish, struct photo_done *done);

#endif
