#include "daemon/commands_seen.h"

#include "daemon/base/mem.h"
#include "daemon/store/journal.h"

#include <string.h>

uint64_t seen_key(const char *user, const char *id)
{
    uint8_t hash[HASH_SIZE];
    uint64_t key = 0;
    size_t n = strlen(user) + 1, all = n + strlen(id) + 1;
    char *text = mem_array(all, 1);
    memcpy(text, user, n);
    memcpy(text + n, id, all - n);
    hash_bytes(text, all, hash);
    mem_free(text);
    for (int i = 0; i < 8; i++)
        key = key << 8 | hash[i];
    return key;
}

int64_t seen_row(const struct commands_seen *s, const char *user, const char *id)
{
    uint64_t key = seen_key(user, id);
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].key == key)
            return s->entries[i].row;
    return 0;
}

/* The one that is over first. */
static struct seen_command *oldest(const struct commands_seen *s)
{
    struct seen_command *first = &s->entries[0];
    for (size_t i = 1; i < s->count; i++)
        if (s->entries[i].until_ms < first->until_ms)
            first = &s->entries[i];
    return first;
}

bool seen_has_room(const struct commands_seen *s, int64_t now_ms)
{
    return s->count < SEEN_COMMANDS || oldest(s)->until_ms <= now_ms;
}

void seen_add(struct commands_seen *s, const char *user, const char *id, int64_t until_ms, int64_t row)
{
    struct seen_command entry = {seen_key(user, id), until_ms, row};
    if (s->count == SEEN_COMMANDS) {
        *oldest(s) = entry;
        return;
    }
    if (s->count == s->room) {
        s->room = s->room ? s->room * 2 : 64;
        s->entries = mem_resize(s->entries, s->room, sizeof *s->entries);
    }
    s->entries[s->count++] = entry;
}

void seen_finish(struct commands_seen *s)
{
    mem_free(s->entries);
    *s = (struct commands_seen){0};
}
