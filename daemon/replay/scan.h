/* Members of a JSON object, read where they stand: for the lines of an export, of which there are millions.
 * It understands what dustd writes; whatever else (escapes in names, white space) it does not, and then a
 * full parser has the word. Pure. */
#ifndef DUST_REPLAY_SCAN_H
#define DUST_REPLAY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct span {
    const char *text; /* of a string without its quotes; of an object or array with its brackets */
    size_t length;
};

enum scanned { SCAN_END, SCAN_MEMBER, SCAN_STRANGE };

/* `*at` stands on the '{' or behind the last member, and moves on. */
enum scanned scan_member(const char **at, struct span *key, struct span *value);

bool span_is(struct span s, const char *text);
double span_number(struct span s); /* NaN: it is none */
long long span_integer(struct span s);

#endif
