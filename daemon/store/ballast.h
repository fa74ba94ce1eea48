/* A file beside the database that holds nothing but room: given up when the disk is full, made again when
 * there is room for it twice. The store thread's. */
#ifndef DUST_BALLAST_H
#define DUST_BALLAST_H

#include <stdbool.h>
#include <stdint.h>

struct ballast {
    int64_t bytes; /* wanted; 0: none */
    bool present;
};

/* Whether the disk has so many bytes free. */
bool ballast_room(const char *dir, int64_t bytes);

/* Makes <dir>/dust.ballast of that size, if there is room twice; removes one of another size. Whether the
 * disk has room enough: the file is there, or none is wanted and there would be room for one. */
bool ballast_make(struct ballast *b, const char *dir);

/* Whether that gave room. */
bool ballast_release(struct ballast *b, const char *dir);

#endif
