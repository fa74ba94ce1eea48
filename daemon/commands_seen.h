/* Ids of commands that were carried out, until they have expired, so that none is carried out twice. Pure. */
#ifndef DUST_COMMANDS_SEEN_H
#define DUST_COMMANDS_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SEEN_COMMANDS = 16384
}; /* 400 kB; a user may have 3,000 in the ten minutes for which one may be valid */

struct seen_command {
    uint64_t key;
    int64_t until_ms; /* site time */
    int64_t row;      /* that it became */
};

/* Zeroed: empty. */
struct commands_seen {
    struct seen_command *entries;
    size_t count, room;
};

/* The first 8 bytes of SHA-256 over both with their ends. */
uint64_t seen_key(const char *user, const char *id);

/* 0: it was not. */
int64_t seen_row(const struct commands_seen *s, const char *user, const char *id);

/* False: all entries are still of use. An entry that is over is kept until its place is needed. */
bool seen_has_room(const struct commands_seen *s, int64_t now_ms);
void seen_add(struct commands_seen *s, const char *user, const char *id, int64_t until_ms, int64_t row);

void seen_finish(struct commands_seen *s);

#endif
